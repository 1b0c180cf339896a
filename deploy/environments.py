# This file must also run on the oldest Python that a machine may start it with, 3.6.
# ruff: noqa: UP036
"""Makes the two Python environments of City311 and installs what the lock files say.

``.venv-dialogue`` (Python 3.10) runs Rasa; ``.venv`` (Python 3.11 or newer) runs everything else. Started by the
Makefile with whatever Python there is, so: standard library only, Python 3.6 or newer, Linux or macOS.

An environment whose stamp matches its lock files and its interpreter is left alone. A failed or interrupted
installation leaves no stamp, and the next run starts that environment afresh. Runs at the same time wait for
each other. The machine's own configuration of uv and pip (indexes, mirrors, certificates) is left as it is.
"""

import argparse
import fcntl
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from interpreters import DIALOGUE, SERVICES, Failed, Search, ask, dotted, find

STAMP = ".city311.json"
"""In an environment: what was installed there, by which interpreter. Written last."""
BEGUN = ".city311-installing"
"""In an environment: an installation that has begun and has not ended."""


class Terminal:
    """Says what happens. On a terminal the line of a running step is rewritten; elsewhere only its ends are printed."""

    def __init__(self, stream):
        self.stream = stream
        self.moving = stream.isatty()

    def say(self, text):
        self._clear()
        print(text, file=self.stream)
        self.stream.flush()

    def tick(self, text):
        if self.moving:
            width = shutil.get_terminal_size().columns - 1
            self._clear()
            self.stream.write(text[:width])
            self.stream.flush()

    def _clear(self):
        if self.moving:
            self.stream.write("\r\033[K")


class Installer:
    """Makes environments under ``root``. ``lock_fd`` is handed to the commands it starts: as long as one of them
    lives, the lock is held, even when this process was killed."""

    def __init__(self, root, search, terminal, lock_fd):
        self.root = root
        self.search = search
        self.terminal = terminal
        self.lock_fd = lock_fd
        self.log = root / "var" / "log" / "environments.log"
        self.without_uv = set()
        """Pythons whose pip could not get uv: not asked again."""

    def prepare(self, environment, locks):
        """Bring ``environment`` to what ``locks`` (names under requirements/) say, if it is not there already.

        Lock files installed by an earlier run stay: ``make run`` does not take away what ``make test`` needs.
        """
        folder = self.root / environment.folder
        stamp = _read_stamp(folder)
        interpreter = self._interpreter_of(environment, folder, stamp)
        wanted = sorted(set(locks) | {name for name in stamp.get("locks", {}) if self._lock(name).is_file()})
        target = self._target(interpreter, folder, wanted) if interpreter else None
        if target is not None and target == stamp:
            return
        afresh = interpreter is None or (folder / BEGUN).exists() or stamp.get("folder", str(folder)) != str(folder)
        if afresh:
            interpreter = self._fresh_interpreter(environment)
            target = self._target(interpreter, folder, wanted)
        started = time.monotonic()
        files = [self._lock(name) for name in wanted]
        title = "{} (Python {}): {} packages from {}".format(
            environment.folder,
            dotted(interpreter["version"]),
            len(_packages(files)),
            ", ".join("requirements/" + name for name in wanted),
        )
        self.terminal.say(title)
        if not (self.find_uv(interpreter) and self._with_uv(environment, interpreter, folder, files, afresh)):
            self._with_pip(environment, interpreter, folder, files)
        _write_stamp(folder, target)
        (folder / BEGUN).unlink()
        self.terminal.say(f"{environment.folder}: ready in {time.monotonic() - started:.0f} s")

    def _lock(self, name):
        return self.root / "requirements" / name

    def _target(self, interpreter, folder, locks):
        return {
            "folder": str(folder),
            "python": dotted(interpreter["version"]),
            "locks": {name: hashlib.sha256(self._lock(name).read_bytes()).hexdigest() for name in locks},
        }

    def _interpreter_of(self, environment, folder, stamp):
        """The interpreter behind the environment, or None when it has to be made (again)."""
        if not (folder / "pyvenv.cfg").is_file():
            return None
        found = self.search.probe(str(folder / "bin" / "python"))
        if found is None or not environment.accepts(found["version"]):
            return None
        if stamp and stamp.get("python") != dotted(found["version"]):
            return None
        if self.search.variables.get(environment.override):
            named = self.search.look(environment)
            if os.path.realpath(named["path"]) != os.path.realpath(found["path"]):
                return None
        return found

    def _fresh_interpreter(self, environment):
        if self.search.uv is None:
            self.find_uv(None)
        return find(self.search, environment, self.terminal.say)

    def find_uv(self, interpreter):
        """A uv that runs: the one on the PATH, or the pinned one of requirements/uv.lock, which pip puts into var/uv.

        ``interpreter`` (as from `Search.probe`) may be used to run pip. None if there is no way.
        """
        if self.search.uv:
            return self.search.uv
        variables = self.search.variables
        folders = [Path(folder) for folder in variables.get("PATH", "").split(os.pathsep) if folder]
        own = self.root / "var" / "uv" / _short_hash(self._lock("uv.lock"))
        for path in [folder / "uv" for folder in [*folders, own / "bin"]]:
            # A pyenv shim answers "command not found".
            if path.is_file() and ask([str(path), "--version"], variables)[0] == 0:
                self.search.uv = str(path)
                return self.search.uv
        pythons = [interpreter["path"]] if interpreter else []
        if sys.version_info >= (3, 8):
            pythons.append(sys.executable)
        for python in pythons:
            if python in self.without_uv:
                continue
            self.without_uv.add(python)
            if ask([python, "-m", "pip", "--version"], variables)[0] != 0:
                continue
            command = [
                python,
                "-m",
                "pip",
                "install",
                "--quiet",
                "--require-hashes",
                "--no-deps",
                "--only-binary=:all:",
            ]
            command += ["--target", str(own), "-r", str(self._lock("uv.lock"))]
            shutil.rmtree(str(own), ignore_errors=True)
            if self._do(command, "getting uv, which installs quickly") == 0:
                path = str(own / "bin" / "uv")
                if ask([path, "--version"], variables)[0] == 0:
                    self.search.uv = path
                    return path
        return None

    def _with_uv(self, environment, interpreter, folder, files, afresh):
        """Whether uv could install. If not, pip gets a try: it may be configured for an index that uv does not know."""
        uv = self.search.uv
        if afresh:
            # Not --clear: uv refuses to clear a folder that is not an environment, as a half-made one may be.
            shutil.rmtree(str(folder), ignore_errors=True)
            command = [uv, "venv", "--quiet", "--python", interpreter["path"], str(folder)]
            if self._do(command, environment.folder + ": making the environment") != 0:
                return False
        (folder / BEGUN).touch()
        # Bytecode now: where PYTHONDONTWRITEBYTECODE is set, Rasa would else compile TensorFlow at every start.
        command = [uv, "pip", "sync", "--require-hashes", "--compile-bytecode"]
        command += ["--python", str(folder / "bin" / "python"), *map(str, files)]
        if self._do(command, environment.folder + ": installing") == 0:
            return True
        self.terminal.say(f"{environment.folder}: uv could not install, trying pip. uv said:")
        self.terminal.say(self._tail(5))
        return False

    def _with_pip(self, environment, interpreter, folder, files):
        shutil.rmtree(str(folder), ignore_errors=True)
        command = [interpreter["path"], "-m", "venv", str(folder)]
        if self._do(command, environment.folder + ": making the environment") != 0:
            remedy = "Install the venv module of that Python (Debian/Ubuntu: sudo apt install python3.{}-venv)".format(
                interpreter["version"][1]
            )
            if self.search.uv:
                raise Failed(
                    f"{environment.folder}: neither uv nor {interpreter['path']} could make it. "
                    f"Correct what uv says above, or: {remedy}."
                )
            raise Failed(
                f"{interpreter['path']} cannot make an environment. The last lines of {self.log}:\n{self._tail(5)}\n"
                f"{remedy}, or install uv."
            )
        (folder / BEGUN).touch()
        command = [str(folder / "bin" / "python"), "-m", "pip", "install", "--require-hashes", "--no-deps"]
        for path in files:
            command += ["-r", str(path)]
        if self._do(command, environment.folder + ": installing") != 0:
            raise Failed(
                f"{environment.folder} could not be installed. The last lines of {self.log}:\n{self._tail(15)}\n"
                "When the cause is gone (network, disk space), run the same command again: "
                "it starts this environment afresh."
            )

    def _do(self, command, title):
        """Run a command, its output into the log, the time on the terminal. Returns its exit status."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        started = time.monotonic()
        with self.log.open("ab") as log:
            log.write("\n$ {}\n".format(" ".join(command)).encode())
            log.flush()
            try:
                process = subprocess.Popen(
                    command,
                    cwd=str(self.root),
                    env=self.search.variables,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    pass_fds=(self.lock_fd,),
                )
            except OSError as problem:
                log.write(f"{problem}\n".encode())
                return 127
            try:
                while process.poll() is None:
                    self.terminal.tick(f"{title}, {time.monotonic() - started:.0f} s ")
                    time.sleep(0.1)
            except BaseException:
                process.terminate()
                process.wait()
                raise
        return process.returncode

    def _tail(self, count):
        lines = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return "\n".join("  " + line for line in lines[-count:])


def _packages(locks):
    """Names of the packages in lock files; one that stands in several counts once."""
    return {
        name
        for lock in locks
        for name in re.findall(r"(?m)^([\w.-]+)(?:\[[^\]]*\])?==", lock.read_text(encoding="utf-8"))
    }


def _short_hash(path):
    return hashlib.sha256(path.read_bytes() if path.is_file() else b"").hexdigest()[:12]


def _read_stamp(folder):
    if (folder / BEGUN).exists():
        return {}
    try:
        return json.loads((folder / STAMP).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def _write_stamp(folder, content):
    temporary = folder / (STAMP + ".new")
    temporary.write_text(json.dumps(content, indent=1), encoding="utf-8")
    temporary.replace(folder / STAMP)


# --- One run at a time --------------------------------------------------------------------------------------


def wait_alone(path, say):
    """Open ``path`` and lock it, waiting for whoever holds it. The file descriptor; closing it gives the lock back."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(str(path), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        say("Another run is preparing the environments; waiting for it.")
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    return descriptor


def _interrupt(_number, _frame):
    raise KeyboardInterrupt


def write_command(root, folder):
    """The command ``city311`` beside the environment's own commands, usable from any folder."""
    path = folder / "bin" / "city311"
    text = '#!/bin/sh\nPYTHONPATH="{}" exec "{}" -m city311 "$@"\n'.format(root, folder / "bin" / "python")
    if not path.parent.is_dir() or (path.is_file() and path.read_text(encoding="utf-8") == text):
        return
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)


def main(arguments, variables, stream):
    """Exit status: 0 ready, 1 cannot, 130 interrupted."""
    parser = argparse.ArgumentParser(description="Makes the two Python environments of City311.")
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parent.parent, help="folder of City311")
    parser.add_argument("--development", action="store_true", help="also install what lint and tests need")
    parser.add_argument("--print-uv", action="store_true", help="print the path of the uv in use, and do nothing else")
    options = parser.parse_args(arguments)
    root = options.root.resolve()
    terminal = Terminal(stream)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        descriptor = wait_alone(root / "var" / "environments.lock", terminal.say)
        try:
            installer = Installer(root, Search(variables), terminal, descriptor)
            if options.print_uv:
                uv = installer.find_uv(None)
                if uv is None:
                    raise Failed("There is no uv, and pip cannot get one. Install uv.")
                print(uv)
                return 0
            locks = ["services.lock"] + (["development.lock"] if options.development else [])
            installer.prepare(SERVICES, locks)
            write_command(root, root / SERVICES.folder)
            installer.prepare(DIALOGUE, ["dialogue.lock"])
        finally:
            os.close(descriptor)
    except Failed as problem:
        terminal.say(str(problem))
        return 1
    except KeyboardInterrupt:
        terminal.say("Interrupted. Run the same command again: it repairs what is half-done.")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], dict(os.environ), sys.stderr))
