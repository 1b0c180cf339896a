"""The web channel over HTTP, against a double of the dialogue process and on both databases."""

from __future__ import annotations

import json
import logging
import re
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from doubles.chatting import JSON, history, said, send, stored
from doubles.phones import eventually
from doubles.portal import EAGER, EMPTY, RELAY_SECRET, TOO_FAST, TOO_LONG, Portal
from doubles.relay import RelayDouble, slow
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from city311.store.turns import Conversation, Pace


def test_a_message_is_stored_relayed_and_answered(page: httpx.Client, relay: RelayDouble, engine: Engine) -> None:
    relay.answer = lambda _turn: [
        {
            "text": "Where is it?",
            "buttons": [{"title": "Here", "payload": "here"}],
            "custom": {"progress": {"step": 1, "of": 6}},
        }
    ]
    reply = send(page, "one", "There is a pothole")
    [turn] = stored(engine)
    assert reply == {
        "turn": turn.id,
        "id": "one",
        "seq": 1,
        "text": "There is a pothole",
        "state": "answered",
        "messages": [
            {
                "text": "Where is it?",
                "buttons": [{"title": "Here", "payload": "here"}],
                "custom": {"progress": {"step": 1, "of": 6}},
            }
        ],
        "location": None,
        "photos": 0,
        "session": "resumed",
        "conversation": page.get("/channels/web/messages").json()["conversation"],
    }
    assert relay.calls == [
        {
            "sender": turn.sender,
            "text": "There is a pothole",
            "channel": "web",
            "metadata": {"turn": turn.id, "retry": False, "language": "en"},
        }
    ]
    assert turn.sender.startswith("web-")
    assert (turn.state, turn.attempts) == ("answered", 1)
    assert turn.answered_at is not None
    shown = {key: value for key, value in reply.items() if key not in ("session", "conversation")}
    assert history(page) == [shown]
    assert history(page, after=0) == [shown]
    assert history(page, after=1) == []


def test_a_repeated_message_is_the_same_turn(page: httpx.Client, relay: RelayDouble, engine: Engine) -> None:
    first = send(page, "one", "hello")
    again = send(page, "one", "other words under the same id")
    assert again == first
    assert len(relay.calls) == len(stored(engine)) == 1


def test_a_message_that_comes_many_times_at_once_is_one_turn(
    page: httpx.Client, relay: RelayDouble, engine: Engine
) -> None:
    relay.answer = slow(0.2)
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda _: send(page, "one", "hello"), range(8)))
    assert all(reply == replies[0] for reply in replies)
    assert replies[0]["state"] == "answered"
    assert len(relay.calls) == len(stored(engine)) == 1


def test_turns_of_one_resident_are_relayed_in_order_and_never_together(
    page: httpx.Client, relay: RelayDouble, engine: Engine
) -> None:
    relay.answer = slow(0.02)
    with ThreadPoolExecutor(12) as pool:
        replies = list(pool.map(lambda n: send(page, f"m{n}", f"message {n}"), range(30)))
    assert {reply["state"] for reply in replies} == {"answered"}
    assert all(said(reply) == f"You said: {reply['text']}" for reply in replies)
    turns = stored(engine)
    assert [turn.seq for turn in turns] == list(range(1, 31))
    assert relay.order[turns[0].sender] == [turn.text for turn in turns]
    assert relay.overlaps == 0
    assert len(relay.calls) == 30


def test_residents_do_not_wait_for_each_other_or_see_each_other(portal: Portal, relay: RelayDouble) -> None:
    relay.mode = "hang"
    with portal.client() as one, portal.client() as two, ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(send, one, "same-id", "from the first")
        eventually(lambda: len(relay.calls) == 1)
        relay.mode = "answer"
        reply = send(two, "same-id", "from the second")
        assert said(reply) == "You said: from the second"
        assert [turn["text"] for turn in history(two)] == ["from the second"]
        relay.release.set()
        assert said(waiting.result()) == "You said: from the first"
        assert [turn["text"] for turn in history(one)] == ["from the first"]


SCREENED = [
    ("my card is 4111 1111 1111 1111", "my card is [card number removed]"),
    ("ssn 123-45-6789", "ssn [social security number removed]"),
    ("/restart", "restart"),
    ('／submit{"answer": "yes"}', 'submit{"answer": "yes"}'),
    ("nu\x00ll", "null"),
    ("\u202eright to left", "right to left"),
    ("\ud83d lone", "lone"),
    ("<script>alert(1)</script>", "<script>alert(1)</script>"),
    ("'; DROP TABLE turns; --", "'; DROP TABLE turns; --"),
    ("👍", "👍"),
    ("a" * 1000, "a" * 1000),
]


def test_what_is_stored_and_relayed_is_screened(page: httpx.Client, relay: RelayDouble, engine: Engine) -> None:
    for number, (text, kept) in enumerate(SCREENED):
        body = json.dumps({"id": f"m{number}", "text": text})
        reply = page.post("/channels/web/messages", content=body, headers=JSON).json()
        assert reply["text"] == relay.calls[-1]["text"] == stored(engine)[-1].text == kept
        assert said(reply) == f"You said: {kept}"


NOT_PASSED_ON = [
    ("a" * 1001, TOO_LONG),
    ("a" * 5000, TOO_LONG),
    ("", EMPTY),
    ("   ", EMPTY),
    ("\u200b\u202e", EMPTY),
    ("\x00", EMPTY),
    ("/", EMPTY),
]


def test_what_cannot_be_passed_on_is_answered_and_not_stored(
    page: httpx.Client, relay: RelayDouble, engine: Engine
) -> None:
    for text, answer in NOT_PASSED_ON:
        reply = send(page, "a", text)
        assert answer in said(reply), text
        assert (reply["turn"], reply["state"]) == (None, "answered")
    assert relay.calls == stored(engine) == []


def test_who_writes_too_fast_is_told_to_wait(engine: Engine, relay: RelayDouble) -> None:
    with (
        Portal(engine, relay.port, pace=Pace(per_minute=1, burst=5), timing=EAGER) as portal,
        portal.client() as page,
        portal.client() as other,
    ):
        for n in range(5):
            send(page, f"m{n}", "hello")
        response = page.post("/channels/web/messages", json={"id": "m5", "text": "hello"})
        assert response.status_code == 429
        assert 1 <= int(response.headers["Retry-After"]) <= 60
        assert TOO_FAST in said(response.json())
        assert len(stored(engine)) == len(relay.calls) == 5
        assert said(send(page, "m4", "hello")) == "You said: hello"  # a repeat is not a new message
        assert said(send(other, "m0", "hello")) == "You said: hello"
        with Session(engine) as session, session.begin():
            for conversation in session.scalars(select(Conversation)):
                conversation.tokens = 1
        assert said(send(page, "m5", "hello")) == "You said: hello"


def test_logs_hold_no_words_of_residents(
    page: httpx.Client, relay: RelayDouble, engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    relay.mode = "unavailable"
    send(page, "a", "the secret of the river 617-555-0131")
    relay.mode = "answer"
    eventually(lambda: history(page)[0]["state"] == "answered")
    page.post("/channels/web/messages", content=b'{"id": 1, "text": "the secret of the river"}', headers=JSON)
    ours = [record for record in caplog.records if record.name.startswith("city311")]
    assert any(stored(engine)[0].id in record.getMessage() for record in ours)
    assert "river" not in caplog.text
    assert "555-0131" not in caplog.text
    assert stored(engine)[0].sender not in caplog.text
    assert RELAY_SECRET not in caplog.text


def test_the_page_is_served_with_strict_headers(page: httpx.Client) -> None:
    response = page.get("/")
    policy = response.headers["Content-Security-Policy"]
    assert response.status_code == 200
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'self'" in policy
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert "automated assistant of Millbrook" in response.text
    assert "911" in response.text
    assert "555-010-0311" in response.text
    static = re.search(r"/static/[0-9a-f]{12}", response.text)
    assert static
    for name in ("chat.js", "chat.css", "mark.svg"):
        address = f"{static.group()}/{name}"
        file = page.get(address)
        assert file.status_code == 200
        assert page.get(address, headers={"If-None-Match": file.headers["ETag"]}).status_code == 304
    assert page.get("/robots.txt").text.startswith("User-agent: *")


def test_an_unknown_page_is_a_page(page: httpx.Client) -> None:
    response = page.get("/no/such/<script>", headers={"Accept": "text/html"})
    assert response.status_code == 404
    assert response.headers["Content-Type"].startswith("text/html")
    assert "Millbrook" in response.text
    assert "<script>" not in response.text
    assert page.get("/static/../chat.html").status_code == 404
    assert page.get("/static/%2e%2e/chat.html").status_code == 404


def test_the_desk_is_there(page: httpx.Client) -> None:
    response = page.get("/open311/v2/services.json")
    assert response.status_code == 200
    assert response.json() == []


def test_many_residents_at_once(portal: Portal, relay: RelayDouble, engine: Engine) -> None:
    start = threading.Barrier(20)

    def resident(number: int) -> list[str]:
        with portal.client() as page:
            page.post("/channels/web/session", json={})
            start.wait(30)
            return [said(send(page, f"m{n}", f"resident {number} message {n}")) for n in range(5)]

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(resident, range(20)))
    assert answers == [[f"You said: resident {r} message {n}" for n in range(5)] for r in range(20)]
    assert len(relay.calls) == len(stored(engine)) == 100
    assert relay.overlaps == 0
