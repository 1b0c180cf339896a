"""A small action server over HTTP that keeps the contract of ours, and fails in the way that a test chooses."""

from __future__ import annotations

import json
import threading
from typing import Any

from harness.http import Handler, Server

SECRET = "the-secret-of-actions"
FORM = "intake_form"

Result = dict[str, Any]


def slot(name: str, value: Any) -> dict[str, Any]:
    return {"event": "slot", "name": name, "value": value}


def says(*texts: str, events: list[dict[str, Any]] | None = None, **more: Any) -> Result:
    return {"events": events or [], "responses": [{"text": text, **more} for text in texts]}


class ActionDouble:
    """``with ActionDouble() as server``: a form that asks for three answers, and actions that say one sentence each.

    ``failures``: action name → how it fails: ``fault`` (500 with words of the resident in the body), ``cut`` (the
    connection is closed unanswered), ``garbage`` (no JSON), ``nonsense`` (JSON that is no result), ``hang`` (waits for
    ``release``), ``silent`` (a result without a message), ``reject`` (400 as rasa-sdk rejects).
    ``scripted``: action name → results that it gives, one a call, before its usual ones.
    """

    def __init__(self, port: int = 0) -> None:
        self.failures: dict[str, str] = {}
        self.scripted: dict[str, list[Result]] = {}
        self.answers_needed = 3
        self.calls: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.connections: set[Any] = set()
        self.release = threading.Event()
        self.arrived = threading.Event()
        self._port = port
        self._lock = threading.Lock()

    def __enter__(self) -> ActionDouble:
        double = self

        class Actions(Handler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status, answer = double._answer(json.loads(body), self.headers, self.client_address, self.path)
                if status is None:
                    self.close_connection = True
                    return
                self.reply(status, answer)

        self._server = Server(Actions, self._port)
        self.port = self._port = self._server.port
        self._server.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.release.set()
        self._server.__exit__()

    def _answer(self, call: Any, headers: Any, client: Any, path: str) -> tuple[int | None, bytes]:
        with self._lock:
            self.calls.append(call)
            self.headers.append({name.lower(): value for name, value in headers.items()})
            self.connections.add(client)
        if path != "/webhook" or headers.get("X-City311-Secret") != SECRET:
            return 401, b'{"error": "wrong secret"}'
        name = call["next_action"]
        failure = self.failures.get(name)
        words = call["tracker"]["latest_message"].get("text")
        if failure == "hang":
            self.arrived.set()
            self.release.wait(30)
        if failure == "cut":
            return None, b""
        if failure == "garbage":
            return 200, b"<html>not json</html>"
        if failure == "fault":
            return 500, json.dumps({"error": words, "request_body": call}).encode()
        if failure == "reject":
            return 400, json.dumps({"error": "rejected", "action_name": name}).encode()
        result: Any = self._run(name, call)
        if failure == "nonsense":
            result = {"events": [{"event": "no such event"}], "responses": "none"}
        if failure == "silent":
            result["responses"] = []
        return 200, json.dumps(result).encode()

    def _run(self, name: str, call: dict[str, Any]) -> Result:
        slots = call["tracker"]["slots"]
        if self.scripted.get(name):
            return self.scripted[name].pop(0)
        if name == f"validate_{FORM}":
            return self._validate(call, slots.get("intake") or {"answers": []})
        if name == "action_finish_intake":
            given = (slots.get("intake") or {}).get("answers")
            nothing = [slot(each, None) for each in ("intake", "answer", "service", "location", "requested_slot")]
            return says(f"Filed with {given}.", events=[*nothing, slot("last_request", "SR-104217")])
        return says(f"{name} says so.")

    def _validate(self, call: dict[str, Any], state: dict[str, Any]) -> Result:
        done = [event.get("name") for event in call["tracker"]["events"] if event.get("event") == "action"]
        if done and done[-1] == FORM:
            done.pop()
        if done and done[-1] == "action_listen":
            heard = call["tracker"]["latest_message"]
            if state["answers"] and heard["intent"]["name"] not in ("inform", "nlu_fallback"):
                return {
                    "events": [
                        slot("intake", state),
                        slot("answer", None),
                        {"event": "action_execution_rejected", "name": FORM},
                    ],
                    "responses": [],
                }
            state = {"answers": [*state["answers"], heard["text"]]}
        complete = len(state["answers"]) >= self.answers_needed
        return says(
            f"Question {len(state['answers'])}?",
            events=[
                slot("intake", state),
                slot("answer", None),
                slot("service", "pothole"),
                slot("requested_slot", None if complete else "answer"),
            ],
            buttons=[{"title": "Yes", "payload": "Yes"}],
            custom={"progress": {"step": len(state["answers"]), "of": self.answers_needed}},
        )
