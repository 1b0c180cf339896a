"""News to phones: the queue's promises to whoever puts something in, and the commands of the operator."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from doubles.phones import PROMPT, PUBLIC, eventually, phone_portal
from doubles.portal import DOMAIN, Portal
from doubles.relay import RelayDouble
from doubles.twilio import TwilioDouble
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session
from typer.testing import CliRunner

from city311.channels.configuration import Lines
from city311.channels.limits import Limits, Rates
from city311.channels.outgoing import Pace, Sender
from city311.channels.providers import Envelope, Part
from city311.channels.quiet import Quiet
from city311.channels.stopping import Stopping
from city311.channels.together import R, Together, Write
from city311.language.responses import Responses
from city311.store import correspondents, outgoing
from city311.store.base import now, writing
from city311.store.correspondents import OPTED_IN, OPTED_OUT, Heard
from city311.store.outgoing import REPLY, UPDATE, URGENT, OutgoingMessage

ANN, BEN = "+16175550177", "+16175550178"
CHICAGO = ZoneInfo("America/Chicago")
NEVER = Quiet(time(0), time(0), CHICAGO)
NIGHT = Quiet(time(21), time(8), CHICAGO)


def known(engine: Engine, number: str, channel: str = "sms", provider: str = "double") -> str:
    sender = f"{channel}-{number}"
    with writing(engine) as session:
        correspondents.note(session, Heard(sender, channel, number, provider, "+16175550131"), now())
    return sender


def tell(engine: Engine, key: str, sender: str, text: str, kind: str = UPDATE, at: datetime | None = None) -> bool:
    with writing(engine) as session:
        return outgoing.enqueue(session, key=key, sender=sender, messages=[{"text": text}], at=at or now(), kind=kind)


def rows(engine: Engine) -> list[OutgoingMessage]:
    with Session(engine) as session:
        return list(session.scalars(select(OutgoingMessage).order_by(OutgoingMessage.id)))


class Recorder:
    """A provider that takes everything and notes it; the clock of its world is a test's."""

    interactive = False
    windowed = True

    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []

    async def send(self, part: Part, envelope: Envelope) -> str:
        self.sent.append((envelope.number, part.text))
        return f"id-{len(self.sent)}"

    async def find(self, part: Part, envelope: Envelope, since: datetime) -> str | None:
        return None

    async def close(self) -> None:
        pass


def sending(
    together: Together, recorder: Recorder, *, at: datetime, quiet: Quiet = NEVER, pace: Pace = PROMPT
) -> Sender:
    return Sender(
        together,
        {("sms", "double"): recorder, ("whatsapp", "double"): recorder},
        Responses(DOMAIN, {"city_name": "Millbrook"}),
        Limits(Rates()),
        stopping=Stopping(together.engine, "secret", PUBLIC),
        quiet=quiet,
        pace=pace,
        clock=lambda: at,
    )


def work(
    engine: Engine,
    recorder: Recorder,
    *,
    at: datetime,
    quiet: Quiet = NEVER,
    rounds: int = 8,
    pace: Pace = PROMPT,
) -> None:
    """The sending side, as often round as it takes, at one moment."""

    async def run() -> None:
        sender = sending(Together(engine), recorder, at=at, quiet=quiet, pace=pace)
        for _ in range(rounds):
            await sender._start_due()
            await asyncio.gather(*sender._under_way.values())
            await asyncio.sleep(0)

    asyncio.run(run())


def test_a_key_is_sent_once_and_a_chat_page_gets_nothing(engine: Engine) -> None:
    ann = known(engine, ANN)
    assert tell(engine, "status:SR-104217:done", ann, "done")
    assert not tell(engine, "status:SR-104217:done", ann, "done again")
    assert not tell(engine, "status:SR-104225:done", "web-somebody", "done")
    recorder = Recorder()
    work(engine, recorder, at=now())
    assert recorder.sent == [(ANN, "done")]
    assert [row.state for row in rows(engine)] == ["sent"]


def test_a_line_at_its_pace_holds_back_its_own_messages_only(engine: Engine) -> None:
    ann, ben, cat = known(engine, ANN), known(engine, BEN), known(engine, ANN, "whatsapp")
    for key, sender in (("1", ann), ("2", ben), ("3", cat)):
        assert tell(engine, key, sender, f"text {key}")
    recorder = Recorder()
    work(engine, recorder, at=now(), pace=Pace(per_second={"sms": 1 / 3600, "whatsapp": 1000.0}))
    assert recorder.sent == [(ANN, "text 1"), (ANN, "text 3")]
    waits = rows(engine)[1]
    # nobody holds it, so that another process may send it, and nobody need ask whether it went
    assert (waits.state, waits.lease, waits.attempts, waits.maybe_sent_at) == ("waiting", None, 0, None)


def test_a_queue_that_waits_for_its_line_is_not_read_for_every_message(engine: Engine) -> None:
    for key, number in (("1", ANN), ("2", BEN)):
        assert tell(engine, key, known(engine, number), f"text {key}")
    recorder, looks = Recorder(), 0

    async def run() -> None:
        sender = sending(Together(engine), recorder, at=now(), pace=Pace(per_second={"sms": 1 / 3600}))
        start_due = sender._start_due

        async def counted() -> float:
            nonlocal looks
            looks += 1
            return await start_due()

        sender._start_due = counted
        running = asyncio.create_task(sender.run())
        while not recorder.sent:
            await asyncio.sleep(0.001)
        for _ in range(200):
            sender.look()
            await asyncio.sleep(0.005)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(run())
    assert recorder.sent == [(ANN, "text 1")]
    assert looks < 100


def test_a_message_is_known_to_be_on_its_way_before_the_provider_has_it(engine: Engine) -> None:
    class Asker(Recorder):
        async def send(self, part: Part, envelope: Envelope) -> str:
            row = rows(engine)[len(self.sent)]
            assert (row.state, row.attempts) == ("sending", 1)
            assert row.maybe_sent_at is not None
            return await super().send(part, envelope)

    asker = Asker()
    for key, number in (("1", ANN), ("2", BEN)):
        assert tell(engine, key, known(engine, number), "done")
    work(engine, asker, at=now())
    assert [(row.state, row.maybe_sent_at) for row in rows(engine)] == [("sent", None)] * 2


def test_what_was_taken_when_the_portal_is_told_to_end_is_still_sent(engine: Engine) -> None:
    class Held(Together):
        def __init__(self) -> None:
            super().__init__(engine)
            self.taken, self.go = asyncio.Event(), asyncio.Event()

        async def write(self, write: Write[R]) -> R:
            result = await super().write(write)
            self.taken.set()
            await self.go.wait()
            return result

    recorder = Recorder()
    assert tell(engine, "1", known(engine, ANN), "done")

    async def run() -> None:
        held = Held()
        running = asyncio.create_task(sending(held, recorder, at=now()).run())
        await held.taken.wait()
        running.cancel()
        await asyncio.sleep(0)
        held.go.set()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(run())
    assert recorder.sent == [(ANN, "done")]
    assert [(row.state, row.maybe_sent_at) for row in rows(engine)] == [("sent", None)]


def test_what_is_not_sent_leaves_no_doubt_whether_it_was(engine: Engine) -> None:
    ann = known(engine, ANN)
    with writing(engine) as session:
        correspondents.record(session, ann, OPTED_OUT, "STOP", "1", now())
    assert tell(engine, "1", ann, "done")
    assert tell(engine, "2", known(engine, BEN, provider="gone"), "done")
    recorder = Recorder()
    work(engine, recorder, at=now())
    assert recorder.sent == []
    assert [(row.state, row.maybe_sent_at) for row in rows(engine)] == [("withheld", None), ("failed", None)]


def test_what_is_rolled_back_is_not_sent(engine: Engine) -> None:
    ann = known(engine, ANN)
    with pytest.raises(RuntimeError), writing(engine) as session:
        outgoing.enqueue(session, key="a", sender=ann, messages=[{"text": "never"}], at=now())
        raise RuntimeError
    assert rows(engine) == []


def test_news_wait_for_the_morning_and_answers_do_not(engine: Engine) -> None:
    ann, ben = known(engine, ANN), known(engine, BEN)
    night = datetime(2026, 3, 7, 23, 30, tzinfo=CHICAGO)
    tell(engine, "news", ann, "news", at=night)
    tell(engine, "answer", ann, "answer", REPLY, at=night)
    tell(engine, "news for ben", ben, "news", at=night)
    tell(engine, "wire", ben, "news of an emergency", URGENT, at=night)
    recorder = Recorder()
    work(engine, recorder, at=night, quiet=NIGHT)
    assert sorted(recorder.sent) == [(ANN, "answer"), (BEN, "news of an emergency")]
    # the clocks go forward in this night: it is eight where the residents are
    assert rows(engine)[0].not_before == datetime(2026, 3, 8, 13, 0, tzinfo=timezone.utc)
    work(engine, recorder, at=datetime(2026, 3, 8, 7, 59, tzinfo=CHICAGO), quiet=NIGHT)
    assert len(recorder.sent) == 2
    work(engine, recorder, at=datetime(2026, 3, 8, 8, 0, tzinfo=CHICAGO), quiet=NIGHT)
    assert sorted(recorder.sent[2:]) == [(ANN, "news"), (BEN, "news")]


@pytest.mark.parametrize(
    ("starts", "ends", "at", "until"),
    [
        (time(21), time(8), time(22), 8),
        (time(21), time(8), time(21), 8),
        (time(21), time(8), time(7, 59), 8),
        (time(21), time(8), time(8), None),
        (time(21), time(8), time(12), None),
        (time(0), time(9), time(3), 9),
        (time(0), time(9), time(23), None),
        (time(8), time(8), time(8), None),
    ],
)
def test_quiet_hours(starts: time, ends: time, at: time, until: int | None) -> None:
    moment = datetime.combine(datetime(2026, 6, 1), at, CHICAGO)
    found = Quiet(starts, ends, CHICAGO).until(moment)
    assert (found.astimezone(CHICAGO).hour if found else None) == until
    assert found is None or found > moment


def test_nobody_who_has_stopped_gets_news(engine: Engine) -> None:
    ann = known(engine, ANN)
    with writing(engine) as session:
        correspondents.record(session, ann, OPTED_OUT, "STOP", "m1", now())
    tell(engine, "one", ann, "one")
    recorder = Recorder()
    work(engine, recorder, at=now())
    assert [row.state for row in rows(engine)] == ["withheld"]
    with writing(engine) as session:
        correspondents.record(session, ann, OPTED_IN, "START", "m2", now())
    tell(engine, "two", ann, "two")
    work(engine, recorder, at=now())
    assert recorder.sent == [(ANN, "two")]  # what was withheld stays so


def test_each_resident_gets_news_in_order(engine: Engine) -> None:
    senders = [known(engine, f"+1617555010{n}") for n in range(5)]
    for number in range(6):
        for sender in senders:
            tell(engine, f"{sender}:{number}", sender, f"{number}")
    recorder = Recorder()
    work(engine, recorder, at=now(), rounds=20)
    for sender in senders:
        assert [text for number, text in recorder.sent if sender.endswith(number)] == list("012345")


def test_a_failed_message_holds_up_nothing_and_can_be_sent_again(
    engine: Engine, relay: RelayDouble, twilio: TwilioDouble, monkeypatch: pytest.MonkeyPatch, database_url: str
) -> None:
    ann = known(engine, ANN, provider="twilio")
    twilio.moods = ["deaf"] * 3
    tell(engine, "first", ann, "first", REPLY)
    tell(engine, "second", ann, "second", REPLY)
    with phone_portal(engine, relay, twilio):
        eventually(lambda: twilio.texts(ANN) == ["second"])
        monkeypatch.setenv("CITY311_DATABASE_URL", database_url)
        from city311.cli import app

        def city311(*words: str) -> str:
            result = CliRunner().invoke(app, ["messages", *words])
            return f"{result.exit_code} {result.output}"

        [failed] = json.loads(city311("list", "--json").partition(" ")[2])
        assert (failed["key"], failed["to"], failed["attempts"]) == ("first", "…0177", 3)
        assert failed["why"].startswith("unclear")
        assert "first" in city311("list")
        assert ANN not in city311("list")
        eventually(lambda: '"sent": 1' in city311("count", "--json"))
        assert city311("retry", str(failed["id"])) == f"0 Message {failed['id']} will be sent again.\n"
        eventually(lambda: twilio.texts(ANN) == ["second", "first"])
        assert city311("retry", str(failed["id"])).startswith("1 No failed message")
        assert city311("list", "--state", "lost").startswith("1 There is no state")
        eventually(lambda: "No message is failed." in city311("list"))


def test_a_line_that_was_taken_away_leaves_its_messages_to_a_person(
    engine: Engine, relay: RelayDouble, twilio: TwilioDouble
) -> None:
    ann = known(engine, ANN, "whatsapp", "meta")
    tell(engine, "one", ann, "one", REPLY)
    with phone_portal(engine, relay, twilio):
        eventually(lambda: rows(engine)[0].state == "failed")
    assert rows(engine)[0].last_error == "whatsapp by meta is not set up"


def test_a_line_that_is_busy_is_left_alone_for_as_long_as_it_asks(
    engine: Engine, relay: RelayDouble, twilio: TwilioDouble
) -> None:
    for number in (ANN, BEN):
        tell(engine, number, known(engine, number, provider="twilio"), "hello", REPLY)
    twilio.moods = ["busy"]
    lines = Lines(twilio=twilio.account(), rates=Rates())
    with phone_portal(engine, relay, twilio, phone_lines=lines):
        eventually(lambda: twilio.texts(ANN) and twilio.texts(BEN))
    assert len(twilio.requests) <= 4  # two that were told to wait at most, and two that went


def test_requests_from_one_phone_are_found_on_every_channel(portal: Portal, engine: Engine) -> None:
    from city311.store.ledger import ServiceRequest

    sms, whatsapp, other = known(engine, ANN), known(engine, ANN, "whatsapp"), known(engine, BEN)
    with writing(engine) as session:
        for number, reporter, phone in (
            ("SR-100003", sms, ""),
            ("SR-100011", "web-somebody", ANN),
            ("SR-100020", other, ""),
            ("SR-100038", "web-somebody", BEN),
        ):
            session.add(
                ServiceRequest(
                    number=number,
                    idempotency_key=number,
                    reporter=reporter,
                    channel="x",
                    service_code="pothole",
                    phone=phone,
                    submission={"service_name": "Pothole"},
                    created_at=now() - timedelta(minutes=int(number[-1])),
                )
            )
    from doubles.portal import tiny_pack

    from city311.requests import Requests

    requests = Requests(tiny_pack(), engine, None)  # type: ignore[arg-type]
    assert {one.number for one in requests.of_reporter(whatsapp)} == {"SR-100003", "SR-100011"}
    assert {one.number for one in requests.of_reporter(sms)} == {"SR-100003", "SR-100011"}
    assert {one.number for one in requests.of_reporter(other)} == {"SR-100020", "SR-100038"}
    # a phone that somebody typed on the page proves nothing
    assert {one.number for one in requests.of_reporter("web-somebody")} == {"SR-100011", "SR-100038"}
    assert requests.of_reporter("sms-nobody") == []
