"""How well messages are understood: pure measures over what was said, what was meant and what was answered."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

REPORT = "report"
DANGERS = ("emergency", "self_harm")
OUT_OF_SCOPE = "out_of_scope"
FALLBACK = "nlu_fallback"
_LEADING = re.compile(
    r"(?:(?:an?|the|at|on|in|near|by|behind|outside|inside|opposite|across|from|between|of|next|to|beside|along|off|past|"
    r"under|above|over|around|my|our)\b\W*)+"
)
_ENOUGH_OVERLAP = 0.6
_BINS = 10


@dataclass(frozen=True)
class Span:
    """An entity: its kind and its words as they stand in the text."""

    entity: str
    text: str


@dataclass(frozen=True)
class Case:
    """A message of the test set. ``label`` is fine (``report/pothole``); ``hard``: danger words without danger."""

    text: str
    label: str
    entities: tuple[Span, ...] = ()
    hard: bool = False

    @property
    def intent(self) -> str:
        return self.label.partition("/")[0]

    @property
    def service(self) -> str:
        return self.label.partition("/")[2]


@dataclass(frozen=True)
class Answer:
    """What the model made of it. ``intent`` as Rasa reports it, ``likeliest`` before any rejection."""

    intent: str
    likeliest: str
    confidence: float
    services: tuple[str, ...] = ()
    entities: tuple[Span, ...] = ()


@dataclass(frozen=True)
class Scores:
    """Shares are from 0 to 1. ``reliability``: per band of confidence its mean, the share right and the count."""

    cases: int
    intent: float
    intent_answered: float
    rejected: float
    service: float
    service_top3: float
    macro_f1: float
    out_of_scope_recall: float
    out_of_scope_false: float
    danger_recall: float
    danger_false_hard: float
    danger_false_other: float
    calibration_error: float
    reliability: tuple[tuple[float, float, int], ...]
    entities: dict[str, tuple[float, float, float, int]]
    confusions: list[tuple[str, str, list[str]]] = field(repr=False)


def score(cases: Sequence[Case], answers: Sequence[Answer]) -> Scores:
    """Everything at once."""
    pairs = list(zip(cases, answers, strict=True))
    reports = [(case, answer) for case, answer in pairs if case.service]
    dangers = [answer.intent in DANGERS for case, answer in pairs if case.intent in DANGERS]
    calm = [(case.hard, answer.intent in DANGERS) for case, answer in pairs if case.intent not in DANGERS]
    outside = [_is_outside(answer.intent) for case, answer in pairs if case.intent == OUT_OF_SCOPE]
    inside = [_is_outside(answer.intent) for case, answer in pairs if case.intent != OUT_OF_SCOPE]
    error, bands = reliability([(answer.confidence, answer.likeliest == case.intent) for case, answer in pairs])
    return Scores(
        cases=len(pairs),
        intent=_share(answer.likeliest == case.intent for case, answer in pairs),
        intent_answered=_share(_is_right(case, answer) for case, answer in pairs),
        rejected=_share(answer.intent == FALLBACK for _, answer in pairs),
        service=_share(answer.services[:1] == (case.service,) for case, answer in reports),
        service_top3=_share(case.service in answer.services[:3] for case, answer in reports),
        macro_f1=macro_f1([(case.intent, answer.likeliest) for case, answer in pairs]),
        out_of_scope_recall=_share(outside),
        out_of_scope_false=_share(inside),
        danger_recall=_share(dangers),
        danger_false_hard=_share(said for hard, said in calm if hard),
        danger_false_other=_share(said for hard, said in calm if not hard),
        calibration_error=error,
        reliability=bands,
        entities=entity_scores(pairs),
        confusions=confusions(pairs),
    )


def _is_right(case: Case, answer: Answer) -> bool:
    return answer.intent == case.intent or (case.intent == OUT_OF_SCOPE and answer.intent == FALLBACK)


def _is_outside(intent: str) -> bool:
    return intent in (OUT_OF_SCOPE, FALLBACK)


def _share(hits: Iterable[bool]) -> float:
    seen = list(hits)
    return sum(seen) / len(seen) if seen else float("nan")


def macro_f1(pairs: Iterable[tuple[str, str]]) -> float:
    """Mean over the true labels of F1, from ``(true, said)``."""
    pairs = list(pairs)
    said, true, both = (
        Counter(p for _, p in pairs),
        Counter(t for t, _ in pairs),
        Counter(t for t, p in pairs if t == p),
    )
    values = [2 * both[label] / (said[label] + true[label]) for label in true]
    return sum(values) / len(values)


def reliability(
    judged: Iterable[tuple[float, bool]],
) -> tuple[float, tuple[tuple[float, float, int], ...]]:
    """Expected calibration error over ten equal bands of confidence, and the bands that hold anything."""
    bands: dict[int, list[tuple[float, bool]]] = defaultdict(list)
    for confidence, right in judged:
        bands[min(int(confidence * _BINS), _BINS - 1)].append((confidence, right))
    total = sum(map(len, bands.values()))
    rows = []
    error = 0.0
    for _, members in sorted(bands.items()):
        mean, right = sum(c for c, _ in members) / len(members), _share(r for _, r in members)
        error += abs(mean - right) * len(members) / total
        rows.append((mean, right, len(members)))
    return error, tuple(rows)


def words_of_place(text: str) -> list[str]:
    """Words of a place in lower case, without leading prepositions and articles."""
    return re.findall(r"\w+", _LEADING.sub("", text.lower(), count=1) if _LEADING.match(text.lower()) else text.lower())


def _same(one: Span, other: Span) -> bool:
    if one.entity != other.entity:
        return False
    if one.entity != "location":
        return re.sub(r"\W", "", one.text.lower()) == re.sub(r"\W", "", other.text.lower())
    first, second = Counter(words_of_place(one.text)), Counter(words_of_place(other.text))
    longest = max(sum(first.values()), sum(second.values()), 1)
    return sum((first & second).values()) / longest >= _ENOUGH_OVERLAP


def entity_scores(pairs: Sequence[tuple[Case, Answer]]) -> dict[str, tuple[float, float, float, int]]:
    """Per entity: precision, recall, F1, number in the test set. Places by overlap of words, the rest exactly."""
    right: Counter[str] = Counter()
    said: Counter[str] = Counter()
    true: Counter[str] = Counter()
    for case, answer in pairs:
        open_spans = list(case.entities)
        true.update(span.entity for span in open_spans)
        for span in answer.entities:
            said[span.entity] += 1
            match = next((other for other in open_spans if _same(span, other)), None)
            if match:
                open_spans.remove(match)
                right[span.entity] += 1
    result = {}
    for entity in sorted(true | said):
        precision = right[entity] / said[entity] if said[entity] else 0.0
        recall = right[entity] / true[entity] if true[entity] else 0.0
        f1 = 2 * right[entity] / (said[entity] + true[entity])
        result[entity] = (precision, recall, f1, true[entity])
    return result


def confusions(pairs: Sequence[tuple[Case, Answer]]) -> list[tuple[str, str, list[str]]]:
    """True label, said label and the texts, most frequent first; reports by service."""
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for case, answer in pairs:
        said = answer.intent
        if said == REPORT and answer.services:
            said = f"{REPORT}/{answer.services[0]}"
        if said != case.label and (case.service or not _is_right(case, answer)):
            found[case.label, said].append(case.text)
    ordered: list[tuple[Any, list[str]]] = sorted(found.items(), key=lambda item: (-len(item[1]), item[0]))
    return [(true, said, texts) for (true, said), texts in ordered]
