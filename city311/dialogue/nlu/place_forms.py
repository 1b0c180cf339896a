"""Places by their form, and where a place begins and ends: what stands beside the trained model of places.

A place here is ``(start, end, confidence)``.
"""

from __future__ import annotations

import re
from collections.abc import Container, Mapping, Sequence

from city311.dialogue.nlu.words import any_of, words

_WORDS = words()
_TYPE = any_of(_WORDS["street_ends"])
_NO_NAME = any_of(_WORDS["no_street_name"])
_NEARBY = any_of(_WORDS["nearby"])
_COUNTED = any_of(word.title() for word in _WORDS["counted"])
_CERTAIN = re.compile(
    rf"\b\d{{1,5}}[a-z]?\s+(?:[nsew]\.?\s+)?(?:[a-z][\w'’]*\s+){{1,2}}{_TYPE}\b\.?"
    r"|\b(?:light\s+|lamp\s+|utility\s+|telephone\s+)?(?:pole|post|bus\s+stop|stop|meter)\s*(?:#|no\.?|number)?"
    r"\s*(?:\d{2,6}[a-z]?|\d{2,5}[-/]\d{1,5}[a-z]?)\b(?![-/\d])"
    rf"|\b[nsew]\.?\s+\d{{1,3}}(?:st|nd|rd|th)\b(?:\s+{_TYPE}\b)?"
    rf"|\b(?!{_NO_NAME}\b)"
    r"[a-z][a-z'’]{2,}\s+(?:ave|blvd|ln|cir|pkwy|pk|terr)\b\.?"
    r"|\b(?:in\s?front\s+of|infront|outside|behind|by|near|nr|across\s+from|next\s+to|opposite)\s+(?:of\s+)?"
    r"(?P<own>(?:my|our)\s+(?:house|home|building|apartment|apt|driveway|garage|block|store|shop|place|yard))\b",
    re.I,
)
"""Forms that are a place whatever stands around them."""
_NUMBER_AND_NAME = re.compile(
    r"(?<![\w$#/.,-])(?<!Route )(?<!Unit )(?!(?:19|20)\d\d\b)\d{2,5}[A-Za-z]?\s+"
    rf"(?!{_COUNTED}[a-z]*\b)[A-Z][a-z]{{3,}}\b(?!\s+[a-z]+s\b)"
)
"""A house number and a street without its type ("22 Prospect"), whatever stands before it. Not in shouted text."""
_NAMED_STREET = re.compile(
    rf"(?<![\w'’])(?!(?i:{_NO_NAME})\b)[A-Z][a-z'’]{{2,}}(?:\s+[A-Z][a-z'’]{{2,}})?\s+"
    rf"(?:{'|'.join(word.title() for word in _WORDS['street_types'])})\b"
)
"""Capitals on a name and on its type ("Valencia Place")."""
_LONE_NAMES = re.compile(
    r"(?<![\w$#/.,@-])(?:(?!(?:19|20)\d\d\b)\d{3,5}\s+(?P<only>[a-z]{4,}(?<!s))|(?P<one>[a-z]{4,})\s*[&@]\s*(?P<other>[a-z]{4,}))"
    r"\b(?:\s+(?:st|av|ave|rd|dr|ct|pl|pt|ter|sq)\b)?"
)
"""In small letters, a number and a word, or two words: a place where nobody has used those words for anything else."""
_AT_LANDMARK = re.compile(
    rf"\b(?:at|{_NEARBY}|outside|inside|in|on|infront\s+of|in\s+front\s+of)\s+"
    rf"(?P<landmark>(?:(?:the|our)\s+)?(?:[\w'’]+\s+){{0,2}}?{any_of(_WORDS['landmarks'])})\b",
    re.I,
)
_PART = re.compile(
    rf"(?:(?:the|a|an|our|my)\s+)?(?:(?!{any_of(_WORDS['before'])}\b|the\b|and\b|is\b|to\b)[\w'’]+\s+)?"
    rf"{any_of(_WORDS['parts'])}\s+(?:at|of|in|by|on|near|behind|under|off)\s+(?:the\s+)?$",
    re.I,
)
"""Before a place: which part of it, or what stands there ("the steps of", "the pond at")."""
_ON = re.compile(r"\s+(?:on|at|in|of)\s+(?:the\s+)?", re.I)
_SURE_ENOUGH_OF_LANDMARK = 0.12
"""What "at the …" a building follows needs of the model's own confidence."""
_CERTAIN_ENOUGH = 0.9
_BELIEVED = 0.7
_LEADS_ON = re.compile(r"(?:^|\s)(?:on|at|by|near|in|of|off|and|&|the|inside|behind|between|from)$", re.I)
"""How a place ends that goes on in the next one ("the library on", "Elm Street"), or that has a word too many."""
_GOES_ON = re.compile(rf"\s+(?:(?:right|just)\s+)?{_NEARBY}\s+(?:the\s+)?", re.I)
"""Between a street and what stands on it: "Ocean Parkway by the underpass" is one place."""
_LANDMARK = re.compile(rf"(?:[\w'’]+\s+)?{any_of(_WORDS['place'])}\b", re.I)
_NO_PLACE = re.compile(rf"[\s,(]+{any_of(_WORDS['no_place'])}(?!\w).*", re.I | re.S)
"""From such a word on ("Cobb Field won't latch"), it is the sentence and no longer the place."""
_COUNTS = re.compile(r"[\s,]*\b\d+$")
_MARKS = re.compile(r"[\s.,;:!?)-]*")
_NO_MORE_THAN_A_WORD_BEFORE = re.compile(rf"\W*(?:{any_of(_WORDS['before'])}\W*)*", re.I)
_COUNTED_NEXT = re.compile(rf"\s+{_COUNTED}\b", re.I)


def finished(
    text: str,
    found: Sequence[tuple[int, int, float]],
    sureness: Mapping[int, float],
    known: Container[str],
) -> list[tuple[int, int, float]]:
    """The places of ``text`` as a crew reads them, in order.

    Args:
        text: a message.
        found: what the model takes for places.
        sureness: the model's confidence that a word belongs to a place, by the position where the word ends.
        known: words that the examples use often, in lower case.
    """
    places = _with_their_parts(text, _with_what_is_near(text, _joined(text, found)))
    spans = [match.span("own" if match.group("own") else 0) for match in _CERTAIN.finditer(text)]
    spans += [match.span() for rule in (_NUMBER_AND_NAME, _NAMED_STREET) for match in rule.finditer(text)]
    spans += [match.span() for match in _LONE_NAMES.finditer(text) if _are_names(match, known)]
    places = _with_landmarks(text, places, sureness)
    for start, end in spans:
        # A form that begins earlier counts for more than what the model half believes: "pole 218", not "218".
        places = [
            one
            for one in places
            if one[2] >= _BELIEVED or not (start < one[0] < end or (start == one[0] and one[1] < end))
        ]
        if _is_free(places, start, end):
            places.append((start, end, _CERTAIN_ENOUGH))
    return sorted(places)


def _are_names(match: re.Match[str], known: Container[str]) -> bool:
    return all(word not in known for word in match.groups() if word)


def _is_free(found: Sequence[tuple[int, int, float]], start: int, end: int) -> bool:
    return all(end <= other_start or start >= other_end for other_start, other_end, _ in found)


def _with_landmarks(
    text: str, found: Sequence[tuple[int, int, float]], sureness: Mapping[int, float]
) -> list[tuple[int, int, float]]:
    """Places, and landmarks of which the model is a little sure; ``sureness``: of the word that ends at a position."""
    result = list(found)
    for match in _AT_LANDMARK.finditer(text):
        start, end = match.span("landmark")
        if sureness.get(end, 0.0) < _SURE_ENOUGH_OF_LANDMARK or not _is_free(result, start, end):
            continue
        # "the firehouse on Quincy Street" is one place
        street = next((one for one in result if _ON.fullmatch(text, end, one[0])), None)
        if street:
            result.remove(street)
            end = street[1]
        result.append((start, end, _CERTAIN_ENOUGH))
    return result


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
        if kept > start and not _NO_MORE_THAN_A_WORD_BEFORE.fullmatch(text, start, kept):
            trimmed.append((start, kept, sure))
    return trimmed


def _with_what_is_near(text: str, found: Sequence[tuple[int, int, float]]) -> list[tuple[int, int, float]]:
    """Places together with the landmark that says where on them it is."""
    result: list[tuple[int, int, float]] = []
    for start, end, sure in found:
        if result and start < result[-1][1]:  # it is part of the one before already
            continue
        between = _GOES_ON.fullmatch(text, result[-1][1], start) if result else None
        if between:
            start, sure = result[-1][0], min(sure, result[-1][2])
            result.pop()
        elif (onward := _GOES_ON.match(text, end)) and (landmark := _LANDMARK.match(text, onward.end())):
            end = landmark.end()
        result.append((start, end, sure))
    return result


def _with_their_parts(text: str, found: Sequence[tuple[int, int, float]]) -> list[tuple[int, int, float]]:
    """Places, each beginning at the part of it that is meant: "the steps of 14 Elm", not "14 Elm"."""
    result: list[tuple[int, int, float]] = []
    for start, end, sure in found:
        part = _PART.search(text[result[-1][1] if result else 0 : start])
        result.append((start - len(part.group()) if part else start, end, sure))
    return result
