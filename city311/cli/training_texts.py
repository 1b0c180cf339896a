"""Examples as Rasa's NLU training data, from what residents said: their words are data, never markup."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

_MARKUP = str.maketrans("[]{}", "()()")
"""Rasa reads ``[words](entity)`` and ``[words]{…}`` in an example as an annotation."""


@dataclass(frozen=True)
class Chosen:
    """What was said, which labels were offered, and which was chosen (empty for none)."""

    text: str
    offered: tuple[str, ...]
    chosen: str


def nlu_yaml(choices: Iterable[Chosen]) -> str:
    """Rasa NLU YAML: an entry for each chosen label with its examples, each once. What nobody chose a label for stands
    below as comments."""
    examples: dict[str, dict[str, None]] = {}
    refused: dict[str, None] = {}
    for choice in choices:
        text = example(choice.text)
        if not text:
            continue
        if choice.chosen:
            examples.setdefault(choice.chosen, {})[text] = None
        else:
            refused[f"{text}  (offered: {', '.join(choice.offered)})"] = None
    lines = ["# Said by residents, with what they chose. Review each before it is trained.", 'version: "3.1"']
    lines.append("nlu:" if examples else "nlu: []")
    for label in sorted(examples):
        lines += [f"- intent: {label}", "  examples: |", *(f"    - {text}" for text in examples[label])]
    if refused:
        lines += ["# None of what was offered was meant:", *(f"# - {text}" for text in refused)]
    return "\n".join(lines) + "\n"


def example(text: str) -> str:
    """One line without markup and without characters that YAML does not allow."""
    line = "".join(letter if letter.isprintable() else " " for letter in text.translate(_MARKUP))
    return re.sub(r"\s+", " ", line).strip()
