"""The places of Riverbend, and of a small invented town."""

from __future__ import annotations

from pathlib import Path

import pytest
import small_town

from city311.city import load_pack
from city311.places import Places, open_places

HOUSE = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="session")
def riverbend(tmp_path_factory: pytest.TempPathFactory) -> Places:
    opened = open_places(load_pack(HOUSE / "cities" / "riverbend"), tmp_path_factory.mktemp("riverbend"))
    assert opened is not None
    return opened


@pytest.fixture
def town(tmp_path: Path) -> Path:
    """The folder of the small town's pack."""
    return small_town.write(tmp_path / "town")


@pytest.fixture
def places(town: Path, tmp_path: Path) -> Places:
    opened = open_places(load_pack(town), tmp_path / "var")
    assert opened is not None
    return opened
