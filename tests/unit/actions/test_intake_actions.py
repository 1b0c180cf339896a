"""The guided conversation's form: one message in, the next question out."""

from __future__ import annotations

import pytest
from played_rasa import FORM, report_pothole
from rasa_sdk import Tracker

from actions import clarify, intake
from actions.offering import is_new_message
from city311.intake import Utterance

ACTION_LISTEN = {"event": "action", "name": "action_listen"}
USER = {"event": "user", "text": "hello"}
THE_FORM = {"event": "action", "name": FORM}
DIGRESSION = {"event": "action", "name": "action_check_status"}
REJECTED = {"event": "action_execution_rejected", "name": FORM}
SLOT = {"event": "slot", "name": "requested_slot", "value": "answer"}


# -- whether the form is called for a message, or again after a digression


@pytest.mark.parametrize(
    ("events", "is_new"),
    [
        ([], True),
        ([THE_FORM], True),
        ([ACTION_LISTEN, USER, THE_FORM], True),
        ([ACTION_LISTEN, USER, SLOT, SLOT, THE_FORM, SLOT], True),
        ([ACTION_LISTEN, USER, THE_FORM, SLOT, ACTION_LISTEN, USER, THE_FORM], True),
        ([ACTION_LISTEN, USER, REJECTED, DIGRESSION, THE_FORM], False),
        ([ACTION_LISTEN, USER, REJECTED, DIGRESSION, SLOT, THE_FORM], False),
        ([ACTION_LISTEN, USER, REJECTED, {"event": "action", "name": "utter_greet"}, THE_FORM], False),
        ([USER, REJECTED, DIGRESSION, {"event": "bot", "text": "x"}, THE_FORM], False),
        ([ACTION_LISTEN, USER, REJECTED, DIGRESSION, THE_FORM, ACTION_LISTEN, USER, THE_FORM], True),
    ],
)
def test_a_message_is_new_when_nothing_was_done_since_it_came(events, is_new):
    tracker = Tracker("web-1", {}, {}, events, False, None, {}, "")
    assert is_new_message(tracker, FORM) is is_new


# -- the place that was named just before the report


def _bot(key: str) -> dict[str, object]:
    return {"event": "bot", "text": "What is wrong there?", "metadata": {"utter_action": key}}


@pytest.mark.parametrize(
    ("slot", "events", "named", "place"),
    [
        ("Oak Street", [_bot(intake.ASKED_WHAT_THERE), USER], None, ["Oak Street"]),
        ("Oak Street", [_bot(intake.ASKED_WHAT_THERE), USER], "Elm Street", ["Elm Street"]),
        ("Oak Street", [_bot(intake.ASKED_WHAT_THERE), USER, _bot("utter_greet"), USER], None, []),
        ("Oak Street", [_bot("utter_greet"), USER], None, []),
        ("Oak Street", [{"event": "bot", "text": "of a pack, without a key", "metadata": None}, USER], None, []),
        ("Oak Street", [USER], None, []),
        (None, [_bot(intake.ASKED_WHAT_THERE), USER], None, []),
    ],
)
def test_a_report_has_the_place_that_it_was_asked_about(slot, events, named, place):
    heard = Utterance("a huge pothole", entities={"location": [named]} if named else {})
    tracker = Tracker("web-1", {"location": slot}, {}, events, False, None, {}, "")
    told = intake._with_place(heard, tracker)
    assert list(told.entities.get("location", [])) == place
    assert told.text == heard.text


def test_a_place_alone_is_remembered_for_the_report_that_follows(rasa):
    rasa.hears("22 Prospect Street", "inform", location="22 Prospect Street")
    rasa.runs(clarify.ActionClarify())
    assert rasa.spoken() == [intake.ASKED_WHAT_THERE]
    rasa.events += [_bot(intake.ASKED_WHAT_THERE)]
    rasa.says("There is a huge pothole", "report", service="pothole")
    assert rasa.slots["intake"]["answers"]["location"]["value"] == "22 Prospect Street"


# -- asking


def test_a_report_begins_with_its_first_question(rasa, pack):
    rasa.hears("There is a huge pothole", "report", service="pothole")
    events = rasa.form()
    assert {event["name"]: event["value"] for event in events} == {
        "intake": rasa.slots["intake"],
        "answer": None,
        "service": "pothole",
        "location": None,
        "requested_slot": "answer",
    }
    started, question = rasa.words()
    assert "Pothole in street" in started
    assert question == pack.services["pothole"].location.ask
    assert rasa.slots["intake"]["form"]


def test_buttons_carry_the_words_that_a_resident_would_type(rasa):
    rasa.says("There is a huge pothole", "report", service="pothole")
    rasa.says("22 Prospect Street")
    (message,) = rasa.said
    titles = [button["title"] for button in message["buttons"]]
    assert "Bike lane" in titles and titles[-1] == "I don't know"
    assert all(button == {"title": button["title"], "payload": button["title"]} for button in message["buttons"])


@pytest.mark.parametrize(
    ("channel", "beside"),
    [
        ("web", [{"progress": {"step": 1, "of": 4}, "takes": "place"}]),
        ("sms", [{"about": "Pothole in street"}]),
        ("whatsapp", [{"about": "Pothole in street"}]),
        ("", []),
    ],
)
def test_each_channel_gets_what_it_can_use_beside_the_words(conversations, channel, beside):
    rasa = conversations(channel=channel)
    rasa.says("There is a huge pothole", "report", service="pothole")
    assert [message["custom"] for message in rasa.said if message.get("custom")] == beside


def test_the_read_back_and_the_receipt_can_be_drawn_as_cards(conversations):
    rasa = conversations(channel="web")
    rasa.says("There is a huge pothole", "report", service="pothole")
    for answer in ("22 Prospect Street", "Crosswalk", "skip", "stay anonymous"):
        rasa.says(answer)
    (review,) = _cards(rasa)
    rasa.says("Yes, send it")
    rasa.finishes()
    (receipt,) = _cards(rasa)
    assert review["kind"] == "review"
    kind = {"label": "Kind of problem", "value": "Pothole in street", "edit": "Change: Kind of problem"}
    assert review["lines"][0] == kind
    assert "• Place: 22 Prospect Street" in review["said"]
    assert receipt["kind"] == "receipt"
    labels = [line["label"] for line in receipt["lines"]]
    assert labels == ["Request number", "Kind of problem", "Place", "Goes to", "Sent on"]
    assert receipt["lines"][0]["value"].startswith("SR-")
    assert not any("edit" in line for line in receipt["lines"])


def _cards(rasa):
    return [drawn["card"] for message in rasa.said if "card" in (drawn := message.get("custom") or {})]


def test_place_and_service_are_slots_of_their_own(rasa):
    rasa.says("There is a huge pothole", "report", service="pothole")
    rasa.says("22 Prospect Street")
    assert (rasa.slots["service"], rasa.slots["location"]) == ("pothole", "22 Prospect Street")


def test_a_second_report_has_a_form_of_its_own(rasa):
    report_pothole(rasa)
    first = rasa.slots["intake"]["form"]
    rasa.finishes()
    rasa.says("Another pothole", "report", service="pothole")
    assert rasa.slots["intake"]["form"] != first
    assert rasa.slots["intake"]["answers"] == {}


def test_an_ended_state_that_stayed_behind_is_not_gone_on_with(rasa):
    """The process died between the end of the form and its filing, and the resident writes something new."""
    rasa.says("There is a huge pothole", "report", service="pothole")
    rasa.slots["intake"]["ended"] = "cancelled"
    first = rasa.slots["intake"]["form"]
    rasa.says("A dark street light", "report", service="pothole")
    assert rasa.slots["intake"]["form"] != first and rasa.slots["intake"]["ended"] == ""


@pytest.mark.parametrize("junk", ["text", 7, [], {}, {"form": "x"}, {"form": "x", "answers": {"location": "y"}}])
def test_a_state_of_another_version_is_an_honest_start(rasa, junk):
    rasa.slots["intake"] = junk
    rasa.hears("on Hampshire Street")
    events = rasa.form()
    assert rasa.spoken() == ["utter_intake_lost"]
    cleared = {event["name"]: event["value"] for event in events if event["event"] == "slot"}
    assert cleared == {"intake": None, "answer": None, "requested_slot": None}
    assert {"event": "active_loop", "timestamp": None, "name": None} in events
    assert rasa.finishes() == [], "the form's end has nothing to add"


# -- digressions


def test_a_digression_is_rejected_and_the_question_comes_again(rasa):
    rasa.says("There is a huge pothole", "report", service="pothole")
    (question,) = rasa.says("22 Prospect Street")
    before = rasa.slots["intake"]
    rasa.hears("What is happening with SR-104217?", "check_status", request_number="SR-104217")
    events = rasa.form()
    assert rasa.words() == [], "the rule's action answers"
    assert [event["name"] for event in events if event["event"] == "action_execution_rejected"] == [FORM]
    assert rasa.slots["answer"] is None
    rasa.events.append(DIGRESSION)
    rasa.form()
    assert rasa.words() == [question]
    assert rasa.slots["intake"]["answers"] == before["answers"]
    # and the next message is an answer again
    rasa.says("Bike lane")
    assert rasa.slots["intake"]["answers"]["where"]["value"] == "bike_lane"


def test_danger_in_the_middle_keeps_the_report(rasa):
    rasa.says("There is a huge pothole", "report", service="pothole")
    rasa.hears("My house is on fire", "emergency")
    rasa.form()
    rasa.events.append({"event": "action", "name": "action_safety"})
    rasa.form()
    assert rasa.spoken() == ["utter_report_kept"]
