"""The linear classifier, its features and its calibration, on small made-up data."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from city311.dialogue.nlu.calibration import chances_of, held_out, sharpness
from city311.dialogue.nlu.classifier import Classifier, Examples, fit, softmax
from city311.dialogue.nlu.features import Features, Rows

TEXTS = [f"{colour} {thing} number {n}" for n in range(6) for colour in ("red", "green") for thing in ("cat", "dog")]
LABELS = [f"{text.split()[0]}/{text.split()[1]}" for text in TEXTS]


def features_of(texts: list[str], layers: np.ndarray) -> Features:
    return Features.fit(texts, layers.shape[1:]).centred(layers)


def rows_of(features: Features, texts: list[str], layers: np.ndarray) -> Rows:
    return Rows(features.dense(features.directions(layers)), features.grams(texts))


@pytest.fixture
def vectors() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(len(TEXTS), 1, 8)).astype(np.float32)


def test_finds_the_optimum_that_another_solver_finds(vectors: np.ndarray) -> None:
    rows = rows_of(features_of(TEXTS, vectors), TEXTS, vectors)
    ours = fit(Examples.of(rows), LABELS, cost=2.0).classifier
    dense = np.hstack([rows.dense, rows.sparse.toarray()])
    theirs = LogisticRegression(C=2.0, max_iter=500).fit(dense, LABELS)
    assert np.allclose(ours.probabilities(ours.scores(rows)), theirs.predict_proba(dense), atol=0.02)


def test_a_start_from_a_part_ends_where_the_whole_does(vectors: np.ndarray) -> None:
    rows = rows_of(features_of(TEXTS, vectors), TEXTS, vectors)
    examples, part = Examples.of(rows), fit(Examples.of(rows[:16]), LABELS[:16])
    warm, cold = fit(examples, LABELS, start=part).classifier, fit(examples, LABELS).classifier
    assert np.allclose(
        warm.probabilities(warm.scores(examples.rows)), cold.probabilities(cold.scores(examples.rows)), atol=0.02
    )


def test_every_layer_can_have_a_weight_of_its_own(tmp_path: Path) -> None:
    layers = np.random.default_rng(0).normal(size=(len(TEXTS), 2, 8)).astype(np.float32)
    Features.fit(TEXTS, layers.shape[1:], (0.5, 2.0)).centred(layers).save(tmp_path)
    kept = Features.load(tmp_path)
    dense = kept.dense(kept.directions(layers)).reshape(len(TEXTS), 2, 8)
    assert np.allclose(np.linalg.norm(dense, axis=2), [0.5, 2.0], atol=1e-5)
    even = Features.fit(TEXTS, layers.shape[1:], 1.5).centred(layers)
    assert np.allclose(np.linalg.norm(even.dense(even.directions(layers)).reshape(-1, 8), axis=1), 1.5, atol=1e-5)


def test_products_of_rows_count_columns_that_few_share_and_those_that_many_share() -> None:
    texts = [*TEXTS, "quite another"]
    vectors = np.random.default_rng(0).normal(size=(len(texts), 1, 8)).astype(np.float32)
    rows = rows_of(features_of(texts, vectors), texts, vectors)
    dense = np.hstack([rows.dense, rows.sparse.toarray()])
    shared = (rows.sparse.toarray() != 0).mean(axis=0)
    assert shared.min() < 0.05 < shared.max()
    assert np.allclose(rows.gram(), np.tril(dense @ dense.T), atol=1e-5)


def test_one_message_scores_as_in_a_batch_and_after_storing(vectors: np.ndarray, tmp_path: Path) -> None:
    features = features_of(TEXTS, vectors)
    rows = rows_of(features, TEXTS, vectors)
    classifier = fit(Examples.of(rows), LABELS).classifier
    features.save(tmp_path)
    classifier.save(tmp_path, "c")
    kept_features, kept = Features.load(tmp_path), Classifier.load(tmp_path, "c")
    alone = kept.scores(rows_of(kept_features, TEXTS[3:4], vectors[3:4]))[0]
    assert np.allclose(alone, classifier.scores(rows)[3], atol=0.02)
    assert kept.labels == classifier.labels == tuple(sorted(set(LABELS)))


def test_unknown_words_are_no_features(vectors: np.ndarray) -> None:
    row = features_of(TEXTS, vectors).grams(["zzz"])
    assert row.shape[0] == 1
    assert row.nnz == 0


def test_words_and_characters_weigh_the_same(vectors: np.ndarray) -> None:
    features = features_of(TEXTS, vectors)
    rows = features.grams(["red cat", "zzz", "a red red cat"])
    for row in (rows[0], rows[2]):
        words = features.words(row)
        assert 0 < words.nnz < row.nnz
        assert np.isclose((words.data**2).sum(), 1, atol=1e-5)
        assert np.isclose((row.data**2).sum(), 2, atol=1e-5)
    alone = features.grams(["a red red cat"])
    assert abs(rows[2] - alone).max() < 1e-6


def test_case_digits_and_stretching_do_not_matter(vectors: np.ndarray) -> None:
    features = features_of(TEXTS, vectors)
    one, other = features.grams(["RED   cat NUMBER 7", "red cat number 3"])
    assert one.nnz
    assert list(one.indices) == list(other.indices)


def test_held_out_takes_a_fifth_of_every_label() -> None:
    labels = ["a"] * 20 + ["b"] * 10 + ["c"] * 3
    tried, added, check = held_out(labels)
    assert sorted(tried + check) == list(range(33))
    assert added == []
    assert [labels[index] for index in check].count("a") == 4
    assert [labels[index] for index in check].count("b") == 2
    assert "c" not in [labels[index] for index in check]


def test_of_many_examples_a_part_of_every_label_is_tried_first() -> None:
    labels = ["a"] * 4000 + ["b"] * 2000 + ["c"]
    tried, added, check = held_out(labels)
    assert sorted(tried + added + check) == list(range(6001))
    assert [[labels[index] for index in part].count("b") for part in (tried, added, check)] == [500, 1100, 400]
    assert [labels[index] for index in tried].count("c") == 1


def test_the_chance_of_the_truth() -> None:
    chances = np.array([[0.9, 0.1], [0.3, 0.7], [0.5, 0.5]])
    assert chances_of("ab", chances, ["a", "a", "z"]).tolist() == [0.9, 0.3, 0.0]


def test_sharpness_corrects_overconfidence() -> None:
    chance = np.random.default_rng(1)
    truth = chance.normal(size=(4000, 3))
    labels = ["abc"[chance.choice(3, p=row)] for row in softmax(truth)]
    assert sharpness("abc", truth * 4, labels) == pytest.approx(0.25, rel=0.15)
    assert sharpness("abc", truth[:0], []) == 1.0
