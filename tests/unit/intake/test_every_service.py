"""Every service of Riverbend can be reported to the end, whatever way a resident answers."""

from __future__ import annotations

import pytest
from conversing import PUERTO_CLARO, RIVERBEND, Talk, setting

from city311.city.model import LocationType, QuestionType
from city311.intake import ANONYMOUS, UNKNOWN
from city311.intake.definition import Kind, Step

SERVICES = list(RIVERBEND.services)
PLACE = "22 Prospect Street"
_MOST_TURNS = 40
_SHAPED = {
    "plate": "4AB 123",
    "account_number": "10023-4",
    "permit_number": "BP-2026-11",
    "phone": "617-555-0182",
    "citation": "T123456",
}


def open_step(talk: Talk) -> Step:
    step = talk.here.step(talk.state, talk.asking)
    assert step is not None, talk.asking
    return step


def harmless(step: Step, talk: Talk) -> list[int]:
    """Places in the list of the options that do not end the conversation."""
    return [index for index, option in enumerate(step.options) if option.code not in step.stop]


def first_choice(step: Step, talk: Talk) -> str:
    if step.options:
        return talk.here.words_of(step.options[harmless(step, talk)[0]].say)
    return {
        Kind.PLACE: PLACE,
        Kind.NUMBER: "3",
        Kind.DATE: "2026-11-20",
        Kind.CONTACT: "jane@example.com",
        Kind.DESCRIPTION: "it is at the back",
        Kind.TEXT: _SHAPED.get(step.format, "a usual one"),
    }[step.kind]


def by_number(step: Step, talk: Talk) -> str:
    if step.options:
        return str(harmless(step, talk)[0] + 1)
    return {Kind.DESCRIPTION: "1", Kind.CONTACT: "1"}.get(step.kind, first_choice(step, talk))


def nothing(step: Step, talk: Talk) -> str:
    """The least that a resident can say."""
    if step.kind is Kind.PLACE:
        return PLACE
    if step.stop:
        return first_choice(step, talk)
    if not step.required:
        return "skip"
    return "I don't know" if step.unknown or step.kind is Kind.CONTACT else first_choice(step, talk)


def walk(talk: Talk, answer) -> Talk:
    asked: list[str] = []
    while not talk.reviewing:
        assert not talk.ended, (talk.ended, asked)
        assert len(asked) < _MOST_TURNS, asked
        step = open_step(talk)
        assert talk.text
        assert "{" not in talk.text
        asked.append(step.code)
        talk.say(answer(step, talk))
        assert not talk.digressed
    # Each is asked once: nothing is asked again, nothing is taken from words that answered something else.
    assert asked == [step.code for step in talk.here.steps(talk.state)]
    assert all(answer.asked for answer in talk.state.answers.values())
    return talk


@pytest.mark.parametrize("service", SERVICES)
def test_by_the_words_on_the_buttons(service: str) -> None:
    talk = walk(Talk().begin("please help", service=service), first_choice)
    assert RIVERBEND.services[service].name in talk.text
    assert talk.say("yes").ended == "submit"
    assert talk.value("contact") == "jane@example.com"
    for question in RIVERBEND.services[service].questions:
        if question.type in (QuestionType.CHOICE, QuestionType.YES_NO) and question.only_if is None:
            codes = [choice.code for choice in question.choices] or ["yes", "no"]
            assert talk.value(question.code) == next(code for code in codes if code not in question.stop)


@pytest.mark.parametrize("service", SERVICES)
def test_by_numbers(service: str) -> None:
    by_words = walk(Talk().begin("please help", service=service), first_choice)
    talk = walk(Talk().begin("please help", service=service), by_number)
    assert talk.say("1").ended == "submit"
    assert talk.value("contact") == ANONYMOUS
    for question in RIVERBEND.services[service].questions:
        if question.type in (QuestionType.CHOICE, QuestionType.YES_NO):
            assert talk.value(question.code) == by_words.value(question.code)


@pytest.mark.parametrize("service", SERVICES)
def test_saying_as_little_as_possible(service: str) -> None:
    talk = walk(Talk().begin("please help", service=service), nothing)
    assert talk.say("ok").ended == "submit"
    assert talk.value("contact") == ANONYMOUS
    for question in RIVERBEND.services[service].questions:
        if question.required and question.unknown and question.code in talk.state.answers:
            assert talk.status(question.code) == UNKNOWN, question.code


@pytest.mark.parametrize("service", SERVICES)
def test_every_choice_is_understood_by_each_of_its_words(service: str) -> None:
    """A resident may use any of a choice's words; none of them may mean another choice."""
    for question in RIVERBEND.services[service].questions:
        if question.type is not QuestionType.CHOICE:
            continue
        for choice in question.choices:
            for words in (choice.say, *choice.also, choice.say.upper(), f"{choice.say}."):
                talk = walk_to(service, question.code)
                talk.say(words)
                got = talk.state.safety if choice.code in question.stop else talk.value(question.code)
                assert got == question.stop.get(choice.code, choice.code), (question.code, words, got)


def walk_to(service: str, code: str) -> Talk:
    talk = Talk().begin("please help", service=service)
    while talk.asking != code:
        step = open_step(talk)
        condition = next(
            (other.only_if for other in talk.here.every_step(talk.state) if other.code == code and other.only_if), None
        )
        wanted = condition[1][0] if condition and condition[0] == step.code else ""
        option = next((option for option in step.options if option.code == wanted), None)
        talk.say(talk.here.words_of(option.say) if option else first_choice(step, talk))
    return talk


STOPS = [
    (service.code, question.code, answer, safety)
    for service in RIVERBEND.services.values()
    for question in service.questions
    for answer, safety in question.stop.items()
]


@pytest.mark.parametrize(("service", "code", "answer", "safety"), STOPS)
def test_an_answer_that_means_danger_ends_with_the_safety_text(
    service: str, code: str, answer: str, safety: str
) -> None:
    talk = walk_to(service, code)
    step = open_step(talk)
    # Danger is asked before anything that can wait.
    assert all(talk.here.step(talk.state, done).stop for done in talk.state.history)  # type: ignore[union-attr]
    index = next(index for index, option in enumerate(step.options) if option.code == answer)
    for said in (talk.here.words_of(step.options[index].say), str(index + 1)):
        talk = walk_to(service, code).say(said)
        assert (talk.ended, talk.state.safety) == ("stopped", safety), said
        assert safety in RIVERBEND.city.safety


@pytest.mark.parametrize(("service", "code", "answer", "safety"), STOPS)
def test_danger_that_comes_to_light_in_the_read_back_ends_it_too(
    service: str, code: str, answer: str, safety: str
) -> None:
    talk = walk(Talk().begin("please help", service=service), first_choice)
    step = talk.here.step(talk.state, code)
    assert step is not None
    option = next(option for option in step.options if option.code == answer)
    talk.say("no").say(talk.here.words_of(step.label))
    assert talk.asking == code
    talk.say(talk.here.words_of(option.say))
    assert (talk.ended, talk.state.safety) == ("stopped", safety)


@pytest.mark.parametrize(("service", "code"), sorted({(service, code) for service, code, _, _ in STOPS}))
def test_not_knowing_whether_there_is_danger_is_asked_again_with_a_way_out(service: str, code: str) -> None:
    talk = walk_to(service, code)
    for count in range(4):
        talk.say("I don't know")
        assert talk.asking == code
        assert talk.ended == ""
        assert (RIVERBEND.city.phone in talk.text) == (count >= 2)


@pytest.mark.parametrize("service", SERVICES)
def test_going_back_all_the_way_and_forth_again(service: str) -> None:
    talk = walk(Talk().begin("please help", service=service), first_choice)
    before = dict(talk.state.answers)
    order = [step.code for step in talk.here.steps(talk.state)]
    seen = []
    while "utter_nothing_before" not in talk.keys:
        talk.say("go back")
        seen.append(talk.asking)
        assert talk.state.service == service
    assert seen == [*reversed(order), order[0]]
    walk(talk, first_choice)
    assert talk.state.answers == before
    assert talk.say("yes").ended == "submit"


def test_a_place_is_asked_where_the_service_has_one() -> None:
    for service in RIVERBEND.services.values():
        codes = [step.code for step in Talk().begin(service=service.code).here.every_step(_state(service.code))]
        assert ("location" in codes) == (service.location.type is not LocationType.NONE), service.code
        assert len(set(codes)) == len(codes), service.code
        assert codes[-2:] == ["description", "contact"]


def _state(service: str):
    return Talk().begin(service=service).state


@pytest.mark.parametrize("service", list(PUERTO_CLARO.services))
@pytest.mark.parametrize("language", ["es", "en"])
@pytest.mark.parametrize("answer", [first_choice, by_number, nothing])
def test_the_second_citys_services(service: str, language: str, answer) -> None:
    talk = walk(Talk(setting(PUERTO_CLARO, language)).begin("help", service=service), answer)
    assert PUERTO_CLARO.say(PUERTO_CLARO.services[service].name, language) in talk.text
    assert talk.say("yes").ended == "submit"
