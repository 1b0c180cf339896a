"""Photos that residents sent: whose they are, which request they belong to, where they were taken."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from city311.store.base import Base, Instant


class Photo(Base):
    """One photo, re-encoded. The picture itself lies in the file store under ``<key>.jpg`` and ``<key>-small.jpg``.

    ``id`` names it inside the house (turns, the guided conversation). ``key`` is the unguessable part of its link.
    ``owner`` is the sender id that the server issued. ``sha256`` is of what was sent, so that the same picture sent
    twice is one photo. ``number`` is the request it was filed with. ``lat`` and ``lon`` are the camera's own position
    (WGS 84 degrees), kept apart from the picture until the resident has said whether to use it, a day at most, and
    never with a request.
    """

    __tablename__ = "photos"
    __table_args__ = (Index("photos_once", "owner", "sha256", unique=True), Index("photos_number", "number"))

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    key: Mapped[str] = mapped_column(String(64), unique=True)
    owner: Mapped[str] = mapped_column(String(80))
    sha256: Mapped[str] = mapped_column(String(64))
    width: Mapped[int]
    height: Mapped[int]
    lat: Mapped[float | None]
    lon: Mapped[float | None]
    number: Mapped[str | None] = mapped_column(String(20))
    kept_at: Mapped[datetime] = mapped_column(Instant, index=True)


class ShownPhoto(Base):
    """A photo of somebody else's report that a resident was shown, small. ``key`` is the unguessable part of a link
    that works for ``viewer`` alone, the sender id that the server issued.
    """

    __tablename__ = "shown_photos"
    __table_args__ = (Index("shown_photos_once", "photo", "viewer", unique=True),)

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    photo: Mapped[str] = mapped_column(String(32))
    viewer: Mapped[str] = mapped_column(String(80))
    shown_at: Mapped[datetime] = mapped_column(Instant, index=True)
