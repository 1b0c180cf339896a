"""A message as numbers: what several layers of the encoder say, beside weighted word and character n-grams."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse
from scipy.linalg.blas import ssyrk

from city311.language.normalise import normalise

_WORD = re.compile(r"[^\W_]+(?:'[a-z]+)?|[^\w\s]")
_WORDS_UP_TO = 2
_CHARACTERS = range(2, 6)
_OFTEN = 0.04
_AT_ONCE = 1000


def word_grams(text: str) -> Iterator[str]:
    """Words and pairs of words of a normalised text."""
    words = _WORD.findall(text)
    for size in range(1, _WORDS_UP_TO + 1):
        for start in range(len(words) - size + 1):
            yield " ".join(words[start : start + size])


def character_grams(text: str) -> Iterator[str]:
    """Strings of 2 to 5 characters within the words of a normalised text; a space marks a word's edge."""
    for word in text.split():
        padded = f" {word} "
        for size in _CHARACTERS:
            if len(padded) <= size:
                yield padded
                break
            for start in range(len(padded) - size + 1):
                yield padded[start : start + size]


_GRAMS = (word_grams, character_grams)


@dataclass(frozen=True)
class Rows:
    """Features of several texts, dense columns first, then sparse ones."""

    dense: Any
    sparse: Any

    def __getitem__(self, chosen: Any) -> Rows:
        """Some of the rows."""
        return Rows(self.dense[chosen], self.sparse[chosen])

    def gram(self) -> Any:
        """Products of every row with every row, float32 ``(rows, rows)``: the lower triangle, and some of the other."""
        # A column that many rows share is quicker as a dense one.
        often = np.bincount(self.sparse.indices, minlength=self.sparse.shape[1]) > _OFTEN * len(self.dense)
        dense = np.concatenate([self.dense, self.sparse[:, often].toarray()], axis=1)
        products = ssyrk(1.0, dense.T, trans=1, lower=1)
        rare = self.sparse[:, ~often]
        for start in range(0, len(dense), _AT_ONCE):  # of what is above the diagonal, little is made
            some = rare[start : start + _AT_ONCE]
            products[start:, start : start + _AT_ONCE] += (rare[start:] @ some.T).toarray(order="F")
        return products

    def times(self, weights: Any) -> Any:
        """The rows times ``weights`` (``(columns, …)``)."""
        split = self.dense.shape[1]
        return self.dense @ weights[:split] + self.sparse @ weights[split:]

    def turned_times(self, shares: Any) -> Any:
        """The transposed rows times ``shares`` (``(rows, …)``)."""
        return np.concatenate([self.dense.T @ shares, self.sparse.T @ shares])


@dataclass(frozen=True)
class Features:
    """Turns texts and what the encoder says of them into rows of features.

    A row is ``[layers × vector_weight, words, characters]``. Each layer's mean is centred on the examples and of length
    1; the two n-gram blocks are tf-idf (1 + log tf) of length 1.

    Attributes:
        centre: mean of each layer over the examples, ``(layers, dimensions)``.
        vector_weight: how much each layer counts against the n-grams: one number for all, or one a layer.
        columns: per block, n-gram → column.
        weights: inverse document frequency of every column after the vector's.
    """

    centre: Any
    vector_weight: float | Sequence[float]
    columns: tuple[dict[str, int], ...]
    weights: Any

    @property
    def dimensions(self) -> int:
        """Number of dense columns."""
        return int(self.centre.size)

    @property
    def width(self) -> int:
        """Number of columns."""
        return self.dimensions + len(self.weights)

    @classmethod
    def fit(
        cls, texts: Sequence[str], shape: tuple[int, int], vector_weight: float | Sequence[float] = 0.9
    ) -> Features:
        """Learn the n-grams of ``texts``: every word gram, and every character gram seen twice.

        Args:
            texts: the examples.
            shape: how many layers there will be, and their dimensions.
            vector_weight: see the class.
        """
        centre = np.zeros(shape, np.float32)
        dimensions = int(centre.size)
        normalised = [normalise(text) for text in texts]
        columns: list[dict[str, int]] = []
        weights: list[float] = []
        for grams, at_least in zip(_GRAMS, (1, 2), strict=True):
            seen = Counter(gram for text in normalised for gram in set(grams(text)))
            kept = sorted(gram for gram, count in seen.items() if count >= at_least)
            columns.append({gram: dimensions + len(weights) + index for index, gram in enumerate(kept)})
            weights.extend(math.log((1 + len(texts)) / (1 + seen[gram])) + 1 for gram in kept)
        return cls(centre, vector_weight, tuple(columns), np.array(weights, np.float32))

    def centred(self, layers: Any) -> Features:
        """The same, with the centre of the examples' ``layers`` (``(texts, layers, dimensions)``)."""
        return replace(self, centre=np.asarray(layers, np.float32).mean(axis=0))

    def directions(self, layers: Any) -> Any:
        """``layers`` (``(texts, layers, dimensions)``) centred, and each of length 1."""
        moved = np.asarray(layers, np.float32) - self.centre
        return moved / np.maximum(np.linalg.norm(moved, axis=2, keepdims=True), 1e-6)

    def dense(self, directions: Any) -> Any:
        """The dense columns of texts, from their :meth:`directions`."""
        weights = np.asarray(self.vector_weight, np.float32).reshape(-1, 1)
        return (directions * weights).reshape(len(directions), -1)

    def grams(self, texts: Sequence[str]) -> Any:
        """The n-gram columns of ``texts``, sparse."""
        columns: list[int] = []
        lengths: list[int] = []
        for text in texts:
            normalised = normalise(text)
            for grams, known in zip(_GRAMS, self.columns, strict=True):
                # Grams that no example had fall out; column 0 is none of theirs, the vectors come first.
                found = list(filter(None, map(known.get, grams(normalised))))
                columns += found
                lengths.append(len(found))
        blocks, width = len(_GRAMS), len(self.weights)
        of_block = np.repeat(np.arange(len(lengths)), lengths)
        places, counts = np.unique(of_block * width + np.array(columns, np.int64) - self.dimensions, return_counts=True)
        of_block, kept = np.divmod(places, width)
        values = self.weights[kept] * (1 + np.log(counts))
        values /= np.sqrt(np.bincount(of_block, values * values, len(lengths)))[of_block]
        starts = np.concatenate([[0], np.cumsum(np.bincount(of_block // blocks, minlength=len(texts)))])
        return sparse.csr_matrix((values.astype(np.float32), kept, starts), shape=(len(texts), width))

    def words(self, grams: Any) -> Any:
        """Those of the n-gram columns that are words and pairs of words."""
        return grams[:, : len(self.columns[0])]

    def save(self, folder: Path) -> None:
        """Write ``features.json`` and ``features.npz`` into ``folder``."""
        content = {
            "vector_weight": self.vector_weight,
            "grams": [list(block) for block in self.columns],
        }
        (folder / "features.json").write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
        np.savez_compressed(folder / "features.npz", weights=self.weights, centre=self.centre)

    @classmethod
    def load(cls, folder: Path) -> Features:
        """Read what :meth:`save` wrote."""
        content = json.loads((folder / "features.json").read_text(encoding="utf-8"))
        with np.load(folder / "features.npz", allow_pickle=False) as arrays:
            weights, centre = arrays["weights"], arrays["centre"]
        columns = []
        start = int(centre.size)
        for grams in content["grams"]:
            columns.append({gram: start + index for index, gram in enumerate(grams)})
            start += len(grams)
        return cls(centre, content["vector_weight"], tuple(columns), weights)
