"""Confidence that means what it says: fitted on examples that the classifier has not seen."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.optimize import minimize_scalar

from city311.dialogue.nlu.classifier import softmax

_EVERY = 5
_MANY = 5000
_TRIAL = 0.25


def held_out(labels: Sequence[str], seed: int = 0) -> tuple[list[int], list[int], list[int]]:
    """Indices to try on, to add later, and to check on: a random fifth of each label's examples is kept for checking.

    Of many examples, a quarter is enough for the trial; of few, all that are not checked.
    """
    chance = np.random.default_rng(seed)
    members: dict[str, list[int]] = defaultdict(list)
    for index, label in enumerate(labels):
        members[label].append(index)
    tried: list[int] = []
    added: list[int] = []
    check: list[int] = []
    for indices in members.values():
        shuffled = [int(index) for index in chance.permutation(indices)]
        cut = len(shuffled) // _EVERY
        end = cut + math.ceil(len(shuffled) * _TRIAL) if len(labels) > _MANY else len(shuffled)
        check.extend(shuffled[:cut])
        tried.extend(shuffled[cut:end])
        added.extend(shuffled[end:])
    return sorted(tried), sorted(added), sorted(check)


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


def chances_of(known: Sequence[str], chances: Any, labels: Sequence[str]) -> Any:
    """The chance that each row of ``chances`` (``(rows, labels)``) gives to the truth; 0 for a label not ``known``."""
    column = {label: index for index, label in enumerate(known)}
    rows = [row for row, label in enumerate(labels) if label in column]
    result = np.zeros(len(labels))
    result[rows] = chances[rows, [column[labels[row]] for row in rows]]
    return result
