"""From the chances of fine labels to what Rasa sees: intents and services, likeliest first."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from city311.dialogue.nlu.labels import NONSENSE, intent_of, service_of


def mix(chances: Any, others: Any, share: float) -> Any:
    """``chances`` with ``others`` counting ``share``; never quite zero."""
    return np.maximum((1 - share) * chances + share * others, 1e-9)


@dataclass(frozen=True)
class Rankings:
    """What each of a model's labels stands for, looked up once and not for every message.

    Attributes:
        intents: the intents that Rasa sees.
        of_intent: for each label the place of its intent in ``intents``.
        codes: for each label its service, or None.
        reports: for each label whether it has a service.
        offered: columns of the labels whose service may be chosen.
        nonsense: column of the label for what says nothing; None when there is none.
    """

    intents: tuple[str, ...]
    of_intent: Any
    codes: tuple[str | None, ...]
    reports: Any
    offered: Any
    nonsense: int | None

    @classmethod
    def of(cls, labels: Sequence[str], offered: Container[str | None]) -> Rankings:
        """For a model's ``labels``, of whose services those in ``offered`` may be chosen."""
        intents = list(dict.fromkeys(intent_of(label) for label in labels))
        codes = tuple(service_of(label) for label in labels)
        return cls(
            tuple(intents),
            np.array([intents.index(intent_of(label)) for label in labels], np.intp),
            codes,
            np.array([code is not None for code in codes], bool),
            np.array([column for column, code in enumerate(codes) if code in offered], np.intp),
            list(labels).index(NONSENSE) if NONSENSE in labels else None,
        )

    def of_intents(self, chances: Any, most: int) -> list[dict[str, Any]]:
        """The ``most`` likeliest intents with the sum of their labels' chances: ``[{"name", "confidence"}]``."""
        sums = np.bincount(self.of_intent, chances, len(self.intents))
        order = np.argsort(-sums, kind="stable")[:most]
        return [{"name": self.intents[one], "confidence": min(float(sums[one]), 1.0)} for one in order]

    def of_services(self, chances: Any, most: int) -> list[dict[str, Any]]:
        """The ``most`` likeliest offered services, given that one of them is meant: ``[{"code", "confidence"}]``."""
        shares = chances[self.offered]
        total = float(np.sum(shares)) or 1.0
        order = np.argsort(-shares, kind="stable")[:most]
        return [{"code": self.codes[self.offered[one]], "confidence": float(shares[one]) / total} for one in order]

    def likeliest_service(self, chances: Any) -> str | None:
        """The likeliest service, offered or not; None when no label has one."""
        return self.codes[int(np.argmax(chances * self.reports))]

    def of_nonsense(self, chances: Any) -> float:
        """How likely it is that nothing is said."""
        return 0.0 if self.nonsense is None else float(chances[self.nonsense])
