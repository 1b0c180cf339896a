"""Places by their form, and where a place begins and ends: what stands beside the trained model of places.

A place here is ``(start, end, confidence)``.
"""

from __future__ import annotations

import re
from collections.abc import Container, Sequence

from city311.dialogue.nlu.words import any_of, words

_WORDS = words()
_TYPE = any_of(_WORDS["street_ends"])
_NO_NAME = any_of(_WORDS["no_street_name"])
_UNITS = any_of(word for word in _WORDS["counted"] if len(word) > 3)  # "14 May St" is a place
_COUNTED = any_of(word.title() for word in _WORDS["counted"])
_CERTAIN = re.compile(
    rf"\b\d{{1,5}}[a-z]?\s+(?!{_UNITS}\b)(?:[nsew]\.?\s+)?(?:[a-z][\w'’]*\s+){{1,2}}{_TYPE}\b\.?"
    r"|\b(?:light\s+|lamp\s+|utility\s+|telephone\s+)?(?:pole|post|bus\s+stop|stop|meter)\s*(?:#|no\.?|number)?"
    r"\s*(?:\d{2,8}[a-z]?|\d{2,5}[-/]\d{1,5}[a-z]?|[a-z]{1,2}-?\d{2,6})\b(?![-/\d])"
    rf"|(?<![\w$/.])\d{{1,5}}\s+1/2\s+(?!{_UNITS}\b)(?:[nsew]\.?\s+)?[a-z][a-z'’]{{2,}}\b(?:\s+{_TYPE}\b)?"
    rf"|\b[nsew]\.?\s+\d{{1,3}}(?:st|nd|rd|th)\b(?:\s+{_TYPE}\b)?"
    rf"|\b(?!{_NO_NAME}\b)[a-z]{{4,}}\s+{_TYPE}\s+(?:[ns]\.?[ew])\b"
    rf"|(?<![\w$#/.,-])\d{{3,5}}\s+[nsew]\.?\s+(?!{_NO_NAME}\b)[a-z]{{4,}}\b(?!['’])"
    rf"|\b(?!{_NO_NAME}\b)"
    r"[a-z][a-z'’]{2,}\s+(?:ave|blvd|ln|cir|pkwy|pk|terr)\b\.?"
    rf"|\b{any_of(_WORDS['before_own'])}\s+(?P<own>(?:my|our)\s+(?:(?!own|way)[\w'’]+\s+)?{any_of(_WORDS['own_places'])})\b"
    r"(?!['’]s)",
    re.I,
)
"""Forms that are a place whatever stands around them."""
_NUMBER_AND_NAME = re.compile(
    r"(?<![\w$#/.,-])(?<!Route )(?<!Unit )(?!(?:19|20)\d\d\b)\d{2,5}[A-Za-z]?\s+"
    rf"(?!{_COUNTED}[a-z]*\b)(?!(?i:{any_of([*_WORDS['months'], *_WORDS['weekdays']])})\b)"
    r"[A-Z][a-z]{2,}\b(?!\s+[a-z]+s\b)"
)
"""A house number and a street without its type ("22 Prospect"), whatever stands before it. Not in shouted text."""
_NAMED_STREET = re.compile(
    rf"(?<![\w'’])(?!(?i:{_NO_NAME})\b)[A-Z][a-z'’]{{2,}}(?:\s+[A-Z][a-z'’]{{2,}})?\s+"
    rf"(?:{'|'.join(word.title() for word in _WORDS['street_types'])})\b"
)
"""Capitals on a name and on its type ("Valencia Place")."""
_CORNER = re.compile(
    r"(?:^|[.!?]\s+|\n\s*)(?P<corner>[A-Z][a-z]{2,}(?:\s+[A-Z][a-z]{2,})?\s+(?:and|&)\s+(?:[A-Z][a-z]{2,}|\d{1,3}(?:st|nd|rd|th))"
    r"(?:,?\s+[NS][EW]\s+(?:corner|side))?)(?=\s*(?:[.!?,;\n]|$))"
)
"""Two names that are a sentence of their own: "Dover and Elgin."."""
_LONE_NAMES = re.compile(
    r"(?<![\w$#/.,@-])(?:(?!(?:19|20)\d\d\b)\d{3,5}\s+(?P<only>[a-z]{4,}(?<!s))|(?P<one>[a-z]{4,})\s*[&@]\s*(?P<other>[a-z]{4,}))"
    r"\b(?:\s+(?:st|av|ave|rd|dr|ct|pl|pt|ter|sq)\b)?"
)
"""In small letters, a number and a word, or two words: a place where nobody has used those words for anything else."""
_PART = re.compile(
    rf"\b(?:(?:the|a|an|our|my)\s+)?(?:(?!{any_of(_WORDS['before'])}\b|the\b|and\b|is\b|to\b)[\w'’]+\s+)?"
    rf"{any_of(_WORDS['parts'])}\s+(?:at|of|in|by|on|near|behind|under|off|beside|between|next\s+to|across\s+from|in\s+back\s+of)"
    r"\s+(?:the\s+)?$",
    re.I,
)
"""Before a place: which part of it, or what stands there ("the steps of", "the pond at")."""
_LEADS_THERE = re.compile(
    rf"\b(?:(?:right|just)\s+)?(?:{any_of(_WORDS['leads'])}"
    rf"|(?:\d{{1,2}}|one|two|three|four|five|a\s+few|a\s+couple|several)(?:\s+of)?\s+{any_of(_WORDS['doors'])}"
    r"(?:\s+(?:up|down|over|away|in|past|north|south|east|west))?(?:\s+(?:from|of|off))?)\s+$",
    re.I,
)
"""Before a place: how to get from it to the spot."""
_ONLY_A_THING = re.compile(
    rf"(?:{any_of(_WORDS['before_a_thing'])}\s+)*{any_of(_WORDS['articles'])}(?:\s+[\w'’]+){{0,3}}", re.I
)
"""A thing or a room, of which every block has one."""
_NUMBER_OR_TYPE = re.compile(rf"\d|\b{_TYPE}\b", re.I)
_NAME = re.compile(r"\b[A-Z][a-z]")
_CERTAIN_ENOUGH = 0.9
_BELIEVED = 0.7
_LEADS_ON = re.compile(r"(?:^|\s)(?:on|at|by|near|in|of|off|and|&|the|inside|behind|between|from)$", re.I)
"""How a place ends that goes on in the next one ("the library on", "Elm Street"), or that has a word too many."""
_ALONGSIDE = re.compile(
    r"\s*,\s*(?:(?:right|just)\s+)?(?:off|near|by|between|btwn|behind|next\s+to|across\s+from|corner\s+of)\s+(?:the\s+)?"
    r"|\s+(?:at|on)\s+(?:the\s+)?",
    re.I,
)
"""Between two halves of one place."""
_NO_PLACE = re.compile(rf"[\s,(]+{any_of(_WORDS['no_place'])}(?!\w).*", re.I | re.S)
"""From such a word on ("Cobb Field won't latch"), it is the sentence and no longer the place."""
_REST_OF_A_NAME = re.compile(r"(?:[-&+]|['’](?=n\b))[\w'’]+(?:[-&+][\w'’]+)*", re.I)
"""What hangs on a name without a space: "Gas" of "Gas-N-Go" is half of it."""
_DOOR = (
    r"(?:(?:apt|apartment|unit|suite|ste|lot|bldg|building|rm|room)\.?\s*#?\s*(?:\d{1,4}[a-z]?|[a-z]\d{0,3})|#\s*\d{1,4}[a-z]?"
    r"|(?:1st|2nd|3rd|[4-9]th|first|second|third|fourth|fifth|top|ground)\s+(?:floor|flr?)"
    r"|upstairs|downstairs|(?:in\s+the\s+)?(?:rear|basement)(?:\s+unit)?|(?:back|front|side|rear)\s+door)"
)
_REST_BEFORE = re.compile(r"(?:[\w'’]+[-&+])+$")
_LONGEST_NAME = 30
_LONGEST_DOOR = 30
_DOOR_BEFORE = re.compile(rf"(?<!\w){_DOOR}(?:\s*,\s*|\s+(?:at|of|in|on)\s+|\s+)$", re.I)
_DOOR_AFTER = re.compile(rf"(?:\s*,\s*|\s+){_DOOR}(?!\w)", re.I)
"""Which door of a house: it belongs to an address."""
_ADDRESS = re.compile(r"\d{1,5}[a-z]?\s+[a-z0-9]", re.I)
_COUNTED_ONLY = re.compile(rf"\W*\d{{1,2}}[: ]\d\d|\W*\d+(?:[.,]\d+)*\s*(?:%|{_UNITS}\b).*", re.I | re.S)
"""So many days or dollars, or a time of day: no house's number."""
_COUNTS = re.compile(r"[\s,]*\b\d+$")
_MARKS = re.compile(r"[\s.,;:!?)-]*")
_NO_MORE_THAN_A_WORD_BEFORE = re.compile(rf"\W*(?:(?:{any_of(_WORDS['before'])}\W*)*|{any_of(_WORDS['own'])}\W*)", re.I)
_COUNTED_NEXT = re.compile(rf"\s+{_COUNTED}\b", re.I)


def finished(text: str, found: Sequence[tuple[int, int, float]], known: Container[str]) -> list[tuple[int, int, float]]:
    """The places of ``text`` as a crew reads them, in order.

    Args:
        text: a message.
        found: what the model takes for places.
        known: words that the examples use often, in lower case.
    """
    places = _beginning_at(_PART, text, _with_whole_names(text, _joined(text, found)))
    spans = [match.span("own" if match.group("own") else 0) for match in _CERTAIN.finditer(text)]
    spans += [match.span() for rule in (_NUMBER_AND_NAME, _NAMED_STREET) for match in rule.finditer(text)]
    spans += [match.span("corner") for match in _CORNER.finditer(text)]
    spans += [match.span() for match in _LONE_NAMES.finditer(text) if _are_names(match, known)]
    for start, end in spans:
        # A form that begins earlier counts for more than what the model half believes: "pole 218", not "218".
        places = [
            one
            for one in places
            if one[2] >= _BELIEVED or not (start < one[0] < end or (start == one[0] and one[1] < end))
        ]
        if _is_free(places, start, end):
            places.append((start, end, _CERTAIN_ENOUGH))
    return _by_name(text, _as_one(text, _beginning_at(_LEADS_THERE, text, _with_their_doors(text, sorted(places)))))


def _beginning_at(
    opening: re.Pattern[str], text: str, found: Sequence[tuple[int, int, float]]
) -> list[tuple[int, int, float]]:
    """Places, each with what ``opening`` finds right before it."""
    result: list[tuple[int, int, float]] = []
    for start, end, sure in found:
        before = opening.search(text[result[-1][1] if result else 0 : start])
        result.append((start - len(before.group()) if before else start, end, sure))
    return result


def _by_name(text: str, found: Sequence[tuple[int, int, float]]) -> list[tuple[int, int, float]]:
    """Without "my roof" and "the stairs", where another place has a number or a name: that is where the crew goes."""
    if not any(_has_a_name(text, start, end) for start, end, _ in found):
        return list(found)
    return [
        (start, end, sure)
        for start, end, sure in found
        if _has_a_name(text, start, end) or not _ONLY_A_THING.fullmatch(text, start, end)
    ]


def _has_a_name(text: str, start: int, end: int) -> bool:
    """Whether a place has a number, a street's type or, where capitals say something, a capital."""
    if _NUMBER_OR_TYPE.search(text, start, end):
        return True
    return text not in (text.lower(), text.upper()) and bool(_NAME.search(text, start, end))


def _as_one(text: str, found: Sequence[tuple[int, int, float]]) -> list[tuple[int, int, float]]:
    """Places that little parts as one: "Delmar Ave at the boat ramp"."""
    result: list[tuple[int, int, float]] = []
    for start, end, sure in found:
        if result and _ALONGSIDE.fullmatch(text, result[-1][1], start):
            start, sure = result[-1][0], min(sure, result[-1][2])
            result.pop()
        result.append((start, end, sure))
    return result


def _are_names(match: re.Match[str], known: Container[str]) -> bool:
    return all(word not in known for word in match.groups() if word)


def _is_free(found: Sequence[tuple[int, int, float]], start: int, end: int) -> bool:
    return all(end <= other_start or start >= other_end for other_start, other_end, _ in found)


def _joined(text: str, found: Sequence[tuple[int, int, float]]) -> list[tuple[int, int, float]]:
    """Places that lead on into the next one as one place; a word that leads nowhere is taken away."""
    result: list[tuple[int, int, float]] = []
    for start, end, sure in found:
        if result and _LEADS_ON.search(text[result[-1][0] : result[-1][1]]) and not text[result[-1][1] : start].strip():
            first, _, least = result[-1]
            result[-1] = (first, end, min(least, sure))
        else:
            result.append((start, end, sure))
    trimmed = []
    for start, end, sure in result:
        start += len(_MARKS.match(text, start, end).group())  # type: ignore[union-attr]  # it matches nothing, too
        # "my block 3 days": the number counts what comes next.
        counts = _COUNTS.search(text, start, end) if _COUNTED_NEXT.match(text, end) else None
        kept = counts.start() if counts else end
        if said := _NO_PLACE.search(text, start, kept):
            kept = said.start()
        while match := _LEADS_ON.search(text[start:kept]):
            kept = start + match.start()
        if kept <= start or _COUNTED_ONLY.fullmatch(text, start, kept):
            continue
        if not _NO_MORE_THAN_A_WORD_BEFORE.fullmatch(text, start, kept):
            trimmed.append((start, kept, sure))
    return trimmed


def _with_whole_names(text: str, found: Sequence[tuple[int, int, float]]) -> list[tuple[int, int, float]]:
    """Places, none of them ending in the middle of a name."""
    result: list[tuple[int, int, float]] = []
    for start, end, sure in found:
        rest = _REST_OF_A_NAME.match(text, end) if text[end - 1].isalnum() else None
        near = max(result[-1][1] if result else 0, start - _LONGEST_NAME)
        before = _REST_BEFORE.search(text[near:start]) if text[start].isalnum() else None
        result.append((near + before.start() if before else start, rest.end() if rest else end, sure))
    return [one for at, one in enumerate(result) if at == 0 or one[0] >= result[at - 1][1]]


def _with_their_doors(text: str, found: Sequence[tuple[int, int, float]]) -> list[tuple[int, int, float]]:
    """Addresses together with the apartment or the floor; a door that was found by itself becomes part of one."""
    result: list[tuple[int, int, float]] = []
    for start, end, sure in found:
        if result and start < result[-1][1]:
            continue
        if _ADDRESS.match(text, start, end):
            near = max(0, start - _LONGEST_DOOR)
            if before := _DOOR_BEFORE.search(text[near:start]):
                start = near + before.start()
            if after := _DOOR_AFTER.match(text, end):
                end = after.end()
            result = [one for one in result if one[1] <= start]
        result.append((start, end, sure))
    return result
