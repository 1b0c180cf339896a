"""What the tests of filing and of its failures share: counting rows, waiting, letting the worker deliver."""

from __future__ import annotations

import time

from sqlalchemy import func, select

from city311.store.base import reading


def count(engine, table):
    with reading(engine) as session:
        return session.scalar(select(func.count()).select_from(table))


def until(condition, seconds=120):
    """Wait for something that must happen; the limit only ends a test that has failed already."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


def deliver_all(requests, clock, rounds=12):
    """Let time pass and the worker's work be done until nothing is waiting."""
    for _ in range(rounds):
        requests.deliver_waiting()
        if not [one for one in requests.undelivered() if not one.refused]:
            return
        clock.forward(400)
