"""What the sentence encoder makes of the examples of a training: read once, however many components learn from it."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Sequence
from typing import Any

import numpy as np

from city311.dialogue.nlu.tokens import tokens_of, word_vectors
from city311.language.encoder import Encoder

PIECES = "pieces"
"""Property of a message: its text as it was read, the vectors of its word pieces, and where each of them stands."""

_last: weakref.ReferenceType[Reading] | None = None
_lock = threading.Lock()


class Reading:
    """Texts as an encoder sees them: each as a whole, and each of its words."""

    def __init__(self, encoder: Encoder, texts: tuple[str, ...]) -> None:
        self.encoder = encoder
        self.texts = texts
        self._row = {text: row for row, text in enumerate(texts)}
        self._words: list[Any] = [None] * len(texts)
        self._vectors, self._layers = encoder.encode_layers(texts, self._keep)

    def _keep(self, row: int, pieces: Any, offsets: Sequence[tuple[int, int]]) -> None:
        self._words[row] = word_vectors(tokens_of(self.texts[row]), pieces, offsets).astype(np.float16)

    def sentences(self, texts: Sequence[str]) -> tuple[Any, Any]:
        """What :meth:`Encoder.encode_layers` gives for ``texts``."""
        rows = [self._row[text] for text in texts]
        return self._vectors[rows], self._layers[rows]

    def words(self, texts: Sequence[str]) -> Any:
        """The words of ``texts``, one after the other: 16-bit floats, ``(words, width of a word piece)``."""
        return np.concatenate([self._words[self._row[text]] for text in texts])


def read(encoder: Encoder, texts: Sequence[str]) -> Reading:
    """The reading of ``texts`` (at least one): the last one, if it was of the same texts and somebody still has it."""
    global _last
    wanted = tuple(sorted(set(texts)))
    with _lock:
        reading = _last() if _last else None
        if reading is None or reading.encoder is not encoder or reading.texts != wanted:
            reading = Reading(encoder, wanted)
            _last = weakref.ref(reading)
        return reading
