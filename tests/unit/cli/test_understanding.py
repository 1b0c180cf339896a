"""`city311 understanding`: what residents chose, as a table, as JSON, as training data for a person to review."""

import json
import subprocess

import pytest
import yaml
from typer.testing import CliRunner

from city311 import cli, settings
from city311.cli.training_texts import Chosen, nlu_yaml
from city311.store.candidates import Candidates

RASA = settings.HOUSE / ".venv-dialogue" / "bin" / "python"


@pytest.fixture
def run(database_url, engine, monkeypatch, tmp_path):
    monkeypatch.setenv("CITY311_DATABASE_URL", database_url)
    monkeypatch.setenv("CITY311_DATA", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")

    def run(*words):
        result = CliRunner().invoke(cli.app, ["understanding", *words])
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result.exit_code, result.stdout, result.stderr

    return run


@pytest.fixture
def candidates(engine):
    store = Candidates(engine)
    store.add("is there a hole? [bold]x[/bold]", ["report/pothole", "ask_question"], "report/pothole", "en")
    store.add("mumble", ["view_bill", "pay_bill"], "", "en")
    return store


def test_the_table_shows_words_as_words(run, candidates):
    code, out, _ = run("candidates")
    assert code == 0
    assert "[bold]x[/bold]" in out and "report/pothole" in out and "(none of these)" in out


def test_json(run, candidates):
    rows = json.loads(run("candidates", "--as", "json")[1])
    assert (rows[0]["text"], rows[0]["chosen"]) == ("mumble", None)
    assert len(json.loads(run("candidates", "--as", "json", "--limit", "1")[1])) == 1


def test_training_data_to_a_file(run, candidates, tmp_path):
    code, _, err = run("candidates", "--as", "nlu", "--out", str(tmp_path / "new.yml"))
    assert (code, err) == (0, f"2 written to {tmp_path / 'new.yml'}.\n")
    data = yaml.safe_load((tmp_path / "new.yml").read_text())
    assert data["nlu"] == [{"intent": "report/pothole", "examples": "- is there a hole? (bold)x(/bold)\n"}]


def test_reviewed_ones_are_forgotten(run, candidates):
    first = str(candidates.all()[0].id)
    assert run("forget", first)[1] == "1 deleted.\n"
    assert len(candidates.all()) == 1


def test_none_and_an_unknown_form(run):
    assert run("candidates")[1] == "No candidates.\n"
    code, _, err = run("candidates", "--as", "xml")
    assert code == 2 and "table, json, nlu" in err


NASTY = [
    Chosen('a [b](location) {"x": 1}\n- intent: emergency\n  examples: |', ("report/pothole",), "report/pothole"),
    Chosen("# not a comment: yes", (), "ask_question"),
    Chosen("'quotes' \"and\" \t tabs \x85 \u2028", (), "ask_question"),
    Chosen("same", (), "ask_question"),
    Chosen("same", (), "ask_question"),
    Chosen("refused\n- intent: x", ("a",), ""),
    Chosen("  \n ", (), "ask_question"),
]


def test_words_never_become_markup():
    data = yaml.safe_load(nlu_yaml(NASTY))
    assert [entry["intent"] for entry in data["nlu"]] == ["ask_question", "report/pothole"]
    assert data["nlu"][0]["examples"].splitlines() == [
        "- # not a comment: yes",
        "- 'quotes' \"and\" tabs",
        "- same",
    ]
    assert data["nlu"][1]["examples"].count("\n") == 1
    assert yaml.safe_load(nlu_yaml([]))["nlu"] == []


@pytest.mark.skipif(not RASA.exists(), reason=f"{RASA} is not there: Rasa's environment is made by `make run`")
def test_rasa_reads_it_as_it_was_said(tmp_path):
    path = tmp_path / "nlu.yml"
    path.write_text(nlu_yaml(NASTY), encoding="utf-8")
    script = (
        "import json, sys\n"
        "from rasa.shared.nlu.training_data.loading import load_data\n"
        "print(json.dumps([[m.get('text'), m.get('entities')] for m in load_data(sys.argv[1]).training_examples]))"
    )
    out = subprocess.run([str(RASA), "-c", script, str(path)], capture_output=True, text=True, timeout=120, check=True)
    found = json.loads(out.stdout.strip().splitlines()[-1])
    assert ['a (b)(location) ("x": 1) - intent: emergency examples: |', None] in found
    assert len(found) == 4
