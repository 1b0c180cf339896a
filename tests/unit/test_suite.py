"""How the whole suite tells what passed only when it was run again."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import suite

TESTS = """
tried = []

def test_well():
    pass

def test_shaky():
    tried.append(1)
    assert len(tried) > 1

def test_broken():
    assert False
"""


@pytest.fixture
def report(tmp_path: Path) -> Path:
    shutil.copy(suite.HOUSE / "tests" / "conftest.py", tmp_path)
    (tmp_path / "test_some.py").write_text(TESTS)
    result = tmp_path / "result.xml"
    subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--reruns=1", f"--junitxml={result}", str(tmp_path)],
        cwd=tmp_path,
        check=False,
        stdout=subprocess.DEVNULL,
    )
    return result


def test_what_needed_a_second_try_is_named_and_what_fails_twice_fails(report: Path) -> None:
    came_out = suite.read(report)
    assert came_out.again == ("test_some::test_shaky",)
    assert {name: number for name, number in came_out.counts.items() if number} == {
        "passed": 2,
        "failed": 1,
        "rerun": 1,
    }
    assert "1 failed, 2 passed, 1 rerun in 3.00s" in suite.summary(came_out.counts, 3)


def test_only_parts_that_drive_real_processes_get_a_second_try() -> None:
    assert [part.name for part in suite.PARTS if part.tries > 1] == ["browser", "stack"]
