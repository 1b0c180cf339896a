"""What was answered is corrected, gone back to, skipped, explained and said again."""

from __future__ import annotations

import pytest
from conversing import RIVERBEND, at, pothole, reviewed_pothole, trash

from city311.intake import SKIPPED

# ---- corrections ----------------------------------------------------------------------------------------------------

OAK = "no, it's 12 Oak Street, not Hampshire"


def test_the_place_is_corrected_in_the_middle() -> None:
    talk = pothole().say(OAK, "correct_answer", location=["12 Oak Street", "Hampshire"])
    assert (talk.value("location"), talk.asking) == ("12 Oak Street", "where")
    assert "12 Oak Street" in talk.text


@pytest.mark.parametrize("intent", ["correct_answer", "deny", ""])
def test_the_place_is_corrected_in_the_read_back(intent: str) -> None:
    talk = reviewed_pothole().say(OAK, intent, location=["12 Oak Street", "Hampshire"])
    assert (talk.value("location"), talk.reviewing) == ("12 Oak Street", True)
    assert "Hampshire Street near" not in talk.text.replace("there is a pothole on Hampshire Street near", "")
    assert talk.say("yes").ended == "submit"


def test_the_place_comes_first_or_last_in_the_correction() -> None:
    talk = reviewed_pothole().say("not Hampshire, 12 Oak Street", location=["Hampshire", "12 Oak Street"])
    assert talk.value("location") == "12 Oak Street"


def test_a_corrected_street_is_asked_for_its_detail() -> None:
    talk = reviewed_pothole().say("no, it's Oak Street, not Elm", "correct_answer", location=["Oak Street", "Elm"])
    assert talk.keys == ["utter_corrected", "utter_ask_place_detail"]
    assert "Oak Street" in talk.text
    assert talk.say("12").value("location") == "12 Oak Street"
    assert talk.reviewing


def test_a_correction_during_the_description() -> None:
    talk = pothole().say("crosswalk").say("actually it's 12 Oak Street", "correct_answer", location="12 Oak Street")
    assert (talk.value("location"), talk.asking) == ("12 Oak Street", "description")


def test_a_choice_is_corrected_later() -> None:
    talk = pothole().say("crosswalk").say("sorry I meant the bike lane", "correct_answer")
    assert (talk.value("where"), talk.asking) == ("bike_lane", "description")
    assert "Bike lane" in talk.text
    talk = reviewed_pothole().say("no, the bike lane")
    assert (talk.value("where"), talk.reviewing) == ("bike_lane", True)


def test_a_contact_is_corrected_in_the_read_back() -> None:
    talk = reviewed_pothole().say("actually use jane@example.com")
    assert (talk.value("contact"), talk.reviewing) == ("jane@example.com", True)
    talk.say("the phone should be 617-555-0182")
    assert talk.value("contact") == "+16175550182"


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("the address is wrong", "location"),
        ("change the place", "location"),
        ("yes but the address is wrong", "location"),
        ("wrong phone number", "contact"),
        ("no, the phone is wrong", "contact"),
        ("change the part of the street", "where"),
        ("edit the description", "description"),
    ],
)
def test_an_answer_is_named_to_be_asked_again(said: str, code: str) -> None:
    talk = reviewed_pothole().say(said)
    assert (talk.asking, talk.value(code), talk.ended) == (code, None, "")


def test_a_yes_no_answer_is_corrected_by_its_label() -> None:
    talk = at("missed_trash", "set_out_by_time", "22 Prospect St", "Monday").say("yes").say("bags")
    talk.say("change out on time to no", "correct_answer")
    assert talk.value("set_out_by_time") == "no"


def test_the_service_is_corrected() -> None:
    talk = pothole().say(
        "sorry, it's a sinkhole, not a pothole", "correct_answer", services=[("cave_in", 0.8), ("pothole", 0.1)]
    )
    assert talk.state.service == "cave_in"
    assert talk.value("location") == "Hampshire Street near Inman Square"
    assert "Street cave-in" in talk.text


def test_an_answer_to_another_services_question_of_the_same_code_is_not_kept() -> None:
    codes = {
        (service.code, question.code): [choice.code for choice in question.choices]
        for service in RIVERBEND.services.values()
        for question in service.questions
        if question.code == "where" and question.choices
    }
    other = next(
        service for (service, _), choices in codes.items() if service != "pothole" and "crosswalk" not in choices
    )
    talk = pothole().say("crosswalk").say("no wait, it is something else", "correct_answer", services=[(other, 0.9)])
    assert talk.state.service == other
    assert talk.value("where") is None


def test_the_list_of_what_can_be_changed() -> None:
    talk = reviewed_pothole().say("no")
    assert talk.buttons == [
        "Kind of problem", "Place", "Part of the street", "What is wrong", "How to reach you", "Cancel the report",
    ]  # fmt: skip
    assert talk.say("3").asking == "where"
    assert talk.say("2").reviewing
    assert talk.value("where") == "crosswalk"


@pytest.mark.parametrize(("said", "code"), [("Place", "location"), ("the address", "location"), ("my phone", "contact"),
                                            ("5", "contact"), ("part of the street", "where")])  # fmt: skip
def test_what_to_change(said: str, code: str) -> None:
    assert reviewed_pothole().say("2").say(said).asking == code


@pytest.mark.parametrize(("said", "ended"), [("6", "cancelled"), ("Cancel the report", "cancelled"),
                                             ("start over", "restarted")])  # fmt: skip
def test_ending_where_something_should_be_changed(said: str, ended: str) -> None:
    assert reviewed_pothole().say("no").say(said).ended == ended


@pytest.mark.parametrize("said", ["nothing", "go back", "no", "nothing, it's fine"])
def test_changing_nothing_after_all(said: str) -> None:
    talk = reviewed_pothole().say("no").say(said)
    assert (talk.reviewing, talk.value("where")) == (True, "crosswalk")


def test_a_new_value_where_something_should_be_changed() -> None:
    talk = reviewed_pothole().say("no").say("it's 12 Oak Street", "inform", location="12 Oak Street")
    assert (talk.value("location"), talk.reviewing) == ("12 Oak Street", True)


def test_the_service_is_changed_and_kept_until_there_is_a_new_one() -> None:
    talk = reviewed_pothole().say("no").say("1")
    assert (talk.asking, talk.state.service) == ("service", "pothole")
    assert talk.say("go back").reviewing
    talk.say("no").say("kind of problem").say("a sinkhole", "report", services=[("cave_in", 0.85)])
    assert (talk.state.service, talk.value("location")) == ("cave_in", "Hampshire Street near Inman Square")


# ---- back, skip, explain, repeat ------------------------------------------------------------------------------------


def test_back_again_and_again() -> None:
    talk = trash().say("Monday").say("yes")
    assert [talk.say("go back").asking for _ in range(3)] == ["set_out_by_time", "collection_day", "location"]
    assert "utter_nothing_before" in talk.say("back").keys
    assert talk.state.answers == {}
    assert talk.state.service == "missed_trash"


def test_back_from_the_read_back() -> None:
    assert reviewed_pothole().say("go back").asking == "contact"


@pytest.mark.parametrize("said", ["what do you mean?", "why do you ask", "huh?", "explain", "whats that"])
def test_a_question_is_explained(said: str) -> None:
    talk = pothole().say(said)
    assert (talk.asking, talk.value("where")) == ("where", None)
    assert "The crew brings the right signs for that spot." in talk.text


def test_an_explanation_asked_in_other_words() -> None:
    assert "right signs" in pothole().say("and what would that be", "repeat").text


def test_every_own_question_can_be_explained() -> None:
    assert "find the spot" in at("pothole", "location").say("why?").text
    assert "city staff" in pothole().say("crosswalk").say("skip").say("why").text.casefold()
    assert "throw it away" in reviewed_pothole().say("what?").text


def test_skipping_an_optional_question() -> None:
    talk = at("lights_block", "pole_no", "22 Prospect St", "3").say("no thanks")
    assert (talk.status("pole_no"), talk.asking) == (SKIPPED, "description")
    talk.say("skip").say("skip")
    assert "pole" not in talk.text


def test_skipping_a_required_question() -> None:
    talk = at("bulk_pickup", "items", "22 Prospect St").say("skip")
    assert ("utter_needed" in talk.keys, talk.value("items")) == (True, None)
