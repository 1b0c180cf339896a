"""WhatsApp through Twilio: numbered choices, button words of templates, and the window that Twilio enforces."""

from __future__ import annotations

import json
from datetime import timedelta

from doubles.phones import PUBLIC, eventually, phone_portal
from doubles.relay import RelayDouble
from doubles.twilio import TwilioDouble
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from city311.store import outgoing
from city311.store.base import now, writing
from city311.store.correspondents import Correspondent
from city311.store.outgoing import OutgoingMessage

ANN = "whatsapp:+16175550177"
PATH = "/channels/whatsapp/twilio"
NEWS = [{"text": "Your report SR-104217 is done."}]
TEMPLATE = {"name": "status", "values": ["SR-104217", "done"]}


def states(engine: Engine) -> list[tuple[str, str]]:
    with Session(engine) as session:
        rows = session.scalars(select(OutgoingMessage).order_by(OutgoingMessage.id))
        return [(row.state, row.last_error) for row in rows]


def test_choices_are_numbered_and_pressed_words_are_heard(
    engine: Engine, relay: RelayDouble, twilio: TwilioDouble
) -> None:
    buttons = [{"title": title, "payload": title} for title in ("Yes, send it", "Change something")]
    relay.answer = lambda _turn: [{"text": "**Shall** I?", "buttons": buttons}]
    with phone_portal(engine, relay, twilio) as portal:
        for count, form in enumerate(
            (
                twilio.message(ANN, "hello", ProfileName="Ann", WaId="16175550177"),
                twilio.message(ANN, "2"),
                twilio.message(ANN, "Press me", ButtonPayload="Yes, send it", ButtonText="Press me"),
            ),
            1,
        ):
            assert twilio.bring(portal.url, form, path=PATH, public_url=PUBLIC).status_code == 200
            eventually(lambda count=count: len(twilio.texts(ANN)) == count)
    assert twilio.texts(ANN)[1] == "*Shall* I?\n1. Yes, send it\n2. Change something"
    assert [call["text"] for call in relay.calls] == ["hello", "Change something", "Yes, send it"]
    assert {call["channel"] for call in relay.calls} == {"whatsapp"}


def test_after_24_hours_only_a_template_goes(engine: Engine, relay: RelayDouble, twilio: TwilioDouble) -> None:
    account = {"templates": {"status": "HX" + "1" * 32}}
    with phone_portal(engine, relay, twilio, account=account) as portal:
        form = twilio.message(ANN, "hello")
        assert twilio.bring(portal.url, form, path=PATH, public_url=PUBLIC).status_code == 200
        eventually(lambda: twilio.sent)
        twilio.heard_at[ANN] -= timedelta(hours=25)  # Twilio knows better than we when they last wrote
        with Session(engine) as session:
            sender = session.scalars(select(Correspondent.sender)).one()
        for key, template in (("with", TEMPLATE), ("without", None)):
            with writing(engine) as session:
                outgoing.enqueue(
                    session,
                    key=key,
                    sender=sender,
                    messages=NEWS,
                    at=now(),
                    kind=outgoing.REPLY,
                    template=template,
                )
        eventually(lambda: [state for state, _ in states(engine)] == ["sent", "sent", "failed"])
    assert states(engine)[2] == ("failed", "63016")
    sent = twilio.sent[1]
    assert (sent["content_sid"], sent["body"]) == (account["templates"]["status"], "")
    assert json.loads(sent["content_variables"]) == {"1": "SR-104217", "2": "done"}
