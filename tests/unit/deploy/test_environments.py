"""deploy/environments.py: finding interpreters and installing, with small shell scripts in place of Python and uv."""

from __future__ import annotations

import fcntl
import io
import json
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

HOUSE = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(HOUSE / "deploy"))  # scripts, not a package

import environments  # noqa: E402
import interpreters  # noqa: E402

PATIENCE_S = 120


def script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def interpreter(path: Path, version: str, *, missing: tuple[str, ...] = (), implementation: str = "CPython") -> Path:
    """A program that says of itself that it is that Python."""
    said = {
        "path": str(path),
        "version": [int(part) for part in version.split(".")],
        "implementation": implementation,
        "missing": list(missing),
    }
    return script(path, f"[ \"$1\" = -m ] && exit 1\necho '{json.dumps(said)}'\n")


def shim(path: Path) -> Path:
    """What pyenv puts on the PATH for a version that is not the chosen one."""
    return script(path, f'echo "pyenv: {path.name}: command not found" >&2\nexit 127\n')


class Machine:
    """A PATH, a home and common places of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bin = folder / "bin"
        self.places = folder / "usr" / "bin"
        for path in (self.bin, self.places):
            path.mkdir(parents=True)
        self.variables = {"PATH": f"{self.bin}:/bin:/nowhere", "HOME": str(folder / "home")}
        # /bin only for what the scripts themselves need; its Pythons would be real ones.
        tools = folder / "tools"
        tools.mkdir()
        for name in ("sh", "mkdir", "sleep", "touch", "cat", "rm"):
            (tools / name).symlink_to(f"/bin/{name}")
        self.variables["PATH"] = f"{self.bin}:{tools}:/nowhere"

    def search(self):
        return interpreters.Search(self.variables, places=(str(self.places),))

    def found(self, name: str) -> str | None:
        environment = {"dialogue": interpreters.DIALOGUE, "services": interpreters.SERVICES}[name]
        found = self.search().look(environment)
        return None if found is None else found["path"]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


# --- Interpreters -------------------------------------------------------------------------------------------


def test_a_shim_that_does_not_run_is_skipped_for_pyenv_s_own_folder(machine: Machine) -> None:
    shim(machine.bin / "python3.10")
    shim(machine.bin / "python3.12")
    home = Path(machine.variables["HOME"])
    real = interpreter(home / ".pyenv/versions/3.10.13/bin/python", "3.10.13")
    interpreter(home / ".pyenv/versions/3.9.18/bin/python", "3.9.18")
    assert machine.found("dialogue") == str(real)


def test_of_several_in_pyenv_the_newest_patch(machine: Machine) -> None:
    machine.variables["PYENV_ROOT"] = str(machine.folder / "pyenv")
    versions = machine.folder / "pyenv" / "versions"
    interpreter(versions / "3.12.2" / "bin" / "python", "3.12.2")
    best = interpreter(versions / "3.12.11" / "bin" / "python", "3.12.11")
    assert machine.found("services") == str(best)


def test_a_shim_that_runs_counts_as_the_program_behind_it(machine: Machine) -> None:
    behind = interpreter(machine.folder / "opt" / "python3.10", "3.10.9")
    script(machine.bin / "python3.10", f'exec {behind} "$@"\n')
    assert machine.found("dialogue") == str(behind)


def test_a_name_says_nothing_the_version_does(machine: Machine) -> None:
    interpreter(machine.bin / "python3.10", "3.11.4")
    assert machine.found("dialogue") is None
    plain = interpreter(machine.bin / "python3", "3.10.2")
    assert machine.found("dialogue") == str(plain)


@pytest.mark.parametrize(
    ("there", "best"),
    [
        (["3.11", "3.12", "3.13", "3.14"], "3.12"),
        (["3.11", "3.13", "3.14"], "3.13"),
        (["3.11", "3.14"], "3.11"),
        (["3.10", "3.15", "3.14"], "3.14"),
        (["3.9", "3.10"], None),
    ],
)
def test_the_preferred_version_for_services(machine: Machine, there: list[str], best: str | None) -> None:
    for version in there:
        interpreter(machine.bin / f"python{version}", f"{version}.1")
    assert machine.found("services") == (best and str(machine.bin / f"python{best}"))


def test_common_places_come_last(machine: Machine) -> None:
    last = interpreter(machine.places / "python3.10", "3.10.1")
    assert machine.found("dialogue") == str(last)
    first = interpreter(machine.bin / "python3.10", "3.10.2")
    assert machine.found("dialogue") == str(first)


def test_uv_is_asked_first_and_may_fail(machine: Machine) -> None:
    on_path = interpreter(machine.bin / "python3.10", "3.10.1")
    of_uv = interpreter(machine.folder / "uv" / "python3.10", "3.10.2")
    uv = script(machine.bin / "uv", f'[ "$5$4" = "3.10" ] || [ "$4" = "3.10" ] && echo {of_uv}\n')
    search = machine.search()
    search.uv = str(uv)
    assert search.look(interpreters.DIALOGUE)["path"] == str(of_uv)
    search = machine.search()
    search.uv = str(shim(machine.bin / "uv"))
    assert search.look(interpreters.DIALOGUE)["path"] == str(on_path)


def test_an_interpreter_that_lacks_modules_or_is_no_cpython_is_skipped(machine: Machine) -> None:
    interpreter(machine.bin / "python3.10", "3.10.1", missing=("ssl", "sqlite3"))
    interpreter(machine.bin / "python3", "3.10.1", implementation="PyPy")
    assert machine.found("dialogue") is None


def test_the_named_interpreter_wins(machine: Machine) -> None:
    interpreter(machine.bin / "python3.12", "3.12.1")
    named = interpreter(machine.folder / "my python", "3.14.0")
    machine.variables["CITY311_PYTHON_SERVICES"] = str(named)
    assert machine.found("services") == str(named)


@pytest.mark.parametrize(
    ("version", "problem"), [("3.11.2", "it is Python 3.11.2"), (None, "it does not run"), ("4.10.0", "Python 4.10.0")]
)
def test_a_named_interpreter_that_will_not_do_is_an_error(machine: Machine, version: str | None, problem: str) -> None:
    interpreter(machine.bin / "python3.10", "3.10.1")
    named = machine.folder / "mine"
    if version:
        interpreter(named, version)
    machine.variables["CITY311_PYTHON_DIALOGUE"] = str(named)
    with pytest.raises(interpreters.Failed, match=f"CITY311_PYTHON_DIALOGUE is '{named}', but .*{problem}"):
        machine.found("dialogue")


def test_none_found_says_how_to_get_one(machine: Machine) -> None:
    interpreter(machine.bin / "python3.10", "3.10.1", missing=("ssl",))
    with pytest.raises(interpreters.Failed) as error:
        interpreters.find(machine.search(), interpreters.DIALOGUE, print)
    said = str(error.value)
    for part in ("Python 3.10", "Ubuntu", "Debian", "Fedora", "macOS", "uv python install 3.10", "pyenv install 3.10"):
        assert part in said
    assert "CITY311_PYTHON_DIALOGUE=" in said
    assert f"{machine.bin / 'python3.10'} (it was built without ssl)" in said


def test_uv_installs_as_a_last_resort(machine: Machine) -> None:
    installed = machine.folder / "uv" / "python3.10"
    uv = script(
        machine.bin / "uv",
        f'case "$1 $2" in\n'
        f'"python install") echo "$3" > {machine.folder}/asked; mkdir -p {installed.parent};\n'
        f"  cat {machine.folder}/template > {installed} && /bin/chmod +x {installed};;\n"
        f'"python find") [ -f {installed} ] && echo {installed};;\nesac\n',
    )
    interpreter(machine.folder / "template", "3.10.20")
    search = machine.search()
    search.uv = str(uv)
    found = interpreters.find(search, interpreters.DIALOGUE, lambda _: None)
    assert found["version"] == [3, 10, 20]
    assert (machine.folder / "asked").read_text() == "3.10\n"


# --- Installing ---------------------------------------------------------------------------------------------

UV = """
echo "$@" >> {folder}/calls
case "$1" in
--version) exit 0;;
venv)
  for folder; do :; done
  mkdir -p $folder/bin
  touch $folder/pyvenv.cfg
  cat {python} > $folder/bin/python
  /bin/chmod +x $folder/bin/python;;
pip)
  [ -f {folder}/slow ] && {{ touch {folder}/installing; while [ -f {folder}/slow ]; do sleep 0.05; done; }}
  if [ -f {folder}/broken ]; then echo "no route to the index"; exit 2; fi;;
esac
exit 0
"""
LOCK = "anyio==4.0 \\\n    --hash=sha256:00\nuv[extra]==1.0 \\\n    --hash=sha256:00\n    # via x==1\n"


class House:
    """A house with lock files on a machine with Pythons and a uv that notes what it is asked to do."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.root = machine.folder / "house"
        for name in ("services", "development", "dialogue", "uv"):
            path = self.root / "requirements" / f"{name}.lock"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(LOCK)
        self.program = {
            "services": interpreter(machine.bin / "python3.12", "3.12.1"),
            "dialogue": interpreter(machine.bin / "python3.10", "3.10.1"),
        }
        # One uv for both environments: it puts the Python it was told to use into the environment.
        script(machine.bin / "uv", UV.replace("{python}", "$4").format(folder=machine.folder))
        self.stream = io.StringIO()

    def main(self, *options: str) -> int:
        self.stream = io.StringIO()
        before = signal.getsignal(signal.SIGTERM)
        try:
            return int(environments.main(["--root", str(self.root), *options], self.machine.variables, self.stream))
        finally:
            signal.signal(signal.SIGTERM, before)

    def calls(self) -> list[str]:
        """What uv was asked since the last time, its own version aside."""
        path = self.machine.folder / "calls"
        lines = path.read_text().splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return [line for line in lines if line != "--version" and not line.startswith("python find")]

    def installs(self) -> list[str]:
        return [call for call in self.calls() if call.startswith("pip sync")]

    def command(self, *options: str) -> list[str]:
        return [sys.executable, str(HOUSE / "deploy" / "environments.py"), "--root", str(self.root), *options]


@pytest.fixture
def house(machine: Machine) -> House:
    return House(machine)


def test_both_environments_are_made_and_filled_with_hashes_checked(house: House) -> None:
    assert house.main() == 0
    calls = house.calls()
    assert [call.split()[0] for call in calls] == ["venv", "pip", "venv", "pip"]
    assert calls[1].startswith("pip sync --require-hashes")
    assert calls[1].endswith(f"{house.root}/.venv/bin/python {house.root}/requirements/services.lock")
    assert calls[3].endswith(f"{house.root}/.venv-dialogue/bin/python {house.root}/requirements/dialogue.lock")
    assert ".venv-dialogue (Python 3.10.1): 2 packages from requirements/dialogue.lock" in house.stream.getvalue()


def test_a_second_run_does_nothing(house: House) -> None:
    house.main()
    house.calls()
    assert house.main() == 0
    assert house.calls() == []
    assert house.stream.getvalue() == ""


def test_a_changed_lock_file_is_installed_into_its_environment_only(house: House) -> None:
    house.main()
    house.calls()
    (house.root / "requirements" / "dialogue.lock").write_text(LOCK + "new==1 \\\n    --hash=sha256:00\n")
    assert house.main() == 0
    assert [".venv-dialogue/" in call for call in house.calls()] == [True]


def test_another_interpreter_makes_the_environment_afresh(house: House) -> None:
    house.main()
    house.calls()
    interpreter(house.root / ".venv" / "bin" / "python", "3.12.2")
    assert house.main() == 0
    assert [call.split()[0] for call in house.calls()] == ["venv", "pip"]
    (house.root / ".venv" / "bin" / "python").unlink()
    assert house.main() == 0
    assert [call.split()[0] for call in house.calls()] == ["venv", "pip"]


def test_a_newly_named_interpreter_makes_the_environment_afresh(house: House) -> None:
    house.main()
    house.calls()
    named = interpreter(house.machine.folder / "mine", "3.13.0")
    house.machine.variables["CITY311_PYTHON_SERVICES"] = str(named)
    assert house.main() == 0
    assert f"--python {named}" in house.calls()[0]
    assert house.main() == 0
    assert house.calls() == []


def test_a_moved_folder_makes_the_environments_afresh(house: House) -> None:
    house.main()
    house.calls()
    house.root.rename(house.root.with_name("moved"))
    house.root = house.root.with_name("moved")
    assert house.main() == 0
    assert [call.split()[0] for call in house.calls()] == ["venv", "pip", "venv", "pip"]


def test_development_is_added_and_stays(house: House) -> None:
    house.main()
    house.calls()
    assert house.main("--development") == 0
    (install,) = house.installs()
    assert "development.lock" in install
    assert "services.lock" in install
    assert house.main() == 0
    assert house.installs() == []
    (house.root / "requirements" / "services.lock").write_text(LOCK + "new==1\n")
    assert house.main() == 0  # without --development: what tests need is not taken away
    assert ["development.lock" in install for install in house.installs()] == [True]


def test_a_failure_tells_why_leaves_no_stamp_and_is_repaired(house: House) -> None:
    broken = house.machine.folder / "broken"
    broken.touch()
    assert house.main() == 1
    assert "no route to the index" in house.stream.getvalue()
    assert "neither uv nor" in house.stream.getvalue()
    assert not list(house.root.glob(".venv*/.city311.json"))
    broken.unlink()
    house.calls()
    assert house.main() == 0
    assert [call.split()[0] for call in house.calls()] == ["venv", "pip", "venv", "pip"]
    assert house.main() == 0
    assert house.calls() == []


def _hears_ctrl_c() -> None:
    """What a shell starts in the background ignores it, and so would its children: these tests may run there."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_installation_is_repaired_by_the_next(house: House, number: signal.Signals) -> None:
    slow, installing = house.machine.folder / "slow", house.machine.folder / "installing"
    slow.touch()
    with subprocess.Popen(
        house.command(), env=house.machine.variables, stderr=subprocess.PIPE, text=True, preexec_fn=_hears_ctrl_c
    ) as run:
        _until(installing.exists)
        run.send_signal(number)
        if number == signal.SIGKILL:
            run.wait(PATIENCE_S)
            with pytest.raises(BlockingIOError):  # the installer it left behind still holds the lock
                _lock(house.root)
            slow.unlink()
        assert run.wait(PATIENCE_S) in (130, -number)
    slow.unlink(missing_ok=True)
    assert not (house.root / ".venv" / environments.STAMP).exists()
    house.calls()
    assert house.main() == 0
    assert [call.split()[0] for call in house.calls()] == ["venv", "pip", "venv", "pip"]


def test_runs_at_the_same_time_wait_for_each_other(house: House) -> None:
    slow, installing = house.machine.folder / "slow", house.machine.folder / "installing"
    slow.touch()
    first = subprocess.Popen(house.command(), env=house.machine.variables, stderr=subprocess.DEVNULL)
    _until(installing.exists)
    second = subprocess.Popen(house.command(), env=house.machine.variables, stderr=subprocess.PIPE, text=True)
    assert second.stderr is not None
    assert "waiting for it" in second.stderr.readline()
    slow.unlink()
    assert first.wait(PATIENCE_S) == 0
    assert second.wait(PATIENCE_S) == 0
    second.stderr.close()
    assert len(house.installs()) == 2


def test_without_uv_pip_does_it(house: House) -> None:
    """No uv on the PATH, and pip cannot get it: plain venv and pip."""
    (house.machine.bin / "uv").unlink()
    folder = house.machine.folder
    for name in ("services", "dialogue"):
        program = house.program[name]
        said = program.read_text().splitlines()[-1]
        script(
            program,
            f'echo "$@" >> {folder}/pip-calls\n'
            'case "$2 $3 $4" in\n'
            '"venv "*) mkdir -p $3/bin; touch $3/pyvenv.cfg;\n'
            f"  cat {program} > $3/bin/python; /bin/chmod +x $3/bin/python;;\n"
            '"pip --version "*) exit 0;;\n'
            '"pip install --quiet") exit 1;;\n'
            '"pip install "*) exit 0;;\n'
            f"*) {said};;\nesac\n",
        )
    house.machine.variables["PIP_NO_INDEX"] = "1"
    house.machine.variables["PIP_FIND_LINKS"] = "/nowhere"
    assert house.main() == 0, house.stream.getvalue()
    calls = (folder / "pip-calls").read_text().splitlines()
    installs = [call for call in calls if call.startswith("-m pip install --require-hashes --no-deps -r")]
    assert [call.rpartition("/")[2] for call in installs] == ["services.lock", "dialogue.lock"]
    assert house.main() == 0
    assert house.stream.getvalue() == ""


def test_a_broken_uv_on_the_path_is_not_used(house: House) -> None:
    pinned = (
        house.root / "var" / "uv" / environments._short_hash(house.root / "requirements" / "uv.lock") / "bin" / "uv"
    )
    pinned.parent.mkdir(parents=True)
    (house.machine.bin / "uv").rename(pinned)
    shim(house.machine.bin / "uv")
    assert house.main() == 0
    assert len(house.installs()) == 2


def test_the_scripts_name_no_host() -> None:
    import re

    texts = [(HOUSE / "deploy" / name).read_text() for name in ("environments.py", "interpreters.py")]
    assert re.findall(r"https?://|\bpypi\b|index-url|find-links", "".join(texts), re.IGNORECASE) == []


def _lock(root: Path) -> None:
    descriptor = os.open(root / "var" / "environments.lock", os.O_RDWR)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    finally:
        os.close(descriptor)


def _until(true) -> None:
    end = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)
