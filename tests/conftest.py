"""Fixtures for every folder of tests. Services are imported late: some tests run in Rasa's environment."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

with suppress(ModuleNotFoundError):  # Rasa's environment does without
    from hypothesis import settings

    settings.register_profile("house", deadline=None)  # how long an example takes is the machine's business
    settings.load_profile("house")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Marks a test that failed and is run again, so that the suite can say so at its end."""
    if getattr(item, "execution_count", 1) == 2:
        item.user_properties.append(("second try", "yes"))


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """URL of an empty database: once a SQLite file, once a schema of its own on PostgreSQL. With the newest tables
    where the test has an ``engine``, too.
    """
    has_tables = "engine" in request.fixturenames
    if request.param == "sqlite":
        path = tmp_path / "city311.db"
        if has_tables:
            shutil.copy(request.getfixturevalue("migrated_sqlite"), path)
        yield f"sqlite:///{path}"
        return

    from harness import postgresql

    schemas = request.getfixturevalue("migrated_schemas") if has_tables else None
    try:
        url = schemas.take() if schemas else postgresql.create()
    except postgresql.Unreachable:
        pytest.skip("PostgreSQL is not reachable at 127.0.0.1:5432 (user postgres, database test)")
    yield url
    (schemas.give_back if schemas else postgresql.drop)(url)


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file with the newest schema, to copy: that takes a hundredth of the time of migrating."""
    from city311.store import migrate

    path = tmp_path_factory.mktemp("database") / "migrated.db"
    migrate.upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def migrated_schemas() -> Iterator[object]:
    """Schemas with the newest tables on PostgreSQL, for one test after the other."""
    from harness.postgresql import Migrated

    schemas = Migrated()
    yield schemas
    schemas.close()


@pytest.fixture
def engine(database_url: str) -> Iterator[object]:
    """An engine on a database with the newest tables, on SQLite and on PostgreSQL in turn."""
    from city311.store.base import open_engine

    engine = open_engine(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def twilio() -> Iterator[object]:
    """A double of Twilio, as the others below are of their provider."""
    from doubles.twilio import TwilioDouble

    with TwilioDouble() as double:
        yield double


@pytest.fixture
def meta() -> Iterator[object]:
    from doubles.meta import MetaDouble

    with MetaDouble() as double:
        yield double


@pytest.fixture
def twochat() -> Iterator[object]:
    from doubles.twochat import TwoChatDouble

    with TwoChatDouble() as double:
        yield double


@pytest.fixture
def mail() -> Iterator[object]:
    from doubles.mail import MailDouble

    with MailDouble() as double:
        yield double


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[object]:
    """The whole program, started once for all tests that talk to it."""
    from harness.phone import lines
    from harness.stack import running

    with lines() as doubles, running(tmp_path_factory.mktemp("stack"), **doubles.settings()) as one:
        one.lines = doubles
        yield one


@pytest.fixture(autouse=True)
def no_likely_duplicates(request: pytest.FixtureRequest) -> None:
    """Tests that talk to the stack report the same places; none meets what another one reported."""
    if "stack" in request.fixturenames:
        request.getfixturevalue("stack").forget_reports()
