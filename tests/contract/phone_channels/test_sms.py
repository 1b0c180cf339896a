"""SMS through Twilio: a signed webhook in, an answer out through the queue, against doubles of both neighbours."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import httpx
import pytest
from doubles.phones import PUBLIC, eventually, phone_portal
from doubles.portal import RELAY_SECRET, Portal
from doubles.relay import RelayDouble, slow
from doubles.twilio import OURS, TwilioDouble
from harness import asking
from harness.ports import free_port
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from city311.channels.configuration import Lines
from city311.channels.limits import Rates
from city311.channels.segments import segments
from city311.store import outgoing
from city311.store.base import now, writing
from city311.store.correspondents import Consent
from city311.store.outgoing import OutgoingMessage
from city311.store.turns import Turn

ANN, BEN = "+16175550177", "+16175550178"
INTRO = "automated assistant"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
WEBHOOK = "/channels/sms/twilio"


def bring(twilio: TwilioDouble, portal: Portal, form: dict[str, str], **how: str) -> httpx.Response:
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


def test_a_text_message_is_answered(portal: Portal, twilio: TwilioDouble, relay: RelayDouble, engine: Engine) -> None:
    response = bring(twilio, portal, twilio.message(ANN, "There is a pothole on Main Street"))
    assert (response.status_code, response.headers["content-type"]) == (200, "text/xml; charset=utf-8")
    assert response.text == "<Response/>"
    [text] = eventually(lambda: twilio.texts(ANN))
    assert INTRO in text
    assert text.endswith("You said: There is a pothole on Main Street")
    [turn] = turns(engine)
    assert (turn.channel, turn.state) == ("sms", "answered")
    assert relay.calls[0]["channel"] == "sms"
    eventually(lambda: settled(engine))
    [message] = queue(engine)
    assert (message.state, message.provider_id, message.attempts) == ("sent", twilio.sent[0]["sid"], 1)
    assert message.maybe_sent_at is None
    assert twilio.sent[0]["status_callback"] == f"{PUBLIC}/channels/sms/twilio/status"
    write(twilio, portal, ANN, "and a dead tree")
    eventually(lambda: len(twilio.texts(ANN)) == 2)
    assert twilio.texts(ANN)[1] == "You said: and a dead tree"  # who we are is said once


def test_nobody_learns_the_number_from_ids_or_logs(
    portal: Portal, twilio: TwilioDouble, engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "city311")
    write(twilio, portal, ANN, "my secret words")
    form = twilio.message(f"whatsapp:{ANN}", "my secret words")
    bring(twilio, portal, form, path="/channels/whatsapp/twilio")
    twilio.moods = ["away", "cut"]
    write(twilio, portal, ANN, "my secret words")
    bring(twilio, portal, twilio.message(ANN, "my secret words"), token="forged")
    eventually(lambda: len(turns(engine)) == 3 and settled(engine))
    sms, _, whatsapp = (turn.sender for turn in turns(engine))
    assert (sms[:4], whatsapp[:9]) == ("sms-", "whatsapp-")
    assert sms.removeprefix("sms-") != whatsapp.removeprefix("whatsapp-")
    assert "5550177" not in sms + whatsapp + caplog.text
    assert "secret words" not in caplog.text


# --- forged, replayed, misshapen --------------------------------------------------------------------------------------


def test_what_is_not_signed_is_refused(portal: Portal, twilio: TwilioDouble, engine: Engine) -> None:
    form = twilio.message(ANN, "hello")
    assert bring(twilio, portal, form, token="another token").status_code == 403
    assert twilio.bring(portal.url, form, public_url="https://elsewhere.example").status_code == 403
    body = "Body=hello&From=%2B16175550177&MessageSid=SM1"
    assert asking.post(portal.url + WEBHOOK, content=body, headers=FORM).status_code == 403
    assert asking.post(portal.url + WEBHOOK, content=b"\xff\xfe", headers=FORM).status_code == 403
    for signature in ("", "AAAA", "ünïcode".encode().decode("latin-1"), "=" * 5000):
        headers = {**FORM, "X-Twilio-Signature": signature.encode("latin-1")}
        assert asking.post(portal.url + WEBHOOK, content=body, headers=headers).status_code == 403
    assert turns(engine) == queue(engine) == []


def test_a_signature_does_not_fit_other_words(portal: Portal, twilio: TwilioDouble, engine: Engine) -> None:
    from urllib.parse import urlencode

    from twilio.request_validator import RequestValidator

    form = twilio.message(ANN, "hello")
    signature = RequestValidator("0123456789abcdef0123456789abcdef").compute_signature(PUBLIC + WEBHOOK, form)
    for changed in ({**form, "Body": "other"}, {**form, "From": BEN}, {**form, "Extra": "1"}):
        headers = {**FORM, "X-Twilio-Signature": signature}
        answer = asking.post(portal.url + WEBHOOK, content=urlencode(changed), headers=headers)
        assert answer.status_code == 403
    assert turns(engine) == []


def test_a_signed_message_that_is_played_back_is_the_same_turn(
    portal: Portal, twilio: TwilioDouble, relay: RelayDouble, engine: Engine
) -> None:
    form = twilio.message(ANN, "hello")
    for _ in range(5):
        assert bring(twilio, portal, form).status_code == 200
    eventually(lambda: settled(engine) and twilio.texts(ANN))
    assert len(turns(engine)) == len(relay.calls) == len(twilio.texts(ANN)) == 1


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        (b"Body=x", {"Content-Type": "application/json"}, 415),
        (b"Body=x", {}, 415),
        (b"Body=" + b"x" * 70_000, FORM, 413),
        (b"&".join(b"a%d=1" % n for n in range(300)), FORM, 403),
    ],
)
def test_wrong_bodies_are_refused(
    portal: Portal, engine: Engine, content: bytes, headers: dict[str, str], status: int
) -> None:
    assert asking.post(portal.url + WEBHOOK, content=content, headers=headers).status_code == status
    assert turns(engine) == []


def test_a_body_of_ten_megabytes_without_a_length_is_cut_off(portal: Portal) -> None:
    def chunks():
        for _ in range(160):
            yield b"x" * 65_536

    try:
        status = asking.post(portal.url + WEBHOOK, content=chunks(), headers=FORM, timeout=30).status_code
    except httpx.TransportError:
        return  # the portal closed the connection under the flood
    assert status == 413


def test_short_codes_other_accounts_and_ourselves_are_not_talked_to(
    portal: Portal, twilio: TwilioDouble, engine: Engine
) -> None:
    write(twilio, portal, "22395", "Your code is 1234")
    write(twilio, portal, ANN, "hello", AccountSid="AC" + "9" * 32)
    write(twilio, portal, OURS, "an echo")
    assert turns(engine) == []
    assert bring(twilio, portal, twilio.message(f"whatsapp:{ANN}", "hello")).status_code == 400
    assert bring(twilio, portal, twilio.message(ANN, "hello", MessageSid="", SmsSid="")).status_code == 400


def test_a_line_that_is_not_set_up_does_not_exist(engine: Engine, relay: RelayDouble, twilio: TwilioDouble) -> None:
    with Portal(engine, relay.port, public_url=PUBLIC) as portal:
        for path in ("sms/twilio", "whatsapp/twilio", "whatsapp/meta", "whatsapp/2chat/token", "sms/twilio/status"):
            assert asking.post(f"{portal.url}/channels/{path}").status_code == 404
        assert asking.get(f"{portal.url}/channels/whatsapp/meta").status_code == 404


# --- once, in order, never lost ---------------------------------------------------------------------------------------


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


# --- sending --------------------------------------------------------------------------------------------------------


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


# --- what residents read ----------------------------------------------------------------------------------------------


def test_a_long_answer_is_shortened_and_stands_whole_on_a_page(
    portal: Portal, twilio: TwilioDouble, relay: RelayDouble
) -> None:
    buttons = [{"title": title, "payload": title} for title in ("Yes, send it", "Change something")]
    relay.answer = lambda _turn: [{"text": "Please check <b>this</b>. " * 60, "buttons": buttons}]
    write(twilio, portal, ANN, "hello")
    [text] = eventually(lambda: twilio.texts(ANN))
    assert segments(text) <= 3
    assert text.endswith("1. Yes, send it\n2. Change something")
    link = next(line for line in text.splitlines() if PUBLIC in line).rpartition(" ")[2]
    page = asking.get(link.replace(PUBLIC, portal.url))
    assert page.status_code == 200
    assert page.text.count("&lt;b&gt;this&lt;/b&gt;") == 60
    assert "<b>this" not in page.text
    assert page.headers["cache-control"] == "no-store"
    assert asking.get(f"{portal.url}/texts/{'A' * 32}").status_code == 404
    assert asking.get(f"{portal.url}/texts/x").status_code == 404


def test_choices_are_answered_by_number(portal: Portal, twilio: TwilioDouble, relay: RelayDouble) -> None:
    buttons = [{"title": title, "payload": title} for title in ("Yes, send it", "Change something")]
    relay.answer = lambda turn: [{"text": f"Shall I? {turn['text']}", "buttons": buttons}]
    write(twilio, portal, ANN, "a pothole")
    eventually(lambda: len(twilio.texts(ANN)) == 1)
    for number, wanted in (("1", "Yes, send it"), (" 2. ", "Change something"), ("3", "3"), ("0", "0"), ("12", "12")):
        count = len(twilio.texts(ANN))
        write(twilio, portal, ANN, number)
        eventually(lambda count=count: len(twilio.texts(ANN)) > count)
        assert relay.calls[-1]["text"] == wanted


def test_a_number_is_an_answer_where_only_one_choice_is(
    portal: Portal, twilio: TwilioDouble, relay: RelayDouble
) -> None:
    relay.answer = lambda _turn: [{"text": "How many?", "buttons": [{"title": "Skip", "payload": "Skip"}]}]
    write(twilio, portal, ANN, "tires")
    eventually(lambda: len(twilio.texts(ANN)) == 1)
    assert twilio.texts(ANN)[0].endswith('How many?\nOr reply "Skip".')
    write(twilio, portal, ANN, "1")
    eventually(lambda: len(relay.calls) == 2)
    assert relay.calls[-1]["text"] == "1"


def open_question(turn: dict[str, object]) -> list[dict[str, object]]:
    return [
        {"text": f"You said: {turn['text']}"},
        {"text": "Which part of the street?", "custom": {"about": "Pothole"}},
    ]


def age(engine: Engine, days: float) -> None:
    with Session(engine.execution_options(writes=True)) as session, session.begin():
        for turn in session.scalars(select(Turn)):
            turn.received_at -= timedelta(days=days)


def test_a_resident_who_comes_back_days_later_is_told_where_they_were(
    portal: Portal, twilio: TwilioDouble, relay: RelayDouble, engine: Engine
) -> None:
    relay.answer = open_question
    write(twilio, portal, ANN, "a pothole")
    eventually(lambda: len(twilio.texts(ANN)) == 1)
    write(twilio, portal, ANN, "bike lane")
    eventually(lambda: len(twilio.texts(ANN)) == 2)
    assert "not finished" not in "".join(twilio.texts(ANN))
    age(engine, 3)
    write(twilio, portal, ANN, "hi again")
    eventually(lambda: len(twilio.texts(ANN)) == 3)
    assert twilio.texts(ANN)[2].splitlines()[0] == "Welcome back! You have not finished this report yet: Pothole."
    relay.answer = lambda _turn: [{"text": "Thank you. Your report is in."}]
    write(twilio, portal, ANN, "yes send it")
    eventually(lambda: len(twilio.texts(ANN)) == 4)
    age(engine, 3)
    write(twilio, portal, ANN, "hello")
    eventually(lambda: len(twilio.texts(ANN)) == 5)
    assert "not finished" not in twilio.texts(ANN)[4]


# --- STOP, START, HELP ------------------------------------------------------------------------------------------------


def test_stop_is_obeyed_and_recorded_and_left_to_twilio_to_confirm(
    portal: Portal, twilio: TwilioDouble, relay: RelayDouble, engine: Engine
) -> None:
    write(twilio, portal, ANN, "hello")
    eventually(lambda: twilio.texts(ANN))
    write(twilio, portal, ANN, "Stop")
    write(twilio, portal, ANN, "are you there?")
    assert consents(engine) == [("out", "Stop")]
    assert [turn.text for turn in turns(engine)] == ["hello"]
    assert len(queue(engine)) == 1
    write(twilio, portal, ANN, "Yes")
    write(twilio, portal, ANN, "and now?")
    eventually(lambda: len(twilio.texts(ANN)) == 2)
    assert consents(engine) == [("out", "Stop"), ("in", "Yes")]
    assert [call["text"] for call in relay.calls] == ["hello", "and now?"]


def test_yes_is_an_answer_for_whoever_has_not_stopped(portal: Portal, twilio: TwilioDouble, relay: RelayDouble) -> None:
    write(twilio, portal, ANN, "yes")
    eventually(lambda: relay.calls)
    assert relay.calls[0]["text"] == "yes"


def test_a_stop_that_is_played_back_does_not_stop_again(portal: Portal, twilio: TwilioDouble, engine: Engine) -> None:
    stop = twilio.message(ANN, "STOP")
    start = twilio.message(ANN, "START")
    for form in (stop, start, stop, stop):
        bring(twilio, portal, form)
    assert consents(engine) == [("out", "STOP"), ("in", "START")]


def test_where_twilio_does_not_answer_we_do_once(engine: Engine, relay: RelayDouble, twilio: TwilioDouble) -> None:
    with phone_portal(engine, relay, twilio, account={"carrier_answers": False}) as portal:

        def said_after(text: str) -> list[str]:
            before = len(twilio.texts(ANN))
            bring(twilio, portal, twilio.message(ANN, text))
            twilio.stopped.clear()  # its own list is switched off
            eventually(lambda: settled(engine))
            return twilio.texts(ANN)[before:]

        assert "Reply STOP" in said_after("HELP")[0]
        assert "no more texts" in said_after("CANCEL")[0]
        assert said_after("STOP") == []
        assert said_after("hello?") == []
        assert "texts from Millbrook again" in said_after("START")[0]
    assert relay.calls == []


def test_stop_in_other_spelling_is_confirmed_by_us_because_twilio_does_not_know_it(
    portal: Portal, twilio: TwilioDouble, engine: Engine
) -> None:
    write(twilio, portal, ANN, "Opt-out!")
    [text] = eventually(lambda: twilio.texts(ANN))
    assert "no more texts" in text
    assert consents(engine) == [("out", "Opt-out!")]


def test_words_that_the_city_gave_to_twilio_count_too(portal: Portal, twilio: TwilioDouble, engine: Engine) -> None:
    write(twilio, portal, ANN, "Basta", OptOutType="STOP")
    write(twilio, portal, ANN, "Hola", OptOutType="START")
    write(twilio, portal, ANN, "Ayuda", OptOutType="HELP")
    assert consents(engine) == [("out", "Basta"), ("in", "Hola")]
    assert turns(engine) == queue(engine) == []


def test_after_start_the_open_question_is_asked_again(
    portal: Portal, twilio: TwilioDouble, relay: RelayDouble, engine: Engine
) -> None:
    relay.answer = open_question
    write(twilio, portal, ANN, "a pothole")
    eventually(lambda: len(twilio.texts(ANN)) == 1)
    write(twilio, portal, ANN, "cancel")
    write(twilio, portal, ANN, "START")
    eventually(lambda: len(twilio.texts(ANN)) == 2)
    assert twilio.texts(ANN)[1].splitlines() == [
        "Welcome back! You have not finished this report yet: Pothole.",
        "Which part of the street?",
    ]


# --- too fast, too long, nothing --------------------------------------------------------------------------------------


def test_who_writes_too_fast_is_told_once(engine: Engine, relay: RelayDouble, twilio: TwilioDouble) -> None:
    lines = Lines(twilio=twilio.account(), rates=Rates(per_sender="5/minute", overall="1000/minute"))
    with phone_portal(engine, relay, twilio, phone_lines=lines) as portal:
        forms = [twilio.message(ANN, f"message {n}") for n in range(60)]
        with ThreadPoolExecutor(12) as pool:
            assert {answer.status_code for answer in pool.map(lambda form: bring(twilio, portal, form), forms)} == {200}
        write(twilio, portal, BEN, "hello")  # others are not hindered
        eventually(lambda: settled(engine) and twilio.texts(BEN))
        taken = [turn for turn in turns(engine) if turn.text != "hello"]
        assert len(taken) == 5
        assert sum("faster than I can read" in text for text in twilio.texts(ANN)) == 1
        assert len(twilio.texts(ANN)) == 6
        # a retry of a message that was taken is no new message
        known = next(form for form in forms if form["Body"] == taken[0].text)
        assert bring(twilio, portal, known).status_code == 200
    assert len(turns(engine)) == 6


def test_a_flood_of_stop_start_and_help_is_obeyed_and_hardly_answered(
    engine: Engine, relay: RelayDouble, twilio: TwilioDouble
) -> None:
    lines = Lines(
        twilio=twilio.account(carrier_answers=False), rates=Rates(per_sender="5/minute", overall="1000/minute")
    )
    with phone_portal(engine, relay, twilio, phone_lines=lines) as portal:
        for word in ["Stop.", "Unstop!", "Help?"] * 8 + ["Stop."]:
            write(twilio, portal, ANN, word)
        eventually(lambda: settled(engine))
        assert len(twilio.texts(ANN)) == 6  # five, and one more within ten minutes
        with Session(engine) as session:
            entries = session.scalars(select(Consent).order_by(Consent.id)).all()
    assert [entry.state for entry in entries] == ["out", "in"] * 8 + ["out"]


def test_too_long_and_empty_messages_are_answered_and_not_stored(
    portal: Portal, twilio: TwilioDouble, engine: Engine
) -> None:
    for text in ("x" * 1001, "", "\u200b\u202e", "/"):
        before = len(twilio.texts(ANN))
        write(twilio, portal, ANN, text)
        eventually(lambda before=before: len(twilio.texts(ANN)) > before)
    assert turns(engine) == []
    assert ["too long" in text for text in twilio.texts(ANN)] == [True, False, False, False]


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("my card is 4111 1111 1111 1111", "my card is [card number removed]"),
        ("ssn 123-45-6789", "ssn [social security number removed]"),
        ('/submit{"intent": 1}', 'submit{"intent": 1}'),
        ("\u202eevil\u2066 \U0001f1fa\U0001f1f8", "evil \U0001f1fa\U0001f1f8"),
    ],
)
def test_what_is_stored_and_relayed_is_screened(
    portal: Portal, twilio: TwilioDouble, relay: RelayDouble, engine: Engine, text: str, kept: str
) -> None:
    write(twilio, portal, ANN, text)
    eventually(lambda: relay.calls)
    assert relay.calls[0]["text"] == turns(engine)[0].text == kept


def test_silence_becomes_an_apology_with_the_phone_number(
    portal: Portal, twilio: TwilioDouble, relay: RelayDouble
) -> None:
    relay.answer = lambda _turn: []
    write(twilio, portal, ANN, "hello")
    [text] = eventually(lambda: twilio.texts(ANN))
    assert "555-010-0311" in text


def test_a_resident_is_told_when_the_answer_comes_late(engine: Engine, twilio: TwilioDouble) -> None:
    port = free_port()
    with RelayDouble(RELAY_SECRET, port=port) as relay, phone_portal(engine, relay, twilio) as portal:
        relay.mode = "unavailable"
        write(twilio, portal, ANN, "hello")
        eventually(lambda: len(relay.calls) > 1)
        assert twilio.texts(ANN) == []  # a hiccup is no news
        age(engine, 30 / 86400)
        [text] = eventually(lambda: twilio.texts(ANN))
        assert "I kept your message" in text
        relay.mode = "answer"
        eventually(lambda: len(twilio.texts(ANN)) == 2)
        assert twilio.texts(ANN)[1].endswith("You said: hello")


# --- photos and places ------------------------------------------------------------------------------------------------


def test_a_photo_reaches_the_dialogue_as_a_photo_of_the_house(
    portal: Portal, twilio: TwilioDouble, relay: RelayDouble, engine: Engine
) -> None:
    response = bring(twilio, portal, twilio.photo(ANN, "this pothole"))
    assert response.status_code == 200
    eventually(lambda: relay.calls)
    [photo] = relay.calls[0]["metadata"]["media"]
    from city311.store.photos import Photo

    with Session(engine) as session:
        row = session.get_one(Photo, photo)
        assert (row.owner, row.width, row.height) == (turns(engine)[0].sender, 40, 30)
    assert "attachments" not in relay.calls[0]["metadata"]
    assert twilio.wrong == []


def test_a_photo_alone_is_relayed_too(portal: Portal, twilio: TwilioDouble, relay: RelayDouble) -> None:
    bring(twilio, portal, twilio.photo(ANN))
    eventually(lambda: relay.calls)
    assert relay.calls[0]["text"] == ""
    assert len(relay.calls[0]["metadata"]["media"]) == 1


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://127.0.0.1:1/secret",
        "https://evil.example/photo.jpg",
        "https://api.twilio.com@evil.example/photo.jpg",
        "https://api.twilio.com:8443/photo.jpg",
        "file:///etc/passwd",
        "https://[::1",
        "gopher://api.twilio.com/",
    ],
)
def test_other_addresses_are_never_called(portal: Portal, twilio: TwilioDouble, relay: RelayDouble, url: str) -> None:
    form = twilio.message(ANN, "look", NumMedia="1", MediaUrl0=url, MediaContentType0="image/jpeg")
    assert bring(twilio, portal, form).status_code == 200
    [text] = eventually(lambda: twilio.texts(ANN))
    assert "could not take what you attached" in text
    assert text.endswith("You said: look")
    assert "media" not in relay.calls[0]["metadata"]
    assert not any(method == "GET" for method, _ in twilio.requests)


def test_an_expired_or_false_photo_is_told_and_the_words_are_kept(
    portal: Portal, twilio: TwilioDouble, relay: RelayDouble
) -> None:
    expired, video = twilio.photo(ANN, "look"), twilio.photo(ANN, "watch", kind="video/mp4")
    twilio.expired.update(twilio.media)
    no_picture = twilio.photo(ANN, "see", content=b"<script>alert(1)</script>")
    for count, form in enumerate((expired, video, no_picture), 1):
        bring(twilio, portal, form)
        eventually(lambda count=count: len(twilio.texts(ANN)) == count)
        assert "could not take what you attached" in twilio.texts(ANN)[-1]
    assert [call["text"] for call in relay.calls] == ["look", "watch", "see"]
    alone = twilio.photo(ANN, content=b"nothing")
    bring(twilio, portal, alone)
    eventually(lambda: len(twilio.texts(ANN)) == 4)
    assert len(relay.calls) == 3


def test_a_photo_that_does_not_come_now_is_tried_again(
    portal: Portal, twilio: TwilioDouble, relay: RelayDouble, engine: Engine
) -> None:
    form = twilio.photo(ANN, "look")
    media, twilio.media = twilio.media, {}
    real = twilio.answer
    failures = iter([None, None])

    def answer(method: str, path: str, headers: dict[str, str], body: bytes):
        from doubles.provider import Answer

        if "/Media/" in path:
            try:
                next(failures)
            except StopIteration:
                twilio.media = media
            else:
                return Answer(503)
        return real(method, path, headers, body)

    twilio.answer = answer
    bring(twilio, portal, form)
    eventually(lambda: relay.calls)
    assert len(relay.calls[0]["metadata"]["media"]) == 1


def test_fifty_photos_are_ten_at_most(portal: Portal, twilio: TwilioDouble, relay: RelayDouble) -> None:
    first = twilio.photo(ANN, "look")
    fields = {f"MediaUrl{n}": first["MediaUrl0"] for n in range(50)}
    kinds = {f"MediaContentType{n}": "image/jpeg" for n in range(50)}
    form = {**first, "NumMedia": "50", **fields, **kinds}
    assert bring(twilio, portal, form).status_code == 200
    eventually(lambda: relay.calls)
    assert sum("/Media/" in path for _, path in twilio.requests) == 10
    assert len(set(relay.calls[0]["metadata"]["media"])) == 1  # the same picture is one photo


def test_a_pin_goes_along_as_a_position(portal: Portal, twilio: TwilioDouble, relay: RelayDouble) -> None:
    place = {"Latitude": "42.3651", "Longitude": "-71.1042"}
    write(twilio, portal, ANN, "here", **place)
    write(twilio, portal, ANN, "", **place)
    write(twilio, portal, ANN, "wrong", Latitude="95", Longitude="nan")
    eventually(lambda: len(relay.calls) == 3)
    assert [(call["text"], call["metadata"].get("location")) for call in relay.calls] == [
        ("here", {"lat": 42.3651, "lon": -71.1042}),
        ("42.36510, -71.10420", {"lat": 42.3651, "lon": -71.1042}),
        ("wrong", None),
    ]
