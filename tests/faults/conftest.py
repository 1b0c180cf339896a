from __future__ import annotations

from collections.abc import Iterator

import pytest
from harness.stack import Stack, running


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The whole program, whose supervisor neither pauses before a restart nor gives up after many."""
    with running(tmp_path_factory.mktemp("faults"), command=("-m", "harness.program", "--restart-at-once")) as one:
        yield one
