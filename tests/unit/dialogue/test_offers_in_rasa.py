"""Offers in real Rasa, with the real domain, rules and policies: an action makes one, its answer is taken as said."""

from __future__ import annotations

import pytest
from action_double import says, slot

OFFER_FORM = "offer_form"
FOLLOW = {"event": "followup", "name": OFFER_FORM}
OFFERED = [slot("offer", {"kind": "unsure"}), FOLLOW]
ASKED = says("Which of these?", events=[slot("choice", None), slot("requested_slot", "choice")])
ENDED = says(events=[slot("offer", {"reply": "chosen"}), slot("choice", None), slot("requested_slot", None)])
REJECTED = {"event": "action_execution_rejected", "name": OFFER_FORM}


def taken(text, intent, **more):
    """What action_take_offer gives back: the message that the answer is taken for."""
    nothing = [slot(name, None) for name in ("offer", "choice", "requested_slot")]
    data = {"text": text, "intent": {"name": intent, "confidence": 1.0}, "entities": [], "metadata": {}, **more}
    listen = {"event": "action", "name": "action_listen"}
    return says(events=[*nothing, listen, {"event": "user", "text": text, "parse_data": data, "input_channel": "web"}])


@pytest.fixture
def unsure(conversation, actions):
    """A conversation in which an offer is open."""
    actions.scripted["action_clarify"] = [says(events=OFFERED)]
    actions.scripted["validate_offer_form"] = [ASKED]
    assert conversation.says("qwertz", strict=True) == ["Which of these?"]
    assert conversation.stored().active_loop_name == OFFER_FORM
    return conversation


def done(actions):
    return [call["next_action"] for call in actions.calls]


@pytest.mark.parametrize("said", ["zinform that one", "zcancel", "zgreet", "zaffirm", "zreport something", "mumble"])
def test_whatever_is_said_to_an_offer_reaches_it_first(unsure, actions, said):
    actions.calls.clear()
    actions.scripted["validate_offer_form"] = [ASKED]
    assert unsure.says(said, strict=True) == ["Which of these?"]
    assert done(actions) == ["validate_offer_form"]


def test_a_chosen_report_begins_with_the_first_words(unsure, actions):
    actions.scripted["validate_offer_form"] = [ENDED]
    known = {"contact": "ana@example.org", "later": []}
    actions.scripted["action_take_offer"] = [taken("hole on Elm", "report", known=known, service_ranking=[])]
    actions.calls.clear()
    assert unsure.says("zinform the first", strict=True) == ["Question 1?"]
    assert done(actions) == ["validate_offer_form", "action_take_offer", "validate_intake_form"]
    heard = actions.calls[-1]["tracker"]["latest_message"]
    assert (heard["text"], heard["intent"]["name"], heard["known"]) == ("hole on Elm", "report", known)
    assert unsure.stored().get_slot("intake") == {"answers": ["hole on Elm"]}
    assert unsure.stored().get_slot("offer") is None
    assert unsure.says("zinform on Hampshire Street", strict=True) == ["Question 2?"]


@pytest.mark.parametrize(
    ("intent", "action"),
    [("check_status", "action_check_status"), ("dispute_bill", "action_not_yet"), ("talk_to_person", "action_person")],
)
def test_a_chosen_intent_is_answered_by_its_own_rule(unsure, actions, intent, action):
    actions.scripted["validate_offer_form"] = [ENDED]
    actions.scripted["action_take_offer"] = [taken("about that", intent)]
    assert unsure.says("zinform 2", strict=True) == [f"{action} says so."]
    assert unsure.stored().active_loop_name is None
    assert unsure.says("zlist_requests", strict=True) == ["action_list_requests says so."]


def test_danger_in_an_offer_is_answered_and_the_offer_goes_on(unsure, actions):
    kept = says("It is kept.", events=[slot("choice", None), slot("requested_slot", "choice")])
    rejected = says(events=[slot("offer", {"quiet": True}), slot("choice", None), REJECTED])
    actions.scripted["validate_offer_form"] = [rejected, kept]
    assert unsure.says("zemergency", strict=True) == ["action_safety says so.", "It is kept."]
    assert unsure.stored().active_loop_name == OFFER_FORM


def test_a_report_that_may_be_none_is_asked_before_it_begins(conversation, actions):
    actions.scripted["validate_intake_form"] = [
        says(events=[slot("offer", {"kind": "unsure"}), slot("requested_slot", None)])
    ]
    actions.scripted["action_finish_intake"] = [says(events=[slot("requested_slot", None), FOLLOW])]
    actions.scripted["validate_offer_form"] = [ASKED]
    assert conversation.says("zreport when are potholes fixed", strict=True) == ["Which of these?"]
    assert conversation.stored().active_loop_name == OFFER_FORM


def test_a_second_problem_is_offered_after_the_receipt(conversation, actions):
    actions.answers_needed = 1
    receipt = says("Filed.", events=[slot("intake", None), slot("requested_slot", None), *OFFERED])
    actions.scripted["action_finish_intake"] = [receipt]
    actions.scripted["validate_offer_form"] = [ASKED, ENDED]
    actions.scripted["action_take_offer"] = [taken("graffiti", "report")]
    assert conversation.says("zreport two things", strict=True) == ["Question 1?", "Filed.", "Which of these?"]
    assert conversation.says("zaffirm", strict=True)[0] == "Question 1?"


def test_an_offer_after_an_answer(conversation, actions):
    actions.scripted["action_not_yet"] = [says("Not yet.", events=OFFERED)]
    actions.scripted["validate_offer_form"] = [ASKED]
    assert conversation.says("zask_question", strict=True) == ["Not yet.", "Which of these?"]


FORM = "intake_form"
BACK = [{"event": "active_loop", "name": FORM}, slot("requested_slot", "answer")]


def in_a_report(conversation, actions):
    """A report is being made, and in the middle of it something is asked about another."""
    assert conversation.says("zreport a hole", strict=True) == ["Question 1?"]
    actions.scripted["action_check_status"] = [says(events=OFFERED)]
    actions.scripted["validate_offer_form"] = [ASKED, ENDED]
    assert conversation.says("zcheck_status of mine", strict=True) == ["Which of these?"]
    assert conversation.stored().active_loop_name == OFFER_FORM


def test_an_answer_about_another_report_is_done_and_the_report_goes_on(conversation, actions):
    in_a_report(conversation, actions)
    message = taken("status of the first", "check_status", known={"aside": True})
    message["events"][3:3] = BACK
    actions.scripted["action_take_offer"] = [message]
    assert conversation.says("zinform the first", strict=True) == ["action_check_status says so.", "Question 1?"]
    assert conversation.stored().active_loop_name == FORM
    assert conversation.says("zinform Oak Street", strict=True) == ["Question 2?"]


def test_no_answer_about_another_report_leads_back_too(conversation, actions):
    in_a_report(conversation, actions)
    nothing = [slot(name, None) for name in ("offer", "choice", "requested_slot")]
    follow = {"event": "followup", "name": FORM}
    actions.scripted["action_take_offer"] = [says("As it is.", events=[*nothing, *BACK, follow])]
    assert conversation.says("zdeny", strict=True) == ["As it is.", "Question 1?"]
    assert conversation.stored().active_loop_name == FORM
    assert conversation.says("zinform Oak Street", strict=True) == ["Question 2?"]
