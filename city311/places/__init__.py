"""Places: a resident's words or a pin become a point with its district, ward and ZIP, or one good question."""

from city311.places.build import ensure, problems
from city311.places.capability import Places, open_places
from city311.places.model import Ambiguous, Asset, Finding, Kind, Outside, Place, Point, Question, Unknown
from city311.places.spelling import Spelling, spelling

__all__ = [
    "Ambiguous",
    "Asset",
    "Finding",
    "Kind",
    "Outside",
    "Place",
    "Places",
    "Point",
    "Question",
    "Spelling",
    "Unknown",
    "ensure",
    "open_places",
    "problems",
    "spelling",
]
