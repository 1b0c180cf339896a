"""Training data as they reach the components."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from nlu_model import HOUSE

from city311.dialogue.nlu.importer import CityDataImporter, _plain_blocks

FILE = """version: "3.1"
nlu:
- intent: report/{code}
  examples: |
    - {text} on [Mill Lane](location)
"""


def write(path: Path, code: str, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(FILE.format(code=code, text=text), encoding="utf-8")
    return path


def test_rasa_sees_the_intent_and_no_retrieval_intent(tmp_path: Path) -> None:
    data = CityDataImporter(training_data_paths=[str(write(tmp_path / "a.yml", "pothole", "a hole"))]).get_nlu_data()
    message = next(one for one in data.training_examples if one.get("text") == "a hole on Mill Lane")
    assert (message.get("intent"), message.get("fine_label")) == ("report", "report/pothole")
    assert message.get("entities")[0]["entity"] == "location"
    assert not data.retrieval_intents


def test_files_are_read_once_for_the_domain_and_for_training(tmp_path: Path) -> None:
    path = write(tmp_path / "a.yml", "pothole", "a hole")
    importer = CityDataImporter(training_data_paths=[str(path)])
    first = importer.get_nlu_data("en")
    path.unlink()
    assert importer.get_nlu_data("en") is first


def test_services_bring_their_own_words() -> None:
    data = CityDataImporter(training_data_paths=[]).get_nlu_data()
    assert ("hole in the road", "report/pothole") in [
        (one.get("text"), one.get("fine_label")) for one in data.training_examples
    ]


def test_other_languages_wait_for_their_own_model(tmp_path: Path) -> None:
    files = [
        str(write(tmp_path / "nlu" / language / "a.yml", "pothole", text))
        for language, text in (("en", "hole"), ("es", "hoyo"))
    ]
    texts = [
        one.get("text") for one in CityDataImporter(training_data_paths=files).get_nlu_data("en").training_examples
    ]
    assert "hole on Mill Lane" in texts
    assert "hoyo on Mill Lane" not in texts


def test_a_pack_adds_examples_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pack = tmp_path / "town"
    shutil.copytree(HOUSE / "cities" / "riverbend", pack)
    own = write(pack / "nlu" / "en" / "own.yml", "pothole", "chuckhole")
    monkeypatch.setenv("CITY", str(pack))
    data = CityDataImporter(training_data_paths=[str(own)]).get_nlu_data()
    assert [one.get("text") for one in data.training_examples].count("chuckhole on Mill Lane") == 1


PLAIN = """version: "3.1"
nlu:
- intent: report/pothole
  examples: |
    - a hole on [Mill Lane](location) [last week](date)
    - [Elm St]{"entity": "location", "value": "Elm Street"} is broken
- intent: greet
  examples: |
    - hello
"""
OTHER = """- synonym: t-stop
  examples: |
    - tram stop
"""


def examples_of(path: Path) -> list[dict[str, object]]:
    data = CityDataImporter(training_data_paths=[str(path)]).get_nlu_data()
    return [one.as_dict() for one in data.training_examples if one.get("entities") or one.get("text") == "hello"]


def test_a_file_of_examples_is_read_as_rasa_reads_it(tmp_path: Path) -> None:
    plain, mixed = tmp_path / "plain.yml", tmp_path / "mixed.yml"
    plain.write_text(PLAIN, encoding="utf-8")
    mixed.write_text(PLAIN + OTHER, encoding="utf-8")  # with a synonym it goes Rasa's own way
    assert _plain_blocks(plain) and _plain_blocks(mixed) is None
    assert len(examples_of(plain)) == 3
    assert examples_of(plain) == examples_of(mixed)
    synonyms = [CityDataImporter(training_data_paths=[str(p)]).get_nlu_data().entity_synonyms for p in (plain, mixed)]
    assert synonyms == [{"Elm St": "Elm Street"}, {"Elm St": "Elm Street", "tram stop": "t-stop"}]


@pytest.mark.parametrize(
    "content",
    [
        "nlu:\n- intent: greet\n  examples: |\n    - hello\n",
        'version: "2.0"\nnlu:\n- intent: greet\n  examples: |\n    - hello\n',
        'version: "3.1"\nnlu:\n- intent: greet\n',
        'version: "3.1"\nnlu:\n- intent: 5\n  examples: |\n    - hello\n',
        'version: "3.1"\nnlu: {intent: greet}\n',
        "just words",
        "a: [",
    ],
)
def test_a_file_that_is_not_as_it_should_be_goes_rasas_way(tmp_path: Path, content: str) -> None:
    (tmp_path / "a.yml").write_text(content, encoding="utf-8")
    assert _plain_blocks(tmp_path / "a.yml") is None
