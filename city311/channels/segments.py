"""How a text becomes SMS: which alphabet it needs, how many segments it takes, and where it may be cut.

GSM 03.38: a text in its alphabet has 160 characters in one segment, 153 each in several; any other character makes the
whole text UCS-2, with 70 and 67 (UTF-16 units). One emoji or curly quote more than doubles the cost.
"""

from __future__ import annotations

import re
import unicodedata

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = frozenset("^{}\\[~]|€\f")
"""Each takes two characters, which are never in two segments."""

_PLAIN = str.maketrans(
    {
        **dict.fromkeys("‘’‚‛′`´", "'"),
        **dict.fromkeys("“”„‟″«»", '"'),
        **dict.fromkeys("‐‑‒–—―−•◦·▪", "-"),
        **dict.fromkeys("\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u3000\t", " "),
        "…": "...",
        "→": "->",
        "×": "x",
    }
)
_STARS = re.compile(r"\*\*(?=\S)(.+?)(?<=\S)\*\*", re.DOTALL)


def plain(text: str) -> str:
    """``text`` without emphasis, and with printers' marks as the GSM alphabet has them. Letters stay as they are."""
    return _STARS.sub(r"\1", text).translate(_PLAIN).strip()


def is_gsm(text: str) -> bool:
    """Whether the text fits the GSM alphabet."""
    return all(character in _BASIC or character in _EXTENDED for character in text)


def segments(text: str) -> int:
    """How many segments a phone network counts; 1 for nothing."""
    if is_gsm(text):
        sizes = [2 if character in _EXTENDED else 1 for character in text]
        one, many = 160, 153
    else:
        sizes = [len(character.encode("utf-16-le")) // 2 for character in text]
        one, many = 70, 67
    if sum(sizes) <= one:
        return 1
    count, room = 1, many
    for size in sizes:
        if size > room:
            count, room = count + 1, many
        room -= size
    return count


def cut(text: str, most: int, *, after: str = "") -> str:
    """The longest beginning of ``text`` that has at most ``most`` segments together with ``after``.

    It ends with a line or a sentence where that loses little, else with a word; only a word that is itself too long
    is cut, and then between two characters as people see them. Empty when not even one character fits.
    """
    if segments(text + after) <= most:
        return text
    words = _longest(text, [found.start() for found in re.finditer(r"\s", text)], most, after)
    ends = [found.end() for found in re.finditer(r"[.!?](?=\s)|(?=\n)", text) if found.end() <= len(words)]
    if ends and ends[-1] >= len(words) * 0.6:
        return text[: ends[-1]].rstrip()
    if words.strip():
        return words.rstrip()
    return _longest(text, _between_characters(text), most, after)


def _longest(text: str, places: list[int], most: int, after: str) -> str:
    low, high = 0, len(places)
    while low < high:
        middle = (low + high) // 2
        if segments(text[: places[middle]].rstrip() + after) <= most:
            low = middle + 1
        else:
            high = middle
    return text[: places[low - 1]] if low else ""


def _between_characters(text: str) -> list[int]:
    """Where no mark, joiner, skin tone or second half of a flag follows."""
    places, flags = [], 0
    for at in range(1, len(text)):
        before, here = text[at - 1], text[at]
        flags = flags + 1 if "\U0001f1e6" <= before <= "\U0001f1ff" else 0
        half_flag = "\U0001f1e6" <= here <= "\U0001f1ff" and flags % 2 == 1
        tied = unicodedata.category(here)[0] == "M" or "\U0001f3fb" <= here <= "\U0001f3ff"
        if not (half_flag or tied or "\u200d" in (before, here)):
            places.append(at)
    return places
