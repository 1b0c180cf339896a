"""What residents asked for through City311, and what still has to be done about it: requests and their outbox.

A request is here, durably, before anything is sent. The outbox row says what is to do; whoever does it holds the row's
lease, so that a turn and any number of workers never do it twice at once, and a process that dies frees it when the
lease runs out.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import JSON, ColumnElement, ForeignKey, Index, String, Text, and_, or_, select, update
from sqlalchemy.engine import CursorResult
from sqlalchemy.orm import Mapped, Session, mapped_column

from city311.store.base import Base, Instant

CREATE = "create"
"""Outbox kind: hand the request over to the system of record."""

RESOLVE = "resolve_token"
"""Outbox kind: learn the id that a token became."""

ADD, WITHDRAW, LEAVE, REOPEN = "add", "withdraw", "leave", "reopen"
"""Outbox kinds: pass on what a resident said about a request that was made before: more about it; that they take it
back; that they do, while others still follow it; that it is not fixed.
"""
AFTERWARDS = frozenset({ADD, WITHDRAW, LEAVE, REOPEN})

WAITING = "waiting"
SENDING = "sending"
SENT = "sent"
FAILED = "failed"
KEPT = "kept"
"""The system of record has no way to take it: it stays with our record, for staff."""


class ServiceRequest(Base):
    """One request of a resident. ``submission`` holds what they said, as JSON.

    ``phone`` is the number they left, in E.164 if it is one: whoever writes from it later finds the request.
    ``sent_at`` is when the system of record took it. It gave ``external_id``, or ``external_token`` that becomes one,
    or neither. ``withdrawn_at`` is when the resident took it back; from then on they hear no more of it.
    """

    __tablename__ = "service_requests"
    __table_args__ = (Index("service_requests_reporter", "reporter", "created_at"),)

    number: Mapped[str] = mapped_column(String(20), primary_key=True)
    idempotency_key: Mapped[str] = mapped_column(String(200), unique=True)
    reporter: Mapped[str] = mapped_column(String(200))
    channel: Mapped[str] = mapped_column(String(40))
    service_code: Mapped[str] = mapped_column(String(100))
    phone: Mapped[str] = mapped_column(String(40), default="", index=True)
    submission: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(Instant)
    due_at: Mapped[datetime | None] = mapped_column(Instant)
    external_id: Mapped[str | None] = mapped_column(String(200), index=True)
    external_token: Mapped[str | None] = mapped_column(String(200))
    service_notice: Mapped[str] = mapped_column(Text, default="")
    sent_at: Mapped[datetime | None] = mapped_column(Instant, index=True)
    withdrawn_at: Mapped[datetime | None] = mapped_column(Instant)


class Outbox(Base):
    """One thing to do at a system of record for request ``number``; ``key`` names it, so that it is there once.

    Attributes:
        payload: of what was said afterwards ``author``, ``text`` and ``media_urls``; ``told`` of a reopening.
        state: waiting, sending (its lease tells whether still), sent, failed or kept (a person has to look).
        attempts: how often it was begun.
        posts: how often it was sent with an outcome that stayed unknown.
        posted_since: from when on the system of record may have it without our knowing; it is looked for there first.
        lease: names the claim at work until ``leased_until``.
        last_error: for staff; may quote the server.
    """

    __tablename__ = "outbox"
    __table_args__ = (Index("outbox_due", "state", "not_before"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(240), unique=True)
    kind: Mapped[str] = mapped_column(String(40))
    number: Mapped[str] = mapped_column(String(20), ForeignKey("service_requests.number"), index=True)
    payload: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    state: Mapped[str] = mapped_column(String(10), default=WAITING)
    attempts: Mapped[int] = mapped_column(default=0)
    posts: Mapped[int] = mapped_column(default=0)
    posted_since: Mapped[datetime | None] = mapped_column(Instant)
    not_before: Mapped[datetime] = mapped_column(Instant)
    lease: Mapped[str | None] = mapped_column(String(32))
    leased_until: Mapped[datetime | None] = mapped_column(Instant)
    last_error: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(Instant)


def to_do(key: str, kind: str, number: str, at: datetime, **more: Any) -> Outbox:
    """A new outbox row that waits from ``at`` on; ``more`` sets other columns."""
    given = {"payload": {}, "state": WAITING, "attempts": 0, "posts": 0, "not_before": at, "last_error": ""}
    return Outbox(key=key, kind=kind, number=number, created_at=at, **(given | more))


def held(at: datetime, lease_s: float) -> dict[str, Any]:
    """Columns of a row that is born in the hands of its turn: no worker takes it unless this process dies."""
    until = at + timedelta(seconds=lease_s)
    return {"state": SENDING, "attempts": 1, "lease": new_lease(), "leased_until": until}


def claim_of(row: Outbox) -> Claim | None:
    """The claim with which a row was born, once it is flushed; None where it waits."""
    return Claim(row.id, row.lease, row.leased_until) if row.lease and row.leased_until else None


@dataclass(frozen=True)
class Claim:
    """An outbox row that the holder, and nobody else, works on until ``until``."""

    id: int
    lease: str
    until: datetime


def new_lease() -> str:
    """A name for a claim that nobody else uses."""
    return secrets.token_hex(16)


def due(at: datetime) -> ColumnElement[bool]:
    """Which outbox rows are to do at that moment: waiting long enough, or left behind by a process that died."""
    return or_(
        and_(Outbox.state == WAITING, Outbox.not_before <= at),
        and_(Outbox.state == SENDING, or_(Outbox.leased_until.is_(None), Outbox.leased_until <= at)),
    )


def due_ids(session: Session, at: datetime, limit: int) -> list[int]:
    """Ids of the rows to do, the longest due first."""
    return list(session.scalars(select(Outbox.id).where(due(at)).order_by(Outbox.not_before, Outbox.id).limit(limit)))


def claim(session: Session, outbox_id: int, at: datetime, for_s: float) -> Claim | None:
    """Take the row for ``for_s`` seconds; None when it is not to do any more or somebody else was faster."""
    taken = Claim(outbox_id, new_lease(), at + timedelta(seconds=for_s))
    changed = _change(
        session,
        and_(Outbox.id == outbox_id, due(at)),
        {
            "state": SENDING,
            "lease": taken.lease,
            "leased_until": taken.until,
            "attempts": Outbox.attempts + 1,
        },
    )
    return taken if changed else None


def change_held(session: Session, held: Claim, values: Mapping[str, Any]) -> bool:
    """Change the row while the claim holds; False when it was lost to somebody else."""
    return _change(session, and_(Outbox.id == held.id, Outbox.lease == held.lease, Outbox.state == SENDING), values)


def _change(session: Session, which: ColumnElement[bool], values: Mapping[str, Any]) -> bool:
    result = session.execute(
        update(Outbox).where(which).values(dict(values)).execution_options(synchronize_session=False)
    )
    assert isinstance(result, CursorResult)  # noqa: S101 - for the type checker
    return bool(result.rowcount == 1)
