"""The action server as it runs: loopback, behind its secret, silent about what it was sent."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import psutil
import pytest
from harness.ports import free_port

from city311 import settings
from city311.store import migrate

SECRET = "the-secret-of-actions"
WORDS = "Rumpelstiltskin"


class Server:
    def __init__(self, process, port, log):
        self.process, self.port, self.log = process, port, log

    def call(self, path, body=None, *, method=None, secret=SECRET, **headers):
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", **headers}
        if secret is not None:
            headers["X-City311-Secret"] = secret
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", data=data, headers=headers, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=90) as answer:
                return answer.status, answer.headers, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read().decode()

    def logged(self):
        return self.log.read_text(encoding="utf-8", errors="replace")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    data = tmp_path_factory.mktemp("server")
    port, log = free_port(), data / "log"
    environment = {
        **os.environ,
        "CITY311_PROFILE": "production",
        "CITY311_DATA": str(data),
        "CITY311_DATABASE_URL": f"sqlite:///{data / 'city311.db'}",
        "CITY311_ACTIONS_PORT": str(port),
        "SANIC_HOST": "0.0.0.0",  # noqa: S104 - must be of no effect
        **{name: SECRET if name == "CITY311_ACTIONS_SECRET" else "x" for name in settings.SECRETS},
    }
    migrate.upgrade(environment["CITY311_DATABASE_URL"])
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "actions.server"],
            cwd=settings.HOUSE,
            env=environment,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    running = Server(process, port, log)
    until = time.monotonic() + 240
    try:
        while not _is_up(running):
            assert process.poll() is None and time.monotonic() < until, running.logged()[-3000:]
            time.sleep(0.1)
        yield running
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _is_up(running):
    try:
        return running.call("/health")[0] == 200
    except OSError:
        return False


def action_call(name="action_check_status", **latest_message):
    message = {"text": WORDS, "intent": {"name": "check_status", "confidence": 1.0}, "entities": [], **latest_message}
    tracker = {
        "sender_id": "web-1",
        "slots": {"last_request": None, "intake": None},
        "latest_message": message,
        "events": [
            {"event": "action", "name": "action_listen"},
            {"event": "user", "text": WORDS, "input_channel": "web"},
        ],
        "paused": False,
        "active_loop": {},
    }
    return {"next_action": name, "sender_id": "web-1", "tracker": tracker, "domain": {}, "version": "3.6.21"}


def test_it_answers_the_calls_that_the_dialogue_process_makes(server):
    status, _headers, answer = server.call("/webhook", action_call())
    assert status == 200
    result = json.loads(answer)
    assert [response["response"] for response in result["responses"]] == ["utter_ask_request_number"]
    assert result["events"] == []


# -- who may


@pytest.mark.parametrize("secret", [None, "", "guess", SECRET + "x", SECRET[:-1]])
@pytest.mark.parametrize("path", ["/webhook", "/actions", "/health", "/nothing"])
def test_trap_14_nobody_without_the_secret(server, path, secret):
    body = action_call() if path == "/webhook" else None
    status, _headers, answer = server.call(path, body, secret=secret)
    assert (status, json.loads(answer)) == (401, {"error": "wrong secret"})


def test_trap_14_a_secret_of_bytes_that_are_no_text_is_wrong(server):
    with socket.create_connection(("127.0.0.1", server.port), timeout=90) as connection:
        connection.sendall(
            b"POST /webhook HTTP/1.1\r\nHost: x\r\nX-City311-Secret: \xff\xfe\r\nContent-Length: 2\r\n"
            b"Connection: close\r\n\r\n{}"
        )
        answer = connection.recv(1000)
    assert answer.startswith(b"HTTP/1.1 401")


def test_trap_14_it_listens_on_loopback_only(server):
    """Although the environment says otherwise."""
    family = [psutil.Process(server.process.pid), *psutil.Process(server.process.pid).children(recursive=True)]
    listening = {
        one.laddr for each in family for one in each.net_connections("inet") if one.status == psutil.CONN_LISTEN
    }
    assert listening == {("127.0.0.1", server.port)}


def test_trap_14_no_other_origin_is_let_in(server):
    for method in ("GET", "OPTIONS", "POST"):
        body = b"{}" if method == "POST" else None
        _status, headers, _answer = server.call("/webhook", body, method=method, Origin="https://evil.example")
        assert not [name for name in headers if name.lower() == "access-control-allow-origin"]


# -- no echo


BROKEN = {
    "an action that raises": action_call(entities=7),
    "no tracker": {"next_action": "action_check_status", "domain": {}, "words": WORDS},
    "a tracker that is none": {"next_action": "action_check_status", "domain": {}, "tracker": WORDS},
    "no JSON": f'{{"next_action": "{WORDS}'.encode(),
    "a list": [WORDS],
    "a text": WORDS,
    "a domain that is missing": {**action_call(), "domain": None},
}


@pytest.mark.parametrize("name", BROKEN)
def test_trap_14_an_error_says_nothing_of_the_request(server, name):
    status, _headers, answer = server.call("/webhook", BROKEN[name])
    assert status >= 400
    assert WORDS not in answer
    assert "Traceback" not in answer and "<html" not in answer.lower()


def test_trap_14_a_failing_action_is_an_error_and_the_next_call_works(server):
    status, _headers, answer = server.call("/webhook", action_call(entities=7))
    assert status == 500
    assert json.loads(answer) == {"error": "the action failed; the log of the action server says why"}
    assert server.call("/webhook", action_call())[0] == 200


def test_trap_14_an_unknown_path_says_nothing_of_the_request(server):
    for method in ("GET", "POST", "PUT"):
        status, _headers, answer = server.call("/nothing", {"words": WORDS}, method=method)
        assert status >= 400 and WORDS not in answer


def test_trap_14_a_body_that_does_not_inflate_says_nothing(server):
    status, _headers, answer = server.call("/webhook", WORDS.encode(), **{"Content-Encoding": "deflate"})
    assert status >= 400 and WORDS not in answer


def test_no_words_of_residents_in_its_log(server):
    for body in BROKEN.values():
        server.call("/webhook", body)
    server.call("/webhook", action_call())
    server.call("/webhook", action_call("action_clarify"))
    log = server.logged()
    assert "Error" in log, "it says why"
    assert WORDS not in log


def test_without_its_secret_it_does_not_start(tmp_path):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CITY311_")}
    ended = subprocess.run(
        [sys.executable, "-m", "actions.server"],
        cwd=settings.HOUSE,
        env={**environment, "CITY311_DATA": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert ended.returncode != 0
    assert "is not set" in ended.stderr


def test_the_start_loads_what_reads_days(tmp_path):
    """dateparser takes a quarter of a second for its first day."""
    code = (
        "import sys; from actions.server import warm_up; warm_up(); "
        "assert 'dateparser.data.date_translation_data.en' in sys.modules"
    )
    environment = {**os.environ, "CITY311_DATA": str(tmp_path), **dict.fromkeys(settings.SECRETS, "x")}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=settings.HOUSE, env=environment, capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stderr[-2000:]
