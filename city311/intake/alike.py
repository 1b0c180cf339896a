"""Reports that are there already and are probably about the same thing: looked for once the place is known, shown one
at a time, and asked about before anything is filed."""

from __future__ import annotations

from city311.intake.acts import CANCEL, RESTART, SKIP, UNKNOWN, Utterance, act
from city311.intake.answers import Read
from city311.intake.commands import obey
from city311.intake.correcting import correction
from city311.intake.definition import SAME
from city311.intake.digressing import digresses
from city311.intake.phrases import Say, own
from city311.intake.reading import yes_or_no
from city311.intake.review import correct
from city311.intake.setting import Setting
from city311.intake.state import State
from city311.intake.turn import Outcome, Turn, ask_next, end, presses

_MOST_MISSES = 2


def hear_same(setting: Setting, state: State, heard: Utterance) -> Turn:
    """Takes the answer to "is yours the same?"."""
    said = yes_or_no(heard.text, setting.lexicon)
    if presses(setting, heard, "utter_button_same") or said == "yes":
        return _same(setting, state)
    if presses(setting, heard, "utter_button_different"):
        return _different(setting, state)
    if presses(setting, heard, "utter_button_cannot_tell"):
        return _cannot_tell(setting, state)
    control = act(heard, setting.lexicon)
    if control in (SKIP, UNKNOWN):
        return _cannot_tell(setting, state)
    if control in (CANCEL, RESTART):
        return end(state, "cancelled" if control == CANCEL else "restarted")
    if control:
        state.alike = []
        return obey(setting, state, SAME, heard, Read()) or ask_next(setting, Turn(state))
    if mend := correction(setting, state, SAME, heard):
        state.alike = []
        return correct(setting, state, mend, heard)
    if said == "no":
        return _different(setting, state)
    if digresses(setting, state, heard, own_words=False):
        return Turn(state, outcome=Outcome.DIGRESS)
    state.misses += 1
    if state.misses >= _MOST_MISSES:
        return _cannot_tell(setting, state)
    return ask_next(setting, Turn(state, [Say(own("utter_which_one"))]))


def _same(setting: Setting, state: State) -> Turn:
    one = state.alike[0]
    state.misses = 0
    if one.state != "closed":
        state.follows = one.reference
        return end(state, "followed")
    # It was closed too early, so this is a new report, and the crew is told of the old one.
    return _go_on(setting, state, "utter_remark_still_there", [Say(own("utter_same_noted", number=one.reference))])


def _cannot_tell(setting: Setting, state: State) -> Turn:
    return _go_on(setting, state, "utter_remark_maybe_same", [Say(own("utter_same_unclear"))])


def _go_on(setting: Setting, state: State, remark: str, says: list[Say]) -> Turn:
    state.remarks.append(setting.words_of(own(remark, number=state.alike[0].reference)))
    state.alike, state.misses = [], 0
    return ask_next(setting, Turn(state, says))


def _different(setting: Setting, state: State) -> Turn:
    state.alike, state.misses = state.alike[1:], 0
    return ask_next(setting, Turn(state))
