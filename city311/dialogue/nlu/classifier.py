"""A linear classifier (multinomial logistic regression) that trains in seconds."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.linalg.blas import ssymm

from city311.dialogue.nlu.descent import lowest
from city311.dialogue.nlu.features import Rows
from city311.language.eight_bits import packed

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

    def save(self, folder: Path, name: str) -> None:
        """Write ``<name>.json`` and ``<name>.npz`` into ``folder``; weights in 8 bits."""
        content = {"labels": self.labels, "sharpness": self.sharpness}
        (folder / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
        weights, scales = packed(self.weights)
        np.savez_compressed(folder / f"{name}.npz", weights=weights, scales=scales, bias=self.bias)

    @classmethod
    def load(cls, folder: Path, name: str) -> Classifier:
        """Read what :meth:`save` wrote."""
        content = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
        with np.load(folder / f"{name}.npz", allow_pickle=False) as arrays:
            weights, bias = arrays["weights"] * arrays["scales"], arrays["bias"]
        return cls(tuple(content["labels"]), weights, bias, content["sharpness"])


def softmax(scores: Any) -> Any:
    """Probabilities along the last axis."""
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


@dataclass(frozen=True)
class Examples:
    """Examples prepared for fitting any number of classifiers.

    The best weights of a penalised linear classifier are a sum of its examples, each times its share. So the search
    runs over the shares (one number an example instead of one a feature), with the inner product that the weights
    have: the same optimum, in dense products that a CPU is good at. The products of the first ``n`` examples are the
    leading block of all products, so that a fit on a part is a good start for the whole.
    """

    rows: Rows
    gram: Any

    @classmethod
    def of(cls, rows: Rows) -> Examples:
        """Prepare one row an example."""
        return cls(rows, rows.gram())


@dataclass(frozen=True)
class Fit:
    """A fitted classifier, and the shares of its examples (``(examples, labels)``), from which a fit on more examples
    can start."""

    classifier: Classifier
    shares: Any


def fit(
    examples: Examples,
    labels: Sequence[str],
    cost: float = 30.0,
    importance: Any = None,
    start: Fit | None = None,
) -> Fit:
    """Multinomial logistic regression.

    Args:
        examples: prepared rows.
        labels: one for each example.
        cost: inverse strength of the L2 penalty.
        importance: weight of each example; default 1.
        start: an earlier fit on the first of the same examples with the same set of labels.
    """
    names, targets = np.unique(np.asarray(labels), return_inverse=True)
    count, classes = len(targets), len(names)
    own = np.arange(count), targets
    share = np.ones((count, 1), np.float32) if importance is None else np.asarray(importance, np.float32)[:, None]
    penalty = np.float32(1 / cost)

    def image(flat: Any) -> Any:
        """Scores of the examples from their shares; the last row is the bias, which is not penalised."""
        # BLAS counts columns first: the transpose of an ordinary array is what it wants.
        return np.concatenate([ssymm(1.0, examples.gram, flat[:-1].T, side=1, lower=1).T, flat[-1:]])

    def loss(flat: Any, turned: Any) -> tuple[float, Any]:
        scores = turned[:-1] + turned[-1]
        scores -= scores.max(axis=1, keepdims=True)
        value = 0.5 * float(penalty) * float(np.vdot(flat[:-1], turned[:-1]))
        value -= float((share[:, 0] * scores[own]).sum(dtype=np.float64))
        np.exp(scores, out=scores)
        total = scores.sum(axis=1, keepdims=True)
        value += float((share * np.log(total)).sum(dtype=np.float64))
        scores /= total
        scores[own] -= 1
        scores *= share
        bias = scores.sum(axis=0, keepdims=True)
        scores += penalty * flat[:-1]
        return value / count, np.concatenate([scores, bias]) / np.float32(count)

    first = np.zeros((count + 1, classes), np.float32)
    steps = _ITERATIONS
    if start is not None and start.classifier.labels == tuple(map(str, names)):
        first[: len(start.shares)], first[-1] = start.shares, start.classifier.bias
        steps = _ITERATIONS_FROM_A_START
    best = lowest(loss, first, steps, image)
    weights = np.asarray(examples.rows.turned_times(best[:-1]), np.float32)
    return Fit(Classifier(tuple(map(str, names)), weights, best[-1]), best[:-1])
