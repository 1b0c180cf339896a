"""Fixtures for every folder of tests. Services are imported late: some tests run in Rasa's environment."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

POSTGRESQL = "postgresql://postgres@127.0.0.1:5432/test"


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Marks a test that failed and is run again, so that the suite can say so at its end."""
    if getattr(item, "execution_count", 1) == 2:
        item.user_properties.append(("second try", "yes"))


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """URL of an empty database: once a SQLite file, once a schema of its own on PostgreSQL."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'city311.db'}"
        return

    from sqlalchemy import text
    from sqlalchemy.exc import OperationalError

    from city311.store.base import open_engine

    server = open_engine(POSTGRESQL)
    schema = f"city311_{uuid.uuid4().hex}"
    try:
        with server.begin() as connection:
            connection.execute(text(f"CREATE SCHEMA {schema}"))
    except OperationalError:
        server.dispose()
        pytest.skip("PostgreSQL is not reachable at 127.0.0.1:5432 (user postgres, database test)")
    try:
        yield f"{POSTGRESQL}?options=-csearch_path%3D{schema}"
    finally:
        with server.begin() as connection:
            connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))
        server.dispose()


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file with the newest schema, to copy: that takes a hundredth of the time of migrating."""
    from city311.store import migrate

    path = tmp_path_factory.mktemp("database") / "migrated.db"
    migrate.upgrade(f"sqlite:///{path}")
    return path


_STATEMENTS: list[str] = []
"""What the first migration on PostgreSQL in this process did: said again at once, it takes a third of the time."""


def _migrate_postgresql(url: str) -> None:
    import psycopg
    from sqlalchemy import Engine, event

    from city311.store import migrate

    if _STATEMENTS:
        with psycopg.connect(url) as connection:
            connection.execute(";\n".join(_STATEMENTS))
        return
    seen: list[tuple[str, object]] = []

    def remember(_connection, _cursor, statement: str, parameters: object, _context, _many) -> None:
        seen.append((statement, parameters))

    event.listen(Engine, "before_cursor_execute", remember)
    try:
        migrate.upgrade(url)
    finally:
        event.remove(Engine, "before_cursor_execute", remember)
    with psycopg.connect(url, cursor_factory=psycopg.ClientCursor) as connection:
        cursor = connection.cursor()
        for statement, parameters in seen:
            if not statement.lstrip().upper().startswith("SELECT"):
                _STATEMENTS.append(cursor.mogrify(statement, parameters or None))


@pytest.fixture
def engine(database_url: str, migrated_sqlite: Path):
    """An engine on a database with the newest schema, on SQLite and on PostgreSQL in turn."""
    from city311.store.base import open_engine

    if database_url.startswith("sqlite:///"):
        shutil.copy(migrated_sqlite, database_url.removeprefix("sqlite:///"))
    else:
        _migrate_postgresql(database_url)
    engine = open_engine(database_url)
    yield engine
    engine.dispose()


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
