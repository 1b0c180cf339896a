"""A server of each kind, and a connector to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from georeport_double import KEY, Double
from small_city import small_city

from city311.city.model import WorkOrders
from city311.connectors.breaker import Breaker
from city311.connectors.model import Submission
from city311.connectors.open311 import Open311
from city311.requests import Requests, Timing


@pytest.fixture
def server() -> Iterator[Double]:
    with Double() as double:
        yield double


@pytest.fixture(params=["json", "xml"])
def form(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def connect(server: Double) -> Callable[..., Open311]:
    def make(key: str = KEY, breaker: Breaker | None = None, **changes: Any) -> Open311:
        config = replace(WorkOrders(url=server.url, timeout_s=2.0), **changes)
        zone = timezone(timedelta(hours=-5))
        return Open311(config, key, zone=zone, breaker=breaker or Breaker(failures=1000, pause_s=60))

    return make


@pytest.fixture
def pothole() -> Submission:
    return Submission(
        number="SR-104217",
        service_code="pothole",
        address="1234 Hampshire Street",
        lat=42.3712345,
        long=-71.0954321,
        description='A deep hole, "very" deep & wide <b>here</b> – près de l’école',
        requested_at=datetime.now(timezone.utc),
        attributes={"where": ("lane",), "size": ("small", "deep")},
        first_name="Ana",
        phone="+1 617 555 0100",
        email="ana@example.org",
        media_urls=("https://example.org/a.jpg",),
    )


class Clock:
    """Time that a test moves on."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(timezone.utc) + self.ahead

    def forward(self, seconds: float) -> None:
        self.ahead += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def capability(engine: Any, connect: Callable[..., Open311], clock: Clock) -> Iterator[Callable[..., Requests]]:
    """Makes a process's capability, with the connector that the changes ask for."""
    made: list[Requests] = []

    def make(timing: Timing | None = None, **changes: Any) -> Requests:
        made.append(Requests(small_city(), engine, connect(**changes), clock, timing))
        return made[-1]

    yield make
    for one in made:
        one.close()
