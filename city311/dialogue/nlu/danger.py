"""How likely a message speaks of danger now: the classifier and the nearest examples together, and a second look.

The classifier alone is often sure for a single word ("people are smoking in the bar"); what the whole sentence
resembles tells it apart. Both are weighed by a logistic regression, whose weights were found on training examples that
neither had seen. What is in doubt then, one message in ten, is looked at once more by an encoder that was tuned for it
(docs/decisions/0008-how-messages-are-understood.md has the figures).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from city311.dialogue.nlu.labels import DANGERS

_CLASSIFIER, _NEAREST, _NEITHER = 0.47, 5.99, -2.30
_LEAST = 1e-6
_SECOND_LOOK = 0.5
_LEAST_OF_SECOND = 1e-5
_DOUBTFUL = -4.0, 5.0
"""Log odds between which it is looked at again: 7 of 1,613 dangers are below, none of 3,708 that sound so above."""


def danger(
    labels: Sequence[str],
    chances: Any,
    shares: Any,
    nearby: float = 0.0,
    again: Callable[[], float] | None = None,
) -> tuple[str, float]:
    """The likeliest danger (empty when no label is one) and the chance, from 0 to 1, that there is any.

    Args:
        labels: all labels.
        chances: their probabilities by the classifier alone, ``(labels,)``.
        shares: their shares among the nearest examples, ``(labels,)``.
        nearby: with a smaller share of danger among the nearest examples, there is none.
        again: the chance that there is any danger by a second look; asked only where the first leaves a doubt.
    """
    columns = [index for index, label in enumerate(labels) if label in DANGERS]
    if not columns:
        return "", 0.0
    by_classifier = float(sum(chances[column] for column in columns))
    nearest = float(sum(shares[column] for column in columns))
    if nearest < nearby:
        return "", 0.0
    weighed = _CLASSIFIER * _log_odds(by_classifier, _LEAST) + _NEAREST * nearest + _NEITHER
    if again and _DOUBTFUL[0] < weighed < _DOUBTFUL[1]:
        weighed += _SECOND_LOOK * _log_odds(again(), _LEAST_OF_SECOND)
    likeliest = max(columns, key=lambda column: float(chances[column]))
    return labels[likeliest], 1 / (1 + math.exp(-weighed))


def _log_odds(chance: float, least: float) -> float:
    kept = min(max(chance, least), 1 - least)
    return math.log(kept / (1 - kept))
