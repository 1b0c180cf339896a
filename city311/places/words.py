"""How places are spelt: street types, directions, ordinals, tokens. American English."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from rapidfuzz.distance import OSA

_TYPES = {
    "st": "street str strt stre streets",
    "ave": "avenue av aven avenu avn avnue",
    "rd": "road",
    "pl": "place plc",
    "dr": "drive drv driv",
    "ct": "court crt",
    "ter": "terrace terr",
    "pkwy": "parkway pky parkwy pkway",
    "way": "wy",
    "pk": "park prk",
    "ln": "lane",
    "cir": "circle circ crcl",
    "hwy": "highway hiway hway",
    "tpk": "turnpike tpke trnpk tnpk",
    "blvd": "boulevard boul blv bvd",
    "sq": "square sqr squ",
    "aly": "alley ally",
    "ext": "extension extn",
    "lndg": "landing lndng",
    "ctr": "center centre cntr cent",
    "hill": "hl",
    "mews": "",
    "row": "",
    "grn": "green",
    "plz": "plaza plza",
    "trl": "trail",
    "expy": "expressway expy",
    "path": "",
    "loop": "",
    "gdns": "gardens gdn",
    "hts": "heights",
    "pike": "",
    "run": "",
    "walk": "",
    "xing": "crossing",
    "cv": "cove",
    "pt": "point",
    "rdg": "ridge",
    "vw": "view",
    "brg": "bridge brdg",
}
TYPES = {variant: short for short, others in _TYPES.items() for variant in (short, *others.split())}
"""Every spelling of a street type → its short form."""
_LONG_TYPES = sorted(variant for variant in TYPES if len(variant) >= 4)

DIRECTIONS = {
    "north": "n", "south": "s", "east": "e", "west": "w", "northeast": "ne", "northwest": "nw", "southeast": "se",
    "southwest": "sw", "n": "n", "s": "s", "e": "e", "w": "w", "ne": "ne", "nw": "nw", "se": "se", "sw": "sw",
}  # fmt: skip

_ORDINAL_WORDS = (
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth "
    "sixteenth seventeenth eighteenth nineteenth twentieth"
)
_CARDINAL_WORDS = (
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty"
)
_ORDINALS = {
    word: f"{number}{'th' if 10 < number < 20 else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"
    for number, word in enumerate(
        [
            "first",
            "second",
            "third",
            "fourth",
            "fifth",
            "sixth",
            "seventh",
            "eighth",
            "ninth",
            "tenth",
            "eleventh",
            "twelfth",
            "thirteenth",
            "fourteenth",
            "fifteenth",
            "sixteenth",
            "seventeenth",
            "eighteenth",
            "nineteenth",
            "twentieth",
        ],
        start=1,
    )
}
_ORDINALS |= {"forth": "4th", "fith": "5th", "sixt": "6th", "eigth": "8th", "nineth": "9th", "twelth": "12th"}
_SAME = {"mt": "mount", "ft": "fort", "msgr": "monsignor", "sgt": "sergeant", "lt": "lieutenant", "cpl": "corporal"}
_LONG_FORM = {short: (others.split() or [short])[0] for short, others in _TYPES.items()}
_LONG_DIRECTION = {"n": "north", "s": "south", "e": "east", "w": "west", "ne": "northeast", "nw": "northwest",
                   "se": "southeast", "sw": "southwest"}  # fmt: skip
NUMBER_WORDS = {
    word: str(number)
    for number, word in enumerate(
        [
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
            "thirteen",
            "fourteen",
            "fifteen",
            "sixteen",
            "seventeen",
            "eighteen",
            "nineteen",
            "twenty",
        ],
        start=1,
    )
}

_QUOTES = re.compile(r"[’'`´ʼ\"“”]")
_DOTTED = re.compile(r"\b((?:[a-z]\.){2,})")
_HALF = re.compile(r"(?<=\d)\.5\b|(?<=\d)\s?½")
_GLUED = re.compile(r"(?<![\w])(\d+)(?!(?:st|nd|rd|th)\b)([a-z]{3,})")
_TOKEN = re.compile(r"\d+(?:st|nd|rd|th)\b|1/2(?=[a-z]?\b)|\d+[a-z]{0,2}\b|\d+|[^\W\d_]+|[&/@+,;:()#-]|\n")
SEPARATORS = frozenset(",;:()\n")
"""Tokens that end a name."""


def plain(text: str) -> str:
    """Lower case, no accents, no quotation marks, one spelling of each letter."""
    folded = unicodedata.normalize("NFKD", text.replace("½", " 1/2")).casefold().replace("⁄", "/")
    return _QUOTES.sub("", "".join(letter for letter in folded if not unicodedata.combining(letter)))


def tokens(text: str) -> list[str]:
    """Words, numbers, ordinals and the marks that mean something ("&", "/", "@", "-", ",")."""
    told = _HALF.sub(" 1/2", plain(text))
    told = _DOTTED.sub(lambda found: found.group(1).replace(".", ""), told)
    told = _GLUED.sub(r"\1 \2", told)
    return [_ORDINALS.get(token, token) for token in _TOKEN.findall(told)]


def street_type(token: str) -> str:
    """The short form of a street type, also of one with a slip in it; empty for any other word."""
    if token in TYPES:
        return TYPES[token]
    if len(token) < 4 or not token.isalpha():
        return ""
    near = [variant for variant in _LONG_TYPES if abs(len(variant) - len(token)) <= 1 and len(variant) >= 5]
    for variant in near:
        if OSA.distance(token, variant, score_cutoff=1) <= 1:
            return TYPES[variant]
    return ""


@dataclass(frozen=True)
class Name:
    """A street's name in parts. ``base`` has no spaces, so that a missing or extra one costs nothing."""

    base: str
    type: str = ""
    direction: str = ""
    """After the type, as in "Elm St N"."""


def _base(words: list[str]) -> str:
    """Long forms: a slip in "Point" is one letter of ten, in "Pt" it is half a name."""
    if not words:
        return ""
    first = "saint" if words[0] == "st" and len(words) > 1 else words[0]
    if len(words) > 1:
        first = _LONG_DIRECTION.get(first, first)
    return "".join([_SAME.get(first, first), *(_long(word) for word in words[1:])])


def _long(word: str) -> str:
    return _LONG_FORM[TYPES[word]] if word in TYPES else _SAME.get(word, word)


def readings(words: list[str]) -> list[Name]:
    """What the words of a street's name may mean, the likeliest first: with its type and direction told apart, and
    as one name."""
    found: list[Name] = []
    told = list(words)
    if not told:
        return []
    direction = ""
    if len(told) > 2 and told[-1] in DIRECTIONS and street_type(told[-2]):
        direction = DIRECTIONS[told[-1]]
        told = told[:-1]
    if len(told) > 1 and (kind := street_type(told[-1])):
        found.append(Name(_base(told[:-1]), kind, direction))
    if not direction:
        found.append(Name(_base(told)))
    return found


def spelt_out(name: Name) -> Name | None:
    """The same name with its ordinal as a word, for slips in it ("Fofth"); None where it has none."""
    words = {short: word for word, short in reversed(_ORDINALS.items())}
    found = re.search(r"\d+(?:st|nd|rd|th)", name.base)
    if not found or found.group() not in words:
        return None
    return Name(name.base.replace(found.group(), words[found.group()]), name.type, name.direction)


_MARKS = frozenset("-&/@+#")


def name_of(text: str) -> Name:
    """The parts of a street's name as the lists spell it."""
    words = [token for token in tokens(text) if token not in SEPARATORS and token not in _MARKS]
    return readings(words)[0] if words else Name("")


def squash(text: str) -> str:
    """Letters and digits only, types and ordinals in their short form: for names of landmarks and ids of assets."""
    return squashed(tokens(text))


def squashed(told: list[str]) -> str:
    """The same of words already told apart."""
    return "".join(_long(word) for word in told if word.isalnum())
