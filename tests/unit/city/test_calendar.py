"""Clock arithmetic of SLAs: weekends, holidays, daylight saving, the end of the day."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from city311.city import load_pack
from city311.city.calendar import due, is_working_day
from city311.city.model import Calendar, Clock, Sla

NEW_YORK, CAIRO, AUCKLAND = ZoneInfo("America/New_York"), ZoneInfo("Africa/Cairo"), ZoneInfo("Pacific/Auckland")
MASSACHUSETTS = Calendar("US", "MA", extra={date(2026, 12, 24): "Christmas Eve"}, day_starts=time(8), day_ends=time(17))
EGYPT = Calendar("EG", weekend=frozenset({4, 5}), day_starts=time(9), day_ends=time(15))


def new_york(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=NEW_YORK)


def business_days(amount: int, start: datetime, calendar: Calendar = MASSACHUSETTS) -> datetime:
    moment = due(Sla(Clock.BUSINESS_DAYS, amount), start, calendar, NEW_YORK)
    assert moment is not None
    return moment


@pytest.mark.parametrize(
    ("start", "amount", "ends"),
    [
        (new_york(2026, 11, 2, 9), 1, new_york(2026, 11, 3, 17)),  # Monday
        (new_york(2026, 11, 6, 9), 1, new_york(2026, 11, 9, 17)),  # Friday, over the weekend
        (new_york(2026, 11, 6, 23, 59), 2, new_york(2026, 11, 10, 17)),  # late on Friday
        (new_york(2026, 11, 7, 12), 1, new_york(2026, 11, 9, 17)),  # Saturday
        (new_york(2026, 11, 8, 12), 1, new_york(2026, 11, 9, 17)),  # Sunday
        (new_york(2026, 11, 10, 9), 1, new_york(2026, 11, 12, 17)),  # over Veterans Day
        (new_york(2026, 11, 25, 9), 1, new_york(2026, 11, 27, 17)),  # over Thanksgiving
        (new_york(2026, 11, 25, 9), 2, new_york(2026, 11, 30, 17)),  # … and the weekend after it
        (
            new_york(2026, 12, 23, 9),
            1,
            new_york(2026, 12, 28, 17),
        ),  # the city's own day, Christmas on a Friday, weekend
        (new_york(2027, 12, 23, 9), 1, new_york(2027, 12, 24, 17)),  # Christmas on a Saturday: the state moves no day
        (new_york(2022, 12, 23, 9), 1, new_york(2022, 12, 27, 17)),  # Christmas on a Sunday is kept on Monday
        (new_york(2026, 12, 31, 9), 1, new_york(2027, 1, 4, 17)),  # over New Year
        (new_york(2027, 4, 16, 9), 1, new_york(2027, 4, 20, 17)),  # over Patriots' Day, a holiday of the state
        (new_york(2026, 11, 2, 9), 20, new_york(2026, 12, 2, 17)),
    ],
)
def test_business_days(start: datetime, amount: int, ends: datetime) -> None:
    assert business_days(amount, start) == ends
    assert business_days(amount, start).utcoffset() == ends.utcoffset()


def test_the_day_of_the_report_is_the_citys_day_and_not_utc() -> None:
    # Friday evening in New York is Saturday in UTC.
    assert business_days(1, datetime(2026, 11, 7, 2, tzinfo=timezone.utc)) == new_york(2026, 11, 9, 17)
    # Monday morning in UTC is still Sunday evening.
    assert business_days(1, datetime(2026, 11, 9, 3, tzinfo=timezone.utc)) == new_york(2026, 11, 9, 17)


def test_another_weekend_and_its_holidays() -> None:
    wednesday, thursday = datetime(2026, 11, 4, 10, tzinfo=CAIRO), datetime(2026, 11, 5, 10, tzinfo=CAIRO)
    assert due(Sla(Clock.BUSINESS_DAYS, 1), wednesday, EGYPT, CAIRO) == datetime(2026, 11, 5, 15, tzinfo=CAIRO)
    assert due(Sla(Clock.BUSINESS_DAYS, 1), thursday, EGYPT, CAIRO) == datetime(2026, 11, 8, 15, tzinfo=CAIRO)
    assert not is_working_day(date(2026, 10, 8), EGYPT)  # Armed Forces Day, kept on a Thursday
    assert is_working_day(date(2026, 11, 26), EGYPT)  # Thanksgiving is no holiday there


def test_the_city_opens_on_a_holiday_or_a_weekend() -> None:
    calendar = Calendar("US", "MA", open_on=frozenset({date(2026, 11, 26), date(2026, 11, 28)}))
    assert business_days(1, new_york(2026, 11, 25, 9), calendar) == new_york(2026, 11, 26, 17)
    assert business_days(3, new_york(2026, 11, 25, 9), calendar) == new_york(2026, 11, 28, 17)


def test_a_country_without_holidays_of_the_library() -> None:
    assert is_working_day(date(2026, 12, 25), Calendar(""))
    assert not is_working_day(date(2026, 12, 26), Calendar(""))
    assert not is_working_day(date(2026, 12, 28), Calendar("", extra={date(2026, 12, 28): "Founders"}))


def test_hours_are_real_hours_when_the_clocks_change() -> None:
    day = Sla(Clock.HOURS, 24)
    assert due(day, new_york(2026, 3, 7, 12), MASSACHUSETTS, NEW_YORK) == new_york(2026, 3, 8, 13)  # spring forward
    assert due(day, new_york(2026, 10, 31, 12), MASSACHUSETTS, NEW_YORK) == new_york(2026, 11, 1, 11)  # fall back
    ends = due(Sla(Clock.HOURS, 1), new_york(2026, 11, 1, 1, 30), MASSACHUSETTS, NEW_YORK)
    assert ends is not None
    assert (ends.hour, ends.minute, ends.fold) == (1, 30, 1)  # the second half past one of that night
    assert due(Sla(Clock.HOURS, 1), new_york(2026, 3, 8, 1, 30), MASSACHUSETTS, NEW_YORK) == new_york(2026, 3, 8, 3, 30)


def test_days_keep_the_time_on_the_wall_when_the_clocks_change() -> None:
    for start in (new_york(2026, 3, 7, 12), new_york(2026, 10, 31, 12)):
        ends = due(Sla(Clock.DAYS, 1), start, MASSACHUSETTS, NEW_YORK)
        assert ends is not None
        assert (ends.date(), ends.time()) == (start.date() + timedelta(days=1), time(23, 59))
    in_spring = business_days(1, new_york(2026, 3, 6, 12))
    assert (in_spring.hour, in_spring.utcoffset()) == (17, timedelta(hours=-4))
    in_autumn = business_days(1, new_york(2026, 10, 30, 12))
    assert (in_autumn.hour, in_autumn.utcoffset()) == (17, timedelta(hours=-5))


def test_days_count_weekends_and_holidays() -> None:
    assert due(Sla(Clock.DAYS, 3), new_york(2026, 11, 25, 9), MASSACHUSETTS, NEW_YORK) == new_york(2026, 11, 28, 23, 59)


@pytest.mark.parametrize(
    ("start", "day"),
    [
        (new_york(2026, 11, 2, 0, 0), 2),
        (new_york(2026, 11, 2, 16, 59, 59), 2),
        (new_york(2026, 11, 2, 17, 0), 3),
        (new_york(2026, 11, 2, 23, 59, 59), 3),
    ],
)
def test_same_day_before_and_after_the_office_closes(start: datetime, day: int) -> None:
    assert due(Sla(Clock.SAME_DAY), start, MASSACHUSETTS, NEW_YORK) == new_york(2026, 11, day, 23, 59)


@pytest.mark.parametrize("clock", [Clock.STATUTORY, Clock.REDIRECT, Clock.NONE])
def test_clocks_without_a_time(clock: Clock) -> None:
    assert due(Sla(clock), new_york(2026, 11, 2, 9), MASSACHUSETTS, NEW_YORK) is None


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        due(Sla(Clock.DAYS, 1), datetime(2026, 11, 2), MASSACHUSETTS, NEW_YORK)


def test_riverbends_own_days() -> None:
    calendar = load_pack(Path(__file__).parents[3] / "cities" / "riverbend").calendar
    assert not is_working_day(date(2026, 12, 24), calendar)
    assert not is_working_day(date(2026, 11, 26), calendar)
    assert is_working_day(date(2026, 11, 27), calendar)


MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2035, 12, 31), timezones=st.just(timezone.utc))
ZONES = st.sampled_from([NEW_YORK, CAIRO, AUCKLAND, ZoneInfo("Asia/Kolkata"), ZoneInfo("America/St_Johns")])
CALENDARS = st.sampled_from(
    [
        MASSACHUSETTS,
        EGYPT,
        Calendar("", weekend=frozenset()),
        Calendar("NZ", "AUK", day_ends=time(23, 59)),
        Calendar("IN", weekend=frozenset({0, 1, 2, 3, 4, 5})),  # open on Sundays only
    ]
)
SLAS = st.one_of(
    st.builds(Sla, st.sampled_from([Clock.HOURS, Clock.DAYS, Clock.BUSINESS_DAYS]), st.integers(1, 45)),
    st.just(Sla(Clock.SAME_DAY)),
)


@given(SLAS, MOMENTS, CALENDARS, ZONES)
def test_it_is_never_due_before_it_came_in(sla: Sla, start: datetime, calendar: Calendar, zone: ZoneInfo) -> None:
    ends = due(sla, start, calendar, zone)
    assert ends is not None
    assert ends.tzinfo is zone
    assert ends.astimezone(timezone.utc) > start


@given(st.integers(1, 30), MOMENTS, CALENDARS, ZONES)
def test_business_days_end_on_a_working_day_and_count_no_other(
    amount: int, start: datetime, calendar: Calendar, zone: ZoneInfo
) -> None:
    ends = due(Sla(Clock.BUSINESS_DAYS, amount), start, calendar, zone)
    assert ends is not None
    assert ends.time() == calendar.day_ends
    first = start.astimezone(zone).date()
    between = [first + timedelta(days=count) for count in range(1, (ends.date() - first).days + 1)]
    assert is_working_day(between[-1], calendar)
    assert sum(is_working_day(day, calendar) for day in between) == amount


@given(SLAS, MOMENTS, st.timedeltas(timedelta(0), timedelta(days=9)), CALENDARS, ZONES)
def test_what_comes_in_later_is_not_due_earlier(
    sla: Sla, start: datetime, later: timedelta, calendar: Calendar, zone: ZoneInfo
) -> None:
    first, second = due(sla, start, calendar, zone), due(sla, start + later, calendar, zone)
    assert first is not None
    assert second is not None
    assert first.astimezone(timezone.utc) <= second.astimezone(timezone.utc)


@given(st.sampled_from([Clock.HOURS, Clock.DAYS, Clock.BUSINESS_DAYS]), st.integers(1, 40), MOMENTS, CALENDARS)
def test_more_time_ends_later(clock: Clock, amount: int, start: datetime, calendar: Calendar) -> None:
    less, more = (due(Sla(clock, count), start, calendar, NEW_YORK) for count in (amount, amount + 1))
    assert less is not None
    assert more is not None
    assert less.astimezone(timezone.utc) < more.astimezone(timezone.utc)
