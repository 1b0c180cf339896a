"""Fine labels: what the classifier learns, and what Rasa sees of it.

Training data says ``report/pothole``; Rasa sees the intent ``report``. An intent without a slash is its own label.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

REPORT = "report"
SEPARATOR = "/"
OUT_OF_SCOPE = "out_of_scope"
NONSENSE = "out_of_scope/nonsense"
"""The label of what says nothing at all: it is not understood, and no matter that a city does not deal with."""
DANGERS = ("emergency", "self_harm")
"""Intents that come before everything else."""
PROPERTY = "fine_label"
"""Message property that carries the fine label from the importer to the classifier."""
CALIBRATION = "calibration"
"""Message property of what is not learnt but tells how sure the classifier may be; also the folder of such messages."""


def label_of(message: Any) -> str | None:
    """The fine label of a training message; None when it has no intent."""
    label = message.get(PROPERTY) or message.get("intent_response_key") or message.get("intent")
    return str(label) if label else None


def texts_and_labels(messages: Iterable[Any]) -> tuple[list[str], list[str]]:
    """Texts and fine labels of training messages that have both, each pair once."""
    pairs = {(message.get("text"), label_of(message)): None for message in messages}
    known = [(text, label) for text, label in pairs if text and label]
    return [text for text, _ in known], [label for _, label in known]


def is_learnt(message: Any) -> bool:
    """Whether a training message is an example, and not there for calibration."""
    return not message.get(CALIBRATION)


def intent_of(label: str) -> str:
    """The intent that Rasa sees."""
    return label.partition(SEPARATOR)[0]


def service_of(label: str) -> str | None:
    """The service code of a report's label, else None."""
    intent, slash, code = label.partition(SEPARATOR)
    return code if slash and intent == REPORT else None
