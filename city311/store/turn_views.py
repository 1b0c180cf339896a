"""What the store of turns takes and gives; what is done with it is in :mod:`city311.store.turns`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row

from city311.store.turn_tables import WAITING, Turn


@dataclass(frozen=True)
class Incoming:
    """A screened message that a channel hands in. ``details``: see :class:`Turn`."""

    sender: str
    client_id: str
    channel: str
    language: str
    text: str
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Pace:
    """How fast one sender may write: ``burst`` messages at once, ``per_minute`` in the long run."""

    per_minute: float = 30.0
    burst: float = 20.0


@dataclass(frozen=True)
class TurnView:
    """A turn as channels see it. ``delayed``: it waits because passing it (or one before it) on has failed."""

    id: str
    sender: str
    client_id: str
    seq: int
    channel: str
    language: str
    text: str
    state: str
    messages: Sequence[Mapping[str, Any]]
    received_at: datetime
    details: Mapping[str, Any] = field(default_factory=dict)
    delayed: bool = False


class ConversationEnded(Exception):
    """The resident erased this conversation; nothing can be added to it."""


Alongside = Callable[[Connection, TurnView], None]
"""Something to be stored in the same transaction as a turn: both are there, or neither is."""


@dataclass(frozen=True)
class Claim:
    """The right to relay ``turn`` now. ``attempt`` counts from 1; above it the relay may know the turn already."""

    turn: TurnView
    lease: str
    attempt: int


@dataclass(frozen=True)
class Busy:
    """Somebody else is relaying a turn of this conversation."""


@dataclass(frozen=True)
class TooMany:
    """The sender writes too fast; nothing was stored. ``wait_s``: seconds until one more is taken."""

    wait_s: float


@dataclass(frozen=True)
class Accepted:
    """A turn that is in the database now. ``claim`` is given when nothing stands before it."""

    turn: TurnView
    claim: Claim | None = None


def view_of(turn: Turn | Row[Any]) -> TurnView:
    """The turn in that row."""
    return TurnView(
        id=turn.id,
        sender=turn.sender,
        client_id=turn.client_id,
        seq=turn.seq,
        channel=turn.channel,
        language=turn.language,
        text=turn.text,
        state=turn.state,
        messages=list(turn.messages),
        received_at=turn.received_at,
        details=dict(turn.details),
        delayed=turn.state == WAITING and turn.not_before is not None,
    )
