"""Choices that residents made where the assistant was unsure: candidates for training, for a person to review.

Nothing here says who chose: no sender, no conversation, no contact. Nothing here is trained by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import JSON, Engine, String, Text, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from city311.store.base import Base, Instant, now

KEPT = timedelta(days=180)
"""How long a candidate is kept; whatever is older goes when the next one comes."""
NONE_OF_THESE = ""
"""What is chosen by who wants none of the meanings that were offered."""


class _Row(Base):
    __tablename__ = "understanding_candidates"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(Instant, index=True)
    language: Mapped[str] = mapped_column(String(20))
    text: Mapped[str] = mapped_column(Text)
    offered: Mapped[list[Any]] = mapped_column(JSON)
    chosen: Mapped[str] = mapped_column(String(120))


@dataclass(frozen=True)
class Candidate:
    """One choice.

    Attributes:
        text: what was said, without phone numbers, e-mail addresses and the like.
        offered: labels that were offered, as training data has them (``report/pothole``, ``ask_question``).
        chosen: the label that was chosen; :data:`NONE_OF_THESE` for none.
    """

    text: str
    offered: tuple[str, ...]
    chosen: str
    language: str
    at: datetime
    id: int = 0


class Candidates:
    """The candidates in one database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, text: str, offered: Sequence[str], chosen: str, language: str, *, at: datetime | None = None) -> None:
        """Keeps one choice, and drops what is older than :data:`KEPT`. ``text`` must be free of contacts."""
        moment = at or now()
        with Session(self._engine) as session, session.begin():
            session.execute(delete(_Row).where(_Row.at < moment - KEPT))
            session.add(_Row(at=moment, language=language, text=text, offered=list(offered), chosen=chosen))

    def all(self, *, since: datetime | None = None, limit: int | None = None) -> list[Candidate]:
        """The candidates, newest first."""
        wanted = select(_Row).order_by(_Row.at.desc(), _Row.id.desc()).limit(limit)
        if since is not None:
            wanted = wanted.where(_Row.at >= since)
        with Session(self._engine) as session:
            return [
                Candidate(row.text, tuple(row.offered), row.chosen, row.language, row.at, row.id)
                for row in session.scalars(wanted)
            ]

    def forget(self, ids: Sequence[int]) -> int:
        """Deletes candidates that were reviewed. How many there were."""
        with Session(self._engine) as session, session.begin():
            rows = list(session.scalars(select(_Row).where(_Row.id.in_(ids))))
            for row in rows:
                session.delete(row)
        return len(rows)
