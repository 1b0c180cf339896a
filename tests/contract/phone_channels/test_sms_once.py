"""SMS and its answers: once, in order, and never lost, whatever fails."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from doubles.phones import eventually, phone_portal
from doubles.portal import Portal
from doubles.relay import RelayDouble, slow
from doubles.texts import ANN, BEN, bring, consents, queue, settled, turns, write
from doubles.twilio import TwilioDouble
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from city311.store import outgoing
from city311.store.base import now, writing
from city311.store.outgoing import OutgoingMessage


def test_the_same_message_many_times_at_once_is_one_turn(
    portal: Portal, twilio: TwilioDouble, relay: RelayDouble, engine: Engine
) -> None:
    relay.answer = slow(0.2)
    form = twilio.message(ANN, "hello")
    with ThreadPoolExecutor(8) as pool:
        assert {answer.status_code for answer in pool.map(lambda _: bring(twilio, portal, form), range(16))} == {200}
    eventually(lambda: settled(engine) and twilio.texts(ANN))
    assert len(turns(engine)) == len(relay.calls) == len(twilio.texts(ANN)) == 1


def test_answers_come_in_the_order_of_the_messages(
    portal: Portal, twilio: TwilioDouble, relay: RelayDouble, engine: Engine
) -> None:
    relay.answer = slow(0.01)
    twilio.moods = ["away", "well", "busy", "well", "fault"]
    for number in range(12):
        write(twilio, portal, ANN, f"message {number}")
    eventually(lambda: len(twilio.texts(ANN)) >= 12 and settled(engine))
    assert [text.splitlines()[-1] for text in twilio.texts(ANN)] == [f"You said: message {n}" for n in range(12)]
    assert relay.overlaps == 0


def test_acknowledged_before_it_is_worked_on(portal: Portal, twilio: TwilioDouble, relay: RelayDouble) -> None:
    relay.mode = "hang"
    write(twilio, portal, ANN, "hello")  # answers although the dialogue hangs
    assert twilio.texts(ANN) == []
    relay.mode = "answer"
    relay.release.set()
    eventually(lambda: twilio.texts(ANN))


def test_what_waits_is_answered_after_a_restart(engine: Engine, relay: RelayDouble, twilio: TwilioDouble) -> None:
    relay.mode = "unavailable"
    twilio.mood = "away"
    with phone_portal(engine, relay, twilio) as portal:
        write(twilio, portal, ANN, "first")
        write(twilio, portal, ANN, "second")
    assert twilio.texts(ANN) == []
    relay.mode, twilio.mood = "answer", "well"
    with phone_portal(engine, relay, twilio):
        eventually(lambda: len(twilio.texts(ANN)) == 2)
    assert [text.splitlines()[-1] for text in twilio.texts(ANN)] == ["You said: first", "You said: second"]


def test_a_database_that_refuses_is_told_to_the_provider(
    engine: Engine, relay: RelayDouble, twilio: TwilioDouble
) -> None:
    with phone_portal(engine, relay, twilio) as portal:
        with engine.begin() as connection:
            connection.exec_driver_sql("ALTER TABLE turns RENAME TO turns_away")
        form = twilio.message(ANN, "hello")
        answer = bring(twilio, portal, form)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        with engine.begin() as connection:
            connection.exec_driver_sql("ALTER TABLE turns_away RENAME TO turns")
        assert bring(twilio, portal, form).status_code == 200
        eventually(lambda: twilio.texts(ANN))
    assert len(turns(engine)) == 1


@pytest.mark.parametrize("mood", ["away", "deaf", "busy", "cut", "fault"])
def test_a_failed_sending_is_repeated_and_never_doubled(
    portal: Portal, twilio: TwilioDouble, engine: Engine, mood: str
) -> None:
    twilio.moods = [mood]
    write(twilio, portal, ANN, "hello")
    eventually(lambda: settled(engine) and twilio.texts(ANN))
    assert len(twilio.texts(ANN)) == 1
    [message] = queue(engine)
    assert (message.state, message.attempts, message.provider_id) == ("sent", 2, twilio.sent[0]["sid"])


def test_what_stays_unclear_is_left_to_a_person(portal: Portal, twilio: TwilioDouble, engine: Engine) -> None:
    twilio.mood = "deaf"
    write(twilio, portal, ANN, "hello")
    eventually(lambda: settled(engine) and queue(engine))
    [message] = queue(engine)
    assert (message.state, message.attempts) == ("failed", 3)
    assert message.last_error.startswith("unclear")
    assert twilio.texts(ANN) == []


def test_a_death_between_sending_and_writing_down_does_not_double(
    engine: Engine, relay: RelayDouble, twilio: TwilioDouble
) -> None:
    with phone_portal(engine, relay, twilio) as portal:
        write(twilio, portal, ANN, "hello")
        eventually(lambda: settled(engine) and twilio.texts(ANN))
    with Session(engine.execution_options(writes=True)) as session, session.begin():
        # as the row stands when the process dies just after Twilio took the message
        [row] = session.scalars(select(OutgoingMessage))
        row.state, row.parts, row.provider_id, row.sent_at = "sending", 0, None, None
        row.maybe_sent_at, row.leased_until = row.created_at, now() - timedelta(seconds=1)
    with phone_portal(engine, relay, twilio):
        eventually(lambda: settled(engine))
    [row] = queue(engine)
    assert (row.state, row.provider_id) == ("sent", twilio.sent[0]["sid"])
    assert len(twilio.texts(ANN)) == 1


def test_what_was_delivered_is_kept_and_what_was_not_waits_for_a_person(
    portal: Portal, twilio: TwilioDouble, engine: Engine
) -> None:
    write(twilio, portal, ANN, "hello")
    write(twilio, portal, BEN, "hello")
    eventually(lambda: len(twilio.sent) == 2 and settled(engine))
    first, second = (row.provider_id for row in queue(engine))
    path = "/channels/sms/twilio/status"
    assert bring(twilio, portal, twilio.status(first, "delivered"), path=path).status_code == 200
    assert bring(twilio, portal, twilio.status(second, "undelivered", "30005"), path=path).status_code == 200
    assert bring(twilio, portal, twilio.status("SM" + "0" * 32, "delivered"), path=path).status_code == 200
    assert bring(twilio, portal, twilio.status(first, "delivered"), path=path, token="x").status_code == 403
    assert [(row.state, row.fate, row.last_error) for row in queue(engine)] == [
        ("sent", "delivered", ""),
        ("failed", "undelivered", "undelivered 30005"),
    ]
    with writing(engine) as session:
        assert outgoing.retry(session, queue(engine)[1].id, now())
    eventually(lambda: len(twilio.texts(BEN)) == 2 and settled(engine))
    assert [(row.state, row.fate) for row in queue(engine)] == [("sent", "delivered"), ("sent", "")]
    write(twilio, portal, BEN, "and now?")
    eventually(lambda: len(twilio.texts(BEN)) == 3)


def test_a_message_of_which_nothing_is_left_to_send_is_sent(
    portal: Portal, twilio: TwilioDouble, engine: Engine
) -> None:
    write(twilio, portal, ANN, "hello")
    eventually(lambda: settled(engine) and twilio.texts(ANN))
    with writing(engine) as session:  # as one that had two parts and would be made of one now
        [row] = session.scalars(select(OutgoingMessage))
        row.state, row.parts, row.sent_at = "waiting", 1, None
    write(twilio, portal, ANN, "and now?")
    eventually(lambda: len(twilio.texts(ANN)) == 2 and settled(engine))
    assert [row.state for row in queue(engine)] == ["sent", "sent"]


def test_who_has_stopped_at_the_provider_is_not_written_to(
    portal: Portal, twilio: TwilioDouble, engine: Engine
) -> None:
    twilio.stopped.add(ANN)  # by a word that never reached us
    write(twilio, portal, ANN, "hello")
    eventually(lambda: settled(engine) and queue(engine))
    assert [row.state for row in queue(engine)] == ["withheld"]
    assert consents(engine) == [("out", "provider 21610")]
