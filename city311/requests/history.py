"""How long a service really takes, from the city's own requests: those still open count too, as not done so far."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Engine, select

from city311.requests.states import State
from city311.store.base import reading
from city311.store.reports import STILL_OPEN, KnownReport

FEWEST_CLOSED = 30
"""With fewer that were done, nothing is said."""

_LOOK_BACK = timedelta(days=365)
_NEWEST = 5000
_HOLDS = timedelta(minutes=10)
_DONE = frozenset(state.value for state in State if state.is_done)


@dataclass(frozen=True)
class Usual:
    """How long requests take: half of them, and nine in ten (None where that cannot be told yet)."""

    half: timedelta
    nine_in_ten: timedelta | None


def usual(engine: Engine, service_code: str, at: datetime) -> Usual | None:
    """How long the requests of the last year took; None before :data:`FEWEST_CLOSED` of them were done.

    The estimate is Kaplan and Meier's (JASA 53, 1958). A request that is open, or that was closed without work (a
    duplicate, a referral), took at least as long as it was open.
    """
    with reading(engine) as session:
        rows = session.execute(
            select(KnownReport.requested_at, KnownReport.closed_at, KnownReport.state)
            .where(KnownReport.service_code == service_code, KnownReport.requested_at >= at - _LOOK_BACK)
            .order_by(KnownReport.requested_at.desc())
            .limit(_NEWEST)
        ).all()
    done: list[float] = []
    not_done: list[float] = []
    for requested_at, closed_at, state in rows:
        days = (min(closed_at, at) - requested_at).total_seconds() / 86_400
        (done if closed_at < STILL_OPEN and state in _DONE else not_done).append(max(0.0, days))
    return estimate(done, not_done)


def estimate(done: list[float], not_done: list[float]) -> Usual | None:
    """From days that done requests took, and days that others have been or were open."""
    if len(done) < FEWEST_CLOSED:
        return None
    from scipy.stats import CensoredData, ecdf  # takes a second to load, which only those who need it pay

    survival = ecdf(CensoredData(uncensored=done, right=not_done)).sf

    def when(share: float) -> timedelta | None:
        reached = [day for day, left in zip(survival.quantiles, survival.probabilities, strict=True) if left <= share]
        return timedelta(days=math.ceil(reached[0] * 24) / 24) if reached else None

    half = when(0.5)
    return Usual(half, when(0.1)) if half is not None else None


class Pace:
    """:func:`usual`, remembered for ten minutes a service. Safe to share between threads."""

    def __init__(self, engine: Engine, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._clock = clock
        self._known: dict[str, tuple[datetime, Usual | None]] = {}

    def of(self, service_code: str) -> Usual | None:
        """How long requests for that service take."""
        at = self._clock()
        known = self._known.get(service_code)
        if known is None or at - known[0] > _HOLDS:
            known = self._known[service_code] = at, usual(self._engine, service_code, at)
        return known[1]
