"""Two problems in one message."""

from __future__ import annotations

import numpy as np
import pytest
import yaml
from nlu_model import HOUSE, Parse
from rasa.shared.core.events import UserUttered
from rasa.shared.core.trackers import DialogueStateTracker

from bench.eval import read_cases
from city311.dialogue.nlu.also import Clause, clauses, main_problem, other_problems


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("pothole on Elm", []),
        ("", []),
        ("...!!!", []),
        ("No heat. Mice in the kitchen too", ["No heat", "Mice in the kitchen too"]),
        ("no heat and mice", ["no heat", "mice"]),
        ("loud music, plus a blocked driveway", ["loud music", "a blocked driveway"]),
    ],
)
def test_clauses(text: str, parts: list[str]) -> None:
    assert [text[one.start : one.end].strip() for one in clauses(text)] == parts


def test_a_long_message_has_few_clauses() -> None:
    assert len(clauses("one thing. another thing. " * 40)) <= 8


CODES = ("pothole", "light_out", None)
WORDS = "there are five words here and there are five more of them"
TWO = [Clause(0, 25), Clause(30, 57)]


@pytest.mark.parametrize(
    ("chances", "found"),
    [
        ([[0.98, 0.01, 0.0], [0.02, 0.98, 0.0]], ["light_out"]),
        ([[0.98, 0.01, 0.0], [0.98, 0.01, 0.0]], []),  # the same problem twice
        ([[0.98, 0.3, 0.0], [0.02, 0.98, 0.0]], []),  # easily confused
        ([[0.98, 0.01, 0.0], [0.02, 0.86, 0.0]], ["light_out"]),
        ([[0.98, 0.01, 0.0], [0.02, 0.8, 0.0]], []),  # not sure enough
        ([[0.98, 0.01, 0.0], [0.02, 0.03, 0.98]], []),  # no service
    ],
)
def test_only_a_clear_second_problem_counts(chances: list[list[float]], found: list[str]) -> None:
    said = other_problems(WORDS, TWO, np.array(chances), CODES, "pothole")
    assert [one["code"] for one in said] == found


@pytest.mark.parametrize(("chance", "found"), [(0.99, ["light_out"]), (0.97, [])])
def test_a_few_words_must_be_plainer(chance: float, found: list[str]) -> None:
    chances = np.array([[0.98, 0.01, 0.0], [0.02, chance, 0.0]])
    said = other_problems("a hole in the street, no water", [Clause(0, 20), Clause(22, 30)], chances, CODES, "pothole")
    assert [one["code"] for one in said] == found


def test_one_word_is_no_problem_of_its_own() -> None:
    chances = np.array([[0.98, 0.01, 0.0], [0.02, 0.98, 0.0]])
    assert other_problems("a hole. Heat", [Clause(0, 7), Clause(7, 12)], chances, CODES, "pothole") == []


def test_clauses_that_overlap_are_no_two_problems() -> None:
    chances = np.array([[0.98, 0.01, 0.0], [0.02, 0.98, 0.0]])
    assert other_problems(WORDS, [Clause(0, 25), Clause(6, 48)], chances, CODES, "pothole") == []


@pytest.mark.parametrize(
    ("chances", "found"),
    [
        ([[0.98, 0.01, 0.0], [0.02, 0.98, 0.0]], ["light_out"]),
        ([[0.01, 0.98, 0.0], [0.02, 0.03, 0.98]], []),  # no clause says the danger itself
        ([[0.98, 0.2, 0.0], [0.02, 0.98, 0.0]], []),  # what happened in it
    ],
)
def test_beside_a_danger_another_problem_is_seen(chances: list[list[float]], found: list[str]) -> None:
    said = other_problems(WORDS, TWO, np.array(chances), ("emergency", "light_out", "pothole"), "emergency")
    assert [one["code"] for one in said] == found


def test_two_problems_without_the_danger_itself_are_its_circumstances() -> None:
    chances = np.array([[0.01, 0.98, 0.01], [0.0, 0.01, 0.98]])
    assert other_problems(WORDS, TWO, chances, ("emergency", "light_out", "pothole"), "emergency") == []


def named(*codes: str) -> list[dict[str, object]]:
    return [{"code": code, "confidence": 0.99, "text": code} for code in codes]


def test_the_main_problem_is_what_the_whole_message_was_taken_for() -> None:
    text = "noise, pothole"
    assert main_problem(text, "pothole", 0.5, named("noise", "pothole")) == ("pothole", 0.99, named("noise"))
    assert main_problem(text, "pothole", 1.0, named("noise", "pothole")) == ("pothole", 1.0, named("noise"))
    assert main_problem(text, "pothole", 0.5, []) == ("pothole", 0.5, [])
    assert main_problem(text, "cave_in", 0.5, named("noise")) == ("cave_in", 0.5, named("noise"))


def test_where_the_clauses_name_others_the_first_of_them_is_the_main_problem() -> None:
    said = main_problem("noise, pothole", "cave_in", 0.5, named("pothole", "noise"))
    assert said == ("noise", 0.99, named("pothole"))


def test_a_problem_told_with_a_danger_reaches_custom_actions(parse: Parse) -> None:
    parsed = parse("The house next door is on fire! Also our recycling was not picked up on Monday")
    assert parsed["intent"]["name"] == "emergency"
    assert [one["code"] for one in parsed["also"]] == ["missed_recycling"]


def test_the_second_problem_reaches_custom_actions(parse: Parse) -> None:
    """What a component adds to the output stands in the tracker's latest message, as actions get it."""
    lines = yaml.safe_load((HOUSE / "tests" / "nlu" / "two_problems" / "en.yml").read_text(encoding="utf-8"))
    one, other, parsed = next((*codes, parsed) for *codes, text in lines if (parsed := parse(text))["also"])
    assert {each["code"] for each in parsed["also"]} <= {one, other}
    assert len(parsed["also"]) == 1
    assert parsed["also"][0]["confidence"] > 0.5
    tracker = DialogueStateTracker.from_events(
        "me", [UserUttered(parsed["text"], parsed["intent"], parsed["entities"], parsed)]
    )
    assert tracker.current_state()["latest_message"]["also"] == parsed["also"]


def test_second_problems_are_found(parse: Parse) -> None:
    lines = yaml.safe_load((HOUSE / "tests" / "nlu" / "two_problems" / "en.yml").read_text(encoding="utf-8"))
    found = 0
    for one, other, text in lines:
        parsed = parse(text)
        said = {each["code"] for each in parsed["also"]}
        said |= {each["value"] for each in parsed["entities"] if each["entity"] == "service"}
        found += bool(parsed["also"]) and said <= {one, other}
    assert found >= 0.7 * len(lines)


def test_one_problem_is_not_taken_for_two(parse: Parse) -> None:
    cases = read_cases(HOUSE / "tests" / "nlu" / "en")
    # Where an ordinary problem is taken for a danger, it is right to offer the problem.
    right = [case.text for case in cases if parse(case.text)["intent"]["name"] == case.intent]
    wrong = [text for text in right if parse(text)["also"]]
    assert len(wrong) <= 0.0125 * len(cases), wrong
