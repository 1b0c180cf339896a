"""Whole turns against Rasa's stock project and against ours without the fixes, side by side in one run.

``make bench`` prints: seconds from start to the first answer, memory, latency of a turn, messages a second and CPU time
a message with 1 and 20 clients, and the cost of turn 10, 100 and 400 of one session. The stock project is what ``rasa
init`` makes (its bot calls no actions). Ratios are what to compare: machines differ and are noisy. CPU time bears
neighbours best.
"""

from __future__ import annotations

import argparse
import http.client
import itertools
import json
import math
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import requests

from bench.without_fixes import OFF

HOUSE = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(HOUSE / "tests"))

from harness.resident import Resident  # noqa: E402
from harness.stack import Stack, running  # noqa: E402 - the stack is started as the tests start it

RASA = str(HOUSE / ".venv-dialogue" / "bin" / "python")
OURS = ("pothole at {number} Elm Street", "crosswalk", "skip", "anonymous", "cancel")
STOCK = ("hello", "sad", "no", "hello", "bye")
LONG = (10, 100, 400)
QUIET = {
    "RASA_TELEMETRY_ENABLED": "false",
    "SQLALCHEMY_SILENCE_UBER_WARNING": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "LOG_LEVEL": "ERROR",
    "CUDA_VISIBLE_DEVICES": "-1",
}


@dataclass
class Load:
    """One load on one project: milliseconds of every message, messages a second, CPU milliseconds a message."""

    times_ms: list[float]
    rate: float
    dialogue_cpu_ms: float
    all_cpu_ms: float


@dataclass
class Project:
    """A running project and what was measured of it.

    Attributes:
        name: as it is printed.
        port: of its REST channel, on loopback.
        script: the messages of one conversation.
        start_s: seconds from start to first answer.
        dialogue: the process that runs Rasa.
        others: further processes that work for a turn.
        loads: number of clients → one load a round.
        turns_ms: turn of a long session → milliseconds.
    """

    name: str
    port: int
    script: tuple[str, ...]
    start_s: float
    dialogue: psutil.Process
    others: list[psutil.Process] = field(default_factory=list)
    loads: dict[int, list[Load]] = field(default_factory=lambda: {1: [], 20: []})
    turns_ms: dict[int, float] = field(default_factory=dict)
    memory_mb: float = 0.0


class Client:
    """One resident: one kept connection. Light, because it shares the processor with what it measures."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)

    def send(self, sender: str, text: str) -> float:
        """Sends one message; milliseconds until its answer. An empty or failed answer ends the run: it is no figure."""
        body = json.dumps({"sender": sender, "message": text})
        began = time.perf_counter()
        self._connection.request("POST", "/webhooks/rest/webhook", body, {"Content-Type": "application/json"})
        answer = self._connection.getresponse().read()
        took = (time.perf_counter() - began) * 1000
        messages = json.loads(answer)
        if not messages or "went wrong on our side" in messages[-1].get("text", ""):
            raise SystemExit(f"No proper answer to {text!r}: {messages}")
        return took


def load(project: Project, clients: int, seconds: float) -> Load:
    """So many clients, each with one conversation after the other, for so many seconds."""
    times: list[float] = []
    failures: list[BaseException] = []
    end = time.perf_counter() + seconds
    numbers = itertools.count(time.time_ns() % 10_000)

    def client(number: int) -> None:
        try:
            one = Client(project.port)
            while time.perf_counter() < end:
                sender, house = f"bench-{clients}-{number}-{time.time_ns()}", next(numbers)
                for text in project.script:
                    times.append(one.send(sender, text.format(number=house)))
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=client, args=(number,)) for number in range(clients)]
    before = _cpu_s([project.dialogue]), _cpu_s(project.others)
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    dialogue = (_cpu_s([project.dialogue]) - before[0]) * 1000 / len(times)
    others = (_cpu_s(project.others) - before[1]) * 1000 / len(times)
    return Load(times, len(times) / (time.perf_counter() - began), dialogue, dialogue + others)


def _cpu_s(processes: list[psutil.Process]) -> float:
    return sum(sum(process.cpu_times()[:2]) for process in processes)


def long_session(project: Project, seconds: float) -> None:
    """Median milliseconds of the five turns up to those of ``LONG`` in one session, as far as ``seconds`` reach."""
    one, sender, times = Client(project.port), f"bench-long-{time.time_ns()}", []
    end = time.perf_counter() + seconds
    while len(times) < max(LONG) and time.perf_counter() < end:
        times.append(one.send(sender, "hello"))
    project.turns_ms = {turn: statistics.median(times[turn - 5 : turn]) for turn in LONG if turn <= len(times)}


def through_the_portal(stack: Stack, seconds: float) -> list[float]:
    """Milliseconds of turns as the chat page makes them: stored, relayed, answered, stored. One resident at a time."""
    times: list[float] = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        resident = Resident(stack)
        for text in OURS:
            began = time.perf_counter()
            resident.say(text.format(number=len(times)))
            times.append((time.perf_counter() - began) * 1000)
    return times[len(OURS) :]  # without the first conversation


def measure(projects: list[Project], seconds: float, rounds: int, long_seconds: float) -> None:
    """Everything about the running projects. They take turns, so that a noisy minute is the same for all."""
    for project in projects:
        load(project, 2, seconds)  # warm
    for _ in range(rounds):
        for clients in (1, 20):
            for project in projects:
                project.loads[clients].append(load(project, clients, seconds))
    for project in projects:
        project.memory_mb = project.dialogue.memory_info().rss / 1e6
        long_session(project, long_seconds)


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
    while time.perf_counter() - began < 300:
        if ended() is not None:
            raise SystemExit(f"The process for {url} ended before it answered.")
        try:
            answer = requests.post(f"{url}/webhooks/rest/webhook", json={"sender": "w", "message": "hello"}, timeout=60)
            if answer.ok and answer.json():
                return time.perf_counter() - began
        except (requests.RequestException, ValueError):
            pass
        time.sleep(0.1)
    raise SystemExit(f"No answer from {url} within 300 s.")


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


def without_fixes(stack: Stack, folder: Path) -> tuple[list[str], dict[str, str]]:
    """Our project in a dialogue process without the fixes, with the actions and portal of ``stack``."""
    model = max((HOUSE / "models").glob("*.tar.gz"), key=lambda path: path.stat().st_mtime)
    secrets = dict(line.split("=", 1) for line in (stack.data / "development.env").read_text().split())
    endpoints = folder / "endpoints.yml"
    endpoints.write_text(
        f"action_endpoint:\n  url: http://127.0.0.1:{stack.ports['ACTIONS']}/webhook\n"
        f"  headers: {{X-City311-Secret: {secrets['CITY311_ACTIONS_SECRET']}}}\n"
        "nlg: {type: city311.dialogue.nlg.CityNlg}\n"
        "tracker_store: {type: city311.dialogue.tracker_store.TrackerStore}\n"
    )
    command = [RASA, "-m", "bench.without_fixes", "run", "--model", str(model), "--endpoints", str(endpoints)]
    command += ["--credentials", "credentials.yml"]
    return command, {"CITY311_DATA": str(stack.data), "CITY311_TRACKER_URL": f"sqlite:///{folder / 'tracker.db'}"}


def main() -> None:
    """Starts all three, measures them in turns, and prints them with their ratios."""
    options = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    options.add_argument("--seconds", type=float, default=4.0, help="length of one load (default: 4)")
    options.add_argument("--rounds", type=int, default=3, help="loads of each kind for each project (default: 3)")
    options.add_argument(
        "--long-seconds", type=float, default=300.0, help="limit for the session of 400 turns (default: 300)"
    )
    chosen = options.parse_args()
    stock_folder = stock_project()
    with tempfile.TemporaryDirectory() as name, ExitStack() as running_projects:
        folder = Path(name)
        began = time.perf_counter()
        stack = running_projects.enter_context(running(folder / "data"))
        healthy_s = time.perf_counter() - began
        dialogue, actions, portal = (stack.process(each) for each in ("dialogue", "actions", "portal"))
        started = min(time.time() - dialogue.create_time(), healthy_s)
        ours = Project("City311", stack.ports["DIALOGUE"], OURS, started, dialogue, [actions])
        ports = [stack.ports["DIALOGUE"] + 1, stack.ports["DIALOGUE"] + 2]
        command, environment = without_fixes(stack, folder)
        start_s, twin = running_projects.enter_context(rasa(HOUSE, ports[0], command, environment))
        slow = Project("without the fixes", ports[0], OURS, start_s, twin, [actions])
        command = [RASA, "-m", "rasa", "run"]
        start_s, other = running_projects.enter_context(rasa(stock_folder, ports[1], command, {}))
        stock = Project("rasa init", ports[1], STOCK, start_s, other)
        projects = [ours, slow, stock]
        measure(projects, chosen.seconds, chosen.rounds, chosen.long_seconds)
        portal_ms = through_the_portal(stack, chosen.seconds)
        whole_mb = sum(each.memory_info().rss for each in (dialogue, actions, portal)) / 1e6
    _print(projects, healthy_s, whole_mb, portal_ms)


def _rows(projects: list[Project]) -> Iterator[tuple[str, list[float]]]:
    """Title and the value of each project. Of several rounds the median."""
    yield "start to first answer, s", [project.start_s for project in projects]
    yield "memory of the dialogue process, MB", [project.memory_mb for project in projects]
    for clients, words in ((1, "1 client"), (20, "20 clients")):
        kinds: list[tuple[str, Callable[[Load], float]]] = [
            (f"turn p50, {words}, ms", lambda one: statistics.median(one.times_ms)),
            (f"turn p95, {words}, ms", lambda one: sorted(one.times_ms)[int(len(one.times_ms) * 0.95)]),
            (f"messages/s, {words}", lambda one: one.rate),
            (f"CPU of dialogue, {words}, ms a message", lambda one: one.dialogue_cpu_ms),
            (f"CPU of all processes, {words}, ms a message", lambda one: one.all_cpu_ms),
        ]
        for title, value in kinds:
            yield title, [statistics.median(map(value, project.loads[clients])) for project in projects]
    for turn in LONG:
        yield f"turn {turn} of one session, ms", [project.turns_ms.get(turn, math.nan) for project in projects]


def _print(projects: list[Project], healthy_s: float, whole_mb: float, portal_ms: list[float]) -> None:
    print(
        f"\n{'':46}" + "".join(f"{each.name:>19}" for each in projects) + f"{'ours : unfixed':>16}{'ours : stock':>14}"
    )
    for title, values in _rows(projects):
        ratios = f"{values[0] / values[1]:>16.2f}{values[0] / values[2]:>14.2f}"
        print((f"{title:46}" + "".join(f"{value:>19.1f}" for value in values) + ratios).replace("nan", "  –"))
    print(f"\n`city311 run` on a trained clone to healthy: {healthy_s:.1f} s; its three processes: {whole_mb:.0f} MB")
    p50, p95 = statistics.median(portal_ms), sorted(portal_ms)[int(len(portal_ms) * 0.95)]
    print(f"Turn of the web chat through the portal, 1 client: p50 {p50:.1f} ms, p95 {p95:.1f} ms")
    print("Without the fixes, off is:")
    for each in OFF:
        print(f"- {each}")


if __name__ == "__main__":
    main()
