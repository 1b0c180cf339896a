"""An offer: a question with a button for each thing that can be done next, and what an answer to it means.

Used where it is not clear what a message means, where it is not understood at all, and for a second problem that was
mentioned. Whatever is chosen is then done as if the resident had said it clearly. Pure; knows no Rasa.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from enum import Enum
from typing import Any

from city311.intake import places
from city311.intake.acts import DANGER, SURE_DANGER, Utterance
from city311.intake.asides import is_bare_place
from city311.intake.asking import description
from city311.intake.meanings import MAYBE_DANGER, REPORT, danger_chance, nearest, plausible, service_in, title
from city311.intake.people import person
from city311.intake.phrases import Phrase, Say, own, pack
from city311.intake.reading import Candidate, contains, is_one_of, pick, words, yes_or_no
from city311.intake.same_place import means_same_place
from city311.intake.setting import Setting
from city311.intake.state import Other, State

UNSURE, LOST, SCOPE, NEXT = "unsure", "lost", "scope", "next"
ALSO, ALSO_LATER, NO_DANGER = "also", "also_later", "no_danger"
"""Kinds of offer: what is meant; the nearest there is; the same after something that no city does; a step that may
follow an answer; a second problem that was mentioned; the same, while there is danger; a report of what sounded like
danger and may be none."""
_OF_A_REPORT = (ALSO, ALSO_LATER, NO_DANGER)
_MISSES_TO_A_PERSON = 2
_SURE_OF_THE_SCOPE = 0.6
_SURE_OF_THE_MATTER = 0.5
"""Share of the ranking from which a question is about the matter of that service."""
_SOMETHING_TO_REPORT = 0.005
"""Chance of a report below which a question is about nothing that can be reported, whatever service comes nearest."""
_MOST_WORDS_OF_A_CHOICE = 5
_SAYS_NOTHING_NEW = frozenset(
    {"nlu_fallback", "out_of_scope", "affirm", "deny", "inform", "skip", "dont_know", "repeat", "correct_answer", ""}
)
"""Intents that are no matter of their own: after an offer they answer it, or miss."""


@dataclass
class Offer:
    """What was offered.

    Attributes:
        kind: one of the kinds above.
        labels: the meanings offered, as training data names them.
        text: the words it is about.
        entities: what was found in them.
        contact: how to reach the resident, where it is known.
        rest: problems that wait behind this one.
        misses: messages in a row that were not understood.
        quiet: there was danger; until the next message, say only that this is kept.
        reply, chosen: how it was answered (a :class:`Reply`), and the label that was chosen.
        wish: intent of what is to be done with a sent report (:mod:`city311.intake.wishes`); then labels are numbers.
        ask: key of the question about it; ``reports``: what is shown of each report; ``photos``: ids of photos to add.
    """

    kind: str
    labels: list[str] = field(default_factory=list)
    text: str = ""
    entities: dict[str, list[str]] = field(default_factory=dict)
    contact: str = ""
    rest: list[Other] = field(default_factory=list)
    misses: int = 0
    quiet: bool = False
    reply: str = ""
    chosen: str = ""
    wish: str = ""
    ask: str = ""
    reports: list[dict[str, str]] = field(default_factory=list)
    photos: list[str] = field(default_factory=list)

    def to_slot(self) -> dict[str, Any]:
        """As plain JSON for the slot."""
        return asdict(self)


class Reply(str, Enum):
    """What a message to an offer leads to: asked again; a label chosen; refused; something else said; danger."""

    AGAIN = "again"
    CHOSEN = "chosen"
    REFUSED = "refused"
    LEFT = "left"
    DANGER = "danger"


@dataclass
class Answered:
    """What a message to an offer led to. ``label`` with ``CHOSEN``; ``settled`` when a choice was made (or refused)."""

    reply: Reply
    offer: Offer
    says: list[Say] = field(default_factory=list)
    label: str = ""
    settled: bool = False


def offer_in(value: Any) -> Offer | None:
    """The offer in the slot; None where there is none or it is not one."""
    if not isinstance(value, Mapping):
        return None
    try:
        rest = [Other(**{name: str(part) for name, part in other.items()}) for other in value.get("rest", ())]
        offer = Offer(**{**value, "rest": rest})
    except (TypeError, AttributeError):
        return None
    lists = isinstance(offer.labels, list) and all(isinstance(label, str) for label in offer.labels)
    lists = lists and all(isinstance(each, list) for each in (offer.reports, offer.photos))
    whole = lists and isinstance(offer.entities, dict) and type(offer.misses) is int
    return offer if whole and isinstance(offer.text, str) and isinstance(offer.contact, str) else None


def unclear(setting: Setting, heard: Utterance) -> Offer:
    """The offer to a message that is not clear: what it may mean, or else the nearest there is."""
    entities = {name: list(values) for name, values in heard.entities.items() if name != "service"}
    likely = plausible(setting, heard)
    if likely:
        # One meaning alone would be a guess; the next one stands beside it.
        labels = likely if len(likely) > 1 else list(dict.fromkeys([*likely, *nearest(setting, heard)]))[:2]
        return Offer(UNSURE, labels, heard.text.strip(), entities)
    kind = SCOPE if heard.intent == "out_of_scope" and heard.confidence >= _SURE_OF_THE_SCOPE else LOST
    return Offer(kind, nearest(setting, heard), heard.text.strip(), entities, misses=1)


def afterwards(setting: Setting, state: State) -> Offer | None:
    """The offer of a problem that was mentioned in a report which has ended, or of the report itself where danger ended
    it; None where there is neither."""
    waiting = [other for other in state.later if other.code in setting.pack.services]
    stopped = state.ended == "stopped" and state.service in setting.pack.services
    if not waiting and not stopped:
        return None
    contact, place = state.answers.get("contact"), state.answers.get("location")
    if place is not None:
        # "88 Pine Rd" was asked for the first one; the second is on the same Pine Rd.
        told = set(words(place.value))
        waiting = [_there(setting, state, other, place.value) for other in waiting]
        waiting = [
            replace(other, place=place.value) if other.place and set(words(other.place)) <= told else other
            for other in waiting
        ]
    reach = contact.value if contact is not None else ""
    if stopped:
        itself = Other(state.service, description(state), place.value if place is not None else state.place)
        return replace(_also(NO_DANGER, [itself, *waiting], reach), quiet=True)
    return _also(ALSO, waiting, reach)


def _there(setting: Setting, state: State, other: Other, place: str) -> Other:
    """A problem "there" is at the place of the first one as that was sent, whatever place was named at first."""
    if not means_same_place(other.text, setting.lexicon):
        return other
    # What was sent is known more exactly than by its words; the next report takes it from there.
    return replace(other, place="" if state.ended == "submit" else place)


def may_report(setting: Setting, heard: Utterance) -> Offer | None:
    """The offer to report what a question was about; None where it is about nothing that can be reported."""
    fallback = setting.pack.city.catch_all_service
    code, share = next(((code, share) for code, share in heard.services if code in setting.pack.services), ("", 0.0))
    if not code or code == fallback or share < _SURE_OF_THE_MATTER:
        return None
    if heard.intents and dict(heard.intents).get(REPORT, 0.0) < _SOMETHING_TO_REPORT:
        return None  # "is the library open on Sunday?"
    entities = {name: list(values) for name, values in heard.entities.items() if name == "location"}
    # A question says nothing that a crew could use; a complaint does.
    told = "" if heard.intent == "ask_question" else heard.text.strip()
    return Offer(NEXT, [f"report/{code}"], told, entities)


def beside_danger(setting: Setting, heard: Utterance) -> Offer | None:
    """The offer of a problem that was told in one message with a danger, or of the message itself where it is likelier
    a report than danger; None where neither is so."""
    waiting = [
        Other(code, text, heard.entity("location") if heard.entity("location") in text else "")
        for code, text in heard.also
        if code in setting.pack.services and code != setting.pack.city.catch_all_service
    ]
    code, share = next(iter(heard.services), ("", 0.0))
    known = code in setting.pack.services and code != setting.pack.city.catch_all_service
    if heard.intent == "emergency" and heard.confidence < SURE_DANGER and known and share >= _SURE_OF_THE_MATTER:
        where = places.told(heard.entities.get("location", ()), setting.lexicon)
        return _also(NO_DANGER, [Other(code, heard.text.strip(), where), *waiting], "")
    return _also(ALSO_LATER, waiting, "") if waiting else None


def next_offer(offer: Offer) -> Offer | None:
    """The offer of the next problem that waits behind one; None where none waits."""
    kind = ALSO_LATER if offer.kind == NO_DANGER else offer.kind
    return _also(kind, offer.rest, offer.contact) if offer.rest else None


def _also(kind: str, waiting: Sequence[Other], contact: str) -> Offer:
    first, *rest = waiting
    entities = {"location": [first.place]} if first.place else {}
    return Offer(kind, [f"report/{first.code}"], first.text, entities, contact, list(rest))


def ask_offer(setting: Setting, offer: Offer, heard: Utterance | None = None) -> list[Say]:
    """The words of an offer; first the way to help where ``heard`` may speak of danger."""
    if offer.quiet:
        return [Say(own("utter_offer_kept"))]
    says: list[Say] = []
    if offer.kind != NO_DANGER and heard is not None and danger_chance(heard) >= MAYBE_DANGER:
        says.append(Say(own("utter_if_danger")))
    if offer.kind in _OF_A_REPORT:
        service = setting.pack.services[service_in(offer.labels[0])]
        key = {ALSO: "utter_ask_also", ALSO_LATER: "utter_ask_also_later", NO_DANGER: "utter_ask_no_danger"}[offer.kind]
        return [*says, Say(own(key, service=pack(service.name)), _buttons(setting, offer))]
    if offer.kind == NEXT:
        return [*says, Say(own("utter_ask_report_it"), _buttons(setting, offer))]
    if offer.kind == SCOPE:
        return [*says, Say(own("utter_out_of_scope"), _buttons(setting, offer))]
    return [*says, Say(own("utter_ask_meaning" if offer.kind == UNSURE else "utter_lost"), _buttons(setting, offer))]


def _buttons(setting: Setting, offer: Offer) -> tuple[Phrase, ...]:
    if offer.kind in _OF_A_REPORT:
        return (own("utter_button_report_it"), own("utter_button_no_thanks"))
    titles = [title(setting, label, among=offer.labels) for label in offer.labels]
    last = "utter_button_no_thanks" if offer.kind == NEXT else "utter_button_something_else"
    return (*titles, own(last)) if titles else ()


def hear_offer(setting: Setting, offer: Offer, heard: Utterance) -> Answered:
    """What a message to an offer means."""
    quiet, offer = offer.quiet, replace(offer, quiet=False)
    if heard.intent in DANGER:
        return Answered(Reply.DANGER, replace(offer, quiet=True))
    # A bare "yes" after the way to help takes that in, and no offer.
    picked = "" if quiet and len(words(heard.text)) < 2 else _picked(setting, offer, heard)
    if picked in offer.labels:
        return Answered(Reply.CHOSEN, offer, label=picked, settled=True)
    if picked == _REFUSED or (offer.labels and is_one_of(heard.text, setting.lexicon.something_else)):
        return _refused(offer)
    if offer.kind == NO_DANGER and (told := _told_on(setting, offer, heard)) is not None:
        return Answered(Reply.CHOSEN, told, label=told.labels[0], settled=True)
    verdict = yes_or_no(heard.text, setting.lexicon)
    if verdict == "yes" and len(offer.labels) == 1 and not quiet:
        return Answered(Reply.CHOSEN, offer, label=offer.labels[0], settled=True)
    if heard.intent not in _SAYS_NOTHING_NEW or heard.entity("request_number"):
        return Answered(Reply.LEFT, offer)
    if offer.labels and verdict == "no":
        return _refused(offer)
    if is_bare_place(setting, heard) and offer.labels:
        # Where it is, not what: kept, and asked again.
        offer.entities["location"] = [heard.entity("location")]
        return Answered(Reply.AGAIN, offer, ask_offer(setting, offer))
    if heard.entity("location") and heard.intent == "inform":
        return Answered(Reply.LEFT, offer)
    return _missed(setting, offer, heard, quiet=quiet)


def _told_on(setting: Setting, offer: Offer, heard: Utterance) -> Offer | None:
    """The offer with what a resident tells on who takes it up without a yes: "nobody is hurt" (which is no "no" to
    "shall I report it, if nobody is in danger?"), where it is, what it looks like. None for anything else."""
    if contains(heard.text, setting.lexicon.no_danger):
        return offer
    if heard.intent != "inform":
        return None
    entities = {**offer.entities, **({"location": [heard.entity("location")]} if heard.entity("location") else {})}
    text = offer.text if is_bare_place(setting, heard) else f"{offer.text}\n{heard.text.strip()}"
    return replace(offer, text=text, entities=entities)


_REFUSED = "-"


def _picked(setting: Setting, offer: Offer, heard: Utterance) -> str:
    """The label that a message picks, ``_REFUSED`` for the last button, or an empty string."""
    shown = _buttons(setting, offer)
    if not shown:
        return ""
    codes = [*offer.labels, _REFUSED]
    options = [
        Candidate(code, (setting.words_of(button), *_other_words(setting, code)))
        for code, button in zip(codes, shown, strict=True)
    ]
    picked = pick(heard.text, options, setting.lexicon)
    if len(picked.codes) == 1 and (picked.exact or len(words(heard.text)) <= _MOST_WORDS_OF_A_CHOICE):
        return picked.codes[0]
    return ""


def _other_words(setting: Setting, label: str) -> list[str]:
    service = setting.pack.services.get(service_in(label))
    return [setting.words_of(pack(word)) for word in (service.name, *service.keywords)] if service is not None else []


def _refused(offer: Offer) -> Answered:
    if offer.kind in (UNSURE, LOST, SCOPE):
        again = replace(offer, kind=LOST, labels=[], misses=max(offer.misses, 1))
        return Answered(Reply.AGAIN, again, [Say(own("utter_say_otherwise"))], settled=True)
    return Answered(Reply.REFUSED, offer, [Say(own("utter_anything_else"))], settled=True)


def _missed(setting: Setting, offer: Offer, heard: Utterance, *, quiet: bool) -> Answered:
    if (
        heard.intent in ("nlu_fallback", "")
        and len(plausible(setting, heard)) > 1
        and offer.kind in (UNSURE, LOST, SCOPE)
    ):
        anew = replace(unclear(setting, heard), misses=offer.misses)
        return Answered(Reply.AGAIN, anew, ask_offer(setting, anew, heard))
    if quiet:
        return Answered(Reply.AGAIN, offer, ask_offer(setting, offer))
    offer = replace(offer, misses=offer.misses + 1)
    if offer.misses >= _MISSES_TO_A_PERSON:
        help_ = person(setting, "utter_person_instead")
        return Answered(Reply.AGAIN, replace(offer, kind=LOST, labels=[]), help_)
    if not offer.labels:
        return Answered(Reply.AGAIN, offer, [Say(own("utter_say_otherwise"))])
    which = Say(own("utter_which_one"), _buttons(setting, offer))
    return Answered(Reply.AGAIN, offer, [which])
