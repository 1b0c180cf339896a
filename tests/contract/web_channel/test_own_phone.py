"""A web chat that has shown a code from its resident's phone finds what was reported from there; no other does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from doubles.phones import GENEROUS, PROMPT, PUBLIC, eventually
from doubles.portal import EAGER, RELAY_SECRET, SECRETS, UNHURRIED, Portal
from doubles.relay import RelayDouble
from doubles.twilio import TwilioDouble
from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from city311.channels.configuration import Lines
from city311.channels.received import sender_id
from city311.store.base import now, writing
from city311.store.correspondents import same_person
from city311.store.outgoing import OutgoingMessage
from city311.store.turns import Turn
from city311.store.verified import PhoneCode, VerifiedPhone

PHONE = "+16175550177"


@pytest.fixture
def portal(engine: Engine, twilio: TwilioDouble) -> Iterator[Portal]:
    with RelayDouble(RELAY_SECRET) as relay:
        lines = Lines(twilio=twilio.account(), rates=GENEROUS)
        options: dict[str, Any] = {"phone_lines": lines, "sending": PROMPT, "pace": UNHURRIED, "timing": EAGER}
        with Portal(engine, relay.port, public_url=PUBLIC, **options) as running:
            yield running


@pytest.fixture
def page(portal: Portal) -> Iterator[httpx.Client]:
    with portal.client() as client:
        client.post("/channels/web/messages", json={"id": "one", "text": "hello"})
        yield client


def ask(page: httpx.Client, number: str = "617-555-0177") -> httpx.Response:
    return page.post("/channels/web/phone", json={"number": number, "language": "en"})


def show(page: httpx.Client, code: str) -> tuple[int, str]:
    response = page.post("/channels/web/phone/code", json={"code": code})
    return response.status_code, response.json().get("state", "")


def texted(twilio: TwilioDouble, count: int = 1) -> str:
    texts = eventually(lambda: len(twilio.texts(PHONE)) >= count and twilio.texts(PHONE))
    [code] = re.findall(r"\b\d{6}\b", texts[-1])
    return str(code)


def chat(engine: Engine) -> str:
    with Session(engine) as session:
        return session.scalars(select(Turn.sender).limit(1)).one()


def test_the_right_code_makes_the_phone_the_chats(page: httpx.Client, twilio: TwilioDouble, engine: Engine) -> None:
    mine = sender_id(SECRETS["CITY311_SENDER_SECRET"], "sms", PHONE)
    assert ask(page).json() == {"state": "queued"}
    code = texted(twilio)
    with Session(engine) as session:
        assert same_person(session, chat(engine)) == ([chat(engine)], "")
        [row] = session.scalars(select(PhoneCode))
        assert code not in row.digest
    assert show(page, f" {code[:3]} {code[3:]} ") == (200, "right")
    with Session(engine) as session:
        assert same_person(session, chat(engine)) == ([chat(engine), mine], PHONE)
        assert same_person(session, mine) == ([mine, chat(engine)], PHONE)
    assert show(page, code) == (410, "over")
    with Session(engine) as session:
        [message] = session.scalars(select(OutgoingMessage))
        assert (message.state, message.content["messages"]) == ("sent", [])


def test_erasing_the_chat_forgets_the_phone(page: httpx.Client, twilio: TwilioDouble, engine: Engine) -> None:
    ask(page)
    assert show(page, texted(twilio)) == (200, "right")
    page.post("/channels/web/erase", json={})
    with Session(engine) as session:
        assert session.scalars(select(VerifiedPhone)).all() == []


def test_five_wrong_codes_end_it(page: httpx.Client, twilio: TwilioDouble) -> None:
    ask(page)
    code = texted(twilio)
    wrong = f"{(int(code) + 1) % 1_000_000:06d}"
    assert show(page, "abc") == (403, "wrong")
    assert [show(page, wrong)[1] for _ in range(5)] == ["wrong"] * 5
    assert show(page, code) == (410, "over")


def test_a_code_is_over_after_ten_minutes_and_with_the_next_one(
    page: httpx.Client, twilio: TwilioDouble, engine: Engine
) -> None:
    ask(page)
    first = texted(twilio)
    ask(page)
    second = texted(twilio, 2)
    if first != second:
        assert show(page, first) == (403, "wrong")
    with writing(engine) as session:
        session.execute(update(PhoneCode).values(until=now() - timedelta(seconds=1)))
    assert show(page, second) == (410, "over")


def test_another_chat_cannot_use_the_code(portal: Portal, page: httpx.Client, twilio: TwilioDouble) -> None:
    ask(page)
    code = texted(twilio)
    with portal.client() as other:
        assert show(other, code) == (410, "over")
    assert show(page, code) == (200, "right")


def test_nobody_is_flooded_with_codes(portal: Portal, page: httpx.Client, twilio: TwilioDouble) -> None:
    assert [ask(page).status_code for _ in range(4)] == [200, 200, 200, 429]
    with portal.client() as other:
        assert ask(other).status_code == 429, "that phone has had enough of them"


@pytest.mark.parametrize("number", ["", "911", "555", "hello", "+1617", "+1 617 555 0177 ext 3", "\u202e617"])
def test_what_cannot_be_texted_is_refused(page: httpx.Client, number: str) -> None:
    assert ask(page, number).status_code == 422


def test_a_code_that_could_not_be_sent_in_time_is_not_sent(
    page: httpx.Client, twilio: TwilioDouble, engine: Engine
) -> None:
    twilio.mood = "away"
    ask(page)
    eventually(lambda: twilio.requests)

    def late() -> bool:
        with writing(engine) as session:
            for row in session.scalars(select(OutgoingMessage).with_for_update()):
                row.content = {**row.content, "until": (now() - timedelta(seconds=1)).isoformat()}
                return row.state == "withheld" and not row.content["messages"]
        return False

    eventually(late)
    assert twilio.texts(PHONE) == []
