"""A small neural network that gives every word of a sentence a tag: a convolution, then a linear chain of tags.

It sees a word as a vector (what a sentence encoder makes of it) and as a set of plain features, and its neighbours on
both sides. Nearly all of its work is dense products; 20,000 sentences take half a minute of two processors.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from city311.language.batches import of_like_length
from city311.settings import HOUSE

_HIDDEN, _WIDE = 64, 96
_REACH = 4
"""Words to each side that a word is seen with."""
_EPOCHS = 6
_LEAST_STEPS = 300
"""Few sentences are learnt more often."""
_BATCH = 128
_RATE = 3e-3
_WARM_UP = 0.3
_DROPPED = 0.25
_DROPPED_FEATURES = 0.2
_TAKEN_UNTAGGED = 0.7
"""Share of the sentences with no tag but 0 that is learnt in each round: there is less to learn from them."""
_SAMPLE = 20_000
"""Words from which the spread of the vectors is taken."""
_SMALLEST = np.float32(1e-4)
_TRAINED = "tagger.npz"
_POOL = 20
"""Batches among which sentences of like length are put together."""


@dataclass(frozen=True)
class Sentences:
    """Sentences one after the other.

    Attributes:
        vectors: ``(words, width)``.
        features: ``(words, features)``: numbers of each word's features, 0 where it has fewer.
        starts: ``(sentences + 1,)``: where each begins, and where the last one ends.
    """

    vectors: Any
    features: Any
    starts: Any


@dataclass(frozen=True)
class Tagger:
    """A trained network, as arrays of float32.

    Attributes:
        first: ``(width, hidden)``, from vectors.
        rows: ``(features, hidden)``, from features; row 0 is zero.
        first_bias: ``(hidden,)``.
        second: ``(neighbours, hidden, wide)``, the convolution.
        second_bias: ``(wide,)``.
        third: ``(wide, tags)``.
        third_bias: ``(tags,)``.
        follows: ``(tags, tags)``: how well one tag follows another.
        begins: ``(tags,)``: how well a sentence begins with it.
    """

    first: Any
    rows: Any
    first_bias: Any
    second: Any
    second_bias: Any
    third: Any
    third_bias: Any
    follows: Any
    begins: Any

    def marginals(self, vectors: Any, features: Any) -> Any:
        """The chance of every tag at every word of one sentence: ``(words, tags)``."""
        hidden = np.maximum(vectors @ self.first + self.rows[features].sum(axis=1) + self.first_bias, 0)
        wide = np.maximum(_convolved(hidden[None], self.second)[0] + self.second_bias, 0)
        scores = wide @ self.third + self.third_bias
        chances, _, _ = _chain(scores[None], np.array([len(scores)]), self.follows, self.begins)
        return chances[0]

    def save(self, path: Path) -> None:
        """Write it to ``path`` (npz) as 16-bit floats."""
        np.savez_compressed(path, **{one.name: getattr(self, one.name).astype(np.float16) for one in fields(self)})

    @classmethod
    def load(cls, path: Path) -> Tagger:
        """Read what :meth:`save` wrote."""
        with np.load(path, allow_pickle=False) as arrays:
            return cls(**{one.name: arrays[one.name].astype(np.float32) for one in fields(cls)})


def train(
    sentences: Sentences, tags: Any, feature_count: int, tag_count: int, other: Any = None, other_share: float = 0.0
) -> Tagger:
    """A network that gives ``tags`` to ``sentences``.

    Args:
        sentences: what to learn from.
        tags: ``(words,)``: number of each word's tag.
        feature_count: how many features there are, with number 0, which is none.
        tag_count: how many tags there are.
        other: the features as they would be if a sentence were written in another way (without capitals).
        other_share: in so many of the times that a sentence is learnt, ``other`` are its features.
    """
    random = np.random.default_rng(311)
    width = sentences.vectors.shape[1]
    some = sentences.vectors[:: max(1, len(sentences.vectors) // _SAMPLE)].astype(np.float32)
    middle, spread = some.mean(axis=0), np.maximum(some.std(axis=0), _SMALLEST)
    near = 2 * _REACH + 1
    shapes = {
        "first": (width, _HIDDEN),
        "rows": (feature_count, _HIDDEN),
        "first_bias": (_HIDDEN,),
        "second": (near, _HIDDEN, _WIDE),
        "second_bias": (_WIDE,),
        "third": (_WIDE, tag_count),
        "third_bias": (tag_count,),
        "follows": (tag_count, tag_count),
        "begins": (tag_count,),
    }
    inputs = {"first": width, "rows": width, "second": near * _HIDDEN, "third": _WIDE}
    weights = {
        name: (random.uniform(-1, 1, shape) / np.sqrt(inputs[name])).astype(np.float32)
        if name in inputs
        else np.zeros(shape, np.float32)
        for name, shape in shapes.items()
    }
    weights["rows"][0] = 0
    search = _Adam(weights)
    lengths = np.diff(sentences.starts)
    tagged = np.diff(np.concatenate([[0], np.cumsum(tags != 0)])[sentences.starts]) > 0
    a_round = np.where(tagged, 1, _TAKEN_UNTAGGED)[lengths > 0].sum() / _BATCH
    epochs = max(_EPOCHS, int(np.ceil(_LEAST_STEPS / max(a_round, 1))))
    batches = [batch for _ in range(epochs) for batch in _batches(lengths, tagged, random)]
    for step, chosen in enumerate(batches):
        batch = _Batch.of(sentences, tags, chosen, random, feature_count, other, other_share)
        vectors = (sentences.vectors[batch.words] - middle) / spread
        slopes = _slopes(Tagger(**weights), batch, vectors, random)
        search.step(slopes, _RATE * _one_cycle(step / len(batches)))
    weights["first"] /= spread[:, None]
    weights["first_bias"] -= middle @ weights["first"]
    return Tagger(**weights)


def train_beside(
    sentences: Sentences, tags: Any, feature_count: int, tag_count: int, other: Any = None, other_share: float = 0.0
) -> Tagger:
    """As :func:`train`, in a process of its own and on one processor, so that it and what goes on here meanwhile do not
    wait for each other's threads.

    Raises:
        subprocess.CalledProcessError: it failed; what it said is on stderr.
    """
    arrays = {"vectors": sentences.vectors, "features": sentences.features, "starts": sentences.starts, "tags": tags}
    if other is not None:
        arrays["other"] = other
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for array, values in arrays.items():
            np.save(folder / f"{array}.npy", values)
        numbers = [str(feature_count), str(tag_count), str(other_share)]
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
        command = [sys.executable, "-m", __name__, name, *numbers]
        subprocess.run(command, check=True, cwd=HOUSE, env=environment)
        return Tagger.load(folder / _TRAINED)


def _train_from(folder: Path, feature_count: int, tag_count: int, other_share: float) -> None:
    arrays = {path.stem: np.load(path, mmap_mode="r") for path in folder.glob("*.npy")}
    sentences = Sentences(arrays["vectors"], arrays["features"], arrays["starts"])
    trained = train(sentences, arrays["tags"], feature_count, tag_count, arrays.get("other"), other_share)
    trained.save(folder / _TRAINED)


def _one_cycle(done: float) -> float:
    """How fast to learn when so much is ``done``: slowly at first, slower and slower in the end."""
    rising = done / _WARM_UP
    return (
        float(0.5 * (1 - np.cos(np.pi * rising)) * 0.96 + 0.04)
        if rising < 1
        else float(0.5 * (1 + np.cos(np.pi * (done - _WARM_UP) / (1 - _WARM_UP))))
    )


def _batches(lengths: Any, tagged: Any, random: np.random.Generator) -> Iterator[Any]:
    """Every sentence once, those of a like length together; of those with no tag but 0, some."""
    taken = tagged | (random.random(len(lengths)) < _TAKEN_UNTAGGED)
    return of_like_length(np.flatnonzero((lengths > 0) & taken), lengths, _BATCH, _POOL, random)


@dataclass(frozen=True)
class _Batch:
    """Sentences to learn from at once: ``there`` says which words of ``(sentences, longest)`` there are, ``words``
    where they are among all, ``features`` which they have (``(words, features)``, sparse)."""

    lengths: Any
    there: Any
    words: Any
    features: Any
    tags: Any

    @classmethod
    def of(
        cls,
        sentences: Sentences,
        tags: Any,
        chosen: Any,
        random: np.random.Generator,
        count: int,
        other: Any,
        other_share: float,
    ) -> _Batch:
        """The ``chosen`` ones, with some of their features left out."""
        starts = sentences.starts[chosen]
        lengths = sentences.starts[chosen + 1] - starts
        places = np.arange(lengths.max())
        there = places < lengths[:, None]
        words = (starts[:, None] + places)[there]
        numbers = sentences.features[words]
        if other is not None:
            written_so = np.repeat(random.random(len(chosen)) < other_share, lengths)
            numbers = np.where(written_so[:, None], other[words], numbers)
        has = (numbers > 0) & (random.random(numbers.shape, np.float32) >= _DROPPED_FEATURES)
        ends = np.concatenate([[0], np.cumsum(has.sum(axis=1))])
        ones = np.ones(int(ends[-1]), np.float32)
        features = sparse.csr_matrix((ones, numbers[has], ends), (len(words), count))
        own = np.zeros(there.shape, np.int64)
        own[there] = tags[words]
        return cls(lengths, there, words, features, own)


def _slopes(network: Tagger, batch: _Batch, vectors: Any, random: np.random.Generator) -> dict[str, Any]:
    """How the loss of a batch changes with each weight. ``vectors``: of its words."""
    lengths, there, features, tags = batch.lengths, batch.there, batch.features, batch.tags

    def kept(shape: tuple[int, ...]) -> Any:
        return (random.random(shape, np.float32) >= _DROPPED).astype(np.float32) / np.float32(1 - _DROPPED)

    # Forwards. What is not there stays zero, so that nothing is seen beyond a sentence's ends.
    before = vectors @ network.first
    before += features @ network.rows
    before += network.first_bias
    alive_1 = kept(before.shape) * (before > 0)
    hidden = np.zeros((*there.shape, _HIDDEN), np.float32)
    hidden[there] = before * alive_1
    wide = _convolved(hidden, network.second)
    wide += network.second_bias
    alive_2 = kept(wide.shape) * (wide > 0)
    alive_2 *= there[:, :, None]
    wide *= alive_2
    scores = wide @ network.third
    scores += network.third_bias

    # And back.
    chances, pairs, first = _chain(scores, lengths, network.follows, network.begins)
    count = np.float32(len(vectors))
    onto = chances
    onto[(*np.nonzero(there), tags[there])] -= 1
    onto[~there] = 0
    onto /= count
    both = there[:, 1:]
    np.subtract.at(pairs, (tags[:, :-1][both], tags[:, 1:][both]), 1)
    np.subtract.at(first, tags[:, 0], 1)
    onto_wide = onto @ network.third.T
    onto_wide *= alive_2
    second, onto_hidden = _convolved_back(hidden, network.second, onto_wide)
    onto_first = onto_hidden[there] * alive_1
    return {
        "first": vectors.T @ onto_first,
        "rows": features.T @ onto_first,
        "first_bias": onto_first.sum(axis=0),
        "second": second,
        "second_bias": onto_wide.sum(axis=(0, 1)),
        "third": wide.reshape(-1, _WIDE).T @ onto.reshape(-1, len(first)),
        "third_bias": onto.sum(axis=(0, 1)),
        "follows": pairs / count,
        "begins": first / count,
    }


def _convolved(values: Any, weights: Any) -> Any:
    """Every word's ``values`` (``(sentences, words, in)``) and its neighbours' times ``weights``
    (``(neighbours, in, out)``), summed."""
    count, longest, _ = values.shape
    neighbours, inner, outer = weights.shape
    reach = neighbours // 2
    products = values.reshape(-1, inner) @ weights.transpose(1, 0, 2).reshape(inner, -1)
    products = products.reshape(count, longest, neighbours, outer)
    result = products[:, :, reach].copy()
    for offset in range(1, min(reach, longest - 1) + 1):
        result[:, :-offset] += products[:, offset:, reach + offset]
        result[:, offset:] += products[:, :-offset, reach - offset]
    return result


def _convolved_back(values: Any, weights: Any, onto: Any) -> tuple[Any, Any]:
    """Of :func:`_convolved`: what a change ``onto`` its result (``(sentences, words, out)``) means for weights and
    values."""
    count, longest, inner = values.shape
    neighbours, _, outer = weights.shape
    reach = neighbours // 2
    moved = np.zeros((count, longest, neighbours, outer), np.float32)
    moved[:, :, reach] = onto
    for offset in range(1, min(reach, longest - 1) + 1):
        moved[:, offset:, reach + offset] = onto[:, :-offset]
        moved[:, :-offset, reach - offset] = onto[:, offset:]
    flat = moved.reshape(-1, neighbours * outer)
    of_weights = values.reshape(-1, inner).T @ flat
    of_values = flat @ weights.transpose(0, 2, 1).reshape(-1, inner)
    return of_weights.reshape(inner, neighbours, outer).transpose(1, 0, 2), of_values.reshape(values.shape)


def _chain(scores: Any, lengths: Any, follows: Any, begins: Any) -> tuple[Any, Any, Any]:
    """A linear chain of tags.

    Args:
        scores: ``(sentences, words, tags)``; what is beyond a sentence's end is not looked at.
        lengths: ``(sentences,)``.
        follows: scores of one tag after another.
        begins: scores of a sentence's first tag.

    Returns:
        The chance of every tag at every word; how often each tag is expected after each other one; how often each
        is expected first.
    """
    count, longest, tags = scores.shape
    powers = np.exp(scores - scores.max(axis=2, keepdims=True))
    pairs = np.exp(follows)
    forward = np.empty_like(powers)
    backward = np.ones_like(powers)
    state = powers[:, 0] * np.exp(begins)
    forward[:, 0] = state = state / state.sum(axis=1, keepdims=True)
    for at in range(1, longest):
        state = (state @ pairs) * powers[:, at]
        state /= state.sum(axis=1, keepdims=True)
        forward[:, at] = state
    state = np.ones((count, tags), scores.dtype)
    goes_on = np.arange(longest) < lengths[:, None]
    for at in range(longest - 2, -1, -1):
        further = (state * powers[:, at + 1]) @ pairs.T
        further /= further.sum(axis=1, keepdims=True)
        state = np.where(goes_on[:, at + 1, None], further, state)
        backward[:, at] = state
    chances = forward * backward
    chances /= chances.sum(axis=2, keepdims=True)
    after = backward * powers
    joint = forward[:, :-1, :, None] * pairs * after[:, 1:, None, :]
    joint /= np.maximum(joint.sum(axis=(2, 3), keepdims=True), np.float32(1e-30))
    joint *= goes_on[:, 1:, None, None]
    return chances, joint.sum(axis=(0, 1)), chances[:, 0].sum(axis=0)


class _Adam:
    """Adam (Kingma and Ba 2015): every weight moves by its mean slope, divided by its usual size."""

    _MEAN, _SIZE, _LEAST = 0.9, 0.999, 1e-8

    def __init__(self, weights: dict[str, Any]) -> None:
        self._weights = weights
        self._means = {name: np.zeros_like(value) for name, value in weights.items()}
        self._sizes = {name: np.zeros_like(value) for name, value in weights.items()}
        self._steps = 0

    def step(self, slopes: dict[str, Any], rate: float) -> None:
        """Move every weight against its slope, in place."""
        self._steps += 1
        rate *= float(np.sqrt(1 - self._SIZE**self._steps) / (1 - self._MEAN**self._steps))
        for name, slope in slopes.items():
            mean, size = self._means[name], self._sizes[name]
            mean *= self._MEAN
            mean += (1 - self._MEAN) * slope
            size *= self._SIZE
            size += (1 - self._SIZE) * np.square(slope)
            self._weights[name] -= np.float32(rate) * mean / (np.sqrt(size) + self._LEAST)


if __name__ == "__main__":
    _train_from(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]))
