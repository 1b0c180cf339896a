"""Residents who text through Twilio's double, and what there is of their messages in the database."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
from doubles.phones import PUBLIC
from doubles.portal import Portal
from doubles.twilio import TwilioDouble
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from city311.store.correspondents import Consent
from city311.store.outgoing import OutgoingMessage
from city311.store.turns import Turn

ANN, BEN = "+16175550177", "+16175550178"


def bring(twilio: TwilioDouble, portal: Portal, form: dict[str, str], **how: Any) -> httpx.Response:
    return twilio.bring(portal.url, form, public_url=PUBLIC, **how)


def write(twilio: TwilioDouble, portal: Portal, number: str, text: str, **fields: str) -> None:
    response = bring(twilio, portal, twilio.message(number, text, **fields))
    assert response.status_code == 200, response.text


def turns(engine: Engine) -> list[Turn]:
    with Session(engine) as session:
        return list(session.scalars(select(Turn).order_by(Turn.sender, Turn.seq)))


def queue(engine: Engine) -> list[OutgoingMessage]:
    with Session(engine) as session:
        return list(session.scalars(select(OutgoingMessage).order_by(OutgoingMessage.id)))


def consents(engine: Engine) -> list[tuple[str, str]]:
    with Session(engine) as session:
        return [(row.state, row.how) for row in session.scalars(select(Consent).order_by(Consent.id))]


def settled(engine: Engine) -> bool:
    answered = all(turn.state == "answered" for turn in turns(engine))
    return answered and all(message.state not in ("waiting", "sending") for message in queue(engine))


def age(engine: Engine, days: float) -> None:
    with Session(engine.execution_options(writes=True)) as session, session.begin():
        for turn in session.scalars(select(Turn)):
            turn.received_at -= timedelta(days=days)


def open_question(turn: dict[str, object]) -> list[dict[str, object]]:
    """An answer of the dialogue that ends with a question."""
    return [
        {"text": f"You said: {turn['text']}"},
        {"text": "Which part of the street?", "custom": {"about": "Pothole"}},
    ]
