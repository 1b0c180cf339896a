"""How a guided conversation ends: filed and confirmed, followed, or given up; only here is a report confirmed."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone

import pytest
from played_rasa import POTHOLE, answer_all, report_pothole
from sqlalchemy import text
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from actions import intake
from city311.city.model import Clock
from city311.requests import Draft, Filed, parse

DRAFT = Draft(service_code="pothole", address="22 Prospect Street", description="")


# -- the end: filing


def test_a_report_is_filed_with_everything_that_was_said(rasa, server):
    report_pothole(rasa)
    words = rasa.finishes()
    (row,) = server.rows
    number = row["service_request_id"]
    assert parse(number) == number
    assert words[0] == f"Thank you. Your report is in. The number is **{number}**."
    assert rasa.spoken() == ["utter_submitted", "utter_goes_to", "utter_due_business_days", "utter_ask_status_any_time"]
    assert "Public Works" in words[1] and "A crew will look at the hole and fill it." in words[1]
    assert number in words[3]
    sent = {name: values for name, values in row["form"].items() if name != "api_key"}
    assert sent["service_code"] == ["pothole"]
    assert sent["address_string"] == ["22 Prospect Street"]
    assert sent["description"][0].splitlines()[:2] == ["There is a huge pothole", "It is deep."]
    assert sent["attribute[where]"] == ["bike_lane"]
    assert sent["email"] == ["ana@example.org"]
    assert "6175550199" in "".join(character for character in sent["phone"][0] if character.isdigit())
    assert rasa.slots["last_request"] == number


@pytest.fixture
def drafts(here, monkeypatch):
    """What is handed to the capability."""
    made = []
    submit = here.requests.submit

    def keeping(draft, **options):
        made.append((draft, options))
        return submit(draft, **options)

    monkeypatch.setattr(here.requests, "submit", keeping)
    return made


def test_the_draft(rasa, drafts):
    report_pothole(rasa)
    form = rasa.slots["intake"]["form"]
    rasa.finishes()
    ((draft, options),) = drafts
    assert options["key"] == f"{rasa.sender}:{form}"
    assert options["budget_s"] <= 4.0
    assert (draft.reporter, draft.channel, draft.service_code) == (rasa.sender, "web", "pothole")
    assert draft.answers == {"where": ["bike_lane"]} and draft.answers_said == {}
    assert draft.email == "ana@example.org"
    assert (draft.lat, draft.long) == (None, None)


@pytest.mark.parametrize(
    ("contact", "phone", "email"),
    [
        ("617-555-0199", True, False),
        ("ana@example.org", False, True),
        ("ana@example.org, 617-555-0199", True, True),
        ("Stay anonymous", False, False),
    ],
)
def test_contact_is_a_phone_an_email_both_or_none(rasa, drafts, contact, phone, email):
    report_pothole(rasa, contact=contact)
    rasa.finishes()
    draft = drafts[0][0]
    assert (bool(draft.phone), bool(draft.email)) == (phone, email)
    assert "@" not in draft.phone and "anonymous" not in draft.phone + draft.email


def test_i_dont_know_is_an_answer_and_a_skip_is_none(rasa, drafts):
    report_pothole(rasa, where="I don't know", description="skip")
    rasa.finishes()
    draft = drafts[0][0]
    assert draft.answers == {"where": ["unknown"]}
    assert draft.description == "There is a huge pothole"


def test_own_words_for_a_choice_reach_the_crew(rasa, drafts):
    report_pothole(rasa, where="under the railway bridge")
    rasa.finishes()
    draft = drafts[0][0]
    assert draft.answers == {"where": ["other"]}
    assert draft.answers_said == {"where": "under the railway bridge"}
    assert "under the railway bridge" in draft.description.splitlines()[-1]


def test_filing_again_makes_nothing_and_says_the_same(rasa, server):
    """The turn was given up after the request was filed, and is tried again."""
    report_pothole(rasa)
    slots = dict(rasa.slots)
    first = rasa.finishes()
    rasa.slots = slots
    assert rasa.finishes() == first
    assert len(server.rows) == 1


def test_a_database_that_is_away_is_never_a_confirmation(rasa, here, server):
    report_pothole(rasa)
    with here.requests._engine.begin() as connection:
        connection.execute(text("DROP TABLE outbox"))
    with pytest.raises(SQLAlchemyError):
        rasa.finishes()
    assert server.rows == []


def test_a_service_that_the_city_gave_up_meanwhile_is_never_a_confirmation(rasa, here, server, monkeypatch):
    report_pothole(rasa)
    without = {code: service for code, service in here.pack.services.items() if code != "pothole"}
    monkeypatch.setattr(here.requests, "_pack", replace(here.pack, services=without))
    with pytest.raises(LookupError):
        rasa.finishes()
    assert server.rows == []


# -- the end: receipts


def test_trap_01_what_was_not_passed_on_is_said_so(rasa, server):
    server.switches.fail = 1000
    report_pothole(rasa)
    words = rasa.finishes()
    assert rasa.spoken()[0] == "utter_submitted_waiting" and "utter_submitted" not in rasa.spoken()
    assert rasa.slots["last_request"] in words[0] and "Public Works" in words[0]
    assert rasa.spoken()[-1] == "utter_ask_status_any_time"
    assert server.rows == []


def test_trap_01_a_slow_system_is_not_waited_for(rasa, here, server, monkeypatch):
    import threading

    server.switches.before_gate = threading.Event()
    submit = here.requests.submit
    monkeypatch.setattr(here.requests, "submit", lambda draft, *, key, budget_s: submit(draft, key=key, budget_s=0.3))
    report_pothole(rasa)
    rasa.finishes()
    assert rasa.spoken()[0] == "utter_submitted_waiting"
    assert not server.switches.before_gate.is_set() and server.rows == []


def test_trap_01_what_was_refused_goes_to_staff(rasa, server, pack):
    server.switches.refuse = True
    report_pothole(rasa)
    (words,) = rasa.finishes()
    assert rasa.spoken() == ["utter_submitted_refused"]
    assert rasa.slots["last_request"] in words
    assert pack.services["pothole"].department.phone in words
    assert "service_code" not in words, "why is for staff"


def test_a_department_without_a_phone_lends_the_citys(rasa, here, pack):
    service = pack.services["pothole"]
    silent = replace(service, department=replace(service.department, phone=""))
    filed = _filed(silent, refused="no")
    (said,) = intake._receipt(here, DRAFT, filed, "en")
    assert said.phrase.values["department_phone"] == pack.city.phone


def _filed(service, *, due=None, refused=None, passed_on=True):
    return Filed(
        number="SR-104217",
        passed_on=passed_on,
        refused=refused,
        department=service.department,
        due=due,
        service=service,
        service_notice="",
    )


@pytest.mark.parametrize(
    ("unit", "key"),
    [
        (Clock.HOURS, "utter_due_hours"),
        (Clock.DAYS, "utter_due_days"),
        (Clock.BUSINESS_DAYS, "utter_due_business_days"),
        (Clock.SAME_DAY, "utter_due_same_day"),
        (Clock.STATUTORY, "utter_due_statutory"),
        (Clock.REDIRECT, "utter_due_redirect"),
        (Clock.NONE, "utter_due_none"),
    ],
)
def test_every_clock_has_its_promise(here, pack, unit, key):
    from city311.city.calendar import due

    service = next(each for each in pack.services.values() if each.sla.unit is unit)
    at = datetime(2026, 11, 20, 15, 0, tzinfo=timezone.utc)  # a Friday
    moment = due(service.sla, at, pack.calendar, pack.city.timezone)
    said = intake._receipt(here, DRAFT, _filed(service, due=moment), "en")
    assert [message.phrase.key for message in said] == [
        "utter_submitted",
        "utter_goes_to",
        key,
        "utter_ask_status_any_time",
    ]
    words = [here.words(message.phrase, "en") for message in said]
    assert not [each for each in words if "{" in each]
    if moment is not None:
        assert str(moment.astimezone(here.zone).day) in words[2]


# -- the end: nothing filed


@pytest.mark.parametrize(
    ("text", "intent", "key"),
    [("cancel", "cancel", "utter_cancelled"), ("start over", "start_over", "utter_restarted")],
)
def test_a_report_that_was_given_up_files_nothing(rasa, server, text, intent, key):
    rasa.says("There is a huge pothole", "report", service="pothole")
    rasa.says(text, intent)
    assert rasa.slots["requested_slot"] is None
    rasa.finishes()
    assert rasa.spoken() == [key]
    assert server.calls == []


def test_an_answer_that_means_danger_ends_in_the_safety_text(rasa, server, pack):
    rasa.says("The traffic light is out", "report", service="signal_out")
    answer_all(rasa, {"crash": "yes"})
    assert rasa.slots["intake"]["ended"] == "stopped"
    assert rasa.finishes() == [pack.city.safety["emergency"]]
    assert server.calls == []


def test_every_safety_key_that_a_question_may_stop_with_is_in_the_pack(pack):
    keys = {
        key for service in pack.services.values() for question in service.questions for key in question.stop.values()
    }
    assert keys and keys <= set(pack.city.safety)


@pytest.mark.parametrize("ending", ["submit", "cancelled", "restarted", "stopped"])
def test_trap_10_nothing_stays_behind_however_it_ends(rasa, ending):
    report_pothole(rasa)
    rasa.slots["last_request"] = "SR-999997"
    rasa.slots["intake"] |= {"ended": ending, "safety": "emergency"}
    rasa.finishes()
    left = {name: value for name, value in rasa.slots.items() if value is not None}
    # What danger ended is kept, and sent only when there is none.
    assert set(left) == {"last_request"} | ({"offer"} if ending == "stopped" else set())
    assert (left["last_request"] != "SR-999997") is (ending == "submit")


def test_a_language_that_the_city_does_not_speak_is_its_first(rasa):
    rasa.metadata = {"language": "tlh"}
    assert rasa.says("There is a huge pothole", "report", service="pothole")[0].startswith("I'll start a report")


def test_words_of_a_resident_are_values_and_never_templates(rasa):
    rasa.says("There is a huge pothole", "report", service="pothole")
    rasa.says("22 Prospect Street")
    rasa.says("{number} 0[ {city_phone} <b>")
    rasa.says("{label} is deep {value}")
    rasa.says("Stay anonymous")
    (review,) = rasa.said
    assert review["response"] == "utter_ask_review"
    assert "{number} 0[ {city_phone} <b>" in review["answers"] and "{label} is deep {value}" in review["answers"]


def test_the_key_of_every_sentence_is_in_the_domain(here):
    """Each phrase that these actions can say, whatever happens."""
    import ast
    from pathlib import Path

    import yaml

    from city311 import settings

    known = yaml.safe_load((settings.HOUSE / "domain.yml").read_text(encoding="utf-8"))["responses"]
    used = {
        node.value
        for folder in ("actions", "city311/intake")
        for path in Path(settings.HOUSE / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("utter_")
    }
    used = {key for key in used if not key.endswith("_")}  # the start of "utter_status_<state>"
    used.discard("utter_action")  # a name of Rasa's
    assert len(used) > 40
    assert used <= set(known)


def test_budgets_leave_room_below_the_limit_of_an_action():
    """Trap 2: recording, budget and answer together stay under eight seconds."""
    import inspect

    from actions import requests

    for module in (intake, requests):
        source = inspect.getsource(module)
        budgets = [float(part.split(")")[0].split(",")[0]) for part in source.split("budget_s=")[1:]]
        assert budgets and all(budget <= 4.0 for budget in budgets)


# -- somebody reported the same already


def test_the_same_is_followed_and_not_sent_again(rasa, conversations, server):
    report_pothole(rasa)
    rasa.finishes()
    number = rasa.slots["last_request"]
    ana = conversations()
    ana.says("a pothole", "report", service="pothole", location=POTHOLE["location"])
    assert ana.spoken()[-1] == "utter_ask_same"
    ana.says("It's the same, keep me posted")
    words = ana.finishes()
    assert ana.spoken() == ["utter_followed"] and number in words[0]
    assert len(server.rows) == 1 and ana.slots["last_request"] == number and ana.slots["intake"] is None


def test_a_database_that_cannot_look_stops_no_report(rasa, here, monkeypatch):
    def broken(draft):
        raise OperationalError("SELECT", {}, Exception("away"))

    monkeypatch.setattr(here.requests, "likely_duplicates", broken)
    report_pothole(rasa)
    rasa.finishes()
    assert rasa.slots["last_request"]
