"""A receipt goes to the address or phone that its resident names: once, durably, and to nobody else's benefit."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from doubles.mail import OURS, MailDouble
from doubles.phones import GENEROUS, PROMPT, PUBLIC, eventually
from doubles.portal import EAGER, RELAY_SECRET, UNHURRIED, Portal
from doubles.relay import RelayDouble
from doubles.twilio import TwilioDouble
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from city311.channels.configuration import Lines
from city311.requests.follow import affected
from city311.store import correspondents, outgoing
from city311.store.base import now, writing
from city311.store.correspondents import OPTED_OUT, Consent
from city311.store.follows import Follow
from city311.store.outgoing import OutgoingMessage

NUMBER, ANN = "SR-104217", "ann@example.org"
LINES = [{"label": "Number", "value": NUMBER}, {"label": "Place", "value": "22 Prospect St <b>"}]
RECEIPT = {
    "text": f"Thank you. The number is **{NUMBER}**.",
    "buttons": [],
    "custom": {"card": {"kind": "receipt", "lines": LINES, "said": []}},
}


@pytest.fixture
def portal(engine: Engine, mail: MailDouble, twilio: TwilioDouble) -> Iterator[Portal]:
    with RelayDouble(RELAY_SECRET, lambda _turn: [RECEIPT, {"text": "It goes to Public Works."}]) as relay:
        lines = Lines(twilio=twilio.account(), mail=mail.account(), rates=GENEROUS)
        options: dict[str, Any] = {"phone_lines": lines, "sending": PROMPT, "pace": UNHURRIED, "timing": EAGER}
        with Portal(engine, relay.port, public_url=PUBLIC, **options) as running:
            yield running


@pytest.fixture
def page(portal: Portal) -> Iterator[httpx.Client]:
    with portal.client() as client:
        client.post("/channels/web/session", json={})
        client.post("/channels/web/messages", json={"id": "one", "text": "yes, send it"})
        yield client


def ask(page: httpx.Client, to: str, number: str = NUMBER) -> httpx.Response:
    return page.post("/channels/web/receipt", json={"number": number, "to": to})


def queue(engine: Engine) -> list[OutgoingMessage]:
    with Session(engine) as session:
        return list(session.scalars(select(OutgoingMessage).order_by(OutgoingMessage.id)))


def test_by_email_once(page: httpx.Client, mail: MailDouble, engine: Engine) -> None:
    response = ask(page, f" {ANN} ")
    assert (response.status_code, response.json()) == (200, {"state": "queued"})
    [message] = eventually(lambda: mail.taken)
    assert (message["To"], message["Subject"]) == (ANN, f"Millbrook 311: your report {NUMBER}")
    assert OURS in message["From"] and "Millbrook" in message["From"]
    assert message["Auto-Submitted"] == "auto-generated"
    assert message.get_content_type() == "text/plain"
    text = message.get_content()
    assert f"Number: {NUMBER}\nPlace: 22 Prospect St <b>" in text.replace("\r\n", "\n")
    assert "It goes to Public Works." in text
    assert "**" not in text
    eventually(lambda: queue(engine)[0].state == "sent")
    assert ask(page, ANN).status_code == 200
    assert len(queue(engine)) == 1
    with Session(engine) as session:
        [consent] = session.scalars(select(Consent))
        assert (consent.state, consent.how) == ("asked", f"receipt {NUMBER}")


def test_by_text(page: httpx.Client, twilio: TwilioDouble) -> None:
    assert ask(page, "(617) 555-0177").status_code == 200
    [text] = eventually(lambda: twilio.texts("+16175550177"))
    assert "receipt" in text and NUMBER in text


def test_who_has_stopped_texts_gets_none_and_is_not_signed_up(page: httpx.Client, engine: Engine) -> None:
    ask(page, "617-555-0177")
    eventually(lambda: queue(engine)[0].state == "sent")
    with writing(engine) as session:
        correspondents.record(session, queue(engine)[0].sender, OPTED_OUT, "STOP", "x", now())
        outgoing.enqueue(session, key="again", sender=queue(engine)[0].sender, messages=[{"text": "x"}], at=now())
    page.post("/channels/web/messages", json={"id": "two", "text": "yes"})
    eventually(lambda: queue(engine)[1].state == "withheld")
    assert ask(page, "617-555-0177").status_code == 200


@pytest.mark.parametrize(
    "to",
    [
        "",
        "nobody",
        "ann@",
        "@example.org",
        "a b@example.org",
        "ann@example.org\r\nBcc: all@example.org",
        "ann@example.org, ben@example.org",
        "Ann <ann@example.org>",
        "555",
        "911",
        "+1 900",
        "ann@" + "x" * 300 + ".org",
        "ann@éxample.org\u202e",
        "617-555-0177 ext. 4",
    ],
)
def test_what_is_no_address_is_refused(page: httpx.Client, engine: Engine, to: str) -> None:
    assert ask(page, to).status_code == 422
    assert queue(engine) == []


def test_a_receipt_of_another_chat_is_not_found(page: httpx.Client, portal: Portal, engine: Engine) -> None:
    with portal.client() as other:
        assert ask(other, ANN).status_code == 404
    assert ask(page, ANN, "SR-100003").status_code == 404
    assert ask(page, ANN, "x' OR 1=1").status_code == 404
    assert page.post("/channels/web/receipt", json={"number": 1, "to": ANN}).status_code == 422
    assert page.post("/channels/web/receipt", json=[]).status_code == 422
    elsewhere = {"origin": "https://evil.example"}
    body = {"number": NUMBER, "to": ANN}
    assert page.post("/channels/web/receipt", json=body, headers=elsewhere).status_code == 403
    assert queue(engine) == []


def test_nobody_can_send_many(page: httpx.Client, engine: Engine) -> None:
    answers = [ask(page, f"ann{count}@example.org") for count in range(7)]
    assert [one.status_code for one in answers] == [200] * 5 + [429] * 2
    assert int(answers[-1].headers["retry-after"]) > 0
    assert len(queue(engine)) == 5


@pytest.mark.parametrize(
    ("mood", "state", "copies"), [("451 later", "sent", 1), ("cut", "sent", 2), ("550 no", "failed", 0)]
)
def test_a_mail_server_in_trouble(
    page: httpx.Client, mail: MailDouble, engine: Engine, mood: str, state: str, copies: int
) -> None:
    mail.moods = [mood]
    assert ask(page, ANN).status_code == 200
    eventually(lambda: queue(engine)[0].state == state)
    assert len(mail.taken) == copies
    assert len({one["Message-ID"] for one in mail.taken}) <= 1, "a copy is the same message"


def test_news_follow_by_email_until_the_reader_stops_them(
    page: httpx.Client, portal: Portal, mail: MailDouble, engine: Engine
) -> None:
    body = {"number": NUMBER, "to": ANN, "news": "yes"}
    assert page.post("/channels/web/receipt", json=body).status_code == 200
    [receipt] = eventually(lambda: mail.taken)
    with Session(engine) as session:
        [follow] = session.scalars(select(Follow))
        assert follow.reference == NUMBER
    assert affected(engine, [NUMBER]) == {NUMBER: 1}, "the reporter is not a second person"

    def tell(key: str) -> None:
        with writing(engine) as session:
            said = [{"text": "Your report is **done**."}]
            outgoing.enqueue(session, key=key, sender=follow.follower, messages=said, at=now(), kind=outgoing.REPLY)

    tell("one")
    eventually(lambda: len(mail.taken) == 2)
    news = mail.taken[1]
    assert news["Subject"] == "News about a report to Millbrook"
    assert "Your report is done." in news.get_content()
    [link] = re.findall(r"https://city.example(/stop/\S+)", news.get_content())
    assert news["List-Unsubscribe"] == f"<https://city.example{link}>" == receipt["List-Unsubscribe"]
    with portal.client() as reader:
        assert "Stop e-mail" in reader.get(link).text
        tell("two")
        eventually(lambda: len(mail.taken) == 3)
        assert "no more e-mail" in reader.post(link).text
        assert reader.post(link).status_code == 200
        assert reader.post(link[:-4]).status_code == 404
        assert reader.get("/stop/x").status_code == 404
    tell("three")
    eventually(lambda: queue(engine)[-1].state == "withheld")
    assert len(mail.taken) == 3


def test_all_chats_together_have_a_limit(engine: Engine) -> None:
    lines = Lines(rates=replace(GENEROUS, web="2/hour"))
    with RelayDouble(RELAY_SECRET) as relay, Portal(engine, relay.port, phone_lines=lines) as portal:
        codes = []
        for _ in range(3):
            with portal.client() as client:
                answer = client.post("/channels/web/messages", json={"id": "one", "text": "hello"})
                codes.append((answer.status_code, answer.json()["turn"] is None))
    assert codes == [(200, False), (200, False), (429, True)]


def test_without_lines_there_is_no_such_thing(engine: Engine) -> None:
    with RelayDouble(RELAY_SECRET) as relay, Portal(engine, relay.port) as portal, portal.client() as client:
        assert ask(client, ANN).status_code == 404
        assert 'data-reaches=""' in client.get("/").text
