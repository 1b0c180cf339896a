"""Finds what a message corrects: "no, it's Oak Street", "it's a streetlight, not a signal", "change the phone"."""

from __future__ import annotations

from dataclasses import dataclass

from city311.intake import places
from city311.intake.acts import Utterance
from city311.intake.answers import candidates, contact_in, read
from city311.intake.definition import Kind, Step
from city311.intake.placing import AS_WRITTEN
from city311.intake.reading import Candidate, contains, mentioned, starts_with, words, yes_or_no
from city311.intake.setting import Setting
from city311.intake.state import Answer, State
from city311.places import Unknown

_SURE_OTHER_SERVICE = 0.7
_LIKELY_OTHER_SERVICE = 0.25
"""Share from which another service of the same group may be the one that a correction means."""
_WORDS_OF_A_PLAIN_CORRECTION = 8
"""A longer one may tell the crew more than the choice it names."""


@dataclass(frozen=True)
class Correction:
    """What is corrected: another service, or the answer of the step ``code``; without ``answer`` it is asked again.

    ``kinds`` are services among which the resident must say which is meant.
    """

    code: str = ""
    answer: Answer | None = None
    service: str = ""
    kinds: tuple[str, ...] = ()


def correction(setting: Setting, state: State, step: Step, heard: Utterance) -> Correction | None:
    """What an earlier answer is corrected to by this message; None when it corrects nothing."""
    lexicon = setting.lexicon
    opens_with_no = starts_with(heard.text, lexicon.objection)
    cue = (
        (heard.intent == "correct_answer" and heard.confidence >= 0.4)
        or contains(heard.text, lexicon.correction)
        # … but "no, it was on Main Street only" answers a yes-no question
        or (opens_with_no and len(words(heard.text)) >= 3 and step.kind is not Kind.YES_NO)
        or step.kind is Kind.CHANGE
        # at the read-back nothing is asked that a place or a phone number could answer
        or (step.kind is Kind.REVIEW and bool(heard.entity("location") or contact_in(setting, heard.text)))
    )
    if not cue:
        return None
    if step.kind in (Kind.DESCRIPTION, Kind.TEXT) and heard.intent != "correct_answer" and not opens_with_no:
        return None
    answered = [other for other in setting.steps(state) if other.code in state.answers and other.code != step.code]
    return (
        _named(setting, state, answered, heard)
        or _place(setting, state, step, answered, heard)
        or _contact(setting, step, answered, heard)
        or _choice(setting, step, answered, heard)
        or _service(setting, state, heard)
    )


def _named(setting: Setting, state: State, answered: list[Step], heard: Utterance) -> Correction | None:
    """ "The address is wrong", "change the phone number to …": the label is named."""
    told = set(words(heard.text))
    for label, other in _labels(setting, answered):
        if not label <= told:
            continue
        rest = Utterance(
            " ".join(word for word in heard.text.split() if not set(words(word)) & label),
            entities=heard.entities,
        )
        if other.kind in (Kind.CHOICE, Kind.YES_NO, Kind.NUMBER, Kind.DATE, Kind.CONTACT):
            return Correction(other.code, _choice_in(setting, other, heard) or _value_in(setting, state, other, rest))
        if other.kind is Kind.PLACE and (place := _place_answer(setting, other, heard)):
            return place
        return Correction(other.code)
    return None


def _labels(setting: Setting, answered: list[Step]) -> list[tuple[frozenset[str], Step]]:
    """The words that name each answer: its label, and other names of what every report has; the longest first."""
    labels = [
        (frozenset(word for word in words(name) if len(word) > 2), other)
        for other in answered
        for name in (setting.words_of(other.label), *setting.lexicon.names.get(other.code, ()))
    ]
    return sorted(((label, other) for label, other in labels if label), key=lambda pair: -len(pair[0]))


def _value_in(setting: Setting, state: State, step: Step, rest: Utterance) -> Answer | None:
    """The new value beside the label: "change the phone to …", "out on time should be no"."""
    if step.kind is Kind.CHOICE:
        return None
    if step.kind is Kind.YES_NO:
        last = (words(rest.text) or [""])[-1]
        known = (setting.lexicon.yes | setting.lexicon.no) - setting.lexicon.correction
        return Answer(str(yes_or_no(last, setting.lexicon))) if last in known else None
    if step.kind is Kind.CONTACT and contains(rest.text, setting.lexicon.correction):
        # "no, the phone is wrong" does not ask to stay anonymous
        value = contact_in(setting, rest.text)
        return Answer(value) if value else None
    return read(setting, state, step, rest).answer


def _place(setting: Setting, state: State, step: Step, answered: list[Step], heard: Utterance) -> Correction | None:
    place_step = next((other for other in answered if other.kind is Kind.PLACE), None)
    if place_step is None or step.kind is Kind.PLACE or not heard.entity("location"):
        return None
    known = state.answers[place_step.code].value
    found = _place_answer(setting, place_step, heard, known=known)
    return None if found is not None and _tells_more_of_it(setting, state, known, found, heard) else found


def _tells_more_of_it(setting: Setting, state: State, known: str, found: Correction, heard: Utterance) -> bool:
    """ "It's the one near the soccer field": what is on no map takes nothing from a place that is, unless that one is
    said to be wrong."""
    if setting.places is None or found.answer is None or state.spot.label != known or state.spot.kind == AS_WRITTEN:
        return False
    told = words(heard.text)
    if not setting.lexicon.refusing.isdisjoint(told) or not setting.lexicon.street_types.isdisjoint(told):
        return False
    return isinstance(setting.places.find(found.answer.value), Unknown)


def _place_answer(setting: Setting, step: Step, heard: Utterance, *, known: str = "") -> Correction | None:
    # "it's on Oak Street, not Elm": the place that is not denied, and not the one we have.
    marked = heard.entities.get("location", ())
    stated = mentioned(heard.text, [Candidate(value, (value,)) for value in marked], setting.lexicon)
    values = [value for value in stated if words(value) != words(known)]
    if not values or places.is_vague(values[0], setting.lexicon):
        return None
    return Correction(step.code, Answer(values[0]))


def _contact(setting: Setting, step: Step, answered: list[Step], heard: Utterance) -> Correction | None:
    contact_step = next((other for other in answered if other.kind is Kind.CONTACT), None)
    value = contact_in(setting, heard.text)
    if contact_step is None or step.kind is Kind.CONTACT or not value:
        return None
    return Correction(contact_step.code, Answer(value))


def _choice(setting: Setting, step: Step, answered: list[Step], heard: Utterance) -> Correction | None:
    if step.kind is Kind.CHOICE and mentioned(heard.text, candidates(setting, step), setting.lexicon):
        return None
    hits = [(other, value) for other in answered if (value := _choice_in(setting, other, heard)) is not None]
    return Correction(hits[0][0].code, hits[0][1]) if len(hits) == 1 else None


def _choice_in(setting: Setting, step: Step, heard: Utterance) -> Answer | None:
    if step.kind is not Kind.CHOICE:
        return None
    codes = mentioned(heard.text, candidates(setting, step), setting.lexicon)
    said = heard.text.strip() if len(words(heard.text)) > _WORDS_OF_A_PLAIN_CORRECTION else ""
    return Answer(codes[0], said) if len(codes) == 1 and codes[0] != "other" else None


def _service(setting: Setting, state: State, heard: Utterance) -> Correction | None:
    services = setting.pack.services
    never = (state.service, setting.pack.city.catch_all_service)
    others = [(code, share) for code, share in heard.services if code in services and code not in never]
    if not others or heard.intent not in ("report", "correct_answer") or _names_a_place(setting, heard):
        return None
    code, share = others[0]
    if heard.services[0][0] == code and share >= _SURE_OTHER_SERVICE:
        return Correction(service=code)
    alike = state.service in services and services[code].group == services[state.service].group
    if heard.intent == "correct_answer" and alike and share >= _LIKELY_OTHER_SERVICE:
        return Correction(kinds=(code, state.service))
    return None


def _names_a_place(setting: Setting, heard: Utterance) -> bool:
    """ "No, it is by the curb": where, not what."""
    told = words(heard.text)
    openers = ("no", "it", "is", "it's", "its", "actually", "wait", "sorry", "not")
    rest = next((at for at, word in enumerate(told) if word not in openers), len(told))
    return rest < len(told) and (told[rest] in setting.lexicon.place_details or told[rest] == "in")
