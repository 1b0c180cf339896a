"""Where a request stands, and which ones this conversation made."""

from __future__ import annotations

import string
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
import yaml
from played_rasa import report_pothole

from actions import requests
from actions.requests import ActionCheckStatus, ActionListRequests
from city311 import settings
from city311.requests import Kind, State, Status, telling
from city311.requests.history import Usual

RESPONSES = yaml.safe_load((settings.HOUSE / "domain.yml").read_text(encoding="utf-8"))["responses"]


SINCE = datetime(2026, 11, 21, 15, 0, tzinfo=timezone.utc)
KNOWN = {"number", "service", "date", "since", "note", "department_phone", "evidence", "half", "most"}


def asks(rasa, action, text="what about it", **entities):
    rasa.hears(text, "check_status", **entities)
    rasa.runs(action)
    return rasa.words()


@pytest.fixture
def filed(rasa):
    """A report of this conversation; its number."""
    report_pothole(rasa)
    rasa.finishes()
    return rasa.slots["last_request"]


def status(**changes):
    given = {
        "kind": Kind.FOUND,
        "number": "SR-104217",
        "service_name": "Pothole in street",
        "state": "received",
        "requested_at": datetime(2026, 11, 20, 15, 0, tzinfo=timezone.utc),
    }
    return Status(**(given | changes))


def told(here, **changes):
    return [
        (message.phrase.key, here.words(message.phrase, "en"))
        for message in requests.told_status(here, status(**changes), "en")
    ]


# -- which number is meant


def test_the_number_in_the_message_comes_first(rasa, conversations, filed):
    other = conversations()
    report_pothole(other)
    other.finishes()
    number = other.slots["last_request"]
    assert number != filed
    (words, *_more) = asks(rasa, ActionCheckStatus(), f"what about {number}", request_number=number)
    assert number in words and filed not in words


def test_without_a_number_it_is_the_last_report_of_this_conversation(rasa, filed):
    assert filed in asks(rasa, ActionCheckStatus())[0]


def test_the_last_report_is_known_even_when_the_slot_is_not(rasa, filed):
    rasa.slots["last_request"] = None
    assert filed in asks(rasa, ActionCheckStatus())[0]


def test_without_any_report_the_number_is_asked_for(rasa):
    asks(rasa, ActionCheckStatus())
    assert rasa.spoken() == ["utter_ask_request_number"]


def test_another_residents_report_is_not_ones_own(conversations, filed):
    stranger = conversations()
    asks(stranger, ActionCheckStatus())
    assert stranger.spoken() == ["utter_ask_request_number"]
    asks(stranger, ActionListRequests())
    assert stranger.spoken() == ["utter_list_none"]


# -- asked at that moment


def test_the_status_is_what_the_system_of_record_says_now(rasa, server, filed):
    asks(rasa, ActionCheckStatus())
    assert rasa.spoken()[0] == "utter_status_passed_on"
    server.rows[0].update(status="closed", status_notes="Filled with fresh asphalt.")
    words = asks(rasa, ActionCheckStatus())
    assert rasa.spoken() == ["utter_status_closed", "utter_status_note", "utter_status_can_reopen"]
    assert "Filled with fresh asphalt." in words[1]


def test_what_its_system_shows_no_more_is_said_as_it_is(rasa, server, filed):
    server.rows.clear()
    (words,) = asks(rasa, ActionCheckStatus())
    assert rasa.spoken() == ["utter_status_not_shown"] and filed in words and "617-555" in words


def test_a_status_reveals_no_contact(rasa, conversations, server, filed):
    server.rows[0].update(status="closed", status_notes="Called 617-555-0199 and wrote to ana@example.org.")
    words = " ".join(asks(conversations(), ActionCheckStatus(), request_number=filed))
    assert "Called" in words
    assert "example.org" not in words and "0199" not in words


def test_a_status_does_not_quote_the_reporter(rasa, conversations, server, filed):
    server.rows[0].update(status="closed", status_notes="You wrote: There is a huge pothole. It is deep.")
    (words, *more) = asks(conversations(), ActionCheckStatus(), request_number=filed)
    assert "did not say" in words and "huge" not in " ".join([words, *more])


def test_a_system_that_is_away_is_said_so(rasa, server, filed):
    server.switches.fail = 1000
    asks(rasa, ActionCheckStatus())
    assert rasa.spoken() == ["utter_status_unavailable"]


def test_an_unknown_number(rasa, server):
    (words,) = asks(rasa, ActionCheckStatus(), request_number="SR-104215")
    assert rasa.spoken() == ["utter_status_unknown"] and "SR-104215" in words


def test_a_mistyped_number(rasa):
    (words,) = asks(rasa, ActionCheckStatus(), request_number="SR-104217")
    assert rasa.spoken() == ["utter_status_mistyped"] and "SR-104217" in words


@pytest.mark.parametrize("number", ["SR 12", "12", "SR-", "#", "the number 5 one", "SR-104215 or so"])
def test_what_is_no_number_is_named_as_it_was_said(rasa, number):
    (words,) = asks(rasa, ActionCheckStatus(), request_number=number)
    assert rasa.spoken()[0] in ("utter_status_unknown", "utter_status_mistyped")
    assert "number ." not in words and "number  is" not in words


def test_what_waits_is_said_to_wait(rasa, server):
    server.switches.fail = 1000
    report_pothole(rasa)
    rasa.finishes()
    (words,) = asks(rasa, ActionCheckStatus())
    assert rasa.spoken() == ["utter_status_waiting"]
    assert rasa.slots["last_request"] in words and "Pothole in street" in words


def test_what_was_refused_is_with_staff(rasa, server):
    server.switches.refuse = True
    report_pothole(rasa)
    rasa.finishes()
    asks(rasa, ActionCheckStatus())
    assert rasa.spoken() == ["utter_status_refused"]


# -- the words for each state


@pytest.mark.parametrize("state", [state.value for state in State])
def test_every_state_has_its_sentence(here, state):
    ((key, words), *_due) = told(here, state=state)
    assert key == f"utter_status_{state}"
    assert "SR-104217" in words and "Pothole in street" in words and "{" not in words


def test_a_department_that_says_nothing_more_has_it(here):
    assert told(here, state=None)[0][0] == "utter_status_passed_on"


def test_every_sentence_about_a_status_is_used():
    sentences = {key.removeprefix("utter_status_") for key in RESPONSES if key.startswith("utter_status_")}
    source = "".join(Path(module.__file__ or "").read_text(encoding="utf-8") for module in (requests, telling))
    states = {state.value for state in State}
    assert states <= sentences
    assert {key for key in sentences - states if f"utter_status_{key}" not in source} == set()


def test_no_sentence_is_a_bare_closed(here):
    """Each says when, and either why or what can be done."""
    for state in State:
        words = " ".join(text for _, text in told(here, state=state.value, since=SINCE))
        assert state is State.RECEIVED or state is State.PASSED_ON or "Saturday, November 21, 2026" in words, state
        assert len(words.split(". ")) > 1, state


def test_closed_with_a_note_is_told_with_it_and_not_as_unexplained(here):
    keys = [key for key, _ in told(here, state="done_unexplained", notes="Filled with asphalt.")]
    assert keys == ["utter_status_closed", "utter_status_note", "utter_status_cannot_reopen"]


def test_the_evidence_is_shown(here):
    words = " ".join(text for _, text in told(here, state="done", evidence="https://photos.example.org/after.jpg"))
    assert "https://photos.example.org/after.jpg" in words


def test_how_long_it_usually_takes(here):
    usual = Usual(timedelta(days=2, hours=3), timedelta(days=9))
    (_, words) = told(here, state="accepted", usual=usual)[-1]
    assert words == "Half of such reports are done within 3 days. Nine in ten are done within 9 days."
    (_, words) = told(here, state="accepted", usual=Usual(timedelta(hours=5), None))[-1]
    assert words == "Half of such reports are done within 5 hours."
    assert not any("usual" in key for key, _ in told(here, state="done", usual=usual))


def test_the_sentences_ask_for_no_value_that_is_not_given(here):
    city = {"city_name", "city_phone", "city_hours", "emergency_phone"}
    for key, variants in RESPONSES.items():
        if not key.startswith("utter_status_"):
            continue
        names = {name for _, name, _, _ in string.Formatter().parse(variants[0]["text"]) if name}
        assert names <= KNOWN | city, key


def test_due_and_overdue(here, pack):
    now = datetime.now(timezone.utc)
    department = pack.services["pothole"].department
    due = told(here, state="accepted", due=now + timedelta(days=2), department=department)
    assert [key for key, _ in due] == ["utter_status_accepted", "utter_status_due"]
    over = told(here, state="accepted", due=now - timedelta(days=2), department=department)
    assert over[1][0] == "utter_status_overdue" and department.phone in over[1][1]
    nobody = told(here, state="accepted", due=now - timedelta(days=2))
    assert pack.city.phone in nobody[1][1]


def test_what_is_done_is_not_due(here):
    keys = [key for key, _ in told(here, state="done", due=datetime.now(timezone.utc) - timedelta(days=2))]
    assert keys == ["utter_status_done", "utter_status_cannot_reopen"]


def test_notes_come_after_the_state(here):
    assert [key for key, _ in told(here, state="done", notes="All fixed.")] == [
        "utter_status_done",
        "utter_status_note",
        "utter_status_cannot_reopen",
    ]


def test_a_note_is_data(here):
    assert told(here, state="done", notes="{number} 0[ {city_phone}")[1][1].endswith("{number} 0[ {city_phone}")


# -- the list


def test_the_list_has_the_newest_first_and_five_at_most(rasa):
    numbers = []
    for _ in range(6):
        report_pothole(rasa)
        rasa.finishes()
        numbers.append(rasa.slots["last_request"])
    words = asks(rasa, ActionListRequests())
    assert rasa.spoken() == ["utter_list_intro", *["utter_list_line"] * 5]
    assert [line.split(":")[0].removeprefix("• ") for line in words[1:]] == numbers[:0:-1]
    assert "Pothole in street" in words[1]


def test_an_empty_list(rasa):
    asks(rasa, ActionListRequests())
    assert rasa.spoken() == ["utter_list_none"]
