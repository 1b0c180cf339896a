"""What each system of record's words mean."""

import pytest

from city311.city.model import StateRule
from city311.connectors.model import RemoteRequest
from city311.requests.states import State, state_of

RULES = (
    StateRule("duplicate", notes=("duplicate", "already reported")),
    StateRule("no_fault_found", status=("closed",), notes=("no problem found", "unable to locate")),
    StateRule("accepted", status=("acknowledged",)),
    StateRule("referred", status=("closed - referred",)),
    StateRule("done", status=("closed",), notes=("completed",)),
)


def remote(status="open", **more):
    folded = "closed" if status.startswith("closed") else "open"
    return RemoteRequest(id="1", status=folded, status_word=status, **more)


@pytest.mark.parametrize(
    ("status", "notes", "state"),
    [
        ("open", None, State.PASSED_ON),
        ("closed", None, State.DONE_UNEXPLAINED),
        ("closed", "Case closed.", State.DONE_UNEXPLAINED),
        ("closed", "This is a DUPLICATE of 1234.", State.DUPLICATE),
        ("closed", "<p>Already&nbsp;reported</p>", State.DUPLICATE),
        ("closed", "We deduplicated the list", State.DONE_UNEXPLAINED),
        ("closed", "Crew was unable to  locate it", State.NO_FAULT_FOUND),
        ("open", "Crew was unable to locate it, will come back", State.PASSED_ON),
        ("Acknowledged", None, State.ACCEPTED),
        ("closed-referred", None, State.REFERRED),
        ("closed", "Work completed on Monday", State.DONE),
    ],
)
def test_the_first_rule_that_fits_counts(status, notes, state):
    assert state_of(remote(status, status_notes=notes), RULES) is state


@pytest.mark.parametrize("notes", ["Duplicate of 12", "nothing found", "not our responsibility", "fixed"])
def test_without_a_rule_nothing_is_guessed_from_words(notes):
    assert state_of(remote("closed", status_notes=notes)) is State.DONE_UNEXPLAINED


def test_the_systems_own_finer_state_counts():
    assert state_of(remote(state="in_progress")) is State.IN_PROGRESS
    assert state_of(remote("closed", state="Not ours")) is State.NOT_OURS
    assert state_of(remote(state="with the elves")) is State.PASSED_ON


def test_a_state_that_contradicts_the_status_is_not_believed():
    assert state_of(remote("closed", state="in_progress")) is State.DONE_UNEXPLAINED


def test_done_needs_a_word_or_a_proof():
    assert state_of(remote("closed", state="done")) is State.DONE_UNEXPLAINED
    assert state_of(remote("closed", state="done", status_notes="<br> ")) is State.DONE_UNEXPLAINED
    assert state_of(remote("closed", state="done", status_notes="Filled.")) is State.DONE
    assert state_of(remote("closed", state="done", evidence="https://example.org/a.jpg")) is State.DONE
