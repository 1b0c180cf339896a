"""API keys: seen once, found by hash, revoked for good."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from city311.store import keys

SECRET = "a-secret-of-this-installation"


def test_a_key_is_found_and_never_stored(engine):
    key = keys.create_key(engine, "An app", own_numbers=True)
    assert len(key) >= 43
    found = keys.find_key(engine, key)
    assert (found.label, found.own_numbers) == ("An app", True)
    with engine.connect() as connection:
        assert key not in str(connection.execute(text("SELECT * FROM api_keys")).all())


def test_unknown_keys_are_not_found(engine):
    keys.create_key(engine, "An app")
    for wrong in ("", "x", "' OR 1=1 --", "\x00", "\ud800", "é" * 10_000):
        assert keys.find_key(engine, wrong) is None


def test_a_revoked_key_stays_revoked(engine):
    keys.ensure_key(engine, SECRET, "Own actions", True)
    (row,) = keys.list_keys(engine)
    first = keys.revoke_key(engine, row.id).revoked_at
    assert keys.find_key(engine, SECRET) is None
    keys.ensure_key(engine, SECRET, "Own actions", True)
    assert keys.find_key(engine, SECRET) is None
    assert keys.revoke_key(engine, row.id).revoked_at == first
    assert keys.revoke_key(engine, 999) is None


def test_ensured_once_by_many(engine):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: keys.ensure_key(engine, SECRET, "Own actions", True), range(16)))
    (row,) = keys.list_keys(engine)
    assert row.own_numbers
    keys.ensure_key(engine, SECRET, "Own actions", False)
    assert not keys.find_key(engine, SECRET).own_numbers


def test_a_guessable_key_is_refused(engine):
    with pytest.raises(ValueError, match="20 or more"):
        keys.ensure_key(engine, "secret", "Own actions", True)
    assert keys.list_keys(engine) == []
