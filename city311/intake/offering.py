"""What a resident says to places that were offered: one of them, none of them, "use it as I wrote it"."""

from __future__ import annotations

from city311.intake import places
from city311.intake.acts import Utterance
from city311.intake.definition import Kind, Step
from city311.intake.phrases import Say
from city311.intake.placing import put_pin, take_as_written, take_offer
from city311.intake.reading import agrees, is_one_of, position, words, yes_or_no
from city311.intake.same_place import is_at_same_place, put_before
from city311.intake.setting import Setting
from city311.intake.state import Spot, State
from city311.intake.turn import Turn, ask_next, presses, take
from city311.places import Question, Unknown

_MOST_WORDS_OF_A_PICK = 5


def hear_pin(setting: Setting, state: State, pin: tuple[float, float]) -> list[Say]:
    """Takes a shared position; what to say to it."""
    says = put_pin(setting, state, *pin)
    if state.asking == "location":
        state.asking = ""
    return says


def hear_place(setting: Setting, state: State, step: Step, heard: Utterance) -> Turn | None:
    """What the answer to a place that was asked again leads to; None where it is a place in words, or anything else."""
    if step.kind is not Kind.PLACE:
        return None
    if state.photo_place and (asked := _hear_photo_place(setting, state, heard)):
        return asked
    if state.tried and presses(setting, heard, "utter_button_as_written"):
        return take(setting, state, step, take_as_written(state, state.tried), Utterance(""))
    if is_at_same_place(setting, state, heard):
        put_before(setting, state)
        return ask_next(setting, Turn(state))
    if state.offers:
        if (offer := _picked(setting, state, heard)) is not None:
            return take(setting, state, step, take_offer(state, offer), Utterance(""))
        if is_one_of(heard.text, setting.lexicon.no) or is_one_of(heard.text, setting.lexicon.something_else):
            state.offers, state.lost = [], Question.WHERE.value
            return ask_next(setting, Turn(state))
    if _is_my_house(setting, heard) and state.lost != Question.WHICH_HOUSE.value:
        state.lost, state.offers, state.place = Question.WHICH_HOUSE.value, [], ""
        return ask_next(setting, Turn(state))
    return None


def _hear_photo_place(setting: Setting, state: State, heard: Utterance) -> Turn | None:
    """Yes or no to the place where a photo was taken; None for other words, which may be the place."""
    at = position(heard.text, 2, setting.lexicon)
    told = words(heard.text)
    # "no, 22 Elm Street" is a place, whatever it begins with
    short = len(told) < _MOST_WORDS_OF_A_PICK and not heard.entity("location") and not any(map(str.isdigit, told))
    said = yes_or_no(heard.text, setting.lexicon) if short else ""
    agreed = at == 0 or said == "yes" or presses(setting, heard, "utter_button_photo_place")
    refused = at == 1 or said == "no" or presses(setting, heard, "utter_button_other_place")
    if not agreed and not refused:
        state.photo_place = ""
        return None
    taken_at = setting.taken_at(state.photo_offered) if agreed else None
    state.photo_place, state.asking = "", ""
    return ask_next(setting, Turn(state, put_pin(setting, state, *taken_at) if taken_at is not None else []))


def _is_my_house(setting: Setting, heard: Utterance) -> bool:
    if setting.places is None or not places.is_vague(heard.text, setting.lexicon):
        return False
    return setting.places.find(heard.text) == Unknown(Question.WHICH_HOUSE)


def _picked(setting: Setting, state: State, heard: Utterance) -> Spot | None:
    told = words(heard.text)
    for offer in state.offers:
        if told == words(offer.label):
            return offer
    if len(state.offers) == 1 and agrees(heard.text, setting.lexicon):
        return state.offers[0]
    at = position(heard.text, len(state.offers), setting.lexicon)
    if at is not None:
        return state.offers[at]
    # "the one in East Cambridge", "the avenue"
    small = setting.lexicon.articles | setting.lexicon.around_a_place | {"one"}
    rest = [word for word in told if word not in small]
    if not rest or len(rest) > _MOST_WORDS_OF_A_PICK:
        return None
    fitting = [offer for offer in state.offers if set(rest) <= _names(offer)]
    return fitting[0] if len(fitting) == 1 else None


def _names(offer: Spot) -> set[str]:
    return {word for text in (offer.label, *offer.areas.values()) for word in words(text)}
