"""How likely it is that two reports are about the same thing: a small logistic model over place, distance, time and
answers.

Its weights are data: ``duplicate_score.json`` names their source. ``python -m bench.duplicates fit`` makes them.
"""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_FILE = Path(__file__).with_suffix(".json")

FEATURES = ("place", "nearness", "open", "closed", "age", "answers")


@dataclass(frozen=True)
class Likeness:
    """What is known of a pair: a new report and one that is there.

    Attributes:
        place: 1 the same address or asset, 0 surely another; between them for two points (:func:`of_points`).
        nearness: 1 at no distance, 0 at the rule's radius.
        open: whether the one that is there is still open.
        closed_days: days since it was closed; 0 while it is open.
        age: its age, in times of what the service usually takes.
        answers: how far the answers agree, 0 to 1; 0 where nothing is known.
    """

    place: float
    nearness: float
    open: bool
    closed_days: float
    age: float
    answers: float

    def values(self) -> tuple[float, ...]:
        """In the order of :data:`FEATURES`."""
        return (
            self.place,
            self.nearness,
            float(self.open),
            math.log1p(max(0.0, self.closed_days)),
            math.log1p(max(0.0, self.age)),
            self.answers,
        )


@dataclass(frozen=True)
class Weights:
    """The model. Reports whose log-odds reach ``threshold`` are shown.

    ``at_edge``: what :attr:`Likeness.place` is for two points as far apart as the rule allows.
    """

    constant: float
    of: Mapping[str, float]
    threshold: float
    at_edge: float

    def score(self, likeness: Likeness) -> float:
        """Log-odds that both are about the same thing."""
        return self.constant + sum(
            self.of[name] * value for name, value in zip(FEATURES, likeness.values(), strict=True)
        )

    def of_points(self, distance_m: float, radius_m: float) -> float:
        """``place`` where only positions are known: 1 at no distance, ``at_edge`` at the radius, 0 beyond."""
        if distance_m > radius_m or radius_m <= 0:
            return 0.0
        return 1.0 - (1.0 - self.at_edge) * distance_m / radius_m


@functools.cache
def weights() -> Weights:
    """Those that come with this version."""
    data = json.loads(_FILE.read_text(encoding="utf-8"))
    return Weights(
        constant=float(data["constant"]),
        of={name: float(data["weights"][name]) for name in FEATURES},
        threshold=float(data["threshold"]),
        at_edge=float(data["at_edge"]),
    )
