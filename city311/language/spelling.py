"""Light correction of mistyped words towards words that a body of examples uses often.

A wrong correction costs more than a missed one: the features see parts of words, so that most slips do no harm, while
a right but rare word that becomes another one misleads. So a word changes only when the slip is a likely one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

_WORD = re.compile(r"[^\W\d_]+")
_STRETCHED = re.compile(r"(.)\1{2,}")
_SHORTEST = 4
_SHORTEST_FOR_TWO = 8

_VOWELS = frozenset("aeiouy")
_ALIKE = frozenset(frozenset(pair) for pair in ("ck", "sz", "cs", "ks", "fv", "gj", "dt", "mn", "kq"))
_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_BESIDE = frozenset(frozenset(pair) for row in _ROWS for pair in pairwise(row))
_SWAP = 0.6
_DOUBLE = 0.4
_VOWEL = 0.6
_SOUND = 0.7
_KEY = 0.9
_LETTER = 0.9
_OTHER = 1.0
_FIRST = 0.7
"""Costs of slips. The first letter is rarely wrong."""
_CLEARLY_BETTER = 0.15
_CLEARLY_OFTENER = 3


@dataclass(frozen=True)
class Speller:
    """Corrects words.

    Attributes:
        frequent: words that a mistyped one may become, with how often they are used.
        right: further words that are left alone.
        by_deletion: frequent words by what is left when a letter or two are taken away; :meth:`of` fills it.
    """

    frequent: Mapping[str, int]
    right: frozenset[str]
    by_deletion: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, frequent: Mapping[str, int], right: Iterable[str]) -> Speller:
        """Prepare for quick look-up."""
        index: dict[str, list[str]] = {}
        for word in frequent:
            if len(word) >= _SHORTEST:
                for shorter in set(_deletions(word, 2 if len(word) >= _SHORTEST_FOR_TWO else 1)):
                    index.setdefault(shorter, []).append(word)
        return cls(frequent, frozenset(right), {shorter: tuple(words) for shorter, words in index.items()})

    def correct(self, text: str) -> str:
        """``text`` with every unknown word of four letters or more that is a likely slip replaced by what was meant."""
        shouted = text.isupper()
        return _WORD.sub(lambda match: self._correct_word(match.group(), shouted), text)

    def _correct_word(self, word: str, shouted: bool) -> str:
        plain = word.lower()
        if len(plain) < _SHORTEST or plain in self.frequent or plain in self.right:
            return word
        if word.isupper() and not shouted:  # an abbreviation
            return word
        stretched = _STRETCHED.search(plain)
        for repeated in (r"\1\1", r"\1") if stretched else ():
            squeezed = _STRETCHED.sub(repeated, plain)
            if squeezed in self.frequent or squeezed in self.right:
                return squeezed
        return self._likeliest(plain) or word

    def _likeliest(self, typed: str) -> str | None:
        """The frequent word that ``typed`` is surely a slip of, if there is one."""
        most = _allowed(len(typed))
        reach = 2 if len(typed) >= _SHORTEST_FOR_TWO else 1
        near = {one for shorter in _deletions(typed, reach) for one in self.by_deletion.get(shorter, ())}
        costs = sorted((slip_cost(typed, one), -self.frequent[one], one) for one in near)
        costs = [one for one in costs if one[0] <= most]
        if not costs:
            return None
        cost, often, best = costs[0]
        for other_cost, other_often, other in costs[1:]:
            rival = other_cost - cost < _CLEARLY_BETTER
            if rival and -other_often > -often * _CLEARLY_OFTENER:
                cost, often, best = other_cost, other_often, other
        return best


def count_words(texts: Iterable[str]) -> Counter[str]:
    """How many of ``texts`` use each word, in lower case."""
    return Counter(word for text in texts for word in {found.lower() for found in _WORD.findall(text)})


def _allowed(letters: int) -> float:
    """The most that the slips in a word of so many letters may cost."""
    return 0.7 if letters < 5 else 0.9 if letters < 6 else 1.0 if letters < _SHORTEST_FOR_TWO else 1.6


def _deletions(word: str, reach: int) -> Iterator[str]:
    shorter = {word}
    yield word
    for _ in range(reach):
        shorter = {one[:index] + one[index + 1 :] for one in shorter for index in range(len(one))}
        yield from shorter


def slip_cost(typed: str, meant: str) -> float:
    """How unlikely it is that ``typed`` is a slip of ``meant``: 0 is the same word, 1 about one unlikely slip."""
    before: list[float] = []
    last = [0.0]
    for column in range(1, len(meant) + 1):
        last.append(last[-1] + _missing(meant, column - 1))
    for row in range(1, len(typed) + 1):
        current = [last[0] + _missing(typed, row - 1)]
        for column in range(1, len(meant) + 1):
            changed = last[column - 1] + _changed(typed, row - 1, meant, column - 1)
            cost = min(last[column] + _missing(typed, row - 1), current[-1] + _missing(meant, column - 1), changed)
            swapped = row > 1 and column > 1
            if swapped and typed[row - 1] == meant[column - 2] and typed[row - 2] == meant[column - 1]:
                cost = min(cost, before[column - 2] + _SWAP + (_FIRST if row == 2 else 0))
            current.append(cost)
        before, last = last, current
    return last[-1]


def _missing(word: str, at: int) -> float:
    """The letter of ``word`` at ``at`` has no counterpart."""
    if at and word[at] == word[at - 1]:
        return _DOUBLE
    return _LETTER + (_FIRST if not at else 0)


def _changed(typed: str, at: int, meant: str, wanted: int) -> float:
    one, other = typed[at], meant[wanted]
    if one == other:
        return 0.0
    first = _FIRST if not at or not wanted else 0.0
    pair = frozenset((one, other))
    if pair <= _VOWELS:
        return _VOWEL + first
    if pair in _ALIKE:
        return _SOUND + first
    return (_KEY if pair in _BESIDE else _OTHER) + first
