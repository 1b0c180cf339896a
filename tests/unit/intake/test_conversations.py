"""Guided conversations: which service, digressions, misses, and how each of them ends."""

from __future__ import annotations

import dataclasses

import pytest
from conversing import PUERTO_CLARO, RIVERBEND, Talk, at, pothole, reviewed_pothole, setting, trash

from city311.intake import Outcome, description, from_slot

# ---- the service ----------------------------------------------------------------------------------------------------


def test_a_clear_service_is_taken() -> None:
    talk = Talk().begin("pothole on Oak", services=[("pothole", 0.85), ("pothole_alley", 0.1)])
    assert talk.state.service == "pothole"
    assert "Pothole in street" in talk.text


def test_a_clear_lead_is_enough() -> None:
    assert Talk().begin("a hole in the road", services=[("pothole", 0.3), ("cave_in", 0.05)]).state.service == "pothole"
    assert Talk().begin("a hole in the road", services=[("pothole", 0.3), ("cave_in", 0.2)]).state.service == ""


@pytest.mark.parametrize(
    ("said", "service"),
    [
        ("2", "lights_block"),
        ("the second one", "lights_block"),
        ("Several street lights out", "lights_block"),
        ("several street lights", "lights_block"),
        ("alley", "light_alley"),
        ("its the first one", "light_out"),
    ],
)
def test_an_unclear_service_is_asked(said: str, service: str) -> None:
    talk = Talk().begin("light out", services=[("light_out", 0.3), ("lights_block", 0.25), ("light_alley", 0.1)])
    assert talk.buttons == ["One street light out", "Several street lights out", "Alley light out", "Something else"]
    assert talk.say(said).state.service == service
    assert description(talk.state) == "light out"


@pytest.mark.parametrize("said", ["4", "Something else", "none of them", "none of these", "no", "the last one"])
def test_none_of_the_services_offered(said: str) -> None:
    talk = Talk().begin("light out", services=[("light_out", 0.3), ("lights_block", 0.25), ("light_alley", 0.1)])
    talk.say(said, services=[("light_out", 0.3)])
    assert talk.state.service == ""
    assert "utter_ask_service_again" in talk.keys


def test_what_was_told_before_the_service_was_clear_is_kept() -> None:
    talk = Talk().begin(
        "light out at 12 Oak St, call 617-555-0182",
        services=[("light_out", 0.3), ("lights_block", 0.25)],
        location="12 Oak St",
    )
    talk.say("1")
    assert (talk.value("location"), talk.value("contact")) == ("12 Oak St", "+16175550182")
    assert talk.asking == "state"


def test_a_street_told_before_the_service_was_clear_still_needs_its_detail() -> None:
    talk = Talk().begin(
        "light on Oak Street", services=[("light_out", 0.3), ("lights_block", 0.25)], location="Oak Street"
    )
    talk.say("1")
    assert (talk.asking, talk.keys[-1]) == ("location", "utter_ask_place_detail")
    assert talk.say("12").value("location") == "12 Oak Street"


def test_the_words_that_name_the_problem_become_its_description() -> None:
    talk = Talk().begin("Report a problem").say("pothole", "report", services=[("pothole", 0.9)])
    assert (talk.state.service, description(talk.state)) == ("pothole", "pothole")


def test_the_catch_all_is_offered_when_nothing_fits() -> None:
    talk = Talk().begin("hello there").say("blah blah").say("blub")
    assert talk.buttons == ["Other or not sure"]
    assert talk.say("1").state.service == "general_question"
    again = Talk().begin("hello there").say("I don't know")
    assert again.buttons == ["Other or not sure"]


def test_a_city_without_a_catch_all_asks_on() -> None:
    talk = Talk(setting(PUERTO_CLARO, "en")).begin("hm").say("blah").say("blub").say("I don't know")
    assert (talk.buttons, talk.keys) == ([], ["utter_person", "utter_person_closed", "utter_ask_service_again"])


def test_cancelling_before_the_service_is_known() -> None:
    assert Talk().begin("hm").say("never mind").ended == "cancelled"
    assert Talk().begin("hm").say("start over").ended == "restarted"
    assert "utter_nothing_before" in Talk().begin("hm").say("go back").keys


def test_a_service_that_the_pack_lost_meanwhile_is_asked_again() -> None:
    talk = pothole()
    services = {code: service for code, service in RIVERBEND.services.items() if code != "pothole"}
    talk.here = dataclasses.replace(talk.here, pack=dataclasses.replace(RIVERBEND, services=services))
    talk.say("crosswalk")
    assert (talk.asking, talk.ended) == ("service", "")


# ---- digressions and danger -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "intent"),
    [
        ("what's happening with SR-104217?", "check_status"),
        ("can I talk to a person?", "talk_to_person"),
        ("are you a bot?", "bot_challenge"),
        ("thank you", "thank"),
        ("how do I pay my water bill?", "ask_question"),
    ],
)
def test_a_digression_comes_back_to_the_same_question(said: str, intent: str) -> None:
    for talk in (pothole(), trash(), pothole().say("crosswalk"), reviewed_pothole(), at("pothole", "location")):
        before = (talk.asking, talk.state.answers, talk.last.says[-1])
        talk.say(said, intent)
        assert talk.digressed
        assert (talk.asking, talk.state.answers, talk.last.says[-1]) == before


def test_an_answer_that_looks_a_little_like_a_digression_stays_an_answer() -> None:
    talk = (
        pothole()
        .say("crosswalk")
        .say("the school bus comes by at 8 and the bill for my tire was high", "view_bill", 0.6)
    )
    assert not talk.digressed
    assert talk.value("description")


def test_danger_comes_before_everything_and_an_ok_to_it_sends_nothing() -> None:
    talk = reviewed_pothole().say("there is a fire in the house", "emergency", 0.9)
    assert talk.digressed
    assert talk.keys == ["utter_report_kept"]
    talk.say("ok")
    assert (talk.ended, talk.reviewing) == ("", True)
    assert talk.say("ok").ended == "submit"


def test_an_ok_to_a_safety_text_is_no_answer_to_a_yes_no_question() -> None:
    talk = (
        at("missed_trash", "set_out_by_time", "22 Prospect St", "Monday")
        .say("someone is hurt", "emergency", 0.9)
        .say("ok")
    )
    assert (talk.value("set_out_by_time"), talk.asking) == (None, "set_out_by_time")


def test_after_danger_the_report_goes_on_where_it_was() -> None:
    talk = pothole().say("my neighbor fell", "emergency", 0.8).say("crosswalk")
    assert (talk.value("where"), talk.asking) == ("crosswalk", "description")


def test_a_pressed_answer_is_no_danger() -> None:
    talk = pothole().say("Crosswalk", "emergency", 0.9)
    assert (talk.digressed, talk.value("where")) == (False, "crosswalk")


# ---- ends and misses ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "ended"),
    [
        ("cancel", "cancelled"), ("never mind", "cancelled"), ("nvm", "cancelled"), ("forget it", "cancelled"),
        ("Cancel it please.", "cancelled"), ("start over", "restarted"), ("start again please", "restarted"),
    ],
)  # fmt: skip
def test_cancel_and_start_over_at_every_stage(said: str, ended: str) -> None:
    for talk in (pothole(), trash(), at("pothole", "location"), pothole().say("crosswalk"), reviewed_pothole()):
        assert talk.say(said).ended == ended


def test_cancel_in_other_words() -> None:
    assert pothole().say("ugh just drop the whole thing", "cancel", 0.9).ended == "cancelled"
    assert (
        pothole().say("crosswalk").say("the cancelled bus stop is right beside it you know", "cancel", 0.9).ended == ""
    )


def test_misses_get_more_help_each_time() -> None:
    talk = pothole().say("🙂")
    assert talk.keys == ["utter_not_an_answer", "pack", "pack"]
    assert talk.say("zzz").keys == ["utter_ways_out", "pack"]
    assert RIVERBEND.city.phone in talk.text
    assert talk.say("crosswalk").state.misses == 0


@pytest.mark.parametrize("said", ["hm", "blah blah", "🙂", "maybe later", "what time is it"])
def test_what_is_neither_yes_nor_no_to_the_read_back_sends_nothing(said: str) -> None:
    talk = reviewed_pothole().say(said)
    assert (talk.ended, talk.reviewing) == ("", True)
    assert RIVERBEND.city.phone in talk.say(said).say(said).text


@pytest.mark.parametrize(
    "said",
    ["yes but wait", "ok but change the time", "it is wrong", "correct the phone", "i do want to change it",
     "there is a mistake", "right after I fix it", "yes, no, wait", "send it to someone else instead"],
)  # fmt: skip
@pytest.mark.parametrize("intent", ["", "affirm"])
def test_a_yes_with_a_but_sends_nothing(said: str, intent: str) -> None:
    assert reviewed_pothole().say(said, intent, 0.6).ended == ""


@pytest.mark.parametrize(
    "said", ["yes", "Yes, send it", "1", "the first one", "ya", "ok", "👍", "send it", "looks good thanks"]
)
def test_a_yes_sends(said: str) -> None:
    assert reviewed_pothole().say(said).ended == "submit"


def test_a_yes_that_only_the_classifier_understands_sends() -> None:
    assert reviewed_pothole().say("yuppers", "affirm", 0.9).ended == "submit"
    assert reviewed_pothole().say("yuppers", "affirm", 0.3).ended == ""


@pytest.mark.parametrize(
    "said",
    ["{city_phone}", "<b>big</b> <script>alert(1)</script>", "'; DROP TABLE requests; --", "/submit{\"a\": 1}",
     "{answers} {0} %s",
     "\u202eabc", "a\x00b", "it's “deep” — naïve ☃"],
)  # fmt: skip
def test_words_come_out_as_they_were_typed(said: str) -> None:
    talk = pothole().say("crosswalk").say(said)
    assert talk.value("description") == said
    assert said in talk.say("anonymous").text
    talk = at("bulk_pickup", "items", "22 Prospect St").say(said)
    assert talk.value("items") == said
    talk = at("pothole", "location").say(f"12 Oak St {said}")
    assert said.strip(" .,;!") in str(talk.value("location"))


def test_a_thousand_characters() -> None:
    long = ("The hole is deep. " * 60)[:1000]
    talk = pothole().say("crosswalk").say(long)
    assert talk.value("description") == long.strip()
    assert talk.say("anonymous").say("yes").ended == "submit"
    talk = at("pothole", "location").say(long)
    assert (talk.asking, talk.value("location")) == ("location", None)
    assert pothole().say("x" * 1000).value("where") is None


def test_the_progress_is_told() -> None:
    talk = pothole()
    assert (talk.last.says[-1].step, talk.last.says[-1].of) == (2, 4)
    talk.say("crosswalk")
    assert (talk.last.says[-1].step, talk.last.says[-1].of) == (3, 4)


def test_a_notice_is_told_once() -> None:
    notice = "Please do not touch it. Keep children and pets away."
    talk = at("hazmat_drop", "location", "no")
    assert notice not in talk.text
    assert notice in talk.say("22 Prospect St").text
    assert notice not in talk.say("hm hm hm").text
    talk.say("go back")
    assert notice not in talk.say("22 Prospect St").text


# ---- the state in the slot ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [None, "x", 1, [], {}, {"form": "a"}, {"form": "a", "answers": []}, {"form": "a", "answers": {"a": "b"}},
     {"form": "a", "answers": {"a": {"value": 1}}}, {"form": "a", "answers": {}, "history": "abc"},
     {"form": "a", "answers": {}, "misses": "1"}, {"form": "a", "answers": {}, "history": [1]},
     {"form": "a", "answers": {}, "newer": True}, {"form": None, "answers": {}}],
)  # fmt: skip
def test_a_slot_that_holds_no_state(value: object) -> None:
    assert from_slot(value) is None


def test_a_state_comes_back_from_its_slot() -> None:
    talk = reviewed_pothole()
    assert from_slot(talk.state.to_slot()) == talk.state


def test_the_form_is_the_same_from_beginning_to_end() -> None:
    talk = reviewed_pothole().say("yes")
    assert (talk.state.form, talk.last.outcome) == ("form-1", Outcome.END)


def test_a_phone_number_where_something_else_is_asked_is_noted_and_the_question_stays() -> None:
    talk = Talk().begin("mattresses dumped", service="illegal_dumping")
    talk.say("behind 22 Prospect St", location="22 Prospect St")
    asked = talk.asking
    talk.say("617-555-0133", "inform")
    assert talk.asking == asked
    assert "utter_noted" in talk.keys
    assert talk.state.answers["contact"].value == "+16175550133"


def test_a_choice_of_another_question_is_no_place() -> None:
    talk = Talk().begin("somebody dumped stuff", service="illegal_dumping")
    assert talk.asking == "location"
    talk.say("furniture", "inform")
    assert talk.asking == "location"
    talk.say("22 Prospect St", "inform", location="22 Prospect St")
    assert talk.state.answers["location"].value == "22 Prospect St"


def test_a_contact_given_to_the_read_back_is_taken() -> None:
    talk = pothole()
    for said in ("crosswalk", "skip", "anonymous"):
        talk.say(said)
    assert talk.reviewing
    talk.say("kim@example.com", "inform")
    assert talk.reviewing
    assert talk.state.answers["contact"].value == "kim@example.com"


def test_every_line_of_the_read_back_can_be_changed_by_its_own_button():
    talk = reviewed_pothole()
    card = talk.last.says[-1].card
    assert card is not None and card.said in talk.text
    edits = {talk.here.words_of(line.label): talk.here.words_of(line.edit) for line in card.lines if line.edit}
    assert list(edits) == ["Kind of problem", "Place", "Part of the street", "What is wrong", "How to reach you"]
    for label, code in (("Place", "location"), ("Part of the street", "where"), ("How to reach you", "contact")):
        talk = reviewed_pothole().say(edits[label])
        assert talk.asking == code
    assert reviewed_pothole().say(edits["Kind of problem"]).asking == "service"
    # a word of danger in a label is no danger, and the other answers stay
    talk = reviewed_pothole().say(edits["Part of the street"], "emergency", 0.99).say("bike lane")
    assert talk.reviewing and talk.value("where") == "bike_lane"
    assert talk.value("location") == "Hampshire Street near Inman Square"


def test_a_day_a_number_a_place_and_a_contact_say_what_they_take():
    assert Talk().begin("please help", service="pothole").last.says[-1].takes == "place"
    assert Talk().begin("please help", service="low_pressure").say("22 Prospect St").last.says[-1].takes == "past_day"
    assert pothole().last.says[-1].takes == ""
    assert pothole().say("crosswalk").say("skip").last.says[-1].takes == "contact"
