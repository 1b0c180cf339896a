"""What a provider can do for us, and how it can fail. One module a provider says how."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


class NotTaken(Exception):
    """The provider surely did not take the message; again after ``wait_s`` seconds (None: as the queue sees fit)."""

    def __init__(self, reason: str, wait_s: float | None = None) -> None:
        super().__init__(reason)
        self.wait_s = wait_s


class MaybeTaken(Exception):
    """No answer: the provider may have taken the message, or not."""


class CannotTell(Exception):
    """The provider cannot be asked whether it has a message. ``news``: it tells of each message by itself, soon."""

    def __init__(self, reason: str, *, news: bool) -> None:
        super().__init__(reason)
        self.news = news


class NotAllowed(Exception):
    """The provider will never take this message. The text is the provider's code."""


class OptedOut(NotAllowed):
    """The provider knows that this resident has stopped messages from us."""


class WindowClosed(NotAllowed):
    """WhatsApp: the resident has not written for 24 hours, so that only a template is taken."""


@dataclass(frozen=True)
class Choice:
    """A button or an entry of a list: what it shows, and the plain words that pressing it says."""

    title: str
    payload: str


@dataclass(frozen=True)
class Part:
    """One message as a provider sends it. ``choices`` only where the provider shows them as ``buttons`` or ``list``;
    ``choose`` is on the button that opens a list, 20 characters at most. ``subject`` is that of an e-mail, and at
    ``stop_link`` its reader can have no more of them."""

    text: str
    choices: tuple[Choice, ...] = ()
    choose: str = ""
    subject: str = ""
    stop_link: str = ""
    template: str = ""
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class Envelope:
    """Where a part goes: ``line`` is our number or id, ``number`` theirs; ``reference`` names it in the status news."""

    channel: str
    line: str
    number: str
    reference: str


def reference(key: str, part: int, of: int) -> str:
    """What names part number ``part`` (from 1) of the message of that key."""
    return f"{key}#{part}/{of}"


def referred(text: str) -> tuple[str, int, int] | None:
    """Key, part and number of parts that a reference names; None when it is none of ours."""
    key, _, numbers = text.rpartition("#")
    part, _, of = numbers.partition("/")
    if not (key and part.isascii() and part.isdecimal() and of.isascii() and of.isdecimal()):
        return None
    return (key, int(part), int(of)) if 1 <= int(part[:6]) <= int(of[:6]) else None


class Provider(Protocol):
    """Sends messages.

    Attributes:
        interactive: shows choices as buttons and lists.
        windowed: takes free text only within 24 hours of the resident's last message.
    """

    interactive: bool
    windowed: bool

    async def send(self, part: Part, envelope: Envelope) -> str:
        """Hand over; the provider's id of the message.

        Raises:
            NotTaken, MaybeTaken, NotAllowed: see there.
        """

    async def find(self, part: Part, envelope: Envelope, since: datetime) -> str | None:
        """The id of that very message if the provider has it from ``since`` on; None if it surely has not.

        Raises:
            NotTaken: the provider cannot be asked now. CannotTell: it can never be asked this.
        """

    async def close(self) -> None:
        """Let go of the connections."""
