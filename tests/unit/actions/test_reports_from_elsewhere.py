"""A report that the system of record has from somebody else: it can be asked about and followed, and not added to."""

from __future__ import annotations

import pytest

from actions.afterwards import ActionChangeSent
from actions.offers import ActionTakeOffer, ValidateOfferForm
from city311.intake import description, from_slot
from city311.requests import make


@pytest.fixture
def foreign(server):
    """The number of an open report that did not come through here."""
    number = make(104_21)
    server.add(service_code="pothole", service_request_id=number, address="1 Other Street")
    return number


def adds(rasa, number, text="add to it that it is deeper now"):
    rasa.hears(text, "add_to_request", request_number=number)
    events = rasa.runs(ActionChangeSent())
    return rasa.spoken(), any(event.get("name") == "offer_form" for event in events)


@pytest.mark.parametrize("follows", [False, True])
def test_what_can_be_done_is_said(rasa, here, server, foreign, follows):
    if follows:
        here.requests.follow(foreign, rasa.sender, "web")
    assert adds(rasa, foreign) == (["utter_cannot_add_elsewhere"], True)
    words = rasa.words()[0]
    assert foreign in words and "617-555" in words and "Other Street" not in words
    assert server.updates == []


def test_a_new_report_names_the_other(rasa, foreign):
    adds(rasa, foreign, f"add to {foreign} that it is deeper now")
    rasa.is_offered()
    assert rasa.buttons() == ["Pothole in street", "No, thanks"]
    rasa.answers("Pothole in street", "report")
    rasa.form()
    state = from_slot(rasa.slots["intake"])
    assert state.service == "pothole" and foreign in description(state)


def test_in_the_middle_of_a_report_it_is_only_said(rasa, foreign):
    rasa.says("the light is out", "report", service="light_out")
    rasa.hears(f"add to {foreign} that it is deeper now", "add_to_request", request_number=foreign)
    assert rasa.form()[-1]["event"] == "action_execution_rejected"
    rasa.runs(ActionChangeSent())
    assert rasa.spoken() == ["utter_cannot_add_elsewhere"] and rasa.slots.get("offer") is None


def test_a_system_that_is_away_is_said_first(rasa, server, foreign):
    server.switches.fail = 1000
    assert adds(rasa, foreign) == (["utter_status_unavailable"], False)


def test_it_is_not_taken_back_here_and_a_call_may_help(rasa, server, foreign):
    rasa.hears(f"withdraw {foreign}", "withdraw_request", request_number=foreign)
    rasa.runs(ActionChangeSent())
    assert rasa.spoken() == ["utter_not_yours"] and "call" in rasa.words()[0]
    assert server.updates == []


def test_declined_is_declined(rasa, foreign):
    adds(rasa, foreign)
    rasa.is_offered()
    rasa.hears("no thanks", "deny")
    rasa.runs(ValidateOfferForm())
    rasa.loop = None
    assert not any(event["event"] == "user" for event in rasa.runs(ActionTakeOffer()))
