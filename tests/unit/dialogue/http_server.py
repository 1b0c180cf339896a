"""Rasa's channels behind a real HTTP server on a free port, for one ``async with`` block."""

from __future__ import annotations

import uuid
from typing import Any

import aiohttp
from harness.ports import free_port
from rasa.core.channels.channel import InputChannel, register
from sanic import Sanic
from sanic.touchup import TouchUp


class Serving:
    """``async with Serving([Relay()], agent) as client``: ``client.post("/webhooks/relay/turn", json=…)``."""

    def __init__(self, channels: list[InputChannel], agent: Any) -> None:
        self.app = Sanic(f"channels_{uuid.uuid4().hex}", configure_logging=False)
        self.app.ctx.agent = agent
        register(channels, self.app, route="/webhooks/")
        self.port = free_port()

    async def __aenter__(self) -> aiohttp.ClientSession:
        self._server = await self.app.create_server(
            host="127.0.0.1", port=self.port, return_asyncio_server=True, access_log=False
        )
        await self._server.startup()
        # Sanic rewrites its own classes when an app starts, and can do so only once a process.
        TouchUp.run = lambda _app: None
        self._client = aiohttp.ClientSession(base_url=f"http://127.0.0.1:{self.port}")
        return self._client

    async def __aexit__(self, *_: object) -> None:
        await self._client.close()
        self._server.close()
        await self._server.wait_closed()


class AgentDouble:
    """Remembers the messages, and answers each as ``answer`` does (an async function of the message)."""

    def __init__(self, answer: Any = None) -> None:
        self.messages: list[Any] = []
        self.answer = answer or _hello

    async def handle_message(self, message: Any) -> None:
        self.messages.append(message)
        await self.answer(message)


async def _hello(message: Any) -> None:
    await message.output_channel.send_response(message.sender_id, {"text": "Hello."})
