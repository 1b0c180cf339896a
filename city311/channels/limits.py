"""How fast messages are taken and sent. Counted in memory, or in Redis for several portals together."""

from __future__ import annotations

import asyncio
import bisect
import functools
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass

from limits import RateLimitItem, RateLimitItemPerSecond, parse_many
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import MovingWindowRateLimiter
from limits.errors import StorageError

log = logging.getLogger(__name__)

_CLEARED_EVERY_S = 60.0


@dataclass(frozen=True)
class Rates:
    """In the notation of the library: ``20/minute;200/hour``. ``notice``: how often one sender is told to slow down.
    ``web``: messages of all web chats together.
    """

    per_sender: str = "20/minute;200/hour"
    overall: str = "3000/minute"
    web: str = "30000/minute"
    notice: str = "1/10minute"


class Limits:
    """The counters of one portal process, or of all of them when they share a Redis."""

    def __init__(self, rates: Rates, *, redis_url: str = "") -> None:
        """``redis_url``: ``redis://host:port/db``; empty counts in this process.

        Raises:
            ValueError: a rate cannot be read.
        """
        self._per_sender = parse_many(rates.per_sender)
        self._overall = parse_many(rates.overall)
        self._notice = parse_many(rates.notice)
        self._own = MovingWindowRateLimiter(_Memory())
        self._shared = None
        if redis_url:
            storage = RedisStorage(
                f"async+{redis_url}",
                wrap_exceptions=True,
                implementation="redispy",
                key_prefix="city311",
                socket_timeout=1.0,
                socket_connect_timeout=1.0,
            )
            self._shared = MovingWindowRateLimiter(storage)
        self._shared_again_at = 0.0

    async def wait_s(self, sender: str) -> float:
        """Count a message of ``sender``; 0 when it may be taken, else the seconds until one may."""
        for items, name in ((self._per_sender, sender), (self._overall, "")):
            waiting = await self._hit(items, "taken", name)
            if waiting:
                return waiting
        return 0.0

    async def may_tell(self, sender: str) -> bool:
        """Whether the sender is to be told to slow down: not if that was said a moment ago."""
        return await self._hit(self._notice, "told", sender) == 0

    async def wait_for(self, rates: str, what: str, name: str) -> float:
        """Count one ``what`` of ``name``; 0 when that is within ``rates``, else the seconds until it is."""
        return await self._hit(_parsed(rates), what, name)

    async def room(self, line: str, per_second: float) -> float:
        """Count one message that goes out on that line; 0 when it may now, else the seconds until one may."""
        return await self._hit([_every(per_second)], "sent", line, least_s=0.0)

    async def pace(self, line: str, per_second: float) -> None:
        """Wait until one more message may go out on that line."""
        while waiting := await self.room(line, per_second):
            await asyncio.sleep(waiting)

    async def _hit(self, items: Sequence[RateLimitItem], what: str, name: str, *, least_s: float = 1.0) -> float:
        if self._shared is not None and time.monotonic() >= self._shared_again_at:
            try:
                return await _counted(self._shared, items, what, name, least_s)
            except StorageError as error:
                # a Redis that is down must not silence a city: this process counts alone for a while
                self._shared_again_at = time.monotonic() + 10
                log.error("Redis does not count messages (%s); counting in this process", type(error).__name__)
        return await _counted(self._own, items, what, name, least_s)


class _Memory(MemoryStorage):
    """The library's own, cleared once a minute.

    That clears with every message, for which it goes through a thread for every sender that it knows.
    """

    async def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        if self.timer is None or self.timer.done():
            self.timer = asyncio.create_task(self._clear())  # while it runs, the library begins none of its own
        return await super().acquire_entry(key, limit, expiry, amount)

    async def _clear(self) -> None:
        while True:
            await asyncio.sleep(_CLEARED_EVERY_S)
            self.forget(time.time())

    def forget(self, at: float) -> None:
        """Drop what does not count any more at that time."""
        for key, newest_first in list(self.events.items()):
            del newest_first[bisect.bisect_left(newest_first, -at, key=lambda event: -event.expiry) :]
            if not newest_first:
                del self.events[key]
                self.locks.pop(key, None)


@functools.cache
def _every(per_second: float) -> RateLimitItem:
    if per_second >= 1:
        return RateLimitItemPerSecond(max(1, round(per_second)))
    return RateLimitItemPerSecond(1, max(1, round(1 / per_second)))


@functools.cache
def _parsed(rates: str) -> Sequence[RateLimitItem]:
    return parse_many(rates)


async def _counted(
    limiter: MovingWindowRateLimiter, items: Sequence[RateLimitItem], what: str, name: str, least_s: float
) -> float:
    for item in items:
        if not await limiter.hit(item, what, name):
            stats = await limiter.get_window_stats(item, what, name)
            return max(least_s, 0.01, stats.reset_time - time.time())
    return 0.0
