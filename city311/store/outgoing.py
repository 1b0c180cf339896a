"""Messages on their way to residents' phones: durable before they are sent, in order, and looked after until they went.

Whoever has something to tell calls :func:`enqueue` in its own transaction. The portal sends
(:mod:`city311.channels.outgoing`): it holds a row's lease, writes ``sending`` before it calls the provider and ``sent``
after, so that only a death between the two leaves a doubt.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, cast

from sqlalchemy import (
    JSON,
    Connection,
    ForeignKey,
    Index,
    Result,
    String,
    Table,
    Text,
    Update,
    and_,
    bindparam,
    case,
    func,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.engine import CursorResult
from sqlalchemy.orm import Mapped, Session, mapped_column

from city311.store.base import INSERTS, Base, Inside, Instant, dialect_of
from city311.store.correspondents import OPTED_OUT, Correspondent, said_last_by

REPLY = "reply"
"""An answer to something that was just written: goes at once, at any hour."""
UPDATE = "update"
"""News that nobody asked for in this minute: waits for quiet hours to end."""

URGENT = "urgent"
"""News of an emergency: goes at any hour."""

CONSENT = "consent"
"""The one answer to a word such as STOP or HELP: goes even to those who have opted out."""

WAITING = "waiting"
SENDING = "sending"
SENT = "sent"
WITHHELD = "withheld"
"""Not sent, because the resident has opted out, or it would have been of no use any more."""
FAILED = "failed"
"""A person has to look: ``city311 messages``."""

_DONE = (SENT, WITHHELD, FAILED)
_OPEN = text("state IN ('waiting', 'sending')")


class OutgoingMessage(Base):
    """One message to one phone; ``key`` names it, so that it is there once.

    Attributes:
        kind: ``reply``, ``update``, ``urgent`` or ``consent``.
        content: ``{"messages": [{"text", "buttons"}], "template": {"name", "values"}}``; the template is for
            WhatsApp when its free window is closed.
        attempts: how often sending was begun. ``maybe_sent_at``: since when the provider may have it unknown to us.
        parts: how many parts went (a WhatsApp answer may need two). ``provider_id``: the provider's id of the last one.
        fate: what the provider last told of that one (``delivered``, ``read``, ``undelivered`` …).
        page: secret of the page with the full text, when the message was shortened.
        last_error: for staff; holds no words of the resident.
    """

    __tablename__ = "outgoing_messages"
    __table_args__ = (
        Index("outgoing_open", "sender", "kind", "id", sqlite_where=_OPEN, postgresql_where=_OPEN),
        Index("outgoing_state", "state", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(200), unique=True)
    sender: Mapped[str] = mapped_column(String(80), ForeignKey("correspondents.sender"))
    kind: Mapped[str] = mapped_column(String(16))
    content: Mapped[dict[str, Any]] = mapped_column(JSON)
    state: Mapped[str] = mapped_column(String(16), default=WAITING)
    attempts: Mapped[int] = mapped_column(default=0)
    parts: Mapped[int] = mapped_column(default=0)
    provider_id: Mapped[str | None] = mapped_column(String(128), index=True)
    not_before: Mapped[datetime] = mapped_column(Instant)
    maybe_sent_at: Mapped[datetime | None] = mapped_column(Instant)
    lease: Mapped[str | None] = mapped_column(String(32))
    leased_until: Mapped[datetime | None] = mapped_column(Instant)
    last_error: Mapped[str] = mapped_column(Text, default="")
    fate: Mapped[str] = mapped_column(String(24), default="")
    page: Mapped[str | None] = mapped_column(String(48), unique=True)
    created_at: Mapped[datetime] = mapped_column(Instant)
    sent_at: Mapped[datetime | None] = mapped_column(Instant)


@dataclass(frozen=True)
class Claimed:
    """A message that its holder, and nobody else, sends until ``until``, and where it goes.

    ``maybe_sent_at``: an earlier attempt may have reached the provider since then. ``opted_out``: they want none.
    """

    id: int
    key: str
    kind: str
    content: Mapping[str, Any]
    parts: int
    attempt: int
    maybe_sent_at: datetime | None
    created_at: datetime
    lease: str
    until: datetime
    sender: str
    channel: str
    provider: str
    line: str
    number: str
    heard_at: datetime
    language: str
    page: str | None
    opted_out: bool


@dataclass(frozen=True)
class Due:
    """A message that is to be sent now, and by which line."""

    id: int
    channel: str
    line: str


_messages, _correspondents = cast(Table, OutgoingMessage.__table__), cast(Table, Correspondent.__table__)
_KNOWN = select(_correspondents.c.sender).where(_correspondents.c.sender == bindparam("of_sender"))
_ADD = {
    name: insert(_messages).on_conflict_do_nothing(index_elements=["key"]).returning(_messages.c.id)
    for name, insert in INSERTS.items()
}
_is_due = or_(
    and_(_messages.c.state == WAITING, _messages.c.not_before <= bindparam("at")),
    and_(
        _messages.c.state == SENDING,
        or_(_messages.c.leased_until.is_(None), _messages.c.leased_until <= bindparam("at")),
    ),
)
_with_whom = _messages.join(_correspondents, _correspondents.c.sender == _messages.c.sender)
_first = select(func.min(_messages.c.id)).where(_OPEN).group_by(_messages.c.sender, _messages.c.kind)
_DUE = (
    select(_messages.c.id, _correspondents.c.channel, _correspondents.c.line)
    .select_from(_with_whom)
    .where(_messages.c.id.in_(_first), _is_due)
    .order_by(_messages.c.id)
    .limit(bindparam("most"))
)
_FREE = (
    select(
        *(_messages.c[name] for name in ("id", "key", "kind", "content", "parts", "attempts", "maybe_sent_at")),
        *(_messages.c[name] for name in ("created_at", "sender", "page")),
        *(_correspondents.c[name] for name in ("channel", "provider", "line", "number", "heard_at", "language")),
        said_last_by(_messages.c.sender).label("said_last"),
    )
    .select_from(_with_whom)
    .where(_messages.c.id.in_(bindparam("ids", expanding=True)), _is_due)
    .order_by(_messages.c.id)
    .with_for_update(of=_messages, skip_locked=True)
)
_HOLD = (
    update(_messages)
    .where(_messages.c.id == bindparam("of_id"))
    .values(
        state=SENDING,
        lease=bindparam("lease"),
        leased_until=bindparam("leased_until"),
        attempts=_messages.c.attempts + 1,
        maybe_sent_at=func.coalesce(_messages.c.maybe_sent_at, bindparam("at", type_=Instant)),
    )
)
_COME_FURTHER = (
    update(_messages)
    .where(
        _messages.c.provider_id == bindparam("of_provider_id"),
        _messages.c.state == SENT,
        _messages.c.fate.not_in(bindparam("beyond", expanding=True)),
    )
    .values(fate=bindparam("fate"))
)


def enqueue(
    inside: Inside,
    *,
    key: str,
    sender: str,
    messages: Sequence[Mapping[str, Any]],
    at: datetime,
    kind: str = UPDATE,
    template: Mapping[str, Any] | None = None,
    until: datetime | None = None,
) -> bool:
    """Put a message into the queue, in the caller's transaction.

    Args:
        key: names the message, e.g. ``status:SR-104215:done``; one with a key that is there already is not made again.
        sender: the sender id of the resident, as in ``ServiceRequest.reporter``.
        messages: what to say, ``{"text": …, "buttons": [{"title", "payload"}]}`` each, in the resident's language.
        kind: :data:`UPDATE` waits for the end of quiet hours; :data:`REPLY` and :data:`URGENT` do not.
        template: ``{"name": …, "values": [texts]}``: an approved WhatsApp template that says the same, used
            when the resident has not written for 24 hours.
        until: afterwards it is of no use: it is not sent then, and its words are not kept once it is done with.

    Returns:
        Whether it will be sent: False when the key is there already or the sender has no phone (a web chat).
    """
    if inside.execute(_KNOWN, {"of_sender": sender}).first() is None:
        return False
    content: dict[str, Any] = {"messages": [dict(message) for message in messages]}
    if template is not None:
        content["template"] = dict(template)
    if until is not None:
        content["until"] = until.isoformat()
    begun = {"state": WAITING, "attempts": 0, "parts": 0, "not_before": at, "created_at": at}
    new = {"key": key, "sender": sender, "kind": kind, "content": content, "last_error": "", "fate": ""} | begun
    return inside.execute(_ADD[dialect_of(inside)], new).first() is not None


def due(connection: Connection, at: datetime, limit: int) -> list[Due]:
    """What to send now, oldest first: only the first open one of each resident and kind, which keeps their order."""
    return [Due(*row) for row in connection.execute(_DUE, {"at": at, "most": limit})]


def claim(connection: Connection, ids: Sequence[int], at: datetime, for_s: float) -> list[Claimed]:
    """Take those messages for ``for_s`` seconds, except where somebody else was faster.

    From now on their provider may have them, as far as anybody knows after a crash.
    """
    lease, until = secrets.token_hex(16), at + timedelta(seconds=for_s)
    taken = []
    for row in connection.execute(_FREE, {"ids": list(ids), "at": at}):
        values = dict(row._mapping)
        values |= {"content": dict(row.content), "attempt": values.pop("attempts") + 1}
        values["opted_out"] = values.pop("said_last") == OPTED_OUT
        taken.append(Claimed(**values, lease=lease, until=until))
    if taken:
        held = {"lease": lease, "leased_until": until, "at": at}
        connection.execute(_HOLD, [{**held, "of_id": one.id} for one in taken])
    return taken


def change_held(inside: Inside, held: Claimed, values: Mapping[str, Any]) -> bool:
    """Change the row while the claim holds; False when it was lost to somebody else."""
    if "until" in held.content and values.get("state") in _DONE:
        values = {**values, "content": {**held.content, "messages": []}}
    changed = inside.execute(_change_of(tuple(values)), {**values, "of_id": held.id, "of_lease": held.lease})
    return _is_one(changed)


def came_further(connection: Connection, provider_id: str, fate: str, beyond: Sequence[str]) -> bool:
    """Keep the news of a message that went; False when none that went has that id, or its fate is one ``beyond``."""
    values = {"of_provider_id": provider_id, "fate": fate, "beyond": list(beyond)}
    return _is_one(connection.execute(_COME_FURTHER, values))


def retry(session: Session, message_id: int, at: datetime) -> bool:
    """Have a failed message sent again; False when there is no failed message of that id.

    Of one that went whole and did not arrive, that is its last part: the one whose fate is known.
    """
    parts = _messages.c.parts
    handed_over = _messages.c.sent_at.is_not(None) & (parts > 0)
    values = {
        "state": WAITING,
        "attempts": 0,
        "parts": case((handed_over, parts - 1), else_=parts),
        "not_before": at,
        "created_at": at,  # it is as old as it is now wanted again
        "sent_at": None,
        "lease": None,
        "leased_until": None,
    }
    failed = (_messages.c.id == message_id) & (_messages.c.state == FAILED)
    return _is_one(session.execute(update(_messages).where(failed).values(values)))


@cache
def _change_of(names: tuple[str, ...]) -> Update:
    held = (_messages.c.id == bindparam("of_id")) & (_messages.c.lease == bindparam("of_lease"))
    change = update(_messages).where(held, _messages.c.state == SENDING)
    return change.values({name: bindparam(name) for name in names})


def _is_one(result: Result[Any]) -> bool:
    assert isinstance(result, CursorResult)  # noqa: S101 - for the type checker
    return bool(result.rowcount == 1)
