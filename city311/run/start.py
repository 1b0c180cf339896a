"""``city311 run``: from nothing to a running installation, step by step, each said on the terminal."""

from __future__ import annotations

import fcntl
import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.panel import Panel
from rich.text import Text
from sqlalchemy.exc import SQLAlchemyError

from city311.city.load import PackError, load_pack
from city311.city.model import Pack
from city311.places import ensure
from city311.run import development_secrets, ports, training
from city311.run.processes import Process, stack
from city311.run.supervisor import Patience, Supervisor
from city311.settings import HOUSE, MissingSetting, Settings
from city311.store import keys, migrate
from city311.store.base import open_engine

_EVERYWHERE = ("0.0.0.0", "::", "")  # noqa: S104 - compared with, not listened on
_LEFT_OVER_S = 60.0
"""How long to wait for the processes of a supervisor that was killed."""


class _CannotStart(RuntimeError):
    """The message says why and what to do. Exit status 1."""


def run(
    settings: Settings,
    *,
    train: bool = True,
    console: Console | None = None,
    build: Callable[[Settings, Path], Sequence[Process]] = stack,
    house: Path = HOUSE,
    rasa: Sequence[str] = training.RASA,
    patience: Patience = Patience(),  # noqa: B008 - frozen
) -> int:
    """Start everything and stay until asked to stop.

    Args:
        train: train a model when something it depends on has changed; if not, the newest model of the city is used.
        build: makes the processes from settings and model.
        house: the folder that holds config.yml, domain.yml and data/.
        rasa: command that starts Rasa's own command line, for training.

    Returns:
        Exit status: 0 stopped on request, 1 could not start or had to give up, 2 the city pack or a setting is
        wrong, 130 interrupted before everything was started.
    """
    console = console or Console(highlight=False, soft_wrap=True)
    try:
        with _alone(settings, console) as lock:
            settings = development_secrets.ensure(settings)
            pack = load_pack(settings.city)
            _done(console, f"City pack {pack.city.code}: {len(pack.services)} services")
            taken = ports.problems(settings)
            if taken:
                raise _CannotStart("\n".join(taken))
            _prepare_database(settings, pack)
            _done(console, "Database ready")
            _prepare_places(settings, pack, console)
            if train:
                model = training.train(settings, console=console, house=house, rasa=rasa)
            else:
                model = _newest_model(pack, house)
            _done(console, f"Model {model.name}")
            return _supervise(settings, pack, build(settings, model), console, patience, lock)
    except PackError as error:
        console.print(f"The city pack {settings.city} cannot be used:", style="red", markup=False)
        for problem in error.problems:
            console.print(f"  {problem}", markup=False)
        return 2
    except MissingSetting as error:
        console.print(str(error), style="red", markup=False)
        return 2
    except training.TrainingStopped as stopped:
        console.print(str(stopped), markup=False)
        return 130
    except (_CannotStart, training.TrainingFailed) as error:
        console.print(str(error), style="red", markup=False)
        return 1
    except KeyboardInterrupt:
        console.print("Interrupted.")
        return 130


def _done(console: Console, text: str) -> None:
    console.print(Text.assemble(("✓ ", "green"), text))


def _prepare_database(settings: Settings, pack: Pack) -> None:
    try:
        migrate.upgrade(settings.database_url)
        if not pack.workorders.url and not pack.workorders.discovery_url:  # the embedded desk is the system of record
            engine = open_engine(settings.database_url)
            try:
                keys.ensure_key(engine, settings.secret("CITY311_OPEN311_API_KEY"), "City311 actions", own_numbers=True)
            finally:
                engine.dispose()
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or type(error).__name__).strip()
        raise _CannotStart(
            f"The database of CITY311_DATABASE_URL cannot be used: {reason}\n"
            "Check that the server runs and that the URL is right. Without the variable it is an SQLite file."
        ) from error
    except ValueError as error:
        raise _CannotStart(f"CITY311_OPEN311_API_KEY: {error}") from error


def _prepare_places(settings: Settings, pack: Pack, console: Console) -> None:
    if pack.places is None:
        return
    try:
        with console.status("Places …") as status:
            made = ensure(pack, settings.data, lambda step: status.update(f"Places: {step} …"))
    except OSError as error:
        said = f"The gazetteer cannot be written below {settings.data / 'places'}: {error.strerror or error}"
        raise _CannotStart(f"{said}\nMake room there, or set CITY311_DATA to another folder.") from error
    _done(console, f"Places {made.name}")


def _newest_model(pack: Pack, house: Path) -> Path:
    model = training.newest_model(pack, house)
    if model is None:
        raise _CannotStart(f"There is no model for {pack.city.code} in models/. Train one: make train")
    return model


def _supervise(
    settings: Settings, pack: Pack, processes: Sequence[Process], console: Console, patience: Patience, lock: int
) -> int:
    address = address_of(settings)
    started = time.monotonic()
    status = console.status("Starting …")
    if not console.is_terminal:
        console.print("Starting …")

    def on_health(states: Mapping[str, str]) -> None:
        marks = "  ".join(f"{'[green]✓[/]' if state == 'ok' else '[dim]…[/]'} {name}" for name, state in states.items())
        status.update(f"Starting …  {marks}")

    def on_well() -> None:
        status.stop()
        _done(console, f"Dialogue, actions and portal are running ({time.monotonic() - started:.0f} s)")
        lines = [Text(f"{pack.city.name}: 311 is open at"), Text(f"{address}/", style="bold cyan"), Text()]
        if settings.portal_host in _EVERYWHERE:
            lines.append(Text("Other machines can reach it, too."))
        lines.append(Text(f"Stop: Ctrl-C     Logs: {settings.data / 'log'}", style="dim"))
        console.print(Panel(Text("\n").join(lines), expand=False, padding=(1, 3), border_style="green"))

    def say(text: str) -> None:
        status.stop()
        console.print(text, markup=False)

    status.start()
    try:
        return Supervisor(
            processes,
            folder=settings.data,
            health=lambda: ask_health(address),
            say=say,
            on_health=on_health,
            on_well=on_well,
            patience=patience,
            hold=[lock],
        ).run()
    finally:
        status.stop()


def address_of(settings: Settings) -> str:
    """Where this machine reaches the portal."""
    if settings.portal_host in (*_EVERYWHERE, "localhost"):
        return settings.portal_url
    host = f"[{settings.portal_host}]" if ":" in settings.portal_host else settings.portal_host
    return f"http://{host}:{settings.portal_port}"


def ask_health(address: str) -> dict[str, str] | None:
    """Components and their states as ``GET /healthz`` says; None while nothing sensible answers."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # never through a proxy: it is this machine
    try:
        with opener.open(f"{address}/healthz", timeout=5) as response:
            said = json.loads(response.read())
    except urllib.error.HTTPError as error:  # 503: some part is not well, and the body says which
        with error:
            try:
                said = json.loads(error.read())
            except (OSError, ValueError):
                return None
    except (OSError, ValueError):
        return None
    if not isinstance(said, dict) or not isinstance(said.get("components"), dict):
        return None
    states = {str(name): str(state) for name, state in said["components"].items()}
    return states if said.get("status") == "ok" or any(state != "ok" for state in states.values()) else None


@contextmanager
def _alone(settings: Settings, console: Console) -> Iterator[int]:
    """Hold this data folder: one installation runs once. Yields the lock's file descriptor.

    The watchdog holds it, too, until the processes of a supervisor that was killed have gone.
    """
    settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(settings.data / "run.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        until = time.monotonic() + _LEFT_OVER_S
        while not _lock(descriptor):
            holder = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip()
            if not holder.isdecimal() or _is_alive(int(holder)) or time.monotonic() > until:
                raise _CannotStart(
                    f"City311 runs already with the data in {settings.data} (process {holder or 'unknown'}). "
                    "Stop that one, or give this one its own data and ports: CITY311_DATA, CITY311_PORTAL_PORT, "
                    "CITY311_DIALOGUE_PORT, CITY311_ACTIONS_PORT."
                )
            console.print("Waiting for what an earlier run left behind …")
            time.sleep(1)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield descriptor
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
