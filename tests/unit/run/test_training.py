"""Training: when it happens, and that nothing half-done is ever left."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from pathlib import Path

import pytest
from programs import CITY, RASA, SERVICES, is_alive, python, until
from rich.console import Console

from city311.city.load import load_pack
from city311.run import training
from city311.run.training import TrainingFailed, train
from city311.settings import Settings, load


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A house with the files that a model depends on, and a city."""
    house = tmp_path / "house"
    for name, text in {
        "config.yml": "language: en\n",
        "domain.yml": "intents: []\n",
        "data/nlu/en/intents.yml": "nlu: []\n",
        "city311/dialogue/nlu/classifier.py": "X = 1\n",
        "city311/language/words.py": "X = 1\n",
        "city311/portal/app.py": "X = 1\n",
        "requirements/dialogue.lock": "rasa==3.6.21\n",
        "city/city.yml": CITY,
        "city/departments.yml": "works: {name: Public works}\n",
        "city/calendar.yml": 'country: ""\n',
        "city/services.yml": SERVICES,
        "city/nlu/en/own.yml": "nlu: []\n",
    }.items():
        path = house / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return house


@pytest.fixture
def rasa(house: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    program = tmp_path / "rasa.py"
    program.write_text(RASA)
    monkeypatch.setenv("RASA_TEST_CALLS", str(tmp_path / "calls"))
    return [sys.executable, str(program)]


@pytest.fixture
def settings(house: Path, tmp_path: Path) -> Settings:
    return load({"CITY": str(house / "city"), "CITY311_DATA": str(tmp_path / "var")})


@pytest.fixture
def console() -> Console:
    return Console(file=open(os.devnull, "w"))  # noqa: PTH123


def calls(house: Path) -> list[str]:
    path = house.parent / "calls"
    return path.read_text().splitlines() if path.is_file() else []


def test_a_model_is_trained_once(settings: Settings, house: Path, rasa: list[str], console: Console) -> None:
    first = train(settings, console=console, house=house, rasa=rasa)
    second = train(settings, console=console, house=house, rasa=rasa)
    assert first == second == training.model_path(load_pack(settings.city), house)
    assert first.read_bytes() == b"whole"
    assert first.name.startswith("tinytown-")
    assert len(calls(house)) == 1
    assert f"--data data {house / 'city' / 'nlu'} --domain" in calls(house)[0]
    assert "--force --skip-validation" in calls(house)[0]
    train(settings, force=True, console=console, house=house, rasa=rasa)
    assert len(calls(house)) == 2


def test_a_pack_without_own_examples_trains_with_the_common_ones(
    settings: Settings, house: Path, rasa: list[str], console: Console
) -> None:
    shutil.rmtree(house / "city" / "nlu")
    train(settings, console=console, house=house, rasa=rasa)
    assert "--data data --domain" in calls(house)[0]


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("config.yml", True),
        ("domain.yml", True),
        ("data/nlu/en/intents.yml", True),
        ("data/stories/new.yml", True),
        ("city/nlu/en/own.yml", True),
        ("city311/dialogue/nlu/classifier.py", True),
        ("city311/language/words.py", True),
        ("requirements/dialogue.lock", True),
        ("city311/portal/app.py", False),
        ("city/calendar.yml", False),
    ],
)
def test_the_fingerprint_changes_with_what_a_model_depends_on(
    settings: Settings, house: Path, name: str, counts: bool
) -> None:
    before = training.fingerprint(load_pack(settings.city), house)
    path = house / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text((path.read_text() if path.exists() else "") + "# more\n")
    assert (training.fingerprint(load_pack(settings.city), house) != before) is counts


def test_the_fingerprint_looks_at_the_codes_of_the_services_only(settings: Settings, house: Path) -> None:
    path = house / "city" / "services.yml"
    before = training.fingerprint(load_pack(settings.city), house)
    path.write_text(SERVICES.replace("A crew looks.", "A crew comes."))
    assert training.fingerprint(load_pack(settings.city), house) == before
    path.write_text(SERVICES.replace("pothole:", "sinkhole:"))
    assert training.fingerprint(load_pack(settings.city), house) != before


def test_moving_text_from_one_file_to_the_next_changes_the_fingerprint(settings: Settings, house: Path) -> None:
    def parts(first: str, second: str) -> str:
        (house / "data/a.yml").write_text(first)
        (house / "data/b.yml").write_text(second)
        return training.fingerprint(load_pack(settings.city), house)

    assert parts("one\n", "two\n") != parts("one\ntwo\n", "")


def test_a_failure_tells_the_last_lines_and_leaves_no_model(
    settings: Settings, house: Path, rasa: list[str], console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RASA_TEST_MODE", "fails")
    with pytest.raises(TrainingFailed, match=r"exit status 1(.|\n)*Epochs: 1\nthe story needs a moon phase"):
        train(settings, console=console, house=house, rasa=rasa)
    assert [path.name for path in (house / "models").iterdir()] == [".lock"]


def test_a_failure_names_the_first_cause_however_far_above(tmp_path: Path) -> None:
    log = tmp_path / "train.log"
    frames = "  File x\n" * 40
    log.write_text(
        f"Traceback:\n{frames}ValueError: no moon\n\nTraceback:\n{frames}rasa.engine.GraphException: node x.\n"
    )
    causes = training._causes(log).splitlines()
    assert causes[1:] == ["ValueError: no moon", "rasa.engine.GraphException: node x."]
    assert training._causes(tmp_path / "none.log") == ""


def test_success_without_a_model_is_a_failure(
    settings: Settings, house: Path, rasa: list[str], console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RASA_TEST_MODE", "makes nothing")
    with pytest.raises(TrainingFailed):
        train(settings, console=console, house=house, rasa=rasa)


def test_rasa_is_not_there(settings: Settings, house: Path, console: Console) -> None:
    with pytest.raises(TrainingFailed, match="/does/not/exist cannot be started"):
        train(settings, console=console, house=house, rasa=["/does/not/exist"])


TRAIN = """
import pathlib, sys
from city311.run.training import TrainingFailed, train
from city311.settings import load
house = pathlib.Path(sys.argv[1])
try:
    print("TRAINED", train(load(), house=house, rasa=[sys.executable, sys.argv[2]]).name)
except TrainingFailed as error:
    sys.exit(str(error))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_training_leaves_nothing_half_done(
    settings: Settings, house: Path, rasa: list[str], tmp_path: Path, console: Console, number: signal.Signals
) -> None:
    environment = {
        "CITY": str(settings.city),
        "CITY311_DATA": str(settings.data),
        "RASA_TEST_MODE": "hangs",
        "RASA_TEST_CALLS": str(tmp_path / "calls"),
    }
    with python(["-c", TRAIN, str(house), rasa[1]], tmp_path, environment) as run:
        until(lambda: any((house / "models").glob(".training-*/model.tar.gz")), "the half-made model")
        trainer = [
            int(path.parent.name) for path in Path("/proc").glob("[0-9]*/cmdline") if rasa[1] in _arguments(path)
        ]
        run.popen.send_signal(number)
        assert run.ended() != 0
        until(lambda: not any(is_alive(p) for p in trainer), "Rasa ends")
    assert list((house / "models").glob("*.tar.gz")) == []
    model = train(settings, console=console, house=house, rasa=rasa)
    assert model.read_bytes() == b"whole"
    assert list((house / "models").glob(".training-*")) == []


def _arguments(path: Path) -> list[str]:
    try:
        return path.read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return []


def test_older_models_of_this_city_go_and_those_of_others_stay(
    settings: Settings, house: Path, rasa: list[str], console: Console
) -> None:
    models = house / "models"
    models.mkdir()
    others = ["tinytown_east-0123456789abcdef.tar.gz", "tinytown-mine.tar.gz", "riverbend-0123456789abcdef.tar.gz"]
    for age, name in enumerate(["tinytown-0123456789abcdef.tar.gz", "tinytown-1123456789abcdef.tar.gz", *others]):
        (models / name).write_text("")
        os.utime(models / name, (1_000_000_000 - age, 1_000_000_000 - age))
    new = train(settings, console=console, house=house, rasa=rasa)
    assert {path.name for path in models.glob("*.tar.gz")} == {new.name, "tinytown-0123456789abcdef.tar.gz", *others}
    assert training.newest_model(load_pack(settings.city), house) == new


def test_two_trainings_at_once_train_once(settings: Settings, house: Path, rasa: list[str], tmp_path: Path) -> None:
    environment = {
        "CITY": str(settings.city),
        "CITY311_DATA": str(settings.data),
        "RASA_TEST_CALLS": str(tmp_path / "calls"),
    }
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    arguments = ["-c", TRAIN, str(house), rasa[1]]
    with (
        python(arguments, tmp_path / "one", environment) as one,
        python(arguments, tmp_path / "two", environment) as two,
    ):
        assert (one.ended(), two.ended()) == (0, 0)
        assert "TRAINED tinytown-" in one.said
        assert "TRAINED tinytown-" in two.said
    assert len(calls(house)) == 1


def test_training_sees_no_secret(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    from city311.run.processes import training_environment

    seen = training_environment(settings, {"PATH": "/bin", "CITY311_RELAY_SECRET": "x", "AWS_ACCESS_KEY_ID": "y"})
    assert not {"CITY311_RELAY_SECRET", "AWS_ACCESS_KEY_ID"} & set(seen)
    assert seen["RASA_TELEMETRY_ENABLED"] == "false"


def test_what_rasa_is_doing_is_told_without_its_warnings(tmp_path: Path) -> None:
    log = tmp_path / "train.log"
    log.write_text(
        "2026-01-01 00:00:00 \x1b[1;30mINFO    \x1b[0m \x1b[34mrasa.hooks\x1b[0m  - Starting to train 'A'.\n"
        "2026-01-01 00:00:01 INFO     rasa.hooks  - Finished training 'A'.\n"
        "/lib/io.py:100: UserWarning: mind the gap\n"
    )
    assert training._doing(log) == "Finished training 'A'."
    assert training._doing(tmp_path / "none.log") == ""
