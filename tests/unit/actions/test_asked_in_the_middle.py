"""A question about a report that was sent stands in the middle of another one, which then goes on."""

from __future__ import annotations

import pytest
from played_rasa import FORM, report_pothole

from actions.afterwards import ActionChangeSent
from actions.offers import ActionTakeOffer, ValidateOfferForm
from actions.requests import ActionCheckStatus
from city311.intake import from_slot


@pytest.fixture
def busy(rasa):
    """Two reports were sent and a third is begun; the numbers of the two."""
    numbers = []
    for place in ("22 Prospect Street", "14 Lake Street"):
        report_pothole(rasa, location=place)
        rasa.finishes()
        numbers.append(rasa.slots["last_request"])
    rasa.slots["last_request"] = None
    rasa.events.clear()
    rasa.says("the light is out at 9 Oak Street", "report", service="light_out", location="9 Oak Street")
    return numbers


def digresses(rasa, text, intent, action, **entities):
    """A message in the middle of the report that the form leaves to ``action``; the keys of the question asked."""
    rasa.hears(text, intent, **entities)
    assert rasa.form()[-1]["event"] == "action_execution_rejected"
    rasa.runs(action)
    rasa.is_offered()
    return rasa.spoken()


def answers(rasa, text, **options):
    """The answer to that question; the events of what takes it."""
    rasa.hears(text, "nlu_fallback", **options)
    rasa.runs(ValidateOfferForm())
    rasa.loop = None
    return rasa.runs(ActionTakeOffer())


def back(rasa, events):
    """The form has the message again, and leaves it to the rule of its intent."""
    loop = next(event for event in events if event["event"] == "active_loop")
    assert (loop["name"], rasa.slots["requested_slot"]) == (FORM, "answer")
    before = rasa.slots["intake"]
    rejected = rasa.form()
    assert rejected[-1]["event"] == "action_execution_rejected" and rasa.slots["intake"] == before


def goes_on(rasa):
    """The open question of the report, asked again after something else was answered."""
    rasa.form()
    assert from_slot(rasa.slots["intake"]).service == "light_out"
    return rasa.words()


def test_which_one_is_asked_and_the_report_goes_on(rasa, busy):
    asked = digresses(rasa, "what about the one I reported", "check_status", ActionCheckStatus())
    assert asked == ["utter_ask_which_report"] and busy[0] in " ".join(rasa.buttons())
    back(rasa, answers(rasa, "the one on Lake Street", location="Lake Street"))
    rasa.runs(ActionCheckStatus())
    assert busy[1] in rasa.words()[0]
    assert goes_on(rasa)


def test_whether_it_is_meant_is_asked_and_done(rasa, busy):
    number = {"request_number": busy[0]}
    asked = digresses(rasa, f"take back {busy[0]}", "withdraw_request", ActionChangeSent(), **number)
    assert asked == ["utter_ask_take_back"]
    back(rasa, answers(rasa, "Yes, take it back"))
    rasa.runs(ActionChangeSent())
    assert rasa.spoken() == ["utter_taken_back"] and goes_on(rasa)


def test_what_to_add_is_asked_and_added(rasa, server, busy):
    number = {"request_number": busy[0]}
    asked = digresses(rasa, f"add something to {busy[0]}", "add_to_request", ActionChangeSent(), **number)
    assert asked == ["utter_ask_what_to_add"]
    back(rasa, answers(rasa, "the edges are sharp"))
    rasa.runs(ActionChangeSent())
    assert rasa.spoken() == ["utter_added"] and goes_on(rasa)
    assert [one["description"] for one in server.updates] == ["the edges are sharp"]


def test_a_no_leads_straight_back_to_the_report(rasa, busy):
    digresses(rasa, f"take back {busy[0]}", "withdraw_request", ActionChangeSent(), request_number=busy[0])
    events = answers(rasa, "No, keep it")
    assert [(event["event"], event.get("name")) for event in events[-2:]] == [
        ("slot", "requested_slot"),
        ("followup", FORM),
    ]
    assert goes_on(rasa)


def test_something_else_said_to_the_question_is_said_to_the_report(rasa, busy):
    digresses(rasa, f"take back {busy[0]}", "withdraw_request", ActionChangeSent(), request_number=busy[0])
    rasa.hears("start over please", "start_over")
    rasa.runs(ValidateOfferForm())
    rasa.loop = None
    events = rasa.runs(ActionTakeOffer())
    assert events[-1]["event"] == "user"
    rasa.form()
    assert rasa.slots["intake"]["ended"] == "restarted"


@pytest.mark.parametrize("text", ["tell them to hurry", "can you add that the dog next door bites"])
def test_more_without_a_word_of_another_report_is_for_this_one(rasa, busy, text):
    rasa.says(text, "add_to_request")
    state = from_slot(rasa.slots["intake"])
    assert text in state.remarks


@pytest.mark.parametrize("text", ["add to my other report that it is loud", "add to my pothole report that it grew"])
def test_more_that_names_another_report_is_for_that_one(rasa, busy, text):
    rasa.hears(text, "add_to_request")
    assert rasa.form()[-1]["event"] == "action_execution_rejected"


def test_taking_back_another_report_does_not_cancel_this_one(rasa, busy):
    rasa.hears("cancel the one I sent last week", "withdraw_request")
    assert rasa.form()[-1]["event"] == "action_execution_rejected"
    rasa.hears("cancel the report", "withdraw_request")
    rasa.form()
    assert rasa.slots["intake"]["ended"] == "cancelled"
