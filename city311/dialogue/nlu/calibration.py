"""Confidence that means what it says: fitted on examples that the classifier has not seen."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.optimize import minimize_scalar

from city311.dialogue.nlu.classifier import softmax

_EVERY = 5


def held_out(labels: Sequence[str], seed: int = 0) -> tuple[list[int], list[int]]:
    """Indices to learn from and to check on: a random fifth of each label's examples is kept for checking."""
    chance = np.random.default_rng(seed)
    members: dict[str, list[int]] = defaultdict(list)
    for index, label in enumerate(labels):
        members[label].append(index)
    learn: list[int] = []
    check: list[int] = []
    for indices in members.values():
        shuffled = [int(index) for index in chance.permutation(indices)]
        cut = len(shuffled) // _EVERY
        check.extend(shuffled[:cut])
        learn.extend(shuffled[cut:])
    return sorted(learn), sorted(check)


def sharpness(known: Sequence[str], scores: Any, labels: Sequence[str]) -> float:
    """The factor on ``scores`` that makes their softmax most likely to be right about ``labels``.

    Args:
        known: label of each column of ``scores``.
        scores: ``(examples, labels)`` for examples that were not learnt from; logarithms of chances will do.
        labels: the truth. With no examples at all the factor is 1.
    """
    column = {label: index for index, label in enumerate(known)}
    rows = [row for row, label in enumerate(labels) if label in column]
    if not rows:
        return 1.0
    right = [column[labels[row]] for row in rows]

    def loss(logarithm: float) -> float:
        chances = softmax(scores[rows] * np.exp(logarithm))[np.arange(len(rows)), right]
        return float(-np.log(np.maximum(chances, 1e-12)).mean())

    return float(np.exp(minimize_scalar(loss, bounds=(-2.0, 3.0), method="bounded").x))
