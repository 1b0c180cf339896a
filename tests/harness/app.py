"""An ASGI application under uvicorn in a thread of this process."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from typing import Any

import uvicorn


def listener() -> socket.socket:
    """A socket on a free loopback port, taken from now on: an application may be made that has to know its address."""
    taken = socket.socket()
    taken.bind(("127.0.0.1", 0))
    return taken


class _Server(uvicorn.Server):
    async def main_loop(self) -> None:
        # The original looks ten times a second whether it should stop: every test that has a server waits for that.
        await self.on_tick(0)
        while not self.should_exit:
            await asyncio.sleep(0.01)


class Served:
    """``app`` for one ``with`` block, on ``at`` or on any free port; ``options`` are uvicorn's."""

    def __init__(self, app: Any, at: socket.socket | None = None, **options: Any) -> None:
        self._socket = at or listener()
        self.port: int = self._socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._server = _Server(uvicorn.Config(app, log_level="warning", **options))
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True)

    def __enter__(self) -> Served:
        self._thread.start()
        while not self._server.started:
            if not self._thread.is_alive():
                raise RuntimeError("the application did not start")
            time.sleep(0.005)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(20)
        self._socket.close()
