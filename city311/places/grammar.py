"""Takes a resident's words for a place apart: address, corner, block, pole, and what is only around them.

American English. Knows no street; :mod:`city311.places.locate` asks the gazetteer.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from city311.city.places import PlaceNames
from city311.places.along import HouseNumber
from city311.places.model import Point
from city311.places.words import NUMBER_WORDS, SEPARATORS, plain, tokens

_LONGEST = 400
"""Characters looked at; a place is told in far fewer."""
_MOST_WORDS = 48

JOINTS = frozenset({"and", "&", "/", "@", "at", "n", "x", "+", "near", "by", "meets", "with", "crosses", "nr",
                    "off", "onto", "into", "the", "corner", "intersection", "of", "where", "an", "nd"})  # fmt: skip
"""Words between two streets that meet."""
_SURE_JOINTS = frozenset({"and", "&", "/", "@", "at", "n", "x", "+", "meets", "crosses", "nd", "an"})
_STOP_WORDS = (
    "near between by across and & @ corner opposite behind beside outside at in on off meets where because please "
    "there is has / + intersection apt unit facing towards toward from before after past just right block"
)
STOPS = SEPARATORS | frozenset(_STOP_WORDS.split())
"""Words that no street's name goes past."""
_CORNERS = frozenset({"corner", "intersection", "junction", "intersect"})
_UNITS = (
    r"\b(?:apt|apartment|apmt|unit|suite|ste|rm|room|flat|floor|fl|flr|bsmt|basement|ph|bldg|building|condo)"
    r"\.?\s*(?:no\.?\s*|number\s*)?#?\s*(?:\d+\s?-?\s?[a-z]{0,2}|[a-z]{1,2}\d{0,3})\b"
)
_UNIT = re.compile(
    _UNITS + r"|(?<=[a-z.,])\s*#\s*\d+[a-z]?\b|\b\d+(?:st|nd|rd|th)\s+(?:floor|fl|flr)\b"
    r"|\b(?:rear|upper|lower|ground|top|first|second|third)\s+(?:apt|apartment|unit|floor|flr)\b"
)
_UNIT_WORDS = frozenset(
    [
        "apt",
        "apartment",
        "apmt",
        "unit",
        "suite",
        "ste",
        "rm",
        "room",
        "flat",
        "floor",
        "fl",
        "flr",
        "bsmt",
        "basement",
        "ph",
        "bldg",
        "building",
        "condo",
        "no",
        "number",
    ]
)
_POLE = re.compile(
    r"\b(?:pole|poles|light|streetlight|lamp|lamppost|post|lightpole|fixture|hydrant|meter|asset|tag|tagged|id)\b"
    r"[\s:,]*(?:(?:pole|post|id|tag|no|num|number|nr|is|marked|labeled|with|the|has)\b\.?[\s:,]*)*#?\s*"
    r"((?=[a-z]{0,2}-?\d)[a-z]{0,2}\d{1,6}(?:\s?[-–]\s?[a-z]{0,2}\d{1,4})?(?:\.\d{1,2})?[a-z]?)\b(?!\s*(?:st|nd|rd|th)\b)"
)
_ID = re.compile(r"^\W*#?\s*(\d{1,4}\s?[-–]\s?[a-z]{0,2}\d{1,4}(?:\.\d{1,2})?[a-z]?)\W*$")
_SURELY_POLE = re.compile(r"\b(?:poles?|lamppost|lightpole|asset|tag|id)\b")
_COORDINATES = re.compile(r"(-?\d{1,3}\.\d{2,})\s*°?\s*[nN]?\s*[,;/ ]\s*(-?\d{1,3}\.\d{2,})\s*°?\s*([wWeE])?")
_MINE = re.compile(
    r"\b(?:my|our)\s+(?:own\s+)?(?:house|home|place|building|apartment|apt|driveway|street|block|door|front door|yard|"
    r"porch|sidewalk|road|neighborhood|residence|condo|doorstep|garage|address|lawn|window|fence)\b|\bmy\s+\w+s?\s+house\b"
    r"|\bwhere i live\b|\bmy neighbou?rs?\b"
)
_BLOCK = re.compile(
    r"\b(\d{1,6})(?:\s?(?:-|to)\s?(\d{1,6}))?(?:s)?\s*-?\s*(?:hundred\s+)?(?:block|blk|bl|blck|bloc)\b\s*(?:of|on|along)?\s*"
    r"|\b(?:block|blk)\s+(?:no\.?\s*)?(\d{2,6})\s*(?:of|on|along)\s*"
)
_BETWEEN = re.compile(r"\b(?:between|btwn|btw|betw|bet)\b\.?")
_ALONG = frozenset({"on", "along", "of", ","})
_HUNDREDS = {word: f"{number}00" for word, number in NUMBER_WORDS.items()}
_NOISE = frozenset({"the", "a", "on", "of", "in", "at", ",", "-", "no", "number", "#", "house", "numbers", "along"})
_BESIDE = re.compile(
    r"\b(?:right\s+|just\s+)?(?:in\s+(?:the\s+)?front\s+of|(?:directly\s+)?across(?:\s+the\s+(?:street|road))?\s+from"
    r"|next\s+(?:door\s+)?to|opposite(?:\s+(?:of|to|from))?|kitty\s?corner\s+(?:to|from)|close\s+to)\b"
)
_POINTERS = frozenset(
    {"the", "this", "that", "which", "another", "other", "no", "any", "every", "each", "only", "last"}
)
"""Before "one": it points to a thing then, and is no number."""
_NEARLY = frozenset({"near", "by", "around", "about", "at", "number", "no", "#"})
"""Between a street and a number that stands after it."""
_USA = ("united states of america", "united states", "usa", "u s a", "us")


@dataclass(frozen=True)
class Told:
    """Words taken apart.

    Attributes:
        words: tokens, without unit, town, state and ZIP.
        text: the same as text.
        zip: five digits, where told.
        neighbor: code of the town next door that it names.
        raw: the text before anything was taken away.
    """

    words: tuple[str, ...]
    text: str
    zip: str = ""
    neighbor: str = ""
    raw: str = ""


def take_apart(text: str, names: PlaceNames | None) -> Told:
    """The words without what only surrounds a place."""
    raw = plain(text[:_LONGEST])
    told = _BESIDE.sub(" near ", _UNIT.sub(" ", raw))
    words = tokens(told)[:_MOST_WORDS]
    words, zip_code, neighbor = _without_tail(words, names or PlaceNames())
    return Told(tuple(words), " ".join(words), zip_code, neighbor, raw)


def _without_tail(words: list[str], names: PlaceNames) -> tuple[list[str], str, str]:
    zip_code = neighbor = ""
    ours = [tokens(name) for name in (*names.city_names, *names.states, *_USA)]
    theirs = [(tokens(name), town.code) for town in names.neighbors for name in town.names]
    changed = True
    while changed and words:
        changed = False
        while words and words[-1] in ",;.-":
            words = words[:-1]
        if len(words) > 1 and re.fullmatch(r"\d{5}", words[-1]) and words[-2] not in ("#", "block", "pole"):
            words, zip_code, changed = words[:-1], words[-1], True
            continue
        if len(words) > 3 and words[-2] == "-" and re.fullmatch(r"\d{5}", words[-3]) and len(words[-1]) == 4:
            words, zip_code, changed = words[:-3], words[-3], True
            continue
        for tail in ours:
            if _ends(words, tail):
                words, changed = words[: len(words) - len(tail)], True
                break
        for tail, code in theirs if not neighbor and not changed else ():
            if _ends(words, tail):
                words, neighbor, changed = words[: len(words) - len(tail)], code, True
                break
    return words, zip_code, neighbor


def _ends(words: list[str], tail: list[str]) -> bool:
    """Whether a name of a town stands at the end, and is not itself the street ("215 Cambridge", "Elm & Boston")."""
    if not tail or words[-len(tail) :] != tail:
        return False
    before = words[: len(words) - len(tail)]
    if before and before[-1] in ("in", ","):
        return True
    if not before or before[-1] in JOINTS or before[-1] in ("on", "of", "between", "block"):
        return False
    return any(word.isalpha() and len(word) > 1 and word not in ("no", "rear") for word in before)


def unit_in(text: str) -> str:
    """The apartment, suite or floor that the words name ("3b", "2nd"); empty for none."""
    found = _UNIT.search(plain(text[:_LONGEST]))
    if found is None:
        return ""
    marks = re.findall(r"\w+", found.group())
    told = [mark for mark in marks if mark not in _UNIT_WORDS] or marks
    return "".join(told)


def coordinates(text: str) -> Point | None:
    """A latitude and longitude in the words; None where there is none on earth."""
    if not (found := _COORDINATES.search(text)):
        return None
    lat, lon = float(found.group(1)), float(found.group(2))
    if (found.group(3) or "").lower() == "w":
        lon = -abs(lon)
    return Point(lat, lon) if abs(lat) <= 90 and abs(lon) <= 180 else None


def is_my_own(text: str) -> bool:
    """ "In front of my house"."""
    return bool(_MINE.search(plain(text)))


def pole(text: str) -> str:
    """The number of a pole or the like that the words name; empty for none."""
    told = plain(text[:_LONGEST])
    found = _POLE.search(told) or _ID.match(told)
    return found.group(1) if found else ""


def names_a_pole(text: str) -> bool:
    """Whether the number is surely no house's: "pole 12", not "light 12"."""
    return bool(_SURELY_POLE.search(plain(text)))


@dataclass(frozen=True)
class Block:
    """ "1200 block of": the numbers, and the words after and before."""

    first: int
    last: int
    after: tuple[str, ...]
    before: tuple[str, ...]


def block(told: Told) -> Block | None:
    """The block of a hundred numbers that the words name."""
    text = told.text
    for word, number in _HUNDREDS.items():
        text = re.sub(rf"\b{word} hundred\b", number, text)
    found = _BLOCK.search(text)
    if not found:
        return None
    start = int(found.group(1) or found.group(3))
    end = int(found.group(2)) if found.group(2) else 0
    first = start - start % 100
    last = first + 99
    if end > start and end - start <= 400:
        first, last = start, end if end % 100 else end - 1
    return Block(
        max(first, 1),
        last,
        tuple(_run(tokens(text[found.end() :]))),
        tuple(_run_back(tokens(text[: found.start()]))),
    )


def between(told: Told) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """Words before and after "between"; None where it is not said."""
    found = _BETWEEN.search(told.text)
    if not found:
        return None
    before, after = tokens(told.text[: found.start()]), tokens(told.text[found.end() :])
    if not _run_back(before):
        # "between Inman and Prospect on Hampshire"
        at = next((at for at, word in enumerate(after) if word in _ALONG), None)
        if at is not None:
            before, after = after[at + 1 :], after[:at]
    return tuple(before), tuple(after)


@dataclass(frozen=True)
class Numbered:
    """A house number, and the words in which its street's name may start (after) or end (before). ``word`` is the
    number where it is spelt out: it may also be part of the name ("Seven Pines Avenue")."""

    number: HouseNumber
    after: tuple[str, ...]
    before: tuple[str, ...]
    word: str = ""


def numbered(told: Told) -> Iterator[Numbered]:
    """House numbers in the words, in their order."""
    words = list(told.words)
    for at, word in enumerate(words):
        if word == "one" and at and words[at - 1] in _POINTERS:
            continue
        text, after_number = _spelt_number(words, at)
        found = re.fullmatch(r"(\d{1,6})([a-z]{0,2})", text)
        raw = text
        if not found or (at and words[at - 1] == "-" and at > 1 and words[at - 2][:1].isdigit()):
            continue
        low = high = int(found.group(1))
        suffix, end = found.group(2), after_number
        if suffix in ("st", "nd", "rd", "th"):
            continue
        if end < len(words) and words[end] == "1/2":
            suffix, raw, end = "1/2", f"{text} 1/2", end + 1
            if end + 1 < len(words) and words[end] in ("a", "b", "c", "r"):
                suffix, raw, end = f"1/2{words[end]}", f"{raw}{words[end]}", end + 1
        if end + 1 < len(words) and words[end] in ("-", "/", "to") and re.fullmatch(r"\d{1,6}[a-z]?", words[end + 1]):
            other = int(re.sub(r"\D", "", words[end + 1]))
            high = other if low < other <= low + 200 else low
            raw, end = f"{raw}-{words[end + 1]}", end + 2
            if end < len(words) and words[end] == "1/2":
                raw, end = f"{raw} 1/2", end + 1
        if not suffix and end + 1 < len(words) and words[end] in ("rear", "r", "a", "b", "c", "d"):
            suffix, end = words[end][:1], end + 1
            raw += suffix
        start = end
        while start < len(words) and words[start] in _NOISE and start - end < 3:
            start += 1
        after = _run(words[start:])
        if at and words[at - 1] in NUMBER_WORDS:
            continue  # the end of a number that is spelt out
        spelt = "" if word == text else word
        # "Berkshire St near 55"
        before = words[:at]
        while len(before) > 1 and before[-1] in _NEARLY:
            before = before[:-1]
        yield Numbered(HouseNumber(low, high, suffix, raw), tuple(after), tuple(_run_back(before)), spelt)


def name_before(words: Sequence[str]) -> tuple[str, ...]:
    """The words at the end in which a street's name may stand."""
    return tuple(_run_back(list(words)))


def _spelt_number(words: list[str], at: int) -> tuple[str, int]:
    """A number as digits, and where the words after it start: "24", "twenty four", "two fifteen"."""
    parts = [int(NUMBER_WORDS[word]) for word in itertools.takewhile(NUMBER_WORDS.__contains__, words[at : at + 4])]
    if not parts:
        return words[at], at + 1
    said = ""
    used = 0
    while used < len(parts):
        value = parts[used]
        used += 1
        if value >= 20 and value % 10 == 0 and used < len(parts) and parts[used] < 10:
            value += parts[used]
            used += 1
        said += str(value)
    return said, at + used


def _run(words: list[str]) -> list[str]:
    told: list[str] = []
    for word in words:
        if (word in STOPS and told) or word in SEPARATORS:
            break
        told.append(word)
    return told[:7]


def _run_back(words: list[str]) -> list[str]:
    told: list[str] = []
    skipping = True
    for word in reversed(words):
        if skipping and word in _NOISE:
            continue
        skipping = False
        if word in STOPS:
            break
        told.insert(0, word)
    return told[-6:]


def corners(told: Told) -> Iterator[tuple[tuple[str, ...], tuple[str, ...], bool]]:
    """Words before and after each joint of two streets, and whether the joint is one for sure."""
    words = list(told.words)
    says_corner = bool(_CORNERS & set(words))
    for at, word in enumerate(words):
        sure = word in _SURE_JOINTS or says_corner
        if word not in JOINTS and not (says_corner and word in (",", "-")):
            continue
        after = at + 1
        while after < len(words) and words[after] in JOINTS:
            after += 1
        left, right = _name_before(words[:at]), _name_after(words[after:])
        if left and right:
            yield tuple(left), tuple(right), sure


def _name_before(words: list[str]) -> list[str]:
    told: list[str] = []
    for word in reversed(words):
        if word in SEPARATORS:
            if told:
                break
            continue
        if (word in STOPS or word in JOINTS) and word != "n":
            if told:
                break
            continue
        told.insert(0, word)
    return told[-6:]


def _name_after(words: list[str]) -> list[str]:
    told: list[str] = []
    for word in words:
        if word in SEPARATORS or word in STOPS or word in JOINTS:
            if told:
                break
            continue
        told.append(word)
    return told[:6]
