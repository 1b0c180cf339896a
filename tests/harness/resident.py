"""A resident at the web channel: says something, hears the answer."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field
from typing import Any

import requests

from harness.stack import Stack

RECONNECT_S = 30
"""How long a browser goes on trying a server that refuses or cuts the connection."""


@dataclass
class Heard:
    """What the bot answered."""

    messages: list[dict[str, Any]]

    @property
    def text(self) -> str:
        return "\n".join(str(message.get("text", "")) for message in self.messages)

    @property
    def buttons(self) -> list[str]:
        return [button["title"] for message in self.messages for button in message.get("buttons", [])]


@dataclass
class Resident:
    """One browser with one session."""

    stack: Stack
    name: str = "resident"
    language: str = ""
    http: requests.Session = field(default_factory=requests.Session)
    last: Heard = field(default_factory=lambda: Heard([]))

    def __post_init__(self) -> None:
        self._post("session", {})

    def upload(self, picture: bytes) -> str:
        """Uploads a photo; its id."""
        response = self.http.post(
            f"{self.stack.portal}/channels/web/photos",
            data=picture,
            headers={"Content-Type": "image/jpeg"},
            timeout=30,
        )
        response.raise_for_status()
        return str(response.json()["id"])

    def say(self, text: str, wait_s: float = 60, **beside: Any) -> Heard:
        """Sends a message, with what goes ``beside`` its text, and waits for its answer, however late it comes."""
        answer = self._post("messages", {"id": uuid.uuid4().hex, "text": text, "language": self.language, **beside})
        self.last = Heard(self._awaited(answer, wait_s)["messages"])
        return self.last

    def history(self) -> list[dict[str, Any]]:
        """All turns of this session, oldest first."""
        return list(self._asked("GET", "messages", params={"after": 0}).json()["turns"])

    def _awaited(self, turn: dict[str, Any], wait_s: float) -> dict[str, Any]:
        end = time.monotonic() + wait_s
        while turn["state"] == "waiting" and time.monotonic() < end:
            time.sleep(0.3)
            turn = next((each for each in self.history() if each["id"] == turn["id"]), turn)
        assert turn["state"] != "waiting", f"no answer to {turn['text']!r} within {wait_s} s"
        return turn

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return dict(self._asked("POST", path, json=body).json())

    def _asked(self, method: str, path: str, **beside: Any) -> requests.Response:
        """The answer of the web channel; asks again while it says "too fast" or is being started again."""
        end = time.monotonic() + RECONNECT_S
        while True:
            try:
                response = self.http.request(method, f"{self.stack.portal}/channels/web/{path}", timeout=30, **beside)
            except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError):
                if time.monotonic() > end:
                    raise
                time.sleep(0.3)
                continue
            if response.status_code in (429, 503) and time.monotonic() < end:
                time.sleep(2.5)
                continue
            response.raise_for_status()
            return response
