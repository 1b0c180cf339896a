"""A stand-in for 2Chat: brings messages to a secret address, ours included, and takes them with a key."""

from __future__ import annotations

import json
import secrets
from typing import Any

import httpx
from doubles.provider import Answer, ProviderDouble
from harness import asking

from city311.channels.twochat import Account

KEY = "UAKtest"
TOKEN = "a-token-that-nobody-can-guess-42"
OURS = "+16175550131"


class TwoChatDouble(ProviderDouble):
    """``sent``: the bodies it took."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[dict[str, str]] = []
        self.media: dict[str, bytes] = {}

    def account(self, **changes: Any) -> Account:
        return Account(**{"number": OURS, "api_key": KEY, "webhook_token": TOKEN, "url": f"{self.url}/open", **changes})

    def message(self, number: str, text: str, **fields: Any) -> dict[str, Any]:
        return {
            "id": f"MSG{secrets.token_hex(8)}",
            "uuid": f"MSG{secrets.token_hex(16)}",
            "created_at": "2025-01-01T00:00:00",
            "session_key": "WW-1",
            "remote_phone_number": number,
            "channel_phone_number": OURS,
            "sent_by": "user",
            "message": {"text": text},
            "contact": {"first_name": "A"},
            **fields,
        }

    def photo(self, number: str, text: str, content: bytes) -> dict[str, Any]:
        name = secrets.token_hex(8)
        self.media[f"/files/{name}.jpg"] = content
        media = {"url": f"{self.url}/files/{name}.jpg", "type": "image", "mime_type": "image/jpeg"}
        return self.message(number, text, message={"text": text, "media": media})

    def sent_news(self, number: str, text: str, uuid: str) -> dict[str, Any]:
        """That a message went out through the API."""
        own = {"id": uuid, "uuid": uuid, "sent_by": "api", "to_number": number}
        return self.message(number, text, event="whatsapp.message.sent", **own)

    def receipt(self, uuid: str, kind: str) -> dict[str, Any]:
        """``kind``: ``sent``, ``received``, ``read`` or ``not-sent``."""
        names = {"id": f"RCP{secrets.token_hex(8)}", "message_uuid": uuid}
        return {**names, "event": f"whatsapp.message.receipt.{kind}", "channel_phone_number": OURS}

    def bring(self, portal: str, message: Any, *, token: str = TOKEN) -> httpx.Response:
        return asking.post(f"{portal}/channels/whatsapp/2chat/{token}", json=message, timeout=90)

    def texts(self, number: str) -> list[str]:
        return [one["text"] for one in self.sent if one["to_number"] == number]

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        if path in self.media:
            return Answer(200, self.media[path], {"Content-Type": "image/jpeg"})
        given = next((value for name, value in headers.items() if name.lower() == "x-user-api-key"), "")
        if given != KEY:
            return Answer(401, b'{"error": true}')
        if (method, path) != ("POST", "/open/whatsapp/send-message"):
            return Answer(404, b"{}")
        mood = self.next_mood()
        if mood == "busy":
            return Answer(429, b"{}", {"Retry-After": "1"})
        if mood == "away":
            return Answer(503, b"{}")
        if mood == "deaf":
            return Answer(None)
        sent = json.loads(body)
        if not sent.get("text") or sent.get("from_number") != OURS or not sent.get("to_number", "").startswith("+"):
            return Answer(400, b'{"error": true}')
        sent["uuid"] = f"MSG{secrets.token_hex(16)}"
        with self.lock:
            self.sent.append(sent)
        if mood == "cut":
            return Answer(None)
        done = {"success": True, "message_uuid": sent["uuid"]}
        return Answer(201, json.dumps(done).encode(), {"Content-Type": "application/json"})
