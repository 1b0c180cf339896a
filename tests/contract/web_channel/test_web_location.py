"""A position that a resident shares on the page goes with the message."""

from __future__ import annotations

import httpx
import pytest
from doubles.relay import RelayDouble


def test_a_position_goes_with_a_message_that_may_have_no_words(page: httpx.Client, relay: RelayDouble) -> None:
    body = {"id": "m1", "text": "", "location": {"lat": 42.3731, "lon": -71}}
    sent = page.post("/channels/web/messages", json=body)

    assert sent.status_code == 200
    assert sent.json()["turn"]
    assert relay.calls[-1]["metadata"]["location"] == {"lat": 42.3731, "lon": -71.0}


@pytest.mark.parametrize(
    "location",
    ["42,-71", [42, -71], {}, {"lat": 42}, {"lat": "42", "lon": "-71"}, {"lat": True, "lon": 1}, {"lat": 91, "lon": 0},
     {"lat": 0, "lon": -181}, {"lat": None, "lon": None}, 7],
)  # fmt: skip
def test_what_is_no_position_on_earth_is_refused(page: httpx.Client, relay: RelayDouble, location: object) -> None:
    sent = page.post("/channels/web/messages", json={"id": "m1", "text": "x", "location": location})

    assert sent.status_code == 422
    assert "42" not in sent.text.replace("422", "")
    assert relay.calls == []


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_nor_are_numbers_that_are_none(page: httpx.Client, relay: RelayDouble, number: str) -> None:
    content = f'{{"id": "m1", "text": "x", "location": {{"lat": {number}, "lon": 0}}}}'
    sent = page.post("/channels/web/messages", content=content, headers={"content-type": "application/json"})

    assert sent.status_code == 422
    assert relay.calls == []
