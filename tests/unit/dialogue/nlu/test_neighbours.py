"""What the nearest examples are labelled, among few and among many."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import sparse

from city311.dialogue.nlu.neighbours import Neighbours, Views

LABELS = ("pothole", "light", "trash")


def examples(count: int, seed: int = 0) -> tuple[Views, list[str]]:
    """Unit vectors around one middle a label, in 384 directions as the encoder's, and five words of fifty each."""
    chance = np.random.default_rng(seed)
    middles = np.random.default_rng(1).normal(size=(len(LABELS), 384))
    labels = [LABELS[index % len(LABELS)] for index in range(count)]
    noise = chance.normal(size=(count, 384)) * np.exp(
        -np.arange(384) / 40
    )  # as with sentences, few directions say most
    vectors = np.array([middles[LABELS.index(label)] for label in labels]) * 0.3 + noise
    gist = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    words = np.zeros((count, 50), np.float32)
    for row, label in zip(words, labels, strict=True):
        row[LABELS.index(label) * 12 + chance.integers(0, 24, 5)] = 1
    words /= np.linalg.norm(words, axis=1, keepdims=True)
    return Views(gist, np.roll(gist, 1, axis=1), sparse.csr_matrix(words)), labels


def by_looking_at_all(known: Views, labels: list[str], asked: Views) -> list[float]:
    """Shares as they are defined."""
    words = (known.words @ asked.words.T).toarray()[:, 0]
    alike = (known.gist @ asked.gist[0] + known.wording @ asked.wording[0] + words) / 3
    nearest = np.argsort(-alike)[:20]
    weights = np.exp(20.0 * (alike[nearest] - 1))
    return [
        float(sum(weight for weight, index in zip(weights, nearest, strict=True) if labels[index] == label))
        / float(weights.sum())
        for label in LABELS
    ]


@pytest.mark.parametrize("count", [1, 7, 300, 5000])
def test_shares_are_those_of_the_nearest(count: int) -> None:
    views, labels = examples(count)
    asked, _ = examples(60, seed=5)
    shares = Neighbours.of(views, labels, LABELS).shares(asked)
    assert np.allclose(shares.sum(axis=1), 1, atol=1e-4)
    expected = np.array([by_looking_at_all(views, labels, asked[row : row + 1]) for row in range(60)])
    exact = count <= 2000
    assert np.abs(shares - expected).max() < (1e-4 if exact else 0.15)
    assert np.abs(shares - expected).mean() < (1e-5 if exact else 0.01)


def test_what_is_kept_says_the_same(tmp_path: Any) -> None:
    views, labels = examples(3000)
    asked, _ = examples(20, seed=6)
    known = Neighbours.of(views, labels, LABELS)
    known.save(tmp_path)
    assert np.abs(Neighbours.load(tmp_path).shares(asked) - known.shares(asked)).max() < 0.1


def test_what_is_out_of_scope_is_not_near() -> None:
    views, labels = examples(30)
    known = Neighbours.of(
        views,
        ["out_of_scope" if label == "trash" else label for label in labels],
        ("light", "out_of_scope", "pothole"),
    )
    trash = views.gist[labels.index("trash")]
    assert known.nearness(trash) < float(trash @ trash) - 0.01
    assert known.nearness(views.gist[0]) > known.nearness(trash)


def test_gist_alone_can_be_what_is_alike() -> None:
    views, labels = examples(300)
    asked, _ = examples(20, seed=7)
    other = Views(views.gist, -views.wording, views.words * 0)
    shares = [Neighbours.of(each, labels, LABELS, (1, 0, 0)).shares(asked) for each in (views, other)]
    assert np.allclose(*shares, atol=1e-6)
    assert np.abs(Neighbours.of(other, labels, LABELS).shares(asked) - shares[0]).max() > 0.1
