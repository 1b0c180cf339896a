"""Where a guided conversation stands: a small value that Rasa keeps in the slot ``intake``."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import Any

GIVEN, UNKNOWN, SKIPPED = "given", "unknown", "skipped"


@dataclass
class Answer:
    """One answer. ``value`` is the code, number or text that is filed; ``said`` the resident's own words."""

    value: str
    said: str = ""
    status: str = GIVEN
    asked: bool = True
    """False where it was read from a message that answered something else; the read-back shows it all the same."""


@dataclass
class Other:
    """Another problem that was mentioned, to be offered next: its service, the words about it, its place."""

    code: str
    text: str
    place: str = ""


@dataclass
class Spot:
    """A place that was found for the words ``label`` of an answer.

    Attributes:
        kind: of :class:`city311.places.Kind`, or ``as_written`` for words that nobody has checked.
        lat, lon: WGS 84 degrees; without meaning for words alone.
        areas: layer → name.
        service: code of the service for which it was looked up whose place it is.
        rule: code of the pack's rule about who looks after it; empty for the city.
    """

    label: str = ""
    kind: str = ""
    lat: float = 0.0
    lon: float = 0.0
    areas: dict[str, str] = field(default_factory=dict)
    streets: list[str] = field(default_factory=list)
    landmark: str = ""
    landmark_kind: str = ""
    asset: str = ""
    asset_kind: str = ""
    asset_owner: str = ""
    asset_description: str = ""
    service: str = ""
    rule: str = ""


@dataclass
class Alike:
    """A report that is there already and may be the same: its number, its place, the metres to it (-1 where nobody
    knows), the day it came in (ISO), whether it is open, in_work or closed, and the link of a photo that this resident
    may see (empty for none).
    """

    reference: str
    address: str
    metres: int
    day: str
    state: str
    photo: str = ""


@dataclass
class State:
    """One guided conversation.

    Attributes:
        form: id of this instance; with the conversation it makes the idempotency key of what is filed.
        service: code of the service, empty until it is known.
        first: the resident's first words about the matter.
        told: whether those words say what is wrong.
        answers: step code → answer.
        asking: code of the step that is open now.
        history: codes of the steps answered one by one, oldest first.
        candidates: service codes offered on the buttons of the service step.
        place: a place that still lacks its detail ("Oak Street").
        detailed: whether that detail was asked once.
        spot: the place of the answer, as found.
        offers: places among which the resident must choose.
        lost: why the place is asked again.
        about: what that is about: a street, a number.
        tried: words that did not become a place for sure.
        noticed: codes of the steps whose notices were told.
        photos: ids of the photos that go with the report.
        photo_place: label of the place where a photo was taken, while it is offered as the place of the report.
        photo_offered: id of that photo; kept, so that only one such place is ever offered.
        misses: answers in a row that could not be read.
        quiet: an emergency was answered; until the next message, say only that the report is kept.
        ended: submit, followed, stopped, cancelled or restarted; empty while open.
        safety: key of the safety text that ended it.
        remarks: words for the crew that answered no question.
        later: other problems that were mentioned.
        alike: reports that may be the same, the likeliest first; the first is asked about.
        looked: for which service, place and thing they were looked for.
        follows: number of the report that is followed instead of making a new one.
        before: the place of the report that the resident made just before; "there" and "the same corner" mean it.
    """

    form: str
    service: str = ""
    first: str = ""
    told: bool = False
    answers: dict[str, Answer] = field(default_factory=dict)
    asking: str = ""
    history: list[str] = field(default_factory=list)
    candidates: list[str] = field(default_factory=list)
    place: str = ""
    detailed: bool = False
    spot: Spot = field(default_factory=Spot)
    offers: list[Spot] = field(default_factory=list)
    lost: str = ""
    about: str = ""
    tried: str = ""
    noticed: list[str] = field(default_factory=list)
    photos: list[str] = field(default_factory=list)
    photo_place: str = ""
    photo_offered: str = ""
    misses: int = 0
    quiet: bool = False
    ended: str = ""
    safety: str = ""
    remarks: list[str] = field(default_factory=list)
    later: list[Other] = field(default_factory=list)
    alike: list[Alike] = field(default_factory=list)
    looked: str = ""
    follows: str = ""
    before: Spot = field(default_factory=Spot)

    def to_slot(self) -> dict[str, Any]:
        """As plain JSON for the slot."""
        return asdict(self)


def from_slot(value: Any) -> State | None:
    """The state in the slot; None where there is none or it is not one (another version, a tampered tracker)."""
    if not isinstance(value, dict):
        return None
    try:
        answers = {str(code): Answer(**answer) for code, answer in value["answers"].items()}
        later = [Other(**other) for other in value.get("later", ())]
        alike = [Alike(**one) for one in value.get("alike", ())]
        spots = {
            "spot": Spot(**value.get("spot", {})),
            "before": Spot(**value.get("before", {})),
            "offers": [Spot(**offer) for offer in value.get("offers", ())],
        }
        state = State(**{**value, "answers": answers, "later": later, "alike": alike, **spots})
    except (KeyError, TypeError, AttributeError):
        return None
    whole = _has_types_of(state, State(form="")) and all(map(_is_answer, answers.values()))
    placed = all(_has_types_of(spot, Spot()) for spot in (state.spot, state.before, *state.offers))
    parts = all(_has_types_of(other, Other("", "")) for other in later)
    known = all(_has_types_of(one, Alike("", "", 0, "", "")) for one in alike)
    return state if whole and placed and parts and known else None


def _is_answer(answer: Answer) -> bool:
    return _has_types_of(answer, Answer(""))


def _has_types_of(value: Any, pattern: Any) -> bool:
    return all(
        type(getattr(value, part.name)) is type(getattr(pattern, part.name))
        and (part.name not in _LISTS or all(isinstance(each, str) for each in getattr(value, part.name)))
        for part in fields(pattern)
    )


_LISTS = frozenset({"streets", "history", "candidates", "noticed", "photos", "remarks"})
