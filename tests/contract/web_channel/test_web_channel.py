"""The web channel over HTTP, against a double of the dialogue process and on both databases."""

from __future__ import annotations

import json
import logging
import re
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import httpx
import pytest
from doubles.portal import (
    APOLOGY,
    APOLOGY_RETRY,
    EAGER,
    EMPTY,
    PATIENT,
    RELAY_SECRET,
    TOO_FAST,
    TOO_LONG,
    UNHURRIED,
    Portal,
)
from doubles.relay import RelayDouble, slow
from harness.ports import free_port
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from city311.store.turns import Conversation, Pace, Turn

JSON = {"Content-Type": "application/json"}


def send(page: httpx.Client, message_id: str, text: str) -> dict[str, Any]:
    response = page.post("/channels/web/messages", json={"id": message_id, "text": text})
    assert response.status_code == 200, response.text
    return response.json()


def history(page: httpx.Client, after: int | None = None) -> list[dict[str, Any]]:
    response = page.get("/channels/web/messages", params={} if after is None else {"after": after})
    assert response.status_code == 200, response.text
    return response.json()["turns"]


def said(turn: dict[str, Any]) -> str:
    return "\n".join(message["text"] for message in turn["messages"])


def stored(engine: Engine) -> list[Turn]:
    with Session(engine) as session:
        return list(session.scalars(select(Turn).order_by(Turn.sender, Turn.seq)))


def eventually(check: Callable[[], bool]) -> None:
    until = time.monotonic() + 120
    while not check():
        assert time.monotonic() < until, "it did not happen within two minutes"
        time.sleep(0.02)


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


# --- when the dialogue process is away -------------------------------------------------------------------------------


def test_while_the_dialogue_is_away_messages_are_kept_and_answered_later_in_order(engine: Engine) -> None:
    port = free_port()
    with Portal(engine, port, pace=UNHURRIED, timing=EAGER, relay_timeout_s=20) as portal, portal.client() as page:
        first, second = send(page, "a", "first"), send(page, "b", "second")
        assert first["state"] == second["state"] == "waiting"
        assert APOLOGY_RETRY in said(first)
        assert APOLOGY_RETRY in said(second)
        assert "call 911" in said(first)
        assert [(turn["state"], APOLOGY_RETRY in said(turn)) for turn in history(page)] == [("waiting", True)] * 2
        with RelayDouble(RELAY_SECRET, port=port) as relay:
            eventually(lambda: {turn["state"] for turn in history(page)} == {"answered"})
            assert [said(turn) for turn in history(page)] == ["You said: first", "You said: second"]
            assert [call["text"] for call in relay.calls] == ["first", "second"]
            assert relay.calls[0]["metadata"]["retry"] is True


@pytest.mark.parametrize("mode", ["unavailable", "fault", "garbage", "cut"])
def test_a_turn_that_failed_is_sent_again_as_a_retry(
    page: httpx.Client, relay: RelayDouble, engine: Engine, mode: str
) -> None:
    relay.mode = mode
    assert send(page, "a", "hello")["state"] == "waiting"
    relay.mode = "answer"
    eventually(lambda: history(page)[0]["state"] == "answered")
    assert said(history(page)[0]) == "You said: hello"
    assert [call["metadata"]["retry"] for call in relay.calls] == [False] + [True] * (len(relay.calls) - 1)
    assert len({call["metadata"]["turn"] for call in relay.calls}) == 1
    assert len(relay.done) == 1


def test_a_slow_answer_is_waited_for_only_so_long(engine: Engine, relay: RelayDouble) -> None:
    relay.mode = "hang"
    with (
        Portal(engine, relay.port, pace=UNHURRIED, timing=EAGER, relay_timeout_s=0.3) as portal,
        portal.client() as page,
    ):
        reply = send(page, "a", "hello")
        assert reply["state"] == "waiting"
        assert APOLOGY_RETRY in said(reply)
        relay.mode = "answer"
        relay.release.set()
        eventually(lambda: history(page)[0]["state"] == "answered")
        assert said(history(page)[0]) == "You said: hello"
        assert len(relay.done) == 1


def test_a_new_message_tries_the_waiting_ones_at_once(engine: Engine, relay: RelayDouble) -> None:
    with (
        Portal(engine, relay.port, pace=UNHURRIED, timing=PATIENT, relay_timeout_s=20) as portal,
        portal.client() as page,
    ):
        relay.mode = "unavailable"
        assert send(page, "a", "first")["state"] == "waiting"
        relay.mode = "answer"
        assert said(send(page, "b", "second")) == "You said: second"
        assert [said(turn) for turn in history(page)] == ["You said: first", "You said: second"]


def test_sending_a_waiting_message_again_tries_it_at_once(engine: Engine, relay: RelayDouble) -> None:
    with (
        Portal(engine, relay.port, pace=UNHURRIED, timing=PATIENT, relay_timeout_s=20) as portal,
        portal.client() as page,
    ):
        relay.mode = "unavailable"
        assert send(page, "a", "first")["state"] == "waiting"
        relay.mode = "answer"
        assert said(send(page, "a", "first")) == "You said: first"
        assert len(stored(engine)) == 1


def test_a_turn_that_stays_unanswered_too_long_ends_in_an_apology_with_the_phone_number(engine: Engine) -> None:
    timing = replace(EAGER, give_up_s=0.3)
    with Portal(engine, free_port(), pace=UNHURRIED, timing=timing) as portal, portal.client() as page:
        assert APOLOGY_RETRY in said(send(page, "a", "hello"))
        eventually(lambda: history(page)[0]["state"] == "answered")
        assert APOLOGY in said(history(page)[0])


@pytest.mark.parametrize(("mode", "calls"), [("bad", 1), ("fault", 3), ("garbage", 3)])
def test_a_turn_that_will_never_work_ends_in_an_apology(
    page: httpx.Client, relay: RelayDouble, mode: str, calls: int
) -> None:
    relay.mode = mode
    send(page, "a", "hello")
    eventually(lambda: history(page)[0]["state"] == "answered")
    assert APOLOGY in said(history(page)[0])
    assert len(relay.calls) == calls
    relay.mode = "answer"
    assert said(send(page, "b", "and now?")) == "You said: and now?"


SILENCES = [[], [{"text": ""}], [{"text": "  "}], [{}], [{"buttons": [{"title": 1, "payload": "x"}]}], [None, 3, "x"]]


def test_silence_becomes_an_apology(page: httpx.Client, relay: RelayDouble) -> None:
    for number, messages in enumerate(SILENCES):
        relay.answer = lambda _turn, messages=messages: messages
        reply = send(page, f"m{number}", "hello")
        assert reply["state"] == "answered", messages
        assert APOLOGY in said(reply), messages


def test_a_wrong_secret_keeps_the_messages(engine: Engine) -> None:
    with (
        RelayDouble("another secret") as relay,
        Portal(engine, relay.port, pace=UNHURRIED, timing=PATIENT) as portal,
        portal.client() as page,
    ):
        assert send(page, "a", "hello")["state"] == "waiting"
        assert relay.calls == []


# --- screening -------------------------------------------------------------------------------------------------------


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


# --- bad input -------------------------------------------------------------------------------------------------------


WRONG_BODIES = [
    (b"", 400),
    (b"{", 400),
    (b"\xff\xfe", 400),
    (b"[" * 60_000, 400),
    (b"9" * 60_000, 400),
    (b"null", 422),
    (b"[]", 422),
    (b'"text"', 422),
    (b"12", 422),
    (b"NaN", 422),
    (b"{}", 422),
    (b'{"id": "a"}', 422),
    (b'{"text": "a"}', 422),
    (b'{"id": 5, "text": "a"}', 422),
    (b'{"id": "a", "text": 5}', 422),
    (b'{"id": "a", "text": null}', 422),
    (b'{"id": "a", "text": true}', 422),
    (b'{"id": "a", "text": ["a"]}', 422),
    (b'{"id": "a", "text": {"a": 1}}', 422),
    (b'{"id": "", "text": "a"}', 422),
    (b'{"id": "a b", "text": "a"}', 422),
    (b'{"id": "\\u0000", "text": "a"}', 422),
    (b'{"id": "\\ud800", "text": "a"}', 422),
    (b'{"id": "' + b"a" * 65 + b'", "text": "a"}', 422),
    (b'{"id": "a", "text": "' + b"a" * 70_000 + b'"}', 413),
]


def test_wrong_bodies_get_a_clear_error(page: httpx.Client, relay: RelayDouble, engine: Engine) -> None:
    for content, status in WRONG_BODIES:
        response = page.post("/channels/web/messages", content=content, headers=JSON)
        assert response.status_code == status, content[:80]
        assert_clear(response)
    assert relay.calls == stored(engine) == []


def assert_clear(response: httpx.Response) -> None:
    problem = response.json()
    assert set(problem) == {"error", "remedy"}
    assert all(problem.values())
    assert "Traceback" not in response.text


def test_a_body_without_a_declared_length_is_cut_off_too(page: httpx.Client) -> None:
    def endless() -> Any:
        for _ in range(100):
            yield b" " * 1024

    response = page.post("/channels/web/messages", content=endless(), headers=JSON)
    assert response.status_code == 413


WRONG_SEQUENCE_NUMBERS = ["-1", "x", "1.5", "", "99999999999999999999", "2147483648", "٣", "1;drop"]


def test_a_wrong_sequence_number_gets_a_clear_error(page: httpx.Client) -> None:
    for after in WRONG_SEQUENCE_NUMBERS:
        response = page.get("/channels/web/messages", params={"after": after})
        assert response.status_code == 422, after
        assert_clear(response)


FROM_ELSEWHERE = [
    ({"Content-Type": "text/plain"}, 415),
    ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
    ({**JSON, "Origin": "https://evil.example"}, 403),
    ({**JSON, "Origin": "null"}, 403),
    ({**JSON, "Sec-Fetch-Site": "cross-site"}, 403),
    ({**JSON, "Sec-Fetch-Site": "same-site"}, 403),
    ({**JSON, "Sec-Fetch-Site": "cross-site", "Origin": "http://127.0.0.1"}, 403),
]


def test_other_sites_cannot_write(page: httpx.Client, engine: Engine) -> None:
    for headers, status in FROM_ELSEWHERE:
        for path in ("/channels/web/session", "/channels/web/messages"):
            response = page.post(path, content=b'{"id": "a", "text": "hello"}', headers=headers)
            assert response.status_code == status, headers
            assert_clear(response)
    assert stored(engine) == []


def test_the_page_itself_can_write(page: httpx.Client, portal: Portal) -> None:
    for number, headers in enumerate(({"Origin": portal.url}, {"Sec-Fetch-Site": "same-origin"})):
        response = page.post("/channels/web/messages", json={"id": f"m{number}", "text": "hi"}, headers=headers)
        assert response.status_code == 200


def test_wrong_addresses_get_a_clear_error(page: httpx.Client) -> None:
    for method, path, status in (
        ("GET", "/channels/web/session", 405),
        ("DELETE", "/channels/web/messages", 405),
        ("GET", "/nowhere", 404),
    ):
        response = page.request(method, path)
        assert response.status_code == status, path
        assert_clear(response)


def test_a_database_that_fails_is_a_clear_error_and_the_message_is_not_confirmed(
    page: httpx.Client, engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    with engine.begin() as connection:
        Turn.__table__.drop(connection)
    response = page.post("/channels/web/messages", json={"id": "a", "text": "the secret of the river"})
    assert response.status_code == 503
    assert set(response.json()) == {"error", "remedy"}
    assert "river" not in caplog.text


# --- sessions --------------------------------------------------------------------------------------------------------


def test_the_session_cookie_is_closed_to_scripts_and_other_sites(portal: Portal) -> None:
    with portal.client() as client:
        response = client.post("/channels/web/session", json={})
        cookie = response.headers["Set-Cookie"]
        assert response.json()["session"] == "new"
        assert "httponly" in cookie.lower()
        assert "samesite=lax" in cookie.lower()
        assert "secure" not in cookie.lower()
        assert response.headers["Cache-Control"] == "no-store"
        assert client.post("/channels/web/session", json={}).json()["session"] == "resumed"


def test_in_production_the_cookie_travels_over_https_only(engine: Engine, relay: RelayDouble) -> None:
    with (
        Portal(engine, relay.port, profile="production", pace=UNHURRIED, timing=EAGER) as portal,
        portal.client() as client,
    ):
        cookie = client.post("/channels/web/session", json={}).headers["Set-Cookie"]
        assert cookie.startswith("__Host-")
        assert "; secure" in cookie.lower()
        assert "path=/" in cookie.lower()
        assert "domain" not in cookie.lower()


def test_a_forged_cookie_or_sender_opens_nobodys_conversation(
    page: httpx.Client, portal: Portal, engine: Engine
) -> None:
    send(page, "a", "hello")
    [turn] = stored(engine)
    for cookie in (turn.sender, f'"{turn.sender}"', "e30.aaaa.bbbb", "default"):
        with portal.client() as other:
            other.headers["Cookie"] = f"city311_session={cookie}"
            assert history(other) == []
            body = {"id": "a", "text": "hi", "sender": turn.sender, "sender_id": turn.sender}
            reply = other.post(f"/channels/web/messages?sender={turn.sender}", json=body)
            assert reply.json()["session"] == "new"
            assert reply.headers["Set-Cookie"]
    assert len({turn.sender for turn in stored(engine)}) == 5
    assert len(history(page)) == 1


def test_long_histories_come_in_parts(page: httpx.Client) -> None:
    for n in range(103):
        send(page, f"m{n}", f"message {n}")
    latest = page.get("/channels/web/messages").json()
    assert latest["more"] is True
    assert [turn["seq"] for turn in latest["turns"]] == list(range(4, 104))
    assert [turn["seq"] for turn in history(page, after=0)] == list(range(1, 101))
    assert [turn["seq"] for turn in history(page, after=100)] == [101, 102, 103]


# --- what everything has in common -----------------------------------------------------------------------------------


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
