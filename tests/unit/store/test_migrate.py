"""Migrations: same schema as the tables in code, repeatable, safe when processes start at once."""

import multiprocessing
import sqlite3

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect

from city311.store import base, migrate
from city311.store.base import Base, open_engine


def test_schema_is_that_of_the_tables(engine):
    with engine.connect() as connection:
        # SQLite has no types to compare: FLOAT and DOUBLE are the same to it.
        options = {"compare_type": engine.dialect.name == "postgresql"}
        assert compare_metadata(MigrationContext.configure(connection, opts=options), Base.metadata) == []


def test_repeating_changes_nothing(engine, database_url):
    before = sorted(inspect(engine).get_table_names())
    migrate.upgrade(database_url)
    assert sorted(inspect(engine).get_table_names()) == before
    assert migrate.is_current(engine)


def test_a_new_database_is_not_current(database_url):
    engine = open_engine(database_url)
    assert not migrate.is_current(engine)
    engine.dispose()


def test_down_and_up_again(engine, database_url):
    from alembic import command

    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        command.downgrade(migrate.config(connection), "base")
    assert inspect(engine).get_table_names() == ["alembic_version"]
    migrate.upgrade(database_url)
    assert migrate.is_current(engine)


def test_six_processes_start_at_once(database_url):
    fork = multiprocessing.get_context("fork")  # the libraries are loaded already, so they really meet
    barrier = fork.Barrier(6)
    processes = [fork.Process(target=_start, args=(barrier, database_url)) for _ in range(6)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * 6
    engine = open_engine(database_url)
    assert migrate.is_current(engine)
    engine.dispose()


def _start(barrier, url):
    barrier.wait()
    migrate.upgrade(url)


def test_the_log_is_turned_on_though_another_process_is_just_doing_so():
    refusals = [sqlite3.SQLITE_BUSY, sqlite3.SQLITE_BUSY_RECOVERY]

    class Cursor:
        def execute(self, statement):
            if refusals:
                error = sqlite3.OperationalError("database is locked")
                error.sqlite_errorcode = refusals.pop()
                raise error

    base._keep_a_log(Cursor())
    assert not refusals


def test_a_database_that_cannot_be_written_is_an_error_at_once():
    class Cursor:
        def execute(self, statement):
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorcode = sqlite3.SQLITE_IOERR
            raise error

    with pytest.raises(sqlite3.OperationalError):
        base._keep_a_log(Cursor())
