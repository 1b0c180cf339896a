"""Messages from phones that were deleted by age: one that is brought again, well signed, is still not new."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime
from typing import cast

from sqlalchemy import String, Table, bindparam, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from city311.store.base import INSERTS, Base, Instant, dialect_of


class ForgottenMessage(Base):
    """A message that was a turn until ``at``: a digest of the provider's id of it, and nothing of what it said."""

    __tablename__ = "forgotten_messages"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    at: Mapped[datetime] = mapped_column(Instant, index=True)


_forgotten = cast(Table, ForgottenMessage.__table__)
IS_FORGOTTEN = select(_forgotten.c.digest).where(_forgotten.c.digest == bindparam("of_digest")).scalar_subquery()
"""As part of a statement: the digest ``of_digest``, if it is one of these."""


def digest_of(client_id: str) -> str:
    """What is kept of the id that the ledger of turns knew a message by."""
    return hashlib.sha256(client_id.encode()).hexdigest()


def remember(session: Session, client_ids: Iterable[str], at: datetime) -> None:
    """Know those messages again after their turns are deleted."""
    new = [{"digest": digest_of(client_id), "at": at} for client_id in client_ids]
    if new:
        session.execute(INSERTS[dialect_of(session)](_forgotten).on_conflict_do_nothing(), new)


def drop(session: Session, since: datetime) -> None:
    """Forget those whose turns were deleted before ``since``."""
    session.execute(delete(_forgotten).where(_forgotten.c.at < since))
