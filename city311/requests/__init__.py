"""Service requests: file one, learn how it stands, see that it reaches the system of record."""

from city311.requests.afterwards import Afterwards, Became, Words
from city311.requests.capability import Reopened, Requests
from city311.requests.delivery import Timing, Undelivered, retry, undelivered
from city311.requests.duplicates import Likely
from city311.requests.mine import Made, Reported
from city311.requests.photos import Photos, TooManyPhotos
from city311.requests.pictures import BadPicture, Fault
from city311.requests.states import State
from city311.requests.status import Kind, Status
from city311.requests.submit import Draft, Filed, UnknownService
from city311.requests.telling import Sentence, how_it_stands, phone
from city311.store.numbers import is_mistyped, make, parse

__all__ = [
    "Afterwards",
    "BadPicture",
    "Became",
    "Draft",
    "Fault",
    "Filed",
    "Kind",
    "Likely",
    "Made",
    "Photos",
    "Reopened",
    "Reported",
    "Requests",
    "Sentence",
    "State",
    "Status",
    "Timing",
    "TooManyPhotos",
    "Undelivered",
    "UnknownService",
    "Words",
    "how_it_stands",
    "is_mistyped",
    "make",
    "parse",
    "phone",
    "retry",
    "undelivered",
]
