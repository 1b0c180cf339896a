"""Meta's wire formats: the WhatsApp Cloud API (https://developers.facebook.com/docs/whatsapp/cloud-api)."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import urlsplit

import httpx

from city311.channels.media import Located, NotFetched, Refused
from city311.channels.providers import CannotTell, Envelope, MaybeTaken, NotAllowed, NotTaken, Part, WindowClosed
from city311.channels.received import WHATSAPP, Fate, Forged, Media, Received, Unreadable, is_number, position
from city311.channels.trust import trusted
from city311.channels.whatsapp import as_buttons, row

NAME = "meta"
API = "https://graph.facebook.com"
VERSION = "v23.0"
MEDIA_HOSTS = ("lookaside.fbsbx.com", ".fbcdn.net", ".whatsapp.net")

_STALE = timedelta(days=8)
"""Meta brings a message again for seven days; what is older was recorded and is played back."""
_AHEAD = timedelta(minutes=15)
_WINDOW_CLOSED = 131047
_BUSY = (4, 80007, 130429, 131048, 131056, 133016)
_LOST = (1, 2, 131000, 131016)  # "try again later", with no word of whether it was taken
_ACCOUNT = (0, 3, 10, 190, 200)
_MEDIA_TYPES = ("image", "document", "audio", "video", "sticker")


@dataclass(frozen=True)
class Account:
    """A phone number of a WhatsApp business account, and the app that serves it.

    Attributes:
        app_secret: signs what Meta brings. ``verify_token``: what Meta shows when the webhook is set up.
        templates: our name of a template → ``name:language``.
        url: another address of the API, for tests.
    """

    phone_number_id: str
    access_token: str = field(repr=False)
    app_secret: str = field(repr=False)
    verify_token: str = field(repr=False)
    templates: Mapping[str, str] = field(default_factory=dict)
    url: str = API


def challenge(account: Account, mode: str, token: str, value: str) -> str:
    """What to answer when Meta checks the webhook.

    Raises:
        Forged: whoever asks does not know the token.
    """
    shown = token.encode("utf-8", "replace")
    if mode != "subscribe" or not hmac.compare_digest(shown, account.verify_token.encode()):
        raise Forged("the verify token does not fit")
    return value[:200]


def read(account: Account, body: bytes, signature: str, at: datetime) -> list[Received | Fate]:
    """The messages and the news in a webhook's body, messages in the order in which they were written.

    Raises:
        Forged: the signature does not fit.
        Unreadable: it is not what Meta documents.
    """
    wanted = hmac.new(account.app_secret.encode(), body, hashlib.sha256).hexdigest()
    given = signature.removeprefix("sha256=").encode("utf-8", "replace")
    if not signature.startswith("sha256=") or not hmac.compare_digest(given, wanted.encode()):
        raise Forged("the signature does not fit")
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise Unreadable("the body is not JSON") from None
    if not isinstance(document, dict) or document.get("object") != "whatsapp_business_account":
        raise Unreadable("it is of another object")
    found: list[tuple[float, Received | Fate]] = []
    for value in _values(document):
        if _text(_dict(value.get("metadata")).get("phone_number_id")) != account.phone_number_id:
            continue
        for message in _dicts(value.get("messages")):
            written = _moment(message.get("timestamp"))
            if written is None or not -_AHEAD <= at - written <= _STALE:
                continue
            if (received := _message(account, message)) is not None:
                found.append((written.timestamp(), received))
        found.extend((0.0, fate) for status in _dicts(value.get("statuses")) if (fate := _fate(status)) is not None)
    return [one for _, one in sorted(found, key=lambda pair: pair[0])]


def _values(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for entry in _dicts(document.get("entry")):
        for change in _dicts(entry.get("changes")):
            if change.get("field") == "messages":
                yield _dict(change.get("value"))


def _message(account: Account, message: Mapping[str, Any]) -> Received | None:
    number, name = f"+{_text(message.get('from'))}", _text(message.get("id"))
    kind = _text(message.get("type"))
    if not is_number(number) or not name or len(name) > 256 or kind in ("reaction", "system", "unsupported"):
        return None
    part = _dict(message.get(kind))
    text, address, place = "", "", None
    media: tuple[Media, ...] = ()
    if kind == "text":
        text = _text(part.get("body"))
    elif kind == "interactive":
        pressed = _dict(part.get("button_reply")) or _dict(part.get("list_reply"))
        text = _text(pressed.get("id")) or _text(pressed.get("title"))
    elif kind == "button":
        text = _text(part.get("payload")) or _text(part.get("text"))
    elif kind == "location":
        place = position(part.get("latitude"), part.get("longitude"))
        address = _text(part.get("address")) or _text(part.get("name"))
    elif kind in _MEDIA_TYPES:
        text = _text(part.get("caption"))
        media = (Media(_text(part.get("id")), _text(part.get("mime_type")).partition(";")[0][:100]),)
    return Received(
        channel=WHATSAPP,
        provider=NAME,
        id=name,
        number=number,
        line=account.phone_number_id,
        text=text,
        media=media,
        position=place,
        address=address,
    )


def _fate(status: Mapping[str, Any]) -> Fate | None:
    name, state = _text(status.get("id")), _text(status.get("status"))[:24]
    errors = list(_dicts(status.get("errors")))
    code = str(errors[0].get("code", ""))[:12] if errors else ""
    if not name or len(name) > 128 or not state:
        return None
    return Fate(
        name, state, failed=state == "failed", code=code, reference=_text(status.get("biz_opaque_callback_data"))[:512]
    )


class Meta:
    """Sends through one phone number."""

    interactive = True
    windowed = True

    def __init__(self, account: Account, *, timeout_s: float = 15.0) -> None:
        self._account = account
        self._client = httpx.AsyncClient(
            base_url=f"{account.url.rstrip('/')}/{VERSION}/",
            headers={"Authorization": f"Bearer {account.access_token}"},
            timeout=timeout_s,
            verify=trusted(),
        )

    async def send(self, part: Part, envelope: Envelope) -> str:
        """See :class:`city311.channels.providers.Provider`."""
        body = {
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            "to": envelope.number.removeprefix("+"),
            "biz_opaque_callback_data": envelope.reference[:512],
            **self._content(part),
        }
        try:
            response = await self._client.post(f"{envelope.line}/messages", json=body)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise NotTaken(type(error).__name__) from None
        except httpx.HTTPError as error:
            raise MaybeTaken(type(error).__name__) from None
        if response.status_code == 200:
            try:
                return str(response.json()["messages"][0]["id"])
            except (ValueError, LookupError, TypeError):
                raise MaybeTaken("an answer without an id") from None
        raise _failure(response)

    async def find(self, part: Part, envelope: Envelope, since: datetime) -> str | None:  # noqa: ARG002
        """Meta cannot be asked for a message that was sent; its news name the reference that went with it."""
        raise CannotTell("no answer from Meta, and no news", news=True)

    async def close(self) -> None:
        """Let go of the connections."""
        await self._client.aclose()

    def _content(self, part: Part) -> dict[str, Any]:
        if part.template:
            name, _, language = self._account.templates.get(part.template, "").partition(":")
            if not name:
                raise NotAllowed("template_not_set_up")
            values = [{"type": "text", "text": value} for value in part.values]
            template: dict[str, Any] = {"name": name, "language": {"code": language or "en_US"}}
            if values:
                template["components"] = [{"type": "body", "parameters": values}]
            return {"type": "template", "template": template}
        if not part.choices:
            return {"type": "text", "text": {"body": part.text, "preview_url": False}}
        body = {"text": part.text}
        if as_buttons(part.choices):
            buttons = [{"type": "reply", "reply": {"id": one.payload, "title": one.title}} for one in part.choices]
            question = {"type": "button", "body": body, "action": {"buttons": buttons}}
            return {"type": "interactive", "interactive": question}
        rows = []
        for one in part.choices:
            title, description = row(one)
            rows.append({"id": one.payload, "title": title, **({"description": description} if description else {})})
        action = {"button": part.choose, "sections": [{"title": part.choose, "rows": rows}]}
        return {"type": "interactive", "interactive": {"type": "list", "body": body, "action": action}}


class MediaSource:
    """Where Meta keeps what residents attach: each time under a new address, which lives for minutes."""

    def __init__(self, account: Account) -> None:
        self._base = f"{account.url.rstrip('/')}/{VERSION}/"
        self._headers = {"Authorization": f"Bearer {account.access_token}"}
        self._own = urlsplit(account.url).netloc if account.url != API else ""

    async def locate(self, reference: str, client: httpx.AsyncClient) -> Located:
        """See :class:`city311.channels.media.Source`."""
        if not reference.isascii() or not reference.isalnum():
            raise Refused("reference")
        try:
            response = await client.get(f"{self._base}{reference}", headers=self._headers)
            url = response.json().get("url") if response.status_code == 200 else None
        except (httpx.HTTPError, ValueError) as error:
            raise NotFetched(type(error).__name__) from None
        if response.status_code in (400, 404):
            raise Refused(f"status_{response.status_code}")
        if not isinstance(url, str):
            raise NotFetched(str(response.status_code))
        prefixes = ["https://lookaside.fbsbx.com/"]
        if self._own:
            prefixes.append(f"{urlsplit(self._base).scheme}://{self._own}/")
        return Located(url, headers=self._headers, credentials_for=prefixes, hosts=MEDIA_HOSTS, own=self._own)


def _failure(response: httpx.Response) -> Exception:
    status = response.status_code
    try:
        code = int(response.json()["error"]["code"])
    except (ValueError, LookupError, TypeError):
        code = -1
    wait = response.headers.get("retry-after", "")
    if code == _WINDOW_CLOSED:
        return WindowClosed(str(code))
    if status == 429 or code in _BUSY or status == 503:
        return NotTaken(f"{status} {code}", float(wait) if wait.isdecimal() else None)
    if status in (401, 403) or code in _ACCOUNT:
        # of the account, not of the message: an operator mends it, and the message should go then
        return NotTaken(f"{status} {code} wrong_credentials", 60.0)
    if status >= 500 or status == 408 or code in _LOST:
        return MaybeTaken(f"{status} {code}")
    return NotAllowed(f"{status} {code}")


def _moment(value: object) -> datetime | None:
    text = str(value)
    if not text.isascii() or not text.isdecimal() or len(text) > 11:
        return None
    return datetime.fromtimestamp(int(text), timezone.utc)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _dict(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _dicts(value: object) -> Iterator[Mapping[str, Any]]:
    return (one for one in value if isinstance(one, dict)) if isinstance(value, list) else iter(())
