"""The place of the report that was made just before: "also the streetlight there is out", "same corner"."""

from __future__ import annotations

from dataclasses import replace

from city311.intake import places
from city311.intake.acts import Utterance
from city311.intake.lexicon import Lexicon
from city311.intake.phrases import Say, own
from city311.intake.placing import AS_WRITTEN, put_pin, take_as_written
from city311.intake.reading import contains, words
from city311.intake.setting import Setting
from city311.intake.state import Answer, State
from city311.places import Place

_MOST_WORDS_OF_A_THING = 4
_NEAR = 0.0005
"""Degrees within which a place that was found again by its name is the one that was meant: some 50 meters."""


def means_same_place(text: str, lexicon: Lexicon) -> bool:
    """Whether a text speaks of the place that was spoken of before. "There is a hole" does not, "the light there is
    out" does.
    """
    told = words(text)
    return contains(text, lexicon.same_place) or any(
        word in lexicon.there and not _opens(told, at, lexicon) for at, word in enumerate(told)
    )


def _opens(told: list[str], at: int, lexicon: Lexicon) -> bool:
    """Whether the word at ``at`` is no place: "there is a hole", "is there a hole", "in the park there are rats"."""
    before = told[at - 1] if at else ""
    if before in lexicon.before_there or before in lexicon.after_there_is:
        return True
    if told[at + 1 : at + 2] and told[at + 1] not in lexicon.after_there_is:
        return False
    if at == len(told) - 1:
        return not at
    # "The light there is out": of a thing that is there, and no other place before it
    small = lexicon.around_a_place | lexicon.place_details
    things = [one for one in range(max(0, at - _MOST_WORDS_OF_A_THING), at) if told[one] in lexicon.definite]
    return not things or (things[-1] > 0 and told[things[-1] - 1] in small)


def is_at_same_place(setting: Setting, state: State, heard: Utterance) -> bool:
    """Whether a message means the place of the report before, and names no other."""
    named = [place for place in heard.entities.get("location", ()) if not _is_same(place, setting.lexicon)]
    return bool(state.before.label) and not named and means_same_place(heard.text, setting.lexicon)


def at_same_place(setting: Setting, state: State, heard: Utterance) -> tuple[Utterance, list[Say]]:
    """Takes the place of the report before for this one, where a message means that and names no other; the message
    without its words for it, and what there is to say.
    """
    if not is_at_same_place(setting, state, heard):
        return heard, []
    put_before(setting, state)
    said = Say(own("utter_place_of_the_last", place=state.before.label)) if "location" in state.answers else None
    return replace(heard, entities={**heard.entities, "location": ()}), [said] if said else []


def put_before(setting: Setting, state: State) -> None:
    """Makes the place of the report before the place of this one, as exactly as it is known."""
    before = state.before
    state.place, state.detailed, state.misses = "", True, 0
    if setting.places is None or before.kind in ("", AS_WRITTEN):
        state.answers["location"] = replace(take_as_written(state, before.label), asked=False)
        return
    found = setting.places.find(before.label)
    near = (
        isinstance(found, Place) and max(abs(found.point.lat - before.lat), abs(found.point.lon - before.lon)) < _NEAR
    )
    if near:
        state.answers["location"] = Answer(before.label, asked=False)
    else:
        put_pin(setting, state, before.lat, before.lon)


def _is_same(place: str, lexicon: Lexicon) -> bool:
    return places.is_vague(place, lexicon) or means_same_place(place, lexicon)
