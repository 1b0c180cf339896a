"""Children that do not outlive this process, and the signals that end it."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType, TracebackType
from typing import IO, Any, Self, cast

STOP = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Signals that ask for an orderly end."""


class Tether:
    """Starts commands in process groups of their own and sees to it that all of them end with this process.

    An ordinary end is `end`; should this process be killed, a watchdog ends what is left. Each group is a session
    too: Ctrl-C in the terminal reaches this process only, which then stops the others in order.

    Args:
        grace_s: seconds between SIGTERM and SIGKILL when the watchdog has to act.
        hold: file descriptors (locks) that stay open until the watchdog has finished.
    """

    def __init__(self, grace_s: float = 10.0, hold: Sequence[int] = ()) -> None:
        self._watchdog = subprocess.Popen(
            [sys.executable, "-I", "-S", str(Path(__file__).with_name("watchdog.py")), str(grace_s)],
            stdin=subprocess.PIPE,
            pass_fds=tuple(hold),
            start_new_session=True,
        )
        self._line = cast("IO[bytes]", self._watchdog.stdin)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(BrokenPipeError):
            self._line.close()
        self._watchdog.wait()

    def start(
        self, command: Sequence[str], *, environment: Mapping[str, str], cwd: Path, log: Path
    ) -> subprocess.Popen[bytes]:
        """Start ``command``, its output appended to ``log``.

        Raises:
            OSError: it cannot be started.
        """
        log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            process = subprocess.Popen(
                list(command),
                env=dict(environment),
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=descriptor,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        finally:
            os.close(descriptor)
        self._tell(f"+{process.pid}\n")
        return process

    def signal(self, process: subprocess.Popen[bytes], number: signal.Signals) -> None:
        """Send a signal to the process and everything it started."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)

    def finish(self, process: subprocess.Popen[bytes]) -> None:
        """Kill what is left of the group and forget it."""
        self.signal(process, signal.SIGKILL)
        process.wait()
        self._tell(f"-{process.pid}\n")

    def _tell(self, line: str) -> None:
        with contextlib.suppress(BrokenPipeError):
            self._line.write(line.encode())
            self._line.flush()


class Signals:
    """While entered, `wait` sleeps until time is up, a child ends or an end is asked for.

    Outside the main thread signals cannot be received; then `wait` only sleeps.
    """

    def __init__(self) -> None:
        self.stop_asked = 0
        """How often an end has been asked for."""
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        self._in, self._out = socket.socketpair()
        for end in (self._in, self._out):
            end.setblocking(False)
        self._listening = threading.current_thread() is threading.main_thread()
        if self._listening:
            self._wakeup = signal.set_wakeup_fd(self._in.fileno(), warn_on_full_buffer=False)
            for number in (*STOP, signal.SIGCHLD):
                self._before[number] = signal.signal(number, _noted)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._listening:
            for number, handler in self._before.items():
                signal.signal(number, handler)
            signal.set_wakeup_fd(self._wakeup)
        self._in.close()
        self._out.close()

    def wait(self, seconds: float) -> None:
        """Sleep, ``seconds`` at most."""
        if not self._listening:
            time.sleep(min(seconds, 0.05))
            return
        select.select([self._out], [], [], max(seconds, 0))
        with contextlib.suppress(BlockingIOError):
            self.stop_asked += sum(byte in STOP for byte in self._out.recv(4096))


def _noted(_number: int, _frame: FrameType | None) -> None:
    """The signal's number is in the wakeup socket already."""
