"""2Chat's wire formats: WhatsApp through a session of WhatsApp Web (https://developers.2chat.co/).

2Chat signs nothing that we could verify, so that the webhook's address itself is the secret.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import httpx

from city311.channels.media import Located
from city311.channels.providers import CannotTell, Envelope, MaybeTaken, NotAllowed, NotTaken, Part
from city311.channels.received import WHATSAPP, Fate, Forged, Media, Received, Unreadable, is_number
from city311.channels.trust import trusted

NAME = "2chat"
API = "https://api.p.2chat.io/open"
MEDIA_HOSTS = ("2chat-user-data.s3.amazonaws.com", ".2chat.io", ".2chat.co")

_RECEIPT = "whatsapp.message.receipt."
_FATES = {"sent": "sent", "received": "delivered", "read": "read", "not-sent": "failed"}
"""The end of a receipt's name → what became of the message."""


@dataclass(frozen=True)
class Account:
    """A number that is connected to 2Chat.

    Attributes:
        number: ours, in E.164.
        webhook_token: last part of the webhook's address, which nobody can guess.
        media_hosts: where 2Chat keeps files; ``.name`` stands for all below ``name``.
        url: another address of the API, for tests.
    """

    number: str
    api_key: str = field(repr=False)
    webhook_token: str = field(repr=False)
    media_hosts: tuple[str, ...] = MEDIA_HOSTS
    url: str = API


def read(account: Account, token: str, body: bytes) -> Received | Fate | None:
    """The message in a webhook's body, or what became of one of ours. None: one of a group, or of another number.

    Raises:
        Forged: the token is another.
        Unreadable: it is not what 2Chat documents.
    """
    if not hmac.compare_digest(token.encode("utf-8", "replace"), account.webhook_token.encode()):
        raise Forged("the token does not fit")
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise Unreadable("the body is not JSON") from None
    if not isinstance(document, dict):
        raise Unreadable("the body is no object")
    name = document.get("message_uuid") or document.get("uuid") or document.get("id")
    if not isinstance(name, str) or not name or len(name) > 256:
        raise Unreadable("uuid is missing")
    event = document.get("event")
    if isinstance(event, str) and event.startswith(_RECEIPT):
        state = _FATES.get(event.removeprefix(_RECEIPT))
        return Fate(name, state, failed=state == "failed") if state else None
    number, line = _number(document.get("remote_phone_number")), _number(document.get("channel_phone_number"))
    if document.get("participant") or number == account.number or line != account.number or not is_number(number):
        return None
    if document.get("sent_by") == "api":
        return Fate(name, "sent")  # "whatsapp.message.sent": ours, unless another program uses the number, too
    if document.get("sent_by") != "user":
        return None
    message: Any = document.get("message")
    message = message if isinstance(message, dict) else {}
    return Received(
        channel=WHATSAPP,
        provider=NAME,
        id=name,
        number=number,
        line=account.number,
        text=message["text"] if isinstance(message.get("text"), str) else "",
        media=_media(message.get("media")),
    )


def _media(given: object) -> tuple[Media, ...]:
    if not isinstance(given, Mapping) or not isinstance(given.get("url"), str):
        return ()
    kind = given.get("mime_type")
    return (Media(given["url"], kind.partition(";")[0][:100] if isinstance(kind, str) else ""),)


def _number(value: object) -> str:
    text = value if isinstance(value, str) else ""
    return text if text.startswith("+") else f"+{text}"


class TwoChat:
    """Sends through one number, at a person's pace: it is a person's WhatsApp session."""

    interactive = False
    windowed = True

    def __init__(self, account: Account, *, timeout_s: float = 15.0) -> None:
        self._client = httpx.AsyncClient(
            base_url=f"{account.url.rstrip('/')}/",
            headers={"X-User-API-Key": account.api_key},
            timeout=timeout_s,
            verify=trusted(),
        )

    async def send(self, part: Part, envelope: Envelope) -> str:
        """See :class:`city311.channels.providers.Provider`."""
        if part.template:
            raise NotAllowed("2chat_has_no_templates")
        body = {"from_number": envelope.line, "to_number": envelope.number, "text": part.text}
        try:
            response = await self._client.post("whatsapp/send-message", json=body)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise NotTaken(type(error).__name__) from None
        except httpx.HTTPError as error:
            raise MaybeTaken(type(error).__name__) from None
        status, wait = response.status_code, response.headers.get("retry-after", "")
        if status in (429, 503):
            raise NotTaken(str(status), float(wait) if wait.isdecimal() else None)
        if status in (401, 403):
            raise NotTaken(f"{status} wrong_credentials", 60.0)
        if status >= 500 or status == 408:
            raise MaybeTaken(str(status))
        if status not in (200, 201):
            raise NotAllowed(str(status))
        try:
            answer = response.json()
        except ValueError:
            raise MaybeTaken("an answer that is not JSON") from None
        if not isinstance(answer, dict) or answer.get("success") is False:
            raise NotAllowed("not_successful")
        return str(answer.get("message_uuid") or answer.get("uuid") or "taken")[:128]

    async def find(self, part: Part, envelope: Envelope, since: datetime) -> str | None:  # noqa: ARG002
        """2Chat cannot be asked for a message that was sent."""
        raise CannotTell("no answer from 2Chat", news=False)

    async def close(self) -> None:
        """Let go of the connections."""
        await self._client.aclose()


class MediaSource:
    """Where 2Chat keeps what residents attach."""

    def __init__(self, account: Account) -> None:
        self._hosts = account.media_hosts
        self._own = urlsplit(account.url).netloc if account.url != API else ""

    async def locate(self, reference: str, client: httpx.AsyncClient) -> Located:  # noqa: ARG002 - the address is known
        """See :class:`city311.channels.media.Source`."""
        return Located(reference, hosts=self._hosts, own=self._own)
