"""Words of a text, as taggers see them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

_TOKEN = re.compile(r"\d+(?:st|nd|rd|th)\b|[^\W_]+(?:['’][^\W\d_]+)?|[^\w\s]", re.I)


@dataclass(frozen=True)
class Token:
    """A word of a text and where it stands."""

    text: str
    start: int
    end: int


def tokens_of(text: str) -> list[Token]:
    """Words, numbers and single marks of ``text``."""
    return [Token(match.group(), match.start(), match.end()) for match in _TOKEN.finditer(text)]


def word_vectors(tokens: Sequence[Token], pieces: Any, offsets: Sequence[tuple[int, int]]) -> Any:
    """The mean of the word pieces of every token: ``(tokens, width)``. Zero for a token that no piece belongs to.

    Args:
        tokens: of a text.
        pieces: vectors of the same text's word pieces, ``(pieces, width)``.
        offsets: where each of the pieces begins and ends.
    """
    result = np.zeros((len(tokens), pieces.shape[1]), np.float32)
    if not tokens:
        return result
    starts, ends = np.array([(token.start, token.end) for token in tokens]).T
    begin, end = np.array(offsets).T
    word = np.searchsorted(ends, begin, "right")
    inside = (end > begin) & (word < len(tokens))
    inside &= starts[np.minimum(word, len(tokens) - 1)] < end
    word = word[inside]
    first = np.flatnonzero(np.diff(word, prepend=-1))
    if len(first):
        counts = np.diff(np.append(first, len(word)))
        result[word[first]] = np.add.reduceat(pieces[inside], first, axis=0) / counts[:, None]
    return result
