"""One spelling for the places that residents write, so that equal places are found as equal texts."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from city311.places import spelling

_LONGEST = 200
_LONGEST_UNIT = 10


@dataclass(frozen=True)
class AddressKey:
    """An address in one spelling: ``place`` without the unit, and the ``unit``; empty where there is none."""

    place: str
    unit: str


def address_key(said: str) -> AddressKey:
    """The spelling of an address or a corner; empty for words that name no single place, like a street alone."""
    spelt = spelling(said)
    return AddressKey(spelt.place[:_LONGEST], spelt.unit[:_LONGEST_UNIT] if spelt.place else "")


def asset_key(said: str) -> str:
    """The number of a pole, a meter or a hydrant in one spelling: letters and digits, those of words dropped."""
    plain = unicodedata.normalize("NFKC", said).casefold()
    marks = [part for part in re.findall(r"[\w-]+", plain) if any(letter.isdigit() for letter in part)]
    return re.sub(r"[^0-9a-z]", "", "".join(marks))[:80]
