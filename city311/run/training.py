"""Trains Rasa's model, when something it depends on has changed."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.text import Text

from city311.city.load import load_pack
from city311.city.model import Pack
from city311.run.logs import tail
from city311.run.processes import DIALOGUE_PYTHON, training_environment
from city311.run.tether import Signals, Tether
from city311.settings import HOUSE, Settings

RASA = (str(DIALOGUE_PYTHON), "-m", "rasa")
KEPT = 2
"""How many models of a city stay: the current one and the one before."""
_SOURCES = (
    "config.yml",
    "domain.yml",
    "data/**/*",
    "city311/dialogue/nlu/**/*.py",
    "city311/dialogue/nlu/**/*.yml",
    "city311/language/**/*.py",
    "city311/language/**/*.yml",
    "requirements/dialogue.lock",
)


class TrainingFailed(RuntimeError):
    """There is no model; the message says why and what to do."""


class TrainingStopped(TrainingFailed):
    """Training was interrupted (Ctrl-C, SIGTERM). Nothing half-done is left."""


def fingerprint(pack: Pack, house: Path = HOUSE) -> str:
    """16 hexadecimal digits that change when anything changes that a model of ``pack`` depends on.

    Those are the configuration, domain and training data, the pack's own examples and service codes, the code
    that runs inside Rasa's process, and the versions it runs on.
    """
    digest = hashlib.sha256()
    for name, content in _parts(pack, house):
        digest.update(f"{name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()[:16]


def _parts(pack: Pack, house: Path) -> Iterator[tuple[str, bytes]]:
    for pattern in _SOURCES:
        for path in sorted(path for path in house.glob(pattern) if path.is_file()):
            yield path.relative_to(house).as_posix(), path.read_bytes()
    for path in sorted(path for path in (pack.folder / "nlu").glob("**/*") if path.is_file()):
        yield "pack/" + path.relative_to(pack.folder).as_posix(), path.read_bytes()
    yield "services", "\n".join(sorted(pack.services)).encode()


def model_path(pack: Pack, house: Path = HOUSE) -> Path:
    """Where the model of ``pack`` belongs, whether it is there or not."""
    return house / "models" / f"{pack.city.code}-{fingerprint(pack, house)}.tar.gz"


def newest_model(pack: Pack, house: Path = HOUSE) -> Path | None:
    """The model of this city that was trained last, even if something has changed since."""
    return next(iter(_models(pack, house)), None)


def train(
    settings: Settings,
    *,
    force: bool = False,
    console: Console | None = None,
    house: Path = HOUSE,
    rasa: Sequence[str] = RASA,
) -> Path:
    """The model of the city, trained if it is not there yet (or if ``force``).

    The model appears under its name only when it is whole. Runs at the same time wait for each other.

    Raises:
        PackError: the city pack is not valid.
        TrainingFailed: with the last lines of the log.
    """
    console = console or Console()
    pack = load_pack(settings.city)
    target = model_path(pack, house)
    if target.is_file() and not force:
        return target
    with _alone(house / "models" / ".lock", console):
        if target.is_file() and not force:
            return target
        started = time.monotonic()
        _train(settings, pack, target, console, house, rasa)
        console.print(f"[green]✓[/] Model trained in {time.monotonic() - started:.0f} s")
        for old in _models(pack, house)[KEPT:]:
            old.unlink(missing_ok=True)
    return target


def _models(pack: Pack, house: Path) -> list[Path]:
    """The city's models, newest first."""
    name = re.compile(re.escape(pack.city.code) + r"-[0-9a-f]{16}\.tar\.gz")
    found = [path for path in (house / "models").glob("*.tar.gz") if name.fullmatch(path.name)]
    return sorted(found, key=lambda path: path.stat().st_mtime_ns, reverse=True)


def _train(settings: Settings, pack: Pack, target: Path, console: Console, house: Path, rasa: Sequence[str]) -> None:
    for left in target.parent.glob(".training-*"):  # of a training that was killed; the lock says it is not running
        shutil.rmtree(left, ignore_errors=True)
    log = settings.data / "log" / "train.log"
    log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    log.unlink(missing_ok=True)
    folder = Path(tempfile.mkdtemp(dir=target.parent, prefix=".training-"))
    try:
        data = ["data", *([str(pack.folder / "nlu")] if (pack.folder / "nlu").is_dir() else [])]
        # Rasa's cache knows a component by its configuration, not by its code: --force, since the code may be new.
        # Validation reads everything once more; the tests do it, and more strictly.
        # fmt: off
        command = [
            *rasa, "train", "--data", *data, "--domain", "domain.yml",
            "--config", "config.yml", "--out", str(folder), "--fixed-model-name", "model", "--force",
            "--skip-validation",
        ]
        # fmt: on
        status = _follow(command, settings, log, console, house)
        made = folder / "model.tar.gz"
        if status != 0 or not made.is_file():
            raise TrainingFailed(
                f"Training the model failed ({_ended(status)}). The last lines of {log}:\n{tail(log, 15)}\n"
                f"{_causes(log)}Correct what they name, then start again. `make train` repeats only this step."
            )
        made.replace(target)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _follow(command: Sequence[str], settings: Settings, log: Path, console: Console, house: Path) -> int:
    """Run the command, showing time and its latest line. Its exit status.

    Raises:
        TrainingStopped: the user asked for an end.
        TrainingFailed: it cannot be started.
    """
    started = time.monotonic()
    if not console.is_terminal:
        console.print("Training the model …")
    with Signals() as signals, Tether() as tether, console.status("Training the model …") as status:
        try:
            process = tether.start(command, environment=training_environment(settings), cwd=house, log=log)
        except OSError as error:
            raise TrainingFailed(
                f"{command[0]} cannot be started ({error.strerror}). Run `make run`: it makes the environments."
            ) from error
        try:
            while process.poll() is None:
                signals.wait(0.5)
                if signals.stop_asked:
                    raise TrainingStopped("Training was stopped; nothing half-done is left.")
                seconds = f"{time.monotonic() - started:.0f} s"
                doing = _doing(log)[: max(console.width - 40, 20)]
                status.update(Text.assemble(f"Training the model … {seconds}  ", (doing, "dim")))
        finally:
            tether.finish(process)
    return process.returncode


def _doing(log: Path) -> str:
    """What Rasa says it is doing, without its warnings and the time and module before each line."""
    said = re.findall(r"(?m)\bINFO\s+\S+\s+-\s+(.+)$", tail(log, 20))
    return str(said[-1]) if said else ""


def _causes(log: Path) -> str:
    """The errors that the log's tracebacks end with, the first cause first: often far above the last lines."""
    found = re.findall(r"(?m)^(?:[A-Za-z_]\w*\.)*\w*(?:Error|Exception): .+$", tail(log, 1000))
    return (
        "".join(f"{line}\n" for line in ["What went wrong, first things first:", *dict.fromkeys(found)])
        if found
        else ""
    )


def _ended(status: int) -> str:
    return f"killed by signal {-status}" if status < 0 else f"exit status {status}"


@contextmanager
def _alone(path: Path, console: Console) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            console.print("Another training is running; waiting for it.")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
