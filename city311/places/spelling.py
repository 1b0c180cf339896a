"""One spelling for each address and corner, so that two residents' words for one place are one text.

Knows no street: words for a place that is on no list have a spelling too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from city311.places.grammar import JOINTS, numbered, take_apart, unit_in
from city311.places.words import SEPARATORS, Name, name_of

_CORNER_OF = frozenset({"corner", "intersection", "of", "the", "at", "on"})
_JOINTS = (frozenset({"&", "/", "@", "and", "at", "meets", "crosses"}), frozenset({"n", "x", "+", "nd", "an"}))
"""Words between two streets: those that are nothing else first."""


@dataclass(frozen=True)
class Spelling:
    """``place`` without the ``unit`` (apartment, floor); each is empty where there is none."""

    place: str
    unit: str


def spelling(said: str) -> Spelling:
    """The spelling of an address or a corner; an empty place for words that name no single one, like a street alone.

    What comes after the first comma (town, state, ZIP) says no more than where the city is.
    """
    first = re.split(r"[,;\n]", said.strip(), maxsplit=1)[0]
    unit = unit_in(said)
    told = take_apart(first, None)
    house = next(numbered(told), None)
    if house is not None and not house.before:
        street = _text(name_of(" ".join(house.after)))
        return Spelling(f"{house.number.text.lower()} {street}" if street else "", unit)
    words = [word for word in told.words if word not in SEPARATORS]
    while words and words[0] in _CORNER_OF:
        words = words[1:]
    for joints in _JOINTS:
        between = [at for at, word in enumerate(words) if word in joints]
        if len(between) != 1:
            continue
        left, right = words[: between[0]], words[between[0] + 1 :]
        streets = sorted(_text(name_of(" ".join(part))) for part in (left, right))
        if all(streets) and not (JOINTS - {"n"}) & {*left, *right}:
            return Spelling(" & ".join(streets), unit)
    return Spelling("", "")


def _text(name: Name) -> str:
    return " ".join(part for part in (name.base, name.type, name.direction) if part)
