"""API keys of the embedded desk: made, found by their hash, revoked. A key itself is never stored."""

from __future__ import annotations

import hashlib
import secrets

from sqlalchemy import Engine, select
from sqlalchemy.exc import IntegrityError

from city311.store.base import now, reading, writing
from city311.store.desk import ApiKey


def create_key(engine: Engine, label: str, *, own_numbers: bool = False) -> str:
    """Make a key and return it, the only time it can be seen: 32 random bytes, safe in a URL."""
    key = secrets.token_urlsafe(32)
    with writing(engine) as session:
        session.add(_row(key, label, own_numbers))
    return key


def ensure_key(engine: Engine, key: str, label: str, own_numbers: bool) -> None:
    """Register ``key`` if it is not there yet, as the first start does with the key of our own actions.

    Safe to call at every start and from several processes. A revoked key stays revoked.

    Raises:
        ValueError: the key is too short to be a secret.
    """
    if len(key) < 20:
        raise ValueError(
            f"The API key for {label!r} has {len(key)} characters; a key needs 20 or more, chosen at random."
        )
    with reading(engine) as session:
        known = session.scalar(select(ApiKey).where(ApiKey.sha256 == _hash(key)))
    if known is not None and known.own_numbers == own_numbers:
        return
    try:
        with writing(engine) as session:
            row = session.scalar(select(ApiKey).where(ApiKey.sha256 == _hash(key)))
            if row is None:
                session.add(_row(key, label, own_numbers))
            else:
                row.own_numbers = own_numbers
    except IntegrityError:  # another process was first
        return


def find_key(engine: Engine, key: str) -> ApiKey | None:
    """The key's row, unless it is unknown or revoked.

    The look-up is by hash: what its timing could tell says nothing about a key that would match.
    """
    if not key:
        return None
    with reading(engine) as session:
        return session.scalar(select(ApiKey).where(ApiKey.sha256 == _hash(key), ApiKey.revoked_at.is_(None)))


def list_keys(engine: Engine) -> list[ApiKey]:
    """Every key, revoked ones too, oldest first."""
    with reading(engine) as session:
        return list(session.scalars(select(ApiKey).order_by(ApiKey.id)))


def revoke_key(engine: Engine, key_id: int) -> ApiKey | None:
    """Stop a key from working, at once. None if there is no such key; revoking twice keeps the first moment."""
    with writing(engine) as session:
        row = session.get(ApiKey, key_id)
        if row is not None and row.revoked_at is None:
            row.revoked_at = now()
        return row


def _row(key: str, label: str, own_numbers: bool) -> ApiKey:
    return ApiKey(label=label[:200], sha256=_hash(key), own_numbers=own_numbers, created_at=now())


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
