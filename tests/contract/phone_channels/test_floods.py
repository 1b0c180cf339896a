"""More messages than anybody can read."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from doubles.phones import eventually, phone_portal
from doubles.portal import Portal
from doubles.relay import RelayDouble
from doubles.texts import ANN, BEN, bring, settled, turns, write
from doubles.twilio import TwilioDouble
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from city311.channels.configuration import Lines
from city311.channels.limits import Rates
from city311.store.correspondents import Consent


def test_who_writes_too_fast_is_told_once(engine: Engine, relay: RelayDouble, twilio: TwilioDouble) -> None:
    lines = Lines(twilio=twilio.account(), rates=Rates(per_sender="20/hour", overall="1000/minute"))
    with phone_portal(engine, relay, twilio, phone_lines=lines) as portal:
        forms = [twilio.message(ANN, f"message {n}") for n in range(200)]
        with ThreadPoolExecutor(12) as pool:
            assert {answer.status_code for answer in pool.map(lambda form: bring(twilio, portal, form), forms)} == {200}
        write(twilio, portal, BEN, "hello")  # others are not hindered
        eventually(lambda: settled(engine) and twilio.texts(BEN))
        taken = [turn for turn in turns(engine) if turn.text != "hello"]
        assert len(taken) == 20
        assert sum("faster than I can read" in text for text in twilio.texts(ANN)) == 1
        assert len(twilio.texts(ANN)) == 21
        # a retry of a message that was taken is no new message
        known = next(form for form in forms if form["Body"] == taken[0].text)
        assert bring(twilio, portal, known).status_code == 200
    assert len(turns(engine)) == 21


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


def crowd(twilio: TwilioDouble, portal: Portal, size: int) -> dict[str, str]:
    """Each of so many phones sends one message at the same time: number → words. All are acknowledged."""
    words = {f"+1303555{n:04d}": f"the tree of neighbor {n}" for n in range(size)}
    forms = [twilio.message(number, text) for number, text in words.items()]
    with portal.client() as client, ThreadPoolExecutor(24) as pool:
        answers = pool.map(lambda form: bring(twilio, portal, form, client=client).status_code, forms)
        assert set(answers) == {200}
    return words


def test_many_phones_at_once_are_answered_each_with_its_own(portal: Portal, twilio: TwilioDouble) -> None:
    words = crowd(twilio, portal, 300)
    eventually(lambda: len(twilio.sent) >= 300)
    assert {number: [text.splitlines()[-1] for text in twilio.texts(number)] for number in words} == {
        number: [f"You said: {text}"] for number, text in words.items()
    }


def test_a_crowd_beyond_the_limit_of_all_is_told_and_not_left_in_silence(
    engine: Engine, relay: RelayDouble, twilio: TwilioDouble
) -> None:
    lines = Lines(twilio=twilio.account(), rates=Rates(per_sender="20/hour", overall="60/hour"))
    with phone_portal(engine, relay, twilio, phone_lines=lines) as portal:
        words = crowd(twilio, portal, 90)
        eventually(lambda: len(twilio.sent) >= 90 and settled(engine))
        told = {number for number in words if "faster than I can read" in twilio.texts(number)[0]}
    assert len(twilio.sent) == 90
    assert (len(turns(engine)), len(told)) == (60, 30)
    assert {turn.text for turn in turns(engine)} == {text for number, text in words.items() if number not in told}
