"""A stand-in for Twilio: signs what it brings, brings it again, and takes messages as its API does."""

from __future__ import annotations

import base64
import io
import json
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
from doubles.provider import Answer, ProviderDouble
from harness import asking
from PIL import Image
from twilio.request_validator import RequestValidator

from city311.channels.twilio import Account

SID = "AC" + "0" * 32
TOKEN = "0123456789abcdef0123456789abcdef"
OURS = "+16175550131"


def picture(colour: str = "red") -> bytes:
    """A real photo, small."""
    content = io.BytesIO()
    Image.new("RGB", (40, 30), colour).save(content, "JPEG")
    return content.getvalue()


PHOTO = picture()

STOP = ("STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "OPTOUT", "REVOKE")
START = ("START", "YES", "UNSTOP")


class TwilioDouble(ProviderDouble):
    """``sent``: the messages it took, as Twilio lists them. ``stopped``: who opted out, which it enforces by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[dict[str, Any]] = []
        self.stopped: set[str] = set()
        self.heard_at: dict[str, datetime] = {}
        self.media: dict[str, tuple[str, bytes]] = {}
        self.expired: set[str] = set()
        self.wrong: list[str] = []

    def account(self, **changes: Any) -> Account:
        settings = {"sid": SID, "token": TOKEN, "sms": OURS, "url": self.url, **changes}
        return Account(**settings)

    # --- what it brings --------------------------------------------------------------------------------------------

    def message(self, number: str, text: str = "", **fields: str) -> dict[str, str]:
        """A message of a resident as Twilio's form has it; the carrier hears STOP and START."""
        word = text.strip().upper()
        if word in STOP and not number.startswith("whatsapp:"):
            self.stopped.add(number)
        elif word in START:
            self.stopped.discard(number)
        self.heard_at[number] = datetime.now(timezone.utc)
        sid = "SM" + secrets.token_hex(16)
        ours = f"whatsapp:{OURS}" if number.startswith("whatsapp:") else OURS
        return {
            "ToCountry": "US",
            "SmsMessageSid": sid,
            "NumMedia": "0",
            "SmsSid": sid,
            "SmsStatus": "received",
            "Body": text,
            "To": ours,
            "NumSegments": "1",
            "MessageSid": sid,
            "AccountSid": SID,
            "From": number,
            "ApiVersion": "2010-04-01",
            **fields,
        }

    def photo(self, number: str, text: str = "", *, content: bytes = PHOTO, kind: str = "image/jpeg") -> dict[str, str]:
        """An MMS with one photo."""
        sid = "ME" + secrets.token_hex(16)
        self.media[sid] = (kind, content)
        url = f"{self.url}/2010-04-01/Accounts/{SID}/Messages/MM{'1' * 32}/Media/{sid}"
        return self.message(number, text, NumMedia="1", MediaUrl0=url, MediaContentType0=kind)

    def bring(
        self,
        portal: str,
        form: Mapping[str, str],
        *,
        path: str = "/channels/sms/twilio",
        public_url: str = "",
        token: str = TOKEN,
        client: httpx.Client | None = None,
    ) -> httpx.Response:
        """Call the webhook; ``public_url`` is the address that Twilio knows, and signs."""
        signature = RequestValidator(token).compute_signature((public_url or portal) + path, dict(form))
        send = client.post if client is not None else asking.post
        return send(
            portal + path,
            content=urlencode(form),
            headers={
                "Content-Type": "application/x-www-form-urlencoded; charset=utf-8",
                "X-Twilio-Signature": signature,
                "I-Twilio-Idempotency-Token": secrets.token_hex(8),
                "User-Agent": "TwilioProxy/1.1",
            },
            timeout=90,
        )

    def status(self, sid: str, state: str, code: str = "") -> dict[str, str]:
        """The form of a status callback."""
        form = {"MessageSid": sid, "SmsSid": sid, "MessageStatus": state, "AccountSid": SID, "From": OURS}
        return {**form, "ErrorCode": code} if code else form

    # --- what it takes ---------------------------------------------------------------------------------------------

    def texts(self, number: str) -> list[str]:
        """What that phone got, in order."""
        return [message["body"] for message in self.sent if message["to"] == number]

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        parts = urlsplit(path)
        if parts.path.startswith("/cdn/"):
            return self._file(parts.path.removeprefix("/cdn/"), headers)
        wanted = "Basic " + base64.b64encode(f"{SID}:{TOKEN}".encode()).decode()
        if headers.get("Authorization") != wanted:
            return _error(401, 20003, "Authenticate")
        if "/Media/" in parts.path:
            return Answer(307, headers={"Location": f"{self.url}/cdn/{parts.path.rpartition('/')[2]}"})
        if parts.path != f"/2010-04-01/Accounts/{SID}/Messages.json":
            return _error(404, 20404, "not found")
        if method == "GET":
            return self._list(dict(parse_qsl(parts.query)))
        return self._create(dict(parse_qsl(body.decode(), keep_blank_values=True)))

    def _file(self, sid: str, headers: dict[str, str]) -> Answer:
        if "Authorization" in headers:
            self.wrong.append("credentials were sent to the address that a redirect named")
        if sid in self.expired or sid not in self.media:
            return Answer(403, b"<Error><Code>AccessDenied</Code></Error>")
        kind, content = self.media[sid]
        return Answer(200, content, {"Content-Type": kind})

    def _list(self, query: dict[str, str]) -> Answer:
        found = [one for one in reversed(self.sent) if one["to"] == query.get("To")]
        page = {"messages": found, "next_page_uri": None, "page": 0, "page_size": 50, "first_page_uri": "", "uri": ""}
        return Answer(200, json.dumps(page).encode(), {"Content-Type": "application/json"})

    def _create(self, form: dict[str, str]) -> Answer:
        mood = self.next_mood()
        if mood == "busy":
            return _error(429, 20429, "Too Many Requests", {"Retry-After": "1"})
        if mood == "away":
            return _error(503, 20503, "Service unavailable")
        if mood == "deaf":
            return Answer(None)
        number, text = form.get("To", ""), form.get("Body", "")
        if not (form.get("From") or form.get("MessagingServiceSid")):
            return _error(400, 21603, "A 'From' phone number is required")
        if not text and not form.get("ContentSid"):
            return _error(400, 21602, "Message body is required")
        if len(text) > 1600:
            return _error(400, 21617, "The concatenated message body exceeds the 1600 character limit")
        if number in self.stopped:
            return _error(400, 21610, "Attempt to send to unsubscribed recipient")
        if number.startswith("whatsapp:") and not form.get("ContentSid"):
            heard = self.heard_at.get(number)
            if heard is None or datetime.now(timezone.utc) - heard > timedelta(hours=24):
                return _error(400, 63016, "outside the allowed window")
        message = {
            "sid": "SM" + secrets.token_hex(16),
            "to": number,
            "from": form.get("From", OURS),
            "body": text,
            "status": "queued",
            "date_created": format_datetime(datetime.now(timezone.utc)),
            "date_sent": None,
            "num_segments": "1",
            "error_code": None,
            "content_sid": form.get("ContentSid"),
            "content_variables": form.get("ContentVariables"),
            "status_callback": form.get("StatusCallback"),
        }
        with self.lock:
            self.sent.append(message)
        if mood == "cut":
            return Answer(None)
        if mood == "fault":
            return _error(500, 20500, "Internal error")
        return Answer(201, json.dumps(message).encode(), {"Content-Type": "application/json"})


def _error(status: int, code: int, text: str, headers: Mapping[str, str] | None = None) -> Answer:
    body = {"code": code, "message": text, "more_info": f"https://www.twilio.com/docs/errors/{code}", "status": status}
    return Answer(status, json.dumps(body).encode(), {"Content-Type": "application/json", **(headers or {})})
