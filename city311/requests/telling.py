"""What residents are told about how a request stands: which sentences, in which order, with which values.

The sentences themselves are responses of ``domain.yml``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from city311.city.model import Pack
from city311.language.dates import day_words, span_words
from city311.requests.states import State
from city311.requests.status import Status


@dataclass(frozen=True)
class Sentence:
    """A response and its values. ``button``: the response on a button below it, with the same values."""

    key: str
    values: Mapping[str, str]
    button: str = ""


def how_it_stands(pack: Pack, status: Status, language: str, at: datetime) -> list[Sentence]:
    """Where a request is, what shows that, and what can be expected or done next.

    Args:
        status: of a request that was found; its state decides.
        language: of the resident; days and names come in it.
        at: this moment.
    """
    state = State(status.state or State.PASSED_ON)
    values = {
        "number": status.number,
        "service": pack.say(status.service_name or status.number, language),
        "date": _day(pack, status.requested_at, language),
        "since": _day(pack, status.since or status.requested_at, language),
        "department_phone": phone(pack, status),
    }
    explained = state is State.DONE_UNEXPLAINED and status.notes
    says = [Sentence("utter_status_closed" if explained else f"utter_status_{state.value}", values)]
    if status.notes:
        says.append(Sentence("utter_status_note", {"note": status.notes}))
    if status.evidence:
        says.append(Sentence("utter_status_evidence", {"evidence": status.evidence}))
    if state.is_open:
        return [*says, *_expected(pack, status, language, at)]
    if status.can_reopen:
        says.append(Sentence("utter_status_can_reopen", values, "utter_button_reopen"))
    elif state.is_done:
        says.append(Sentence("utter_status_cannot_reopen", values))
    return says


def _expected(pack: Pack, status: Status, language: str, at: datetime) -> list[Sentence]:
    says = []
    if status.due is not None:
        values = {"date": _day(pack, status.due, language), "department_phone": phone(pack, status)}
        says.append(Sentence("utter_status_overdue" if status.due < at else "utter_status_due", values))
    if status.usual is not None:
        values = {"half": span_words(status.usual.half, language)}
        most = status.usual.nine_in_ten
        if most is not None:
            values["most"] = span_words(most, language)
        says.append(Sentence("utter_status_usual_half" if most is None else "utter_status_usual", values))
    return says


def phone(pack: Pack, status: Status) -> str:
    """Whom to call about a request: its department, or the city."""
    return (status.department.phone if status.department else "") or pack.city.phone


def _day(pack: Pack, moment: datetime | None, language: str) -> str:
    return day_words(moment.astimezone(pack.city.timezone).date(), language) if moment is not None else ""
