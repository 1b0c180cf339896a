"""Cancel, back, skip, do not know, explain; and what to say to a message that is nothing of all this."""

from __future__ import annotations

from city311.intake.acts import BACK, CANCEL, REPEAT, RESTART, SKIP, UNKNOWN, Utterance, act
from city311.intake.answers import Read, blank, has_none
from city311.intake.asides import choice_of_another, remark
from city311.intake.asking import explain
from city311.intake.definition import OPEN_KINDS, SERVICE, Kind, Step
from city311.intake.phrases import Say, own, pack
from city311.intake.placing import as_far_as_told, take_as_written
from city311.intake.reading import agrees, asks_to_send, contains, starts_with, words
from city311.intake.setting import Setting
from city311.intake.state import SKIPPED, Answer, Other, State
from city311.intake.state import UNKNOWN as NOT_KNOWN
from city311.intake.turn import Turn, ask_next, end, presses, take

OTHER_MATTER = 0.7
"""Confidence from which a report in the middle of a report is a second matter."""


def obey(setting: Setting, state: State, step: Step, heard: Utterance, answer: Read) -> Turn | None:
    """What a message leads to that is a command to the conversation, a button of one, or says there is no answer."""
    answers = bool(answer.which) or (
        answer.answer is not None
        and not answer.weak
        and (step.kind not in OPEN_KINDS or bool(heard.entity("location")))
    )
    control = act(heard, setting.lexicon, answers=answers)
    if control == "" and answer.answer is None and not answer.which and step.kind not in OPEN_KINDS:
        # "I don't know, it was dark"
        control = UNKNOWN if step.kind is not Kind.REVIEW and starts_with(heard.text, setting.lexicon.unknown) else ""
    if control == "" and step.kind in (Kind.DESCRIPTION, Kind.CONTACT) and _has_done(setting, step, heard):
        control = SKIP
    if control == "" and has_none(setting, step, heard):
        control = UNKNOWN if step.required and step.kind is Kind.TEXT else SKIP
    for key, name in (
        ("utter_button_cancel", CANCEL),
        ("utter_button_skip", SKIP),
        ("utter_button_unknown", UNKNOWN),
        ("utter_button_anonymous", SKIP),
    ):
        if presses(setting, heard, key) and (step.kind is Kind.CONTACT or key != "utter_button_anonymous"):
            control = name
    if control == CANCEL:
        return end(state, "cancelled")
    if control == RESTART:
        return end(state, "restarted")
    if control == BACK:
        return _back(setting, state)
    if control == REPEAT:
        return Turn(state, [*explain(step), *ask_next(setting, Turn(state)).says])
    if control in (SKIP, UNKNOWN):
        return _blank(setting, state, step, heard, SKIPPED if control == SKIP else NOT_KNOWN)
    return None


def hurry(setting: Setting, state: State, step: Step, heard: Utterance) -> Turn | None:
    """ "Just send it": what can do without an answer is left open; what cannot is asked again. None for other messages.

    How to reach the resident is still asked once.
    """
    if step.kind in _NOT_ASKED or not asks_to_send(heard.text, setting.lexicon):
        return None
    for other in setting.steps(state):
        if other.code not in state.answers and (other.kind is not Kind.CONTACT or step.kind is Kind.CONTACT):
            answer = blank(other, SKIPPED)
            if answer is not None:
                state.answers[other.code] = answer
    state.asking, state.misses = "", 0
    turn = ask_next(setting, Turn(state))
    left = setting.step(state, state.asking)
    if left is not None and left.required and left.kind is not Kind.CONTACT:
        turn.says.insert(0, Say(own("utter_needed")))
    return turn


def _has_done(setting: Setting, step: Step, heard: Utterance) -> bool:
    """ "Yes, send it" to "anything else?"."""
    return not step.required and agrees(heard.text, setting.lexicon) and contains(heard.text, setting.lexicon.send)


def _back(setting: Setting, state: State) -> Turn:
    state.misses = 0
    if state.place:
        state.place, state.asking = "", "location"
        return ask_next(setting, Turn(state))
    while state.history:
        code = state.history.pop()
        if state.answers.pop(code, None) is not None and setting.step(state, code):
            state.asking = code
            if code == "location":
                state.detailed = False
            return ask_next(setting, Turn(state))
    return ask_next(setting, Turn(state, [Say(own("utter_nothing_before"))]))


def _blank(setting: Setting, state: State, step: Step, heard: Utterance, status: str) -> Turn:
    if step.kind is Kind.REVIEW:
        return ask_next(setting, Turn(state, [*explain(step)]))
    if step.kind is Kind.PLACE and (tried := as_far_as_told(state)):
        # What they said is all they can say; better that than nothing.
        return _unverified(setting, state, step, tried)
    if state.place and step.kind is Kind.PLACE:
        return take(setting, state, step, Answer(state.place, state.place), heard)
    answer = blank(step, status)
    if answer is None and status == SKIPPED and state.misses and step.unknown:
        answer = blank(step, NOT_KNOWN)
    if answer is None:
        state.misses += 1
        more = [Say(own("utter_ways_out"))] if state.misses > 2 else explain(step)
        return ask_next(setting, Turn(state, [Say(own("utter_needed")), *more]))
    return take(setting, state, step, answer, Utterance(""))


def other_matter(setting: Setting, state: State, step: Step, heard: Utterance, answer: Read) -> Turn | None:
    """What a message leads to that reports something else: kept for later, or, before anything else was answered,
    perhaps what was meant from the start. None when it reports nothing else."""
    ranking = [(code, share) for code, share in heard.services if code in setting.pack.services]
    if heard.intent != "report" or not ranking or choice_of_another(setting, state, step, heard):
        return None
    code, share = ranking[0]
    if code in (state.service, setting.pack.city.catch_all_service):
        return None
    adds = contains(heard.text, setting.lexicon.also)
    sure = heard.confidence >= OTHER_MATTER and share >= _OTHER_SERVICE
    if step.kind in OPEN_KINDS:
        if sure and _names_the_kind(setting, state, step, heard, code):
            return _which_kind(setting, state, code)
        return _keep_for_later(setting, state, code, heard) if sure and adds else None
    if answer.answer is not None and not answer.weak:
        return None
    alike = setting.pack.services[code].group == setting.pack.services[state.service].group
    short = len(words(heard.text)) <= _MOST_WORDS_OF_A_KIND
    if not adds and share >= _OTHER_SERVICE and ((not state.history and not answer.weak) or (alike and short)):
        # Nothing was answered yet, or a word names another of the same things: likelier the same matter, better told.
        remark(setting, state, step, heard)
        return _which_kind(setting, state, code)
    return _keep_for_later(setting, state, code, heard) if sure else None


_OTHER_SERVICE = 0.55
"""Share of the ranking from which another service may be meant."""
_MOST_WORDS_OF_A_KIND = 4


def _names_the_kind(setting: Setting, state: State, step: Step, heard: Utterance, code: str) -> bool:
    """ "Stop sign" to "where is the sign?": no place, but which of the city's signs."""
    services = setting.pack.services
    alike = services[code].group == services[state.service].group
    told = words(heard.text)
    placed = heard.entity("location") or any(any(map(str.isdigit, word)) for word in told)
    details = setting.lexicon.place_details | setting.lexicon.street_types
    return (
        step.kind is Kind.PLACE
        and alike
        and not placed
        and len(told) <= _MOST_WORDS_OF_A_KIND
        and not details.intersection(told)
    )


def _which_kind(setting: Setting, state: State, code: str) -> Turn:
    state.asking, state.candidates, state.misses = SERVICE.code, [code, state.service], 0
    return ask_next(setting, Turn(state))


def _keep_for_later(setting: Setting, state: State, code: str, heard: Utterance) -> Turn:
    if all(other.text != heard.text for other in state.later):
        state.later.append(Other(code, heard.text.strip(), heard.entity("location")))
    service = pack(setting.pack.services[code].name)
    return ask_next(setting, Turn(state, [Say(own("utter_one_at_a_time", service=service))]))


def not_understood(setting: Setting, state: State, step: Step, heard: Utterance, which: tuple[str, ...]) -> Turn:
    """Says that a message is no answer, explains the question, and from the second time on the ways out.

    The third time the question is left open, where a report can do without its answer: nobody is held in a circle.
    """
    if not which and not state.misses and agrees(heard.text, setting.lexicon) and step.kind in _NEVER_A_YES:
        # "Ok" takes in what was said before the question.
        state.misses = 1
        return ask_next(setting, Turn(state))
    state.misses += 1
    kept = not which and remark(setting, state, step, heard)
    if step.kind is Kind.PLACE and state.misses > 1 and (tried := as_far_as_told(state)):
        return _unverified(setting, state, step, tried)
    if state.misses > _MOST_MISSES and (answer := _without(step)) is not None:
        turn = take(setting, state, step, answer, Utterance(""))
        turn.says.insert(0, Say(own("utter_left_open")))
        return turn
    if state.misses > 1:
        return ask_next(
            setting, Turn(state, [Say(own("utter_which_one" if which and state.misses == 2 else "utter_ways_out"))])
        )
    if which:
        return ask_next(setting, Turn(state, [Say(own("utter_which_one"))]))
    if kept:
        return ask_next(setting, Turn(state, [Say(own("utter_remark_kept"))]))
    if step.kind is Kind.PLACE:
        return ask_next(setting, Turn(state, [Say(own("utter_place_vague"))]))
    if agrees(heard.text, setting.lexicon) and step.kind in (Kind.DESCRIPTION, Kind.CONTACT):
        # "Anything else?" – "yes" – so what is it?
        return Turn(state, [Say(own("utter_tell_me" if step.kind is Kind.DESCRIPTION else "utter_ask_contact_again"))])
    return ask_next(setting, Turn(state, [Say(own("utter_not_an_answer")), *explain(step)]))


def _unverified(setting: Setting, state: State, step: Step, tried: str) -> Turn:
    turn = take(setting, state, step, take_as_written(state, tried), Utterance(""))
    turn.says.insert(0, Say(own("utter_place_unverified")))
    return turn


_MOST_MISSES = 2
_NOT_ASKED = frozenset({Kind.SERVICE, Kind.CHANGE, Kind.SAME, Kind.REVIEW})
_NEVER_A_YES = frozenset({Kind.CHOICE, Kind.NUMBER, Kind.DATE, Kind.TEXT})


def _without(step: Step) -> Answer | None:
    """The answer of a step that was asked in vain; None where it is needed. Whether there is danger always is."""
    if step.stop or step.kind is Kind.PLACE:
        return None
    return blank(step, NOT_KNOWN) or blank(step, SKIPPED)
