"""What is no place of this city, however it is written, is never taken for one."""

from __future__ import annotations

import pytest

from city311.places import Outside, Place, Places, Point

NOWHERE = [
    "🏠🏠🏠",
    "📍",
    "🚗 💥 ❗",
    "at the 🌳",
    "",
    "​‍",
    "\x00\x00",
    "‮teertS mlE 88‬",
    "((((((((((",
    "' OR 1=1 --",
    "../../../etc/passwd",
    "{{7*7}} ${x} %s",
    "<script>alert(1)</script>",
    "0" * 400,
    "street " * 120,
    "999999999999999999999 Elm Street",
    "10 Downing Street, London",
    "350 Fifth Avenue, New York, NY 10118",
    "Newbury Street, Boston",
    "1600 Pennsylvania Avenue NW, Washington",
    "221B Baker Street",
]


@pytest.mark.parametrize("words", NOWHERE, ids=range(len(NOWHERE)))
def test_it_is_asked_again_or_outside(riverbend: Places, words: str) -> None:
    assert not isinstance(riverbend.find(words), Place)


@pytest.mark.parametrize(
    "words",
    [
        "0, 0",
        "91.5, 181.2",
        "-91, -71",
        "1e400, 1e400",
        "NaN, NaN",
        "42.39457, 71.1284",
        "-71.1284, 42.39457",
        "42394570, -711284000",
        "999999.999999, -999999.999999",
        "42.39457° S, 71.1284° W",
    ],
)
def test_coordinates_of_elsewhere_or_of_nowhere_are_no_place_here(riverbend: Places, words: str) -> None:
    assert not isinstance(riverbend.find(words), Place)


def test_an_emoji_beside_an_address_does_no_harm(riverbend: Places) -> None:
    found = riverbend.find("📍 24 Rice St 🏠")
    assert isinstance(found, Place) and found.label == "24 Rice St"


@pytest.mark.parametrize("lat", [float("nan"), float("inf"), -float("inf"), 1e308, 91.0])
def test_a_pin_that_is_nowhere_is_outside(riverbend: Places, lat: float) -> None:
    assert isinstance(riverbend.at(Point(lat, -71.1284)), Outside)
    assert isinstance(riverbend.at(Point(42.39457, lat)), Outside)
