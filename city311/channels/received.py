"""A message as a provider handed it over, the same for all of them, and the refusals of what is none."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass

from city311.store.correspondents import Heard

SMS = "sms"
WHATSAPP = "whatsapp"
EMAIL = "email"
"""Out only: what comes back goes to a mailbox of the city's."""

_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")


class Forged(Exception):
    """The signature or secret does not fit: nobody we know sent this."""


class Unreadable(Exception):
    """It is signed, but not of the shape that the provider documents. The text names what is wrong, not what came."""


@dataclass(frozen=True)
class Position:
    """A pin, in WGS 84 degrees."""

    lat: float
    lon: float


@dataclass(frozen=True)
class Media:
    """A file at the provider: its address, or the id under which the provider gives one."""

    reference: str
    content_type: str


@dataclass(frozen=True)
class Received:
    """One message of a resident.

    Attributes:
        id: the provider's own id of it; a repeated one is the same message.
        number: the resident's, in E.164. ``line``: ours, or our id at the provider.
        carrier_keyword: the provider took this for a word such as STOP, and dealt with it. ``asked`` is what it took
            it for (``stop``, ``start`` or ``help``), where it says so: a city may have given it words of its own.
        position, address: a pin, and what the resident's phone calls it.
    """

    channel: str
    provider: str
    id: str
    number: str
    line: str
    text: str = ""
    media: tuple[Media, ...] = ()
    position: Position | None = None
    address: str = ""
    carrier_keyword: bool = False
    asked: str = ""

    @property
    def client_id(self) -> str:
        """The id that the ledger of turns knows the message by."""
        name = f"{self.provider}:{self.id}"
        return name if len(name) <= 64 and name.isascii() else hashlib.sha256(name.encode()).hexdigest()

    def heard(self, secret: str) -> Heard:
        """Who wrote; the sender id is made with ``secret`` and tells nobody the number."""
        return Heard(sender_id(secret, self.channel, self.number), self.channel, self.number, self.provider, self.line)


@dataclass(frozen=True)
class Fate:
    """What became of a message of ours. ``failed`` says that it did not arrive and ``code`` why.

    ``reference`` names it as we did when we sent it, where the provider gives that back.
    """

    provider_id: str
    state: str
    failed: bool = False
    code: str = ""
    reference: str = ""


def sender_id(secret: str, channel: str, number: str) -> str:
    """The id under which the dialogue knows a phone on a channel."""
    digest = hmac.new(secret.encode(), f"{channel}:{number}".encode(), hashlib.sha256).digest()
    return f"{channel}-{base64.urlsafe_b64encode(digest[:18]).decode()}"


def is_number(text: str) -> bool:
    """Whether this is a telephone number in E.164, and not the short code of a company."""
    return _NUMBER.fullmatch(text) is not None


def position(lat: object, lon: object) -> Position | None:
    """The pin that these say; None when it is none."""
    try:
        place = Position(float(str(lat)), float(str(lon)))
    except ValueError:
        return None
    return place if -90 <= place.lat <= 90 and -180 <= place.lon <= 180 else None
