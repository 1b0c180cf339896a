"""The forms of the page without scripts for a resident's own phone and e-mail: as the chat page's, in words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from doubles.conversation import small_conversation
from doubles.mail import MailDouble
from doubles.phones import GENEROUS, PROMPT, PUBLIC, eventually
from doubles.portal import EAGER, RELAY_SECRET, UNHURRIED, Portal
from doubles.relay import RelayDouble
from doubles.twilio import TwilioDouble
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from city311.channels.configuration import Lines
from city311.store.outgoing import OutgoingMessage
from city311.store.verified import VerifiedPhone

NUMBER, ANN, PHONE = "SR-104217", "ann@example.org", "+16175550177"


@pytest.fixture
def portal(engine: Engine, mail: MailDouble, twilio: TwilioDouble) -> Iterator[Portal]:
    lines = Lines(twilio=twilio.account(), mail=mail.account(), rates=GENEROUS)
    options: dict[str, Any] = {"phone_lines": lines, "sending": PROMPT, "pace": UNHURRIED, "timing": EAGER}
    with (
        RelayDouble(RELAY_SECRET, small_conversation) as relay,
        Portal(engine, relay.port, public_url=PUBLIC, **options) as running,
    ):
        yield running


@pytest.fixture
def page(portal: Portal) -> Iterator[httpx.Client]:
    """A browser without scripts, whose chat has a receipt."""
    with portal.client() as client:
        assert client.post("/plain", data={"id": "one", "text": "yes, send it"}).status_code == 303
        yield client


def post(page: httpx.Client, form: str, **fields: str) -> httpx.Response:
    return page.post("/plain", data={"form": form, "language": "en", **fields})


def queued(engine: Engine) -> int:
    with Session(engine) as session:
        return session.scalar(select(func.count()).select_from(OutgoingMessage)) or 0


def test_a_receipt_is_sent_by_email_and_by_text(page: httpx.Client, mail: MailDouble, twilio: TwilioDouble) -> None:
    assert f'name="number" value="{NUMBER}"' in page.get("/plain").text
    answer = post(page, "receipt", number=NUMBER, to=ANN, news="yes")
    assert answer.status_code == 200
    assert "We will send it there soon." in answer.text
    assert answer.headers["cache-control"] == "no-store"
    [message] = eventually(lambda: mail.taken)
    assert (message["To"], NUMBER in message.get_content()) == (ANN, True)
    assert post(page, "receipt", number=NUMBER, to="617 555 0177").status_code == 200
    assert NUMBER in eventually(lambda: twilio.texts(PHONE))[0]


def test_what_cannot_be_sent_is_said_and_stays_in_its_field(page: httpx.Client, engine: Engine) -> None:
    answer = post(page, "receipt", number=NUMBER, to='"><b>nobody')
    assert answer.status_code == 422
    assert "We cannot send it there. Please check what you typed." in answer.text
    assert 'value="&#34;&gt;&lt;b&gt;nobody"' in answer.text
    answer = post(page, "phone", number="911")
    assert answer.status_code == 422
    assert "We cannot text this number." in answer.text
    assert 'value="911"' in answer.text
    assert queued(engine) == 0


def test_a_receipt_of_another_chat_is_not_sent(portal: Portal, page: httpx.Client, engine: Engine) -> None:
    with portal.client() as other:
        answer = post(other, "receipt", number=NUMBER, to=ANN)
        assert answer.status_code == 404
        assert "That did not work." in answer.text
        assert answer.headers["set-cookie"]
    assert post(page, "receipt", number="SR-100003", to=ANN).status_code == 404
    assert queued(engine) == 0


def test_a_phone_is_shown(page: httpx.Client, twilio: TwilioDouble, engine: Engine) -> None:
    answer = post(page, "phone", number="617 555 0177")
    assert "We will text a code there." in answer.text
    [code] = re.findall(r"\b\d{6}\b", eventually(lambda: twilio.texts(PHONE))[0])
    wrong = post(page, "code", code=f"{(int(code) + 1) % 1_000_000:06d}")
    assert (wrong.status_code, "This is not the code." in wrong.text) == (403, True)
    right = post(page, "code", code=f"{code[:3]} {code[3:]}")
    assert (right.status_code, "You can now ask here about the reports" in right.text) == (200, True)
    assert code not in right.text
    with Session(engine) as session:
        assert len(session.scalars(select(VerifiedPhone)).all()) == 1
    over = post(page, "code", code=code)
    assert (over.status_code, "This code does not work any more." in over.text) == (410, True)


def test_nobody_is_flooded(page: httpx.Client, engine: Engine) -> None:
    answers = [post(page, "phone", number="617 555 0177") for _ in range(4)]
    assert [one.status_code for one in answers] == [200, 200, 200, 429]
    assert "a few times too often" in answers[-1].text
    assert int(answers[-1].headers["retry-after"]) > 0
    assert queued(engine) == 3


def test_another_site_cannot_have_anything_sent(page: httpx.Client, engine: Engine) -> None:
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        for fields in ({"form": "receipt", "number": NUMBER, "to": ANN}, {"form": "phone", "number": "617 555 0177"}):
            assert page.post("/plain", data=fields, headers=headers).status_code == 403
    assert queued(engine) == 0


def test_without_lines_there_are_no_such_forms(engine: Engine) -> None:
    with (
        RelayDouble(RELAY_SECRET, small_conversation) as relay,
        Portal(engine, relay.port) as portal,
        portal.client() as client,
    ):
        client.post("/plain", data={"id": "one", "text": "yes, send it"})
        text = client.get("/plain").text
        assert NUMBER in text
        assert 'name="form"' not in text
        assert post(client, "receipt", number=NUMBER, to=ANN).status_code == 422
