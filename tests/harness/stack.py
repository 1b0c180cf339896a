"""The whole program as `city311 run` starts it, on free ports and with a data folder of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import requests
from click.testing import Result
from sqlalchemy import create_engine, text
from typer.testing import CliRunner

from city311.cli import app
from harness import python
from harness.ports import free_port

START_S = 240


@dataclass
class Stack:
    """A running City311.

    Attributes:
        data: its data folder (databases, logs).
        portal, dialogue: base addresses.
        command: what starts it, as arguments of Python.
        lines: the doubles of phone providers, where it is connected to them.
    """

    data: Path
    ports: dict[str, int]
    environment: dict[str, str] = field(repr=False)
    command: tuple[str, ...] = ("-m", "city311", "run")
    supervisor: subprocess.Popen[bytes] | None = None
    lines: Any = None

    @property
    def portal(self) -> str:
        return f"http://127.0.0.1:{self.ports['PORTAL']}"

    @property
    def dialogue(self) -> str:
        return f"http://127.0.0.1:{self.ports['DIALOGUE']}"

    def start(self) -> None:
        """Starts it and waits until it is healthy."""
        log = (self.data / "run.log").open("ab")
        self.supervisor = subprocess.Popen(
            [sys.executable, *self.command],
            cwd=python.HOUSE,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self.wait_until_healthy()

    def wait_until_healthy(self, seconds: float = START_S) -> None:
        """Waits until every component is well."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.supervisor is not None and self.supervisor.poll() is not None:
                raise AssertionError(f"`city311 run` ended:\n{self.tail('run.log')}")
            try:
                if requests.get(f"{self.portal}/healthz", timeout=3).json()["status"] == "ok":
                    return
            except (requests.RequestException, ValueError, KeyError):
                pass
            time.sleep(0.3)
        raise AssertionError(f"not healthy after {seconds} s:\n{self.tail('run.log')}")

    def stop(self) -> None:
        """Stops it as Ctrl-C does, and makes sure that nothing is left."""
        if self.supervisor is None:
            return
        self.supervisor.send_signal(signal.SIGINT)
        try:
            self.supervisor.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(self.supervisor.pid, signal.SIGKILL)
        self.supervisor = None

    def tail(self, name: str, lines: int = 40) -> str:
        """The last lines of a log."""
        path = self.data / name
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:]) if path.is_file() else f"(no {name})"

    def process(self, name: str) -> psutil.Process:
        """The process ``actions``, ``dialogue`` or ``portal``."""
        port = self.ports[name.upper()]
        assert self.supervisor is not None
        for child in psutil.Process(self.supervisor.pid).children(recursive=True):
            try:
                if any(c.laddr.port == port and c.status == psutil.CONN_LISTEN for c in child.net_connections("tcp")):
                    return child
            except psutil.Error:
                continue
        raise AssertionError(f"{name} does not listen on {port}")

    def kill(self, name: str) -> None:
        """kill -9."""
        self.process(name).kill()

    def rows(self, sql: str, **values: Any) -> list[dict[str, Any]]:
        """Rows of the portal's and actions' database."""
        engine = create_engine(f"sqlite:///{self.data / 'city311.db'}")
        try:
            with engine.connect() as connection:
                return [dict(row) for row in connection.execute(text(sql), values).mappings()]
        finally:
            engine.dispose()

    def crew(self, *words: str) -> Result:
        """The command ``city311`` as the crew uses it, in this process: most of its time would go into starting."""
        return CliRunner().invoke(app, list(words), env=self.environment)

    def change(self, sql: str, **values: Any) -> None:
        """Changes rows of that database."""
        engine = create_engine(f"sqlite:///{self.data / 'city311.db'}", connect_args={"timeout": 10})
        try:
            with engine.begin() as connection:
                connection.execute(text(sql), values)
        finally:
            engine.dispose()

    def forget_reports(self) -> None:
        """Nothing that was reported before is known as a likely duplicate any more."""
        self.change("DELETE FROM known_reports")


@contextmanager
def running(data: Path, *, command: tuple[str, ...] = Stack.command, **settings: str) -> Iterator[Stack]:
    """A stack with its own data folder; ``settings`` are further environment variables."""
    data.mkdir(parents=True, exist_ok=True)
    ports = {name: free_port() for name in ("PORTAL", "DIALOGUE", "ACTIONS")}
    environment = {
        **python.environment(),
        "CITY311_DATA": str(data),
        **{f"CITY311_{name}_PORT": str(port) for name, port in ports.items()},
        **settings,
    }
    stack = Stack(data, ports, environment, command)
    try:
        stack.start()
        yield stack
    finally:
        stack.stop()
