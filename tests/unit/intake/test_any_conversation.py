"""Whatever residents write, in whatever order: nothing breaks, nothing is lost, nothing is sent without a yes."""

from __future__ import annotations

import json

from conversing import PUERTO_CLARO, RIVERBEND, Talk, setting
from hypothesis import example, given, settings
from hypothesis import strategies as st

from city311.intake import Outcome, State
from city311.intake.acts import DANGER, DIGRESSIONS
from city311.intake.definition import Kind
from city311.intake.reading import agrees, position

_MOST_BYTES = 20_000

PHRASES = [
    *("yes", "no", "ok", "1", "2", "3", "9", "the last one", "skip", "I don't know", "go back", "cancel", "start over"),
    *(
        "why?",
        "Oak Street",
        "12 Oak Street",
        "near the bakery",
        "here",
        "617-555-0182",
        "jane@example.com",
        "anonymous",
    ),
    *(
        "yesterday",
        "no, it's 12 Oak Street, not Elm",
        "the address is wrong",
        "change the phone",
        "something else",
        "both",
    ),
    *("nothing", "not the crosswalk", "🙂", "👍", "{city_phone}", "<b>x</b>", "3 of them", "4AB 123", "yes but wait"),
    *(
        "there is also a dead tree",
        "what's up with SR-104217?",
        "Change something",
        "Cancel the report",
        "Yes, send it",
    ),
    *("Something else", "Place", "😀" * 500, "a " * 500, "word, " * 160),
]
INTENTS = ["", "affirm", "deny", "inform", "report", "correct_answer", "skip", "dont_know", "go_back", "repeat",
           *sorted(DANGER), *sorted(DIGRESSIONS)]  # fmt: skip
SERVICES = list(RIVERBEND.services)
MESSAGES = st.tuples(
    st.one_of(st.sampled_from(PHRASES), st.text(max_size=60)),
    st.sampled_from(INTENTS),
    st.sampled_from([0.3, 0.6, 0.95]),
    st.lists(st.tuples(st.sampled_from(SERVICES), st.sampled_from([0.1, 0.3, 0.7])), max_size=3),
    st.sampled_from(["", "Oak Street", "12 Oak Street", "Elm"]),
)


def size(state: State) -> int:
    """Bytes of the slot's JSON."""
    return len(json.dumps(state.to_slot(), ensure_ascii=False).encode())


def is_a_yes(talk: Talk, text: str, intent: str, confidence: float) -> bool:
    """Whether a message says yes: a button or its number, words of the lexicon, or the classifier says so."""
    pressed = text.strip() == "Yes, send it" or position(text, 2, talk.here.lexicon) == 0
    return pressed or agrees(text, talk.here.lexicon) or (intent == "affirm" and confidence >= 0.5)


def play(talk: Talk, messages: list) -> None:
    for text, intent, confidence, ranking, place in messages:
        read_back = talk.reviewing
        before = talk.state.service
        talk.say(text, intent, confidence, services=ranking, **({"location": place} if place else {}))
        state = talk.state
        assert size(state) < _MOST_BYTES
        if before:
            assert state.service, "the service was lost"
        if talk.last.outcome is Outcome.END:
            assert state.ended in ("submit", "cancelled", "restarted", "stopped")
            if state.ended == "submit":
                assert read_back, "sent without a read-back"
                assert is_a_yes(talk, text, intent, confidence), "sent without a yes"
                assert all(step.code in state.answers for step in talk.here.steps(state))
            assert (state.ended == "stopped") == bool(state.safety)
            return
        assert state.ended == ""
        assert talk.last.says, "nothing was said"
        assert talk.text.strip()
        step = talk.here.step(state, state.asking)
        assert step is not None or state.asking in (Kind.SERVICE.value, Kind.CHANGE.value, Kind.REVIEW.value)
        assert talk.reviewing == (state.asking == "review" and talk.keys != ["utter_report_kept"])
        # What is filed stays within what the city asks.
        for answered in talk.here.steps(state):
            if (answer := state.answers.get(answered.code)) and answered.options and answer.status == "given":
                assert answer.value in {option.code for option in answered.options}


@settings(max_examples=250, deadline=None)
@given(st.lists(MESSAGES, min_size=1, max_size=25), st.sampled_from(["", *SERVICES]))
def test_any_conversation_in_riverbend(messages: list, service: str) -> None:
    play(Talk().begin("please help", service=service), messages)


@settings(max_examples=60, deadline=None)
@given(st.lists(MESSAGES, min_size=1, max_size=25), st.sampled_from(["", *PUERTO_CLARO.services]))
def test_any_conversation_in_the_second_city(messages: list, service: str) -> None:
    play(Talk(setting(PUERTO_CLARO, "es")).begin("please help", service=service), messages)


@settings(max_examples=250, deadline=None)
@example([("yes", "emergency", 0.6, [], ""), ("yes", "emergency", 0.3, [], "")], "pothole")
@given(
    st.lists(MESSAGES, min_size=1, max_size=8), st.sampled_from(["pothole", "missed_trash", "signal_out", "bill_error"])
)
def test_anything_said_to_the_read_back(messages: list, service: str) -> None:
    play(read_back_of(service), messages)


def read_back_of(service: str) -> Talk:
    talk = Talk().begin("please help", service=service)
    while not talk.reviewing:
        step = talk.here.step(talk.state, talk.asking)
        assert step is not None
        harmless = next((str(n) for n, option in enumerate(step.options, 1) if option.code not in step.stop), "")
        said = {Kind.PLACE: "22 Oak St", Kind.NUMBER: "3", Kind.DATE: "today", Kind.CONTACT: "no"}
        talk.say(harmless or said.get(step.kind, "number 4AB 123"))
    return talk


def test_the_longest_answers_fit_into_the_slot() -> None:
    for service in RIVERBEND.services:
        talk = Talk().begin("w" * 1000, service=service)
        for _ in range(40):
            if talk.reviewing or talk.ended:
                break
            step = talk.here.step(talk.state, talk.asking)
            assert step is not None
            free = step.kind in (Kind.TEXT, Kind.DESCRIPTION)
            harmless = next((str(n) for n, option in enumerate(step.options, 1) if option.code not in step.stop), "")
            said = {Kind.PLACE: "22 Oak St " + "w" * 900, Kind.NUMBER: "3", Kind.DATE: "today", Kind.CONTACT: "no"}
            talk.say("😀é" * 500 if free else harmless or said[step.kind])
        assert talk.reviewing, (service, talk.asking)
        assert size(talk.state) < _MOST_BYTES
