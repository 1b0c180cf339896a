"""STOP, START and HELP."""

from __future__ import annotations

from doubles.phones import eventually, phone_portal
from doubles.portal import Portal
from doubles.relay import RelayDouble
from doubles.texts import ANN, bring, consents, open_question, queue, settled, turns, write
from doubles.twilio import TwilioDouble
from sqlalchemy import Engine


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
