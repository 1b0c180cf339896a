"""Understanding on public intent sets, through Rasa's own graph, beside Rasa's default pipeline if asked for.

``.venv-dialogue/bin/python -m bench.nlu --data FOLDER [--set NAME …] [--with-default]``, where FOLDER holds
``banking77/{train,test}.tsv`` (Casanueva et al. 2020, CC-BY-4.0) and
``clinc150_full/{train,val,test,oos_train,oos_val,oos_test}.tsv`` (Larson et al. 2019, CC-BY-3.0): text, tab, label.
Or ``--train FILE --test FILE``: any two files, TSV or Rasa NLU YAML.

Every pipeline runs in a process of its own, which also gives its memory. They are trained one after the other, and then
asked by turns, so that what else the machine does weighs on both. Thresholds and costs were chosen on training and
validation parts only.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

OUTSIDE = "out_of_scope"
FALLBACK = "nlu_fallback"
OURS = [{"name": "city311.dialogue.nlu.understanding.Understanding", "offered": ["none"]}]
EPOCHS = 100
"""Of Rasa's default pipeline."""
DEFAULT = [
    {"name": "WhitespaceTokenizer"},
    {"name": "RegexFeaturizer"},
    {"name": "LexicalSyntacticFeaturizer"},
    {"name": "CountVectorsFeaturizer"},
    {"name": "CountVectorsFeaturizer", "analyzer": "char_wb", "min_ngram": 1, "max_ngram": 4},
    {"name": "DIETClassifier", "epochs": EPOCHS, "constrain_similarities": True},
    {"name": "FallbackClassifier", "threshold": 0.3, "ambiguity_threshold": 0.1},
]
"""What ``rasa init`` writes, without the parts that do not bear on intents."""

OPEN = {"threshold": 0.0, "familiarity": 0.37, "vector_weight": 0.9, "neighbours": 0.15, "learnt_below": 1.1}
"""Keeps 95.7 % of the validation sentences in scope right; of confidence, margin, entropy, nearness, products."""
MANY = {"threshold": 0.0, "vector_weight": 0.9, "neighbours": 0.3, "learnt_below": 1.1}
"""Of 0, 0.15, 0.3 and 0.5 neighbours, on 2,000 training sentences kept back."""
FEW = {"threshold": 0.0, "vector_weight": [1.0, 1.0, 2.5], "neighbours": 0.5, "alike": [1.0, 0.0, 0.0]}
"""On eight choices of examples and 3,000 sentences each of the unused training part (docs/decisions/0008)."""

A_TURN = 25
"""Sentences that one pipeline parses before the next has its turn."""

Sentences = list[tuple[str, str]]


@dataclass(frozen=True)
class Task:
    """One experiment. ``settings``: of our component, chosen on parts of the training data or on validation data."""

    name: str
    train: Sentences
    test: Sentences
    settings: dict[str, Any]


@dataclass(frozen=True)
class Result:
    """Shares from 0 to 1, seconds, milliseconds, megabytes; times by the clock, and CPU time of all threads."""

    accuracy: float
    outside_recall: float | None
    train_seconds: float
    train_cpu_seconds: float
    parse_milliseconds: float
    parse_cpu_milliseconds: float
    megabytes: float
    model_megabytes: float


def read(path: Path) -> Sentences:
    """Sentences and labels of a TSV or a Rasa NLU file."""
    if path.suffix in (".yml", ".yaml"):
        from rasa.shared.nlu.training_data.loading import load_data

        messages = load_data(str(path)).training_examples
        return [(one.get("text"), one.get("intent_response_key") or one.get("intent")) for one in messages]
    lines = path.read_text(encoding="utf-8").splitlines()
    pairs = [line.rsplit("\t", 1) for line in lines if "\t" in line]
    return [(text.strip(), OUTSIDE if label.strip() == "oos" else label.strip()) for text, label in pairs]


def few(sentences: Sentences, count: int, seed: int) -> Sentences:
    """``count`` random sentences of each label."""
    by_label: dict[str, Sentences] = defaultdict(list)
    for text, label in sentences:
        by_label[label].append((text, label))
    chance = random.Random(seed)
    return [one for label in sorted(by_label) for one in chance.sample(by_label[label], count)]


def tasks(data: Path, names: list[str]) -> list[Task]:
    """The named experiments on the public sets in ``data``."""
    found = []
    banking, clinc = data / "banking77", data / "clinc150_full"
    for name in names:
        if name == "banking77":
            found.append(Task(name, read(banking / "train.tsv"), read(banking / "test.tsv"), MANY))
        elif name == "banking77-10":
            found.append(Task(name, few(read(banking / "train.tsv"), 10, 0), read(banking / "test.tsv"), FEW))
        elif name == "clinc150":
            train, test = (
                [*read(clinc / f"{part}.tsv"), *read(clinc / f"oos_{part}.tsv")] for part in ("train", "test")
            )
            found.append(Task(name, train, test, OPEN))
        else:
            raise SystemExit(f"There is no set called {name}. Use banking77, banking77-10 or clinc150.")
    return found


def child(order: Path) -> None:
    """One pipeline: trains, then parses what it is asked for on standard input, and answers on standard output."""
    import structlog
    from rasa.model_training import train_nlu

    from bench.eval import Model

    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what Rasa prints is no answer
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    content = json.loads(order.read_text("utf-8"))
    with tempfile.TemporaryDirectory() as folder_name:
        folder = Path(folder_name)
        examples: dict[str, list[str]] = defaultdict(list)
        for text, label in content["train"]:
            examples[label].append(text)
        nlu = [
            {"intent": label, "examples": [{"text": text.replace("[", "(").replace("]", ")")} for text in texts]}
            for label, texts in examples.items()
        ]
        (folder / "nlu.yml").write_text(yaml.safe_dump({"version": "3.1", "nlu": nlu}, allow_unicode=True), "utf-8")
        config = {"recipe": "default.v1", "language": "en", "assistant_id": "bench", "pipeline": content["pipeline"]}
        (folder / "config.yml").write_text(yaml.safe_dump(config), "utf-8")
        began, used = time.perf_counter(), time.process_time()
        path = train_nlu(str(folder / "config.yml"), str(folder / "nlu.yml"), str(folder / "models"))
        seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - used
        if path is None:
            raise SystemExit("Rasa trained no model; its messages above say why.")
        model = Model(Path(path))
        print(json.dumps([seconds, cpu_seconds, Path(path).stat().st_size / 1e6]), file=answers, flush=True)
        for line in sys.stdin:
            parsed = []
            for text in json.loads(line):
                began, used = time.perf_counter(), time.process_time()
                said = model.parse(text)["intent"]["name"]
                parsed.append((said, time.perf_counter() - began, time.process_time() - used))
            print(json.dumps(parsed), file=answers, flush=True)
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, file=answers, flush=True)


class Trained:
    """A pipeline in a process of its own, trained for a task."""

    def __init__(self, task: Task, pipeline: list[dict[str, Any]]) -> None:
        pipeline = [{**one, **task.settings} if one in OURS else one for one in pipeline]
        with tempfile.TemporaryDirectory() as folder:
            order = Path(folder) / "order.json"
            order.write_text(json.dumps({"train": task.train, "pipeline": pipeline}), "utf-8")
            command = [sys.executable, "-W", "ignore", "-m", "bench.nlu", "--child", str(order)]
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            self._about = self._answer()
        self._parsed: list[tuple[str, tuple[str, float, float]]] = []

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit("A pipeline ended before its answer; its messages above say why.")
        return json.loads(line)

    def ask(self, sentences: Sentences) -> None:
        """Parse sentences, and keep what was said of each and how long it took."""
        assert self._process.stdin is not None
        print(json.dumps([text for text, _ in sentences]), file=self._process.stdin, flush=True)
        self._parsed += zip((label for _, label in sentences), self._answer(), strict=True)

    def result(self) -> Result:
        """What came of it. Ends the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        memory = self._answer()
        self._process.wait()
        seconds, cpu_seconds, size = self._about
        right = [said == label for label, (said, _, _) in self._parsed if label != OUTSIDE]
        outside = [said in (OUTSIDE, FALLBACK) for label, (said, _, _) in self._parsed if label == OUTSIDE]
        recall = statistics.fmean(outside) if outside else None
        parse = statistics.median(clock * 1000 for _, (_, clock, _) in self._parsed)
        cpu = statistics.median(used * 1000 for _, (_, _, used) in self._parsed)
        return Result(statistics.fmean(right), recall, seconds, cpu_seconds, parse, cpu, memory, size)


def compare(task: Task, pipelines: list[list[dict[str, Any]]]) -> list[Result]:
    """The results of several pipelines, which are asked by turns."""
    trained = [Trained(task, pipeline) for pipeline in pipelines]
    for start in range(0, len(task.test), A_TURN):
        for one in trained:
            one.ask(task.test[start : start + A_TURN])
    return [one.result() for one in trained]


def main() -> None:
    """Command line."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--data", type=Path, help="folder of the public sets")
    options.add_argument("--set", nargs="+", default=["banking77", "banking77-10", "clinc150"], dest="sets")
    options.add_argument("--train", type=Path)
    options.add_argument("--test", type=Path)
    options.add_argument("--threshold", type=float, default=0.0)
    options.add_argument("--with-default", action="store_true", help="also Rasa's default pipeline (slow)")
    options.add_argument("--epochs", type=int, default=EPOCHS, help="of the default pipeline")
    options.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.child:
        child(chosen.child)
        return
    if chosen.train and chosen.test:
        todo = [Task(chosen.train.stem, read(chosen.train), read(chosen.test), {"threshold": chosen.threshold})]
    elif chosen.data:
        todo = tasks(chosen.data, chosen.sets)
    else:
        raise SystemExit("Name the data: --data FOLDER, or --train FILE --test FILE.")
    default = [{**one, "epochs": chosen.epochs} if "epochs" in one else one for one in DEFAULT]
    named = "default" if chosen.epochs == EPOCHS else f"default, {chosen.epochs} epochs"
    print("set            pipeline            accuracy  outside  train s  (CPU)  parse ms  (CPU)  memory MB  model MB")
    for task in todo:
        pipelines = {"ours": OURS, **({named: default} if chosen.with_default else {})}
        for name, one in zip(pipelines, compare(task, list(pipelines.values())), strict=True):
            outside = "      –" if one.outside_recall is None else f"{100 * one.outside_recall:5.1f} %"
            print(
                f"{task.name:14s} {name:18s} {100 * one.accuracy:7.2f} %  {outside}  {one.train_seconds:7.0f}"
                f"  {one.train_cpu_seconds:5.0f}  {one.parse_milliseconds:8.1f}  {one.parse_cpu_milliseconds:5.1f}"
                f"  {one.megabytes:9.0f}  {one.model_megabytes:8.1f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
