"""What the nearest examples are labelled: a second opinion that helps where a label has several ways of speaking.

Near is what is alike in gist, in wording and in words: two sentences may speak of the same matter, one of them in
earnest and the other not.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from city311.dialogue.nlu.labels import OUT_OF_SCOPE, intent_of
from city311.language.eight_bits import packed

_NEAREST = 20
_SHARPNESS = 20.0
_NEAREST_IN_SCOPE = 5
_DIRECTIONS = 64
_LOOKED_AT = 200
_TOGETHER = 32
_FEW = 2000
"""Up to so many examples are all looked at."""


@dataclass(frozen=True)
class Views:
    """Texts, each seen in three ways; every row is of length 1 (or nothing), so that products say how alike two are.

    Attributes:
        gist: sentence vectors, ``(texts, dimensions)``.
        wording: an earlier layer of the encoder, centred, ``(texts, dimensions)``.
        words: weighted words and pairs of words, sparse, ``(texts, columns)``. Of texts that are compared with
            examples, columns that these have not are not looked at.
    """

    gist: Any
    wording: Any
    words: Any

    def __len__(self) -> int:
        return len(self.gist)

    def __getitem__(self, chosen: Any) -> Views:
        """Some of the texts."""
        return Views(self.gist[chosen], self.wording[chosen], self.words[chosen])


@dataclass(frozen=True)
class Neighbours:
    """Remembered examples.

    Attributes:
        views: what they look like.
        columns: the column of each one's label.
        labels: number of columns.
        alike: how much gist, wording and words count in how alike two texts are.
        outside: columns of the labels for what is out of scope.
    """

    views: Views
    columns: Any
    labels: int
    alike: tuple[float, float, float]
    outside: tuple[int, ...] = ()

    @classmethod
    def of(
        cls, views: Views, labels: Sequence[str], known: Sequence[str], alike: Sequence[float] = (1.0, 1.0, 1.0)
    ) -> Neighbours:
        """Remember examples; ``known`` gives every label its column, ``alike`` see the class."""
        column = {label: index for index, label in enumerate(known)}
        columns = np.array([column[label] for label in labels])
        outside = tuple(index for index, label in enumerate(known) if intent_of(label) == OUT_OF_SCOPE)
        gist, wording, words = (float(one) / sum(alike) for one in alike)
        return cls(views, columns, len(known), (gist, wording, words), outside)

    def shares(self, views: Views) -> Any:
        """For each of ``views`` the shares of the labels among its nearest examples, nearer ones counting more."""
        shares = np.zeros((len(views), self.labels), np.float32)
        of_gist, of_wording, of_words = self.alike
        for row, near in enumerate(self._near(views.gist, views.wording)):
            alike = of_gist * (self.views.gist[near] @ views.gist[row])
            if of_wording:
                alike += of_wording * (self.views.wording[near] @ views.wording[row])
            if of_words:
                alike += of_words * (self.views.words[near] @ self._words(views, row))
            nearest = _most(alike, _NEAREST)
            weights = np.exp(_SHARPNESS * (alike[nearest] - 1))
            shares[row] = np.bincount(self.columns[near][nearest], weights, self.labels) / weights.sum()
        return shares

    def _words(self, views: Views, row: int) -> Any:
        """The words of one text, dense: one of its sparse columns takes longer to get at than all of these."""
        there = slice(*views.words.indptr[row : row + 2])
        columns = views.words.indices[there]
        known = columns < self.views.words.shape[1]
        words = np.zeros(self.views.words.shape[1], np.float32)
        words[columns[known]] = views.words.data[there][known]
        return words

    def _near(self, gist: Any, wording: Any) -> Iterator[Any]:
        """For each text the indices of the examples among which the nearest are.

        Of many examples, they are those that are near in a few directions. It takes a tenth of the time of looking at
        all of them closely, and misses one in fifteen of the nearest.
        """
        if len(self.views) <= _FEW:
            return itertools.repeat(slice(None), len(gist))
        directions, short = self._short
        return (_most(short @ one, _LOOKED_AT) for one in self._joined(gist, wording) @ directions)

    def _joined(self, gist: Any, wording: Any) -> Any:
        """Gist and wording in one, so that products count both as ``alike`` says."""
        of_gist, of_wording, _ = np.sqrt(self.alike, dtype=np.float32)
        return np.concatenate([of_gist * gist, of_wording * wording], axis=-1)

    @cached_property
    def _short(self) -> tuple[Any, Any]:
        """The directions in which the examples differ most, ``(dimensions, few)``, and the examples in them."""
        joined = self._joined(self.views.gist, self.views.wording)
        _, directions = np.linalg.eigh(joined.T @ joined)
        kept = np.ascontiguousarray(directions[:, -_DIRECTIONS:])
        return kept, np.ascontiguousarray(joined @ kept)

    def nearness(self, gist: Any) -> float:
        """Mean cosine of ``gist`` with those of the nearest examples that are in scope."""
        alike = (self.views.gist @ gist)[~np.isin(self.columns, self.outside)]
        count = min(_NEAREST_IN_SCOPE, len(alike))
        return float(np.partition(alike, -count)[-count:].mean()) if count else 0.0

    def save(self, folder: Path) -> None:
        """Write ``neighbours.npz`` and ``words.npz`` into ``folder``; vectors in 8 bits."""
        gist, of_gist = packed(self.views.gist)
        wording, of_wording = packed(self.views.wording)
        np.savez_compressed(
            folder / "neighbours.npz",
            gist=gist,
            of_gist=of_gist,
            wording=wording,
            of_wording=of_wording,
            columns=self.columns,
            alike=self.alike,
            counts=[self.labels, *self.outside],
        )
        sparse.save_npz(folder / "words.npz", self.views.words)

    @classmethod
    def load(cls, folder: Path) -> Neighbours:
        """Read what :meth:`save` wrote."""
        with np.load(folder / "neighbours.npz", allow_pickle=False) as arrays:
            labels, *outside = arrays["counts"].tolist()
            views = Views(
                arrays["gist"] * arrays["of_gist"],
                arrays["wording"] * arrays["of_wording"],
                sparse.load_npz(folder / "words.npz"),
            )
            found = cls(views, arrays["columns"], labels, tuple(arrays["alike"].tolist()), tuple(outside))
        if len(found.views) > _FEW:
            _ = found._short  # now, and not while the first resident waits
        return found


def _most(numbers: Any, count: int) -> Any:
    """Indices of the ``count`` largest, in any order: where numbers are many, the largest of every few come first."""
    if len(numbers) <= count:
        return np.arange(len(numbers))
    groups = numbers[: len(numbers) // _TOGETHER * _TOGETHER].reshape(_TOGETHER, -1)
    if groups.shape[1] > count:
        least = np.partition(groups.max(axis=0), -count)[-count]  # so many at least are not below it
        candidates = np.flatnonzero(numbers >= least)
        return candidates[np.argpartition(numbers[candidates], -count)[-count:]]
    return np.argpartition(numbers, -count)[-count:]
