"""Catalogues: which text comes from where, and what is said about one that cannot be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from city311.language.catalogues import CatalogueError, name_in, own_name, read_catalogue

HEAD = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\n'


def catalogue(folder: Path, text: str, language: str = "pt_BR") -> Path:
    path = folder / language / "LC_MESSAGES" / "city311.po"
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")
    return folder


def test_the_citys_own_words_come_before_the_houses(tmp_path: Path) -> None:
    city = catalogue(tmp_path / "city", HEAD + 'msgid "Send"\nmsgstr "Mandar"\n')
    house = catalogue(
        tmp_path / "house",
        HEAD + 'msgid "Send"\nmsgstr "Enviar"\n\nmsgid "Skip"\nmsgstr "Pular"\n\n'
        '#, fuzzy\nmsgid "Stop"\nmsgstr "Parada"\n\nmsgid "Yes"\nmsgstr ""\n',
    )
    texts = read_catalogue("pt-BR", (city, house))
    assert texts is not None
    assert [texts.gettext(word) for word in ("Send", "Skip", "Stop", "Yes", "No")] == [
        "Mandar", "Pular", "Stop", "Yes", "No",
    ]  # fmt: skip
    assert read_catalogue("pt-BR", (tmp_path / "nowhere",)) is None


@pytest.mark.parametrize("text", ["msgid unquoted\n", "\x00"])
def test_what_cannot_be_read_is_named(tmp_path: Path, text: str) -> None:
    catalogue(tmp_path, text)
    with pytest.raises(CatalogueError, match=r"city311\.po"):
        read_catalogue("pt-BR", (tmp_path,))


def test_names_of_languages() -> None:
    assert own_name("es") == "Español"
    assert name_in("es", "en") == "Spanish"
    assert own_name("zh-Hant").startswith("中文")
    assert own_name("nonsense-code") == "nonsense-code"
