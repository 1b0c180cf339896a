"""From the chances of labels to intents and services."""

from __future__ import annotations

import numpy as np
import pytest

from city311.dialogue.nlu.rankings import Rankings

LABELS = ["greet", "out_of_scope", "out_of_scope/nonsense", "report/hole", "report/lamp", "report/tree"]
RANKINGS = Rankings.of(LABELS, frozenset({"hole", "tree"}))


def test_an_intent_has_the_chances_of_all_its_labels() -> None:
    ranking = RANKINGS.of_intents(np.array([0.35, 0.05, 0.1, 0.25, 0.2, 0.05], np.float32), 10)
    assert [one["name"] for one in ranking] == ["report", "greet", "out_of_scope"]
    assert [one["confidence"] for one in ranking] == pytest.approx([0.5, 0.35, 0.15])


def test_no_confidence_is_over_one_and_equals_keep_their_order() -> None:
    ranking = RANKINGS.of_intents(np.array([0, 0, 0, 0.5, 0.3, 0.2000001]), 3)
    assert [one["name"] for one in ranking] == ["report", "greet", "out_of_scope"]
    assert ranking[0]["confidence"] == 1.0


def test_only_offered_services_are_ranked_and_share_what_they_have() -> None:
    chances = np.array([0.2, 0, 0, 0.1, 0.4, 0.3], np.float32)
    ranking = RANKINGS.of_services(chances, 10)
    assert [one["code"] for one in ranking] == ["tree", "hole"]
    assert [one["confidence"] for one in ranking] == pytest.approx([0.75, 0.25])
    assert RANKINGS.likeliest_service(chances) == "lamp"


def test_a_ranking_is_cut() -> None:
    chances = np.array([0.1, 0.2, 0, 0.3, 0.1, 0.3])
    assert [one["name"] for one in RANKINGS.of_intents(chances, 1)] == ["report"]
    assert [one["code"] for one in RANKINGS.of_services(chances, 1)] == ["hole"]


def test_nonsense_is_one_label_and_no_other() -> None:
    assert RANKINGS.of_nonsense(np.array([0.1, 0.2, 0.3, 0.4, 0, 0])) == pytest.approx(0.3)


def test_labels_without_a_service() -> None:
    rankings = Rankings.of(["card_arrival", "top_up"], frozenset({"hole"}))
    chances = np.array([0.75, 0.25], np.float32)
    assert rankings.of_services(chances, 10) == []
    assert rankings.likeliest_service(chances) is None
    assert rankings.of_nonsense(chances) == 0.0
    assert [one["name"] for one in rankings.of_intents(chances, 10)] == ["card_arrival", "top_up"]
