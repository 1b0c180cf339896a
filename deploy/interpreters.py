# This file must also run on the oldest Python that a machine may start it with, 3.6.
# ruff: noqa: UP021
"""Finds a Python that runs, for each of the two environments: named, or from uv, PATH, pyenv or a common place."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

NEWEST_MINOR = 20
"""How far the search for a newer Python 3 goes."""
PROBE_S = 20
"""Seconds an interpreter may take to say what it is."""

PROBE = """
import json, os, platform, sys
missing = []
for name in ("ssl", "sqlite3", "zlib", "ctypes"):
    try:
        __import__(name)
    except ImportError:
        missing.append(name)
path = getattr(sys, "_base_executable", None) or ""
print(json.dumps({
    "path": path if os.path.isfile(path) else os.path.realpath(sys.executable),
    "version": list(sys.version_info[:3]),
    "implementation": platform.python_implementation(),
    "missing": missing,
}))
"""


class Failed(Exception):
    """Cannot go on; the message says why and what to do."""


class Environment:
    """One environment: where it is, which Pythons it takes (best first), which lock files make it."""

    def __init__(self, name, folder, override, minors, needs, why):
        self.name = name
        self.folder = folder
        self.override = override
        self.minors = minors
        self.needs = needs
        self.why = why

    def accepts(self, version):
        return version[0] == 3 and version[1] in self.minors


SERVICES = Environment(
    name="services",
    folder=".venv",
    override="CITY311_PYTHON_SERVICES",
    minors=[12, 13, 11, *range(14, NEWEST_MINOR + 1)],
    needs="Python 3.11 or newer",
    why="for its portal, its actions and its command line",
)
DIALOGUE = Environment(
    name="dialogue",
    folder=".venv-dialogue",
    override="CITY311_PYTHON_DIALOGUE",
    minors=[10],
    needs="Python 3.10",
    why="for its dialogue process (Rasa 3.6 runs on no newer one)",
)

HOW_TO_GET = {
    "dialogue": """\
  uv             uv python install 3.10
  pyenv          pyenv install 3.10
  Ubuntu 22.04   sudo apt install python3.10 python3.10-venv
  other Ubuntu   sudo add-apt-repository ppa:deadsnakes/ppa && sudo apt install python3.10 python3.10-venv
  Debian         with uv or pyenv (Debian 11, 12 and 13 have no package of it)
  Fedora         sudo dnf install python3.10
  macOS          brew install python@3.10""",
    "services": """\
  uv             uv python install 3.12
  pyenv          pyenv install 3.12
  Debian/Ubuntu  sudo apt install python3 python3-venv   (Debian 12, Ubuntu 24.04 or newer; else with uv or pyenv)
  Fedora         sudo dnf install python3.12
  macOS          brew install python@3.12""",
}


class Search:
    """Looks for interpreters and remembers what each one said.

    ``places`` are folders that are looked at after the PATH and pyenv.
    """

    def __init__(self, variables, places=("/usr/local/bin", "/opt/homebrew/bin", "/usr/bin")):
        self.variables = variables
        self.places = places
        self.said = {}
        self.uv = None
        """Path of a uv that runs, once there is one."""

    def look(self, environment):
        """The best interpreter for ``environment`` (as from `probe`), or None.

        Raises:
            Failed: the variable that names it names something else.
        """
        named = self.variables.get(environment.override)
        if named:
            found = self.probe(shutil.which(named, path=self.variables.get("PATH")) or named)
            problem = "it does not run" if found is None else self.unfit(environment, found)
            if problem:
                raise Failed(
                    f"{environment.override} is {named!r}, but {problem}. City311 needs {environment.needs} there."
                )
            return found
        for minor in environment.minors:
            for path in self._candidates(minor):
                found = self.probe(path)
                if found and tuple(found["version"][:2]) == (3, minor) and not self.unfit(environment, found):
                    return found
        return None

    def probe(self, path):
        """What the interpreter at ``path`` says about itself, or None if it does not run.

        ``path`` in the answer is the real program, behind shims and virtual environments.
        """
        if path not in self.said:
            self.said[path] = self._probe(path)
        return self.said[path]

    def _probe(self, path):
        variables = {
            name: value
            for name, value in self.variables.items()
            if name not in ("PYTHONHOME", "PYTHONPATH", "__PYVENV_LAUNCHER__")
        }
        status, output = ask([path, "-c", PROBE], variables)
        if status != 0:
            return None
        try:
            return json.loads(output.strip().splitlines()[-1])
        except (ValueError, IndexError):
            return None

    def unfit(self, environment, found):
        """Why ``found`` (as from `probe`) cannot be used, or ""."""
        if not environment.accepts(found["version"]):
            return "it is Python {}".format(dotted(found["version"]))
        if found["implementation"] != "CPython":
            return "it is {}, not CPython".format(found["implementation"])
        if found["missing"]:
            return "it was built without {}".format(" and ".join(found["missing"]))
        return ""

    def _candidates(self, minor):
        version = f"3.{minor}"
        if self.uv:
            # Away from the project, so that uv does not answer with one of the environments made here.
            variables = dict(self.variables, UV_PYTHON_DOWNLOADS="never")
            status, output = ask([self.uv, "python", "find", "--system", version], variables, cwd=os.sep)
            if status == 0 and output.strip():
                yield output.strip().splitlines()[-1]
        names = ["python" + version, "python3", "python"]
        for name in names:
            for folder in self.variables.get("PATH", "").split(os.pathsep):
                path = Path(folder) / name
                if path.is_file() and os.access(str(path), os.X_OK):
                    yield str(path)
        roots = [self.variables.get("PYENV_ROOT"), Path(self.variables.get("HOME", ""), ".pyenv")]
        for root in roots:
            if root:
                folders = sorted(Path(root).glob("versions/" + version + "*/bin/python"), key=_natural, reverse=True)
                for path in folders:
                    yield str(path)
        for folder in self.places:
            for name in names[:2]:
                path = Path(folder) / name
                if path.is_file():
                    yield str(path)


def ask(command, variables, cwd=None):
    """Exit status and output of a short command; None and "" if it cannot be started or takes too long."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            universal_newlines=True,
            env=variables,
            cwd=cwd,
            timeout=PROBE_S,
            check=False,
        )
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None, ""
    return done.returncode, done.stdout


def _natural(path):
    return [int(part) for part in re.findall(r"\d+", str(path))]


def dotted(version):
    """``[3, 10, 13]`` as ``3.10.13``."""
    return ".".join(str(part) for part in version)


def find(search, environment, say):
    """The interpreter for ``environment``; installs one with uv when there is uv and no interpreter.

    Raises:
        Failed: there is none, with the ways to get one.
    """
    found = search.look(environment)
    if found is None and search.uv:
        version = f"3.{environment.minors[0]}"
        say(f"No {environment.needs} here: asking uv to install Python {version}.")
        subprocess.run([search.uv, "python", "install", version], stdin=subprocess.DEVNULL, check=False)
        search.said.clear()
        found = search.look(environment)
    if found is None:
        unfit = sorted(
            {
                "{} ({})".format(said["path"], search.unfit(environment, said))
                for said in search.said.values()
                if said and environment.accepts(said["version"])
            }
        )
        raise Failed(
            "City311 needs {} {}, and there is none in PATH, uv, pyenv or {}.\n{}"
            "Get it in one of these ways, then run the same command again:\n{}\n"
            "Or say where it is: {}=/path/to/python make run".format(
                environment.needs,
                environment.why,
                ", ".join(search.places),
                "".join(f"  cannot be used: {text}\n" for text in unfit),
                HOW_TO_GET[environment.name],
                environment.override,
            )
        )
    return found
