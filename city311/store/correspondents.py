"""Who writes to us by phone: numbers behind the sender ids of SMS and WhatsApp, and what each has agreed to.

A provider vouches for the number a message comes from, so one number is one person on all these channels.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from typing import cast

from sqlalchemy import ColumnElement, ForeignKey, Index, ScalarSelect, String, Table, bindparam, select, update
from sqlalchemy.dialects import sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from city311.store import verified
from city311.store.base import INSERTS, Base, Inside, Instant, dialect_of
from city311.store.verified import VerifiedPhone

OPTED_IN = "in"
OPTED_OUT = "out"
ASKED = "asked"
"""For one message, by somebody who typed this number or address in a chat; says nothing about others."""


class Correspondent(Base):
    """The phone behind a sender id.

    Attributes:
        number: theirs, in E.164; of the channel ``email`` the address.
        provider: who carried their last message, and carries ours.
        line: our number or sender at that provider which they wrote to.
        language: code of the language that they chose; empty: none.
        heard_at: their last message; WhatsApp lets us write freely for 24 hours from then.
    """

    __tablename__ = "correspondents"
    __table_args__ = (Index("correspondents_number", "number"),)

    sender: Mapped[str] = mapped_column(String(80), primary_key=True)
    channel: Mapped[str] = mapped_column(String(40))
    number: Mapped[str] = mapped_column(String(254))
    provider: Mapped[str] = mapped_column(String(20))
    line: Mapped[str] = mapped_column(String(80))
    language: Mapped[str] = mapped_column(String(16), default="")
    first_at: Mapped[datetime] = mapped_column(Instant)
    heard_at: Mapped[datetime] = mapped_column(Instant)


class Consent(Base):
    """One entry of the consent ledger; entries are never changed. The last one of a sender says what holds.

    Attributes:
        state: ``in``, ``out`` or ``asked``.
        how: what said so: the keyword, or the provider's code.
        source: the provider's id of the message, so that a repeated one changes nothing.
    """

    __tablename__ = "consents"
    __table_args__ = (Index("consents_sender", "sender", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    sender: Mapped[str] = mapped_column(String(80), ForeignKey("correspondents.sender"))
    state: Mapped[str] = mapped_column(String(8))
    how: Mapped[str] = mapped_column(String(40))
    source: Mapped[str] = mapped_column(String(80), unique=True)
    at: Mapped[datetime] = mapped_column(Instant)


@dataclass(frozen=True)
class Heard:
    """Who wrote, where to and through whom."""

    sender: str
    channel: str
    number: str
    provider: str
    line: str


_correspondents, _consents = cast(Table, Correspondent.__table__), cast(Table, Consent.__table__)
_LAST = ("provider", "line", "heard_at")


def said_last_by(sender: ColumnElement[str]) -> ScalarSelect[str]:
    """The last word of that sender, ``in`` or ``out``, as part of a statement."""
    said = select(_consents.c.state).where(_consents.c.sender == sender, _consents.c.state != ASKED)
    return said.order_by(_consents.c.id.desc()).limit(1).scalar_subquery()


_SAID_LAST = select(said_last_by(bindparam("of_sender", type_=String)))


def _noting(dialect: str) -> sqlite.Insert:
    new = INSERTS[dialect](_correspondents)
    return new.on_conflict_do_update(index_elements=["sender"], set_={name: new.excluded[name] for name in _LAST})


_NOTE = {dialect: _noting(dialect) for dialect in INSERTS}


def note(inside: Inside, heard: Heard, at: datetime) -> None:
    """Keep who wrote last, so that an answer finds the way back."""
    values = {**vars(heard), "language": "", "first_at": at, "heard_at": at}
    inside.execute(_NOTE[dialect_of(inside)], values)


def introduce(session: Session, heard: Heard, at: datetime) -> None:
    """Keep the way to somebody who has not written from there. Of one who is known nothing changes."""
    insert = INSERTS[dialect_of(session)]
    never = datetime.fromtimestamp(0, timezone.utc)
    session.execute(
        insert(Correspondent)
        .values(**asdict(heard), language="", first_at=at, heard_at=never)
        .on_conflict_do_nothing(index_elements=[Correspondent.sender])
    )


def speak(session: Session, sender: str, language: str) -> None:
    """Keep the language that a noted sender chose."""
    session.execute(update(Correspondent).where(Correspondent.sender == sender).values(language=language))


def language_of(session: Session, sender: str) -> str:
    """Code of the language that this sender chose; empty when they did not."""
    return session.scalar(select(Correspondent.language).where(Correspondent.sender == sender)) or ""


def record(inside: Inside, sender: str, state: str, how: str, source: str, at: datetime) -> bool:
    """Add to the consent ledger; False when that source is in it already. The sender must have been noted."""
    insert = INSERTS[dialect_of(inside)]
    added = inside.execute(
        insert(Consent)
        .values(sender=sender, state=state, how=how[:40], source=source, at=at)
        .on_conflict_do_nothing(index_elements=[Consent.source])
        .returning(Consent.id)
    )
    return added.scalar() is not None


def has_opted_out(session: Session, sender: str) -> bool:
    """Whether the last word of that sender was to stop."""
    return session.scalar(_SAID_LAST, {"of_sender": sender}) == OPTED_OUT


def same_person(session: Session, sender: str) -> tuple[list[str], str]:
    """Every sender id of that person, ``sender`` first, and the number of their phone.

    Those are the channels of one phone, and the web chats that have shown to belong to it; a sender without a phone is
    alone.
    """
    number = session.scalar(select(Correspondent.number).where(Correspondent.sender == sender))
    number = number or verified.number_of(session, sender)
    if number is None:
        return [sender], ""
    phones = select(Correspondent.sender).where(Correspondent.number == number)
    chats = select(VerifiedPhone.sender).where(VerifiedPhone.number == number)
    others = {*session.scalars(phones), *session.scalars(chats)} - {sender}
    return [sender, *sorted(others)], number
