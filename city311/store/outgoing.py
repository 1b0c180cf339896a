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
from typing import Any

from sqlalchemy import (
    JSON,
    ColumnElement,
    ForeignKey,
    Index,
    String,
    Text,
    and_,
    func,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import CursorResult
from sqlalchemy.orm import Mapped, Session, mapped_column

from city311.store.base import Base, Instant
from city311.store.correspondents import Correspondent

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

    ``maybe_sent_at``: an earlier attempt may have reached the provider since then.
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


def enqueue(
    session: Session,
    *,
    key: str,
    sender: str,
    messages: Sequence[Mapping[str, Any]],
    at: datetime,
    kind: str = UPDATE,
    template: Mapping[str, Any] | None = None,
    until: datetime | None = None,
) -> bool:
    """Put a message into the queue, in the session's transaction.

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
    if session.get(Correspondent, sender) is None:
        return False
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    content: dict[str, Any] = {"messages": [dict(message) for message in messages]}
    if template is not None:
        content["template"] = dict(template)
    if until is not None:
        content["until"] = until.isoformat()
    added = session.execute(
        insert(OutgoingMessage)
        .values(
            key=key,
            sender=sender,
            kind=kind,
            content=content,
            state=WAITING,
            attempts=0,
            parts=0,
            not_before=at,
            last_error="",
            fate="",
            created_at=at,
        )
        .on_conflict_do_nothing(index_elements=[OutgoingMessage.key])
        .returning(OutgoingMessage.id)
    )
    return added.scalar() is not None


def due_ids(session: Session, at: datetime, limit: int) -> list[int]:
    """Ids to send now, oldest first: only the first open one of each resident and kind, which keeps their order."""
    first = select(func.min(OutgoingMessage.id)).where(_OPEN).group_by(OutgoingMessage.sender, OutgoingMessage.kind)
    query = select(OutgoingMessage.id).where(OutgoingMessage.id.in_(first), _due(at))
    return list(session.scalars(query.order_by(OutgoingMessage.id).limit(limit)))


def claim(session: Session, message_id: int, at: datetime, for_s: float) -> Claimed | None:
    """Take the message for ``for_s`` seconds; None when somebody else was faster."""
    lease, until = secrets.token_hex(16), at + timedelta(seconds=for_s)
    taken = _change(
        session,
        and_(OutgoingMessage.id == message_id, _due(at)),
        {"state": SENDING, "lease": lease, "leased_until": until, "attempts": OutgoingMessage.attempts + 1},
    )
    if not taken:
        return None
    row, whom = session.execute(
        select(OutgoingMessage, Correspondent)
        .join(Correspondent, Correspondent.sender == OutgoingMessage.sender)
        .where(OutgoingMessage.id == message_id)
        .execution_options(populate_existing=True)
    ).one()
    return Claimed(
        id=row.id,
        key=row.key,
        kind=row.kind,
        content=dict(row.content),
        parts=row.parts,
        attempt=row.attempts,
        maybe_sent_at=row.maybe_sent_at,
        created_at=row.created_at,
        lease=lease,
        until=until,
        sender=row.sender,
        channel=whom.channel,
        provider=whom.provider,
        line=whom.line,
        number=whom.number,
        heard_at=whom.heard_at,
        language=whom.language,
        page=row.page,
    )


def change_held(session: Session, held: Claimed, values: Mapping[str, Any]) -> bool:
    """Change the row while the claim holds; False when it was lost to somebody else."""
    if "until" in held.content and values.get("state") in _DONE:
        values = {**values, "content": {**held.content, "messages": []}}
    which = and_(OutgoingMessage.id == held.id, OutgoingMessage.lease == held.lease, OutgoingMessage.state == SENDING)
    return _change(session, which, values)


def retry(session: Session, message_id: int, at: datetime) -> bool:
    """Have a failed message sent again; False when there is no failed message of that id."""
    return _change(
        session,
        and_(OutgoingMessage.id == message_id, OutgoingMessage.state == FAILED),
        # it is as old as it is now wanted again
        {"state": WAITING, "attempts": 0, "not_before": at, "created_at": at, "lease": None, "leased_until": None},
    )


def _due(at: datetime) -> ColumnElement[bool]:
    return or_(
        and_(OutgoingMessage.state == WAITING, OutgoingMessage.not_before <= at),
        and_(
            OutgoingMessage.state == SENDING,
            or_(OutgoingMessage.leased_until.is_(None), OutgoingMessage.leased_until <= at),
        ),
    )


def _change(session: Session, which: ColumnElement[bool], values: Mapping[str, Any]) -> bool:
    result = session.execute(
        update(OutgoingMessage).where(which).values(dict(values)).execution_options(synchronize_session=False)
    )
    assert isinstance(result, CursorResult)  # noqa: S101 - for the type checker
    return bool(result.rowcount == 1)
