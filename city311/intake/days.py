"""Reads the day in a resident's answer: "last Monday", "Nov 20", "11/20/26", "since tuesday"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import cache

import dateparser
from babel import Locale, UnknownLocaleError

from city311.intake.lexicon import Lexicon
from city311.intake.reading import plain

_MOST_TOKENS = 40
_OF_A_MONTH = re.compile(r"(\d{1,2})(?:st|nd|rd|th)")
_BARE_NUMBER = re.compile(r"\d+(?:[.:,]\d+)*")


def day(
    text: str, now: datetime, language: str, lexicon: Lexicon, *, country: str = "", ahead: bool = False
) -> str | None:
    """The day a text gives, as ``YYYY-MM-DD``; None where there is none.

    Args:
        text: the resident's words.
        now: this moment in the city's zone.
        language: of the text.
        lexicon: its small words.
        country: ISO code; decides whether 11/10 is in October or in November.
        ahead: a day without a year, or a weekday, is one to come rather than one that was.
    """
    tokens = [token.strip(".,;:!?()\"'") for token in plain(text).split()][:_MOST_TOKENS]
    tokens = [token for token in tokens if token]
    weekdays, months = _names(language)
    for run in _runs(tokens, weekdays, months, lexicon):
        if len(run) == 1 and _OF_A_MONTH.fullmatch(run[0]):
            continue
        if found := _parsed(" ".join(run), now, language, country, ahead):
            return found
        if len(run) > 1 and (found := _parsed(" ".join(_figures(run, lexicon)), now, language, country, ahead)):
            return found
    for index, token in enumerate(tokens):
        weekday = weekdays.get(token, weekdays.get(token.removesuffix("s")))
        if weekday is not None and not (index and tokens[index - 1] in lexicon.negation):
            before = tokens[index - 1] if index else ""
            forward = before in lexicon.days_ahead or (ahead and before not in lexicon.days_behind)
            return _on_weekday(now.date(), weekday, forward).isoformat()
    for token in tokens:
        ordinal = _OF_A_MONTH.fullmatch(token)
        if ordinal and (in_month := _day_of_month(int(ordinal[1]), now.date(), ahead)):
            return in_month.isoformat()
    # Words that we don't know, of a language without a lexicon: the library knows many more.
    return _parsed(" ".join(tokens), now, language, country, ahead) if len(tokens) <= 6 else None


def weekday_named(words: str, language: str) -> int | None:
    """The weekday (Monday is 0) that words are the name of; None for others."""
    return _names(language)[0].get(plain(words))


def month_in(told: list[str], today: date, language: str) -> date | None:
    """The first day of the month that words name without a day of it: the last such month there was."""
    if any(letter.isdigit() for word in told for letter in word):
        return None
    for word in told:
        number = _months(language).get(word)
        if number is not None:
            return date(today.year if number <= today.month else today.year - 1, number, 1)
    return None


@cache
def _months(language: str) -> dict[str, int]:
    """Names of the months of a language (CLDR) → 1 to 12."""
    locale = _locale(language)
    return {
        plain(name).rstrip("."): number
        for width in ("wide", "abbreviated")
        for number, name in locale.months["format"][width].items()
    }


def _day_of_month(number: int, today: date, ahead: bool) -> date | None:
    """ "the 5th": the nearest one on the right side of today."""
    for distance in range(1 if ahead else 0, 62):
        near = today + timedelta(days=distance if ahead else -distance)
        if near.day == number:
            return near
    return None


def _on_weekday(today: date, weekday: int, forward: bool) -> date:
    if forward:
        return today + timedelta(days=(weekday - today.weekday() - 1) % 7 + 1)
    return today - timedelta(days=(today.weekday() - weekday - 1) % 7 + 1)


def _runs(tokens: list[str], weekdays: dict[str, int], months: frozenset[str], lexicon: Lexicon) -> Iterator[list[str]]:
    """The stretches of a text that may be a day, without a bare weekday, which is read by itself."""
    run: list[str] = []
    for token in [*tokens, ""]:
        may_be = bool(token) and (
            any(letter.isdigit() for letter in token)
            or token in weekdays
            or token in months
            or token in lexicon.day_words
            or token in lexicon.numbers
        )
        if may_be:
            run.append(token)
            continue
        tells = [each for each in run if each not in weekdays]
        if tells and (len(run) > 1 or not _BARE_NUMBER.fullmatch(tells[0])):
            yield run
        run = []


def _figures(run: list[str], lexicon: Lexicon) -> list[str]:
    """ "a couple of days ago" with a figure, which the library can read."""
    said = " ".join(run)
    for phrase in sorted(lexicon.numbers, key=len, reverse=True):
        if " " in phrase and said.startswith(f"{phrase} "):
            return [str(lexicon.numbers[phrase]), *said[len(phrase) :].split()]
    return run


def _parsed(text: str, now: datetime, language: str, country: str, ahead: bool) -> str | None:
    if not text or _BARE_NUMBER.fullmatch(text):
        return None
    settings = {
        "RELATIVE_BASE": now.replace(tzinfo=None),
        "PREFER_DATES_FROM": "future" if ahead else "past",
        "REQUIRE_PARTS": ["day", "month"] if "/" in text else ["day"],
        "RETURN_AS_TIMEZONE_AWARE": False,
    }
    try:
        parsed = dateparser.parse(text, languages=[language], region=country or None, settings=settings)
    except (ValueError, OverflowError):
        return None
    if parsed is None or not 1900 < parsed.year < 2200:
        return None
    return str(parsed.date().isoformat())


@cache
def _names(language: str) -> tuple[dict[str, int], frozenset[str]]:
    """Weekdays (Monday is 0) and months of a language, long and short (CLDR)."""
    locale = _locale(language)
    weekdays: dict[str, int] = {}
    months: set[str] = set()
    for kind in ("format", "stand-alone"):
        for width in ("wide", "abbreviated"):
            weekdays.update({plain(name).rstrip("."): number for number, name in locale.days[kind][width].items()})
            months.update(plain(name).rstrip(".") for name in locale.months[kind][width].values())
    return weekdays, frozenset(months)


def _locale(language: str) -> Locale:
    try:
        return Locale.parse(language.replace("-", "_"))
    except (UnknownLocaleError, ValueError):
        return Locale.parse("en")
