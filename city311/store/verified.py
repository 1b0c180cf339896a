"""Which phone a web chat has shown to be its resident's, and the codes by which it does."""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime
from enum import Enum

from sqlalchemy import Index, String, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from city311.store.base import Base, Instant

TRIES = 5


class VerifiedPhone(Base):
    """``sender``, a web chat, belongs to whoever has the phone ``number`` (E.164)."""

    __tablename__ = "verified_phones"
    __table_args__ = (Index("verified_phones_number", "number"),)

    sender: Mapped[str] = mapped_column(String(80), primary_key=True)
    number: Mapped[str] = mapped_column(String(20))
    at: Mapped[datetime] = mapped_column(Instant)


class PhoneCode(Base):
    """The one code that a web chat may show now. ``digest`` is all that is kept of it; ``tries`` were wrong."""

    __tablename__ = "phone_codes"

    sender: Mapped[str] = mapped_column(String(80), primary_key=True)
    number: Mapped[str] = mapped_column(String(20))
    digest: Mapped[str] = mapped_column(String(64))
    tries: Mapped[int] = mapped_column(default=0)
    until: Mapped[datetime] = mapped_column(Instant)


class Shown(Enum):
    """What became of a code that somebody showed."""

    RIGHT = "right"
    WRONG = "wrong"
    OVER = "over"
    """There is none to show any more: too old, too many tries, or never asked for."""


def expect(session: Session, sender: str, number: str, code: str, secret: str, until: datetime) -> None:
    """From now on this code, and no earlier one, shows that ``sender`` has that phone."""
    session.execute(delete(PhoneCode).where(PhoneCode.sender == sender))
    digest = _digest(secret, sender, number, code)
    session.add(PhoneCode(sender=sender, number=number, digest=digest, tries=0, until=until))


def show(session: Session, sender: str, code: str, secret: str, at: datetime) -> Shown:
    """Compare a code; the right one makes the phone the chat's, and counts once."""
    row = session.scalar(select(PhoneCode).where(PhoneCode.sender == sender).with_for_update())
    if row is None:
        return Shown.OVER
    if row.until <= at or row.tries >= TRIES:
        session.delete(row)
        return Shown.OVER
    if not hmac.compare_digest(row.digest, _digest(secret, sender, row.number, code)):
        row.tries += 1
        return Shown.WRONG
    session.delete(row)
    session.merge(VerifiedPhone(sender=sender, number=row.number, at=at))
    return Shown.RIGHT


def forget(session: Session, sender: str) -> None:
    """The chat has no phone any more."""
    session.execute(delete(VerifiedPhone).where(VerifiedPhone.sender == sender))
    session.execute(delete(PhoneCode).where(PhoneCode.sender == sender))


def number_of(session: Session, sender: str) -> str | None:
    """The phone that this chat has shown to be its own."""
    return session.scalar(select(VerifiedPhone.number).where(VerifiedPhone.sender == sender))


def _digest(secret: str, sender: str, number: str, code: str) -> str:
    # with a secret: a million codes are tried in a second by whoever reads the table
    return hmac.new(secret.encode(), f"{sender}:{number}:{code}".encode(), hashlib.sha256).hexdigest()
