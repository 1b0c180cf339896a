"""Writes of many tasks, few transactions. Both databases."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime, timezone

import pytest
from sqlalchemy import Connection, Engine, event, text
from sqlalchemy.exc import OperationalError

from city311.channels.together import Together
from city311.store import base, correspondents
from city311.store.correspondents import Heard

AT = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)


def noting(name: str) -> Callable[[Connection], str]:
    def write(connection: Connection) -> str:
        correspondents.note(connection, Heard(name, "sms", "+16175550100", "double", "line"), AT)
        return name

    return write


def refused(connection: Connection) -> None:
    noting("refused")(connection)
    raise LookupError("no")


def kept(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        return list(connection.scalars(text("SELECT sender FROM correspondents ORDER BY sender")))


@pytest.fixture
def commits(engine: Engine) -> Iterator[list[int]]:
    """Grows with every transaction that was committed."""
    seen: list[int] = []

    def count(_connection: Connection) -> None:
        seen.append(1)

    event.listen(engine, "commit", count)
    yield seen
    event.remove(engine, "commit", count)


def test_what_is_handed_in_at_once_is_there_when_each_has_its_result(engine: Engine, commits: list[int]) -> None:
    names = [f"s{number:02}" for number in range(20)]

    async def one(together: Together, name: str) -> None:
        assert await together.write(noting(name)) == name
        assert name in await asyncio.to_thread(kept, engine)

    async def run() -> None:
        together = Together(engine)
        await asyncio.gather(*(one(together, name) for name in names))

    asyncio.run(run())
    assert kept(engine) == names
    if engine.dialect.name == "sqlite":
        assert len(commits) < len(names) / 2


def test_one_that_fails_takes_nothing_of_the_others_along(engine: Engine) -> None:
    async def run() -> list[object]:
        together = Together(engine)
        writes = [noting("ann"), refused, noting("ben")]
        return await asyncio.gather(*(together.write(write) for write in writes), return_exceptions=True)

    ann, error, ben = asyncio.run(run())
    assert (ann, ben) == ("ann", "ben")
    assert isinstance(error, LookupError)
    assert kept(engine) == ["ann", "ben"]


def test_one_who_waits_no_more_disturbs_nobody(engine: Engine) -> None:
    async def run() -> None:
        together = Together(engine)
        caller = asyncio.create_task(together.write(noting("ann")))
        await asyncio.sleep(0)
        caller.cancel()
        await asyncio.gather(caller, return_exceptions=True)
        assert await together.write(noting("ben")) == "ben"
        await together.close()

    asyncio.run(run())
    assert set(kept(engine)) - {"ann"} == {"ben"}


def test_closing_waits_for_what_was_handed_in(engine: Engine) -> None:
    async def run() -> None:
        together = Together(engine)
        callers = [asyncio.create_task(together.write(noting(name))) for name in ("ann", "ben")]
        await asyncio.sleep(0)
        if engine.dialect.name == "sqlite":
            await together.close()
            assert await asyncio.to_thread(kept, engine) == ["ann", "ben"]
        await asyncio.gather(*callers)

    asyncio.run(run())
    assert kept(engine) == ["ann", "ben"]


def test_a_database_that_cannot_be_written_is_waited_for_once(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    if engine.dialect.name != "sqlite":
        pytest.skip("on PostgreSQL each waits alone, at the same time")
    monkeypatch.setattr(base, "BUSY_S", 0.01)
    begun: list[int] = []

    def count(*_: object) -> None:
        begun.append(1)

    async def run() -> list[object]:
        together = Together(engine)
        return await asyncio.gather(*(together.write(noting(f"s{n}")) for n in range(5)), return_exceptions=True)

    with closing(sqlite3.connect(str(engine.url.database))) as other:
        other.execute("BEGIN IMMEDIATE")
        event.listen(engine, "checkout", count)
        outcomes = asyncio.run(run())
    assert [type(outcome) for outcome in outcomes] == [OperationalError] * 5
    assert len(begun) == 1
