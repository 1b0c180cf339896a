"""Writes of many tasks, few transactions."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast

import anyio.to_thread
from sqlalchemy import Connection, Engine

R = TypeVar("R")
Write = Callable[[Connection], R]

_MOST = 64


class Together:
    """Writes to one database from one event loop.

    On SQLite, where only one can write at a time, all that wait for their turn share the next transaction: it costs as
    much as one of them alone. On PostgreSQL each has its own; there they do not wait for each other, and rows that
    one transaction locks for several could be locked by two processes in different order.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._writer = engine.execution_options(writes=True)
        self._shares = engine.dialect.name == "sqlite"
        self._waiting: list[tuple[Write[Any], asyncio.Future[Any]]] = []
        self._at_work: asyncio.Task[None] | None = None

    async def write(self, write: Write[R]) -> R:
        """The result of ``write``, called in a thread with a transaction that may write. It is durable then.

        ``write`` may be called again, after what it wrote was rolled back; it must do nothing else. What it raises is
        raised here, and rolls back nothing of others. A caller that is cancelled does not know whether it was done.
        """
        if not self._shares:
            return await anyio.to_thread.run_sync(self._alone, write)
        done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append((write, done))
        if self._at_work is None or self._at_work.done():
            self._at_work = asyncio.create_task(self._work())
        return cast(R, await done)

    async def close(self) -> None:
        """Wait until everything that was handed in is done."""
        if self._at_work is not None:
            await asyncio.wait([self._at_work])

    async def _work(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:_MOST], self._waiting[_MOST:]
            outcomes = await anyio.to_thread.run_sync(self._outcomes, [write for write, _ in batch])
            for (_, done), outcome in zip(batch, outcomes, strict=True):
                if done.done():  # nobody waits for it any more
                    continue
                if isinstance(outcome, Exception):
                    done.set_exception(outcome)
                else:
                    done.set_result(outcome)

    def _outcomes(self, writes: Sequence[Write[Any]]) -> Sequence[Any]:
        """What each gave, or the exception that it raised."""
        if len(writes) > 1:
            has_begun = False
            try:
                with self._writer.begin() as connection:
                    has_begun = True
                    return [write(connection) for write in writes]
            except Exception as error:
                if not has_begun:  # the database cannot be written; each alone would wait for it as long again
                    return [error] * len(writes)
                # whose it is shows when each has its own transaction
        outcomes: list[Any] = []
        for write in writes:
            try:
                outcomes.append(self._alone(write))
            except Exception as error:
                outcomes.append(error)
        return outcomes

    def _alone(self, write: Write[R]) -> R:
        with self._writer.begin() as connection:
            return write(connection)
