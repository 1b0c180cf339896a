"""Days and times in a resident's language (CLDR forms, through Babel)."""

from __future__ import annotations

import math
from datetime import date, datetime, timedelta
from typing import Literal

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_time, format_timedelta

_DEFAULT = "en_US"


def day_words(day: date, language: str) -> str:
    """A day with its weekday: "Tuesday, November 24, 2026"."""
    return str(format_date(day, format="full", locale=_locale(language)))


def time_words(moment: datetime, language: str) -> str:
    """A time of day: "5:00 PM". The moment must already be in the city's zone."""
    return str(format_time(moment, format="short", locale=_locale(language))).replace("\u202f", " ")


def span_words(span: timedelta, language: str) -> str:
    """How long something takes, rounded up: "5 hours", from two days on "3 days"."""
    hours = max(1, math.ceil(span.total_seconds() / 3600))
    unit: Literal["day", "hour"] = "day" if hours > 24 else "hour"
    whole = timedelta(days=math.ceil(hours / 24)) if unit == "day" else timedelta(hours=hours)
    return str(format_timedelta(whole, granularity=unit, threshold=1_000_000, locale=_locale(language)))


def _locale(language: str) -> Locale:
    if language in ("", "en"):
        return Locale.parse(_DEFAULT)
    try:
        return Locale.parse(language.replace("-", "_"))
    except (UnknownLocaleError, ValueError):
        return Locale.parse(_DEFAULT)
