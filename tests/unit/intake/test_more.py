"""What is said in the turns after a receipt: more about that report, a new problem, or a word about the service."""

from __future__ import annotations

import pytest
from conversing import setting

from city311.intake import Utterance, more_or_new, tells_more

HERE = setting()


def heard(text: str, intent: str, confidence: float = 0.9, **more: object) -> Utterance:
    return Utterance(text, intent, confidence, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "intent", "confidence"),
    [
        ("it's on the left side", "inform", 0.9),
        ("the gate is locked", "inform", 0.6),
        ("actually add that it smells terrible", "give_feedback", 0.5),
        ("forgot to say they come at night", "nlu_fallback", 0.7),
        ("I forgot to mention there are two of them", "dont_know", 0.5),
        ("oh and it's getting worse", "emergency", 0.45),
        ("and the lid is gone", "nlu_fallback", 0.7),
    ],
)
def test_more_about_the_report(text: str, intent: str, confidence: float) -> None:
    assert tells_more(HERE, heard(text, intent, confidence))


@pytest.mark.parametrize(
    ("text", "intent", "confidence"),
    [
        ("your service is slow", "give_feedback", 0.95),
        ("also, you guys are great", "give_feedback", 0.6),
        ("add a star, best city ever", "give_feedback", 0.95),
        ("thanks a lot", "thank", 0.95),
        ("ok thanks", "inform", 0.6),
        ("is it on the list?", "inform", 0.9),
        ("and it is burning", "emergency", 0.9),
        ("my neighbor is hurt", "emergency", 0.45),
        ("bananas are blue", "nlu_fallback", 0.7),
        ("never mind", "cancel", 0.9),
        ("also the light is out", "report", 0.95),
        ("fine", "inform", 0.9),
    ],
)
def test_something_else(text: str, intent: str, confidence: float) -> None:
    assert not tells_more(HERE, heard(text, intent, confidence))


def test_a_number_is_asked_about_and_nothing_is_added() -> None:
    assert not tells_more(HERE, heard("it is SR-100023", "inform", entities={"request_number": ["SR-100023"]}))


def test_a_place_alone_may_be_a_new_problem_but_not_where_it_is() -> None:
    place = {"location": ["88 Elm Street"]}
    assert not tells_more(HERE, heard("88 Elm Street", "inform", entities=place))
    assert tells_more(HERE, heard("it's at 88 Elm Street", "inform", entities=place))


def test_what_may_as_well_be_a_new_problem_is_asked() -> None:
    rival = {"intents": [("inform", 0.6), ("report", 0.35)], "services": [("graffiti_public", 0.9)]}
    offer = more_or_new(HERE, heard("there is spray paint on the wall", "inform", **rival), "pothole")
    assert offer is not None and offer.labels == ["add_to_request", "report/graffiti_public"]
    assert more_or_new(HERE, heard("there is spray paint on the wall", "inform", **rival), "graffiti_public") is None
    assert more_or_new(HERE, heard("add that there is spray paint", "inform", **rival), "pothole") is None
    unlikely = {**rival, "intents": [("inform", 0.9), ("report", 0.05)]}
    assert more_or_new(HERE, heard("there is spray paint on the wall", "inform", **unlikely), "pothole") is None
