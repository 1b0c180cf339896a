"""How likely a message speaks of danger now: the classifier and the nearest examples together.

The classifier alone is often sure for a single word ("people are smoking in the bar"); what the whole sentence
resembles tells it apart. Both are weighed by a logistic regression, whose weights were found on training examples that
neither had seen (docs/decisions/0008-how-messages-are-understood.md has the figures).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from city311.dialogue.nlu.labels import DANGERS

_CLASSIFIER, _NEAREST, _NEITHER = 0.47, 5.99, -2.30
_LEAST = 1e-6


def danger(labels: Sequence[str], chances: Any, shares: Any, nearby: float = 0.0) -> tuple[str, float]:
    """The likeliest danger (empty when no label is one) and the chance, from 0 to 1, that there is any.

    Args:
        labels: all labels.
        chances: their probabilities by the classifier alone, ``(labels,)``.
        shares: their shares among the nearest examples, ``(labels,)``.
        nearby: with a smaller share of danger among the nearest examples, there is none.
    """
    columns = [index for index, label in enumerate(labels) if label in DANGERS]
    if not columns:
        return "", 0.0
    by_classifier = min(max(float(sum(chances[column] for column in columns)), _LEAST), 1 - _LEAST)
    nearest = float(sum(shares[column] for column in columns))
    if nearest < nearby:
        return "", 0.0
    weighed = _CLASSIFIER * math.log(by_classifier / (1 - by_classifier)) + _NEAREST * nearest + _NEITHER
    likeliest = max(columns, key=lambda column: float(chances[column]))
    return labels[likeliest], 1 / (1 + math.exp(-weighed))
