"""What is said in the turns after a receipt: more about it, a word about the service, a problem at the same place."""

from __future__ import annotations

import pytest
from played_rasa import report_pothole
from sqlalchemy import select

from actions.afterwards import ActionFeedback
from actions.clarify import ActionClarify
from actions.safety import ActionSafety
from city311.intake import from_slot
from city311.store import ledger
from city311.store.base import reading
from city311.store.ledger import Outbox


@pytest.fixture
def filed(rasa):
    """A report that was sent just now; its number."""
    report_pothole(rasa)
    rasa.finishes()
    return rasa.slots["last_request"]


def added(rasa):
    """What was added to reports, oldest first: number and words."""
    with reading(rasa.here.requests._engine) as session:
        rows = session.scalars(select(Outbox).where(Outbox.kind == ledger.ADD).order_by(Outbox.id)).all()
        return [(row.number, row.payload["text"]) for row in rows]


def hears(rasa, action, text, intent, **more):
    rasa.hears(text, intent, **more)
    rasa.runs(action)
    return rasa.spoken()


@pytest.mark.parametrize("intent", ["inform", "nlu_fallback", "out_of_scope"])
def test_more_is_added_and_said_to_which(rasa, filed, intent):
    said = hears(rasa, ActionClarify(), "and the lid is missing", intent)
    assert said == ["utter_added", "utter_more_of_something_else"] and filed in rasa.words()[0]
    assert added(rasa) == [(filed, "and the lid is missing")]
    assert rasa.slots["last_request"] == filed


def test_a_word_about_the_service_is_feedback(rasa, filed):
    assert hears(rasa, ActionFeedback(), "you were a great help", "give_feedback") == ["utter_feedback"]
    assert hears(rasa, ActionFeedback(), "and your people are rude", "give_feedback") == ["utter_feedback"]
    assert added(rasa) == []


def test_what_sounds_like_feedback_and_adds_something_is_added(rasa, filed):
    said = hears(rasa, ActionFeedback(), "actually add that it smells terrible", "give_feedback", confidence=0.5)
    assert said == ["utter_added", "utter_more_of_something_else"]
    assert added(rasa) == [(filed, "actually add that it smells terrible")]


def test_what_may_be_danger_gets_the_way_to_help_and_is_added(rasa, filed):
    said = hears(rasa, ActionSafety(), "oh and it's getting worse", "emergency", confidence=0.4)
    assert said == ["utter_if_danger", "utter_added", "utter_more_of_something_else"]
    assert added(rasa) == [(filed, "oh and it's getting worse")]


def test_danger_is_danger(rasa, filed):
    assert hears(rasa, ActionSafety(), "and it is on fire", "emergency", confidence=0.9) == [""]
    assert added(rasa) == []


def test_without_a_report_nothing_is_added(rasa):
    assert hears(rasa, ActionFeedback(), "add that it smells", "give_feedback", confidence=0.5) == ["utter_feedback"]
    assert hears(rasa, ActionSafety(), "and it's getting worse", "emergency", confidence=0.4) == [""]
    assert "utter_added" not in hears(rasa, ActionClarify(), "and the lid is missing", "inform")
    assert added(rasa) == []


def test_some_turns_later_it_may_be_anything(rasa, filed):
    for _ in range(5):
        rasa.hears("how is the weather", "out_of_scope")
    assert "utter_added" not in hears(rasa, ActionClarify(), "and the lid is missing", "inform")
    assert added(rasa) == []


def test_after_another_report_was_begun_it_is_not_about_the_first(rasa, filed):
    rasa.events.append({"event": "active_loop", "name": "intake_form"})
    rasa.hears("never mind", "cancel")
    assert "utter_added" not in hears(rasa, ActionClarify(), "and the lid is missing", "inform")
    assert added(rasa) == []


def test_what_may_be_a_new_problem_is_asked(rasa, filed):
    rasa.hears(
        "spray paint is on the wall",
        "inform",
        confidence=0.6,
        intents=[("inform", 0.6), ("report", 0.35)],
        service="graffiti_public",
    )
    rasa.runs(ActionClarify())
    rasa.is_offered()
    assert rasa.buttons() == ["Add to a report I sent", "Report: Graffiti on public property", "Something else"]
    assert added(rasa) == []


def test_a_problem_there_is_at_the_place_of_the_report(rasa, filed):
    sent = rasa.here.requests.made(filed, rasa.sender)
    rasa.says("also the streetlight there is out", "report", service="light_out")
    assert rasa.spoken()[0] == "utter_place_of_the_last" and sent.address in rasa.words()[0]
    state = from_slot(rasa.slots["intake"])
    assert state.answers["location"].value == sent.address
    assert rasa.here.requests.made(filed, "web-somebody-else") is None


def test_the_place_of_somebody_elses_report_is_never_proposed(rasa, filed):
    rasa.sender = "web-somebody-else"
    rasa.says("also the streetlight there is out", "report", service="light_out")
    assert from_slot(rasa.slots["intake"]).asking == "location"
