"""Screening of what a resident typed, before anything of it is stored, logged or passed on. Pure functions.

Order matters: invisible characters go first, so that a card number cannot hide behind them; numbers that we must not
hold go next; a leading slash last, so that Rasa (which reads ``/intent{…}`` as a command) never sees one.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from city311.language.responses import Responses

LONGEST = 1_000
"""Characters of one message that are passed on; a longer one gets a polite answer instead."""

NEEDED = ("utter_value_card_removed", "utter_value_ssn_removed")
"""Responses that the domain must have."""


@dataclass(frozen=True)
class Marks:
    """What stands in the place of a number that is not kept, in the words of a language."""

    card: str
    ssn: str


def marks(words: Responses) -> Marks:
    """The marks of a domain.

    Raises:
        DomainError: it has none.
    """
    return Marks(*(words.say(key) for key in NEEDED))


@dataclass(frozen=True)
class Screened:
    """A message that is fit to store. ``text`` is empty when ``too_long``: a text of any size is not worth keeping."""

    text: str
    too_long: bool = False

    @property
    def empty(self) -> bool:
        """Nothing is left that a reader could see."""
        return not self.too_long and not self.text


def screen(raw: str, removed: Marks) -> Screened:
    """``raw`` without what must not be stored or passed on. Never raises, whatever the characters."""
    if len(raw) > 16 * LONGEST:
        return Screened("", too_long=True)
    text = visible(raw)
    if len(text) > LONGEST:
        return Screened("", too_long=True)
    return Screened(without_command(redacted(text, removed)))


# --- characters ------------------------------------------------------------------------------------------------------

_BREAKS = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
# format characters that are printed (Arabic number signs and the like)
_PRINTED_FORMAT = frozenset("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd")
# letters and symbols that show as nothing: fillers, grapheme joiner, blank Braille cell, Khmer inherent vowels
_BLANKS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
_JOINERS = frozenset("\u200c\u200d")


def visible(raw: str) -> str:
    """``raw`` in NFC without control, formatting, zero-width and blank characters; line breaks as ``\\n``; stripped.

    The two joiners stay between letters of scripts that are spelt with them (Persian, Hindi, …), nowhere else.
    """
    text = _BREAKS.sub("\n", raw)
    kept = []
    for at, character in enumerate(text):
        if character == "\t":
            kept.append(" ")
        elif character == "\n" or _is_kept(character) or (character in _JOINERS and _joins(text, at)):
            kept.append(character)
    clean = unicodedata.normalize("NFC", "".join(kept)).strip()
    # marks and variation selectors alone draw nothing
    return clean if any(unicodedata.category(c)[0] not in "MZ" and c != "\n" for c in clean) else ""


def _is_kept(character: str) -> bool:
    if character in _BLANKS:
        return False
    category = unicodedata.category(character)
    return category not in ("Cc", "Cf", "Cs") or character in _PRINTED_FORMAT


def _joins(text: str, at: int) -> bool:
    around = text[at - 1 : at] + text[at + 1 : at + 2]
    return len(around) == 2 and all(
        c > "\u0590" and not "\u1e00" <= c <= "\u2fff" and unicodedata.category(c)[0] in "LM" for c in around
    )


# --- numbers that are not kept ---------------------------------------------------------------------------------------

_DASH = "\\-\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d"
_RUN = re.compile(rf"\d(?:[\s{_DASH}]{{0,3}}\d){{12,}}")
_SSN = re.compile(rf"(?<!\d)(?<!\d[{_DASH}])\d{{3}}[\s{_DASH}]{{1,3}}\d{{2}}[\s{_DASH}]{{1,3}}\d{{4}}(?![{_DASH}]?\d)")
_NAMED_SSN = re.compile(
    r"(?i)(\b(?:ssn|social\s+security(?:\s+(?:number|num|no))?)\b[^\d\n]{0,20})(\d{9})(?!\d)",
)
_GROUPINGS = ((4, 4, 4, 4), (4, 4, 4, 4, 3), (4, 6, 5), (4, 6, 4), (4, 4, 4, 1), (4, 4, 5), (6, 13), (5, 4, 4))
# issuer prefix and the lengths that go with it
_ISSUED = re.compile(
    r"4\d{12}(?:\d{3}){0,2}|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|3[47]\d{13}"
    r"|6(?:011|4[4-9]\d|5\d\d|2\d\d)\d{12,15}|35\d{14,17}|3(?:0[0-5]|[689]\d)\d{11}"
)


def redacted(text: str, removed: Marks) -> str:
    """``text`` with payment card numbers and US social security numbers replaced.

    A card number is 13–19 digits, perhaps in groups, with a right Luhn digit. One number written as a whole or in a
    card's usual groups needs nothing more; inside a longer row of digits (a phone number before it, odd groups) it
    must also start as issued cards do, or two phone numbers in a row would often be taken for one.
    """
    text = _RUN.sub(lambda run: _without_cards(run.group(), removed.card), text)
    text = _NAMED_SSN.sub(lambda named: named.group(1) + removed.ssn, text)
    return _SSN.sub(lambda _: removed.ssn, text)


def _without_cards(run: str, mark: str) -> str:
    places = [at for at, character in enumerate(run) if character.isdecimal()]
    digits = "".join(str(unicodedata.decimal(run[at])) for at in places)
    starts = [0] + [n for n in range(1, len(places)) if places[n] - places[n - 1] > 1]
    # where a group of digits starts → where it ends
    group_ends = dict(zip(starts, [*starts[1:], len(places)], strict=True))
    # a row longer than any card number may hold one anywhere
    inside = {n for at, end in group_ends.items() if end - at > 19 for n in range(at, end + 1)}
    possible_ends = inside.union(group_ends.values())
    found: list[list[int]] = []
    for start in sorted(inside.union(group_ends)):
        ends = (start + length for length in range(13, 20) if start + length in possible_ends)
        for end in ends:
            if not _is_card(digits[start:end], group_ends, start):
                continue
            # rows that overlap can't be told apart, so all of them goes
            if found and start < found[-1][1]:
                found[-1][1] = max(end, found[-1][1])
            else:
                found.append([start, end])
    out, done = [], 0
    for start, end in found:
        out += [run[done : places[start]], mark]
        done = places[end - 1] + 1
    return "".join([*out, run[done:]])


def _is_card(digits: str, group_ends: dict[int, int], start: int) -> bool:
    if not _luhn(digits):
        return False
    groups, at, end = [], start, start + len(digits)
    while at in group_ends and group_ends[at] <= end:
        groups.append(group_ends[at] - at)
        at = group_ends[at]
    usual = groups == [len(digits)] or tuple(groups) in _GROUPINGS
    return usual or _ISSUED.fullmatch(digits) is not None


def _luhn(digits: str) -> bool:
    total = 0
    for at, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if at % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


# --- commands --------------------------------------------------------------------------------------------------------

_SLASHES = "/\uff0f\u2044\u2215\u29f8"


def without_command(text: str) -> str:
    """``text`` without leading slashes of any width: Rasa would read them as a command."""
    start = 0
    while start < len(text) and (text[start] in _SLASHES or text[start].isspace()):
        start += 1
    return text[start:]
