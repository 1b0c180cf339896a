"""Four geocoders behind one port: what they are asked, what comes of their answers, and of their faults."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from geocoder_double import LAT, LON, Double

from city311.city import load_pack
from city311.city.model import GeocoderConfig, Pack
from city311.connectors.breaker import Breaker
from city311.connectors.geocoding import Around
from city311.connectors.model import SystemRefused, SystemUnavailable
from city311.places import Ambiguous, Kind, Outside, Place, Places, Point, Question, Unknown, ensure
from city311.places.gazetteer import Gazetteer
from city311.places.geocoder import Geocoder, geocoder
from city311.places.locate import Locator

HOUSE = Path(__file__).resolve().parents[3]
BOX = Around(-71.17, 42.35, -71.06, 42.41)
KINDS = ("nominatim", "pelias", "census", "arcgis")
BASE = {"nominatim": "", "pelias": "", "census": "/geocoder", "arcgis": "/GeocodeServer"}
NOT_LISTED = "999 Rice St"


@pytest.fixture
def server() -> Iterator[Double]:
    with Double() as double:
        yield double


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def connect(server: Double, kind: str) -> Callable[..., Geocoder]:
    def make(key: str = "", **changes: Any) -> Geocoder:
        given = {"country": "us", "locality": "Cambridge, MA", "timeout_s": 1.0, **changes}
        return geocoder(GeocoderConfig(kind, f"{server.url}{BASE[kind]}", **given), BOX, key)

    return make


@pytest.fixture(scope="module")
def pack() -> Pack:
    return load_pack(HOUSE / "cities" / "riverbend")


@pytest.fixture(scope="module")
def locator(pack: Pack, tmp_path_factory: pytest.TempPathFactory) -> Locator:
    return Locator(Gazetteer(ensure(pack, tmp_path_factory.mktemp("places"))), pack.places)


@pytest.fixture
def places(locator: Locator, pack: Pack, connect: Callable[..., Geocoder]) -> Places:
    assert pack.places is not None
    return Places(locator, pack.places, connect())


def test_an_address_is_found(connect: Callable[..., Geocoder]) -> None:
    matches = connect().search(NOT_LISTED, budget_s=2)

    assert len(matches) == 1
    match = matches[0]
    assert (round(match.lat, 4), round(match.lon, 4)) == (LAT, LON)
    assert match.label.startswith("999 Rice S")
    assert match.exact
    assert match.zip == "02140"


def test_it_is_asked_within_the_city(server: Double, kind: str, connect: Callable[..., Geocoder]) -> None:
    connect().search(NOT_LISTED, budget_s=2)

    query = server.asked[0].query
    expected = {
        "nominatim": {"q": NOT_LISTED, "viewbox": "-71.17,42.41,-71.06,42.35", "bounded": "1", "countrycodes": "us"},
        "pelias": {"text": NOT_LISTED, "boundary.rect.min_lon": "-71.17", "boundary.rect.max_lat": "42.41",
                   "boundary.country": "US"},
        "census": {"address": f"{NOT_LISTED}, Cambridge, MA"},
        "arcgis": {"SingleLine": NOT_LISTED, "searchExtent": "-71.17,42.35,-71.06,42.41", "outSR": "4326"},
    }[kind]  # fmt: skip
    assert expected.items() <= query.items()
    assert "City311" in server.asked[0].headers["user-agent"]


def test_nothing_found_is_no_error(server: Double, connect: Callable[..., Geocoder]) -> None:
    server.switches.empty = True

    assert connect().search(NOT_LISTED, budget_s=2) == []
    assert connect().reverse(LAT, LON, budget_s=2) is None


def test_a_point_has_an_address(kind: str, connect: Callable[..., Geocoder]) -> None:
    match = connect().reverse(LAT, LON, budget_s=2)

    if kind == "census":
        assert match is None  # it knows areas at a point, no addresses
    else:
        assert match is not None
        assert match.label.startswith("999 Rice S")


def test_once_more_after_a_passing_fault(server: Double, connect: Callable[..., Geocoder]) -> None:
    server.switches.fail = 1

    assert connect().search(NOT_LISTED, budget_s=2)
    assert len(server.asked) == 2


@pytest.mark.parametrize("raw", [b"<html>", b"", b"[" * 5000, b'{"a": NaN', b"null", b"7", b'"x"'])
def test_nonsense_is_no_place(server: Double, connect: Callable[..., Geocoder], raw: bytes) -> None:
    server.switches.raw = raw

    with contextlib.suppress(SystemUnavailable):
        assert connect().search(NOT_LISTED, budget_s=2) == []


def test_a_refusal_is_not_repeated(server: Double, connect: Callable[..., Geocoder]) -> None:
    server.switches.fail, server.switches.fail_status = 9, 403

    with pytest.raises(SystemRefused):
        connect().search(NOT_LISTED, budget_s=2)
    assert len(server.asked) == 1


@pytest.mark.parametrize("code", [498, 499, 400, 500])
def test_arcgis_errors_arrive_with_status_200(server: Double, code: int) -> None:
    server.switches.error_in_200 = code
    arcgis = geocoder(GeocoderConfig("arcgis", f"{server.url}/GeocodeServer"), BOX, "")

    with pytest.raises(SystemUnavailable if code == 500 else SystemRefused):
        arcgis.search(NOT_LISTED, budget_s=2)


def test_the_arcgis_key_travels_in_a_header(server: Double) -> None:
    server.switches.key = "secret-key"
    arcgis = geocoder(GeocoderConfig("arcgis", f"{server.url}/GeocodeServer"), BOX, "secret-key")

    assert arcgis.search(NOT_LISTED, budget_s=2)
    assert "secret-key" not in str(server.asked[0].query)
    assert server.asked[0].query["forStorage"] == "true"


def test_the_pelias_key(server: Double) -> None:
    server.switches.key = "secret-key"

    assert geocoder(GeocoderConfig("pelias", server.url), BOX, "secret-key").search(NOT_LISTED, budget_s=2)


def test_a_geocoder_that_keeps_failing_is_left_alone(server: Double, kind: str) -> None:
    server.switches.fail = 99
    config = GeocoderConfig(kind, f"{server.url}{BASE[kind]}", timeout_s=1.0)
    made: Any = type(geocoder(config, BOX, ""))(config, BOX, "", breaker=Breaker(failures=2, pause_s=60))

    for _ in range(4):
        with pytest.raises(SystemUnavailable):
            made.search(NOT_LISTED, budget_s=2)
    assert len(server.asked) == 4  # two calls of two attempts each


def test_its_url_must_be_one(kind: str) -> None:
    with pytest.raises(ValueError, match=r"connectors\.yml"):
        geocoder(GeocoderConfig(kind, "ftp://example.org"), BOX, "")


# ---- behind the city's own lists ---------------------------------------------------------------------------------


def test_the_lists_come_first(server: Double, places: Places) -> None:
    assert isinstance(places.find("24 Rice St"), Place)
    assert server.asked == []


def test_what_they_do_not_have_is_asked_for(server: Double, places: Places) -> None:
    found = places.find(NOT_LISTED)

    assert isinstance(found, Place), found
    assert found.kind is Kind.GEOCODED
    assert found.point.metres_to(Point(LAT, LON)) < 1
    assert (found.zip, found.label[:10]) == ("02140", "999 Rice S")


def test_the_middle_of_a_street_is_no_place(server: Double, kind: str, places: Places) -> None:
    if kind == "census":
        pytest.skip("the Census geocoder finds addresses only")
    server.switches.street_only = True

    assert places.find(NOT_LISTED) == Unknown(Question.NO_SUCH_NUMBER, "Rice St")


def test_a_match_outside_the_city_does_not_count(server: Double, places: Places) -> None:
    server.switches.lat = 42.30

    assert places.find(NOT_LISTED) == Unknown(Question.NO_SUCH_NUMBER, "Rice St")


def test_two_matches_are_a_question(server: Double, places: Places, kind: str) -> None:
    server.switches.second = True
    found = places.find(NOT_LISTED)

    # Labelled alike they can't be told apart: then the first is offered, never taken.
    assert isinstance(found, Ambiguous)


@pytest.mark.parametrize("status", [500, 503, 429, 403, 404])
def test_a_geocoder_that_is_down_never_shows(server: Double, places: Places, status: int) -> None:
    server.switches.fail, server.switches.fail_status = 99, status

    assert places.find(NOT_LISTED) == Unknown(Question.NO_SUCH_NUMBER, "Rice St")


def test_a_slow_one_is_waited_for_no_longer_than_its_budget(server: Double, places: Places) -> None:
    server.switches.delay_s = 30
    started = time.monotonic()

    assert places.find(NOT_LISTED, budget_s=0.5) == Unknown(Question.NO_SUCH_NUMBER, "Rice St")
    assert time.monotonic() - started < 15  # far from 30, whatever the machine


def test_nor_one_that_is_gone(locator: Locator, pack: Pack, kind: str) -> None:
    assert pack.places is not None
    gone = Places(locator, pack.places, geocoder(GeocoderConfig(kind, "http://127.0.0.1:9"), BOX, ""))

    assert gone.find(NOT_LISTED) == Unknown(Question.NO_SUCH_NUMBER, "Rice St")
    assert isinstance(gone.find("12 Main St, Somerville"), Outside)


def test_no_address_in_the_log(
    server: Double, places: Places, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    server.switches.fail = 99
    with caplog.at_level(logging.DEBUG, logger="city311"):
        places.find(NOT_LISTED)

    printed = capsys.readouterr()
    assert "Rice" not in printed.out + printed.err
    assert "Rice" not in " ".join(record.getMessage() for record in caplog.records if record.name.startswith("city311"))
