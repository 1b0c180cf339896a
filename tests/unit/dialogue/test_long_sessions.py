"""A long session is cut: the next turn reads little, and the resident notices nothing."""

from __future__ import annotations

import asyncio

import pytest
from action_double import FORM

from city311 import settings
from city311.dialogue import action_calls, fixes

SHORT = 30


@pytest.fixture(autouse=True)
def short(monkeypatch):
    monkeypatch.setattr(fixes, "LONGEST_SESSION", SHORT)


def current_session(conversation):
    return asyncio.run(conversation.agent.tracker_store.retrieve(conversation.sender))


def test_a_long_form_goes_on_over_a_cut(conversation, actions):
    actions.answers_needed = 20
    said = ["zreport a pothole", *(f"answer {number}" for number in range(2, 20))]
    for number, text in enumerate(said, 1):
        assert conversation.says(text) == [f"Question {number}?"]
        assert current_session(conversation).active_loop_name == FORM
    assert conversation.events().count("session_started") >= 3
    state = current_session(conversation).get_slot("intake")
    assert state == {"answers": said}, "every answer is carried, once"
    last = conversation.says("answer 20")
    assert last[-1] == f"Filed with {[*said, 'answer 20']}."


def test_what_is_read_for_a_turn_stays_small(conversation, actions):
    actions.answers_needed = 40
    conversation.says("zreport a pothole")
    sizes = []
    for number in range(2, 30):
        conversation.says(f"answer {number}")
        sizes.append(len(current_session(conversation).events))
    assert max(sizes) <= SHORT + 20
    assert len(conversation.events()) > 2 * max(sizes), "nothing is lost from the store"


def test_slots_outside_a_form_are_carried_and_empty_ones_are_not(conversation, actions):
    actions.answers_needed = 1
    assert conversation.says("zreport a pothole")[-1].startswith("Filed")
    while conversation.events().count("session_started") < 2:
        conversation.says("zgreet")
    tracker = current_session(conversation)
    assert tracker.get_slot("last_request") == "SR-104217"
    assert tracker.active_loop_name is None
    carried = [event.key for event in tracker.events if event.type_name == "slot"]
    assert "intake" not in carried and "answer" not in carried


def test_every_turn_of_a_cut_conversation_is_stored_once(conversation, actions):
    for number in range(30):
        conversation.says(f"zgreet {number}")
    said = [event.text for event in conversation.stored().events if event.type_name == "user"]
    assert said == [f"zgreet {number}" for number in range(30)]


def test_a_failed_turn_at_a_cut_leaves_the_old_session(conversation, actions, sorry):
    actions.answers_needed = 20
    conversation.says("zreport a pothole")
    while len(current_session(conversation).events) <= SHORT:
        conversation.says("an answer")
    before = conversation.events()
    actions.failures[f"validate_{FORM}"] = "fault"
    assert conversation.says("lost")[0].startswith(sorry)
    assert conversation.events() == before
    actions.failures.clear()
    conversation.says("kept")
    assert conversation.events().count("session_started") == before.count("session_started") + 1
    assert current_session(conversation).get_slot("intake")["answers"][-2:] == ["an answer", "kept"]


def test_a_session_of_days_is_not_cut_by_time(conversation, actions, monkeypatch):
    """A report may be finished days later."""
    import time

    conversation.says("zreport a pothole")
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 30 * 24 * 3600)
    assert conversation.says("on Hampshire Street") == ["Question 2?"]
    assert conversation.events().count("session_started") == 1


def test_the_limit_as_shipped_is_far_above_one_report():
    source = (settings.HOUSE / "city311" / "dialogue" / "fixes.py").read_text(encoding="utf-8")
    (line,) = (line for line in source.splitlines() if line.startswith("LONGEST_SESSION"))
    assert int(line.split("=")[1]) > action_calls.LAST_EVENTS >= 20
