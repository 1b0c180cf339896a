"""The measures themselves."""

from __future__ import annotations

import pytest

from bench.eval import describe, figures_of
from bench.eval_page import write
from bench.scores import Answer, Case, Span, macro_f1, reliability, score, words_of_place


def place(text: str) -> Span:
    return Span("location", text)


CASES = [
    Case("hole <b>", "report/pothole", (place("22 Elm St"),)),
    Case("dark", "report/light_out"),
    Case("fire", "emergency"),
    Case("fire pit", "ask_question", hard=True),
    Case("sing", "out_of_scope"),
]
ANSWERS = [
    Answer("report", "report", 0.9, ("pothole", "light_out"), (place("at 22 Elm St"),)),
    Answer("report", "report", 0.8, ("lights_block", "light_out")),
    Answer("report", "report", 0.6, ("no_heat",)),
    Answer("emergency", "ask_question", 0.5),
    Answer("nlu_fallback", "greet", 0.2),
]


def test_counts_what_it_says() -> None:
    found = score(CASES, ANSWERS)
    assert found.intent == pytest.approx(3 / 5)
    assert found.intent_answered == pytest.approx(3 / 5)
    assert (found.service, found.service_top3) == (0.5, 1.0)
    assert (found.danger_recall, found.danger_false_hard, found.danger_false_other) == (0, 1, 0)
    assert (found.out_of_scope_recall, found.out_of_scope_false) == (1, 0)
    assert found.entities["location"] == (1, 1, 1, 1)
    assert ("report/light_out", "report/lights_block", ["dark"]) in found.confusions


def test_macro_f1_weighs_labels_alike() -> None:
    assert macro_f1([("a", "a"), ("a", "a"), ("a", "a"), ("b", "a")]) == pytest.approx((6 / 7 + 0) / 2)


def test_calibration_error_is_the_distance_from_the_diagonal() -> None:
    error, bands = reliability([(0.85, True), (0.85, False), (0.15, False)])
    assert error == pytest.approx((2 * 0.35 + 0.15) / 3)
    assert [number for _, _, number in bands] == [1, 2]


def test_places_are_compared_without_their_prepositions() -> None:
    assert words_of_place("in front of the Park") == ["front", "of", "the", "park"]
    assert words_of_place("at the corner of A and B") == ["corner", "of", "a", "and", "b"]


def test_the_page_escapes_what_residents_wrote(tmp_path) -> None:
    answers = [Answer("greet", "greet", 0.9), *ANSWERS[1:]]
    target = tmp_path / "deep" / "page.html"
    scores = score(CASES, answers)
    write(scores, figures_of(scores, 1.0, 0.0), target)
    page = target.read_text(encoding="utf-8")
    assert "hole &lt;b&gt;" in page and "hole <b>" not in page
    assert "location" in describe(scores, figures_of(scores, 1.0, 0.0))
