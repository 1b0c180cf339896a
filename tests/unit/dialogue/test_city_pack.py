"""The pack of the dialogue process is read once for each folder that is named."""

from __future__ import annotations

import shutil

from small_bot import HOUSE

from city311.dialogue.city_pack import city_pack


def test_it_is_read_once():
    assert city_pack() is city_pack()


def test_another_city_is_another_pack(monkeypatch, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(HOUSE / "cities" / "riverbend", other)
    city = other / "city.yml"
    text = city.read_text(encoding="utf-8")
    city.write_text(text.replace("code: riverbend", "code: otherbend"), encoding="utf-8")
    assert text != city.read_text(encoding="utf-8")
    before = city_pack()
    monkeypatch.setenv("CITY", str(other))
    assert city_pack().city.code == "otherbend"
    monkeypatch.undo()
    assert city_pack() is before
