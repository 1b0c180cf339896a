"""Brings a database to the newest schema."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

from city311.store.base import open_engine

_MIGRATIONS = Path(__file__).parent / "migrations"
_LOCK = 311_0001
"""Any number that nothing else in the database uses for an advisory lock."""


def config(connection: Connection | None = None) -> Config:
    """Alembic's configuration, also for ``alembic.command.revision`` when a developer adds a migration."""
    settings = Config()
    settings.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    settings.attributes["connection"] = connection
    return settings


def upgrade(url: str) -> None:
    """Migrate the database at ``url`` to the newest schema, making it if it is new.

    All or nothing, and safe to call when it is up to date or when several processes start at once: one migrates,
    the others wait for it.
    """
    engine = open_engine(url)
    try:
        with _alone(engine) as connection:
            command.upgrade(config(connection), "head")
    finally:
        engine.dispose()


def is_current(engine: Engine) -> bool:
    """Whether the database has the newest schema."""
    with engine.connect() as connection:
        heads = MigrationContext.configure(connection).get_current_heads()
    return set(heads) == set(ScriptDirectory.from_config(config()).get_heads())


@contextmanager
def _alone(engine: Engine) -> Iterator[Connection]:
    """A transaction that no other migration runs beside. On SQLite the writing transaction itself keeps others out."""
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        yield connection
