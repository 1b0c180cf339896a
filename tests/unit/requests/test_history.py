"""How long a service takes, told honestly."""

from datetime import datetime, timedelta, timezone

import pytest
from sqlalchemy import insert

from city311.requests.history import FEWEST_CLOSED, Pace, estimate, usual
from city311.store.base import writing
from city311.store.reports import STILL_OPEN, KnownReport

NOW = datetime(2026, 5, 1, 12, tzinfo=timezone.utc)


def keep(engine, rows):
    """Rows of (days ago that it came in, days it took or None, state)."""
    empty = {"cell": None, "lat": None, "long": None} | dict.fromkeys(
        ("address", "address_key", "unit", "asset", "answers"), ""
    )
    with writing(engine) as session:
        values = []
        for number, (ago, took, state) in enumerate(rows):
            came = NOW - timedelta(days=ago)
            closed = STILL_OPEN if took is None else came + timedelta(days=took)
            values.append(
                empty
                | {"reference": f"SR-{number}", "service_code": "pothole", "state": state}
                | {"requested_at": came, "closed_at": closed, "updated_at": came}
            )
        session.execute(insert(KnownReport), values)


def days(span):
    return span.total_seconds() / 86_400


def test_half_and_nine_in_ten(engine):
    keep(engine, [(60, day, "done") for day in range(1, 41)])
    told = usual(engine, "pothole", NOW)
    assert (days(told.half), days(told.nine_in_ten)) == (20, 36)


def test_nothing_is_said_of_few(engine):
    keep(engine, [(60, 3, "done")] * (FEWEST_CLOSED - 1) + [(60, None, "received")] * 100)
    assert usual(engine, "pothole", NOW) is None
    assert usual(engine, "graffiti_public", NOW) is None


def test_open_ones_make_it_longer(engine):
    """Those that were done fast are not all there is: forty more have waited 50 days."""
    keep(engine, [(60, day / 4, "done") for day in range(1, 41)] + [(50, None, "accepted")] * 35)
    told = usual(engine, "pothole", NOW)
    assert days(told.half) == pytest.approx(9.5, abs=0.3)
    assert told.nine_in_ten is None


def test_when_most_wait_nothing_is_said(engine):
    keep(engine, [(60, 2, "done")] * 40 + [(50, None, "accepted")] * 60)
    assert usual(engine, "pothole", NOW) is None


def test_a_duplicate_that_was_closed_at_once_is_no_fast_work(engine):
    keep(engine, [(60, 10, "done")] * 40 + [(60, 0.1, "duplicate")] * 40)
    told = usual(engine, "pothole", NOW)
    assert (days(told.half), days(told.nine_in_ten)) == (10, 10)


def test_old_times_do_not_count(engine):
    keep(engine, [(400, 1, "done")] * 40 + [(60, 10, "done_unexplained")] * 40)
    assert days(usual(engine, "pothole", NOW).half) == 10


def test_a_closing_before_its_report_is_no_negative_time():
    told = estimate([-1.0 if day < 5 else float(day) for day in range(40)], [])
    assert days(told.half) > 0


def test_it_is_looked_up_again_after_ten_minutes(engine):
    now = [NOW]
    pace = Pace(engine, lambda: now[0])
    assert pace.of("pothole") is None
    keep(engine, [(60, 10, "done")] * 40)
    assert pace.of("pothole") is None
    now[0] += timedelta(minutes=11)
    assert days(pace.of("pothole").half) == 10
