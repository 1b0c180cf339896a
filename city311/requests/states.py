"""Where a request is, in one set of words, and what each system of record's words mean in it.

What a system of record says is translated by the rules in the city pack (``connectors.yml``, ``states``). Where no rule
fits, only what is certain is said: that it is open with the department, or closed without an explanation.
"""

from __future__ import annotations

from enum import Enum

from city311.city.model import StateRule
from city311.connectors.answers import without_markup
from city311.connectors.model import RemoteRequest


class State(str, Enum):
    """``done`` means that the department says what it did, or shows it; else it is ``done_unexplained``."""

    RECEIVED = "received"
    PASSED_ON = "passed_on"
    ACCEPTED = "accepted"
    SCHEDULED = "scheduled"
    IN_PROGRESS = "in_progress"
    REOPENED = "reopened"
    DONE = "done"
    DONE_UNEXPLAINED = "done_unexplained"
    NO_FAULT_FOUND = "no_fault_found"
    REFERRED = "referred"
    DUPLICATE = "duplicate"
    NOT_OURS = "not_ours"
    CANNOT_DO = "cannot_do"
    WITHDRAWN = "withdrawn"

    @property
    def is_open(self) -> bool:
        return self in _OPEN

    @property
    def is_done(self) -> bool:
        """Closed because the department worked on it."""
        return self in _WORKED_ON


_OPEN = frozenset({State.RECEIVED, State.PASSED_ON, State.ACCEPTED, State.SCHEDULED, State.IN_PROGRESS, State.REOPENED})
_WORKED_ON = frozenset({State.DONE, State.DONE_UNEXPLAINED, State.NO_FAULT_FOUND})
_KNOWN = {state.value: state for state in State}


def state_of(remote: RemoteRequest, rules: tuple[StateRule, ...] = ()) -> State:
    """The state of a request as its system of record shows it: the first rule that fits, else its own word where that
    is one of ours, else what open or closed alone allows to be said.
    """
    found = next((State(rule.state) for rule in rules if _fits(rule, remote)), None)
    state = found or _KNOWN.get(_word(remote.state or ""))
    if state is None or (state.is_open and remote.status == "closed" and found is None):
        state = State.PASSED_ON if remote.status != "closed" else State.DONE_UNEXPLAINED
    if state is State.DONE and not without_markup(remote.status_notes or "") and not remote.evidence:
        return State.DONE_UNEXPLAINED
    return state


def _fits(rule: StateRule, remote: RemoteRequest) -> bool:
    words = {_word(word) for word in (remote.status, remote.status_word, remote.state or "") if word}
    if rule.status and not words & {_word(word) for word in rule.status}:
        return False
    if not rule.notes:
        return bool(rule.status)
    notes = f" {_plain(remote.status_notes or '')} "
    return any(f" {_plain(phrase)} " in notes for phrase in rule.notes)


def _word(text: str) -> str:
    return "_".join(text.casefold().replace("-", " ").replace("_", " ").split())


def _plain(text: str) -> str:
    """Words only, so that a phrase is found whatever stands around it, and never inside a word."""
    return " ".join("".join(sign if sign.isalnum() else " " for sign in without_markup(text).casefold()).split())
