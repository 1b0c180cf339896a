"""Tables of the embedded desk, the system of record of a city that has no other."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, Boolean, Float, ForeignKey, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from city311.store.base import Base, Instant


class ApiKey(Base):
    """A key that may create requests. Only its SHA-256 is kept.

    ``own_numbers``: its holder may bring numbers of our own sequence (City311's own actions do).
    """

    __tablename__ = "api_keys"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    label: Mapped[str] = mapped_column(String(200), nullable=False)
    sha256: Mapped[str] = mapped_column(String(64), nullable=False, unique=True)
    own_numbers: Mapped[bool] = mapped_column(Boolean, nullable=False)
    created_at: Mapped[datetime] = mapped_column(Instant, nullable=False)
    revoked_at: Mapped[datetime | None] = mapped_column(Instant)


class DeskRequest(Base):
    """One service request as the departments see it.

    Names of service and department are kept as they were when it was made, so that it stays readable after the
    catalogue changes. ``status_notes`` are the crew's words for residents about the present state, ``evidence`` is an
    address that shows that it is done, ``duplicate_of`` the number of the request that it repeats.
    """

    __tablename__ = "desk_requests"

    number: Mapped[str] = mapped_column(String(20), primary_key=True)
    service_code: Mapped[str] = mapped_column(String(100), nullable=False, index=True)
    service_name: Mapped[str] = mapped_column(Text, nullable=False)
    agency: Mapped[str] = mapped_column(Text, nullable=False)
    service_notice: Mapped[str] = mapped_column(Text, nullable=False)
    state: Mapped[str] = mapped_column(String(20), nullable=False, index=True)
    state_since: Mapped[datetime] = mapped_column(Instant, nullable=False)
    status_notes: Mapped[str] = mapped_column(Text, nullable=False)
    evidence: Mapped[str] = mapped_column(Text, nullable=False)
    duplicate_of: Mapped[str] = mapped_column(String(20), nullable=False)
    requested_at: Mapped[datetime] = mapped_column(Instant, nullable=False, index=True)
    updated_at: Mapped[datetime] = mapped_column(Instant, nullable=False, index=True)
    expected_at: Mapped[datetime | None] = mapped_column(Instant)
    address: Mapped[str] = mapped_column(Text, nullable=False)
    address_id: Mapped[str] = mapped_column(String(200), nullable=False)
    lat: Mapped[float | None] = mapped_column(Float)
    long: Mapped[float | None] = mapped_column(Float)
    description: Mapped[str] = mapped_column(Text, nullable=False)
    attributes: Mapped[dict[str, str]] = mapped_column(JSON, nullable=False)
    media_urls: Mapped[list[str]] = mapped_column(JSON, nullable=False)
    first_name: Mapped[str] = mapped_column(Text, nullable=False)
    last_name: Mapped[str] = mapped_column(Text, nullable=False)
    email: Mapped[str] = mapped_column(Text, nullable=False)
    phone: Mapped[str] = mapped_column(Text, nullable=False)
    device_id: Mapped[str] = mapped_column(Text, nullable=False)
    account_id: Mapped[str] = mapped_column(Text, nullable=False)
    api_key_id: Mapped[int] = mapped_column(ForeignKey("api_keys.id"), nullable=False)

    notes: Mapped[list[DeskNote]] = relationship(order_by="DeskNote.id", cascade="all, delete-orphan")


class DeskNote(Base):
    """One step in a request's history: the state from then on, what the crew said to residents, and who set it."""

    __tablename__ = "desk_notes"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    number: Mapped[str] = mapped_column(ForeignKey("desk_requests.number"), nullable=False, index=True)
    at: Mapped[datetime] = mapped_column(Instant, nullable=False)
    state: Mapped[str] = mapped_column(String(20), nullable=False)
    note: Mapped[str] = mapped_column(Text, nullable=False)
    by: Mapped[str] = mapped_column(String(200), nullable=False)


class DeskRemark(Base):
    """What residents said about a request after it was made. For the crew's eyes only.

    Attributes:
        update_id: the sender's own name for it, so that it is there once; unique among one key's.
        said_at: when the resident said it; ``at`` is when the desk took it.
        status: what the resident wants: ``open`` (again), ``closed`` (taken back), or empty for words alone.
    """

    __tablename__ = "desk_remarks"
    __table_args__ = (UniqueConstraint("api_key_id", "update_id"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    api_key_id: Mapped[int] = mapped_column(ForeignKey("api_keys.id"), nullable=False)
    update_id: Mapped[str] = mapped_column(String(200), nullable=False)
    number: Mapped[str] = mapped_column(ForeignKey("desk_requests.number"), nullable=False, index=True)
    at: Mapped[datetime] = mapped_column(Instant, nullable=False)
    said_at: Mapped[datetime] = mapped_column(Instant, nullable=False)
    status: Mapped[str] = mapped_column(String(10), nullable=False)
    text: Mapped[str] = mapped_column(Text, nullable=False)
    media_urls: Mapped[list[str]] = mapped_column(JSON, nullable=False)
