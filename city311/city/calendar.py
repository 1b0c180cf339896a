"""Clock arithmetic for SLAs: business days with holidays, calendar days, hours, across daylight saving."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, timezone
from functools import lru_cache
from zoneinfo import ZoneInfo

import holidays

from city311.city.model import Calendar, Clock, Sla

_END_OF_DAY = time(23, 59)


def is_working_day(day: date, calendar: Calendar) -> bool:
    """Whether the city works on ``day``: no weekend, no holiday of the library or of the pack."""
    if day in calendar.open_on:
        return True
    if day.weekday() in calendar.weekend or day in calendar.extra:
        return False
    return day not in _public_holidays(calendar.country, calendar.subdivision, day.year)


def due(sla: Sla, start: datetime, calendar: Calendar, zone: ZoneInfo) -> datetime | None:
    """By when a request received at ``start`` should be dealt with; None where the SLA gives no time.

    Business days count from the first working day after the day of the report, and end when the office closes.
    Calendar days end at the end of the day in the city's zone. Hours are real hours, whatever the clocks do.
    "Same day" means the rest of today, or tomorrow once the office has closed.

    Args:
        sla: the service's SLA.
        start: an aware moment.
        calendar: the city's working days.
        zone: the city's time zone.

    Returns:
        An aware moment in ``zone``.
    """
    if start.tzinfo is None:
        raise ValueError(f"start is {start!r}; it must carry a time zone.")
    local = start.astimezone(zone)
    if sla.unit is Clock.HOURS:
        return (start.astimezone(timezone.utc) + timedelta(hours=sla.amount)).astimezone(zone)
    if sla.unit is Clock.DAYS:
        return _at(local.date() + timedelta(days=sla.amount), _END_OF_DAY, zone)
    if sla.unit is Clock.BUSINESS_DAYS:
        return _at(_working_day_after(local.date(), sla.amount, calendar), calendar.day_ends, zone)
    if sla.unit is Clock.SAME_DAY:
        day = local.date() if local.time() < calendar.day_ends else local.date() + timedelta(days=1)
        return _at(day, _END_OF_DAY, zone)
    return None


def closing(moment: datetime, calendar: Calendar, zone: ZoneInfo) -> datetime | None:
    """When the office closes today; None where it is closed at that moment."""
    local = moment.astimezone(zone)
    is_open = is_working_day(local.date(), calendar) and calendar.day_starts <= local.time() < calendar.day_ends
    return _at(local.date(), calendar.day_ends, zone) if is_open else None


def next_opening(moment: datetime, calendar: Calendar, zone: ZoneInfo) -> datetime:
    """When the office opens next, from a moment at which it is closed."""
    local = moment.astimezone(zone)
    if is_working_day(local.date(), calendar) and local.time() < calendar.day_starts:
        return _at(local.date(), calendar.day_starts, zone)
    return _at(_working_day_after(local.date(), 1, calendar), calendar.day_starts, zone)


def _working_day_after(day: date, count: int, calendar: Calendar) -> date:
    for _ in range(max(count, 1)):
        day += timedelta(days=1)
        while not is_working_day(day, calendar):
            day += timedelta(days=1)
    return day


def _at(day: date, clock: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, clock, tzinfo=zone)


@lru_cache(maxsize=64)
def _public_holidays(country: str, subdivision: str, year: int) -> frozenset[date]:
    if not country:
        return frozenset()
    return frozenset(holidays.country_holidays(country, subdiv=subdivision or None, years=year))
