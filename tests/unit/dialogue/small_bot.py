"""Talking to the small model that conftest.py trains."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass, field
from typing import Any

from rasa.core.agent import Agent
from rasa.core.channels.channel import CollectingOutputChannel, UserMessage
from rasa.shared.core.trackers import DialogueStateTracker

from city311 import settings
from city311.dialogue import action_calls, fixes

HOUSE = settings.HOUSE
RELAY_SECRET = "the-secret-of-the-relay"


@dataclass
class Conversation:
    """One resident. ``strict`` asks for failures as exceptions, as the relay does."""

    agent: Agent
    sender: str = field(default_factory=lambda: uuid.uuid4().hex)
    channel: str = "web"

    def send(self, text: str, *, strict: bool = False, collector: Any = None, **metadata: Any) -> list[dict[str, Any]]:
        collector = collector or CollectingOutputChannel()
        if strict:
            metadata[fixes.STRICT] = True
        message = UserMessage(text, collector, self.sender, input_channel=self.channel, metadata=metadata)
        asyncio.run(closing_connections(self.agent.handle_message(message)))
        return collector.messages

    def says(self, text: str, **options: Any) -> list[str]:
        """The texts of the answer."""
        return [message["text"] for message in self.send(text, **options) if "text" in message]

    def stored(self) -> DialogueStateTracker | None:
        """What the tracker store has, all sessions."""
        return asyncio.run(self.agent.tracker_store.retrieve_full_tracker(self.sender))

    def events(self) -> list[str]:
        tracker = self.stored()
        return [event.type_name for event in tracker.events] if tracker else []


async def closing_connections(work: Any) -> Any:
    """Runs ``work``, then closes the kept connections: every test has an event loop of its own."""
    try:
        return await work
    finally:
        for endpoint in action_calls._endpoints.values():
            if endpoint._client is not None and endpoint._loop is asyncio.get_running_loop():
                await endpoint._client.close()
