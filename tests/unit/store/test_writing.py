"""Who writes to SQLite when several threads of a process want to."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

from city311.store import base
from city311.store.base import open_engine, reading, writing

PATIENT_S = 60
"""Longer than any wait here takes; only a failure takes as long."""


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """SQLite with a table."""
    monkeypatch.setattr(base, "BUSY_S", PATIENT_S)
    engine = open_engine(f"sqlite:///{tmp_path}/a.db")
    with writing(engine) as session:
        session.execute(text("CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT)"))
    return engine


def note(engine: Engine, words: str) -> None:
    with writing(engine) as session:
        session.execute(text("INSERT INTO notes (text) VALUES (:words)"), {"words": words})


def notes(engine: Engine) -> list[str]:
    with reading(engine) as session:
        return list(session.scalars(text("SELECT text FROM notes ORDER BY id")))


def in_threads(*calls: Callable[[], None]) -> list[BaseException]:
    failures: list[BaseException] = []

    def run(call: Callable[[], None]) -> None:
        try:
            call()
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=run, args=(call,), daemon=True) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENT_S / 2)
        assert not thread.is_alive()
    return failures


def test_threads_wait_for_each_other_and_not_for_sqlite(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    def pause() -> None:
        raise AssertionError("it met SQLite's lock")

    monkeypatch.setattr(base, "_pause", pause)

    def write() -> None:
        for _ in range(10):
            note(engine, "x")

    assert in_threads(*[write] * 8) == []
    assert len(notes(engine)) == 80


def test_reading_goes_on_while_somebody_writes(engine: Engine) -> None:
    note(engine, "before")
    with writing(engine) as session:
        session.execute(text("INSERT INTO notes (text) VALUES ('not yet')"))
        assert notes(engine) == ["before"]


def test_after_a_transaction_that_fails_the_next_one_writes(engine: Engine) -> None:
    with pytest.raises(ZeroDivisionError), writing(engine) as session:
        session.execute(text("INSERT INTO notes (text) VALUES ('undone')"))
        raise ZeroDivisionError
    with pytest.raises(OperationalError), writing(engine) as session:
        session.execute(text("INSERT INTO nowhere VALUES (1)"))
    assert in_threads(lambda: note(engine, "done")) == []
    assert notes(engine) == ["done"]


@pytest.fixture
def other(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """Another process, which is writing."""
    with closing(sqlite3.connect(tmp_path / "a.db", isolation_level=None, check_same_thread=False)) as connection:
        connection.execute("PRAGMA busy_timeout=0")
        yield connection


def test_who_finds_another_process_writing_looks_again(
    engine: Engine, other: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[int] = []

    def pause() -> None:
        pauses.append(len(pauses))
        if len(pauses) == 3:
            other.execute("COMMIT")

    monkeypatch.setattr(base, "_pause", pause)
    other.execute("BEGIN IMMEDIATE")
    note(engine, "done")
    assert pauses == [0, 1, 2]
    assert notes(engine) == ["done"]


def test_who_waited_in_vain_leaves_the_line(
    engine: Engine, other: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    other.execute("BEGIN IMMEDIATE")
    with monkeypatch.context() as patience:
        patience.setattr(base, "BUSY_S", 0.0)
        with pytest.raises(OperationalError, match="locked"):
            note(engine, "too early")
    other.execute("COMMIT")
    assert in_threads(lambda: note(engine, "later")) == []
    assert notes(engine) == ["later"]
    other.execute("BEGIN IMMEDIATE")  # nothing is held
    other.execute("COMMIT")


def test_a_database_that_cannot_be_written_is_refused_at_once(engine: Engine) -> None:
    with writing(engine) as session:
        session.execute(text("INSERT INTO notes (text) VALUES ('done')"))
    with engine.connect() as connection:
        connection.connection.driver_connection.execute("PRAGMA query_only=1")  # type: ignore[union-attr]
    with pytest.raises(OperationalError, match="readonly"):
        note(engine, "never")
