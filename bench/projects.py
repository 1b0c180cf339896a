"""Projects that run side by side, those who talk to them, and what a load of them costs."""

from __future__ import annotations

import argparse
import http.client
import itertools
import json
import os
import shutil
import statistics
import subprocess
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import psutil
import requests

HOUSE = Path(__file__).resolve().parent.parent
RASA = str(HOUSE / ".venv-dialogue" / "bin" / "python")
OURS = ("pothole at {number} Elm Street", "crosswalk", "skip", "anonymous", "never mind")
STOCK = ("hello", "sad", "no", "hello", "bye")
START_S = 900.0
"""How long a project may take to its first answer: on a busy machine the stock project needs minutes."""
CLIENTS = ((1, "1 client"), (20, "20 clients"))
QUIET = {
    "RASA_TELEMETRY_ENABLED": "false",
    "SQLALCHEMY_SILENCE_UBER_WARNING": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "LOG_LEVEL": "ERROR",
    "CUDA_VISIBLE_DEVICES": "-1",
}


@dataclass
class Load:
    """One load on one project: milliseconds of every message, messages a second, CPU milliseconds a message.

    The last two include what was still to be done when the last turn had ended.
    """

    times_ms: list[float]
    rate: float
    dialogue_cpu_ms: float
    all_cpu_ms: float


class Resident(Protocol):
    """Somebody who holds one conversation after the other."""

    def begin(self) -> None:
        """From now on a new conversation."""

    def send(self, text: str) -> float:
        """Sends one message; milliseconds until its answer. An empty or failed answer ends the run: it is no figure."""


@dataclass
class Project:
    """A running project and what was measured of it.

    Attributes:
        name: as it is printed.
        resident: makes one who talks to it.
        script: the messages of one conversation.
        start_s: seconds from start to first answer.
        dialogue: the process that runs Rasa.
        others: further processes that work for a turn.
        settle: waits until nothing is left to do for the turns that ended.
        loads: number of clients → one load a round.
        turns_ms: turn of a long session → milliseconds.
    """

    name: str
    resident: Callable[[], Resident]
    script: tuple[str, ...]
    start_s: float
    dialogue: psutil.Process
    others: list[psutil.Process] = field(default_factory=list)
    settle: Callable[[], None] = lambda: None
    loads: dict[int, list[Load]] = field(default_factory=lambda: {1: [], 20: []})
    turns_ms: dict[int, float] = field(default_factory=dict)
    memory_mb: float = 0.0


class RestClient:
    """A resident at a REST channel: one kept connection.

    Light, as the others, because it shares the processor with what it measures.
    """

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        self.begin()

    def begin(self) -> None:
        self._sender = f"bench-{uuid.uuid4().hex}"

    def send(self, text: str) -> float:
        body = json.dumps({"sender": self._sender, "message": text})
        began = time.perf_counter()
        self._connection.request("POST", "/webhooks/rest/webhook", body, {"Content-Type": "application/json"})
        answer = self._connection.getresponse().read()
        took = (time.perf_counter() - began) * 1000
        check(text, json.loads(answer))
        return took


def check(text: str, messages: list[dict[str, Any]]) -> None:
    """Ends the run where the answer to ``text`` is none."""
    if not messages or "went wrong on our side" in messages[-1].get("text", ""):
        raise SystemExit(f"No proper answer to {text!r}: {messages}")


def load(project: Project, clients: int, seconds: float) -> Load:
    """So many clients, each with one conversation after the other, for so many seconds."""
    times: list[float] = []
    failures: list[BaseException] = []
    end = time.perf_counter() + seconds
    numbers = itertools.count(time.time_ns() % 10_000)

    def client() -> None:
        try:
            one = project.resident()
            while time.perf_counter() < end:
                one.begin()
                house = next(numbers)
                for text in project.script:
                    times.append(one.send(text.format(number=house)))
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=client) for _ in range(clients)]
    before = _cpu_s([project.dialogue]), _cpu_s(project.others)
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    project.settle()
    dialogue = (_cpu_s([project.dialogue]) - before[0]) * 1000 / len(times)
    others = (_cpu_s(project.others) - before[1]) * 1000 / len(times)
    return Load(times, len(times) / (time.perf_counter() - began), dialogue, dialogue + others)


def _cpu_s(processes: list[psutil.Process]) -> float:
    return sum(sum(process.cpu_times()[:2]) for process in processes)


def take_turns(projects: list[Project], seconds: float, rounds: int) -> None:
    """Both loads on each of the running projects. They take turns, so that a noisy minute is the same for all."""
    for project in projects:
        load(project, 2, seconds)  # warm
    for _ in range(rounds):
        for clients in (1, 20):
            for project in projects:
                project.loads[clients].append(load(project, clients, seconds))


@contextmanager
def rasa(
    folder: Path, port: int, command: list[str], environment: dict[str, str]
) -> Iterator[tuple[float, psutil.Process]]:
    """A dialogue process started by hand; seconds until its first answer."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [*command, "-i", "127.0.0.1", "-p", str(port)],
        cwd=folder,
        env={**os.environ, **QUIET, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield _until_answer(f"http://127.0.0.1:{port}", began, process.poll), psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(30)


def _until_answer(url: str, began: float, ended: Callable[[], int | None]) -> float:
    while time.perf_counter() - began < START_S:
        if ended() is not None:
            raise SystemExit(f"The process for {url} ended before it answered.")
        try:
            answer = requests.post(f"{url}/webhooks/rest/webhook", json={"sender": "w", "message": "hello"}, timeout=60)
            if answer.ok and answer.json():
                return time.perf_counter() - began
        except (requests.RequestException, ValueError):
            pass
        time.sleep(0.1)
    raise SystemExit(f"No answer from {url} within {START_S:.0f} s.")


def stock_project() -> Path:
    """What ``rasa init`` makes, trained once and kept in ``var/bench/stock``."""
    folder = HOUSE / "var" / "bench" / "stock"
    if not list((folder / "models").glob("*.tar.gz")):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        print("Making Rasa's stock project (some minutes, once) …", flush=True)
        subprocess.run(
            [RASA, "-m", "rasa", "init", "--no-prompt", "--init-dir", str(folder)],
            env={**os.environ, **QUIET},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=True,
        )
    return folder


def options(description: str | None) -> argparse.ArgumentParser:
    """What the length of a run depends on."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=description)
    parser.add_argument("--seconds", type=float, default=4.0, help="length of one load (default: 4)")
    parser.add_argument("--rounds", type=int, default=3, help="loads of each kind for each project (default: 3)")
    return parser


def stock(running_projects: ExitStack, port: int) -> Project:
    """The project that ``rasa init`` makes, running at that port."""
    folder = stock_project()
    start_s, process = running_projects.enter_context(rasa(folder, port, [RASA, "-m", "rasa", "run"], {}))
    return Project("rasa init", lambda: RestClient(port), STOCK, start_s, process)


def loads(projects: list[Project]) -> Iterator[tuple[str, list[float]]]:
    """What the loads cost: title and the value of each project. Of several rounds the median."""
    for clients, words in CLIENTS:
        kinds: list[tuple[str, Callable[[Load], float]]] = [
            (f"turn p50, {words}, ms", lambda one: statistics.median(one.times_ms)),
            (f"turn p95, {words}, ms", lambda one: sorted(one.times_ms)[int(len(one.times_ms) * 0.95)]),
            (f"messages/s, {words}", lambda one: one.rate),
            (f"CPU of dialogue, {words}, ms a message", lambda one: one.dialogue_cpu_ms),
            (f"CPU of all processes, {words}, ms a message", lambda one: one.all_cpu_ms),
        ]
        for title, value in kinds:
            yield title, [statistics.median(map(value, project.loads[clients])) for project in projects]
