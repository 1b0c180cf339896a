"""Who wants to be told about which report: those who said "it's the same, keep me posted", or asked by number."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from city311.store.base import Base, Instant

FROM_A_RECEIPT = "receipt"
"""``channel`` of a follow by the address that the reporter had the receipt sent to: nobody else than the reporter."""


class Follow(Base):
    """One resident follows one report. ``follower`` is the sender id that the server issued; ``channel`` where they
    said so; ``ended_at`` when they had enough.
    """

    __tablename__ = "follows"
    __table_args__ = (Index("follows_follower", "follower", "since"),)

    reference: Mapped[str] = mapped_column(String(200), primary_key=True)
    follower: Mapped[str] = mapped_column(String(200), primary_key=True)
    channel: Mapped[str] = mapped_column(String(40))
    since: Mapped[datetime] = mapped_column(Instant)
    ended_at: Mapped[datetime | None] = mapped_column(Instant)
