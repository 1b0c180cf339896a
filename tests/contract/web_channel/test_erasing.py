"""A resident erases the conversation: gone on both sides, and its session dead."""

from __future__ import annotations

import httpx
from doubles.portal import Portal
from doubles.relay import RelayDouble
from sqlalchemy import Engine, text


def say(page: httpx.Client, words: str, **more: str) -> dict[str, object]:
    response = page.post("/channels/web/messages", json={"id": words.replace(" ", "-"), "text": words, **more})
    response.raise_for_status()
    return dict(response.json())


def test_nothing_is_left_and_a_new_conversation_begins(page: httpx.Client, relay: RelayDouble, engine: Engine) -> None:
    before = say(page, "my secret words")["conversation"]
    response = page.post("/channels/web/erase", json={})
    assert response.status_code == 200
    assert response.json()["session"] == "new"
    assert response.json()["conversation"] != before
    assert page.get("/channels/web/messages").json()["turns"] == []
    assert relay.forgotten == [relay.calls[0]["sender"]]
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM turns")).scalar() == 0
    assert say(page, "hello again")["session"] == "resumed"
    assert relay.calls[1]["sender"] != relay.calls[0]["sender"]


def test_an_erased_session_is_dead_also_for_who_kept_its_cookie(portal: Portal, relay: RelayDouble) -> None:
    with portal.client() as first, portal.client() as copy:
        say(first, "hello")
        copy.cookies.update(first.cookies)
        assert first.post("/channels/web/erase", json={}).status_code == 200
        assert copy.get("/channels/web/messages").json()["turns"] == []
        told = say(copy, "who am I")
        assert told["session"] == "new"
        assert told["seq"] == 1
    senders = [call["sender"] for call in relay.calls]
    assert len(set(senders)) == 2
    assert senders[0] == relay.forgotten[0]


def test_while_an_answer_is_on_its_way_nothing_is_erased(page: httpx.Client, relay: RelayDouble) -> None:
    relay.mode = "unavailable"
    say(page, "hello")
    response = page.post("/channels/web/erase", json={})
    assert response.status_code == 409
    assert response.json()["remedy"]
    assert len(page.get("/channels/web/messages").json()["turns"]) == 1


def test_without_the_dialogue_process_nothing_is_erased(page: httpx.Client, relay: RelayDouble) -> None:
    say(page, "hello")
    relay.mode = "unavailable"
    assert page.post("/channels/web/erase", json={}).status_code == 503
    assert len(page.get("/channels/web/messages").json()["turns"]) == 1
    relay.mode = "answer"
    assert page.post("/channels/web/erase", json={}).status_code == 200
    assert page.get("/channels/web/messages").json()["turns"] == []


def test_another_site_cannot_erase(page: httpx.Client) -> None:
    say(page, "hello")
    headers = {"Sec-Fetch-Site": "cross-site"}
    assert page.post("/channels/web/erase", json={}, headers=headers).status_code == 403
    assert len(page.get("/channels/web/messages").json()["turns"]) == 1


def test_who_never_wrote_can_erase_too(page: httpx.Client, relay: RelayDouble) -> None:
    assert page.post("/channels/web/erase", json={}).status_code == 200
