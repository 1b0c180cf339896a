"""Photos of residents: kept safely, found again by those who may, and filed with a request."""

from __future__ import annotations

import hashlib
import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from obstore.store import ObjectStore
from sqlalchemy import Engine, delete, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from city311.requests.pictures import draw
from city311.store.base import reading, writing
from city311.store.files import get, put, remove
from city311.store.photos import Photo, ShownPhoto

MOST = 5
"""Photos that one request can carry."""
_MOST_UNFILED = 4 * MOST
"""Photos that one resident can have waiting for a request, so that nobody fills the disk."""
_UNFILED_FOR = timedelta(days=7)
_POSITION_FOR = timedelta(days=1)
"""How long the camera's position of an unfiled photo is there to be offered."""
_SHOWN_FOR = timedelta(days=7)
"""How long a link to somebody else's photo works."""


class TooManyPhotos(Exception):
    """This resident has many photos here that belong to no request yet."""


@dataclass(frozen=True)
class Kept:
    """A photo in the house. ``id``: for turns and forms. ``link``, ``small_link``: paths below the portal's address.
    ``position``: where the camera says it stood, WGS 84 degrees ``(lat, lon)``."""

    id: str
    link: str
    small_link: str
    width: int
    height: int
    position: tuple[float, float] | None


class Photos:
    """The photos of one installation."""

    def __init__(self, engine: Engine, files: ObjectStore) -> None:
        self._engine = engine
        self._files = files

    def keep(self, sent: bytes, owner: str, at: datetime) -> Kept:
        """Draw the picture anew and keep it for ``owner``. The same bytes sent again give the photo that is there.

        Raises:
            BadPicture: it is no photo that can be kept.
            TooManyPhotos: the owner has too many that belong to no request.
            StoreFailed (city311.store.files): the file store does not take it; nothing is kept.
        """
        digest = hashlib.sha256(sent).hexdigest()
        if known := self._same(owner, digest):
            return known
        picture = draw(sent)
        with reading(self._engine) as session:
            waiting = session.scalar(
                select(func.count()).select_from(Photo).where(Photo.owner == owner, Photo.number.is_(None))
            )
        if (waiting or 0) >= _MOST_UNFILED:
            raise TooManyPhotos
        key = secrets.token_urlsafe(24)
        # Files first: a row without its picture would be a promise that cannot be kept.
        put(self._files, f"{key}.jpg", picture.content)
        put(self._files, f"{key}-small.jpg", picture.small)
        lat, lon = picture.position or (None, None)
        row = Photo(
            id=uuid.uuid4().hex,
            key=key,
            owner=owner,
            sha256=digest,
            width=picture.width,
            height=picture.height,
            lat=lat,
            lon=lon,
            number=None,
            kept_at=at,
        )
        try:
            with writing(self._engine) as session:
                session.add(row)
        except IntegrityError:
            self._forget_files(key)
            if known := self._same(owner, digest):  # it came twice at the same moment
                return known
            raise
        return _shown(row)

    def of(self, owner: str, ids: Sequence[str]) -> list[Kept]:
        """Those of ``ids`` that are this owner's, in their order; others are left out."""
        with reading(self._engine) as session:
            rows = session.scalars(select(Photo).where(Photo.owner == owner, Photo.id.in_(ids))).all()
        found = {row.id: _shown(row) for row in rows}
        return [found[one] for one in dict.fromkeys(ids) if one in found]

    def open(self, key: str, *, small: bool) -> bytes | None:
        """The picture behind a link, as JPEG; None when there is none. Raises StoreFailed."""
        with reading(self._engine) as session:
            known = session.scalar(select(Photo.id).where(Photo.key == key))
        return get(self._files, f"{key}-small.jpg" if small else f"{key}.jpg") if known else None

    def taken_at(self, owner: str, photo: str) -> tuple[float, float] | None:
        """Where an owner's unfiled photo was taken, ``(lat, lon)`` in WGS 84 degrees; None where nobody knows."""
        with reading(self._engine) as session:
            row = session.scalar(select(Photo).where(Photo.id == photo, Photo.owner == owner))
        return _shown(row).position if row is not None else None

    def forget_positions(self, owner: str, ids: Sequence[str]) -> None:
        """Forget where an owner's photos were taken."""
        if ids:
            with writing(self._engine) as session:
                session.execute(update(Photo).where(Photo.owner == owner, Photo.id.in_(ids)).values(lat=None, lon=None))

    def show(self, number: str, viewer: str, at: datetime) -> str:
        """The path below the portal's address of a small picture, the first filed with the request ``number``, which
        works for ``viewer`` alone and for a week; empty where there is none.
        """
        first = select(Photo.id).where(Photo.number == number).order_by(Photo.kept_at, Photo.id).limit(1)
        try:
            with writing(self._engine) as session:
                photo = session.scalar(first)
                if photo is None:
                    return ""
                known = select(ShownPhoto).where(ShownPhoto.photo == photo, ShownPhoto.viewer == viewer)
                row = session.scalar(known)
                if row is None:
                    row = ShownPhoto(key=secrets.token_urlsafe(24), photo=photo, viewer=viewer, shown_at=at)
                    session.add(row)
                row.shown_at = at
        except IntegrityError:  # shown twice at the same moment
            with reading(self._engine) as session:
                row = session.scalars(known).one()
        return f"/photos/shown/{row.key}.jpg"

    def open_shown(self, key: str, viewer: str, at: datetime) -> bytes | None:
        """The small picture behind a link of :meth:`show`, as JPEG; None when it is not this viewer's. Raises
        StoreFailed.
        """
        with reading(self._engine) as session:
            found = session.scalar(
                select(Photo.key)
                .join(ShownPhoto, ShownPhoto.photo == Photo.id)
                .where(ShownPhoto.key == key, ShownPhoto.viewer == viewer, ShownPhoto.shown_at > at - _SHOWN_FOR)
            )
        return self.open(found, small=True) if found is not None else None

    def forget_old(self, at: datetime) -> int:
        """Delete photos that no request came to within a week, links to others' photos after a week, and positions
        after a day; how many photos.
        """
        with writing(self._engine) as session:
            old = Photo.lat.is_not(None) & (Photo.kept_at < at - _POSITION_FOR)
            session.execute(update(Photo).where(old).values(lat=None, lon=None))
            session.execute(delete(ShownPhoto).where(ShownPhoto.shown_at < at - _SHOWN_FOR))
        with reading(self._engine) as session:
            rows = session.scalars(
                select(Photo).where(Photo.number.is_(None), Photo.kept_at < at - _UNFILED_FOR).limit(500)
            ).all()
        gone = 0
        for row in rows:
            with writing(self._engine) as session:
                found = session.get(Photo, row.id)
                if found is None or found.number is not None:
                    continue
                session.delete(found)
            self._forget_files(row.key)
            gone += 1
        return gone

    def _same(self, owner: str, digest: str) -> Kept | None:
        with reading(self._engine) as session:
            row = session.scalar(select(Photo).where(Photo.owner == owner, Photo.sha256 == digest))
        return _shown(row) if row else None

    def _forget_files(self, key: str) -> None:
        remove(self._files, f"{key}.jpg")
        remove(self._files, f"{key}-small.jpg")


def file_with(session: Session, ids: Sequence[str], owner: str, number: str) -> None:
    """Give an owner's photos to the request ``number``, inside the transaction that records it."""
    if ids:
        session.execute(
            update(Photo)
            .where(Photo.id.in_(list(ids)[:MOST]), Photo.owner == owner, Photo.number.is_(None))
            .values(number=number, lat=None, lon=None)
        )


def link_of(key: str, *, small: bool = False) -> str:
    """The path of a photo below the portal's address."""
    return f"/photos/{key}-small.jpg" if small else f"/photos/{key}.jpg"


def _shown(row: Photo) -> Kept:
    position = (row.lat, row.lon) if row.lat is not None and row.lon is not None else None
    return Kept(row.id, link_of(row.key), link_of(row.key, small=True), row.width, row.height, position)
