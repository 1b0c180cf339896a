"""Understanding on public intent sets, through Rasa's own graph, beside Rasa's default pipeline if asked for.

``.venv-dialogue/bin/python -m bench.nlu --data FOLDER [--set NAME …] [--with-default]``, where FOLDER holds
``banking77/{train,test}.tsv`` (Casanueva et al. 2020, CC-BY-4.0) and
``clinc150_full/{train,val,test,oos_train,oos_val,oos_test}.tsv`` (Larson et al. 2019, CC-BY-3.0): text, tab, label.
Or ``--train FILE --test FILE``: any two files, TSV or Rasa NLU YAML.

Every pipeline runs in a process of its own, which also gives its memory. Thresholds and costs were chosen on training
and validation parts only.
"""

from __future__ import annotations

import argparse
import json
import logging
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import asdict, dataclass
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

OPEN = {"threshold": 0.0, "familiarity": 0.316}
"""Keeps 95.7 % of the validation sentences in scope right; of confidence, margin, entropy, nearness, products."""
MANY = {"threshold": 0.0, "neighbours": 0.3}
"""Of 0, 0.15, 0.3 and 0.5 neighbours, on 2,000 training sentences kept back."""
FEW = {"threshold": 0.0, "vector_weight": [1.0, 1.0, 2.5], "neighbours": 0.5}
"""On eight choices of examples and 3,000 sentences each of the unused training part (docs/decisions/0008)."""

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


def run(task: Task, pipeline: list[dict[str, Any]]) -> Result:
    """Train and test in this process."""
    import structlog
    from rasa.model_training import train_nlu

    from bench.eval import Model

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    pipeline = [{**one, **task.settings} if one in OURS else one for one in pipeline]
    with tempfile.TemporaryDirectory() as folder_name:
        folder = Path(folder_name)
        examples: dict[str, list[str]] = defaultdict(list)
        for text, label in task.train:
            examples[label].append(text)
        nlu = [
            {"intent": label, "examples": [{"text": text.replace("[", "(").replace("]", ")")} for text in texts]}
            for label, texts in examples.items()
        ]
        (folder / "nlu.yml").write_text(yaml.safe_dump({"version": "3.1", "nlu": nlu}, allow_unicode=True), "utf-8")
        config = {"recipe": "default.v1", "language": "en", "assistant_id": "bench", "pipeline": pipeline}
        (folder / "config.yml").write_text(yaml.safe_dump(config), "utf-8")
        began, used = time.perf_counter(), time.process_time()
        path = train_nlu(str(folder / "config.yml"), str(folder / "nlu.yml"), str(folder / "models"))
        seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - used
        if path is None:
            raise SystemExit(f"{task.name}: Rasa trained no model; its messages above say why.")
        size = Path(path).stat().st_size / 1e6
        model = Model(Path(path))
        times, cpu_times, right, outside = [], [], [], []
        for text, label in task.test:
            began, used = time.perf_counter(), time.process_time()
            said = model.parse(text)["intent"]["name"]
            times.append((time.perf_counter() - began) * 1000)
            cpu_times.append((time.process_time() - used) * 1000)
            if label == OUTSIDE:
                outside.append(said in (OUTSIDE, FALLBACK))
            else:
                right.append(said == label)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    recall = statistics.fmean(outside) if outside else None
    parse, cpu = statistics.median(times), statistics.median(cpu_times)
    return Result(statistics.fmean(right), recall, seconds, cpu_seconds, parse, cpu, memory, size)


def apart(task: Task, pipeline: list[dict[str, Any]]) -> Result:
    """The same in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        order, answer = Path(folder) / "order.json", Path(folder) / "answer.json"
        order.write_text(json.dumps({"task": asdict(task), "pipeline": pipeline}), "utf-8")
        subprocess.run(
            [sys.executable, "-W", "ignore", "-m", "bench.nlu", "--child", str(order), str(answer)], check=True
        )
        return Result(**json.loads(answer.read_text("utf-8")))


def child(order: Path, answer: Path) -> None:
    """What :func:`apart` starts."""
    content = json.loads(order.read_text("utf-8"))
    described = content["task"]
    pairs = {part: [(text, label) for text, label in described[part]] for part in ("train", "test")}
    task = Task(described["name"], pairs["train"], pairs["test"], described["settings"])
    answer.write_text(json.dumps(asdict(run(task, content["pipeline"]))), "utf-8")


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
    options.add_argument("--child", nargs=2, type=Path, help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.child:
        child(*chosen.child)
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
        for name, pipeline in [("ours", OURS), *([(named, default)] if chosen.with_default else [])]:
            one = apart(task, pipeline)
            outside = "      –" if one.outside_recall is None else f"{100 * one.outside_recall:5.1f} %"
            print(
                f"{task.name:14s} {name:18s} {100 * one.accuracy:7.2f} %  {outside}  {one.train_seconds:7.0f}"
                f"  {one.train_cpu_seconds:5.0f}  {one.parse_milliseconds:8.1f}  {one.parse_cpu_milliseconds:5.1f}"
                f"  {one.megabytes:9.0f}  {one.model_megabytes:8.1f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
