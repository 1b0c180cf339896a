"""A stand-in for the dialogue process: a real HTTP server with the relay's contract, whose behaviour a test chooses."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from typing import Any

from harness.http import Handler, Server

Turn = dict[str, Any]
Messages = list[dict[str, Any]]


def echo(turn: Turn) -> Messages:
    return [{"text": f"You said: {turn['text']}", "buttons": []}]


class RelayDouble:
    """Answers turns as the real relay does: checks the secret, does every turn once, repeats its answer on a retry.

    ``mode``: ``answer``; ``unavailable`` (503, not done); ``fault`` (500); ``bad`` (400); ``garbage`` (200, no JSON);
    ``cut`` (does the turn, then closes the connection without an answer); ``hang`` (waits for
    ``release``, then does it).
    """

    def __init__(self, secret: str, answer: Callable[[Turn], Messages] = echo, *, port: int = 0) -> None:
        self.secret = secret
        self.answer = answer
        self.mode = "answer"
        self.release = threading.Event()
        self.calls: list[Turn] = []
        self.done: dict[str, Messages] = {}
        self.order: dict[str, list[str]] = {}
        self.forgotten: list[str] = []
        self.overlaps = 0
        self._busy: set[str] = set()
        self._lock = threading.Lock()
        double = self

        class Relay(Handler):
            def do_GET(self) -> None:
                self.reply(200, b"Hello from the double")

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.path not in ("/webhooks/relay/turn", "/webhooks/relay/forget"):
                    self.reply(404, b"")
                    return
                if self.headers.get("X-City311-Secret") != double.secret:
                    self.reply(401, b"{}")
                    return
                if self.path == "/webhooks/relay/forget":
                    if double.mode == "unavailable":
                        self.reply(503, b"{}")
                        return
                    double.forgotten.append(json.loads(body)["sender"])
                    self.reply(200, b"{}")
                    return
                status, answer = double._turn(json.loads(body))
                if status is None:
                    self.close_connection = True
                    return
                self.reply(status, answer)

        self._server = Server(Relay, port)
        self.port = self._server.port

    def __enter__(self) -> RelayDouble:
        self._server.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.release.set()
        self._server.__exit__()

    def _turn(self, turn: Turn) -> tuple[int | None, bytes]:
        sender, turn_id = turn["sender"], turn["metadata"]["turn"]
        with self._lock:
            self.calls.append(turn)
            mode = self.mode
            if mode == "answer" and sender in self._busy:
                self.overlaps += 1
            self._busy.add(sender)
        try:
            if mode == "hang":
                self.release.wait(30)
            if mode in ("unavailable", "fault", "bad"):
                return {"unavailable": 503, "fault": 500, "bad": 400}[mode], b'{"error": "chosen by the test"}'
            if mode == "garbage":
                return 200, b"<html>not json</html>"
            if turn_id not in self.done:
                messages = self.answer(turn)
                with self._lock:
                    self.done[turn_id] = messages
                    self.order.setdefault(sender, []).append(turn["text"])
            if mode == "cut":
                return None, b""
            return 200, json.dumps({"messages": self.done[turn_id]}).encode()
        finally:
            with self._lock:
                self._busy.discard(sender)


def slow(seconds: float) -> Callable[[Turn], Messages]:
    """An answer that takes a while, so that turns that may overlap would."""

    def answer(turn: Turn) -> Messages:
        time.sleep(seconds)
        return echo(turn)

    return answer
