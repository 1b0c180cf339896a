"""One turn of the conversation: the open question, and what taking an answer does to the state."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from city311.intake.acts import Utterance
from city311.intake.answers import contact_in, prefill
from city311.intake.asking import ask
from city311.intake.definition import CHANGE, REVIEW, SAME, SERVICE, Kind, Step
from city311.intake.phrases import Say, own
from city311.intake.placing import offer_photo_place, settle
from city311.intake.reading import words
from city311.intake.setting import Setting
from city311.intake.state import GIVEN, Answer, State


class Outcome(str, Enum):
    """What the conversation does next: ask on, let another capability answer first, or end (``State.ended``)."""

    ASK = "ask"
    DIGRESS = "digress"
    END = "end"


@dataclass
class Turn:
    """What one message led to."""

    state: State
    says: list[Say] = field(default_factory=list)
    outcome: Outcome = Outcome.ASK


def open_step(setting: Setting, state: State) -> Step:
    """The step that waits for its answer: what is being changed, else the first without one, else the read-back."""
    if setting.service(state) is None:
        return SERVICE
    if state.asking == SERVICE.code:
        return SERVICE
    if state.asking == CHANGE.code:
        return CHANGE
    if state.alike:
        return SAME
    if state.asking and state.asking not in state.answers and (step := setting.step(state, state.asking)):
        return step
    return next((step for step in setting.steps(state) if step.code not in state.answers), REVIEW)


def ask_next(setting: Setting, turn: Turn) -> Turn:
    """Adds the open question."""
    state = turn.state
    turn.says.extend(settle(setting, state))
    _look_for_alike(setting, state)
    _fill_phones(setting, state)
    step = open_step(setting, state)
    if step.kind is Kind.PLACE:
        offer_photo_place(setting, state)
    else:
        state.photo_place = ""
    state.asking = step.code
    turn.says.extend(ask(setting, state, step))
    return turn


def _fill_phones(setting: Setting, state: State) -> None:
    """Answers a service's own question for a phone number by the one that was left already."""
    contact = state.answers.get("contact")
    number = next((one for one in contact.value.split(", ") if one.startswith("+")), "") if contact else ""
    for step in setting.steps(state) if number else ():
        if step.format == "phone" and step.code not in state.answers:
            state.answers[step.code] = Answer(number, asked=False)


def _look_for_alike(setting: Setting, state: State) -> None:
    """Once the place is known and nobody is in danger, looks whether somebody reported the same already."""
    service = setting.service(state)
    place = state.answers.get("location")
    if service is None or service.duplicate is None or place is None or place.status != GIVEN:
        return
    if any(step.stop and step.code not in state.answers for step in setting.steps(state)):
        return
    thing = state.answers.get(service.duplicate.asset)
    about = "|".join((service.code, place.value, thing.value if thing is not None else ""))
    if about != state.looked:
        state.looked = about
        state.alike = setting.alike(state)


def take(setting: Setting, state: State, step: Step, answer: Answer, heard: Utterance) -> Turn:
    """Keeps an answer, with what else the message says, and asks on."""
    state.answers[step.code] = answer
    state.history = [*[code for code in state.history if code != step.code], step.code]
    state.misses, state.asking = 0, ""
    if step.kind is Kind.PLACE:
        state.place, state.detailed = "", True
    if stopped := stopped_by(setting, state):
        return stopped
    if step.kind is Kind.PLACE and not heard.entity("location"):
        # "22 Oak Street" says nothing about what is in the street.
        heard = Utterance(contact_in(setting, heard.text, strictly=True))
    # An account number or a count looks like a phone number.
    if step.kind not in (Kind.CONTACT, Kind.NUMBER) and not step.format:
        prefill(setting, state, heard, besides=step.code)
        if stopped := stopped_by(setting, state):
            return stopped
    return ask_next(setting, Turn(state))


def stopped_by(setting: Setting, state: State) -> Turn | None:
    """Ends the conversation when an answer means danger: the safety text, and nothing is filed."""
    for step in setting.steps(state):
        answer = state.answers.get(step.code)
        if answer is not None and answer.value in step.stop:
            state.ended, state.safety = "stopped", step.stop[answer.value]
            return Turn(state, outcome=Outcome.END)
    return None


def end(state: State, how: str) -> Turn:
    """Ends the conversation: "submit", "cancelled" or "restarted"."""
    state.ended = how
    return Turn(state, outcome=Outcome.END)


def presses(setting: Setting, heard: Utterance, key: str) -> bool:
    """Whether a message is the words of the button whose response is ``key``."""
    return words(heard.text) == words(setting.words_of(own(key)))
