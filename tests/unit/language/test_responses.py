from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from city311.city import load_pack
from city311.language.catalogues import spoken_language
from city311.language.responses import DomainError, Responses, city_responses, responses
from city311.settings import HOUSE


def domain(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "domain.yml"
    path.write_text(text, encoding="utf-8")
    return path


def test_values_are_filled_once_and_never_read_again(tmp_path: Path) -> None:
    path = domain(tmp_path, "responses:\n  utter_a:\n  - text: Call {city_name} at {city_phone}, {other} {{x}}.\n")
    responses = Responses(path, {"city_name": "{city_phone}", "city_phone": "555", "x": "y"})
    assert responses.say("utter_a") == "Call {city_phone} at 555, {other} {y}."


def test_a_text_for_the_channel_comes_first(tmp_path: Path) -> None:
    path = domain(
        tmp_path,
        "responses:\n  utter_a:\n  - text: for sms\n    channel: sms\n  - text: for all\n  - text: another for all\n",
    )
    responses = Responses(path, {})
    assert responses.say("utter_a", channel="sms") == "for sms"
    assert responses.say("utter_a", channel="web") == "for all"
    assert responses.say("utter_a") == "for all"


def test_a_folder_of_domain_files_is_read_too(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "b.yml").write_text("responses:\n  utter_b:\n  - text: b\n")
    (tmp_path / "a.yaml").write_text("intents: [x]\n")
    assert Responses(tmp_path, {}, needed=["utter_b"]).say("utter_b") == "b"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("responses: {}\n", "utter_a"),
        ("intents: []\n", "utter_a"),
        ("responses: [1]\n", "must map"),
        ("responses:\n  utter_a: hello\n", "utter_a"),
        ("responses: {a: [\n", "not valid YAML"),
    ],
)
def test_what_is_wrong_with_a_domain_is_said(tmp_path: Path, text: str, named: str) -> None:
    path = domain(tmp_path, text)
    with pytest.raises(DomainError, match=named) as caught:
        Responses(path, {}, needed=["utter_a"])
    assert str(path) in str(caught.value)


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(DomainError, match="cannot be read"):
        Responses(tmp_path / "none.yml", {})


@pytest.mark.parametrize(
    ("citys", "asked", "spoken"),
    [
        (("en", "es"), "", "en"),
        (("en", "es"), "es", "es"),
        (("es", "en"), "", "es"),
        (("es", "en"), "en", "en"),
        (("es",), "en", "es"),
        (("fr", "es"), "fr", "es"),  # there is no catalogue of French
        (("fr",), "fr", "en"),
    ],
)
def test_one_conversation_has_one_language(citys: tuple[str, ...], asked: str, spoken: str) -> None:
    pack = load_pack(HOUSE / "tests" / "packs" / "puerto_claro")
    assert spoken_language(replace(pack, city=replace(pack.city, languages=citys)), asked) == spoken


def test_sentences_in_the_languages_of_a_city(tmp_path: Path) -> None:
    pack = load_pack(HOUSE / "tests" / "packs" / "puerto_claro")
    path = domain(
        tmp_path,
        "responses:\n"
        "  utter_skip: [{text: Skip}]\n"
        "  utter_hours: [{text: '{city_hours}'}]\n"
        "  utter_only: [{text: 'Only in English, {city_name}.'}]\n"
        "  utter_languages: [{text: '{languages}'}]\n"
        "  utter_empty: [{text: ''}]\n",
    )
    spanish = city_responses(pack, path)
    assert spanish.say("utter_skip") == "Omitir"
    assert spanish.say("utter_hours").startswith("La oficina del puerto")
    assert spanish.say("utter_only") == "Only in English, Puerto Claro."
    assert spanish.say("utter_languages") == "Español, English"
    assert spanish.say("utter_empty") == ""
    english = spanish.in_language("en")
    assert (english.say("utter_skip"), english.in_language("es").say("utter_skip")) == ("Skip", "Omitir")
    assert spanish.in_language("fr").say("utter_skip") == "Omitir"
    assert responses(pack, "es").say("utter_button_skip") == "Omitir"
    assert responses(pack, "en").say("utter_button_skip") == "Skip"
