"""SMS through Twilio: a signed webhook in, an answer out through the queue, against doubles of both neighbours."""

from __future__ import annotations

import logging

import pytest
from doubles.phones import PUBLIC, eventually, phone_portal
from doubles.portal import RELAY_SECRET, Portal
from doubles.relay import RelayDouble
from doubles.texts import ANN, age, bring, open_question, queue, settled, turns, write
from doubles.twilio import TwilioDouble
from harness import asking
from harness.ports import free_port
from sqlalchemy import Engine

from city311.channels.segments import segments

INTRO = "automated assistant"


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
