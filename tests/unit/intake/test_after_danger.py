"""A report that an answer about danger ended: kept, and taken up again once there is none."""

from __future__ import annotations

import pytest
from conversing import Talk, setting

from city311.intake import NO_DANGER, Offer, Utterance, afterwards, ask_offer, hear_offer
from city311.intake.offers import Answered, Reply


def stopped() -> tuple[Talk, Offer]:
    talk = Talk().begin("There's a huge sinkhole on River St near Putnam", service="cave_in", location="River St")
    talk.say("yes, cars are driving around it")
    assert talk.ended == "stopped"
    offer = afterwards(talk.here, talk.state)
    assert offer is not None
    return talk, offer


def say(offer: Offer, text: str, intent: str = "") -> Answered:
    return hear_offer(setting(), offer, Utterance(text, intent, 0.9 if intent else 0.0))


def test_it_is_kept_with_its_words_and_place() -> None:
    talk, offer = stopped()
    assert (offer.kind, offer.labels, offer.entities) == (NO_DANGER, ["report/cave_in"], {"location": ["River St"]})
    assert offer.text.startswith("There's a huge sinkhole")
    assert [each.phrase.key for each in ask_offer(talk.here, offer)] == ["utter_offer_kept"]


@pytest.mark.parametrize(("said", "intent"), [("no one is hurt", "inform"), ("its 3 feet wide", "inform")])
def test_who_tells_on_gets_the_report_back(said: str, intent: str) -> None:
    answered = say(stopped()[1], said, intent)
    assert (answered.reply, answered.label) == (Reply.CHOSEN, "report/cave_in")


def test_the_report_begins_with_the_question_of_danger_again() -> None:
    talk = Talk().begin(stopped()[1].text, service="cave_in", location="River St")
    assert talk.value("immediate_danger") is None
    assert talk.asking == stopped()[0].here.pack.services["cave_in"].questions[0].code


def test_an_ok_to_the_safety_text_is_asked_what_it_means() -> None:
    answered = say(stopped()[1], "yes", "affirm")
    assert answered.reply is Reply.AGAIN
    assert [each.phrase.key for each in answered.says] == ["utter_ask_no_danger"]


def test_more_danger_is_danger() -> None:
    assert say(stopped()[1], "a car just fell in", "emergency").reply is Reply.DANGER


def test_no_thanks_ends_it() -> None:
    assert say(stopped()[1], "No, thanks").reply is Reply.REFUSED


@pytest.mark.parametrize("misses", [0, 1])
def test_words_are_no_number_where_they_cry_for_help(misses: int) -> None:
    """A plate is no danger, whatever it sounds like; words in its place are, also the second time."""
    talk = Talk().begin("blocked", service="blocked_driveway").say("17 Fayette St")
    talk.say(*["hm"] * misses) if misses else None
    talk.say("call an ambulance", "emergency")
    assert talk.digressed
