"""A linear classifier (multinomial logistic regression) that trains in seconds."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy.linalg
from scipy.linalg.blas import strmm

from city311.dialogue.nlu.descent import lowest
from city311.dialogue.nlu.features import Rows

_JITTER = 1e-3
_ITERATIONS = 28
_ITERATIONS_FROM_A_START = 30


@dataclass(frozen=True)
class Classifier:
    """Scores one row of features for every label.

    Attributes:
        labels: one for each column of ``weights``.
        weights: ``(features, labels)``.
        bias: ``(labels,)``.
        sharpness: scores are multiplied by it before the softmax; found by calibration.
    """

    labels: tuple[str, ...]
    weights: Any
    bias: Any
    sharpness: float = 1.0

    def probabilities(self, scores: Any) -> Any:
        """Calibrated probabilities from ``scores`` (``(…, labels)``)."""
        return softmax(scores * self.sharpness)

    def scores(self, rows: Rows) -> Any:
        """Raw scores, ``(rows, labels)``."""
        return rows.times(self.weights) + self.bias

    def scores_of(self, vector: Any, indices: Any, values: Any) -> Any:
        """Raw scores of one row: dense ``vector`` in the first columns, then ``values`` in columns ``indices``."""
        dense = vector @ self.weights[: len(vector)]
        return dense + values @ self.weights[indices] + self.bias

    def save(self, folder: Path, name: str) -> None:
        """Write ``<name>.json`` and ``<name>.npz`` into ``folder``; weights as 16-bit floats."""
        content = {"labels": self.labels, "sharpness": self.sharpness}
        (folder / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
        np.savez_compressed(folder / f"{name}.npz", weights=self.weights.astype(np.float16), bias=self.bias)

    @classmethod
    def load(cls, folder: Path, name: str) -> Classifier:
        """Read what :meth:`save` wrote."""
        content = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
        with np.load(folder / f"{name}.npz", allow_pickle=False) as arrays:
            weights, bias = arrays["weights"].astype(np.float32), arrays["bias"]
        return cls(tuple(content["labels"]), weights, bias, content["sharpness"])


def softmax(scores: Any) -> Any:
    """Probabilities along the last axis."""
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


@dataclass(frozen=True)
class Examples:
    """Examples prepared for fitting any number of classifiers.

    The best weights of a penalised linear classifier lie in the span of its examples, so the search runs over one
    coordinate an example (a Cholesky factor of the Gram matrix) instead of one a feature: the same optimum, in dense
    products that a CPU is good at. The factor of the first ``n`` examples is the leading block of the whole factor, so
    that a trial on a part costs nothing extra and is a good start for the whole.
    """

    rows: Rows
    factor: Any

    @classmethod
    def of(cls, rows: Rows) -> Examples:
        """Prepare one row an example."""
        gram = rows.gram()
        gram[np.diag_indices(len(gram))] += _JITTER
        return cls(rows, scipy.linalg.cholesky(gram, lower=True, overwrite_a=True, check_finite=False))


@dataclass(frozen=True)
class Fit:
    """A fitted classifier and its coordinates, from which a fit on more examples can start."""

    classifier: Classifier
    coordinates: Any
    bias: Any


def fit(
    examples: Examples,
    labels: Sequence[str],
    cost: float = 30.0,
    importance: Any = None,
    start: Fit | None = None,
) -> Fit:
    """Multinomial logistic regression on the first ``len(labels)`` examples.

    Args:
        examples: prepared rows.
        labels: of the first examples.
        cost: inverse strength of the L2 penalty.
        importance: weight of each example; default 1.
        start: an earlier fit on fewer of the same examples with the same set of labels.
    """
    names, targets = np.unique(np.asarray(labels), return_inverse=True)
    count, classes = len(targets), len(names)
    truth = np.zeros((count, classes), np.float32)
    truth[np.arange(count), targets] = 1
    share = np.ones((count, 1), np.float32) if importance is None else np.asarray(importance, np.float32)[:, None]
    factor = np.asfortranarray(examples.factor[:count, :count])
    penalty = np.float32(1 / cost)

    def loss(flat: Any) -> tuple[float, Any]:
        weights, bias = flat[: count * classes].reshape(count, classes), flat[count * classes :]
        # The factor is triangular: half the work of an ordinary product.
        scores = strmm(1.0, factor, weights, lower=1) + bias
        top = scores.max(axis=1, keepdims=True)
        powers = np.exp(scores - top)
        total = powers.sum(axis=1, keepdims=True)
        value = -(truth * share * (scores - top - np.log(total))).sum(dtype=np.float64)
        value += 0.5 * float(penalty) * float(np.vdot(weights, weights))
        slope = (powers / total - truth) * share
        gradient = np.concatenate(
            [(strmm(1.0, factor, slope, lower=1, trans_a=1) + penalty * weights).ravel(), slope.sum(axis=0)]
        )
        return value / count, gradient / np.float32(count)

    first = np.zeros((count, classes), np.float32), np.zeros(classes, np.float32)
    steps = _ITERATIONS
    if start is not None and start.classifier.labels == tuple(map(str, names)):
        first[0][: len(start.coordinates)] = start.coordinates
        first = first[0], start.bias
        steps = _ITERATIONS_FROM_A_START
    best = lowest(loss, np.concatenate([first[0].ravel(), first[1]]), steps)
    coordinates, bias = best[: count * classes].reshape(count, classes), best[count * classes :]
    shares = scipy.linalg.solve_triangular(factor, coordinates, lower=True, trans="T", check_finite=False)
    weights = np.asarray(examples.rows[:count].turned_times(shares), np.float32)
    return Fit(Classifier(tuple(map(str, names)), weights, bias), coordinates, bias)
