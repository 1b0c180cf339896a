"""Another city's pack as a whole program, with a model of its own: nothing about Riverbend is in code."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from harness.conversation import play
from harness.python import HOUSE
from harness.stack import Stack, running

HERE = Path(__file__).parent
PUERTO_CLARO = HOUSE / "tests" / "packs" / "puerto_claro"


@pytest.fixture(scope="module")
def puerto_claro(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("puerto_claro")
    command = ("-m", "harness.program", "--house", str(folder / "house"))
    with running(folder / "data", command=command, CITY=str(PUERTO_CLARO)) as stack:
        yield stack


@pytest.mark.stack
@pytest.mark.parametrize("path", sorted(HERE.glob("another_city/*.yml")), ids=lambda path: path.stem)
def test_conversation_in_another_city(path: Path, puerto_claro: Stack) -> None:
    play(path, puerto_claro)


@pytest.mark.stack
def test_the_page_and_the_desk_are_that_citys(puerto_claro: Stack) -> None:
    page = requests.get(f"{puerto_claro.portal}/", timeout=10).text
    assert "Puerto Claro" in page
    assert "112" in page
    assert "Riverbend" not in page
    assert '<html lang="es" dir="ltr"' in page
    assert "Soy el asistente automático" in page
    browser = requests.Session()
    assert '<html lang="en"' in browser.get(f"{puerto_claro.portal}/?lang=en", timeout=10).text
    assert '<html lang="en"' in browser.get(f"{puerto_claro.portal}/plain", timeout=10).text
    services = requests.get(f"{puerto_claro.portal}/open311/v2/services.json", timeout=10).json()
    assert [service["service_code"] for service in services] == ["boat_adrift", "pothole"]
