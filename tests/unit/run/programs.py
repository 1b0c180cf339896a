"""Small programs that stand for the real processes and for Rasa's command line, and a driver for the supervisor."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

HOUSE = Path(__file__).resolve().parents[3]
PATIENCE_S = 120
"""After so long a wait is given up: the test has failed. No test passes or fails by time."""

SERVER = """
import os, pathlib, signal, subprocess, sys, time
folder, name, *options = pathlib.Path(sys.argv[1]), sys.argv[2], *sys.argv[3:]
def stop(*_):
    with (folder / "stopped").open("a") as file:
        file.write(name + "\\n")
    sys.exit(0)
if "deaf" in options:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
else:
    signal.signal(signal.SIGTERM, stop)
with (folder / "started").open("a") as file:
    file.write(f"{name} {os.getpid()}\\n")
if "with-child" in options:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    (folder / (name + ".child")).write_text(str(child.pid))
print(name, "says hello", flush=True)
if "dies" in options:
    sys.exit("cannot read the moon phase")
if "never-well" not in options:
    (folder / (name + ".ready")).write_text(str(os.getpid()))
while True:
    time.sleep(1)
"""

DRIVER = """
import json, pathlib, sys
from city311.run.processes import Process
from city311.run.supervisor import Patience, Supervisor
said = json.loads(sys.argv[1])
folder = pathlib.Path(said["folder"])
processes = [Process(p["name"], tuple(p["command"]), p["environment"], folder) for p in said["processes"]]
def health():
    states = {}
    ids = json.loads((folder / "processes.json").read_text())
    for p in processes:
        ready = folder / (p.name + ".ready")
        well = ready.is_file() and ready.read_text() == str(ids.get(p.name))
        states[p.name] = "ok" if well else "unavailable"
    return states
supervisor = Supervisor(
    processes, folder=folder, health=health, say=lambda text: print(text, flush=True),
    on_well=lambda: print("WELL", flush=True), patience=Patience(**said["patience"]),
)
sys.exit(supervisor.run())
"""

RASA = """
import os, pathlib, sys, time
arguments = sys.argv[1:]
def after(name):
    return arguments[arguments.index(name) + 1]
mode = os.environ.get("RASA_TEST_MODE", "trains")
print("\\x1b[94mEpochs: 1\\x1b[0m", flush=True)
with open(os.environ["RASA_TEST_CALLS"], "a") as calls:
    calls.write(" ".join(arguments) + "\\n")
if mode == "fails":
    sys.exit("the story needs a moon phase")
out = pathlib.Path(after("--out"))
made = out / (after("--fixed-model-name") + ".tar.gz")
made.write_bytes(b"half")
if mode == "hangs":
    time.sleep(600)
if mode != "makes nothing":
    made.write_bytes(b"whole")
else:
    made.unlink()
"""


CITY = """
code: tinytown
name: Tinytown
phone: 555-0100
timezone: America/New_York
languages: [en]
hours: Monday to Friday
emergency_phone: "911"
safety: {emergency: Call 911., self_harm: Call 988.}
"""
SERVICES = """
groups: {streets: Streets}
services:
  pothole:
    name: Pothole
    group: streets
    department: works
    description: Holes in the road.
    keywords: [hole]
    sla: {amount: 2, unit: business_days}
    next_step: A crew looks.
    location: {type: point, ask: Where?}
    priority: standard
    questions: []
"""


def is_alive(process: int) -> bool:
    """Whether the process runs; a zombie that nobody has buried does not."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    with contextlib.suppress(OSError):
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return True


def until(true: Callable[[], bool], what: str) -> None:
    """Wait until it is true."""
    end = time.monotonic() + PATIENCE_S
    while not true():
        if time.monotonic() > end:
            raise AssertionError(f"waited {PATIENCE_S} s in vain: {what}")
        time.sleep(0.02)


class Supervised:
    """A supervisor in a process of its own, with what it has printed so far."""

    def __init__(self, popen: subprocess.Popen[str], folder: Path, output: Path) -> None:
        self.popen, self.folder, self._output = popen, folder, output

    @property
    def said(self) -> str:
        return self._output.read_text()

    @property
    def started(self) -> list[tuple[str, int]]:
        """Every start so far: name and process id."""
        lines = (self.folder / "started").read_text().splitlines() if (self.folder / "started").is_file() else []
        return [(name, int(process)) for name, process in (line.split() for line in lines)]

    def ids(self) -> dict[str, int]:
        return dict(json.loads((self.folder / "processes.json").read_text()))

    def until_said(self, text: str, times: int = 1) -> None:
        def said() -> bool:
            if self.popen.poll() is not None and self.said.count(text) < times:
                raise AssertionError(f"ended with {self.popen.returncode} before it said {text!r}:\n{self.said}")
            return self.said.count(text) >= times

        until(said, f"{text!r} in:\n{self.said}")

    def ended(self) -> int:
        return self.popen.wait(PATIENCE_S)


@contextmanager
def python(
    arguments: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None
) -> Iterator[Supervised]:
    """Run Python with the house on its path; whatever is left of its children is killed at the end."""
    output = folder / "output"
    with output.open("w") as file:
        popen = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=HOUSE,
            env={**os.environ, **(environment or {}), "PYTHONPATH": str(HOUSE)},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
    supervised = Supervised(popen, folder, output)
    try:
        yield supervised
    finally:
        popen.kill()
        popen.wait()
        for _, process in supervised.started:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process, signal.SIGKILL)
