"""Tables of conversations and their turns; what is done with them is in :mod:`city311.store.turns`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from city311.store.base import Base, Instant

WAITING = "waiting"
ANSWERED = "answered"


class Conversation(Base):
    """One sender on one channel: order, lease and pace of its turns. ``ended_at``: the resident erased it.

    ``lease`` names the claim that is at work until ``leased_until``. ``tokens`` (at ``tokens_at``) is how many messages
    the sender may still send at once.
    """

    __tablename__ = "conversations"

    sender: Mapped[str] = mapped_column(String(80), primary_key=True)
    channel: Mapped[str] = mapped_column(String(40))
    started_at: Mapped[datetime] = mapped_column(Instant)
    last_seq: Mapped[int] = mapped_column(default=0)
    tokens: Mapped[float]
    tokens_at: Mapped[datetime] = mapped_column(Instant)
    lease: Mapped[str | None] = mapped_column(String(32))
    leased_until: Mapped[datetime | None] = mapped_column(Instant)
    ended_at: Mapped[datetime | None] = mapped_column(Instant)


class Turn(Base):
    """One message of a resident and its answer.

    ``client_id`` is the channel's own id of the message (a repeated one is the same turn). ``seq`` counts from 1 in a
    conversation. ``text`` is screened. ``messages`` is the answer as JSON, empty while waiting. ``attempts`` counts
    the times it was about to be relayed; ``not_before`` is set when one failed. ``details`` is what came beside the
    text, as JSON: ``location`` (``{"lat", "lon"}``, WGS 84 degrees) and ``media`` (ids of attachments).
    """

    __tablename__ = "turns"
    __table_args__ = (
        UniqueConstraint("sender", "client_id", name="turns_once"),
        UniqueConstraint("sender", "seq", name="turns_order"),
        Index(
            "turns_waiting",
            "sender",
            "seq",
            sqlite_where=text("state = 'waiting'"),
            postgresql_where=text("state = 'waiting'"),
        ),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    sender: Mapped[str] = mapped_column(String(80), ForeignKey("conversations.sender"))
    client_id: Mapped[str] = mapped_column(String(64))
    seq: Mapped[int]
    channel: Mapped[str] = mapped_column(String(40))
    language: Mapped[str] = mapped_column(String(16))
    received_at: Mapped[datetime] = mapped_column(Instant)
    text: Mapped[str] = mapped_column(Text)
    details: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    state: Mapped[str] = mapped_column(String(16), default=WAITING)
    attempts: Mapped[int] = mapped_column(default=0)
    not_before: Mapped[datetime | None] = mapped_column(Instant)
    messages: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    answered_at: Mapped[datetime | None] = mapped_column(Instant)
