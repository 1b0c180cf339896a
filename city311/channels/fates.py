"""What providers tell of messages that we sent: kept with the message, which may need another try or a person."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from city311.channels.providers import referred
from city311.channels.received import Fate
from city311.store import outgoing
from city311.store.base import now
from city311.store.outgoing import FAILED, SENT, WAITING, WITHHELD, OutgoingMessage

_WINDOW_CLOSED = ("63016", "131047")
"""What Twilio and Meta say when they find out late that a resident had not written for 24 hours."""
_ON_THE_WAY = ("accepted", "scheduled", "queued", "sending", "sent", "delivered", "read")
"""How a message gets on. News of it may come out of order."""


def keep(connection: Connection, fate: Fate) -> None:
    """Write down what became of a message; nothing of one that is none of ours, or that has got further since."""
    if not fate.failed and outgoing.came_further(connection, fate.provider_id, fate.state, _beyond(fate.state)):
        return
    at = now()
    with Session(connection) as session, session.begin():
        row = session.scalar(select(OutgoingMessage).where(OutgoingMessage.provider_id == fate.provider_id))
        if row is None:
            row = _doubted(session, fate, at)
        if row is None or row.state != SENT or row.fate in _beyond(fate.state):
            return
        row.fate = fate.state
        if fate.failed and fate.code in _WINDOW_CLOSED and "template" in row.content:
            row.content = {**row.content, "only_template": True}
            row.state, row.not_before, row.parts = WAITING, at, 0
        elif fate.failed:
            row.state, row.last_error = FAILED, f"{fate.state} {fate.code}".strip()


def _beyond(state: str) -> Sequence[str]:
    return _ON_THE_WAY[_ON_THE_WAY.index(state) + 1 :] if state in _ON_THE_WAY else ()


def _doubted(session: Session, fate: Fate, at: datetime) -> OutgoingMessage | None:
    """The message that this news ends a doubt about: its sending got no answer, and yet the provider has it."""
    named = referred(fate.reference)
    if named is None:
        return None
    key, part, of = named
    row = session.scalar(select(OutgoingMessage).where(OutgoingMessage.key == key).with_for_update())
    if row is None or row.state in (SENT, WITHHELD) or row.parts >= part:
        return None
    row.parts, row.provider_id, row.fate, row.maybe_sent_at, row.last_error = part, fate.provider_id, "", None, ""
    if part == of:
        row.state, row.sent_at = SENT, at
    elif row.state == FAILED:
        row.state, row.not_before = WAITING, at
    elif row.state == WAITING:
        row.not_before = at
    return row
