"""The one way into Rasa: a clean turn from one of the portal's channels in, the messages of the answer out.

``POST /webhooks/relay/turn`` with the shared secret in ``X-City311-Secret``::

    {"sender": "web-…", "text": "…", "channel": "web", "metadata": {"turn": "…", "retry": false, "language": "en"}}
    → 200 {"messages": [{"text": "…", "buttons": [{"title": "…", "payload": "…"}], "custom": {…}}]}

The metadata may also hold ``location`` (``{"lat": 42.36, "lon": -71.1}``) and ``media`` (ids of stored attachments);
both reach the actions in the metadata of the message.

400: not of this shape. 401: wrong secret. 503: the turn was not done and nothing of it is stored; it may be sent again
with ``retry``, by which a turn that was done after all is recognised and answered with the same messages.

``POST /webhooks/relay/forget`` with the same secret and ``{"sender": "web-…"}`` deletes all that is kept of a sender.
"""

from __future__ import annotations

import gc
import hmac
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from rasa.core.channels.channel import CollectingOutputChannel, InputChannel, UserMessage
from rasa.shared.core.events import BotUttered, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker
from sanic import Blueprint
from sanic.request import Request
from sanic.response import HTTPResponse, json

from city311 import settings
from city311.dialogue.fixes import STRICT
from city311.dialogue.tracker_store import own_store
from city311.language.screening import without_command

logger = logging.getLogger(__name__)

_LONGEST_TEXT = 2_000
"""Characters; the channels cap at 1,000, so that more is not from them."""


class _Answer(CollectingOutputChannel):
    """What one turn says, one message for each utterance: Rasa's own collector cuts a text at its empty lines and sends
    ``custom`` apart. Named as the real channel, so that Rasa takes the responses written for that channel.
    """

    def __init__(self, channel: str) -> None:
        super().__init__()
        self._channel = channel

    def name(self) -> str:
        return self._channel

    async def send_response(self, recipient_id: str, message: dict[str, Any]) -> None:  # noqa: ARG002 - Rasa's signature
        if plain := _plain(message):
            self.messages.append(plain)


class Relay(InputChannel):
    """Rasa's side of the relay."""

    @classmethod
    def name(cls) -> str:
        """Path of the channel below ``/webhooks``."""
        return "relay"

    def blueprint(self, on_new_message: Callable[[UserMessage], Awaitable[Any]]) -> Blueprint:
        """The route; see the module."""
        secret = settings.load().secret("CITY311_RELAY_SECRET").encode()
        routes = Blueprint("city311_relay")

        @routes.listener("after_server_start")
        async def warm(app: Any, _loop: Any) -> None:
            await warm_up(getattr(app.ctx, "agent", None))

        @routes.route("/health", methods=["GET"])
        async def health(request: Request) -> HTTPResponse:
            # Rasa answers its own health address even when the model could not be loaded.
            agent = getattr(request.app.ctx, "agent", None)
            ready = agent is not None and agent.is_ready()
            return json({"status": "ok" if ready else "no model"}, status=200 if ready else 503)

        @routes.route("/turn", methods=["POST"])
        async def turn(request: Request) -> HTTPResponse:
            shown = request.headers.get("X-City311-Secret", "").encode("utf-8", "surrogateescape")
            if not hmac.compare_digest(shown, secret):
                return json({"error": "wrong secret"}, status=401)
            shape = _shape(request)
            if shape is None:
                return json({"error": "not a turn"}, status=400)
            sender, text, channel, metadata = shape
            try:
                if metadata["retry"]:
                    done = await _done_before(request.app.ctx.agent, sender, metadata["turn"])
                    if done is not None:
                        return json({"messages": done})
                answer = _Answer(channel)
                await on_new_message(
                    UserMessage(
                        text,
                        answer,
                        sender,
                        input_channel=channel,
                        metadata={**{name: metadata[name] for name in metadata if name != "retry"}, STRICT: True},
                    )
                )
            except Exception as failure:
                # The cause is logged where it arose; its text may hold a resident's words.
                logger.error("turn failed (%s)", type(failure).__name__)
                return json({"error": "the turn was not done"}, status=503)
            if not answer.messages:
                return json({"error": "no answer"}, status=503)
            return json({"messages": answer.messages})

        @routes.route("/forget", methods=["POST"])
        async def forget(request: Request) -> HTTPResponse:
            shown = request.headers.get("X-City311-Secret", "").encode("utf-8", "surrogateescape")
            if not hmac.compare_digest(shown, secret):
                return json({"error": "wrong secret"}, status=401)
            sender = _sender(request)
            if not sender:
                return json({"error": "not a sender"}, status=400)
            agent = request.app.ctx.agent
            try:
                store = own_store(agent.tracker_store)
                # A turn at work keeps its lock until it is stored.
                async with agent.lock_store.lock(sender):
                    store.forget(sender)
            except Exception as failure:
                logger.error("a conversation could not be deleted (%s)", type(failure).__name__)
                return json({"error": "it was not deleted"}, status=503)
            return json({"forgotten": True})

        return routes


def _sender(request: Request) -> str:
    try:
        body = request.json
    except Exception:
        return ""
    sender = body.get("sender") if isinstance(body, dict) else None
    return sender if isinstance(sender, str) and len(sender) <= 255 else ""


async def warm_up(agent: Any) -> None:
    """Loads what would else be loaded for the first resident, and leaves what stays out of garbage collections."""
    if agent is not None and agent.is_ready():
        await agent.parse_message("a pothole at 10 Main Street")
    gc.collect()
    gc.freeze()


def _shape(request: Request) -> tuple[str, str, str, dict[str, Any]] | None:
    try:
        body = request.json
    except Exception:
        return None
    if not isinstance(body, dict):
        return None
    metadata = body.get("metadata") or {}
    sender, text, channel = body.get("sender"), body.get("text"), body.get("channel")
    if not (isinstance(sender, str) and isinstance(text, str) and isinstance(channel, str)):
        return None
    if not (sender and channel and isinstance(metadata, dict)):
        return None
    beside = {**_location(metadata.get("location")), **_media(metadata.get("media"))}
    if not text and not beside:
        return None
    if len(text) > _LONGEST_TEXT or len(sender) > 255:
        return None
    known = {
        "turn": str(metadata.get("turn") or ""),
        "retry": metadata.get("retry") is True,
        "language": str(metadata.get("language") or ""),
        **beside,
    }
    # Rasa takes no empty message, as a photo or a pin alone would be, and reads a leading slash as a command; the
    # channels have removed it, and this makes sure.
    return sender, without_command(text) or "…", channel, known


def _location(given: Any) -> dict[str, Any]:
    """The position of a pin, in WGS 84 degrees; nothing if it is none."""
    if not isinstance(given, dict):
        return {}
    lat, lon = _number(given.get("lat")), _number(given.get("lon"))
    if lat is None or lon is None or not (-90 <= lat <= 90 and -180 <= lon <= 180):
        return {}
    return {"location": {"lat": lat, "lon": lon}}


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _media(given: Any) -> dict[str, Any]:
    """Ids of attachments; nothing if there are none."""
    ids = [one for one in given if isinstance(one, str) and one] if isinstance(given, list) else []
    return {"media": ids} if ids else {}


def _plain(message: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in message.items() if key in ("text", "buttons", "custom", "image") and value}


async def _done_before(agent: Any, sender: str, turn: str) -> list[dict[str, Any]] | None:
    """The messages of that turn if it was done and stored; None if it was not."""
    if not turn:
        return None
    # The turn may still be at work for the caller that gave up on it: its lock is held until it is stored.
    async with agent.lock_store.lock(sender):
        tracker = await agent.tracker_store.retrieve(sender)
    return _answer_to(tracker, turn) if tracker is not None else None


def _answer_to(tracker: DialogueStateTracker, turn: str) -> list[dict[str, Any]] | None:
    messages: list[dict[str, Any]] | None = None
    for event in tracker.events:
        if isinstance(event, UserUttered):
            if messages is not None:
                break
            if (event.metadata or {}).get("turn") == turn:
                messages = []
        elif isinstance(event, BotUttered) and messages is not None and (plain := _plain(event.message())):
            messages.append(plain)
    return messages
