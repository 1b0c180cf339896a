"""Reports that this installation knows of, its own and others' of the system of record, to be found by place."""

from __future__ import annotations

from datetime import datetime, timezone

from sqlalchemy import BigInteger, Float, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from city311.store.base import Base, Instant

STILL_OPEN = datetime(9999, 1, 1, tzinfo=timezone.utc)
"""``closed_at`` of an open report, so that open ones and those closed lately are one stretch of an index."""


class KnownReport(Base):
    """One report, with what anyone may know of it: no name, no contact, none of the reporter's own words.

    Three indexes lead to it, by map cell, address and asset; a fourth tells how long a service takes. Each is in the
    order that a look-up wants, so that it reads a bounded stretch and never the table, however many reports there are.

    Attributes:
        reference: our number, or the id in the system of record where it did not come through us.
        cell: the H3 cell of its position; None without one.
        address_key, unit, asset: its address and asset in one spelling; empty without.
        answers: codes of the answers to its service's choices, blank between, to compare with another report's.
        state: a value of :class:`city311.requests.states.State`.
        closed_at: when it was closed; :data:`STILL_OPEN` while it is not.
        seen: what was last seen of it in the system of record, shortened; empty before. ``changes`` counts.
        parent: reference of the report that it repeats; empty for none.
    """

    __tablename__ = "known_reports"
    __table_args__ = (
        Index("known_reports_cell", "service_code", "cell", "closed_at", "requested_at"),
        Index("known_reports_address", "service_code", "address_key", "closed_at", "requested_at"),
        Index("known_reports_asset", "service_code", "asset", "closed_at", "requested_at"),
        Index("known_reports_parent", "parent"),
        Index("known_reports_time", "service_code", "requested_at", "closed_at", "state"),
    )

    reference: Mapped[str] = mapped_column(String(200), primary_key=True)
    service_code: Mapped[str] = mapped_column(String(100))
    cell: Mapped[int | None] = mapped_column(BigInteger)
    lat: Mapped[float | None] = mapped_column(Float)
    long: Mapped[float | None] = mapped_column(Float)
    address: Mapped[str] = mapped_column(Text)
    address_key: Mapped[str] = mapped_column(String(200))
    unit: Mapped[str] = mapped_column(String(40))
    asset: Mapped[str] = mapped_column(String(80))
    answers: Mapped[str] = mapped_column(String(200))
    state: Mapped[str] = mapped_column(String(30))
    requested_at: Mapped[datetime] = mapped_column(Instant)
    closed_at: Mapped[datetime] = mapped_column(Instant)
    updated_at: Mapped[datetime] = mapped_column(Instant)
    seen: Mapped[str] = mapped_column(String(64), default="")
    changes: Mapped[int] = mapped_column(default=0)
    parent: Mapped[str] = mapped_column(String(200), default="")
