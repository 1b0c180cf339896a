"""What the trained components say about a message."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from nlu_model import Parse, parser, trained
from threadpoolctl import threadpool_info

from city311.dialogue.nlu.importer import CityDataImporter
from city311.language.encoder import Encoder

OWN = """version: "3.1"
nlu:
- intent: report/lamp
  examples: |
    - the lamp is dark
    - street lamp out on [Mill Lane](location)
    - no light from the lamp
    - lamp broken by [the church](location)
    - dark lamp post
- intent: report/hole
  examples: |
    - hole in the road
    - deep hole on [Mill Lane](location)
    - the road has a hole
    - potholes near [the school](location)
    - fix the hole in the street
- intent: greet
  examples: |
    - hello
    - hi there
    - good day
    - hey
    - good morning
"""
DANGER = """- intent: emergency
  examples: |
    - my house is on fire
    - help me now
"""


def entities(parsed: dict, kind: str) -> list[dict]:
    return [one for one in parsed["entities"] if one["entity"] == kind]


def test_a_report_carries_service_place_and_ranking(parse: Parse) -> None:
    parsed = parse("There is a huge pothole on Hampshire Street near Inman Square")
    assert parsed["intent"]["name"] == "report"
    assert entities(parsed, "service")[0]["value"] == "pothole"
    assert parsed["service_ranking"][0]["code"] == "pothole"
    assert "Hampshire Street" in entities(parsed, "location")[0]["value"]
    assert parsed["language"] == "en"


def test_the_ranking_is_a_distribution_over_services(parse: Parse) -> None:
    ranking = parse("the light keeps going on and off")["service_ranking"]
    confidences = [one["confidence"] for one in ranking]
    assert len(ranking) == 10
    assert confidences == sorted(confidences, reverse=True)
    assert 0 < sum(confidences) <= 1.0001


def test_a_ranking_is_there_whatever_the_intent(parse: Parse) -> None:
    parsed = parse("good morning")
    assert parsed["intent"]["name"] == "greet"
    assert parsed["service_ranking"]
    assert not entities(parsed, "service")


@pytest.mark.parametrize("text", ["", "   ", "\n\t"])
def test_nothing_is_not_understood(parse: Parse, text: str) -> None:
    parsed = parse(text)
    assert parsed["intent"]["name"] == "nlu_fallback"
    assert parsed["intent_ranking"] == parsed["service_ranking"] == []


@pytest.mark.parametrize("text", ["😀", "a" * 1000, "<b>hi</b>", "\u202eabc", "'; DROP TABLE x; --", "日本語"])
def test_odd_text_gets_some_answer(parse: Parse, text: str) -> None:
    parsed = parse(text)
    assert parsed["intent"]["name"]
    assert json.dumps(parsed)


@pytest.mark.parametrize("text", ["my kitchen is on fire!!", "I want to end my life"])
def test_danger_is_noticed(parse: Parse, text: str) -> None:
    assert parse(text)["intent"]["name"] in ("emergency", "self_harm")


def test_spelling_and_shouting_do_not_matter_much(parse: Parse) -> None:
    for text in ("HUGE POTHOLE FIX IT NOW", "theres a huuuge potholl in the rode"):
        assert parse(text)["service_ranking"][0]["code"] in ("pothole", "pothole_alley")


def test_small_data_of_another_city(tmp_path: Path) -> None:
    """Own services need own examples only; a service that is not offered is never chosen."""
    (tmp_path / "nlu.yml").write_text(OWN, encoding="utf-8")
    importer = CityDataImporter(training_data_paths=[str(tmp_path / "nlu.yml")])
    components = trained(tmp_path / "model", importer, {"offered": ["lamp"]})
    parsed = parser(components)("the lamp by the church is dark")
    assert [one["code"] for one in parsed["service_ranking"]] == ["lamp"]
    other = parser(components)("deep hole in the road")
    assert not entities(other, "service")
    assert [one["code"] for one in other["service_ranking"]] == ["lamp"]


def test_a_message_is_no_work_for_threads_and_its_sentences_are_read_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "nlu.yml").write_text(OWN + DANGER, encoding="utf-8")
    importer = CityDataImporter(training_data_paths=[str(tmp_path / "nlu.yml")])
    components = trained(tmp_path / "model", importer, {"offered": ["lamp", "hole"]})
    assert {one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"} == {1}
    read: list[list[str]] = []
    original = Encoder.encode_layers

    def encode_layers(self: Encoder, texts: list[str], look: object = None) -> object:
        read.append(texts)
        return original(self, texts, look)

    monkeypatch.setattr(Encoder, "encode_layers", encode_layers)
    parsed = parser(components)("hole in the road. fix the deep hole in the street")
    assert entities(parsed, "service")[0]["value"] == "hole"  # so that other problems were looked for
    assert [[text.strip() for text in texts] for texts in read] == [
        ["hole in the road. fix the deep hole in the street"],
        ["hole in the road", "fix the deep hole in the street"],
    ]


@pytest.mark.parametrize("text", ["…", "?!", "...", "  "])
def test_marks_alone_mean_nothing(parse: Parse, text: str) -> None:
    parsed = parse(text)
    assert parsed["intent"]["name"] == "nlu_fallback"
    assert parsed["intent_ranking"] == parsed["service_ranking"] == []


@pytest.mark.parametrize("text", ["asdf jkl", "??? hjkl", "fjdkls", "wqeoiu zmxn", "xcvb ghjk?", "jkjkjkjk", "hammer"])
def test_nonsense_is_not_understood(parse: Parse, text: str) -> None:
    """Not "that is nothing a city does": the resident is offered what comes nearest, and soon a person."""
    assert parse(text)["intent"]["name"] == "nlu_fallback"


@pytest.mark.parametrize("text", ["what's the capital of Peru", "write me a poem about the sea"])
def test_what_no_city_does_is_no_nonsense(parse: Parse, text: str) -> None:
    assert parse(text)["intent"]["name"] == "out_of_scope"


def test_the_ranking_says_what_the_clauses_decided(parse: Parse) -> None:
    parsed = parse("the streetlight at 88 Elm Street is out and there's a huge pothole there")
    chosen = next(one for one in parsed["entities"] if one["entity"] == "service")
    ranking = parsed["service_ranking"]
    assert (ranking[0]["code"], ranking[0]["confidence"]) == (chosen["value"], chosen["confidence_entity"])
    assert len({one["code"] for one in ranking}) == len(ranking)
    assert sum(one["confidence"] for one in ranking) <= 1 + 1e-6
