"""Which kind of problem it is, where the first words did not say: what is said to the buttons."""

from __future__ import annotations

import pytest
from conversing import RIVERBEND, Talk, setting

from city311.intake import Utterance, is_unsure

SPEEDING = [("illegal_parking", 0.3), ("speed_hump", 0.28), ("noise", 0.2)]


def doubtful() -> Talk:
    talk = Talk().begin("speeding cars on Garden street its insane", services=SPEEDING)
    assert (talk.keys, talk.asking) == (["utter_ask_which_service"], "service")
    return talk


def test_more_of_a_problem_starts_no_other_kind_of_report() -> None:
    talk = doubtful().say("mornings and evenings", "inform", services=[("construction_noise", 0.7)])
    assert (talk.keys[0], talk.asking, talk.state.service) == ("utter_remark_kept", "service", "")
    assert talk.state.candidates == [code for code, _ in SPEEDING]
    assert talk.say("Speed hump repair").state.service == "speed_hump"
    assert "mornings and evenings" in talk.state.remarks


def test_few_words_that_would_be_another_report_start_none() -> None:
    talk = doubtful().say("landlord wont answer", "report", services=[("rental_condition", 0.8)])
    assert (talk.asking, talk.state.service) == ("service", "")


def test_the_problem_told_better_does() -> None:
    talk = doubtful().say("the speed bump by number 9 is broken", "report", services=[("speed_hump", 0.9)])
    assert talk.state.service == "speed_hump"


def test_a_second_problem_in_the_message_is_no_rival_of_the_first() -> None:
    said = "a pothole at 88 Elm and the streetlight is out"
    shares = [("pothole", 0.47), ("light_out", 0.39), ("lights_block", 0.12)]
    assert Talk().begin(said, services=shares).state.service == ""
    talk = Talk().begin(said, services=shares, also=[("light_out", "the streetlight is out")])
    assert (talk.state.service, [other.code for other in talk.state.later]) == ("pothole", ["light_out"])


@pytest.mark.parametrize(("said", "chosen"), [("tree problem", ""), ("a tree that needs trimming", "tree_trim")])
def test_few_words_need_a_clearer_lead(said: str, chosen: str) -> None:
    talk = Talk().begin(said, services=[("tree_trim", 0.65), ("tree_removal", 0.2), ("tree_new", 0.13)])
    assert talk.state.service == chosen
    assert chosen or talk.state.candidates == ["tree_trim", "tree_removal", "tree_new"]


def test_a_place_is_noted_and_the_kind_asked_again() -> None:
    talk = doubtful().say("between Linnaean St and Huron Ave", "inform", location="between Linnaean St and Huron Ave")
    assert (talk.keys[0], talk.asking) == ("utter_noted", "service")


@pytest.mark.parametrize(("shares", "unsure"), [((0.45, 0.4), False), ((0.1, 0.4), True)])
def test_nobody_chooses_between_a_dispute_and_a_report_of_the_same(shares: tuple[float, float], unsure: bool) -> None:
    report, other = shares
    rival = "dispute_bill" if not unsure else "view_bill"
    heard = Utterance(
        "My water bill is $900!!",
        rival if unsure else "report",
        0.45,
        services=[("bill_error", 0.95)],
        intents=[("report", max(report, 0.3)), (rival, other)],
    )
    assert is_unsure(setting(RIVERBEND), heard) is unsure


def test_a_phone_number_that_was_left_is_not_asked_again() -> None:
    talk = Talk().begin("no repairs", service="rental_condition").say("850 Massachusetts Ave")
    talk.say("857-555-0199")
    assert talk.value("access_phone") == "+18575550199"
