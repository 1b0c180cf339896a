"""Counting messages, in memory and in Redis."""

from __future__ import annotations

import asyncio
import time
import uuid

import pytest
import redis

from city311.channels.limits import Limits, Rates

REDIS = "redis://127.0.0.1:6379/0"


@pytest.fixture(params=["memory", "redis"])
def redis_url(request: pytest.FixtureRequest) -> str:
    if request.param == "memory":
        return ""
    try:
        redis.Redis.from_url(REDIS, socket_timeout=2).ping()
    except redis.RedisError:
        pytest.skip("Redis is not reachable at 127.0.0.1:6379")
    return REDIS


def test_one_sender_is_limited_and_others_are_not(redis_url: str) -> None:
    ann, ben = uuid.uuid4().hex, uuid.uuid4().hex

    async def run() -> None:
        limits = Limits(Rates(per_sender="3/hour", overall="100000/minute"), redis_url=redis_url)
        assert [await limits.wait_s(ann) > 0 for _ in range(5)] == [False, False, False, True, True]
        assert await limits.wait_s(ann) > 3000
        assert await limits.wait_s(ben) == 0
        assert [await limits.may_tell(ann) for _ in range(3)] == [True, False, False]
        assert await limits.may_tell(ben)

    asyncio.run(run())


def test_all_together_are_limited() -> None:
    async def run() -> None:
        limits = Limits(Rates(per_sender="10/minute", overall="5/hour"))
        assert sum([await limits.wait_s(f"s{n}") == 0 for n in range(20)]) == 5

    asyncio.run(run())


def test_portals_count_together_in_redis(redis_url: str) -> None:
    if not redis_url:
        pytest.skip("for Redis only")
    ann = uuid.uuid4().hex

    async def run() -> None:
        portals = [Limits(Rates(per_sender="4/hour"), redis_url=redis_url) for _ in range(2)]
        assert sum([await portals[n % 2].wait_s(ann) == 0 for n in range(10)]) == 4

    asyncio.run(run())


def test_a_redis_that_is_away_silences_nobody() -> None:
    async def run() -> None:
        limits = Limits(Rates(per_sender="2/hour"), redis_url="redis://127.0.0.1:1/0")
        assert [await limits.wait_s("ann") == 0 for _ in range(4)] == [True, True, False, False]

    asyncio.run(run())


def test_sending_keeps_its_pace() -> None:
    async def run() -> float:
        limits = Limits(Rates())
        loop = asyncio.get_running_loop()
        began = loop.time()
        for _ in range(3):
            await limits.pace("sms:+16175550131", 2.0)
        return loop.time() - began

    assert asyncio.run(run()) > 0.5


def test_a_rate_that_cannot_be_read() -> None:
    with pytest.raises(ValueError):
        Limits(Rates(per_sender="many"))


def test_counting_needs_no_thread_however_many_senders_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    async def no_thread(*_: object) -> None:
        raise AssertionError("a thread was asked to count")

    monkeypatch.setattr(asyncio, "to_thread", no_thread)

    async def run() -> None:
        limits = Limits(Rates(per_sender="2/minute", overall="100000/minute"))
        for number in range(50):
            assert await limits.wait_s(f"s{number}") == 0
            await asyncio.sleep(0)
        timer = limits._own.storage.timer
        assert timer is not None
        assert not timer.done()

    asyncio.run(run())


def test_what_counts_no_more_is_not_kept() -> None:
    async def run() -> None:
        limits = Limits(Rates(per_sender="2/minute", overall="100/hour"))
        memory = limits._own.storage
        await limits.wait_s("ann")
        memory.forget(time.time() + 30)
        assert [len(events) for events in memory.events.values()] == [1, 1]
        memory.forget(time.time() + 61)
        assert [key for key in memory.events if "ann" in key] == []
        assert len(memory.events) == 1  # the hour is not over
        memory.forget(time.time() + 3601)
        assert memory.events == {}

    asyncio.run(run())
