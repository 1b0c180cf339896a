"""`make eval`: how well the trained model understands the hand-written test set, with a report of confusions.

Runs in Rasa's environment: ``.venv-dialogue/bin/python -m bench.eval [--model FILE] [--tests FOLDER] [--html FILE]``.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench import eval_page
from bench.scores import Answer, Case, Scores, Span, score

HOUSE = Path(__file__).resolve().parent.parent
TESTS = HOUSE / "tests" / "nlu" / "en"


def read_cases(folder: Path) -> list[Case]:
    """Every sentence of Rasa NLU files in ``folder``; those of ``hard_negatives*.yml`` count as hard."""
    from rasa.shared.nlu.training_data.loading import load_data

    cases = []
    for path in sorted(folder.glob("*.yml")):
        for message in load_data(str(path)).training_examples:
            text = message.get("text")
            spans = tuple(Span(one["entity"], text[one["start"] : one["end"]]) for one in message.get("entities") or [])
            label = message.get("intent_response_key") or message.get("intent")
            if text and label:
                cases.append(Case(text, label, spans, path.name.startswith("hard_negatives")))
    return cases


class Model:
    """A trained model, asked through Rasa's own graph."""

    def __init__(self, path: Path) -> None:
        import structlog
        from rasa.core.agent import Agent

        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
        self._agent = Agent.load(str(path))
        self._loop = asyncio.new_event_loop()

    def parse(self, text: str) -> dict[str, Any]:
        """What Rasa makes of a message."""
        return self._loop.run_until_complete(self._agent.parse_message(text))  # type: ignore[no-any-return]


def newest_model(folder: Path = HOUSE / "models") -> Path:
    """The model trained last. Raises SystemExit when there is none."""
    models = sorted(folder.glob("*.tar.gz"), key=lambda path: path.stat().st_mtime)
    if not models:
        raise SystemExit(f"{folder} holds no model. Run `make train` first.")
    return models[-1]


def as_answer(parsed: dict[str, Any]) -> Answer:
    """The measured part of a parse."""
    ranking = parsed.get("intent_ranking") or [{"name": parsed["intent"]["name"], "confidence": 0.0}]
    spans = tuple(
        Span(one["entity"], parsed["text"][one["start"] : one["end"]])
        for one in parsed.get("entities", [])
        if one["entity"] != "service"
    )
    return Answer(
        intent=parsed["intent"]["name"],
        likeliest=ranking[0]["name"],
        confidence=ranking[0]["confidence"],
        services=tuple(one["code"] for one in parsed.get("service_ranking", [])),
        entities=spans,
    )


def evaluate(model: Model, cases: Sequence[Case]) -> tuple[Scores, list[Answer], float, float]:
    """Scores, answers, the share of messages in which a second problem was seen, and a parse's median milliseconds."""
    answers, times, second = [], [], 0
    for case in cases:
        began = time.perf_counter()
        parsed = model.parse(case.text)
        times.append((time.perf_counter() - began) * 1000)
        answers.append(as_answer(parsed))
        second += bool(parsed.get("also"))
    return score(cases, answers), answers, second / len(cases), statistics.median(times)


def figures_of(scores: Scores, milliseconds: float, second_problems: float) -> list[tuple[str, str]]:
    """Name and value of every single figure."""
    rejected = percent(scores.rejected).strip()
    return [
        ("messages", f"{scores.cases:5d}"),
        ("intent, likeliest", percent(scores.intent)),
        ("intent, after rejection", f"{percent(scores.intent_answered)}   ({rejected} rejected)"),
        ("service", percent(scores.service)),
        ("service in the first three", percent(scores.service_top3)),
        ("macro F1 of intents", percent(scores.macro_f1)),
        ("out of scope, recall", percent(scores.out_of_scope_recall)),
        ("in scope taken for outside", percent(scores.out_of_scope_false)),
        ("danger, recall", percent(scores.danger_recall)),
        ("danger, false on hard ones", percent(scores.danger_false_hard)),
        ("danger, false elsewhere", percent(scores.danger_false_other)),
        ("a second problem seen in one", percent(second_problems)),
        ("calibration error", percent(scores.calibration_error)),
        ("parse, median", f"{milliseconds:5.1f} ms"),
    ]


def percent(value: float) -> str:
    """``value`` from 0 to 1 as a column of text."""
    return f"{100 * value:5.1f} %"


def describe(scores: Scores, figures: Sequence[tuple[str, str]]) -> str:
    """The figures as lines of text."""
    lines = [f"{name:28s}{value}" for name, value in figures]
    lines += ["", "entity            precision   recall       F1   number"]
    for entity, (precision, recall, f1, number) in scores.entities.items():
        lines.append(f"{entity:16s}  {percent(precision)}  {percent(recall)}  {percent(f1)}  {number:6d}")
    lines += ["", "confidence   right   messages"]
    for mean, right, number in scores.reliability:
        lines.append(f"{percent(mean)}   {percent(right)}   {number:5d}")
    lines += ["", "worst confusions (true → said)"]
    for true, said, texts in scores.confusions[:15]:
        lines.append(f"{len(texts):3d}  {true} → {said}: {texts[0][:90]}")
    return "\n".join(lines)


def main() -> None:
    """Command line."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--model", type=Path, help="a trained model; default: the newest in models/")
    options.add_argument("--tests", type=Path, default=TESTS, help="folder of Rasa NLU files")
    options.add_argument("--html", type=Path, default=HOUSE / "var" / "eval" / "confusions.html")
    chosen = options.parse_args()
    cases = read_cases(chosen.tests)
    scores, _, second, milliseconds = evaluate(Model(chosen.model or newest_model()), cases)
    figures = figures_of(scores, milliseconds, second)
    print(describe(scores, figures))
    eval_page.write(scores, figures, chosen.html)
    print(f"\nEvery confusion with its texts: {chosen.html}")


if __name__ == "__main__":
    main()
