"""Which reports that are there are shown as probably the same."""

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import event

from city311.city import load_pack
from city311.city.model import Clock, DuplicateRule, Sla
from city311.connectors.matching import metres_between
from city311.requests import duplicates
from city311.requests.duplicates import Sought, cells_within, likely_duplicates
from city311.store.base import writing

NOW = datetime(2026, 5, 1, 12, tzinfo=timezone.utc)
HERE = (42.3712345, -71.0954321)
HOUSE = Path(__file__).resolve().parents[3]
METRE = 1 / 111_195
"""Degrees of latitude."""


@pytest.fixture(scope="module")
def pack():
    return load_pack(HOUSE / "cities" / "riverbend")


def ruled(pack, **rule):
    """The pack with one service of that rule, whose work takes three days."""
    service = replace(pack.services["pothole"], duplicate=DuplicateRule(**rule), sla=Sla(Clock.DAYS, 3))
    return replace(pack, services={"pothole": service})


def known(engine, pack, reference, *, metres=0.0, days=0.5, closed_days=None, **sought):
    """Keep a report so many metres north that came in so many days ago."""
    place = {"lat": HERE[0] + metres * METRE, "long": HERE[1]} | sought
    with writing(engine) as session:
        duplicates.remember(
            session,
            pack.services["pothole"],
            reference,
            Sought("pothole", **place),
            state="received",
            requested_at=NOW - timedelta(days=days),
            updated_at=NOW,
            closed_at=None if closed_days is None else NOW - timedelta(days=closed_days),
        )


def found(engine, pack, **sought):
    place = {"lat": HERE[0], "long": HERE[1]} | sought
    return [one.reference for one in likely_duplicates(engine, pack, Sought("pothole", **place), NOW)]


def test_by_distance_the_nearest_first(engine, pack):
    city = ruled(pack, radius_m=50)
    known(engine, city, "SR-2", metres=30)
    known(engine, city, "SR-1", metres=5)
    known(engine, city, "SR-3", metres=49)
    known(engine, city, "SR-4", metres=51)
    assert found(engine, city) == ["SR-1", "SR-2", "SR-3"]


def test_what_is_told_of_one(engine, pack):
    city = ruled(pack, radius_m=50)
    known(engine, city, "SR-1", metres=20, address="12 Elm Street")
    (one,) = likely_duplicates(engine, city, Sought("pothole", lat=HERE[0], long=HERE[1]), NOW)
    assert (one.address, one.state, one.closed_at) == ("12 Elm Street", "received", None)
    assert one.distance_m == pytest.approx(20, abs=0.5)


def test_another_service_is_another_thing(engine, pack):
    city = ruled(pack, radius_m=50)
    known(engine, city, "SR-1")
    sought = Sought("graffiti_public", lat=HERE[0], long=HERE[1])
    assert likely_duplicates(engine, city, sought, NOW) == []


def test_a_service_without_a_rule_has_none(engine, pack):
    city = ruled(pack, radius_m=50)
    known(engine, city, "SR-1")
    without = replace(city, services={"pothole": replace(city.services["pothole"], duplicate=None)})
    assert found(engine, without) == []


def test_by_address_without_any_position(engine, pack):
    city = ruled(pack, same="address")
    known(engine, city, "SR-1", lat=None, long=None, address="12 Elm Street")
    known(engine, city, "SR-2", lat=None, long=None, address="14 Elm Street")
    assert found(engine, city, lat=None, long=None, address="12 elm st.") == ["SR-1"]


def test_next_door_is_another_address(engine, pack):
    city = ruled(pack, same="address", radius_m=50)
    known(engine, city, "SR-1", metres=12, address="14 Elm Street")
    assert found(engine, city, address="12 Elm Street") == []


def test_a_pin_at_the_house_is_its_address(engine, pack):
    city = ruled(pack, same="address")
    known(engine, city, "SR-1", metres=4, address="12 Elm Street")
    assert found(engine, city) == ["SR-1"]


def test_another_unit_is_another_home(engine, pack):
    city = ruled(pack, same="address_and_unit")
    known(engine, city, "SR-1", address="12 Elm Street apt 3")
    assert found(engine, city, address="12 Elm Street apt 4") == []
    assert found(engine, city, address="12 Elm Street #3") == ["SR-1"]


def test_by_asset_wherever_it_is_said_to_be(engine, pack):
    city = ruled(pack, same="asset", radius_m=10)
    known(engine, city, "SR-1", metres=200, asset="pole 645-32A")
    known(engine, city, "SR-2", metres=3, asset="pole 645-33")
    assert found(engine, city, asset="645-32a") == ["SR-1"]


def test_an_unnamed_asset_by_its_distance(engine, pack):
    city = ruled(pack, same="asset", radius_m=10)
    known(engine, city, "SR-1", metres=4, asset="pole 645-32A")
    known(engine, city, "SR-2", metres=25, asset="pole 645-33")
    assert found(engine, city) == ["SR-1"]


def test_lately_closed_ones_may_be_meant_too(engine, pack):
    city = ruled(pack, radius_m=50)
    known(engine, city, "SR-1", closed_days=0.1)
    (one,) = likely_duplicates(engine, city, Sought("pothole", lat=HERE[0], long=HERE[1]), NOW)
    assert one.closed_at == NOW - timedelta(days=0.1)


def test_long_closed_ones_not(engine, pack):
    city = ruled(pack, radius_m=50, closed_days=7)
    known(engine, city, "SR-1", days=20, closed_days=8)
    assert found(engine, city) == []


def test_older_ones_are_less_likely_and_in_the_end_not_meant(engine, pack):
    city = ruled(pack, radius_m=50)
    known(engine, city, "SR-old", days=3)
    known(engine, city, "SR-new", days=0.1)
    known(engine, city, "SR-ancient", days=300)
    assert found(engine, city) == ["SR-new", "SR-old"]


def test_the_rules_own_window(engine, pack):
    city = ruled(pack, radius_m=50, open_days=2)
    known(engine, city, "SR-1", days=2.5)
    assert found(engine, city) == []


def test_agreeing_answers_count(engine, pack):
    city = ruled(pack, radius_m=50)
    known(engine, city, "SR-bike", metres=10, answers={"where": "bike_lane"})
    known(engine, city, "SR-walk", metres=10, answers={"where": "crosswalk"})
    assert found(engine, city, answers={"where": "crosswalk"})[0] == "SR-walk"


def test_a_residents_words_are_not_kept(engine, pack):
    city = ruled(pack, radius_m=50)
    known(engine, city, "SR-1", answers={"where": "call me at 617 555 0100", "note": "secret"})
    rows = duplicates.candidates(engine, DuplicateRule(radius_m=50), Sought("pothole", lat=HERE[0], long=HERE[1]), NOW)
    assert [row.answers for row in rows] == [""]


def test_learning_again_changes_the_row(engine, pack):
    city = ruled(pack, radius_m=50)
    known(engine, city, "SR-1")
    known(engine, city, "SR-1", days=9, closed_days=8)
    assert found(engine, city) == []


def test_nowhere_in_particular_finds_nothing(engine, pack):
    city = ruled(pack, radius_m=50, same="address")
    known(engine, city, "SR-1")
    assert found(engine, city, lat=None, long=None, address="somewhere on Elm Street") == []


@pytest.mark.parametrize("place", [(90.0, 0.0), (-90.0, 180.0), (0.0, -180.0), (0.0, 179.99999)])
def test_the_ends_of_the_world(engine, pack, place):
    city = ruled(pack, radius_m=50)
    known(engine, city, "SR-1", lat=place[0], long=place[1])
    assert found(engine, city, lat=place[0], long=place[1]) == ["SR-1"]


def test_cells_hold_everything_within_the_radius():
    import h3.api.basic_int as h3

    for radius in (5, 50, 250, 1000):
        cells = set(cells_within(*HERE, radius))
        for step in range(72):
            import math

            angle = math.radians(step * 5)
            lat = HERE[0] + radius * math.cos(angle) * METRE
            long = HERE[1] + radius * math.sin(angle) * METRE / math.cos(math.radians(HERE[0]))
            assert metres_between(*HERE, lat, long) == pytest.approx(radius, rel=0.01)
            assert h3.latlng_to_cell(lat, long, duplicates.RESOLUTION) in cells


def test_a_look_up_reads_indexes_never_the_table(engine, pack):
    """As the database itself explains it."""
    city = ruled(pack, same="address", radius_m=50)
    for number in range(300):
        known(engine, city, f"SR-{number}", metres=number * 500, address=f"{number} Elm Street")
    seen = []

    def listen(connection, cursor, statement, parameters, context, executemany):
        seen.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", listen)
    found(engine, city, address="3 Elm Street")
    event.remove(engine, "before_cursor_execute", listen)
    (statement, parameters) = seen[-1]
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
            steps = [row[3] for row in plan if "known_reports" in row[3]]
            assert steps and all(step.startswith("SEARCH known_reports USING INDEX") for step in steps)
            assert not any("TEMP B-TREE" in row[3] for row in plan)
        else:
            connection.exec_driver_sql("ANALYZE known_reports")
            for kind in ("seqscan", "bitmapscan", "sort"):  # on so few rows it would not matter to it
                connection.exec_driver_sql(f"SET enable_{kind} = off")
            plan = [row[0] for row in connection.exec_driver_sql(f"EXPLAIN {statement}", parameters)]
            assert not any("Seq Scan" in line for line in plan)
            assert not any("Sort" in line for line in plan), plan
