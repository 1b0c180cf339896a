"""Whole turns against Rasa's stock project and against ours without the fixes, side by side in one run.

``make bench`` prints: seconds from start to the first answer, memory, latency of a turn, messages a second and CPU time
a message with 1 and 20 clients, and the cost of turn 10, 100 and 400 of one session; then the same loads through the
web chat and by text message (:mod:`bench.channels`). The stock project is what ``rasa init`` makes (its bot calls no
actions). Ratios are what to compare: machines differ and are noisy. CPU time bears neighbours best.
"""

from __future__ import annotations

import math
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from bench import channels
from bench.projects import (
    HOUSE,
    OURS,
    RASA,
    Project,
    RestClient,
    loads,
    options,
    rasa,
    stock,
    stock_project,
    take_turns,
)
from bench.without_fixes import OFF

sys.path.insert(0, str(HOUSE / "tests"))

from doubles.twilio import TwilioDouble
from harness.ports import free_port
from harness.stack import Stack, running

LONG = (10, 100, 400)


def long_session(project: Project, seconds: float) -> None:
    """Median milliseconds of the five turns up to those of ``LONG`` in one session, as far as ``seconds`` reach."""
    one, times = project.resident(), []
    end = time.perf_counter() + seconds
    while len(times) < max(LONG) and time.perf_counter() < end:
        times.append(one.send("hello"))
    project.turns_ms = {turn: statistics.median(times[turn - 5 : turn]) for turn in LONG if turn <= len(times)}


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
    parser = options(__doc__)
    parser.add_argument(
        "--long-seconds", type=float, default=300.0, help="limit for the session of 400 turns (default: 300)"
    )
    chosen = parser.parse_args()
    stock_project()
    with tempfile.TemporaryDirectory() as name, ExitStack() as running_projects:
        folder = Path(name)
        lines = running_projects.enter_context(TwilioDouble())
        began = time.perf_counter()
        stack = running_projects.enter_context(running(folder / "data", **channels.line(lines)))
        healthy_s = time.perf_counter() - began
        dialogue, actions, portal = (stack.process(each) for each in ("dialogue", "actions", "portal"))
        started = min(time.time() - dialogue.create_time(), healthy_s)
        port, slow_port = stack.ports["DIALOGUE"], free_port()
        ours = Project("City311", lambda: RestClient(port), OURS, started, dialogue, [actions])
        command, environment = without_fixes(stack, folder)
        start_s, twin = running_projects.enter_context(rasa(HOUSE, slow_port, command, environment))
        slow = Project("without the fixes", lambda: RestClient(slow_port), OURS, start_s, twin, [actions])
        other = stock(running_projects, free_port())
        projects = [ours, slow, other]
        by_channel = channels.projects(running_projects, stack)
        take_turns([*by_channel, *projects], chosen.seconds, chosen.rounds)
        for project in projects:
            project.memory_mb = project.dialogue.memory_info().rss / 1e6
            long_session(project, chosen.long_seconds)
        whole_mb = sum(each.memory_info().rss for each in (dialogue, actions, portal)) / 1e6
    _print(projects, healthy_s, whole_mb)
    channels.show([*by_channel, other])


def _rows(projects: list[Project]) -> Iterator[tuple[str, list[float]]]:
    """Title and the value of each project."""
    yield "start to first answer, s", [project.start_s for project in projects]
    yield "memory of the dialogue process, MB", [project.memory_mb for project in projects]
    yield from loads(projects)
    for turn in LONG:
        yield f"turn {turn} of one session, ms", [project.turns_ms.get(turn, math.nan) for project in projects]


def _print(projects: list[Project], healthy_s: float, whole_mb: float) -> None:
    print(
        f"\n{'':46}" + "".join(f"{each.name:>19}" for each in projects) + f"{'ours : unfixed':>16}{'ours : stock':>14}"
    )
    for title, values in _rows(projects):
        ratios = f"{values[0] / values[1]:>16.2f}{values[0] / values[2]:>14.2f}"
        print((f"{title:46}" + "".join(f"{value:>19.1f}" for value in values) + ratios).replace("nan", "  –"))
    print(f"\n`city311 run` on a trained clone to healthy: {healthy_s:.1f} s; its three processes: {whole_mb:.0f} MB")
    print("Without the fixes, off is:")
    for each in OFF:
        print(f"- {each}")


if __name__ == "__main__":
    main()
