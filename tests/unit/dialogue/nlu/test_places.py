"""Places that have a form of their own, whatever a trained model makes of their surroundings."""

from __future__ import annotations

import pytest

from city311.dialogue.nlu.places import PlaceFinder, train

LITTLE = [
    ("hole at the bank", [(8, 16)]),
    ("no heat", []),
    ("light out at the bank", [(13, 21)]),
    ("thank you", []),
] * 3


@pytest.fixture(scope="module")
def finder() -> PlaceFinder:
    return PlaceFinder(train(LITTLE, {}))


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("sumbody dumped matresses behnd 22 Prospect", "22 Prospect"),
        ("lamp post 33-118 blinks", "lamp post 33-118"),
        ("bus stop 2214 has no bench", "bus stop 2214"),
        ("st lite infront of my house is ded", "my house"),
        ("still not plowd hilltop cir", "hilltop cir"),
    ],
)
def test_a_form_is_found(finder: PlaceFinder, text: str, place: str) -> None:
    assert place in [text[start:end] for start, end, _ in finder.find(text)]


@pytest.mark.parametrize("text", ["in 2023 Boston had snow", "it took 20 Days", "", "!!!", "the bike ln is blocked"])
def test_what_only_looks_like_one_is_left(finder: PlaceFinder, text: str) -> None:
    assert finder.find(text) == []


def test_a_number_that_counts_what_comes_next_is_no_part_of_the_place() -> None:
    seen = [("dark at the bank 3 days", [(8, 18)]), ("no heat", []), ("dark at the bank 2", [(8, 18)])] * 4
    finder = PlaceFinder(train(seen, {}))
    assert [span[:2] for span in finder.find("dark at the bank 3 DAYS")] == [(8, 16)]
    assert [span[:2] for span in finder.find("dark at the bank 2")] == [(8, 18)], "a house's number stays"
