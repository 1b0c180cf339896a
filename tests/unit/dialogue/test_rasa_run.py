"""The dialogue process itself, ``rasa run`` at its most talkative: no words in logs, no way in but the channels."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid

import pytest
import yaml
from harness.ports import free_port
from rasa.core.run import create_http_input_channels
from small_bot import HOUSE, RELAY_SECRET

WORDS = "Rumpelstiltskin"
MAIL = "queen@example.org"


class Rasa:
    def __init__(self, process, port, log):
        self.process, self.port, self.log = process, port, log

    def call(self, path, body=None, method=None, **headers):
        """Status, headers and text of the answer."""
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", data=data, headers=headers, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.headers, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read().decode()

    def turn(self, text, sender="web-1", **changes):
        metadata = {"turn": uuid.uuid4().hex, "language": "en"}
        body = {"sender": sender, "text": text, "channel": "web", "metadata": metadata, **changes}
        status, _headers, answer = self.call(
            "/webhooks/relay/turn", body, **{"X-City311-Secret": RELAY_SECRET, "Content-Type": "application/json"}
        )
        return status, json.loads(answer)

    def logged(self):
        return self.log.read_text(encoding="utf-8", errors="replace")


@pytest.fixture(scope="module")
def rasa(small_model, installation, tmp_path_factory):
    folder = tmp_path_factory.mktemp("rasa")
    port, log = free_port(), folder / "log"
    environment = {
        **os.environ,
        "CITY311_TRACKER_URL": f"sqlite:///{folder / 'dialogue.db'}",
        "PYTHONUNBUFFERED": "1",
    }
    command = [sys.executable, "-m", "rasa", "run", "--debug", "--model", str(small_model)]
    command += ["--endpoints", "endpoints.yml", "--credentials", "credentials.yml", "-i", "127.0.0.1", "-p", str(port)]
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=HOUSE, env=environment, stdout=out, stderr=subprocess.STDOUT)
    running = Rasa(process, port, log)
    until = time.monotonic() + 180
    try:
        while not _is_up(running):
            assert process.poll() is None and time.monotonic() < until, running.logged()[-3000:]
            time.sleep(0.2)
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
        status, _headers, _text = running.call("/webhooks/relay/turn", b"{}")
    except OSError:
        return False
    return status == 401


def test_no_words_of_residents_in_the_most_talkative_log(rasa, actions):
    assert rasa.turn(f"zreport {WORDS} hit a pothole") == (
        200,
        {
            "messages": [
                {
                    "text": "Question 1?",
                    "buttons": [{"title": "Yes", "payload": "Yes"}],
                    "custom": {"progress": {"step": 1, "of": 3}},
                }
            ]
        },
    )
    rasa.turn(f"my mail is {MAIL}")
    rasa.turn(f"zcheck_status of {WORDS}")  # a digression: the form is rejected and comes back
    for failure in ("fault", "garbage", "nonsense", "cut"):
        actions.failures["validate_intake_form"] = failure
        assert rasa.turn(f"{WORDS} again")[0] == 503
    actions.failures.clear()
    status, answer = rasa.turn(f"thanks, {WORDS}")
    assert status == 200 and WORDS in answer["messages"][-1]["text"], "the bot said the words, too"
    rest = "/webhooks/rest/webhook"
    actions.failures["action_clarify"] = "fault"
    rasa.call(rest, {"sender": "r1", "message": f"what about {WORDS}"})
    rasa.call(rest, {"sender": "r1", "message": f'/report{{"answer": "{WORDS}"}}'})
    rasa.call(rest, f'{{"sender": "r1", "message": "{WORDS}'.encode())
    rasa.call(rest, {"sender": "r1", "message": [WORDS]})
    rasa.call("/webhooks/relay/turn", {"sender": "x", "text": WORDS, "channel": "web"})

    log = rasa.logged()
    assert "processor.message.parse" in log and "rule_policy.actions.find" in log, "it was at its most talkative"
    assert "processor.slots.log" in log and "processor.actions.log" in log
    assert "action intake_form failed (RasaException from ClientResponseError 500)" in log
    assert WORDS not in log
    assert MAIL not in log


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/conversations/web-1/tracker"),
        ("GET", "/conversations/web-1/story"),
        ("POST", "/conversations/web-1/tracker/events"),
        ("POST", "/conversations/web-1/trigger_intent"),
        ("POST", "/conversations/web-1/execute"),
        ("POST", "/model/parse?callback_url=http://127.0.0.1:1/"),
        ("POST", "/model/train"),
        ("PUT", "/model"),
        ("DELETE", "/model"),
        ("GET", "/domain"),
        ("GET", "/status"),
        ("POST", "/webhooks/twilio/webhook"),
        ("POST", "/webhooks/socketio/webhook"),
        ("POST", "/webhooks/callback/webhook"),
    ],
)
def test_trap_15_rasas_api_is_not_there(rasa, method, path):
    status, _headers, _text = rasa.call(path, b"{}" if method != "GET" else None, method=method)
    assert status == 404


def test_trap_15_no_other_origin_is_let_in(rasa):
    for method in ("GET", "OPTIONS", "POST"):
        _status, headers, _text = rasa.call(
            "/webhooks/rest/webhook", b"{}" if method == "POST" else None, method, Origin="https://evil.example"
        )
        assert not [name for name in headers if name.lower().startswith("access-control-")]


def test_production_has_the_relay_and_nothing_else():
    production = HOUSE / "deploy" / "credentials.yml"
    assert list(yaml.safe_load(production.read_text(encoding="utf-8"))) == ["city311.dialogue.relay.Relay"]
    assert [channel.name() for channel in create_http_input_channels(None, str(production))] == ["relay"]


def test_development_has_rest_beside_it():
    channels = create_http_input_channels(None, str(HOUSE / "credentials.yml"))
    assert [type(channel).__name__ for channel in channels] == ["Relay", "DeveloperRest"]
