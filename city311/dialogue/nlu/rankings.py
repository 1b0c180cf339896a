"""From the chances of fine labels to what Rasa sees: intents and services, likeliest first."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import Any

import numpy as np

from city311.dialogue.nlu.labels import intent_of, service_of


def mix(chances: Any, others: Any, share: float) -> Any:
    """``chances`` with ``others`` counting ``share``; never quite zero."""
    return np.maximum((1 - share) * chances + share * others, 1e-9)


def intent_ranking(labels: Sequence[str], chances: Any) -> list[dict[str, Any]]:
    """Intents with the sum of their labels' probabilities, best first: ``[{"name", "confidence"}]``."""
    sums: dict[str, float] = {}
    for label, chance in zip(labels, chances.tolist(), strict=True):
        sums[intent_of(label)] = sums.get(intent_of(label), 0.0) + chance
    ordered = sorted(sums.items(), key=lambda item: -item[1])
    return [{"name": name, "confidence": min(chance, 1.0)} for name, chance in ordered]


def service_ranking(labels: Sequence[str], chances: Any, offered: Container[str | None]) -> list[dict[str, Any]]:
    """Offered services by probability, given that one of them is meant: ``[{"code", "confidence"}]``, best first."""
    columns = [index for index, label in enumerate(labels) if service_of(label) in offered]
    total = float(np.sum(chances[columns])) or 1.0
    columns.sort(key=lambda index: -chances[index])
    return [{"code": service_of(labels[index]), "confidence": float(chances[index]) / total} for index in columns]
