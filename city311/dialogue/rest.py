"""Rasa's REST channel for developers, with the same screening as the public channels. Development profile only."""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable
from typing import Any

from rasa.core.channels.channel import CollectingOutputChannel, UserMessage
from rasa.core.channels.rest import RestInput
from sanic import Blueprint
from sanic.request import Request
from sanic.response import HTTPResponse, json

from city311.dialogue.city_pack import city_pack
from city311.language.catalogues import spoken_language
from city311.language.responses import responses
from city311.language.screening import marks, screen

logger = logging.getLogger(__name__)

_INTENT = re.compile(r"/[a-z_]+")
"""A developer may send an intent, as in any Rasa project; never slots or entities with it."""


class DeveloperRest(RestInput):
    """``POST /webhooks/rest/webhook {sender, message}`` → ``[{recipient_id, text, buttons…}]``."""

    @classmethod
    def name(cls) -> str:
        """Rasa's own name for it, so that the path is the usual one."""
        return "rest"

    def blueprint(self, on_new_message: Callable[[UserMessage], Awaitable[Any]]) -> Blueprint:
        """The routes of Rasa's channel: ``/`` and ``/webhook``."""
        pack = city_pack()
        words = responses(pack, spoken_language(pack))
        removed = marks(words)
        routes = Blueprint("city311_rest")

        @routes.route("/", methods=["GET"])
        async def health(_request: Request) -> HTTPResponse:
            return json({"status": "ok"})

        @routes.route("/webhook", methods=["POST"])
        async def receive(request: Request) -> HTTPResponse:
            shape = _shape(request)
            if shape is None:
                return json({"error": 'send JSON: {"sender": text, "message": text}'}, status=400)
            sender, raw = shape
            screened = screen(raw, removed)
            if screened.too_long:
                return json([{"recipient_id": sender, "text": words.say("utter_too_long")}])
            text = raw.strip() if _INTENT.fullmatch(raw.strip()) else screened.text
            if not text:
                return json([{"recipient_id": sender, "text": words.say("utter_empty_message")}])
            collector = CollectingOutputChannel()
            try:
                await on_new_message(UserMessage(text, collector, sender, input_channel=self.name()))
            except Exception as failure:
                logger.error("turn failed (%s)", type(failure).__name__)
                collector.messages.clear()  # half a turn would mislead
            if not collector.messages:
                return json([{"recipient_id": sender, "text": words.say("utter_apology")}])
            return json(collector.messages)

        return routes


def _shape(request: Request) -> tuple[str, str] | None:
    try:
        body = request.json
    except Exception:
        return None
    if not isinstance(body, dict) or not isinstance(body.get("message"), str):
        return None
    sender = body.get("sender", "default")
    return (sender, body["message"]) if isinstance(sender, str) and 0 < len(sender) <= 255 else None
