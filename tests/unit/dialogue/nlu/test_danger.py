"""How the classifier and the nearest examples together tell danger."""

from __future__ import annotations

import pytest
from nlu_model import Parse

from city311.dialogue.nlu.danger import danger

LABELS = ["emergency", "greet", "self_harm"]


@pytest.mark.parametrize(
    ("chances", "shares", "is_danger"),
    [
        ([0.9, 0.1, 0.0], [0.9, 0.1, 0.0], True),
        ([0.5, 0.2, 0.3], [0.4, 0.2, 0.4], True),
        ([0.4, 0.6, 0.0], [0.0, 1.0, 0.0], False),  # one word alone sounds like it
        ([0.01, 0.99, 0.0], [0.3, 0.7, 0.0], False),
        ([0.0, 1.0, 0.0], [0.0, 1.0, 0.0], False),
        ([1.0, 0.0, 0.0], [1.0, 0.0, 0.0], True),
    ],
)
def test_both_count(chances: list[float], shares: list[float], is_danger: bool) -> None:
    chance = danger(LABELS, chances, shares)[1]
    assert 0 <= chance <= 1
    assert (chance >= 0.25) is is_danger


@pytest.mark.parametrize(
    "text",
    [
        "Grandma fell. The slab by our church is up three inches from the roots",
        "Shots! My puppy needs his, is there a cheap clinic?",
    ],
)
def test_a_sentence_that_all_of_them_explain_is_no_danger(parse: Parse, text: str) -> None:
    assert parse(text)["intent"]["name"] not in LABELS[::2]


def test_the_likelier_danger_is_named() -> None:
    assert danger(LABELS, [0.2, 0.1, 0.7], [0.0, 0.0, 1.0])[0] == "self_harm"


def test_without_enough_dangers_nearby_there_is_none() -> None:
    assert danger(LABELS, [0.9, 0.1, 0.0], [0.3, 0.7, 0.0], nearby=0.5) == ("", 0.0)
    assert danger(LABELS, [0.9, 0.1, 0.0], [0.6, 0.4, 0.0], nearby=0.5)[1] > 0.25


@pytest.mark.parametrize(("second", "is_danger"), [(0.99, True), (0.5, False), (0.01, False)])
def test_a_second_look_decides_what_is_in_doubt(second: float, is_danger: bool) -> None:
    chance = danger(LABELS, [0.5, 0.5, 0.0], [0.2, 0.8, 0.0], again=lambda: second)[1]
    assert (chance >= 0.5) is is_danger


@pytest.mark.parametrize(
    ("chances", "shares"),
    [([0.0001, 0.9999, 0.0], [0.0, 1.0, 0.0]), ([0.9999999, 0.0000001, 0.0], [1.0, 0.0, 0.0])],
)
def test_what_is_plain_is_not_looked_at_again(chances: list[float], shares: list[float]) -> None:
    asked: list[None] = []

    def again() -> float:
        asked.append(None)
        return 0.5

    assert danger(LABELS, chances, shares, again=again) == danger(LABELS, chances, shares)
    assert not asked


def test_where_no_label_is_a_danger_there_is_none() -> None:
    assert danger(["greet", "goodbye"], [0.5, 0.5], [0.5, 0.5]) == ("", 0.0)


@pytest.mark.parametrize(
    "text",
    [
        "there were shots fired in a movie i saw",
        "8 beacon court",
        "is this 911",
        "about benefits",
        "the loud music next door is killing me",
        "a novel where the heroine drowns",
        "do you keep a list of emergency numbers",
        "my fire hydrant is leaking",
    ],
)
def test_danger_words_without_danger(parse: Parse, text: str) -> None:
    assert parse(text)["intent"]["name"] not in LABELS[::2]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("someones not breathing", "emergency"),
        ("smell gas in my basement", "emergency"),
        ("wire down sparking on elm", "emergency"),
        ("i dont want to be here anymore", "self_harm"),
    ],
)
def test_danger_in_messy_words(parse: Parse, text: str, name: str) -> None:
    assert parse(text)["intent"]["name"] == name


@pytest.mark.parametrize(
    "text",
    [
        "The house next door is on fire! Also our recycling was not picked up on Monday",
        "There is a big pothole at 12 Oak Street. Somebody just got shot behind the school",
    ],
)
def test_danger_beside_an_ordinary_problem_comes_first(parse: Parse, text: str) -> None:
    assert parse(text)["intent"]["name"] == "emergency"


def test_a_sentence_that_only_sounds_like_it_is_no_danger(parse: Parse) -> None:
    text = "The painter took my deposit in May and left. He does not answer the phone."
    assert parse(text)["intent"]["name"] == "report"
