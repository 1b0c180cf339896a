"""Two problems in one message: its clauses, and which of them name another service than the main one.

Offering a second report that nobody wanted is worse than missing one. What the thresholds give stands in
docs/decisions/0008-how-messages-are-understood.md.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any

from city311.dialogue.nlu.labels import DANGERS

_END = re.compile(r"[.!?;:\n]+(?=\s|$)|\s[-–—]+\s|\s*[•*]\s+")
_JOIN = re.compile(r",?\s+(?:and|also|plus|n)\s+|,\s*|\s*[&+]\s*|\s+as\s+well\s+as\s+", re.I)
_LETTERS = re.compile(r"[^\W\d_]")
_MOST = 8
"""More clauses than this are not looked at: a long message must not cost many times a short one."""
_SURE, _SURE_IN_FEW_WORDS = 0.85, 0.98
_FEW_WORDS = 4
"""Up to so many words ("no water", "out of traffic") are more often a circumstance than a problem of their own."""
_CONFUSED = 0.1
_LEAST_WORDS = 2
"""One word ("Heat?", "cans") is too little to be a problem of its own."""


@dataclass(frozen=True)
class Clause:
    """A part of a message that may stand alone, and where it is."""

    start: int
    end: int


def sentences(text: str) -> list[Clause]:
    """The sentences of ``text``; none when there is only one."""
    found = _cut(text, 0, len(text), _END)
    return found[:_MOST] if len(found) > 1 else []


def clauses(text: str) -> list[Clause]:
    """Sentences of ``text``, and the parts of those that join several things; none when there is only one."""
    whole = _cut(text, 0, len(text), _END)
    parts = [part for one in whole for part in _cut(text, one.start, one.end, _JOIN)]
    found = list(dict.fromkeys([*sentences(text), *parts]))
    return found[:_MOST] if len(found) > 1 else []


def _cut(text: str, start: int, end: int, where: re.Pattern[str]) -> list[Clause]:
    found = []
    for match in [*where.finditer(text, start, end), None]:
        stop = match.start() if match else end
        if _LETTERS.search(text, start, stop):
            found.append(Clause(start, stop))
        start = match.end() if match else end
    return found


def other_problems(
    text: str, parts: Sequence[Clause], chances: Any, codes: Sequence[str | None], main: str | None
) -> list[dict[str, Any]]:
    """What else ``text`` reports beside ``main``: ``[{"code", "confidence", "text"}]``, the surest first.

    Two clauses must name two services, each with much confidence and hardly thinkable in the other clause. Beside a
    danger, one of the two must be the danger: its circumstances are no second problem.

    Args:
        text: the message.
        parts: its clauses.
        chances: ``(parts, labels)``, probabilities of every label for every clause.
        codes: the service (or danger) of each label; None where there is none.
        main: the service or the danger that the whole message was taken for; None names all problems.
    """
    columns = [column for column, code in enumerate(codes) if code]
    if not columns:
        return []
    best = [max(columns, key=lambda column: row[column]) for row in chances]
    said = [text[part.start : part.end].strip() for part in parts]
    sure = [float(row[column]) for row, column in zip(chances, best, strict=True)]
    plain = [_is_plain(chance, len(words.split())) for chance, words in zip(sure, said, strict=True)]
    found: dict[str, dict[str, Any]] = {}
    for one, other in permutations(range(len(parts)), 2):
        apart = parts[one].end <= parts[other].start or parts[other].end <= parts[one].start
        confused = max(float(chances[one][best[other]]), float(chances[other][best[one]])) > _CONFUSED
        if not apart or best[one] == best[other] or confused or not (plain[one] and plain[other]):
            continue
        code = codes[best[one]]
        if main in DANGERS and codes[best[other]] != main:
            continue
        if code and code != main and sure[one] > found.get(code, {"confidence": 0.0})["confidence"]:
            found[code] = {"code": code, "confidence": sure[one], "text": said[one]}
    return sorted(found.values(), key=lambda one: -one["confidence"])


def _is_plain(chance: float, words: int) -> bool:
    """Whether a clause of so many words names its problem plainly enough."""
    return words >= _LEAST_WORDS and chance >= (_SURE if words > _FEW_WORDS else _SURE_IN_FEW_WORDS)


def main_problem(
    text: str, whole: str, confidence: float, named: Sequence[dict[str, Any]]
) -> tuple[str, float, list[dict[str, Any]]]:
    """The service to take, how sure that is, and the others to offer.

    It is what the whole message was taken for, unless its clauses plainly name several others: then the first of them.
    Where a clause names it, it is as sure as that clause: beside another problem, the whole leaves more doubt.

    Args:
        text: the message.
        whole: the service that the whole message was taken for.
        confidence: how sure that was.
        named: every problem that the clauses name, as :func:`other_problems` gives them.
    """
    main, sure = whole, confidence
    if len(named) > 1:
        by_clause = {one["code"]: one["confidence"] for one in named}
        if whole in by_clause:
            sure = max(confidence, by_clause[whole])
        else:
            main = min(named, key=lambda one: text.find(one["text"]))["code"]
            sure = by_clause[main]
    return main, sure, [one for one in named if one["code"] != main]
