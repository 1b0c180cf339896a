"""The read-back: sending it, or changing one of its lines; and corrections at any time before."""

from __future__ import annotations

from city311.city.model import LocationType
from city311.intake.acts import BACK, CANCEL, RESTART, SKIP, Utterance, act
from city311.intake.answers import value_phrase
from city311.intake.asides import remark
from city311.intake.asking import edit, explain, label_options
from city311.intake.choosing import with_service
from city311.intake.correcting import Correction, correction
from city311.intake.definition import CHANGE, REVIEW, SERVICE, Kind, Step
from city311.intake.digressing import digresses
from city311.intake.phrases import Say, own
from city311.intake.places import needs_detail
from city311.intake.placing import settle
from city311.intake.reading import agrees, contains, is_one_of, pick, starts_with, words, yes_or_no
from city311.intake.setting import Setting
from city311.intake.state import State
from city311.intake.turn import Outcome, Turn, ask_next, end, presses, stopped_by

_MOST_WORDS_OF_A_YES = 6


def sends(setting: Setting, heard: Utterance) -> bool:
    """Whether a message says yes to the read-back, and nothing that could mean anything else."""
    if presses(setting, heard, "utter_button_send") or agrees(heard.text, setting.lexicon):
        return True
    told = words(heard.text)
    doubts = setting.lexicon.correction | setting.lexicon.negation | setting.lexicon.no
    return (
        heard.intent == "affirm"
        and heard.confidence >= 0.5
        and 0 < len(told) <= _MOST_WORDS_OF_A_YES
        and not contains(heard.text, doubts)
    )


def missing_place(setting: Setting, state: State) -> Turn | None:
    """Asks for the place where a report needs one and has none."""
    service = setting.service(state)
    if service is None or service.location.type is LocationType.NONE or state.answers.get("location"):
        return None
    return ask_next(setting, Turn(state))


def hear_review(setting: Setting, state: State, heard: Utterance) -> Turn:
    """Takes a message to the read-back that does not send it."""
    if digresses(setting, state, heard, own_words=False):
        return Turn(state, outcome=Outcome.DIGRESS)
    if heard.intent == "add_to_request" and remark(setting, state, REVIEW, heard):
        return ask_next(setting, Turn(state, [Say(own("utter_remark_kept"))]))
    doubts = contains(heard.text, setting.lexicon.correction) or heard.intent == "correct_answer"
    refuses = yes_or_no(heard.text, setting.lexicon) == "no" or (heard.intent == "deny" and heard.confidence >= 0.5)
    if doubts or refuses or presses(setting, heard, "utter_button_change"):
        state.asking, state.misses = CHANGE.code, 0
        return ask_next(setting, Turn(state))
    if remark(setting, state, REVIEW, heard):
        return ask_next(setting, Turn(state, [Say(own("utter_remark_kept"))]))
    state.misses += 1
    more = [Say(own("utter_ways_out"))] if state.misses > 2 else []
    return ask_next(setting, Turn(state, [*more, *explain(REVIEW)]))


def edited(setting: Setting, state: State, heard: Utterance) -> Turn | None:
    """Asks again for the line of the read-back whose "Change …" was pressed; None where none was."""
    told = words(heard.text)
    for step in (SERVICE, *(step for step in setting.steps(state) if step.code in state.answers)):
        if told == words(setting.words_of(edit(step))):
            return _change_service(setting, state) if step is SERVICE else _ask_again(setting, state, step)
    return None


def hear_change(setting: Setting, state: State, heard: Utterance) -> Turn:
    """Takes a message to "what should I change?"."""
    control = act(heard, setting.lexicon)
    if control == CANCEL or presses(setting, heard, "utter_button_cancel"):
        return end(state, "cancelled")
    if control == RESTART:
        return end(state, "restarted")
    options = label_options(setting, state)
    picked = pick(heard.text, options, setting.lexicon)
    mend = correction(setting, state, CHANGE, heard)
    if mend and mend.answer is not None and not picked.exact:
        state.asking = ""
        return correct(setting, state, mend, heard)
    if len(picked.codes) == 1 and (picked.exact or len(words(heard.text)) <= 6):
        if picked.codes[0] == SERVICE.code:
            return _change_service(setting, state)
        step = setting.step(state, picked.codes[0])
        if step is not None:
            return _ask_again(setting, state, step)
    if mend:
        state.asking = ""
        return correct(setting, state, mend, heard)
    if (
        control in (BACK, SKIP)
        or is_one_of(heard.text, setting.lexicon.no)
        or starts_with(heard.text, frozenset({"nothing"}))
    ):
        state.asking = ""
        return ask_next(setting, Turn(state))
    if digresses(setting, state, heard, own_words=False):
        return Turn(state, outcome=Outcome.DIGRESS)
    state.misses += 1
    return ask_next(setting, Turn(state, [Say(own("utter_which_one" if state.misses <= 2 else "utter_ways_out"))]))


def correct(setting: Setting, state: State, mend: Correction, heard: Utterance) -> Turn:
    """Puts a corrected answer in place, or asks for it where the message does not say it."""
    state.misses = 0
    if mend.service:
        return with_service(setting, state, mend.service, heard, [])
    if mend.kinds:
        state.asking, state.candidates = SERVICE.code, list(mend.kinds)
        return ask_next(setting, Turn(state))
    step = setting.step(state, mend.code)
    if step is None:
        return ask_next(setting, Turn(state))
    if mend.answer is None:
        return _ask_again(setting, state, step)
    key = "utter_corrected" if step.code in state.answers else "utter_noted"
    state.answers[step.code] = mend.answer
    if stopped := stopped_by(setting, state):
        return stopped
    told = settle(setting, state)
    kept = state.answers.get(step.code)
    if kept is None:  # the place must be asked again
        return ask_next(setting, Turn(state, told))
    said = own(key, label=step.label, value=value_phrase(setting, step, kept))
    if setting.places is None and step.kind is Kind.PLACE and needs_detail(kept.value, step.place, setting.lexicon):
        _ask_again(setting, state, step)
        state.place = mend.answer.value
    return ask_next(setting, Turn(state, [*told, Say(said)]))


def _change_service(setting: Setting, state: State) -> Turn:
    # The old one stays until there is a new one.
    state.asking, state.candidates, state.misses = SERVICE.code, [], 0
    return ask_next(setting, Turn(state))


def _ask_again(setting: Setting, state: State, step: Step) -> Turn:
    state.answers.pop(step.code, None)
    state.history = [code for code in state.history if code != step.code]
    state.asking, state.misses = step.code, 0
    if step.kind is Kind.PLACE:
        state.place, state.detailed = "", False
    if step.kind is Kind.PHOTO:
        state.photos = []
    return ask_next(setting, Turn(state))
