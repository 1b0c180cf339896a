"""Client of the dialogue process's relay: one clean turn goes in, the messages of the answer come out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Any

import aiohttp

from city311.channels.trust import trusted

PATH = "/webhooks/relay/turn"
FORGET_PATH = "/webhooks/relay/forget"

_KEPT_S = 3.0
"""How long an idle connection is kept: less than the dialogue process does (5 s), so that no turn meets its closing."""


class RelayUnavailable(Exception):
    """No answer now: not reached, too slow, or it said 503. The same turn may be sent again. The text holds no words
    of the resident."""


class RelayFault(RelayUnavailable):
    """The dialogue process failed on this turn or answered with something unreadable; again may help, or never."""


class RelayRefused(Exception):
    """The relay will not take this turn however often it is sent."""


@dataclass(frozen=True)
class Button:
    """A choice. ``payload`` is plain text: what the resident would have typed."""

    title: str
    payload: str


@dataclass(frozen=True)
class Message:
    """One message of an answer. ``custom`` may hold ``{"progress": {"step": 3, "of": 6}}`` and what later parts add."""

    text: str
    buttons: tuple[Button, ...] = ()
    custom: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """``{"text", "buttons": [{"title", "payload"}]}`` and ``custom`` when there is any."""
        shown: dict[str, Any] = {
            "text": self.text,
            "buttons": [{"title": button.title, "payload": button.payload} for button in self.buttons],
        }
        if self.custom:
            shown["custom"] = dict(self.custom)
        return shown


@dataclass(frozen=True)
class TurnToRelay:
    """One turn on its way. ``retry`` says that an earlier attempt may have been done already. ``details`` (location,
    media; see :class:`city311.store.turns.Turn`) reach the actions as metadata of the message."""

    turn: str
    sender: str
    text: str
    channel: str
    language: str
    retry: bool
    details: Mapping[str, Any] = field(default_factory=dict)


class Relay:
    """The relay at one address."""

    def __init__(self, url: str, secret: str, *, timeout_s: float = 10.0) -> None:
        """``url``: base address of the dialogue process. ``timeout_s``: for a whole turn, from start to end."""
        self._url = url.rstrip("/")
        self._headers = {"X-City311-Secret": secret, "Content-Type": "application/json"}
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._trusted = trusted(environment=False)  # reading them takes long, and would else delay the first resident
        self._client: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Relay:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Let go of the connections."""
        if self._client is not None:
            await self._client.close()

    async def forget(self, sender: str) -> None:
        """Delete all that the dialogue process keeps of ``sender``. Doing it again does no harm.

        Raises:
            RelayUnavailable: it could not be done now.
        """
        status, _ = await self._post(FORGET_PATH, {"sender": sender})
        if status != 200:
            raise RelayUnavailable(f"the relay said {status}")

    async def send(self, turn: TurnToRelay) -> tuple[Message, ...]:
        """The messages of the answer; empty when the dialogue said nothing.

        Raises:
            RelayUnavailable: send it again later with ``retry``.
            RelayFault: the same, but it may never work.
            RelayRefused: do not send it again.
        """
        body = {
            "sender": turn.sender,
            "text": turn.text,
            "channel": turn.channel,
            "metadata": {**turn.details, "turn": turn.turn, "retry": turn.retry, "language": turn.language},
        }
        status, content = await self._post(PATH, body)
        if status == 200:
            return _messages(content)
        if status in (408, 429, 502, 503, 504):
            raise RelayUnavailable(f"the relay said {status}")
        if status in (401, 403):
            raise RelayUnavailable(
                f"the relay said {status}: CITY311_RELAY_SECRET is not the same in portal and dialogue"
            )
        if status >= 500 or status == 404:
            # 404: Rasa answers before its channels are in place
            raise RelayFault(f"the relay said {status}")
        raise RelayRefused(f"the relay said {status}")

    async def _post(self, path: str, body: Mapping[str, Any]) -> tuple[int, bytes]:
        if self._client is None:  # here, because it belongs to the event loop that runs now
            self._client = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=200, keepalive_timeout=_KEPT_S, ssl=self._trusted),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers=self._headers,
                timeout=self._timeout,
            )
        try:
            async with self._client.post(
                f"{self._url}{path}", data=json.dumps(body).encode(), allow_redirects=False
            ) as response:
                return response.status, await response.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            # the exception's own text may hold an address, so only its kind is told
            raise RelayUnavailable(f"no answer from the relay ({type(error).__name__})") from None


def _messages(content: bytes) -> tuple[Message, ...]:
    try:
        document = json.loads(content)
        json.dumps(document, ensure_ascii=False).encode()  # half a character could not be stored or shown
    except (ValueError, RecursionError):
        raise RelayFault("the relay's answer is not JSON in whole characters") from None
    if not isinstance(document, dict) or not isinstance(document.get("messages"), list):
        raise RelayFault("the relay's answer has no list of messages")
    messages: list[Message] = []
    ahead: Mapping[str, Any] = {}
    for item in document["messages"]:
        message = message_from_json(item)
        if message is not None:
            messages.append(replace(message, custom={**ahead, **message.custom}))
            ahead = {}
        elif isinstance(item, dict) and isinstance(item.get("custom"), dict):
            # Rasa's output channels say the custom part of a response in a message of its own, after its text
            if messages:
                messages[-1] = replace(messages[-1], custom={**messages[-1].custom, **item["custom"]})
            else:
                ahead = {**ahead, **item["custom"]}
    return tuple(messages)


def message_from_json(item: object) -> Message | None:
    """The message that ``item`` describes, without fields of the wrong kind; None when nothing is left to show."""
    if not isinstance(item, dict):
        return None
    text = item.get("text")
    custom = item.get("custom")
    buttons = item.get("buttons")
    message = Message(
        text=text if isinstance(text, str) else "",
        buttons=tuple(
            Button(button["title"], button["payload"])
            for button in (buttons if isinstance(buttons, list) else [])
            if isinstance(button, dict)
            and isinstance(button.get("title"), str)
            and isinstance(button.get("payload"), str)
        ),
        custom=custom if isinstance(custom, dict) else {},
    )
    return message if message.text.strip() or message.buttons else None
