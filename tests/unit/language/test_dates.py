"""Days and times in a resident's language."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from city311.language.dates import day_words, time_words

DAY = date(2026, 11, 24)
EVENING = datetime(2026, 11, 24, 17, 5, tzinfo=ZoneInfo("America/New_York"))


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "Tuesday, November 24, 2026"),
        ("", "Tuesday, November 24, 2026"),
        ("es", "martes, 24 de noviembre de 2026"),
        ("pt-BR", "terça-feira, 24 de novembro de 2026"),
        ("xx", "Tuesday, November 24, 2026"),
        ("not a language", "Tuesday, November 24, 2026"),
    ],
)
def test_a_day_has_its_weekday_and_the_order_of_its_language(language: str, words: str) -> None:
    assert day_words(DAY, language) == words


@pytest.mark.parametrize(("language", "words"), [("en", "5:05 PM"), ("es", "17:05"), ("xx", "5:05 PM")])
def test_a_time_of_day(language: str, words: str) -> None:
    # With a plain space: not every phone shows the narrow one.
    assert time_words(EVENING, language) == words


def test_the_first_and_the_last_day_of_a_year() -> None:
    assert day_words(date(2027, 1, 1), "en") == "Friday, January 1, 2027"
    assert day_words(date(2026, 12, 31), "en") == "Thursday, December 31, 2026"
