"""What happened to requests, on its way to those who want to know, and what is to be looked at when.

Nothing here is kept in memory only: a process that dies frees what it held when the lease runs out.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import JSON, ColumnElement, Index, String, and_, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import CursorResult
from sqlalchemy.orm import Mapped, Session, mapped_column

from city311.store.base import Base, Instant


class Job(Base):
    """Something to do at ``due_at``; ``name`` says what, and is there once. Who does it holds the lease.

    ``memory`` is what it has to know from one time to the next, as JSON.
    """

    __tablename__ = "jobs"
    __table_args__ = (Index("jobs_due", "due_at"),)

    name: Mapped[str] = mapped_column(String(240), primary_key=True)
    due_at: Mapped[datetime] = mapped_column(Instant)
    lease: Mapped[str | None] = mapped_column(String(32))
    leased_until: Mapped[datetime | None] = mapped_column(Instant)
    memory: Mapped[dict[str, Any]] = mapped_column(JSON)


class Update(Base):
    """One change of one report, for one resident; ``key`` names both, so that it is told once.

    ``facts`` is how the report stood then, as JSON; it becomes words in the resident's language when it is told.
    """

    __tablename__ = "updates"
    __table_args__ = (Index("updates_waiting", "told_at", "created_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(240), unique=True)
    recipient: Mapped[str] = mapped_column(String(200))
    reference: Mapped[str] = mapped_column(String(200))
    facts: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(Instant)
    told_at: Mapped[datetime | None] = mapped_column(Instant)


@dataclass(frozen=True)
class Held:
    """A job that the holder, and nobody else, does until its lease ends."""

    name: str
    lease: str
    memory: Mapping[str, Any]


def plan(session: Session, name: str, at: datetime, memory: Mapping[str, Any] | None = None) -> bool:
    """Have a job done at ``at``; False, and nothing is changed, where it is planned already."""
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    added = session.execute(
        insert(Job)
        .values(name=name, due_at=at, memory=dict(memory or {}))
        .on_conflict_do_nothing(index_elements=[Job.name])
        .returning(Job.name)
    )
    return added.scalar() is not None


def due_jobs(session: Session, at: datetime, limit: int) -> list[str]:
    """Names of the jobs to do, the longest due first."""
    return list(session.scalars(select(Job.name).where(_is_due(at)).order_by(Job.due_at).limit(limit)))


def hold(session: Session, name: str, at: datetime, for_s: float) -> Held | None:
    """Take a job for so many seconds; None when it is not due any more or somebody else was faster."""
    lease = secrets.token_hex(16)
    values = {"lease": lease, "leased_until": at + timedelta(seconds=for_s)}
    if not _change(session, and_(Job.name == name, _is_due(at)), values):
        return None
    row = session.get(Job, name, populate_existing=True)
    return Held(name, lease, dict(row.memory)) if row is not None else None


def again(session: Session, held: Held, due_at: datetime, memory: Mapping[str, Any]) -> bool:
    """Done for now; the next time is ``due_at``. False when the lease was lost, and then nothing is changed."""
    values = {"lease": None, "leased_until": None, "due_at": due_at, "memory": dict(memory)}
    return _change(session, and_(Job.name == held.name, Job.lease == held.lease), values)


def done(session: Session, held: Held) -> None:
    """Done for good."""
    row = session.get(Job, held.name, populate_existing=True)
    if row is not None and row.lease == held.lease:
        session.delete(row)


def _is_due(at: datetime) -> ColumnElement[bool]:
    return and_(Job.due_at <= at, or_(Job.leased_until.is_(None), Job.leased_until <= at))


def _change(session: Session, which: ColumnElement[bool], values: Mapping[str, Any]) -> bool:
    result = session.execute(update(Job).where(which).values(dict(values)).execution_options(synchronize_session=False))
    assert isinstance(result, CursorResult)  # noqa: S101 - for the type checker
    return bool(result.rowcount == 1)
