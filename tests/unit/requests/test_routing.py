"""Which department gets a request: by place, asset, answers and time."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine

from city311.city import Pack, load_pack
from city311.city.routes import Route
from city311.requests import Draft
from city311.requests.routing import department
from city311.requests.submit import filed, record, submission
from city311.store.base import reading
from city311.store.ledger import ServiceRequest

RIVERBEND = load_pack(Path(__file__).parents[3] / "cities" / "riverbend")
ZONE = ZoneInfo("America/New_York")
WEDNESDAY_NOON = datetime(2026, 11, 18, 12, 0, tzinfo=ZONE)
WEDNESDAY_NIGHT = datetime(2026, 11, 18, 23, 0, tzinfo=ZONE)
THANKSGIVING_NOON = datetime(2026, 11, 26, 12, 0, tzinfo=ZONE)
PARK = {"landmark_kind": "park", "landmark": "Danehy Park"}


def to(
    route: Route, place: dict[str, str] | None = None, answers: dict[str, list[str]] | None = None,
    at: datetime = WEDNESDAY_NOON,
) -> str:  # fmt: skip
    service = replace(RIVERBEND.services["pothole"], routes=(route,))
    return department(RIVERBEND, service, place or {}, answers or {}, at).code


def test_graffiti_on_a_park_wall_goes_to_parks() -> None:
    service = RIVERBEND.services["graffiti_public"]
    assert department(RIVERBEND, service, PARK, {}, WEDNESDAY_NOON).code == "parks"
    assert department(RIVERBEND, service, {}, {}, WEDNESDAY_NOON).code == "street_cleaning"
    assert department(RIVERBEND, service, {"landmark_kind": "school"}, {}, WEDNESDAY_NOON).code == "street_cleaning"


@pytest.mark.parametrize(
    ("route", "place", "answers", "fits"),
    [
        (Route("parks", areas={"district": ("A", "B")}), {"district": "B"}, {}, True),
        (Route("parks", areas={"district": ("A", "B")}), {"district": "C"}, {}, False),
        (Route("parks", areas={"district": ("A",), "ward": ("1-1",)}), {"district": "A"}, {}, False),
        (Route("parks", asset_owners=("Private",)), {"asset_owner": "Private"}, {}, True),
        (Route("parks", asset_owners=("Private",)), {}, {}, False),
        (Route("parks", asset_descriptions=("Acorn",)), {"asset_description": "Acorn"}, {}, True),
        (Route("parks", answers={"where": ("bike_lane",)}), {}, {"where": ["bike_lane"]}, True),
        (Route("parks", answers={"where": ("bike_lane",)}), {}, {"where": ["crosswalk"]}, False),
        (Route("parks", answers={"where": ("bike_lane",)}), {}, {}, False),
        (Route("parks", ("park",), answers={"where": ("other",)}), PARK, {"where": ["other"]}, True),
        (Route("parks", ("park",), answers={"where": ("other",)}), PARK, {"where": ["bike_lane"]}, False),
    ],
)
def test_every_condition_must_hold(
    route: Route, place: dict[str, str], answers: dict[str, list[str]], fits: bool
) -> None:
    assert to(route, place, answers) == ("parks" if fits else "public_works")


def test_by_the_hour() -> None:
    closed, open_ = Route("parks", hours="closed"), Route("parks", hours="open")
    assert [to(closed, at=at) for at in (WEDNESDAY_NOON, WEDNESDAY_NIGHT, THANKSGIVING_NOON)] == [
        "public_works", "parks", "parks",
    ]  # fmt: skip
    assert [to(open_, at=at) for at in (WEDNESDAY_NOON, WEDNESDAY_NIGHT)] == ["parks", "public_works"]


def test_a_referral_goes_where_its_rule_says() -> None:
    service = RIVERBEND.services["light_out"]
    place = {"responsible": "power_company_lights"}
    assert department(RIVERBEND, service, place, {}, WEDNESDAY_NOON).code == "street_lighting"


@pytest.mark.parametrize(
    ("service", "at", "said"),
    [("cave_in", WEDNESDAY_NIGHT, True), ("cave_in", WEDNESDAY_NOON, False), ("pothole", WEDNESDAY_NIGHT, False)],
)
def test_after_hours_an_urgent_report_hears_who_is_on_call(
    engine: Engine, service: str, at: datetime, said: bool
) -> None:
    number = record(engine, RIVERBEND, Draft(service, address="24 Rice St"), "key", at, 30).number
    assert ("on call" in filed(engine, RIVERBEND, number).after_hours) is said


def test_the_chosen_department_is_kept_and_sent(engine: Engine) -> None:
    draft = Draft("graffiti_public", address="Danehy Park", lat=42.3894, long=-71.1363, place=PARK)
    number = record(engine, RIVERBEND, draft, "key", WEDNESDAY_NOON, 30).number

    assert filed(engine, RIVERBEND, number).department.code == "parks"
    with reading(engine) as session:
        row = session.get(ServiceRequest, number)
    assert row is not None
    assert row.submission["place"] == PARK
    sent = submission(row, RIVERBEND, own_numbers=True)
    assert (sent.agency, sent.lat, sent.long) == ("Parks & Recreation", 42.3894, -71.1363)
    assert filed(engine, _without_parks(), number).department.code == "street_cleaning"


def _without_parks() -> Pack:
    departments = {code: one for code, one in RIVERBEND.departments.items() if code != "parks"}
    return replace(RIVERBEND, departments=departments)
