"""One spelling for the places that residents write, so that equal places are found as equal texts."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

_LONGEST = 200
_UNIT = re.compile(r"[,\s]+(?:apartment|apt|unit|suite|ste|flat|no)\b\.?\s*#?\s*([\w-]{1,10})|[,\s]*#\s*([\w-]{1,10})")
_NUMBER = re.compile(r"\d+[a-z]?(?:-\d+[a-z]?)?(?:\s1/2)?(?=\s)")
_CORNER = re.compile(r"\s(?:and|&|at|@|/)\s|\s*[&/@]\s*")
_NOT_A_WORD = re.compile(r"[^\w\s/-]+")

# USPS Publication 28, appendix C1, the types that residents write in more than one way; and the directions.
_SHORT = {
    "avenue": "ave", "av": "ave", "boulevard": "blvd", "circle": "cir", "court": "ct", "drive": "dr",
    "highway": "hwy", "lane": "ln", "parkway": "pkwy", "place": "pl", "road": "rd", "square": "sq",
    "street": "st", "saint": "st", "terrace": "ter", "turnpike": "tpke",
    "north": "n", "south": "s", "east": "e", "west": "w",
}  # fmt: skip


@dataclass(frozen=True)
class AddressKey:
    """An address in one spelling: ``place`` without the unit, and the ``unit``; empty where there is none."""

    place: str
    unit: str


def address_key(said: str) -> AddressKey:
    """The spelling of an address or a corner; empty for words that name no single place, like a street alone."""
    plain = unicodedata.normalize("NFKC", said).casefold().strip()[: 2 * _LONGEST].replace(".", " ")
    unit = _UNIT.search(plain)
    if unit is not None:
        plain = f"{plain[: unit.start()]}{plain[unit.end() :]}"
    first = plain.split(",")[0].strip()  # city, state and ZIP come after a comma
    number = _NUMBER.match(first)
    if number is not None:
        place = f"{number[0]} {_words(first[number.end() :])}".strip()
        found = place if " " in place else ""
    else:
        streets = sorted(_words(part) for part in _CORNER.split(first))
        found = " & ".join(streets) if len(streets) == 2 and all(streets) else ""
    return AddressKey(found[:_LONGEST], next((part for part in unit.groups() if part), "") if unit and found else "")


def asset_key(said: str) -> str:
    """The number of a pole, a meter or a hydrant in one spelling: letters and digits, those of words dropped."""
    plain = unicodedata.normalize("NFKC", said).casefold()
    marks = [part for part in re.findall(r"[\w-]+", plain) if any(letter.isdigit() for letter in part)]
    return re.sub(r"[^0-9a-z]", "", "".join(marks))[:80]


def _words(text: str) -> str:
    words = _NOT_A_WORD.sub(" ", text).split()
    return " ".join(_SHORT.get(word, word) for word in words if word != "the")
