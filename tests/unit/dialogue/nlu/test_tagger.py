"""The network that tags words: its slopes are right, and it learns what a tag depends on."""

from __future__ import annotations

import subprocess
from dataclasses import fields
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from city311.language import tagger
from city311.language.tagger import Sentences, Tagger

WIDTH, FEATURES, TAGS = 5, 7, 3


def made(random: np.random.Generator, lengths: list[int]) -> Sentences:
    words = sum(lengths)
    vectors = random.normal(size=(words, WIDTH)).astype(np.float32)
    return Sentences(vectors, random.integers(0, FEATURES, (words, 2)), np.cumsum([0, *lengths]))


def some_network(random: np.random.Generator) -> Tagger:
    shapes = [(WIDTH, 4), (FEATURES, 4), (4,), (9, 4, 6), (6,), (6, TAGS), (TAGS,), (TAGS, TAGS), (TAGS,)]
    arrays = [random.normal(size=shape) for shape in shapes]
    arrays[1][0] = 0
    return Tagger(*arrays)


def by_hand(scores: Any, follows: Any, begins: Any) -> tuple[Any, float]:
    """Marginals and the sum over all sequences of tags, each by itself."""
    marginals, total = np.zeros_like(scores), 0.0
    for tags in product(range(TAGS), repeat=len(scores)):
        score = begins[tags[0]] + sum(scores[at, tag] for at, tag in enumerate(tags))
        score += sum(follows[one, next_one] for one, next_one in pairwise(tags))
        total += np.exp(score)
        marginals[np.arange(len(tags)), list(tags)] += np.exp(score)
    return marginals / total, total


def test_the_chain_says_what_all_sequences_together_say() -> None:
    random = np.random.default_rng(1)
    scores, follows, begins = (
        random.normal(size=(2, 4, TAGS)),
        random.normal(size=(TAGS, TAGS)),
        random.normal(size=TAGS),
    )
    chances, pairs, first = tagger._chain(scores, np.array([4, 2]), follows, begins)
    whole, part = by_hand(scores[0], follows, begins)[0], by_hand(scores[1, :2], follows, begins)[0]
    assert np.allclose(chances[0], whole)
    assert np.allclose(chances[1, :2], part)
    assert np.allclose(first, whole[0] + part[0])
    assert np.isclose(pairs.sum(), 3 + 1)
    assert np.allclose(pairs.sum(axis=1), whole[:3].sum(axis=0) + part[0])


def test_slopes_are_those_of_the_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tagger, "_DROPPED", 0.0)
    monkeypatch.setattr(tagger, "_DROPPED_FEATURES", 0.0)
    monkeypatch.setattr(tagger, "_HIDDEN", 4)
    monkeypatch.setattr(tagger, "_WIDE", 6)
    random = np.random.default_rng(2)
    sentences, network = made(random, [3, 1, 4]), some_network(random)
    tags = random.integers(0, TAGS, 8)

    def loss(one: Tagger) -> float:
        value = 0.0
        for start, end in zip(sentences.starts, sentences.starts[1:], strict=False):
            hidden = sentences.vectors[start:end] @ one.first + one.rows[sentences.features[start:end]].sum(axis=1)
            hidden = np.maximum(hidden + one.first_bias, 0)
            wide = np.maximum(tagger._convolved(hidden[None], one.second)[0] + one.second_bias, 0)
            scores = wide @ one.third + one.third_bias
            own = tags[start:end]
            said = one.begins[own[0]] + scores[np.arange(len(own)), own].sum() + one.follows[own[:-1], own[1:]].sum()
            value += np.log(by_hand(scores, one.follows, one.begins)[1]) - said
        return value / len(tags)

    batch = tagger._Batch.of(sentences, tags, np.arange(3), random, FEATURES, None, 0.0)
    slopes = tagger._slopes(network, batch, sentences.vectors[batch.words], random)
    for one in fields(Tagger):
        array = getattr(network, one.name)
        for _ in range(6):
            at = tuple(
                int(random.integers(1 if one.name == "rows" and axis == 0 else 0, size))
                for axis, size in enumerate(array.shape)
            )
            kept = array[at]
            array[at] = kept + 1e-4
            above = loss(network)
            array[at] = kept - 1e-4
            below = loss(network)
            array[at] = kept
            assert np.isclose(slopes[one.name][at], (above - below) / 2e-4, atol=2e-3), (one.name, at)


def neighbourly(random: np.random.Generator, count: int) -> tuple[Sentences, Any]:
    """The tag of a word is 1 where the word before it has feature 3, and 2 after a 1."""
    sentences = made(random, random.integers(2, 9, count).tolist())
    tags = np.zeros(len(sentences.vectors), np.int64)
    for start, end in zip(sentences.starts, sentences.starts[1:], strict=False):
        for at in range(start + 1, end):
            tags[at] = 1 if 3 in sentences.features[at - 1] else 2 if tags[at - 1] == 1 else 0
    return sentences, tags


@pytest.mark.parametrize("learn", [tagger.train, tagger.train_beside])
def test_it_learns_what_a_tag_depends_on(learn: Any, tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    network = learn(*neighbourly(random, 400), FEATURES, TAGS)
    network.save(tmp_path / "tagger.npz")
    network = Tagger.load(tmp_path / "tagger.npz")
    unseen, tags = neighbourly(random, 100)
    spans = zip(unseen.starts, unseen.starts[1:], strict=False)
    chances = [network.marginals(unseen.vectors[start:end], unseen.features[start:end]) for start, end in spans]
    assert (np.concatenate(chances).argmax(axis=1) == tags).mean() > 0.95
    assert np.allclose(np.concatenate(chances).sum(axis=1), 1, atol=1e-4)


def test_it_learns_two_ways_of_writing() -> None:
    random = np.random.default_rng(4)
    sentences, tags = neighbourly(random, 400)
    other = np.where(sentences.features == 3, 5, sentences.features)
    network = tagger.train(sentences, tags, FEATURES, TAGS, other, 0.5)
    start, end = next(
        (one, end)
        for one, end in zip(sentences.starts, sentences.starts[1:], strict=False)
        if 1 in tags[one:end] and not (sentences.features[one:end] == 5).any()
    )
    for features in (sentences.features, other):
        chances = network.marginals(sentences.vectors[start:end], features[start:end])
        assert chances[tags[start:end] == 1][:, 1].min() > 0.5


def test_what_fails_beside_is_an_error() -> None:
    sentences = Sentences(np.zeros((2, WIDTH), np.float32), np.ones((2, 1), np.int64), np.array([0, 2]))
    with pytest.raises(subprocess.CalledProcessError):
        tagger.train_beside(sentences, np.zeros(1, np.int64), FEATURES, TAGS)  # a tag is missing
