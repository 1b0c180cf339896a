"""Runs the whole suite: each part with the environment it belongs to, coverage, and one summary at the end.

``python tests/suite.py [--quick] [pytest's arguments]``. Exit status 1 when anything failed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

HOUSE = Path(__file__).resolve().parent.parent
SERVICES = HOUSE / ".venv" / "bin" / "python"
DIALOGUE = HOUSE / ".venv-dialogue" / "bin" / "python"
RESULTS = HOUSE / "var" / "test-results"

NO_TESTS = 5
"""pytest's exit status when it ran no test."""
MOST_WORKERS = 4
"""Processes for a part whose tests may run beside each other."""
SECOND_TRY = "second try"
"""The property that tests/conftest.py gives to a test that is run again."""


@dataclass(frozen=True)
class Part:
    """Some folders under tests/ that run together in one environment."""

    name: str
    folders: tuple[str, ...]
    without: tuple[str, ...] = ()
    python: Path = SERVICES
    side_by_side: bool = False
    """Whether tests of it may run beside each other."""
    tries: int = 1
    """How often a test that fails is run before it counts as failed. More than once only where real processes, a
    browser and the machine's load have a say; what needed a second try is said at the end, as something to mend."""

    def has_tests(self) -> bool:
        return any(next((HOUSE / "tests" / folder).rglob("test_*.py"), None) for folder in self.folders)


RASA_FOLDERS = ("unit/dialogue", "dialogue_env")
"""Tests of what runs inside Rasa's process: only its environment has Rasa."""

PARTS = (
    Part("services", ("unit", "contract"), without=RASA_FOLDERS, side_by_side=True),
    Part("rasa", RASA_FOLDERS, python=DIALOGUE),
    Part("browser", ("browser",), tries=2),
    Part("stack", ("dialogue", "faults"), tries=2),
)
QUICK = ("services", "rasa")


@dataclass(frozen=True)
class Result:
    """How many tests came out how, and which passed only when they were run again."""

    counts: Counter[str]
    again: tuple[str, ...] = ()


def run(part: Part, arguments: list[str]) -> Result:
    """Run one part."""
    print(f"\n{'=' * 20} {part.name} {'=' * 20}", flush=True)
    result = RESULTS / f"{part.name}.xml"
    result.unlink(missing_ok=True)
    command = [str(part.python), "-m", "pytest", f"--junitxml={result}"]
    command += [f"tests/{folder}" for folder in part.folders if (HOUSE / "tests" / folder).is_dir()]
    command += [f"--ignore=tests/{folder}" for folder in part.without]
    if part.python == SERVICES:
        command += ["--cov=city311", "--cov=actions", "--cov-append", "--cov-report="]
    if part.side_by_side:
        # One more than there are processors: many tests wait for a server, a database or another process.
        workers = min(MOST_WORKERS, (os.cpu_count() or 1) + 1)
        command += [f"--numprocesses={workers}", "--dist=worksteal"]
    if part.tries > 1:
        command += [f"--reruns={part.tries - 1}", "--rerun-show-tracebacks"]
    status = subprocess.run([*command, *arguments], cwd=HOUSE, check=False).returncode
    if status == NO_TESTS and arguments:
        return Result(Counter())
    came_out = read(result)
    if status != 0 and not came_out.counts["failed"] and not came_out.counts["errors"]:
        came_out.counts["errors"] += 1  # pytest itself, or nothing was collected
    return came_out


def read(result: Path) -> Result:
    """What a JUnit report says; nothing if it was not written."""
    counts: Counter[str] = Counter()
    again: list[str] = []
    if not result.is_file():
        return Result(counts)
    for suite in ElementTree.parse(result).getroot().iter("testsuite"):  # noqa: S314 - pytest wrote it just now
        number = {name: int(suite.get(name, "0")) for name in ("tests", "failures", "errors", "skipped")}
        counts["failed"] += number["failures"]
        counts["errors"] += number["errors"]
        counts["skipped"] += number["skipped"]
        counts["passed"] += number["tests"] - number["failures"] - number["errors"] - number["skipped"]
        for case in suite.iter("testcase"):
            is_second = case.find(f"properties/property[@name='{SECOND_TRY}']") is not None
            if is_second and case.find("failure") is None and case.find("error") is None:
                again.append(f"{case.get('classname')}::{case.get('name')}")
    counts["rerun"] = len(again)
    return Result(counts, tuple(again))


def summary(counts: Counter[str], seconds: float) -> str:
    """One line as pytest closes a run with."""
    words = {"failed": "failed", "passed": "passed", "skipped": "skipped", "errors": "errors", "rerun": "rerun"}
    said = ", ".join(f"{counts[name]} {word}" for name, word in words.items() if counts[name]) or "no tests ran"
    text = f" {said} in {seconds:.2f}s ({time.strftime('%H:%M:%S', time.gmtime(seconds))}) "
    return text.center(100, "=")


def main(arguments: list[str]) -> int:
    """Exit status: 0 everything passed, 1 something did not."""
    quick = "--quick" in arguments
    arguments = [argument for argument in arguments if argument != "--quick"]
    RESULTS.mkdir(parents=True, exist_ok=True)
    os.environ["COVERAGE_FILE"] = str(RESULTS / "coverage")
    if sys.version_info >= (3, 12):
        os.environ.setdefault("COVERAGE_CORE", "sysmon")  # the tracer of before makes tests take twice their time
    (RESULTS / "coverage").unlink(missing_ok=True)
    started = time.monotonic()
    chosen = [part for part in PARTS if part.has_tests() and (not quick or part.name in QUICK)]
    results: dict[str, Result] = {}
    times: dict[str, float] = {}
    for part in chosen:
        began = time.monotonic()
        results[part.name] = run(part, arguments)
        times[part.name] = time.monotonic() - began
    print(f"\n{'=' * 20} coverage (city311/dialogue runs in Rasa's environment: not measured) {'=' * 20}", flush=True)
    subprocess.run(
        [str(SERVICES), "-m", "coverage", "report", "--skip-covered", "--omit=city311/dialogue/*"],
        cwd=HOUSE,
        check=False,
    )
    print()
    for name, result in results.items():
        print(
            f"{name:10} {times[name]:5.0f} s  "
            + ", ".join(f"{number} {word}" for word, number in sorted(result.counts.items()) if number)
        )
    again = [test for result in results.values() for test in result.again]
    if again:
        print(f"\n{' PASSED ONLY ON THE SECOND TRY: MEND ' + ('THEM' if len(again) > 1 else 'IT') + ' ':!^100}")
        print(*again, sep="\n")
    total = sum((result.counts for result in results.values()), Counter())
    print(summary(total, time.monotonic() - started), flush=True)
    return 1 if total["failed"] or total["errors"] or not total["passed"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
