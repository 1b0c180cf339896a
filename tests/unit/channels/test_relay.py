from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import RawTestServer, unused_port

from city311.channels.relay import Relay, RelayFault, RelayRefused, RelayUnavailable, TurnToRelay

TURN = TurnToRelay(turn="t", sender="web-a", text="hello", channel="web", language="en", retry=False)


def answer(body: bytes, status: int = 200, **headers: str) -> list[dict[str, Any]]:
    async def reply(_request: web.BaseRequest) -> web.Response:
        return web.Response(body=body, status=status, headers=headers)

    async def send() -> list[dict[str, Any]]:
        async with RawTestServer(reply) as server, Relay(str(server.make_url("/")), "secret") as relay:
            return [message.as_json() for message in await relay.send(TURN)]

    return asyncio.run(send())


def messages(*items: Any) -> bytes:
    return json.dumps({"messages": list(items)}).encode()


def test_what_is_of_the_wrong_kind_is_left_out() -> None:
    assert answer(
        messages(
            {
                "text": "hi",
                "buttons": [{"title": "A", "payload": "a"}, {"title": "B"}, 3, {"title": 1, "payload": "x"}],
            },
            {"text": 5, "buttons": "x", "custom": []},
            "text",
            None,
            {"recipient_id": "x", "text": "there", "buttons": None},
        )
    ) == [{"text": "hi", "buttons": [{"title": "A", "payload": "a"}]}, {"text": "there", "buttons": []}]


PROGRESS = {"progress": {"step": 1, "of": 6}}


@pytest.mark.parametrize(
    "said",
    [
        [{"text": "Where?", "custom": PROGRESS}],
        [{"text": "Where?"}, {"custom": PROGRESS}],
        [{"custom": PROGRESS}, {"text": "Where?"}],
    ],
)
def test_a_custom_part_belongs_to_its_text_however_it_comes(said: list[Any]) -> None:
    assert answer(messages(*said)) == [{"text": "Where?", "buttons": [], "custom": PROGRESS}]


def test_a_custom_part_alone_is_no_answer() -> None:
    assert answer(messages({"custom": PROGRESS})) == []


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (503, b"", RelayUnavailable),
        (429, b"", RelayUnavailable),
        (401, b"", RelayUnavailable),
        (500, b"", RelayFault),
        (404, b"", RelayFault),
        (200, b"<html>", RelayFault),
        (200, b"\xff", RelayFault),
        (200, b"[]", RelayFault),
        (200, b'{"messages": {}}', RelayFault),
        (200, b'{"messages": [{"text": "\\ud800"}]}', RelayFault),
        (200, b"[" * 100_000, RelayFault),
        (400, b"", RelayRefused),
        (302, b"", RelayRefused),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_goes_wrong_is_told_apart(status: int, body: bytes, error: type[Exception]) -> None:
    headers = {"Location": "http://elsewhere.invalid/"} if status == 302 else {}
    with pytest.raises(error) as caught:
        answer(body, status, **headers)
    assert type(caught.value) is error


def test_who_does_not_answer_is_tried_again() -> None:
    async def nobody() -> None:
        async with Relay(f"http://127.0.0.1:{unused_port()}", "secret") as relay:
            await relay.send(TURN)

    async def never() -> None:
        over = asyncio.Event()

        async def reply(_request: web.BaseRequest) -> web.Response:
            await over.wait()
            return web.Response()

        async with RawTestServer(reply) as server, Relay(str(server.make_url("/")), "secret", timeout_s=0.01) as relay:
            try:
                await relay.send(TURN)
            finally:
                over.set()

    async def cut() -> None:
        async def reply(request: web.BaseRequest) -> web.Response:
            assert request.transport is not None
            request.transport.close()
            return web.Response()

        async with RawTestServer(reply) as server, Relay(str(server.make_url("/")), "secret") as relay:
            await relay.send(TURN)

    for silence in (nobody, never, cut):
        with pytest.raises(RelayUnavailable) as caught:
            asyncio.run(silence())
        assert type(caught.value) is RelayUnavailable
        assert "127.0.0.1" not in str(caught.value)


def test_turns_share_a_kept_connection() -> None:
    connections: set[Any] = set()

    async def reply(request: web.BaseRequest) -> web.Response:
        connections.add(request.transport)
        return web.Response(body=messages({"text": "hi"}))

    async def send() -> None:
        async with RawTestServer(reply) as server, Relay(str(server.make_url("/")), "secret") as relay:
            for _ in range(3):
                await relay.send(TURN)

    asyncio.run(send())
    assert len(connections) == 1
