"""Which of a city's safety texts answers a cry for help."""

from __future__ import annotations

import re

from city311.city.model import City

_WORDS = re.compile(r"[^\W_]+(?:'[^\W_]+)*")


def safety_for(city: City, intent: str, said: str) -> str:
    """Key of the text that says what to do now.

    Args:
        city: the city, with its kinds of danger.
        intent: ``emergency`` or ``self_harm``; whatever else is taken for an emergency.
        said: the resident's words.
    """
    if intent in city.safety and intent != "emergency":
        return intent
    told = f" {' '.join(_plain(said))} "
    for danger in city.dangers:
        if any(f" {' '.join(_plain(words))} " in told for words in danger.words):
            return danger.safety
    return "emergency"


def _plain(text: str) -> list[str]:
    return _WORDS.findall(text.casefold().replace("\u2019", "'"))
