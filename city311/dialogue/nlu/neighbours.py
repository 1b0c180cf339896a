"""What the nearest examples are labelled: a second opinion that helps where a label has several ways of speaking."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from city311.dialogue.nlu.labels import OUT_OF_SCOPE, intent_of

_NEAREST = 20
_SHARPNESS = 20.0
_NEAREST_IN_SCOPE = 5
_DIRECTIONS = 128
_LOOKED_AT = 200
_LARGEST = 127
_FEW = 2000
"""Up to so many examples are all looked at."""


@dataclass(frozen=True)
class Neighbours:
    """Remembered examples.

    Attributes:
        vectors: their sentence vectors, unit length, ``(examples, dimensions)``.
        columns: the column of each one's label.
        labels: number of columns.
        outside: columns of the labels for what is out of scope.
    """

    vectors: Any
    columns: Any
    labels: int
    outside: tuple[int, ...] = ()

    @classmethod
    def of(cls, vectors: Any, labels: Sequence[str], known: Sequence[str]) -> Neighbours:
        """Remember examples; ``known`` gives every label its column."""
        column = {label: index for index, label in enumerate(known)}
        columns = np.array([column[label] for label in labels])
        outside = tuple(index for index, label in enumerate(known) if intent_of(label) == OUT_OF_SCOPE)
        return cls(np.asarray(vectors, np.float32), columns, len(known), outside)

    def shares(self, vectors: Any) -> Any:
        """For each of ``vectors`` the shares of the labels among its nearest examples, nearer ones counting more."""
        shares = np.zeros((len(vectors), self.labels), np.float32)
        for share, vector in zip(shares, vectors, strict=True):
            near = self._near(vector)
            alike = self.vectors[near] @ vector
            count = min(_NEAREST, len(alike))
            nearest = np.argpartition(alike, -count)[-count:]
            weights = np.exp(_SHARPNESS * (alike[nearest] - 1))
            share[:] = np.bincount(self.columns[near][nearest], weights, self.labels) / weights.sum()
        return shares

    def _near(self, vector: Any) -> Any:
        """Indices of the examples among which the nearest are: of many, those that are near in a few directions.

        It takes a fifth of the time of looking at all of them closely, and misses one in a hundred of the nearest.
        """
        if len(self.vectors) <= _FEW:
            return slice(None)
        directions, short = self._short
        return np.argpartition(short @ (vector @ directions), -_LOOKED_AT)[-_LOOKED_AT:]

    @cached_property
    def _short(self) -> tuple[Any, Any]:
        """The directions in which the examples differ most, ``(dimensions, few)``, and the examples in them."""
        _, directions = np.linalg.eigh(self.vectors.T @ self.vectors)
        kept = np.ascontiguousarray(directions[:, -_DIRECTIONS:])
        return kept, np.ascontiguousarray(self.vectors @ kept)

    def nearness(self, vector: Any) -> float:
        """Mean cosine of ``vector`` with the nearest examples that are in scope."""
        alike = (self.vectors @ vector)[~np.isin(self.columns, self.outside)]
        count = min(_NEAREST_IN_SCOPE, len(alike))
        return float(np.partition(alike, -count)[-count:].mean()) if count else 0.0

    def save(self, folder: Path) -> None:
        """Write ``neighbours.npz`` into ``folder``; vectors as 8-bit integers, each with a scale of its own."""
        scales = np.maximum(np.abs(self.vectors).max(axis=1), 1e-6) / _LARGEST
        kept = np.rint(self.vectors / scales[:, None]).astype(np.int8)
        counts = [self.labels, *self.outside]
        np.savez_compressed(folder / "neighbours.npz", vectors=kept, scales=scales, columns=self.columns, counts=counts)

    @classmethod
    def load(cls, folder: Path) -> Neighbours:
        """Read what :meth:`save` wrote."""
        with np.load(folder / "neighbours.npz", allow_pickle=False) as arrays:
            labels, *outside = arrays["counts"].tolist()
            vectors = arrays["vectors"] * arrays["scales"][:, None]
            found = cls(vectors, arrays["columns"], labels, tuple(outside))
        if len(found.vectors) > _FEW:
            _ = found._short  # now, and not while the first resident waits
        return found
