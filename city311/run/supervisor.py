"""Keeps processes running: starts them together, restarts the one that dies, stops all in order."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from city311.run.logs import rotate, tail
from city311.run.processes import Process
from city311.run.tether import Signals, Tether


@dataclass(frozen=True)
class Patience:
    """How long the supervisor waits, and when it gives up. Times in seconds."""

    first_pause_s: float = 1.0
    """Before the first restart of a process; each further one within ``within_s`` waits twice as long …"""
    longest_pause_s: float = 30.0
    """… but never longer than this."""
    deaths: int = 5
    """So many deaths of one process within ``within_s``: give up."""
    within_s: float = 60.0
    deaths_at_start: int = 3
    """Before everything was well for the first time, give up after this many, however far apart: a process that
    takes long to start, and never succeeds, would else be tried for ever."""
    start_s: float = 300.0
    """Time for everything to become well."""
    stop_s: float = 10.0
    """Between SIGTERM and SIGKILL, for each process."""


@dataclass
class _Running:
    process: Process
    log: Path
    popen: subprocess.Popen[bytes] | None = None
    deaths: deque[float] = field(default_factory=lambda: deque(maxlen=64))
    start_at: float | None = None
    """When to start it again; None while it runs."""


class _GivenUp(Exception):
    pass


class Supervisor:
    """Runs ``processes`` until it is asked to stop.

    Args:
        processes: in the order in which they start; they stop in the opposite order.
        folder: where ``log/<name>.log`` and ``processes.json`` (name → process id, for operators and tests) go.
        health: state of each part, ``ok`` when well; None or an empty answer while nothing can be said. May block:
            it is asked in a thread.
        say: prints a line for the operator.
        on_health: told whenever the states change before all is well for the first time.
        on_well: called once, when all is well for the first time.
        hold: file descriptors of locks that must be held until the last process has gone.
    """

    def __init__(
        self,
        processes: Sequence[Process],
        *,
        folder: Path,
        health: Callable[[], Mapping[str, str] | None],
        say: Callable[[str], None],
        on_health: Callable[[Mapping[str, str]], None] = lambda _: None,
        on_well: Callable[[], None] = lambda: None,
        patience: Patience = Patience(),
        hold: Sequence[int] = (),
    ) -> None:
        self._running = [_Running(process, folder / "log" / f"{process.name}.log") for process in processes]
        self._ids = folder / "processes.json"
        self._asker = _HealthAsker(health)
        self._say = say
        self._on_health = on_health
        self._on_well = on_well
        self._patience = patience
        self._hold = hold
        self._was_well = False
        self._well = False
        self._states: Mapping[str, str] = {}

    def run(self) -> int:
        """Exit status: 0 when asked to stop (Ctrl-C, SIGTERM, SIGHUP), 1 when it had to give up."""
        self._began = time.monotonic()
        with Signals() as signals, Tether(self._patience.stop_s, self._hold) as tether:
            self._tether = tether
            try:
                for running in self._running:
                    rotate(running.log)
                    self._start(running)
                while not signals.stop_asked:
                    self._bury()
                    self._restart()
                    self._look_at_health()
                    signals.wait(self._until_next())
                self._say("Stopping …")
            except _GivenUp as reason:
                self._say(str(reason))
                return 1
            finally:
                self._stop(signals)
                self._ids.unlink(missing_ok=True)
        self._say("Stopped.")
        return 0

    def _start(self, running: _Running) -> None:
        process = running.process
        try:
            running.popen = self._tether.start(
                process.command, environment=process.environment, cwd=process.cwd, log=running.log
            )
        except OSError as error:
            raise _GivenUp(
                f"{process.name} cannot be started: {process.command[0]}: {error.strerror}. "
                "Run `make run`: it makes the environments."
            ) from error
        running.start_at = None
        self._write_ids()

    def _bury(self) -> None:
        for running in self._running:
            if running.popen is None or running.popen.poll() is None:
                continue
            status = running.popen.returncode
            self._tether.finish(running.popen)  # what it may have started itself, and left
            running.popen = None
            self._well = False
            self._asker.forget()
            now = time.monotonic()
            running.deaths.append(now)
            recent = sum(now - death < self._patience.within_s for death in running.deaths)
            if not self._was_well and len(running.deaths) >= self._patience.deaths_at_start:
                raise _GivenUp(self._why(running, status, f"died {len(running.deaths)} times while starting"))
            if recent >= self._patience.deaths:
                raise _GivenUp(
                    self._why(running, status, f"died {recent} times within {self._patience.within_s:.0f} s")
                )
            pause = min(self._patience.first_pause_s * 2 ** (recent - 1), self._patience.longest_pause_s)
            running.start_at = now + pause
            self._say(f"{running.process.name} died ({_ended(status)}); starting it again in {pause:.0f} s.")
            self._write_ids()

    def _restart(self) -> None:
        for running in self._running:
            if running.start_at is not None and time.monotonic() >= running.start_at:
                self._start(running)

    def _look_at_health(self) -> None:
        if self._well or any(running.popen is None for running in self._running):
            return
        states = self._asker.ask()
        if states is not None and states != self._states and not self._was_well:
            self._on_health(states)
        self._states = states or self._states
        if states and all(state == "ok" for state in states.values()):
            self._well = True
            if self._was_well:
                self._say("All is well again.")
            else:
                self._was_well = True
                self._on_well()
        elif not self._was_well and time.monotonic() - self._began > self._patience.start_s:
            late = [name for name, state in self._states.items() if state != "ok"] or ["the portal"]
            raise _GivenUp(
                f"Not everything is running after {self._patience.start_s:.0f} s; still missing: {', '.join(late)}. "
                f"The logs are in {self._ids.parent / 'log'}."
            )

    def _until_next(self) -> float:
        """Seconds to sleep at most; a signal or a death wakes earlier."""
        now = time.monotonic()
        due = [running.start_at - now for running in self._running if running.start_at is not None]
        return min([5.0 if self._well else 0.2, *(max(wait, 0.01) for wait in due)])

    def _why(self, running: _Running, status: int, what: str) -> str:
        if status == -signal.SIGKILL:
            remedy = (
                "Something killed it. The system does that when memory runs out: "
                "see `dmesg`, and close other programs (dialogue alone needs about 1 GB)."
            )
        else:
            remedy = "Correct what the log names, then start again."
        return (
            f"{running.process.name} {what}, the last time with {_ended(status)}. So everything stops.\n"
            f"The last lines of {running.log}:\n{tail(running.log, 15)}\n{remedy}"
        )

    def _stop(self, signals: Signals) -> None:
        """Stop one after the other, the last started first. A second request to stop kills what is left at once."""
        asked = signals.stop_asked
        for running in reversed(self._running):
            if running.popen is None:
                continue
            self._tether.signal(running.popen, signal.SIGTERM)
            until = time.monotonic() + self._patience.stop_s
            while running.popen.poll() is None and time.monotonic() < until and signals.stop_asked <= asked:
                signals.wait(min(0.2, self._patience.stop_s))
            self._tether.finish(running.popen)
            running.popen = None

    def _write_ids(self) -> None:
        ids = {running.process.name: running.popen.pid for running in self._running if running.popen is not None}
        temporary = self._ids.with_suffix(".new")
        temporary.write_text(json.dumps(ids), encoding="utf-8")
        temporary.replace(self._ids)


class _HealthAsker:
    """Asks in a thread, one question at a time, so that signals and deaths are noticed at once."""

    def __init__(self, health: Callable[[], Mapping[str, str] | None]) -> None:
        self._health = health
        self._lock = threading.Lock()
        self._answer: Mapping[str, str] | None = None
        self._asking: threading.Thread | None = None
        self._question = 0

    def ask(self) -> Mapping[str, str] | None:
        """The answer to a question of some moments ago, once, and a new question on its way; None while it is."""
        with self._lock:
            answer, self._answer = self._answer, None
        if self._asking is None or not self._asking.is_alive():
            self._asking = threading.Thread(target=self._run, args=(self._question,), daemon=True)
            self._asking.start()
        return answer

    def forget(self) -> None:
        """Answers to questions asked before now do not count any more."""
        with self._lock:
            self._question += 1
            self._answer = None

    def _run(self, question: int) -> None:
        answer = self._health()
        with self._lock:
            if question == self._question:
                self._answer = answer


def _ended(status: int) -> str:
    if status < 0:
        try:
            return f"killed by {signal.Signals(-status).name}"
        except ValueError:
            return f"killed by signal {-status}"
    return f"exit status {status}"
