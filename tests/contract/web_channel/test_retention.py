"""Conversations that nobody has written in for long are forgotten, on both sides, and nothing else is."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta, timezone

import pytest
from doubles.relay import RelayDouble
from sqlalchemy import Engine, text

from city311.channels.relay import Relay, RelayUnavailable
from city311.channels.retention import forget_old
from city311.settings import MissingSetting, load
from city311.store import correspondents, outgoing, retention
from city311.store.base import writing
from city311.store.follows import Follow
from city311.store.ledger import ServiceRequest
from city311.store.turns import Accepted, Incoming, Pace, Turns

NOW = datetime(2026, 11, 22, 12, tzinfo=timezone.utc)
LONG_AGO = NOW - timedelta(days=200)
SINCE = NOW - timedelta(days=90)
HELLO = [{"text": "hello", "buttons": []}]


def say(engine: Engine, sender: str, at: datetime, *, answered: bool = True) -> None:
    turns = Turns(engine, lease=timedelta(seconds=15))
    accepted = turns.accept(Incoming(sender, at.isoformat().replace(":", ""), "web", "en", "my words"), Pace(), at)
    assert isinstance(accepted, Accepted)
    if answered:
        assert accepted.claim is not None
        turns.answer(accepted.claim, HELLO, at)


def left(engine: Engine, table: str = "turns") -> list[str]:
    with engine.connect() as connection:
        return sorted(connection.execute(text(f"SELECT sender FROM {table}")).scalars())  # noqa: S608 - our own names


def forget(engine: Engine, relay: RelayDouble) -> int:
    async def run() -> int:
        async with Relay(f"http://127.0.0.1:{relay.port}", relay.secret, timeout_s=5) as client:
            return await forget_old(engine, client.forget, SINCE, NOW)

    return asyncio.run(run())


def test_only_conversations_without_a_new_message_are_forgotten(engine: Engine, relay: RelayDouble) -> None:
    say(engine, "web-old", LONG_AGO)
    say(engine, "web-still-used", LONG_AGO)
    say(engine, "web-still-used", NOW - timedelta(days=1))
    say(engine, "web-just-kept", SINCE)
    say(engine, "web-waits", LONG_AGO, answered=False)
    assert forget(engine, relay) == 1
    assert relay.forgotten == ["web-old"]
    assert left(engine) == ["web-just-kept", "web-still-used", "web-still-used", "web-waits"]
    assert left(engine, "conversations") == ["web-just-kept", "web-still-used", "web-waits"]
    assert forget(engine, relay) == 0
    say(engine, "web-old", NOW)
    assert "web-old" in left(engine), "who comes back begins anew"


def test_more_than_one_batch(engine: Engine, relay: RelayDouble, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("city311.channels.retention._AT_ONCE", 2)
    senders = [f"web-{number}" for number in range(5)]
    for sender in senders:
        say(engine, sender, LONG_AGO)
    assert forget(engine, relay) == 5
    assert relay.forgotten == senders
    assert left(engine) == []


def test_what_the_dialogue_process_still_has_is_kept_here_too(engine: Engine, relay: RelayDouble) -> None:
    say(engine, "web-old", LONG_AGO)
    relay.mode = "unavailable"
    with pytest.raises(RelayUnavailable):
        forget(engine, relay)
    assert left(engine) == ["web-old"]
    relay.mode = "answer"
    assert forget(engine, relay) == 1


def test_a_message_that_comes_meanwhile_saves_the_conversation(engine: Engine) -> None:
    say(engine, "web-old", LONG_AGO)
    assert retention.idle(engine, SINCE, at=NOW, limit=10) == ["web-old"]
    say(engine, "web-old", NOW, answered=False)
    assert not retention.drop(engine, "web-old", SINCE, at=NOW)
    assert left(engine) == ["web-old", "web-old"]


def test_messages_to_phones_go_when_they_are_done_with(engine: Engine, relay: RelayDouble) -> None:
    with writing(engine) as session:
        heard = correspondents.Heard("sms-a", "sms", "+16175550131", "twilio", "+16175550100")
        correspondents.note(session, heard, LONG_AGO)
        for key, at in (("old", LONG_AGO), ("old-failed", LONG_AGO), ("new", NOW)):
            outgoing.enqueue(session, key=key, sender="sms-a", messages=HELLO, at=at)
        session.execute(text("UPDATE outgoing_messages SET state = 'sent' WHERE key IN ('old', 'new')"))
        session.execute(text("UPDATE outgoing_messages SET state = 'failed' WHERE key = 'old-failed'"))
    forget(engine, relay)
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT key, content FROM outgoing_messages ORDER BY id")).all()
    assert [row.key for row in rows] == ["old-failed", "new"]
    assert "hello" not in str(rows[0].content), "that it failed stays, its words do not"
    assert "hello" in str(rows[1].content)
    assert left(engine, "correspondents") == ["sms-a"], "there is still something to send"


def test_the_ledger_of_consent_stays_as_long_as_the_law_may_ask_for_it(engine: Engine, relay: RelayDouble) -> None:
    ancient = NOW - timedelta(days=6 * 366)
    entries = {
        "sms-stopped": [("in", ancient), ("out", ancient)],
        "sms-again": [("out", ancient), ("in", ancient)],
        "sms-lately": [("out", ancient), ("in", LONG_AGO)],
        "email-asked": [("asked", ancient)],
        "sms-asked-after-stop": [("out", ancient), ("asked", ancient)],
        "sms-silent": [],
    }
    with writing(engine) as session:
        for number, (sender, entered) in enumerate(entries.items()):
            heard = correspondents.Heard(sender, "sms", f"+1617555{number:04d}", "twilio", "+16175550100")
            correspondents.note(session, heard, ancient)
            for count, (state, at) in enumerate(entered):
                correspondents.record(session, sender, state, "x", f"{sender}-{count}", at)
    forget(engine, relay)
    assert left(engine, "correspondents") == ["sms-asked-after-stop", "sms-lately", "sms-stopped"]
    with writing(engine) as session:
        assert correspondents.has_opted_out(session, "sms-stopped")
        assert correspondents.has_opted_out(session, "sms-asked-after-stop")
        assert not correspondents.has_opted_out(session, "sms-lately")
    assert left(engine, "consents") == ["sms-asked-after-stop", "sms-lately", "sms-stopped"]


def test_a_phone_that_reported_something_stays_known(engine: Engine, relay: RelayDouble) -> None:
    with writing(engine) as session:
        for sender in ("sms-reporter", "sms-follower", "sms-other"):
            heard = correspondents.Heard(sender, "sms", "+16175550131", "twilio", "+16175550100")
            correspondents.note(session, heard, LONG_AGO)
        session.add(
            ServiceRequest(
                number="SR-100003",
                idempotency_key="x",
                reporter="sms-reporter",
                channel="sms",
                service_code="pothole",
                submission={},
                created_at=LONG_AGO,
            )
        )
        session.add(Follow(reference="SR-100011", follower="sms-follower", channel="sms", since=LONG_AGO))
    forget(engine, relay)
    assert left(engine, "correspondents") == ["sms-follower", "sms-reporter"]


@pytest.mark.parametrize("days", ["7", "0", "-1", "1.5", "ninety", "¾"])
def test_how_long_is_a_number_of_days_longer_than_a_session(days: str) -> None:
    with pytest.raises(MissingSetting, match="CITY311_KEEP_CHATS_DAYS"):
        load({"CITY311_KEEP_CHATS_DAYS": days})


def test_ninety_days_unless_said_otherwise() -> None:
    assert load({}).keep_chats == timedelta(days=90)
    assert load({"CITY311_KEEP_CHATS_DAYS": "8"}).keep_chats == timedelta(days=8)
