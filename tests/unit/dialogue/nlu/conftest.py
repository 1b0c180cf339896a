"""The model of the house's own data, as the whole suite uses it: trained only if something has changed."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path

import pytest
from nlu_model import HOUSE, Parse

from bench.eval import Model


@pytest.fixture(scope="session")
def parse() -> Parse:
    """What the house's own model says, through Rasa's graph: text → parse. Several tests ask the same sentences."""
    command = [str(HOUSE / ".venv" / "bin" / "python"), "-m", "city311", "train"]
    trained = subprocess.run(command, cwd=HOUSE, check=True, capture_output=True, text=True).stdout
    return cache(Model(Path(trained.strip().splitlines()[-1])).parse)
