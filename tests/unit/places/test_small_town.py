"""Two streets of one name, houses between houses, aliases, poles: in a town whose every point is known."""

from __future__ import annotations

from pathlib import Path

import pytest

from city311.city import load_pack
from city311.places import Ambiguous, Kind, Place, Places, Point, Question, Unknown


def labels(found: object) -> list[str]:
    assert isinstance(found, Ambiguous), found
    return [place.label for place in found.candidates]


def test_which_of_two_park_streets(places: Places) -> None:
    assert labels(places.find("12 Park")) == ["12 Park St", "12 Park St N"]
    assert set(labels(places.find("2 park"))) == {"2 Park St", "2 Park Ave"}


def test_the_type_decides(places: Places) -> None:
    found = places.find("2 Park Avenue")

    assert isinstance(found, Place)
    assert found.point == Point(40.004, -70.001)


def test_a_slip_between_two_streets_is_asked(places: Places) -> None:
    assert set(labels(places.find("15 Harber St"))) == {"15 Harper St", "15 Harbor St"}


def test_a_type_that_the_street_does_not_have_is_asked(places: Places) -> None:
    assert labels(places.find("7 Route Lane")) == ["7 Route Rd"]


def test_a_missing_number_lies_between_its_neighbors(places: Places) -> None:
    found = places.find("16 Park St")

    assert isinstance(found, Place)
    assert found.kind is Kind.INTERPOLATED
    assert found.point.metres_to(Point(40.001, -70.0025)) < 1


def test_else_by_the_range_of_the_street_line(places: Places) -> None:
    found = places.find("51 Park St")

    assert isinstance(found, Place)
    assert found.kind is Kind.INTERPOLATED
    # Half way along, on the left: the line runs west, so its left is south.
    assert found.point.metres_to(Point(40.001 - 15 / 111_195, -70.0051)) < 3


def test_at_last_between_neighbors_on_the_other_side(places: Places) -> None:
    found = places.find("3 Park Avenue")

    assert isinstance(found, Place)
    assert (found.kind, found.point.lon) == (Kind.INTERPOLATED, pytest.approx(-70.00125))


def test_a_number_the_street_does_not_have(places: Places) -> None:
    assert places.find("2000 Park St") == Unknown(Question.NO_SUCH_NUMBER, "Park St")


def test_a_half_is_another_house(places: Places) -> None:
    whole, half = places.find("12 Elm St"), places.find("12 1/2 Elm Street")

    assert isinstance(whole, Place)
    assert isinstance(half, Place)
    assert (whole.point.lat, half.point.lat) == (40.0061, 40.006)


def test_a_number_within_a_range(places: Places) -> None:
    found = places.find("8 Park Ave")

    assert isinstance(found, Place)
    assert (found.label, found.point.lon) == ("8 Park Ave", -70.002)


def test_an_alias(places: Places) -> None:
    assert places.find("on Grand") == Unknown(Question.WHERE_ALONG, "Grand Boulevard Rd")


def test_streets_meet_where_their_lines_do(places: Places) -> None:
    found = places.find("Route and Park Street")

    assert isinstance(found, Place)
    assert found.point == Point(40.001, -70.0)


def test_a_pole_by_its_number(places: Places) -> None:
    exact = places.find("pole 44-71")

    assert isinstance(exact, Place)
    assert exact.asset is not None
    assert exact.asset.id == "44-71"
    assert labels(places.find("pole 4471")) == ["44-71, Park St"]


def test_a_pole_by_its_number_on_a_street(places: Places) -> None:
    found = places.find("light pole 71 on Park St")

    assert isinstance(found, Place)
    assert found.label == "44-71, Park St"


def test_a_landmark_by_kind_and_street(places: Places) -> None:
    found = places.find("the library on Park St")

    assert isinstance(found, Place)
    assert (found.landmark, found.landmark_kind) == ("Town Library", "library")


def test_what_lies_in_a_landmark(places: Places) -> None:
    found = places.at(Point(40.0026, -70.0061))

    assert isinstance(found, Place)
    assert (found.landmark, found.landmark_kind, found.district) == ("Green Field", "park", "South")


@pytest.mark.parametrize(
    ("words", "whose"), [("7 Route Rd", "state"), ("12 Park St", None), ("pole 9", "power"), ("Route and Park", None)]
)
def test_whose_a_place_is(places: Places, town: Path, words: str, whose: str | None) -> None:
    service = next(iter(load_pack(town).services.values()))
    found = places.find(words)

    assert isinstance(found, Place)
    rule = places.whose(found, service)
    assert (rule.code if rule else None) == whose
