from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from city311.channels.relay import Relay, RelayFault, RelayRefused, RelayUnavailable, TurnToRelay

TURN = TurnToRelay(turn="t", sender="web-a", text="hello", channel="web", language="en", retry=False)


def answer(response: httpx.Response | Exception) -> list[dict[str, Any]]:
    def reply(_request: httpx.Request) -> httpx.Response:
        if isinstance(response, Exception):
            raise response
        return response

    async def send() -> list[dict[str, Any]]:
        async with Relay("http://dialogue", "secret", transport=httpx.MockTransport(reply)) as relay:
            return [message.as_json() for message in await relay.send(TURN)]

    return asyncio.run(send())


def messages(*items: Any) -> httpx.Response:
    return httpx.Response(200, json={"messages": list(items)})


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
    ("response", "error"),
    [
        (httpx.ConnectError("to 10.0.0.1"), RelayUnavailable),
        (httpx.ReadTimeout("slow"), RelayUnavailable),
        (httpx.Response(503), RelayUnavailable),
        (httpx.Response(429), RelayUnavailable),
        (httpx.Response(401), RelayUnavailable),
        (httpx.Response(500), RelayFault),
        (httpx.Response(404), RelayFault),
        (httpx.Response(200, text="<html>"), RelayFault),
        (httpx.Response(200, content=b"\xff"), RelayFault),
        (httpx.Response(200, json=[]), RelayFault),
        (httpx.Response(200, json={"messages": {}}), RelayFault),
        (httpx.Response(200, content=b'{"messages": [{"text": "\\ud800"}]}'), RelayFault),
        (httpx.Response(200, content=b"[" * 100_000), RelayFault),
        (httpx.Response(400), RelayRefused),
        (httpx.Response(302, headers={"Location": "http://elsewhere/"}), RelayRefused),
    ],
)
def test_what_goes_wrong_is_told_apart(response: httpx.Response | Exception, error: type[Exception]) -> None:
    with pytest.raises(error) as caught:
        answer(response)
    assert type(caught.value) is error
    assert "10.0.0.1" not in str(caught.value)
