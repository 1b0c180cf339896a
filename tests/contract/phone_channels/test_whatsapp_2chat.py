"""WhatsApp through 2Chat, which signs nothing: the address is the secret."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import httpx
import pytest
from doubles.phones import GENEROUS, eventually, phone_portal
from doubles.portal import Portal
from doubles.relay import RelayDouble
from doubles.twilio import TwilioDouble, picture
from doubles.twochat import OURS, TOKEN, TwoChatDouble
from harness import asking
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from city311.channels.configuration import Lines
from city311.channels.twochat import Account, MediaSource
from city311.store import outgoing
from city311.store.base import now, writing
from city311.store.outgoing import OutgoingMessage
from city311.store.turns import Turn

ANN = "+16175550177"
PHOTO_AT_2CHAT = "https://2chat-user-data.s3.amazonaws.com/ACC28526e8e/example.jpeg"
"""As in https://developers.2chat.co/docs/API/WhatsApp/webhooks/payload-examples."""


@pytest.fixture
def portal(engine: Engine, relay: RelayDouble, twilio: TwilioDouble, twochat: TwoChatDouble) -> Iterator[Portal]:
    lines = Lines(twochat=twochat.account(), rates=GENEROUS)
    with phone_portal(engine, relay, twilio, phone_lines=lines) as running:
        yield running


def states(engine: Engine) -> list[tuple[str, str]]:
    with Session(engine) as session:
        rows = session.scalars(select(OutgoingMessage).order_by(OutgoingMessage.id))
        return [(row.state, row.last_error.partition(":")[0]) for row in rows]


def count(engine: Engine) -> int:
    with Session(engine) as session:
        return session.scalar(select(func.count()).select_from(Turn)) or 0


def test_a_message_is_answered_once_however_often_it_comes(
    portal: Portal, twochat: TwoChatDouble, relay: RelayDouble, engine: Engine
) -> None:
    buttons = [{"title": title, "payload": title} for title in ("Yes", "No")]
    relay.answer = lambda turn: [{"text": f"**Shall** I? {turn['text']}", "buttons": buttons}]
    message = twochat.message(ANN, "a pothole")
    for _ in range(3):
        assert twochat.bring(portal.url, message).status_code == 200
    [text] = eventually(lambda: twochat.texts(ANN))
    assert text.endswith("*Shall* I? a pothole\n1. Yes\n2. No")
    assert count(engine) == len(relay.calls) == 1
    twochat.bring(portal.url, twochat.message(ANN, "2"))
    eventually(lambda: len(relay.calls) == 2)
    assert relay.calls[1]["text"] == "No"


def test_without_the_token_there_is_nothing(portal: Portal, twochat: TwoChatDouble, engine: Engine) -> None:
    message = twochat.message(ANN, "hello")
    for token in ("guess", TOKEN[:-1], TOKEN + "x", "%C3%BC"):
        assert twochat.bring(portal.url, message, token=token).status_code == 404
    assert asking.post(f"{portal.url}/channels/whatsapp/2chat", json=message).status_code in (404, 405)
    assert TOKEN not in asking.get(f"{portal.url}/openapi.json").text
    assert count(engine) == 0


def test_our_own_groups_and_other_numbers_are_left_out(portal: Portal, twochat: TwoChatDouble, engine: Engine) -> None:
    for fields in (
        {"sent_by": "api"},
        {"sent_by": "agent"},
        {"participant": {"phone_number": ANN}},
        {"channel_phone_number": "+16175550199"},
        {"remote_phone_number": OURS},
        {"remote_phone_number": None},
        {"sent_by": None},
    ):
        assert twochat.bring(portal.url, twochat.message(ANN, "hello", **fields)).status_code == 200
    assert count(engine) == 0


@pytest.mark.parametrize("body", [[], {}, "x", {"uuid": 5, "id": None}, {"uuid": "x" * 300}])
def test_misshapen_bodies_are_refused(portal: Portal, twochat: TwoChatDouble, engine: Engine, body: object) -> None:
    assert twochat.bring(portal.url, body).status_code == 400
    assert count(engine) == 0


def test_odd_fields_do_no_harm(portal: Portal, twochat: TwoChatDouble, relay: RelayDouble) -> None:
    twochat.bring(portal.url, twochat.message(ANN, "x", message={"text": 5, "media": "http://127.0.0.1/"}))
    twochat.bring(portal.url, twochat.message(ANN, "x", message=None))
    eventually(lambda: any("empty message" in text for text in twochat.texts(ANN)))
    assert relay.calls == []


def test_a_photo_is_fetched_from_2chat_and_from_nowhere_else(
    portal: Portal, twochat: TwoChatDouble, relay: RelayDouble
) -> None:
    twochat.bring(portal.url, twochat.photo(ANN, "look", picture()))
    eventually(lambda: relay.calls)
    assert len(relay.calls[0]["metadata"]["media"]) == 1
    elsewhere = twochat.photo(ANN, "see", picture())
    elsewhere["message"]["media"]["url"] = "https://evil.example/photo.jpg"
    twochat.bring(portal.url, elsewhere)
    eventually(lambda: len(relay.calls) == 2)
    assert "media" not in relay.calls[1]["metadata"]


@pytest.mark.parametrize("mood", ["busy", "away"])
def test_a_failed_sending_is_repeated(portal: Portal, twochat: TwoChatDouble, mood: str) -> None:
    twochat.moods = [mood]
    twochat.bring(portal.url, twochat.message(ANN, "hello"))
    eventually(lambda: twochat.texts(ANN))
    assert len(twochat.texts(ANN)) == 1


@pytest.mark.parametrize(("mood", "taken"), [("cut", 1), ("deaf", 0)])
def test_what_2chat_may_have_taken_is_left_to_a_person(
    portal: Portal, twochat: TwoChatDouble, engine: Engine, mood: str, taken: int
) -> None:
    twochat.moods = [mood]
    twochat.bring(portal.url, twochat.message(ANN, "hello"))
    eventually(lambda: states(engine) == [("failed", "unsure")])
    twochat.bring(portal.url, twochat.message(ANN, "hello again"))
    eventually(lambda: states(engine) == [("failed", "unsure"), ("sent", "")])
    assert len(twochat.texts(ANN)) == taken + 1


def fates(engine: Engine) -> list[tuple[str, str]]:
    with Session(engine) as session:
        return [(row.state, row.fate) for row in session.scalars(select(OutgoingMessage).order_by(OutgoingMessage.id))]


def test_news_of_a_message_are_kept_in_whatever_order_they_come(
    portal: Portal, twochat: TwoChatDouble, engine: Engine
) -> None:
    twochat.bring(portal.url, twochat.message(ANN, "hello"))
    eventually(lambda: fates(engine) == [("sent", "")])
    [sent] = twochat.sent
    for news, fate in (
        (twochat.sent_news(ANN, sent["text"], sent["uuid"]), "sent"),
        (twochat.receipt(sent["uuid"], "read"), "read"),
        (twochat.receipt(sent["uuid"], "received"), "read"),
        (twochat.sent_news(ANN, sent["text"], sent["uuid"]), "read"),
        (twochat.receipt("MSGunknown", "received"), "read"),
        (twochat.receipt(sent["uuid"], "seen-by-a-cat"), "read"),
    ):
        assert twochat.bring(portal.url, news).status_code == 200
        assert fates(engine) == [("sent", fate)]
    assert count(engine) == 1
    assert twochat.bring(portal.url, twochat.receipt(sent["uuid"], "not-sent"), token="guess").status_code == 404
    assert fates(engine) == [("sent", "read")]


def test_a_message_that_did_not_arrive_waits_for_a_person(
    portal: Portal, twochat: TwoChatDouble, engine: Engine
) -> None:
    twochat.bring(portal.url, twochat.message(ANN, "hello"))
    eventually(lambda: fates(engine) == [("sent", "")])
    assert twochat.bring(portal.url, twochat.receipt(twochat.sent[0]["uuid"], "not-sent")).status_code == 200
    assert fates(engine) == [("failed", "failed")]
    with writing(engine) as session:
        [row] = session.scalars(select(OutgoingMessage))
        assert outgoing.retry(session, row.id, now())
    eventually(lambda: fates(engine) == [("sent", "")])
    assert len(twochat.texts(ANN)) == 2
    twochat.bring(portal.url, twochat.receipt(twochat.sent[1]["uuid"], "received"))
    assert fates(engine) == [("sent", "delivered")]


def test_photos_lie_where_2chat_says() -> None:
    account = Account("+16175550131", "key", TOKEN)
    located = asyncio.run(MediaSource(account).locate(PHOTO_AT_2CHAT, httpx.AsyncClient()))
    assert httpx.URL(located.url).host in located.hosts
