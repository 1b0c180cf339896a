"""A stand-in for Meta's WhatsApp Cloud API: signs its webhooks, brings them again, keeps media, enforces its limits."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import time
from typing import Any
from urllib.parse import urlsplit

import httpx
from doubles.provider import Answer, ProviderDouble
from harness import asking

from city311.channels.meta import Account

NUMBER_ID = "106540352242922"
ACCESS = "EAAtest"
SECRET = "app-secret"
VERIFY = "verify-me"
PATH = "/channels/whatsapp/meta"
WINDOW_S = 24 * 3600


class MetaDouble(ProviderDouble):
    """``sent``: the bodies it took. ``closed``: numbers (without +) whose free window is closed.

    ``wrong``: what we sent against the documents; it is refused as Meta does, and a test can look here.
    """

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[dict[str, Any]] = []
        self.closed: set[str] = set()
        self.media: dict[str, tuple[str, bytes]] = {}
        self.links: dict[str, str] = {}
        self.wrong: list[str] = []

    def account(self, **changes: Any) -> Account:
        settings = {
            "phone_number_id": NUMBER_ID,
            "access_token": ACCESS,
            "app_secret": SECRET,
            "verify_token": VERIFY,
            "url": self.url,
            **changes,
        }
        return Account(**settings)

    # --- what it brings ----------------------------------------------------------------------------------------------

    def message(self, number: str, kind: str = "text", *, at: float | None = None, **part: Any) -> dict[str, Any]:
        """One message of a resident; ``number`` with its +."""
        return {
            "from": number.removeprefix("+"),
            "id": "wamid." + secrets.token_urlsafe(48),
            "timestamp": str(int(at if at is not None else time.time())),
            "type": kind,
            kind: part,
        }

    def photo(self, number: str, content: bytes, kind: str = "image/jpeg", **part: Any) -> dict[str, Any]:
        name = str(secrets.randbelow(10**15) + 10**15)
        self.media[name] = (kind, content)
        return self.message(number, "image", id=name, mime_type=kind, sha256="x", **part)

    def batch(self, *messages: dict[str, Any], statuses: Any = (), number_id: str = NUMBER_ID) -> bytes:
        value: dict[str, Any] = {
            "messaging_product": "whatsapp",
            "metadata": {"display_phone_number": "16175550131", "phone_number_id": number_id},
        }
        if messages:
            value["contacts"] = [{"profile": {"name": "A"}, "wa_id": one["from"]} for one in messages]
            value["messages"] = list(messages)
        if statuses:
            value["statuses"] = list(statuses)
        change = {"field": "messages", "value": value}
        return json.dumps({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [change]}]}).encode()

    def status(self, name: str, state: str, number: str, *codes: int) -> dict[str, Any]:
        """News of the message of that name; Meta gives back the data that came with it."""
        news = {"id": name, "status": state, "timestamp": str(int(time.time())), "recipient_id": number}
        came_with = [one.get("biz_opaque_callback_data") for one in self.sent if one["id"] == name]
        if any(came_with):
            news["biz_opaque_callback_data"] = came_with[0]
        return {**news, "errors": [{"code": code, "title": "x"} for code in codes]} if codes else news

    def bring(self, portal: str, body: bytes, *, secret: str = SECRET) -> httpx.Response:
        digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        headers = {"Content-Type": "application/json", "X-Hub-Signature-256": f"sha256={digest}"}
        return asking.post(portal + PATH, content=body, headers=headers, timeout=90)

    # --- what it takes -----------------------------------------------------------------------------------------------

    def to(self, number: str) -> list[dict[str, Any]]:
        return [one for one in self.sent if one["to"] == number.removeprefix("+")]

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        path = urlsplit(path).path
        if headers.get("Authorization", headers.get("authorization")) != f"Bearer {ACCESS}":
            return _error(401, 190, "Invalid OAuth access token")
        if path.startswith("/lookaside/"):
            name = self.links.pop(path, None)  # each address works once, as if it had expired then
            if name is None:
                return Answer(404)
            kind, content = self.media[name]
            return Answer(200, content, {"Content-Type": kind})
        version, _, rest = path.removeprefix("/").partition("/")
        if not version.startswith("v"):
            return _error(400, 100, "no version")
        if method == "POST" and rest == f"{NUMBER_ID}/messages":
            return self._take(json.loads(body))
        if method == "GET" and rest in self.media:
            link = f"/lookaside/{secrets.token_hex(8)}"
            self.links[link] = rest
            kind, content = self.media[rest]
            found = {"url": self.url + link, "mime_type": kind, "file_size": len(content), "id": rest}
            return Answer(200, json.dumps(found).encode(), {"Content-Type": "application/json"})
        return _error(404, 100, "Unsupported request")

    def _take(self, body: dict[str, Any]) -> Answer:
        mood = self.next_mood()
        if mood == "busy":
            return _error(429, 130429, "Rate limit hit")
        if mood == "away":
            return _error(503, 131016, "Service unavailable")
        if mood == "deaf":
            return Answer(None)
        if fault := _fault(body):
            self.wrong.append(fault)
            return _error(400, 100, fault)
        if body["to"] in self.closed and body["type"] != "template":
            return _error(400, 131047, "Re-engagement message")
        name = "wamid." + secrets.token_urlsafe(24)
        with self.lock:
            self.sent.append({**body, "id": name})
        if mood == "cut":
            return Answer(None)
        if mood == "fault":
            return _error(500, 131000, "Something went wrong")
        answer = {
            "messaging_product": "whatsapp",
            "contacts": [{"input": body["to"], "wa_id": body["to"]}],
            "messages": [{"id": name}],
        }
        return Answer(200, json.dumps(answer).encode(), {"Content-Type": "application/json"})


def _fault(body: dict[str, Any]) -> str:
    """What in a message is against Meta's documents; empty when nothing is."""
    if body.get("messaging_product") != "whatsapp" or not str(body.get("to", "")).isdecimal():
        return "messaging_product or to"
    kind = body.get("type")
    if kind == "text":
        return "" if 0 < len(body["text"]["body"]) <= 4096 else "text.body"
    if kind == "template":
        return "" if body["template"].get("name") and body["template"]["language"].get("code") else "template"
    if kind != "interactive":
        return "type"
    part = body["interactive"]
    if not 0 < len(part["body"]["text"]) <= 1024:
        return "interactive.body"
    if part["type"] == "button":
        replies = [button["reply"] for button in part["action"]["buttons"]]
        titles = [reply["title"] for reply in replies]
        fits = all(0 < len(title) <= 20 for title in titles) and all(len(reply["id"]) <= 256 for reply in replies)
        return "" if fits and 1 <= len(replies) <= 3 and len(set(titles)) == len(titles) else "buttons"
    rows = [row for section in part["action"]["sections"] for row in section["rows"]]
    fits = all(0 < len(row["title"]) <= 24 and len(row.get("description", "")) <= 72 for row in rows)
    fits = fits and all(len(row["id"]) <= 200 for row in rows) and 0 < len(part["action"]["button"]) <= 20
    return "" if fits and 1 <= len(rows) <= 10 else "list"


def _error(status: int, code: int, text: str) -> Answer:
    error = {"message": text, "type": "OAuthException", "code": code, "fbtrace_id": "x"}
    return Answer(status, json.dumps({"error": error}).encode(), {"Content-Type": "application/json"})
