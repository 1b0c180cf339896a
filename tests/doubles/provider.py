"""What the doubles of messaging providers have in common: an HTTP server whose mood a test chooses."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from harness.http import Handler, Server


@dataclass
class Answer:
    """``status`` None: the connection is closed without an answer."""

    status: int | None
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


class ProviderDouble(ABC):
    """A real HTTP server on a free port.

    ``mood``: ``well``; ``busy`` (429, asks to wait a second); ``away`` (503); ``cut`` (takes the message, then closes
    the connection without an answer); ``deaf`` (closes it and takes nothing); ``fault`` (takes it, then says 500). With
    ``moods`` every message takes the next of the list, and ``mood`` counts when it is used up.
    """

    def __init__(self) -> None:
        self.mood = "well"
        self.moods: list[str] = []
        self.requests: list[tuple[str, str]] = []
        self.lock = threading.Lock()
        double = self

        class Provider(Handler):
            def do_GET(self) -> None:
                self._answer(b"")

            def do_POST(self) -> None:
                self._answer(self.rfile.read(int(self.headers["Content-Length"])))

            def _answer(self, body: bytes) -> None:
                with double.lock:
                    double.requests.append((self.command, self.path))
                answer = double.answer(self.command, self.path, dict(self.headers), body)
                if answer.status is None:
                    self.close_connection = True
                    return
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)

        self._server = Server(Provider)
        self.port = self._server.port
        self.url = self._server.url

    def __enter__(self) -> Self:
        self._server.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.__exit__()

    @abstractmethod
    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        """What the provider says to a request."""

    def next_mood(self) -> str:
        with self.lock:
            return self.moods.pop(0) if self.moods else self.mood
