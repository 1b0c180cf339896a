"""What of the places stays beside the entities that are found by their form, and beside what a message is about."""

from __future__ import annotations

import pytest
from rasa.shared.nlu.training_data.message import Message

from city311.dialogue.nlu.entities import _behind_plates, _is_money, _is_surely_outside
from city311.dialogue.nlu.patterns import find


@pytest.mark.parametrize(
    ("text", "place", "left"),
    [
        ("Honda, plate 5BX 871, 1042 Larch.", "5BX 871, 1042 Larch", ["1042 Larch"]),
        ("Honda, plate 5BX 871, 1042 Larch.", "871,", []),
        ("Honda, plate 5BX 871, 1042 Larch.", "1042 Larch", ["1042 Larch"]),
        ("the owner of 5BX 871 moved it", "5BX 871", []),
        ("Honda at 5BX 871 Larch", "5BX 871 Larch", ["5BX 871 Larch"]),
    ],
)
def test_a_plate_is_no_place_and_called_one_no_part_of_one(text: str, place: str, left: list[str]) -> None:
    start = text.index(place)
    spans = _behind_plates(text, [(start, start + len(place), 0.5)], list(find(text, "US")))
    assert [text[first:last] for first, last, _ in spans] == left


@pytest.mark.parametrize(("text", "money"), [("I pay $92.15 on account", True), ("I owe 40 dollars", False)])
def test_money_with_a_sign_is_no_place(text: str, money: bool) -> None:
    (amount,) = [one for one in find(text, "US") if one.entity == "amount"]
    assert _is_money(text, amount) is money


@pytest.mark.parametrize(
    ("name", "confidence", "outside"),
    [("out_of_scope", 0.95, True), ("out_of_scope", 0.5, False), ("report", 0.99, False), (None, None, False)],
)
def test_what_is_surely_out_of_scope_has_no_place(name: str | None, confidence: float | None, outside: bool) -> None:
    message = Message({"text": "when does it start at the AMC", "intent": {"name": name, "confidence": confidence}})
    assert _is_surely_outside(message) is outside
    assert not _is_surely_outside(Message({"text": "hello"}))
