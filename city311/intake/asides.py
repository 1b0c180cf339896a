"""What a message says beside the open question: an answer to another one, a place in pieces, a word for the crew.

Nothing that a resident says is lost, and what was said is not asked again.
"""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import dropwhile

from city311.intake import places
from city311.intake.acts import Utterance, asks
from city311.intake.answers import ANONYMOUS, Read, candidates, contact_in, only_contact, prefill, value_phrase
from city311.intake.definition import Kind, Step
from city311.intake.phrases import Say, own
from city311.intake.reading import (
    agrees,
    denies,
    exactly,
    is_duration,
    is_one_of,
    withholds_details,
    without_contacts,
    words,
)
from city311.intake.setting import Setting
from city311.intake.state import Answer, Other, State
from city311.intake.turn import Turn, ask_next, stopped_by

_MOST_WORDS_OF_AN_ADDRESS = 6
_HOUSE_NUMBER = re.compile(r"^\W*(?:(?:house|number|no|num|unit)\b\W*){0,2}#?\s*\d{1,6}[a-z]?\W*$", re.IGNORECASE)
_MOST_WORDS_AROUND_A_CONTACT = 4
_FEWEST_WORDS = 2
_HARDLY_NONSENSE = 0.75
_TELLING = frozenset({"inform", "report", "check_status", "nlu_fallback", "reopen_request", "add_to_request"})
"""Intents whose words may help the crew though they answer nothing."""
_TELLS_THE_MATTER = frozenset({"report", "check_status", "reopen_request"})
"""Of these, the ones that may help it even as an answer to "where?"."""


def noted(setting: Setting, state: State, step: Step, heard: Utterance) -> Turn | None:
    """Takes the answers to other questions that a message gives, says so, and asks the open one again.

    None when it gives none.
    """
    before = dict(state.answers)
    street = state.place
    if (known := state.answers.get("location")) and _says_again(heard, known.value):
        where = setting.step(state, "location")
        says = [Say(own("utter_noted", label=where.label, value=known.value))] if where is not None else []
        return ask_next(setting, Turn(state, says))
    if step.kind is not Kind.PLACE and (place := piece_of_place(setting, state, heard)):
        put_place(setting, state, place)
    elif (choice := choice_of_another(setting, state, step, heard)) is not None:
        state.answers[choice[0].code] = Answer(choice[1])
        if before.get(choice[0].code) == state.answers[choice[0].code]:
            return ask_next(setting, Turn(state))
    elif step.kind is not Kind.CONTACT and stays_anonymous(setting, state, heard):
        return _anonymous(setting, state)
    else:
        prefill(setting, state, heard, besides=step.code)
    changed = [each for each in setting.steps(state) if state.answers.get(each.code) != before.get(each.code)]
    if not changed and state.place == street:
        return None
    if stopped := stopped_by(setting, state):
        return stopped
    says = [
        Say(
            own(
                "utter_corrected" if each.code in before else "utter_noted",
                label=each.label,
                value=value_phrase(setting, each, state.answers[each.code]),
            )
        )
        for each in changed
        if each.code in state.answers
    ]
    state.misses = 0
    if state.place != street:
        state.asking = "location"
    return ask_next(setting, Turn(state, says))


def _anonymous(setting: Setting, state: State) -> Turn:
    contact = next(each for each in setting.steps(state) if each.kind is Kind.CONTACT)
    before = state.answers.get(contact.code)
    key = "utter_corrected" if before is not None and before.value != ANONYMOUS else "utter_noted"
    state.answers[contact.code] = Answer(ANONYMOUS, asked=False)
    state.misses = 0
    value = value_phrase(setting, contact, state.answers[contact.code])
    return ask_next(setting, Turn(state, [Say(own(key, label=contact.label, value=value))]))


def _says_again(heard: Utterance, known: str) -> bool:
    """ "I said 14 Lake St": the place that we have."""
    return any(words(place) == words(known) for place in heard.entities.get("location", ()))


def choice_of_another(setting: Setting, state: State, step: Step, heard: Utterance) -> tuple[Step, str] | None:
    """The other step, and its option, that a message names in so many words; None where it names none."""
    for other in setting.steps(state):
        if other.kind is Kind.CHOICE and other.code != step.code and not other.stop:
            code = exactly(heard.text, candidates(setting, other))
            if code and code != "other":
                return other, code
    return None


def split_off(setting: Setting, state: State, heard: Utterance) -> Utterance:
    """Keeps the other problems of a message for later; gives back the message with the places of its main one, of
    which the others are no rivals.

    A place that is named once in the message, and in no part of its own, is where all of it is.
    """
    named = heard.entities.get("location", ())
    every = [place for place in named if not places.is_vague(place, setting.lexicon)]
    elsewhere = {place for place in every if any(place in text for _, text in heard.also)}
    mine = [place for place in every if place not in elsewhere] or every
    for code, text in heard.also:
        place = next((each for each in every if each in text), mine[0] if len(mine) == 1 else "")
        known = any(other.text == text for other in state.later)
        if code in setting.pack.services and code != setting.pack.city.catch_all_service and not known:
            state.later.append(Other(code, text.strip(), place))
    if not heard.also:
        return heard
    others = {code for code, _ in heard.also}
    services = [(code, share) for code, share in heard.services if code not in others]
    return replace(heard, entities={**heard.entities, "location": mine}, services=services, also=())


def is_bare_place(setting: Setting, heard: Utterance) -> bool:
    """Whether a message is a place and nothing else."""
    marked = max(heard.entities.get("location", ()), key=len, default="")
    lexicon = setting.lexicon
    small = lexicon.around_a_place | lexicon.articles | lexicon.before_place | lexicon.place_details
    rest = set(words(places.without_opening(heard.text, setting.lexicon))) - set(words(marked))
    return bool(marked) and not rest - small


def piece_of_place(setting: Setting, state: State, heard: Utterance) -> str:
    """The place, or the part of one, that a whole message is; an empty string where it is more or none."""
    if only_contact(setting, heard.text):
        return ""
    whole = places.without_opening(heard.text, setting.lexicon)
    if is_bare_place(setting, heard):
        return "" if places.is_vague(whole, setting.lexicon) else whole
    answer = state.answers.get("location")
    known = answer.value if answer is not None else state.place
    digits = any(letter.isdigit() for letter in whole)
    small = setting.lexicon.street_types | setting.lexicon.articles | setting.lexicon.place_details
    shared = (set(words(known)) & set(words(whole))) - small
    if known and digits and shared and len(words(whole)) <= _MOST_WORDS_OF_AN_ADDRESS:
        return whole
    if known and not any(letter.isdigit() for letter in known) and _HOUSE_NUMBER.match(heard.text):
        return whole
    return ""


def put_place(setting: Setting, state: State, place: str) -> None:
    """Keeps a place, together with what is known of it already."""
    step = setting.step(state, "location")
    if step is None and setting.service(state) is not None:
        return
    answer = state.answers.get("location")
    known = answer.value if answer is not None else state.place
    if words(known) == words(place):
        return
    # Two whole addresses: the new one counts. A street and a corner, a park and a bench: both belong together.
    both_whole = all(any(letter.isdigit() for letter in each) for each in (known, place))
    value = place if not known or both_whole else places.joined(known, place, setting.lexicon)
    if (
        step is not None
        and not known
        and places.needs_detail(value, step.place, setting.lexicon)
        and not state.detailed
    ):
        state.place = value
        return
    state.place = ""
    state.answers["location"] = Answer(value, asked=False)


def is_aside(setting: Setting, state: State, step: Step, heard: Utterance) -> bool:
    """Whether a message is a whole answer to another step: a place, the wish to stay anonymous."""
    return step.kind not in (Kind.PLACE, Kind.CONTACT, Kind.TEXT) and (
        is_bare_place(setting, heard)
        or stays_anonymous(setting, state, heard)
        or (step.kind is Kind.DESCRIPTION and _is_contact(setting, heard))
    )


def _is_contact(setting: Setting, heard: Utterance) -> bool:
    """ "My number is 617-555-0101": how to reach the resident, and hardly a word more."""
    rest = without_contacts(heard.text, setting.pack.calendar.country)
    return bool(contact_in(setting, heard.text, strictly=True)) and len(words(rest)) <= _MOST_WORDS_AROUND_A_CONTACT


def stays_anonymous(setting: Setting, state: State, heard: Utterance) -> bool:
    """Whether a message asks to stay anonymous, while that is not the open question."""
    small = setting.lexicon.fillers | setting.lexicon.acknowledgements
    asked = " ".join(dropwhile(lambda word: word in small, words(heard.text)))
    named = any(is_one_of(text, setting.lexicon.anonymous) for text in (heard.text, asked)) or (
        withholds_details(heard.text, setting.lexicon) and not contact_in(setting, heard.text)
    )
    otherwise = setting.lexicon.no | setting.lexicon.skip | setting.lexicon.absent
    return named and not is_one_of(heard.text, otherwise) and setting.step(state, "contact") is not None


def remark(setting: Setting, state: State, step: Step, heard: Utterance) -> bool:
    """Keeps words that answer no question but tell the crew something. Whether there were any."""
    text = without_contacts(heard.text, setting.pack.calendar.country).strip()
    told = words(text)
    doubtful = heard.intent == "out_of_scope" and heard.confidence < _HARDLY_NONSENSE and len(told) > _FEWEST_WORDS
    telling = (heard.intent in _TELLING or not heard.intent or doubtful) and not heard.is_noise
    if step.kind is Kind.CONTACT or (step.format and not heard.entity("amount")):
        return False
    if step.kind is Kind.PLACE and heard.intent not in _TELLS_THE_MATTER and not is_duration(text, setting.lexicon):
        return False
    if step.kind is Kind.CHOICE and denies(text, candidates(setting, step), setting.lexicon):
        return False
    if is_one_of(text, setting.lexicon.something_else):
        return False
    questioned = asks(heard, setting.lexicon) and heard.intent != "add_to_request"
    if not telling or len(told) < _FEWEST_WORDS or questioned or agrees(text, setting.lexicon):
        return False
    if heard.intent in ("", "nlu_fallback") and len(told) < _FEWEST_WORDS + 1:
        return False
    if text not in state.remarks and text != state.first:
        state.remarks.append(text)
    return True


def unread(read: Read) -> bool:
    """Whether a message says nothing certain to the open question."""
    return read.answer is None or read.weak
