"""Finds where something is in a sentence: a conditional random field over words, trained on annotated examples.

Its features are shapes, neighbours and general words of places (street, corner, behind, park); no list of any city's
streets, so that it works in every city.
"""

from __future__ import annotations

import re
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pycrfsuite

from city311.dialogue.nlu.words import any_of, words

_TOKEN = re.compile(r"\d+(?:st|nd|rd|th)\b|[^\W_]+(?:['’][^\W\d_]+)?|[^\w\s]", re.I)


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
_SURE_ENOUGH = 0.4  # a place too many is confirmed or corrected in the conversation; one missed is asked for again
_RARE = "<rare>"
_KNOWN_FROM = 3
_SETS = tuple(
    (name, frozenset(_WORDS[name])) for name in ("street", "place", "company", "before", "direction", "own", "join")
)


@dataclass(frozen=True)
class Token:
    """A word of a text and where it stands."""

    text: str
    start: int
    end: int


def tokens_of(text: str) -> list[Token]:
    """Words, numbers and single marks of ``text``."""
    return [Token(match.group(), match.start(), match.end()) for match in _TOKEN.finditer(text)]


def _shape(word: str) -> str:
    if word.isdigit():
        return f"d{len(word)}"
    if word[0].isdigit():
        return "ordinal" if word[-1].isalpha() else "dx"
    if word.isupper():
        return "X" if len(word) == 1 else "XX"
    return "Xx" if word[0].isupper() else "x" if word[0].isalpha() else word


def _kin(word: str, groups: Mapping[str, tuple[int, int]]) -> tuple[str, str]:
    if word in groups:
        coarse, fine = groups[word]
        return f"g={coarse}", f"h={fine}"
    return ("g=word", "h=word") if word.isalpha() else ("g=mark", "h=mark")


def _features(tokens: Sequence[Token], known: frozenset[str], groups: Mapping[str, tuple[int, int]]) -> list[list[str]]:
    plain = [token.text.lower() for token in tokens]
    # A word met once teaches nothing about the next name that nobody has met: all such words look the same.
    words = [word if word in known else _RARE for word in plain]
    letters = [token.text for token in tokens if token.text.isalpha()]
    # In shouted or all-lower-case text capitals say nothing.
    telling = any(word[0].isupper() and word[1:].islower() for word in letters[1:])
    shapes = [_shape(token.text) if telling or token.text[0].isdigit() else "?" for token in tokens]
    classes = ["+".join(name for name, members in _SETS if word in members) for word in plain]
    kin = [_kin(word, groups) for word in plain]
    rows = []
    for index, word in enumerate(words):
        row = [
            "bias",
            f"w={word}",
            f"s={shapes[index]}",
            f"c={classes[index]}",
            f"p={plain[index][:3]}",
            f"e={plain[index][-3:]}",
        ]
        row.append(f"e2={plain[index][-2:]}")
        row.extend(kin[index])
        row.append(f"sr={shapes[index]}|{word == _RARE}")
        for offset in (-3, -2, -1, 1, 2, 3):
            near = index + offset
            if not 0 <= near < len(words):
                row.append(f"{offset}:edge")
                continue
            row.append(f"{offset}:c={classes[near]}")
            if abs(offset) <= 2:
                row.append(f"{offset}:w={words[near]}")
                row.extend(f"{offset}:{group}" for group in kin[near])
                row.append(f"{offset}:s={shapes[near]}")
        if index:
            row.append(f"w-1w={words[index - 1]}|{word}")
            row.append(f"c-1s={classes[index - 1]}|{shapes[index]}")
            row.append(f"w-1s={words[index - 1]}|{shapes[index]}")
        if index + 1 < len(words):
            row.append(f"sc+1={shapes[index]}|{classes[index + 1]}")
            row.append(f"ww+1={word}|{words[index + 1]}")
        rows.append(row)
    return rows


def _tags(tokens: Sequence[Token], spans: Sequence[tuple[int, int]]) -> list[str]:
    tags = []
    for token in tokens:
        inside = [span for span in spans if span[0] <= token.start and token.end <= span[1]]
        tags.append("O" if not inside else "B" if token.start == inside[0][0] else "I")
    return tags


@dataclass(frozen=True)
class PlaceModel:
    """What training makes: a model in CRFsuite's own format, the words that it knows, and groups of kindred words."""

    crf: bytes
    known: frozenset[str]
    groups: Mapping[str, tuple[int, int]]


def train(
    examples: Sequence[tuple[str, Sequence[tuple[int, int]]]], groups: Mapping[str, tuple[int, int]]
) -> PlaceModel:
    """A model from texts with the spans of their places.

    Every example is learnt once more in lower case, because many residents write so.

    Args:
        examples: texts, each with start and end of its places.
        groups: word → coarse and fine group of kindred words.
    """
    counts = Counter(word for text, _ in examples for word in {token.text.lower() for token in tokens_of(text)})
    known = frozenset(word for word, count in counts.items() if count >= _KNOWN_FROM)
    trainer = pycrfsuite.Trainer(algorithm="lbfgs", verbose=False)
    trainer.set_params({"c1": 0.05, "c2": 0.3, "max_iterations": 60, "feature.minfreq": 2})
    for text, spans in examples:
        for variant in dict.fromkeys((text, text.lower())):
            tokens = tokens_of(variant)
            if tokens and len(variant) == len(text):
                trainer.append(_features(tokens, known, groups), _tags(tokens, spans))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "places.crfsuite"
        trainer.train(str(path))
        return PlaceModel(path.read_bytes(), known, groups)


class PlaceFinder:
    """A trained model at work."""

    def __init__(self, model: PlaceModel) -> None:
        self._model = model  # the tagger reads from this memory as long as it lives
        self._tagger: Any = pycrfsuite.Tagger()
        self._tagger.open_inmemory(model.crf)

    def find(self, text: str) -> list[tuple[int, int, float]]:
        """Start, end and confidence (of the least sure word) of every place in ``text``."""
        tokens = tokens_of(text)
        if not tokens:
            return []
        self._tagger.set(_features(tokens, self._model.known, self._model.groups))
        found: list[tuple[int, int, float]] = []
        inside = False
        sureness = {}
        for index, token in enumerate(tokens):
            begins, goes_on = (float(self._tagger.marginal(tag, index)) for tag in ("B", "I"))
            sureness[token.end] = sure = begins + goes_on
            if sure < _SURE_ENOUGH:
                inside = False
            elif inside and goes_on >= begins:
                start, _, least = found[-1]
                found[-1] = (start, token.end, min(least, sure))
            else:
                found.append((token.start, token.end, sure))
                inside = True
        found = _with_what_is_near(text, _joined(text, found))
        spans = [match.span("own" if match.group("own") else 0) for match in _CERTAIN.finditer(text)]
        spans += [match.span() for rule in (_NUMBER_AND_NAME, _NAMED_STREET) for match in rule.finditer(text)]
        spans += [match.span() for match in _LONE_NAMES.finditer(text) if self._are_names(match)]
        found = _with_landmarks(text, found, sureness)
        for start, end in spans:
            # A form that begins earlier counts for more than what the model half believes: "pole 218", not "218".
            found = [
                one
                for one in found
                if one[2] >= _BELIEVED or not (start < one[0] < end or (start == one[0] and one[1] < end))
            ]
            if _is_free(found, start, end):
                found.append((start, end, _CERTAIN_ENOUGH))
        return sorted(found)

    def _are_names(self, match: re.Match[str]) -> bool:
        return all(word not in self._model.known for word in match.groups() if word)


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


_COUNTS = re.compile(r"[\s,]*\b\d+$")
_MARKS = re.compile(r"[\s.,;:!?)-]*")
_NO_MORE_THAN_A_WORD_BEFORE = re.compile(rf"\W*(?:{any_of(_WORDS['before'])}\W*)*", re.I)
_COUNTED_NEXT = re.compile(rf"\s+{_COUNTED}\b", re.I)


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
