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
    """One message as a provider sends it. ``choices`` only where the provider shows them as ``buttons`` or ``list``."""

    text: str
    choices: tuple[Choice, ...] = ()
    template: str = ""
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class Envelope:
    """Where a part goes: ``line`` is our number or id, ``number`` theirs; ``reference`` names it in the status news."""

    channel: str
    line: str
    number: str
    reference: str


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
        """The id of that very message if the provider has it from ``since`` on; None if not, or it cannot tell.

        Raises:
            NotTaken: the provider cannot be asked now.
        """

    async def close(self) -> None:
        """Let go of the connections."""
