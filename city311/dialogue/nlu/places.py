"""Finds where something is in a sentence: a conditional random field over words, trained on annotated examples.

Its features are shapes, neighbours and general words of places (street, corner, behind, park); no list of any city's
streets, so that it works in every city.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pycrfsuite

from city311.dialogue.nlu.place_forms import finished
from city311.dialogue.nlu.words import words
from city311.settings import HOUSE

_TOKEN = re.compile(r"\d+(?:st|nd|rd|th)\b|[^\W_]+(?:['’][^\W\d_]+)?|[^\w\s]", re.I)


_WORDS = words()
_SURE_ENOUGH = 0.45  # a place too many is confirmed or corrected in the conversation; one missed is asked for again
_MODEL = "places.crfsuite"
_ABOUT = "places.json"
_EXAMPLES = "examples.json"
_RARE = "<rare>"
_KNOWN_FROM = 3
_KINDS = ("street", "place", "company", "before", "direction", "own", "join")
_CLASSES = {
    word: "+".join(name for name in _KINDS if word in _WORDS[name])
    for word in dict.fromkeys(word for name in _KINDS for word in _WORDS[name])
}
"""Of every word about places, the kinds that it belongs to."""


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


def _capitals_tell(tokens: Sequence[Token]) -> bool:
    """Whether a text has capitals inside it; in shouted or all-lower-case text they say nothing."""
    letters = [token.text for token in tokens if token.text.isalpha()]
    return any(word[0].isupper() and word[1:].islower() for word in letters[1:])


def _kin(word: str, groups: Mapping[str, tuple[int, int]]) -> tuple[str, str]:
    if word in groups:
        coarse, fine = groups[word]
        return f"g={coarse}", f"h={fine}"
    return ("g=word", "h=word") if word.isalpha() else ("g=mark", "h=mark")


def _openings(tokens: Sequence[Token], classes: Sequence[str]) -> list[int]:
    """For every word the last one before it (or itself) that looks like no part of a place, mostly a verb or a thing:
    "dumped" for all of "dumped behind 22 Prospect"."""
    openings = []
    last = 0
    for index, token in enumerate(tokens):
        if not (classes[index] or token.text.isdigit() or token.text[0].isupper()):
            last = index
        openings.append(last)
    return openings


def _features(tokens: Sequence[Token], known: frozenset[str], groups: Mapping[str, tuple[int, int]]) -> list[list[str]]:
    plain = [token.text.lower() for token in tokens]
    # A word met once teaches nothing about the next name that nobody has met: all such words look the same.
    words = [word if word in known else _RARE for word in plain]
    telling = _capitals_tell(tokens)
    shapes = [_shape(token.text) if telling or token.text[0].isdigit() else "?" for token in tokens]
    classes = [_CLASSES.get(word, "") for word in plain]
    kin = [_kin(word, groups) for word in plain]
    openings = _openings(tokens, classes)
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
        row.append(f"o={words[openings[index]]}")
        row.append(f"o{kin[openings[index]][0]}")
        for offset in (-4, -3, -2, -1, 1, 2, 3, 4):
            near = index + offset
            if not 0 <= near < len(words):
                row.append(f"{offset}:edge")
                continue
            row.append(f"{offset}:w={words[near]}")
            if abs(offset) <= 3:
                row.append(f"{offset}:c={classes[near]}")
            if abs(offset) <= 2:
                row.append(f"{offset}:{kin[near][0]}")
                row.append(f"{offset}:s={shapes[near]}")
        if index:
            row.append(f"c-1s={classes[index - 1]}|{shapes[index]}")
            row.append(f"w-1s={words[index - 1]}|{shapes[index]}")
        if index + 1 < len(words):
            row.append(f"sc+1={shapes[index]}|{classes[index + 1]}")
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

    def save(self, folder: Path) -> None:
        """Write ``places.crfsuite`` and ``places.json`` into ``folder``."""
        (folder / _MODEL).write_bytes(self.crf)
        words = {"known": sorted(self.known), "groups": self.groups}
        (folder / _ABOUT).write_text(json.dumps(words, ensure_ascii=False), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> PlaceModel:
        """Read what :meth:`save` wrote."""
        words = json.loads((folder / _ABOUT).read_text(encoding="utf-8"))
        groups = {word: (coarse, fine) for word, (coarse, fine) in words["groups"].items()}
        return cls((folder / _MODEL).read_bytes(), frozenset(words["known"]), groups)


def train(
    examples: Sequence[tuple[str, Sequence[tuple[int, int]]]], groups: Mapping[str, tuple[int, int]]
) -> PlaceModel:
    """A model from texts with the spans of their places.

    Every example with a place and with capitals is learnt once more in lower case, because many residents write so.

    Args:
        examples: texts, each with start and end of its places.
        groups: word → coarse and fine group of kindred words.
    """
    counts = Counter(word for text, _ in examples for word in {token.text.lower() for token in tokens_of(text)})
    known = frozenset(word for word, count in counts.items() if count >= _KNOWN_FROM)
    trainer = pycrfsuite.Trainer(algorithm="lbfgs", verbose=False)
    trainer.set_params({"c1": 0.05, "c2": 0.6, "max_iterations": 48, "feature.minfreq": 3})
    for text, spans in examples:
        tokens = tokens_of(text)
        small = tokens_of(text.lower()) if spans and _capitals_tell(tokens) and len(text.lower()) == len(text) else []
        for variant in (tokens, small):
            if variant:
                trainer.append(_features(variant, known, groups), _tags(variant, spans))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / _MODEL
        trainer.train(str(path))
        return PlaceModel(path.read_bytes(), known, groups)


def train_beside(
    examples: Sequence[tuple[str, Sequence[tuple[int, int]]]], groups: Mapping[str, tuple[int, int]]
) -> PlaceModel:
    """As :func:`train`, in a process of its own, so that other threads go on meanwhile.

    Raises:
        subprocess.CalledProcessError: it failed; what it said is on stderr.
    """
    with tempfile.TemporaryDirectory() as folder:
        content = {"examples": examples, "groups": groups}
        (Path(folder) / _EXAMPLES).write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
        subprocess.run([sys.executable, "-m", __name__, folder], check=True, cwd=HOUSE)
        return PlaceModel.load(Path(folder))


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
        for index, token in enumerate(tokens):
            begins, goes_on = (float(self._tagger.marginal(tag, index)) for tag in ("B", "I"))
            sure = begins + goes_on
            if sure < _SURE_ENOUGH:
                inside = False
            elif inside and goes_on >= begins:
                start, _, least = found[-1]
                found[-1] = (start, token.end, min(least, sure))
            else:
                found.append((token.start, token.end, sure))
                inside = True
        return finished(text, found, self._model.known)


if __name__ == "__main__":
    _folder = Path(sys.argv[1])
    _content = json.loads((_folder / _EXAMPLES).read_text(encoding="utf-8"))
    train(_content["examples"], _content["groups"]).save(_folder)
