"""A turn that cannot be done is given up whole: nothing stored, nothing half said, never a confirmation."""

from __future__ import annotations

import asyncio
import logging

import pytest
import sqlalchemy as sa
from action_double import FORM
from rasa.core.channels.channel import OutputChannel

from city311.dialogue import action_calls, fixes

VALIDATE, FINISH = f"validate_{FORM}", "action_finish_intake"
FAILURES = ("fault", "cut", "garbage", "nonsense", "hang")


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    """A hanging action is given up soon: the limit itself has a test of its own."""
    monkeypatch.setattr(action_calls, "ACTION_TIMEOUT_S", 0.5)


def test_the_form_runs_to_its_end(conversation, actions):
    assert conversation.says("zreport a pothole") == ["Question 1?"]
    assert conversation.says("on Hampshire Street") == ["Question 2?"]
    assert conversation.says("a deep one") == [
        "Question 3?",
        "Filed with ['zreport a pothole', 'on Hampshire Street', 'a deep one'].",
    ]
    tracker = conversation.stored()
    assert tracker.active_loop_name is None
    assert tracker.get_slot("last_request") == "SR-104217"


@pytest.mark.parametrize("failure", FAILURES)
def test_trap_01_a_failing_action_is_no_confirmation(conversation, actions, sorry, failure):
    conversation.says("zreport a pothole")
    conversation.says("on Hampshire Street")
    before = conversation.events()
    actions.failures[FINISH] = failure
    (answer,) = conversation.says("a deep one")
    assert answer.startswith(sorry), "the form's own message of the same turn is not said either"
    with pytest.raises(fixes.TurnFailed):
        conversation.send("a deep one", strict=True)
    assert conversation.events() == before
    # the resident goes on where they were
    actions.failures.clear()
    actions.release.set()
    assert conversation.says("a deep one")[-1].startswith("Filed with ['zreport a pothole', 'on Hampshire Street'")


@pytest.mark.parametrize("failure", FAILURES)
def test_trap_01_a_form_that_cannot_validate_stores_nothing(conversation, actions, sorry, failure):
    conversation.says("zreport a pothole")
    before = conversation.events()
    actions.failures[VALIDATE] = failure
    (answer,) = conversation.says("on Hampshire Street")
    assert answer.startswith(sorry)
    assert conversation.events() == before


def test_trap_01_no_action_server_mid_form(conversation, actions, sorry):
    conversation.says("zreport a pothole")
    before = conversation.events()
    actions.__exit__()
    try:
        (answer,) = conversation.says("on Hampshire Street")
        with pytest.raises(fixes.TurnFailed):
            conversation.send("on Hampshire Street", strict=True)
    finally:
        actions.__enter__()
    assert answer.startswith(sorry)
    assert conversation.events() == before
    assert conversation.says("on Hampshire Street") == ["Question 2?"], "and it works again by itself"


def test_trap_01_a_first_message_that_fails_leaves_no_trace(conversation, actions, sorry):
    actions.failures["action_check_status"] = "fault"
    (answer,) = conversation.says("zcheck_status please")
    assert answer.startswith(sorry)
    assert conversation.stored() is None


def test_trap_01_a_wrong_secret_is_a_failure(conversation, actions, sorry, monkeypatch):
    monkeypatch.setattr("action_double.SECRET", "another")
    (answer,) = conversation.says("zcheck_status please")
    assert answer.startswith(sorry)
    assert conversation.stored() is None


def test_an_action_that_rejects_itself_is_no_failure(conversation, actions):
    """rasa-sdk says 400 for it; Rasa then lets the policies predict something else."""
    actions.failures["action_check_status"] = "reject"
    conversation.send("zcheck_status please", strict=True)
    assert "action_execution_rejected" in conversation.events()


def test_a_turn_without_a_message_ends_in_the_apology(conversation, actions, sorry):
    actions.failures["action_check_status"] = "silent"
    (answer,) = conversation.says("zcheck_status please", strict=True)
    assert answer.startswith(sorry)
    assert "{" not in answer
    said = [event.text for event in conversation.stored().events if event.type_name == "bot"]
    assert said == [answer], "it is part of the conversation, so that a retry says it again"
    actions.failures.clear()
    assert conversation.says("zcheck_status please") == ["action_check_status says so."]


def test_a_message_that_nothing_understands_is_answered(conversation, actions):
    assert conversation.says("qwertz") == ["action_clarify says so."]


class _OwnChannel(OutputChannel):
    """A channel that sends at once and collects nothing, as the shell does."""

    def __init__(self):
        self.sent = []

    @classmethod
    def name(cls):
        return "own"

    async def send_text_message(self, recipient_id, text, **kwargs):
        self.sent.append((recipient_id, text))

    @property
    def messages(self):
        return []


def test_a_channel_that_sends_at_once_hears_the_apology_too(conversation, actions, sorry):
    actions.failures["action_check_status"] = "fault"
    channel = _OwnChannel()
    conversation.send("zcheck_status please", collector=channel)
    ((recipient, text),) = channel.sent
    assert recipient == conversation.sender
    assert text.startswith(sorry)


def test_the_log_names_the_failure_and_no_words(conversation, actions, caplog):
    actions.failures["action_check_status"] = "fault"
    with caplog.at_level(logging.DEBUG):
        conversation.says("zcheck_status of Rumpelstiltskin")
    ours = [record.getMessage() for record in caplog.records if record.name == fixes.__name__]
    assert "action action_check_status failed (RasaException from ClientResponseError 500)" in ours
    assert "Rumpelstiltskin" not in caplog.text


# -- no amnesia


@pytest.fixture
def broken_store(agent):
    """Makes the tables unreachable, and puts them back."""
    store = agent.tracker_store._tracker_store
    broken = []

    def rename(old, new):
        with store.engine.begin() as connection:
            connection.execute(sa.text(f"ALTER TABLE {old} RENAME TO {new}"))

    def breaks():
        rename("events", "events_away")
        broken.append(True)

    def mends():
        rename("events_away", "events")
        broken.clear()

    breaks.mends = mends
    yield breaks
    if broken:
        mends()


def test_trap_03_a_store_that_is_down_fails_the_turn(conversation, actions, sorry, broken_store):
    conversation.says("zreport a pothole")
    before = conversation.events()
    broken_store()
    (answer,) = conversation.says("on Hampshire Street")
    assert answer.startswith(sorry)
    with pytest.raises(sa.exc.OperationalError):
        conversation.send("on Hampshire Street", strict=True)
    broken_store.mends()
    assert conversation.events() == before
    assert conversation.says("on Hampshire Street") == ["Question 2?"], "nobody is forgotten"


def test_trap_03_a_store_that_fails_to_save_fails_the_turn(conversation, actions, agent, sorry, monkeypatch):
    conversation.says("zreport a pothole")
    store = agent.tracker_store._tracker_store

    async def save(tracker):
        raise sa.exc.OperationalError("INSERT", {}, Exception("disk full"))

    with monkeypatch.context() as patch:
        patch.setattr(store, "save", save)
        (answer,) = conversation.says("on Hampshire Street")
        assert answer.startswith(sorry), "not the question of a turn that nobody will remember"
        with pytest.raises(sa.exc.OperationalError):
            conversation.send("on Hampshire Street", strict=True)
    assert conversation.says("on Hampshire Street") == ["Question 2?"]


def test_trap_03_there_is_no_store_in_memory_behind_it(agent, conversation):
    conversation.says("zgreet")
    assert type(agent.tracker_store).__name__ == "FailSafeTrackerStore"
    assert agent.tracker_store._fallback_tracker_store is None
    assert type(agent.tracker_store._tracker_store).__name__ == "TrackerStore"


def test_two_failures_at_once_do_not_mix(conversations, actions, agent, sorry):
    """One conversation fails while another goes on."""
    actions.failures["action_list_requests"] = "fault"
    failing, working = conversations(), conversations()

    async def both():
        from rasa.core.channels.channel import CollectingOutputChannel, UserMessage

        channels = [CollectingOutputChannel(), CollectingOutputChannel()]
        await asyncio.gather(
            agent.handle_message(UserMessage("zlist_requests", channels[0], failing.sender)),
            agent.handle_message(UserMessage("zcheck_status", channels[1], working.sender)),
        )
        return [channel.messages[0]["text"] for channel in channels]

    first, second = asyncio.run(both())
    assert first.startswith(sorry)
    assert second == "action_check_status says so."
    assert failing.stored() is None and working.stored() is not None
