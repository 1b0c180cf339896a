"""Riverbend and the tiny second city: what is loaded is what their files say."""

from __future__ import annotations

from datetime import date, datetime, time
from pathlib import Path

import pytest
import yaml

from city311.city import Pack, load_pack
from city311.city.calendar import due
from city311.city.model import Clock, LocationType, QuestionType

HOUSE = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def riverbend() -> Pack:
    return load_pack(HOUSE / "cities" / "riverbend")


@pytest.fixture(scope="module")
def puerto_claro() -> Pack:
    return load_pack(HOUSE / "tests" / "packs" / "puerto_claro")


def test_riverbend_has_every_service_of_the_catalogue_and_no_other(riverbend: Pack) -> None:
    wanted = (Path(__file__).parent / "service_codes.txt").read_text().split()
    assert len(wanted) == 119
    assert list(riverbend.services) == wanted


def test_every_service_of_riverbend_says_who_does_what(riverbend: Pack) -> None:
    for service in riverbend.services.values():
        assert service.department is riverbend.departments[service.department.code], service.code
        assert service.department.phone, service.code
        assert service.group in riverbend.groups, service.code
        assert (service.location.type is LocationType.NONE) == (service.location.ask == ""), service.code
        assert (service.sla.amount > 0) == (service.sla.unit in (Clock.HOURS, Clock.DAYS, Clock.BUSINESS_DAYS))


# The one question that tells an emergency from an urgent request, and the answers that end it: those marked "→911" and
# the like in the catalogue, and one for every other urgent service where people can be in danger.
STOPS = {
    ("cave_in", "fell_in"): {"yes"},
    ("pavement_buckle", "crash"): {"yes"},
    ("steel_plate", "crash"): {"yes"},
    ("bridge", "falling"): {"yes"},
    ("street_flood", "water_danger"): {"yes"},
    ("manhole_cover", "fell_in"): {"yes"},
    ("obstruction", "crash"): {"yes"},
    ("stop_sign_down", "crash"): {"yes"},
    ("hazmat_drop", "harmed"): {"yes"},
    ("water_leak", "water_danger"): {"yes"},
    ("sewage_backup", "outlets"): {"yes"},
    ("waterway_spill", "fumes"): {"yes"},
    ("no_heat", "cold_danger"): {"yes"},
    ("no_ac", "heat_danger"): {"yes"},
    ("no_utilities", "life_support"): {"yes"},
    ("unsafe_building", "falling"): {"yes"},
    ("air_odour", "gas_smell"): {"yes"},
    ("signal_out", "crash"): {"yes"},
    ("light_knockdown", "wires_exposed"): {"yes"},
    ("wire_down", "sparking"): {"yes"},
    ("encampment", "people_in_danger"): {"yes"},
    ("tree_emergency", "on_wires"): {"yes"},
    ("tree_emergency", "injured"): {"yes"},
    ("playground_hazard", "injury"): {"yes"},
    ("stray", "aggressive"): {"yes"},
    ("vicious_animal", "bite"): {"yes"},
    ("animal_cruelty", "in_progress"): {"yes"},
    ("carbon_monoxide", "smell_or_alarm"): {"gas_smell_now", "alarm_now"},
    ("elevator", "person_trapped"): {"yes"},
    ("shelter", "safe_now"): {"no"},
    ("crisis_referral", "in_danger"): {"yes"},
}


def test_every_stop_of_riverbend_is_asked_plainly(riverbend: Pack) -> None:
    stops = {
        (service.code, question.code): question
        for service in riverbend.services.values()
        for question in service.questions
        if question.stop
    }
    assert {name: set(question.stop) for name, question in stops.items()} == STOPS
    for name, question in stops.items():
        # "I don't know" must not slip past a question about danger.
        assert question.required, name
        assert not question.unknown, name
        assert set(question.stop.values()) <= set(riverbend.city.safety), name


NO_DANGER = {"injured_animal", "no_water"}


def test_every_urgent_service_of_riverbend_tells_an_emergency_and_who_is_on_call(riverbend: Pack) -> None:
    for service in riverbend.services.values():
        if not service.is_urgent:
            continue
        assert any(question.stop for question in service.questions) or service.code in NO_DANGER, service.code
        departments = [service.department, *(riverbend.departments[route.department] for route in service.routes)]
        assert all(department.after_hours for department in departments), service.code


def test_each_service_of_riverbend_has_a_name_of_its_own(riverbend: Pack) -> None:
    assert len({service.name.casefold() for service in riverbend.services.values()}) == 119
    assert riverbend.services[riverbend.city.catch_all_service].code == "general_question"


def test_a_second_city_needs_no_code(puerto_claro: Pack) -> None:
    assert list(puerto_claro.departments) == ["harbor"]
    assert list(puerto_claro.services) == ["boat_adrift", "pothole"]
    assert puerto_claro.city.languages == ("es", "en")
    assert puerto_claro.workorders.url == ""
    assert puerto_claro.city.catch_all_service == ""
    calendar = puerto_claro.calendar
    assert (calendar.country, calendar.weekend, calendar.day_ends) == ("EG", frozenset({4, 5}), time(15))
    assert calendar.extra == {date(2026, 11, 24): "Harbor Day"}


def test_the_second_citys_questions(puerto_claro: Pack) -> None:
    on_board, size, ship_name, tow_day = puerto_claro.services["boat_adrift"].questions
    assert (on_board.type, dict(on_board.stop), on_board.unknown) == (QuestionType.YES_NO, {"yes": "emergency"}, False)
    assert [choice.code for choice in size.choices] == ["rowboat", "ship"]
    assert ship_name.only_if is not None
    assert (ship_name.only_if.code, ship_name.only_if.values) == ("size", ("ship",))
    assert (tow_day.when, size.when) == ("future", "past")


def test_texts_in_two_languages(puerto_claro: Pack) -> None:
    service = puerto_claro.services["boat_adrift"]
    assert service.name == "Boat adrift"  # English is the source wherever a text has it
    assert puerto_claro.say(service.name, "es") == "Barco a la deriva"
    assert puerto_claro.say(service.name, "en") == "Boat adrift"
    assert puerto_claro.say(service.name, "fr") == "Boat adrift"
    assert puerto_claro.say(service.questions[1].choices[0].say, "es") == "Como un bote de remos"
    assert puerto_claro.say(service.questions[1].choices[0].also[0], "es") == "pequeño"
    assert "112" in puerto_claro.say(puerto_claro.city.safety["emergency"], "es")
    assert puerto_claro.say("Not in the pack", "es") == "Not in the pack"


def test_every_text_of_the_second_city_has_both_languages() -> None:
    document = yaml.safe_load((HOUSE / "tests" / "packs" / "puerto_claro" / "services.yml").read_text())

    def texts(node: object) -> None:
        if isinstance(node, dict) and ("en" in node or "es" in node):
            assert set(node) == {"en", "es"}, node
        for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
            texts(child)

    texts(document)


def test_the_second_citys_clock(puerto_claro: Pack) -> None:
    zone = puerto_claro.city.timezone
    start = datetime(2026, 11, 22, 16, tzinfo=zone)  # Sunday, a working day; Tuesday 24 is Harbor Day
    sla = puerto_claro.services["boat_adrift"].sla
    # Monday 23, Wednesday 25, Thursday 26; the open Friday is not needed
    assert due(sla, start, puerto_claro.calendar, zone) == datetime(2026, 11, 26, 15, tzinfo=zone)
    # from Monday: Wednesday, Thursday, and Friday 27, on which the office opens
    assert due(sla, start.replace(day=23), puerto_claro.calendar, zone) == datetime(2026, 11, 27, 15, tzinfo=zone)


def test_the_second_citys_own_service_has_examples() -> None:
    examples = yaml.safe_load((HOUSE / "tests" / "packs" / "puerto_claro" / "nlu" / "en" / "services.yml").read_text())
    assert [entry["intent"] for entry in examples["nlu"]] == ["report/boat_adrift"]
    assert examples["nlu"][0]["examples"].count("\n- ") + 1 >= 6
