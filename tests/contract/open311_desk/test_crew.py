"""The crew's side: what `city311 requests`, `keys` and `db` do, and that residents then see it."""

import json

import pytest
from typer.testing import CliRunner

from city311 import cli
from city311.requests import desk

runner = CliRunner()


@pytest.fixture
def run(database_url, engine, monkeypatch, tmp_path):
    """Runs the command in an installation with this database; gives (exit code, stdout, stderr)."""
    monkeypatch.setenv("CITY311_DATABASE_URL", database_url)
    monkeypatch.setenv("CITY311_DATA", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")

    def run(*words):
        result = runner.invoke(cli.app, list(words))
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result.exit_code, result.stdout, result.stderr

    return run


@pytest.fixture
def number(client, pothole):
    contact = {"first_name": "Ana", "phone": "617-555-0177", "address_string": "Main St [bold red]"}
    return client.post("requests.json", data={**pothole, **contact}).json()[0]["service_request_id"]


def test_an_update_is_what_residents_see(run, client, number):
    code, out, _ = run("requests", "update", number, "--state", "in_progress", "--note", "Crew comes Tuesday")
    assert code == 0
    assert f"{number} is in_progress." in out
    (shown,) = client.get(f"requests/{number}.json?extensions=true").json()
    assert (shown["status"], shown["status_notes"]) == ("open", "Crew comes Tuesday")
    assert shown["extended_attributes"]["state"] == "in_progress"
    run("requests", "update", number.removeprefix("SR-"), "--state", "done")
    (shown,) = client.get(f"requests/{number}.json?extensions=true").json()
    assert (shown["status"], shown["status_notes"]) == ("closed", None)  # Tuesday was about the work, not the result
    assert [note["description"] for note in shown["notes"]] == [None, "Crew comes Tuesday", None]


@pytest.mark.parametrize("state", [state.value for state in desk.DESK_STATES if state.value != "received"])
def test_every_state(run, client, number, state):
    assert run("requests", "update", number, "--state", state)[0] == 0
    (shown,) = client.get(f"requests/{number}.json").json()
    assert shown["status"] == ("open" if state in ("accepted", "scheduled", "in_progress", "reopened") else "closed")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["SR-100014", "--state", "done"], "There is no request SR-100014"),
        (["SR-100015", "--state", "done"], "check digit"),
        (["pothole", "--state", "done"], "SR-100009"),
        (["NUMBER", "--state", "finished"], "received, accepted, scheduled"),
        (["NUMBER", "--state", "received"], "received already"),
        (["NUMBER"], "received already"),
        (["NUMBER", "--note", "x" * 4001], "4000"),
    ],
)
def test_updates_that_cannot_be(run, engine, number, words, says):
    code, out, err = run("requests", "update", *(number if word == "NUMBER" else word for word in words))
    assert code == 1
    assert says in err
    assert out == ""
    assert len(desk.show(engine, number).notes) == 1


def test_nothing_goes_back_to_received(run, number):
    run("requests", "update", number, "--state", "done")
    code, _, err = run("requests", "update", number, "--state", "received")
    assert (code, "reopen" in err) == (1, True)
    assert run("requests", "update", number, "--state", "reopened")[0] == 0


def test_what_shows_that_it_is_done(run, client, number):
    photo = "https://photos.example.org/after.jpg"
    code, out, _ = run("requests", "update", number, "--state", "done")
    assert (code, "nobody said what was done" in out) == (0, True)
    code, out, _ = run("requests", "update", number, "--evidence", photo)
    assert (code, "nobody said" in out) == (0, False)
    (shown,) = client.get(f"requests/{number}.json?extensions=true").json()
    assert shown["extended_attributes"]["evidence"] == photo
    run("requests", "update", number, "--state", "reopened")
    (shown,) = client.get(f"requests/{number}.json?extensions=true").json()
    assert shown["extended_attributes"]["evidence"] is None


def test_which_one_a_duplicate_repeats(run, client, pothole, number):
    (made,) = client.post("requests.json", data=pothole).json()
    other = made["service_request_id"]
    assert run("requests", "update", number, "--state", "duplicate", "--of", other)[0] == 0
    (shown,) = client.get(f"requests/{number}.json?extensions=true").json()
    assert shown["extended_attributes"]["duplicate_of"] == other
    assert other in run("requests", "show", number)[1]
    for words in (
        [other, "--state", "duplicate", "--of", number],  # in a circle
        [other, "--state", "duplicate", "--of", other],
        [other, "--state", "duplicate", "--of", "SR-100015"],
        [other, "--state", "done", "--of", number],
    ):
        assert run("requests", "update", *words)[0] == 1


@pytest.mark.parametrize(
    "words",
    [
        ["--state", "done", "--evidence", "javascript:alert(1)"],
        ["--state", "done", "--evidence", "see the photo"],
        ["--state", "in_progress", "--evidence", "https://photos.example.org/after.jpg"],
        ["--state", "passed_on"],
        ["--state", "done_unexplained"],
    ],
)
def test_what_shows_nothing_is_not_taken(run, engine, number, words):
    assert run("requests", "update", number, *words)[0] == 1
    assert desk.show(engine, number).state == "received"


def test_show(run, number):
    run("requests", "update", number, "--note", "On our list", "--by", "Pat")
    code, out, _ = run("requests", "show", number)
    assert code == 0
    for word in (
        number,
        "A hole",
        "Ana",
        "617-555-0177",
        "Main St [bold red]",
        "middle",
        "On our list",
        "Pat",
        "received",
    ):
        assert word in out
    full = json.loads(run("requests", "show", number, "--json")[1])
    assert full["phone"] == "617-555-0177"
    assert full["attributes"] == {"lane": "middle"}
    assert [note["by"] for note in full["notes"]] == ["An app", "Pat"]
    code, _, err = run("requests", "show", "SR-100015")
    assert (code, "check digit" in err) == (1, True)


def test_a_terminal_is_not_turned_round(run, client, pothole):
    (made,) = client.post("requests.json", data={**pothole, "description": "safe \u202eexe.tohp"}).json()
    _, out, _ = run("requests", "show", made["service_request_id"])
    assert "\u202e" not in out
    assert "\\u202eexe.tohp" in out


def test_list(run, client, pothole, number, key):
    (praise,) = client.post("requests.json", data={"api_key": key, "service_code": "praise"}).json()
    praise = praise["service_request_id"]
    run("requests", "update", praise, "--state", "not_ours")

    def listed(*words):
        return {row["number"] for row in json.loads(run("requests", "list", "--json", *words)[1])}

    assert listed() == {number, praise}
    assert listed("--state", "open") == {number}
    assert listed("--state", "closed") == {praise}
    assert listed("--state", "not_ours", "--state", "received") == {number, praise}
    assert listed("--service", "praise") == {praise}
    assert len(listed("--limit", "1")) == 1
    out = run("requests", "list")[1]
    assert number in out
    assert "617-555" not in out
    assert run("requests", "list", "--service", "nothing")[1] == "No requests match.\n"
    code, _, err = run("requests", "list", "--state", "finished")
    assert (code, "in_progress" in err) == (1, True)


def test_keys(run, client, pothole):
    code, out, err = run("keys", "create", "--label", "FixMyStreet")
    made = out.strip()
    assert (code, "Keep it now" in err) == (0, True)
    assert client.post("requests.json", data={**pothole, "api_key": made}).status_code == 200
    rows = json.loads(run("keys", "list", "--json")[1])
    assert [row["label"] for row in rows] == ["An app", "FixMyStreet"]
    assert made not in str(rows)
    assert "FixMyStreet" in run("keys", "list")[1]
    assert run("keys", "revoke", str(rows[1]["id"]))[0] == 0
    assert client.post("requests.json", data={**pothole, "api_key": made}).status_code == 403
    code, _, err = run("keys", "revoke", "999")
    assert (code, "no key 999" in err) == (1, True)


def test_a_new_database_asks_for_upgrade(run, monkeypatch, tmp_path):
    monkeypatch.setenv("CITY311_DATABASE_URL", f"sqlite:///{tmp_path / 'other.db'}")
    code, _, err = run("requests", "list")
    assert (code, "city311 db upgrade" in err) == (1, True)
    assert run("db", "upgrade")[0] == 0
    assert run("requests", "list")[1] == "No requests match.\n"


def test_a_database_out_of_reach(run, monkeypatch):
    monkeypatch.setenv("CITY311_DATABASE_URL", "postgresql://nobody:secret-word@127.0.0.1:1/none")
    for words in (("requests", "list"), ("db", "upgrade")):
        code, out, err = run(*words)
        assert (code, "CITY311_DATABASE_URL" in err) == (1, True)
        assert "secret-word" not in out + err
        assert "Traceback" not in out + err


@pytest.mark.parametrize("words", [[], ["requests"], ["keys"], ["db"], ["requests", "update"]])
def test_help(run, words):
    code, out, _ = run(*words, "--help")
    assert code == 0
    assert "Usage" in out
