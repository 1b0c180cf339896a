"""The database: one SQLAlchemy engine, SQLite in WAL mode by default, PostgreSQL by URL."""

from __future__ import annotations

import random
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, cast

from sqlalchemy import Connection, DateTime, Dialect, Engine, create_engine, event, make_url
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.types import TypeDecorator

BUSY_S = 10.0
"""How long a transaction that writes waits for those of others before it fails, on SQLite."""
_POOLED = 16
_AT_ONCE = 40
"""Connections to SQLite: as many as the portal has threads. Only the pooled ones stay open."""


Inside = Session | Connection
"""A transaction that is the caller's."""
INSERTS = cast("dict[str, Callable[..., sqlite.Insert]]", {"postgresql": postgresql.insert, "sqlite": sqlite.insert})
"""Inserts that can say what becomes of a row that is there already."""


class Base(DeclarativeBase):
    """Parent of every table."""


class Instant(TypeDecorator[datetime]):
    """A moment in UTC. Aware going in, aware coming out, also on SQLite, which keeps no zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone; moments are stored in UTC.")
        return value.astimezone(timezone.utc)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        return value.replace(tzinfo=timezone.utc) if value.tzinfo is None else value.astimezone(timezone.utc)


def now() -> datetime:
    """This moment in UTC."""
    return datetime.now(timezone.utc)


def open_engine(url: str) -> Engine:
    """An engine for ``url`` (``sqlite:///path`` or ``postgresql://…``), its SQLite file's folder made if need be.

    Error messages of the engine leave out the values of a statement: they may be a resident's words.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        in_memory = not parsed.database or parsed.database == ":memory:"
        if parsed.database and not in_memory:
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        # each connection to a database in memory is a database of its own; SQLAlchemy keeps one
        pool = {} if in_memory else {"pool_size": _POOLED, "max_overflow": _AT_ONCE - _POOLED}
        engine = create_engine(parsed, connect_args={"timeout": BUSY_S}, hide_parameters=True, **pool)
        event.listen(engine, "connect", _prepare_sqlite)
        writers = _Writers()
        event.listen(engine, "begin", writers.begin)
        event.listen(engine, "checkin", writers.end)
        return engine
    if parsed.drivername == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")
    return create_engine(
        parsed,
        pool_pre_ping=True,
        pool_size=5,
        max_overflow=10,
        hide_parameters=True,
        connect_args={"connect_timeout": 5},
    )


def dialect_of(inside: Inside) -> str:
    """Name of the database: a key of :data:`INSERTS`."""
    return (inside if isinstance(inside, Connection) else inside.get_bind()).dialect.name


@contextmanager
def reading(engine: Engine) -> Iterator[Session]:
    """A session for reading. What it loaded stays usable after it is closed."""
    with Session(engine, expire_on_commit=False) as session:
        yield session


@contextmanager
def looking_up(engine: Engine) -> Iterator[Connection]:
    """A connection for one statement that only reads. On PostgreSQL without a transaction around it, which would be two
    more round trips.
    """
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            connection = connection.execution_options(isolation_level="AUTOCOMMIT")
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Session]:
    """A session whose one transaction may write: committed, so durable, when the block ends; rolled back if it raises.

    On SQLite the transaction takes the write lock when it begins and waits for it (``BUSY_S``), instead of
    failing half-way with "database is locked".
    """
    with Session(engine.execution_options(writes=True), expire_on_commit=False) as session, session.begin():
        yield session


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    # SQLAlchemy begins transactions itself (below): the driver's own late BEGIN would let a read turn into a
    # write that fails at once with "database is locked" instead of waiting.
    connection.isolation_level = None
    cursor = connection.cursor()
    _keep_a_log(cursor)
    cursor.execute("PRAGMA synchronous=FULL")  # a confirmed request survives a power cut
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _keep_a_log(cursor: sqlite3.Cursor) -> None:
    """SQLite's write-ahead log. Where several processes open a new database at once, SQLite refuses all but one to turn
    it on, without waiting."""
    until = time.monotonic() + BUSY_S
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
        time.sleep(0.01)


class _Writers:
    """The threads of this process write to SQLite one after the other, and the first in line looks often.

    SQLite itself wakes nobody: who finds it locked looks again after pauses that grow to a tenth of a second, and those
    who have just come get there first. Many threads at once would write slowly, and some, or those of another process,
    not at all within ``BUSY_S``.
    """

    _HELD = "city311_writes"

    def __init__(self) -> None:
        self._one = threading.Lock()

    def begin(self, connection: Connection) -> None:
        if not connection.get_execution_options().get("writes"):
            connection.exec_driver_sql("BEGIN")
            return
        until = time.monotonic() + BUSY_S
        record = connection.connection.record_info
        if record is not None and not record.get(self._HELD):
            # who waits too long goes on to SQLite, which decides
            record[self._HELD] = self._one.acquire(timeout=BUSY_S)
        database = cast(sqlite3.Connection, connection.connection.driver_connection)
        database.execute("PRAGMA busy_timeout=0")
        try:
            while _is_locked(database) and time.monotonic() < until:
                _pause()
            if not database.in_transaction:  # it fails once more, with SQLAlchemy's own error
                connection.exec_driver_sql("BEGIN IMMEDIATE")
        finally:
            database.execute(f"PRAGMA busy_timeout={BUSY_S * 1000:.0f}")

    def end(self, _connection: Any, record: Any) -> None:
        # after the commit, and whatever came between
        if record.record_info.pop(self._HELD, False):
            self._one.release()


def _is_locked(database: sqlite3.Connection) -> bool:
    """False: the transaction has begun, or never will."""
    try:
        database.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        return error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
    return False


def _pause() -> None:
    time.sleep(random.uniform(0.001, 0.003))  # noqa: S311 - spreads load, no secret
