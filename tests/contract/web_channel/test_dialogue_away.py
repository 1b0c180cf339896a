"""When the dialogue process is away, slow, wrong or silent: what was written is kept, and the answer comes later."""

from __future__ import annotations

from dataclasses import replace

import httpx
import pytest
from doubles.chatting import history, said, send, stored
from doubles.phones import eventually
from doubles.portal import APOLOGY, APOLOGY_RETRY, EAGER, PATIENT, RELAY_SECRET, UNHURRIED, Portal
from doubles.relay import RelayDouble
from harness.ports import free_port
from sqlalchemy import Engine


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
