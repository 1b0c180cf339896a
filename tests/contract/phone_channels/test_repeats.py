"""Webhooks that are brought again when the words they brought are long deleted."""

from __future__ import annotations

from datetime import timedelta

from doubles.phones import PUBLIC, eventually
from doubles.portal import Portal
from doubles.relay import RelayDouble
from doubles.twilio import TwilioDouble
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from city311.store import retention
from city311.store.base import now
from city311.store.outgoing import SENT, OutgoingMessage
from city311.store.turns import Turn

ANN = "+16175550177"
LATER = timedelta(days=100)


def turns(engine: Engine) -> list[str]:
    with Session(engine) as session:
        return list(session.scalars(select(Turn.client_id)))


def answered(engine: Engine) -> str:
    """The sender, when the last answer is sent."""

    def sender() -> str | None:
        with Session(engine) as session:
            rows = list(session.scalars(select(OutgoingMessage)))
            return rows[-1].sender if rows and all(row.state == SENT for row in rows) else None

    return str(eventually(sender))


def test_a_message_that_was_deleted_by_age_is_not_new_when_it_is_brought_again(
    portal: Portal, twilio: TwilioDouble, relay: RelayDouble, engine: Engine
) -> None:
    form = twilio.message(ANN, "There is a pothole on Main Street")
    assert twilio.bring(portal.url, form, public_url=PUBLIC).status_code == 200
    sender, at = answered(engine), now() + LATER
    assert retention.drop(engine, sender, at, at=at)
    assert turns(engine) == []

    assert twilio.bring(portal.url, form, public_url=PUBLIC).status_code == 200
    assert turns(engine) == []
    assert twilio.bring(portal.url, twilio.message(ANN, "Is it mended?"), public_url=PUBLIC).status_code == 200
    assert len(turns(engine)) == 1
    eventually(lambda: len(relay.calls) == 2)
    assert [call["text"] for call in relay.calls] == ["There is a pothole on Main Street", "Is it mended?"]

    retention.drop_repeats(engine, at)
    assert twilio.bring(portal.url, form, public_url=PUBLIC).status_code == 200
    assert len(turns(engine)) == 1, "it is known until that moment"
    retention.drop_repeats(engine, at + timedelta(seconds=1))
    assert twilio.bring(portal.url, form, public_url=PUBLIC).status_code == 200
    assert len(turns(engine)) == 2, "what is known of it goes away, too"
    answered(engine)
