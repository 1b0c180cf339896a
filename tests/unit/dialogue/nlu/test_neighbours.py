"""What the nearest examples are labelled, among few and among many."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from city311.dialogue.nlu.neighbours import Neighbours

LABELS = ("pothole", "light", "trash")


def examples(count: int, seed: int = 0) -> tuple[Any, list[str]]:
    """Unit vectors around one middle a label, in 384 directions as the encoder's."""
    chance = np.random.default_rng(seed)
    middles = np.random.default_rng(1).normal(size=(len(LABELS), 384))
    labels = [LABELS[index % len(LABELS)] for index in range(count)]
    noise = chance.normal(size=(count, 384)) * np.exp(
        -np.arange(384) / 40
    )  # as with sentences, few directions say most
    vectors = np.array([middles[LABELS.index(label)] for label in labels]) * 0.3 + noise
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), labels


def by_looking_at_all(known: Any, labels: list[str], vector: Any) -> list[float]:
    """Shares as they are defined."""
    alike = known @ vector
    nearest = np.argsort(-alike)[:20]
    weights = np.exp(20.0 * (alike[nearest] - 1))
    return [
        float(sum(weight for weight, index in zip(weights, nearest, strict=True) if labels[index] == label))
        / float(weights.sum())
        for label in LABELS
    ]


@pytest.mark.parametrize("count", [1, 7, 300, 5000])
def test_shares_are_those_of_the_nearest(count: int) -> None:
    vectors, labels = examples(count)
    asked, _ = examples(60, seed=5)
    shares = Neighbours.of(vectors, labels, LABELS).shares(asked)
    assert np.allclose(shares.sum(axis=1), 1, atol=1e-4)
    expected = np.array([by_looking_at_all(vectors, labels, vector) for vector in asked])
    exact = count <= 2000
    assert np.abs(shares - expected).max() < (1e-4 if exact else 0.15)
    assert np.abs(shares - expected).mean() < (1e-5 if exact else 0.01)


def test_what_is_kept_says_the_same(tmp_path: Any) -> None:
    vectors, labels = examples(3000)
    asked, _ = examples(20, seed=6)
    known = Neighbours.of(vectors, labels, LABELS)
    known.save(tmp_path)
    assert np.abs(Neighbours.load(tmp_path).shares(asked) - known.shares(asked)).max() < 0.1


def test_what_is_out_of_scope_is_not_near() -> None:
    vectors, labels = examples(30)
    known = Neighbours.of(
        vectors,
        ["out_of_scope" if label == "trash" else label for label in labels],
        ("light", "out_of_scope", "pothole"),
    )
    trash = vectors[labels.index("trash")]
    assert known.nearness(trash) < float(trash @ trash) - 0.01
    assert known.nearness(vectors[0]) > known.nearness(trash)
