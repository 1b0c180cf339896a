"""Python processes of tests that need the modules of tests, too."""

from __future__ import annotations

import os
from pathlib import Path

HOUSE = Path(__file__).resolve().parents[2]


def environment(*folders: Path) -> dict[str, str]:
    """This process's environment, with house, tests and ``folders`` on Python's path."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(str(folder) for folder in (HOUSE, HOUSE / "tests", *folders))}
