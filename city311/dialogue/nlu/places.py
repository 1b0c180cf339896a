"""Finds where something is in a sentence: a tagger of words, trained on annotated examples, and rules.

It sees what the sentence encoder makes of a word among its neighbours, the word's form, and general words of places
(street, corner, behind, park); no list of any city's streets, so that it works in every city.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np

from city311.dialogue.nlu.place_forms import finished
from city311.dialogue.nlu.reading import read
from city311.dialogue.nlu.tokens import Token, tokens_of, word_vectors
from city311.dialogue.nlu.words import words
from city311.language import tagger
from city311.language.encoder import Encoder
from city311.language.tagger import Tagger

Span = tuple[int, int]
"""Start and end in a text."""
Pieces = tuple[str, Any, Sequence[Span]]
"""A text, what an encoder makes of its word pieces (``(pieces, width)``), and where each of them stands."""

_WORDS = words()
_SURE_ENOUGH = 0.5  # a place too many is confirmed or corrected in the conversation; one missed is asked for again
_SURE = 0.7
"""Beside a place as sure as this, a less sure one is mostly where somebody lives or comes from."""
_NETWORK = "places.npz"
_ABOUT = "places.json"
_KNOWN_FROM = 3
_FEATURE_FROM = 4
_WITHOUT_CAPITALS = 0.4
"""So often is an example learnt as if written without capitals, because many residents write so."""
_TAGS = ("O", "B", "I")
_KINDS = ("street", "place", "company", "before", "direction", "own", "join")
_CLASSES = {
    word: tuple(f"c={name}" for name in _KINDS if word in _WORDS[name])
    for word in dict.fromkeys(word for name in _KINDS for word in _WORDS[name])
}
"""Of every word about places, the kinds that it belongs to."""
_ANY_SHAPE = "s=?"


def _shape(word: str) -> str:
    if word.isdigit():
        return f"s=d{len(word)}"
    if word[0].isdigit():
        return "s=ordinal" if word[-1].isalpha() else "s=dx"
    if word.isupper():
        return "s=X" if len(word) == 1 else "s=XX"
    return "s=Xx" if word[0].isupper() else "s=x" if word[0].isalpha() else f"s={word}"


def _capitals_tell(tokens: Sequence[Token]) -> bool:
    """Whether a text has capitals inside it; in shouted or all-lower-case text they say nothing."""
    letters = [token.text for token in tokens if token.text.isalpha()]
    return any(word[0].isupper() and word[1:].islower() for word in letters[1:])


def _features(tokens: Sequence[Token]) -> Iterator[tuple[str, ...]]:
    """Plain features of every word, its shape first."""
    telling = _capitals_tell(tokens)
    for index, token in enumerate(tokens):
        word = token.text.lower()
        shape = _shape(token.text) if telling or not word[0].isalpha() else _ANY_SHAPE
        first = ("first",) if index == 0 else ()
        yield shape, f"w={word}", f"p={word[:3]}", f"e={word[-3:]}", f"e2={word[-2:]}", *_CLASSES.get(word, ()), *first


def _numbers(features: Sequence[tuple[str, ...]], columns: Mapping[str, int], most: int) -> Any:
    """Features as numbers, ``(words, most)``; those that training did not keep, and what is beyond a word's, are 0."""
    result = np.zeros((len(features), most), np.int32)
    for row, names in zip(result, features, strict=True):
        row[: len(names)] = [columns.get(name, 0) for name in names]
    return result


_MOST = max(len(kinds) for kinds in _CLASSES.values()) + 6


def _tags(tokens: Sequence[Token], spans: Sequence[Span]) -> list[int]:
    tags = []
    for token in tokens:
        inside = [span for span in spans if span[0] <= token.start and token.end <= span[1]]
        tags.append(_TAGS.index("O" if not inside else "B" if token.start == inside[0][0] else "I"))
    return tags


@dataclass(frozen=True)
class PlaceModel:
    """What training makes.

    Attributes:
        tagger: gives words the tags O, B and I.
        columns: number of each plain feature.
        known: words that the examples use often, in lower case.
        encoder: fingerprint of the encoder whose word pieces the tagger knows.
    """

    tagger: Tagger
    columns: Mapping[str, int]
    known: frozenset[str]
    encoder: str

    def save(self, folder: Path) -> None:
        """Write ``places.npz`` and ``places.json`` into ``folder``."""
        self.tagger.save(folder / _NETWORK)
        about = {"columns": list(self.columns), "known": sorted(self.known), "encoder": self.encoder}
        (folder / _ABOUT).write_text(json.dumps(about, ensure_ascii=False), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> PlaceModel:
        """Read what :meth:`save` wrote."""
        about = json.loads((folder / _ABOUT).read_text(encoding="utf-8"))
        columns = {name: number for number, name in enumerate(about["columns"], start=1)}
        return cls(Tagger.load(folder / _NETWORK), columns, frozenset(about["known"]), about["encoder"])


def train(examples: Sequence[tuple[str, Sequence[Span]]], encoder: Encoder) -> PlaceModel:
    """A model from texts with the spans of their places.

    Args:
        examples: texts, each with start and end of its places.
        encoder: what reads them, now and later.
    """
    tokens = [tokens_of(text) for text, _ in examples]
    used = Counter(word for one in tokens for word in {token.text.lower() for token in one})
    features = [names for one in tokens for names in _features(one)]
    counts = Counter(name for names in features for name in names)
    kept = sorted(name for name, count in counts.items() if count >= _FEATURE_FROM or name == _ANY_SHAPE)
    columns = {name: number for number, name in enumerate(kept, start=1)}
    numbers = _numbers(features, columns, _MOST)
    plain = numbers.copy()
    plain[[names[0][2:3].lower() == "x" for names in features], 0] = columns.get(_ANY_SHAPE, 0)
    tags = [tag for one, (_, spans) in zip(tokens, examples, strict=True) for tag in _tags(one, spans)]
    starts = np.cumsum([0, *(len(one) for one in tokens)])
    texts = [text for text, _ in examples]
    vectors = read(encoder, texts).words(texts)
    sentences = tagger.Sentences(vectors, numbers, starts)
    network = tagger.train_beside(sentences, np.array(tags), len(columns) + 1, len(_TAGS), plain, _WITHOUT_CAPITALS)
    return PlaceModel(
        network,
        columns,
        frozenset(word for word, count in used.items() if count >= _KNOWN_FROM),
        encoder.fingerprint,
    )


class PlaceFinder:
    """A trained model at work.

    Raises:
        EncoderError: the model was trained with another encoder.
    """

    def __init__(self, model: PlaceModel, encoder: Encoder) -> None:
        encoder.check(model.encoder)
        self._model = model
        self._encoder = encoder

    def find(self, text: str, pieces: Pieces | None = None) -> list[tuple[int, int, float]]:
        """Start, end and confidence (of the least sure word) of every place in ``text``.

        Args:
            text: a message.
            pieces: what the encoder made of it, or of the same words spelt right, if it was asked before.
        """
        tokens = tokens_of(text)
        if not tokens:
            return []
        vectors = self._vectors(text, tokens, pieces)
        numbers = _numbers(list(_features(tokens)), self._model.columns, _MOST)
        chances = self._model.tagger.marginals(vectors, numbers)[:, 1:].tolist()
        found: list[tuple[int, int, float]] = []
        inside = False
        for token, (begins, goes_on) in zip(tokens, chances, strict=True):
            sure = begins + goes_on
            if sure < _SURE_ENOUGH:
                inside = False
            elif inside and goes_on >= begins:
                start, _, least = found[-1]
                found[-1] = (start, token.end, min(least, sure))
            else:
                found.append((token.start, token.end, sure))
                inside = True
        return _sure_ones(finished(text, found, self._model.known))

    def _vectors(self, text: str, tokens: Sequence[Token], pieces: Pieces | None) -> Any:
        if pieces:
            corrected = tokens_of(pieces[0])
            if len(corrected) == len(tokens):
                return self._whole(corrected, pieces)
        return self._whole(tokens, self._read(text))

    def _read(self, text: str) -> Pieces:
        seen: list[Any] = []
        self._encoder.encode_layers([text], lambda _, *read: seen.append((text, *read)))
        return cast("Pieces", seen[0])

    def _whole(self, tokens: Sequence[Token], pieces: Pieces) -> Any:
        """Vectors of all words: the encoder sees so many at once, so that what is beyond them is read by itself."""
        text, _, offsets = pieces
        vectors = word_vectors(tokens, *pieces[1:])
        seen = max(end for _, end in offsets)
        first = next((index for index, token in enumerate(tokens) if token.start >= seen), 0)
        if first:
            rest = text[tokens[first].start :]
            again = tokens_of(rest)
            if len(again) == len(tokens) - first:
                vectors[first:] = self._whole(again, self._read(rest))
        return vectors


def _sure_ones(found: Sequence[tuple[int, int, float]]) -> list[tuple[int, int, float]]:
    """Without what is doubtful beside a place that is sure."""
    return [one for one in found if one[2] >= _SURE] or list(found)
