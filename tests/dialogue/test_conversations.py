"""Plays every conversation in the folders beside this file against the running stack."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness.conversation import play
from harness.stack import Stack

HERE = Path(__file__).parent
CONVERSATIONS = sorted(path for path in HERE.glob("*/*.yml") if path.parent.name != "another_city")


@pytest.mark.stack
@pytest.mark.parametrize("path", CONVERSATIONS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_conversation(path: Path, stack: Stack) -> None:
    play(path, stack)
