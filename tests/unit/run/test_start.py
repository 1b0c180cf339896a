"""`city311 run` as a whole, with small programs in place of Rasa, actions and portal."""

from __future__ import annotations

import json
import signal
import socket
import sqlite3
import urllib.request
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from harness.http import Handler, Server
from harness.ports import free_port
from programs import CITY, RASA, SERVER, SERVICES, Supervised, is_alive, python, until

from city311.run import development_secrets, ports, processes
from city311.run.start import address_of, ask_health
from city311.settings import SECRETS, MissingSetting, Settings, load

RUN = """
import pathlib, sys
from city311.run.processes import Process, dialogue_environment, services_environment
from city311.run.start import run
from city311.run.supervisor import Patience
from city311.settings import load
folder = pathlib.Path(sys.argv[1])
def build(settings, model):
    portal = (sys.executable, str(folder / "portal.py"), str(settings.portal_port), str(model))
    actions = (sys.executable, str(folder / "server.py"), str(folder), "actions")
    return [
        Process("actions", actions, dialogue_environment(settings), folder),
        Process("portal", portal, services_environment(settings), folder),
    ]
sys.exit(run(
    load(), build=build, house=folder / "house", rasa=[sys.executable, str(folder / "rasa.py")],
    train="no-train" not in sys.argv, patience=Patience(first_pause_s=0.05, stop_s=20),
))
"""

PORTAL = """
import http.server, json, os, pathlib, sys
folder = pathlib.Path(__file__).parent
with (folder / "started").open("a") as file:
    file.write(f"portal {os.getpid()}\\n")
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        ready = (folder / "actions.ready").exists()
        states = {"portal": "ok", "actions": "ok" if ready else "unavailable"}
        self.send_response(200 if ready else 503)
        self.end_headers()
        self.wfile.write(json.dumps({"status": "ok" if ready else "degraded", "components": states}).encode())
    def log_message(self, *_):
        pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


@contextmanager
def listening(port: int = 0) -> Iterator[int]:
    """A port that another program listens on."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen(1)
        yield other.getsockname()[1]


def free_ports() -> dict[str, str]:
    return {f"CITY311_{name}_PORT": str(free_port()) for name in ("PORTAL", "DIALOGUE", "ACTIONS")}


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A city, a house and free ports, as the environment of ``city311 run``."""
    for name, text in {
        "house/config.yml": "language: en\n",
        "house/domain.yml": "intents: []\n",
        "city/city.yml": CITY,
        "city/departments.yml": "works: {name: Public works}\n",
        "city/calendar.yml": 'country: ""\n',
        "city/services.yml": SERVICES,
        "rasa.py": RASA,
        "portal.py": PORTAL,
        "server.py": SERVER,
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return {
        "CITY": str(tmp_path / "city"),
        "CITY311_DATA": str(tmp_path / "var"),
        "RASA_TEST_CALLS": str(tmp_path / "calls"),
        "COLUMNS": "200",
        **free_ports(),
    }


def running(environment: dict[str, str], *options: str) -> AbstractContextManager[Supervised]:
    folder = Path(environment["CITY311_DATA"]).parent
    return python(["-c", RUN, str(folder), *options], folder, environment)


def address(environment: dict[str, str]) -> str:
    return f"http://127.0.0.1:{environment['CITY311_PORTAL_PORT']}"


def test_from_nothing_to_running_and_back(environment: dict[str, str], tmp_path: Path) -> None:
    with running(environment) as run:
        run.until_said("Ctrl-C")
        assert f"{address(environment)}/" in run.said
        with urllib.request.urlopen(f"{address(environment)}/healthz") as response:
            assert json.load(response)["status"] == "ok"
        ids = json.loads((tmp_path / "var" / "processes.json").read_text())
        assert set(ids) == {"actions", "portal"}
        run.popen.send_signal(signal.SIGINT)
        assert run.ended() == 0
        assert not any(is_alive(process) for process in ids.values())
        first = (tmp_path / "var" / "development.env").read_text()
    assert [line.partition("=")[0] for line in first.splitlines()] == list(SECRETS)
    assert (tmp_path / "var" / "development.env").stat().st_mode & 0o777 == 0o600
    with sqlite3.connect(tmp_path / "var" / "city311.db") as database:
        assert database.execute("SELECT count(*), sum(own_numbers) FROM api_keys").fetchone() == (1, 1)

    with running(environment) as run:  # again: nothing is made a second time
        run.until_said("Ctrl-C")
        run.popen.send_signal(signal.SIGTERM)
        assert run.ended() == 0
    assert len((tmp_path / "calls").read_text().splitlines()) == 1
    assert (tmp_path / "var" / "development.env").read_text() == first
    with sqlite3.connect(tmp_path / "var" / "city311.db") as database:
        assert database.execute("SELECT count(*) FROM api_keys").fetchone() == (1,)


def test_secrets_stand_on_no_terminal_and_in_no_log(environment: dict[str, str], tmp_path: Path) -> None:
    with running(environment) as run:
        run.until_said("Ctrl-C")
        run.popen.send_signal(signal.SIGINT)
        run.ended()
        secrets = [line.partition("=")[2] for line in (tmp_path / "var" / "development.env").read_text().splitlines()]
        said = run.said + "".join(path.read_text() for path in (tmp_path / "var" / "log").iterdir())
        assert not [secret for secret in secrets if secret in said]


def test_a_taken_port_is_named_with_the_variable_that_changes_it(environment: dict[str, str]) -> None:
    with listening() as port, running({**environment, "CITY311_DIALOGUE_PORT": str(port)}) as run:
        assert run.ended() == 1
        assert f"Port {port} on 127.0.0.1, for dialogue, is taken" in run.said
        assert "CITY311_DIALOGUE_PORT=" in run.said
        assert run.started == []


def test_a_wrong_city_pack_is_explained(environment: dict[str, str], tmp_path: Path) -> None:
    services = tmp_path / "city" / "services.yml"
    services.write_text(SERVICES.replace("department: works", "department: work"))
    with running(environment) as run:
        assert run.ended() == 2
        assert f"{services}:7: services.pothole.department" in run.said
        assert "Did you mean 'works'?" in run.said


def test_no_pack_at_all(environment: dict[str, str]) -> None:
    with running({**environment, "CITY": "/does/not/exist"}) as run:
        assert run.ended() == 2
        assert "Set CITY to the folder of a city pack" in run.said


def test_production_makes_no_secret_up(environment: dict[str, str], tmp_path: Path) -> None:
    given = {"CITY311_PROFILE": "production", "CITY311_RELAY_SECRET": "r" * 30}
    with running({**environment, **given}) as run:
        assert run.ended() == 2
        for name in SECRETS:
            assert (name in run.said) is (name not in given)
    assert not (tmp_path / "var" / "development.env").exists()


def test_a_failing_training_ends_it(environment: dict[str, str]) -> None:
    with running({**environment, "RASA_TEST_MODE": "fails"}) as run:
        assert run.ended() == 1
        assert "the story needs a moon phase" in run.said
        assert run.started == []


def test_ctrl_c_while_training(environment: dict[str, str], tmp_path: Path) -> None:
    with running({**environment, "RASA_TEST_MODE": "hangs"}) as run:
        until(lambda: any((tmp_path / "house" / "models").glob(".training-*/model.tar.gz")), "training")
        run.popen.send_signal(signal.SIGINT)
        assert run.ended() == 130
    assert list((tmp_path / "house" / "models").glob("*training*")) == []


def test_without_training_there_must_be_a_model(environment: dict[str, str], tmp_path: Path) -> None:
    with running(environment, "no-train") as run:
        assert run.ended() == 1
        assert "make train" in run.said
    model = tmp_path / "house" / "models" / "tinytown-0123456789abcdef.tar.gz"
    model.parent.mkdir(exist_ok=True)
    model.write_text("")
    with running(environment, "no-train") as run:
        run.until_said("Ctrl-C")
        assert model.name in run.said
    assert not (tmp_path / "calls").exists()


def test_a_database_that_does_not_answer_is_explained(environment: dict[str, str]) -> None:
    with listening() as port:
        pass
    with running({**environment, "CITY311_DATABASE_URL": f"postgresql://me:hidden@127.0.0.1:{port}/no"}) as run:
        assert run.ended() == 1
        assert "The database of CITY311_DATABASE_URL cannot be used" in run.said
        assert "hidden" not in run.said


def test_a_second_start_with_the_same_data_says_so(environment: dict[str, str]) -> None:
    with running(environment) as first:
        first.until_said("Ctrl-C")
        folder = Path(environment["CITY311_DATA"]).parent / "second"
        folder.mkdir()
        with python(["-c", RUN, str(folder.parent)], folder, environment) as second:
            assert second.ended() == 1
            assert f"City311 runs already with the data in {environment['CITY311_DATA']}" in second.said
            assert f"process {first.popen.pid}" in second.said
        assert first.popen.poll() is None


def test_a_start_right_after_a_killed_supervisor_waits_for_what_it_left(environment: dict[str, str]) -> None:
    with running(environment) as first:
        first.until_said("Ctrl-C")
        first.popen.kill()
        first.ended()
        with running(environment) as second:
            second.until_said("Ctrl-C")
            assert [is_alive(process) for _, process in first.started] == [False, False, True, True]


# --- Its parts ----------------------------------------------------------------------------------------------


def settings(tmp_path: Path, **values: str) -> Settings:
    return load({"CITY311_DATA": str(tmp_path / "var"), **values})


def test_a_secret_from_the_environment_is_used_and_not_written(tmp_path: Path) -> None:
    given = development_secrets.ensure(settings(tmp_path, CITY311_RELAY_SECRET="mine"))
    assert given.secret("CITY311_RELAY_SECRET") == "mine"
    kept = (tmp_path / "var" / "development.env").read_text()
    assert "CITY311_RELAY_SECRET" not in kept
    again = development_secrets.ensure(settings(tmp_path))
    assert again.secret("CITY311_ACTIONS_SECRET") == given.secret("CITY311_ACTIONS_SECRET")
    assert (tmp_path / "var" / "development.env").read_text().startswith(kept)


def test_other_lines_of_the_secrets_file_stay(tmp_path: Path) -> None:
    path = tmp_path / "var" / "development.env"
    path.parent.mkdir()
    path.write_text("# mine\nOTHER=1\nCITY311_RELAY_SECRET=\n")
    development_secrets.ensure(settings(tmp_path))
    lines = path.read_text().splitlines()
    assert lines[:2] == ["# mine", "OTHER=1"]
    assert sum(line.startswith("CITY311_RELAY_SECRET=") for line in lines) == 1


def test_production_names_every_missing_secret(tmp_path: Path) -> None:
    with pytest.raises(MissingSetting) as error:
        development_secrets.ensure(settings(tmp_path, CITY311_PROFILE="production"))
    assert all(name in str(error.value) for name in SECRETS)


def test_dialogue_gets_no_credentials_of_a_backend(tmp_path: Path) -> None:
    whole = development_secrets.ensure(settings(tmp_path, CITY311_DATABASE_URL="postgresql://me:pass@db/city"))
    inherited = {
        "PATH": "/bin",
        "LC_ALL": "C.UTF-8",
        "RASA_MAX_CACHE_SIZE": "1",
        "CITY311_SESSION_SECRET": "s",
        "CITY311_OPEN311_API_KEY": "k",
        "CITY311_DATABASE_URL": "postgresql://me:pass@db/city",
        "CITY311_TWILIO_TOKEN": "t",
        "TWILIO_AUTH_TOKEN": "t",
        "AWS_SESSION": "t",
        "DATABASE_URL": "postgresql://x",
    }
    seen = processes.dialogue_environment(whole, inherited)
    assert {name: seen[name] for name in ("PATH", "LC_ALL", "RASA_MAX_CACHE_SIZE")} == {
        "PATH": "/bin",
        "LC_ALL": "C.UTF-8",
        "RASA_MAX_CACHE_SIZE": "1",
    }
    assert seen["CITY311_RELAY_SECRET"] == whole.secret("CITY311_RELAY_SECRET")
    assert seen["CITY311_ACTIONS_SECRET"] == whole.secret("CITY311_ACTIONS_SECRET")
    hidden = {
        *("CITY311_SESSION_SECRET", "CITY311_OPEN311_API_KEY", "CITY311_DATABASE_URL", "CITY311_TWILIO_TOKEN"),
        *("TWILIO_AUTH_TOKEN", "AWS_SESSION", "DATABASE_URL"),
    }
    assert not hidden & set(seen)
    assert hidden < set(processes.services_environment(whole, inherited))


def test_the_stack_listens_where_the_settings_say(tmp_path: Path) -> None:
    chosen = {"CITY311_PORTAL_HOST": "10.0.0.1", "CITY311_PORTAL_PORT": "81", "CITY311_DIALOGUE_PORT": "82"}
    stack = {p.name: p for p in processes.stack(settings(tmp_path, **chosen), Path("/models/a.tar.gz"))}
    dialogue, portal = " ".join(stack["dialogue"].command), " ".join(stack["portal"].command)
    assert "--model /models/a.tar.gz" in dialogue
    assert "-i 127.0.0.1 -p 82" in dialogue
    assert "--credentials credentials.yml" in dialogue
    assert "--host 10.0.0.1 --port 81" in portal
    assert stack["actions"].environment["CITY311_DIALOGUE_PORT"] == "82"
    production = processes.stack(settings(tmp_path, CITY311_PROFILE="production"), Path("m"))
    assert "deploy/credentials.yml" in production[1].command


def test_no_secret_in_a_command_line(tmp_path: Path) -> None:
    whole = development_secrets.ensure(settings(tmp_path))
    words = [word for process in processes.stack(whole, Path("m")) for word in process.command]
    assert not set(whole.secrets.values()) & set(words)
    assert not [secret for secret in whole.secrets.values() if secret in repr(processes.stack(whole, Path("m")))]


def test_ports(tmp_path: Path) -> None:
    free = free_ports()
    assert ports.problems(settings(tmp_path, **free)) == []
    same = ports.problems(settings(tmp_path, **{**free, "CITY311_ACTIONS_PORT": free["CITY311_PORTAL_PORT"]}))
    assert same == [
        f"Port {free['CITY311_PORTAL_PORT']} is set for both portal and actions. "
        "Give actions its own: CITY311_ACTIONS_PORT=…"
    ]
    elsewhere = ports.problems(settings(tmp_path, **free, CITY311_PORTAL_HOST="192.0.2.1"))
    assert ["does not have the address 192.0.2.1" in problem for problem in elsewhere] == [True]
    nowhere = ports.problems(settings(tmp_path, **free, CITY311_PORTAL_HOST="no such host"))
    assert ["which is no address" in problem for problem in nowhere] == [True]


def test_address(tmp_path: Path) -> None:
    def at(host: str) -> str:
        return address_of(settings(tmp_path, CITY311_PORTAL_HOST=host))

    assert at("127.0.0.1") == at("0.0.0.0") == at("localhost") == "http://127.0.0.1:8000"  # noqa: S104
    assert at("192.0.2.1") == "http://192.0.2.1:8000"
    assert at("::1") == "http://[::1]:8000"


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, '{"status": "ok", "components": {"portal": "ok"}}', {"portal": "ok"}),
        (503, '{"status": "degraded", "components": {"actions": "unavailable"}}', {"actions": "unavailable"}),
        (503, '{"status": "degraded", "components": {"portal": "ok"}}', None),
        (200, "<html>", None),
        (503, "busy", None),
        (200, "[]", None),
        (200, '{"status": "ok"}', None),
    ],
)
def test_health_is_what_the_portal_says_and_nothing_else(
    status: int, body: str, expected: dict[str, str] | None
) -> None:
    class Portal(Handler):
        def do_GET(self) -> None:
            self.reply(status, body.encode())

    with Server(Portal) as portal:
        assert ask_health(portal.url) == expected


def test_no_answer_is_no_health() -> None:
    with listening() as port:
        pass
    assert ask_health(f"http://127.0.0.1:{port}") is None
