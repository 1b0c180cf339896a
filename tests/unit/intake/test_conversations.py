"""Guided conversations: corrections, going back, skipping, digressing, misses, and how each of them ends."""

from __future__ import annotations

import dataclasses

import pytest
from conversing import PUERTO_CLARO, RIVERBEND, Talk, at, pothole, reviewed_pothole, setting, trash

from city311.intake import ANONYMOUS, SKIPPED, UNKNOWN, Outcome, description, from_slot

# ---- the service ----------------------------------------------------------------------------------------------------


def test_a_clear_service_is_taken() -> None:
    talk = Talk().begin("pothole on Oak", services=[("pothole", 0.8), ("pothole_alley", 0.1)])
    assert talk.state.service == "pothole"
    assert "Pothole in street" in talk.text


def test_a_clear_lead_is_enough() -> None:
    assert Talk().begin("hole", services=[("pothole", 0.3), ("cave_in", 0.05)]).state.service == "pothole"
    assert Talk().begin("hole", services=[("pothole", 0.3), ("cave_in", 0.2)]).state.service == ""


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


# ---- places ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("said", ["in front of my house", "here", "🙂", "my street", "no", "yes"])
def test_a_vague_place_is_asked_again(said: str) -> None:
    talk = Talk().begin("trash", service="missed_trash").say(said)
    assert (talk.asking, talk.keys[0]) == ("location", "utter_place_vague")
    assert talk.say("22 Prospect St").value("location") == "22 Prospect St"


def test_a_street_alone_is_asked_for_its_detail_once() -> None:
    talk = at("pothole", "location").say("it's on Oak Street")
    assert (talk.keys, talk.value("location")) == (["utter_ask_place_detail"], None)
    assert "Oak Street" in talk.text
    talk.say("near the bakery")
    assert talk.value("location") == "Oak Street, near the bakery"


@pytest.mark.parametrize("said", ["I don't know", "skip", "no idea"])
def test_a_street_is_better_than_nothing(said: str) -> None:
    talk = at("pothole", "location").say("Oak Street").say(said)
    assert (talk.value("location"), talk.asking) == ("Oak Street", "where")


def test_the_street_is_corrected_while_its_detail_is_asked() -> None:
    talk = at("pothole", "location").say("Oak Street").say("sorry, I meant Elm Street", location="Elm Street")
    assert (talk.state.place, talk.keys) == ("Elm Street", ["utter_ask_place_detail"])
    assert talk.say("12").value("location") == "12 Elm Street"


def test_going_back_from_the_detail_asks_the_place_anew() -> None:
    talk = at("pothole", "location").say("Oak Street").say("go back")
    assert (talk.asking, talk.state.place, talk.keys) == ("location", "", ["pack"])


def test_a_place_that_nobody_knows_is_needed_all_the_same() -> None:
    talk = at("pothole", "location")
    for count in range(4):
        talk.say("I don't know")
        assert talk.asking == "location"
        assert ("utter_ways_out" in talk.keys) == (count >= 2)


def test_a_phone_number_does_not_become_part_of_the_place() -> None:
    talk = at("pothole", "location").say("22 Prospect St, call me at 617-555-0182")
    assert talk.value("location") == "22 Prospect St"
    assert talk.value("contact") == "+16175550182"


def test_words_of_a_street_answer_no_question_about_something_else() -> None:
    talk = at("sewage_backup", "location", "no").say("22 Prospect Street")
    assert talk.value("where") is None


def test_not_knowing_exactly_but_naming_a_place() -> None:
    said = "not sure, near the library on Main Street"
    talk = at("pothole", "location").say(said, "dont_know", location="near the library on Main Street")
    assert "library" in str(talk.value("location"))


# ---- choices, yes and no, numbers, dates ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("Bike lane", "bike_lane"),
        ("3", "curb_lane"),
        ("number three", "curb_lane"),
        ("its the second one", "crosswalk"),
        ("its in the croswalk", "crosswalk"),
        ("not the crosswalk, the bike lane", "bike_lane"),
        ("6", "other"),
        ("none of them", "other"),
        ("somewhere else", "other"),
    ],
)
def test_a_choice(said: str, code: str) -> None:
    assert pothole().say(said).value("where") == code


def test_maybe_is_good_enough_whatever_the_classifier_thinks() -> None:
    assert pothole().say("idk maybe the bike lane", "dont_know").value("where") == "bike_lane"
    assert pothole().say("idk maybe the bike lane", "skip").value("where") == "bike_lane"


@pytest.mark.parametrize("said", ["I don't know", "7", "idk", "no clue sorry", "i dont know it was dark", "skip"])
def test_not_knowing_is_an_answer_where_the_city_can_live_with_it(said: str) -> None:
    talk = pothole().say(said)
    if said == "skip":  # it is needed; the second time "skip" means the same
        assert "utter_needed" in talk.keys
        talk.say("skip")
    assert (talk.status("where"), talk.asking) == (UNKNOWN, "description")


@pytest.mark.parametrize("said", ["the bike lane and the crosswalk", "bike lane or crosswalk", "both", "all of them"])
def test_two_choices_are_asked_which(said: str) -> None:
    talk = pothole().say(said)
    assert (talk.keys[0], talk.value("where"), talk.asking) == ("utter_which_one", None, "where")
    assert talk.say("crosswalk").value("where") == "crosswalk"


def test_a_choice_that_is_denied_is_not_taken_for_something_else() -> None:
    talk = pothole().say("not the crosswalk")
    assert (talk.value("where"), talk.keys[0]) == (None, "utter_not_an_answer")


def test_words_that_fit_no_choice_are_something_else_in_the_residents_words() -> None:
    talk = pothole().say("right under the old bridge")
    assert talk.value("where") == "other"
    talk.say("skip").say("skip")
    assert "Part of the street: right under the old bridge" in talk.text


def test_a_request_in_the_middle_of_a_choice_is_no_answer() -> None:
    talk = pothole().say("I want to talk to a person", "talk_to_person", 0.9)
    assert (talk.digressed, talk.value("where"), talk.asking) == (True, None, "where")
    talk = pothole().say("there is also a dead tree", "report", services=[("tree_removal", 0.9)])
    assert (talk.keys[0], talk.value("where")) == ("utter_one_at_a_time", None)


@pytest.mark.parametrize(
    ("said", "value"), [("ya", "yes"), ("1", "yes"), ("2", "no"), ("nope", "no"), ("👍", "yes"), ("it does not", "no")]
)
def test_yes_and_no(said: str, value: str) -> None:
    assert at("missed_trash", "set_out_by_time", "22 Prospect St", "Monday").say(said).value("set_out_by_time") == value


def test_a_yes_that_only_the_classifier_understands() -> None:
    talk = at("missed_trash", "set_out_by_time", "22 Prospect St", "Monday")
    assert talk.say("for sure dude", "affirm", 0.4).value("set_out_by_time") is None
    assert talk.say("for sure dude", "affirm", 0.8).value("set_out_by_time") == "yes"


def test_what_is_said_besides_yes_or_no_is_kept() -> None:
    talk = at("missed_trash", "set_out_by_time", "22 Prospect St", "Monday").say("no, I was a bit late that day")
    assert talk.state.answers["set_out_by_time"].said == "no, I was a bit late that day"


def test_no_at_the_start_of_an_answer_corrects_nothing() -> None:
    talk = at("missed_trash", "set_out_by_time", "22 Prospect St", "Monday")
    talk.say("no I put it out on Main Street later", location="Main Street")
    assert (talk.value("set_out_by_time"), talk.value("location")) == ("no", "22 Prospect St")


def test_a_number_in_a_question_about_a_request_is_no_answer() -> None:
    talk = at("lights_block", "count", "22 Prospect St")
    talk.say("what's the status of SR-104217", "check_status", request_number="SR-104217")
    assert (talk.digressed, talk.value("count"), talk.asking) == (True, None, "count")
    assert talk.say("around 3").value("count") == "3"
    assert talk.state.answers["count"].said == "around 3"


def test_a_day_is_filed_as_a_date_and_read_back_in_words() -> None:
    talk = at("low_pressure", "location").say("22 Prospect St")
    while talk.asking != "since":
        talk.say("I don't know" if "I don't know" in talk.buttons else "1")
    talk.say("since tuesday")
    assert talk.value("since") == "2026-11-17"
    talk.say("skip").say("skip")
    assert "Tuesday, November 17, 2026" in talk.text


def test_the_second_city_asks_for_a_day_to_come() -> None:
    talk = Talk(setting(PUERTO_CLARO, "en")).begin("boat", service="boat_adrift")
    talk.say("no").say("Pier 4").say("small")
    assert talk.asking == "tow_day"
    assert talk.say("monday").value("tow_day") == "2026-11-23"


def test_a_question_that_depends_on_an_answer() -> None:
    talk = Talk(setting(PUERTO_CLARO, "en")).begin("boat", service="boat_adrift")
    talk.say("no").say("Pier 4").say("a ship")
    assert talk.asking == "ship_name"
    talk.say("Aurora").say("skip").say("skip").say("anonymous")
    assert "Name of the ship: Aurora" in talk.text
    talk.say("change the size").say("rowboat")
    assert talk.reviewing
    assert "Aurora" not in talk.text
    assert talk.here.step(talk.state, "ship_name") is None


def test_choices_in_the_citys_language() -> None:
    talk = Talk(setting(PUERTO_CLARO, "es")).begin("barco", service="boat_adrift")
    assert "¿Hay alguien a bordo?" in talk.text
    talk.say("no").say("Muelle 4")
    assert talk.buttons[:2] == ["Como un bote de remos", "Como un buque"]
    assert talk.say("pequeño").value("size") == "rowboat"
    assert talk.say("go back").say("Como un buque").value("size") == "ship"


# ---- text, plates, contact ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("said", ["no", "nope", "no thanks", "nah im good", "nah i'm good", "that's all",
                                  "nothing else",
                                  "dont wanna say", "Skip", "1", "nothing really", "all set"])  # fmt: skip
def test_nothing_more_to_say(said: str) -> None:
    talk = pothole().say("crosswalk").say(said)
    assert (talk.status("description"), talk.asking) == (SKIPPED, "contact")
    assert "Hampshire" in description(talk.state)


def test_a_no_of_the_classifier_adds_nothing_either() -> None:
    assert pothole().say("crosswalk").say("naaah", "deny").status("description") == SKIPPED


def test_yes_to_anything_else_is_asked_what() -> None:
    talk = pothole().say("crosswalk").say("yes")
    assert (talk.status("description"), talk.asking) == (None, "description")
    assert talk.say("it fills with water").value("description") == "it fills with water"


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ("617.555.0182", "+16175550182"),
        ("jane@example.com", "jane@example.com"),
        ("call 617-555-0182 or write jane@example.com", "jane@example.com, +16175550182"),
        ("no thanks", ANONYMOUS),
        ("no", ANONYMOUS),
        ("nah im good", ANONYMOUS),
        ("dont wanna say", ANONYMOUS),
        ("I want to stay anonymous please", ANONYMOUS),
        ("skip", ANONYMOUS),
        ("I don't know", ANONYMOUS),
        ("1", ANONYMOUS),
        ("Stay anonymous", ANONYMOUS),
    ],
)
def test_a_contact(said: str, value: str) -> None:
    talk = pothole().say("crosswalk").say("skip").say(said)
    assert (talk.value("contact"), talk.reviewing) == (value, True)


@pytest.mark.parametrize("said", ["yes", "555-0182", "Jane", "jane at example"])
def test_what_is_no_contact(said: str) -> None:
    talk = pothole().say("crosswalk").say("skip").say(said)
    assert (talk.value("contact"), talk.asking) == (None, "contact")


def test_a_plate_is_found_in_a_sentence() -> None:
    talk = Talk().begin("car", service="blocked_driveway").say("22 Prospect St")
    while talk.asking != "plate":
        talk.say("1")
    assert talk.say("its a red honda 4ab 123").value("plate") == "4AB 123"


@pytest.mark.parametrize("said", ["no plate", "it has no plate", "I don't know", "can't see it"])
def test_a_car_without_a_plate(said: str) -> None:
    talk = Talk().begin("car", service="abandoned_vehicle").say("22 Prospect St")
    while talk.asking != "plate":
        talk.say("1" if talk.buttons else "Ford")
    assert talk.say(said).status("plate") == UNKNOWN


def test_an_answer_of_another_shape_is_taken_the_second_time() -> None:
    talk = at("water_shutoff", "account_no", "22 Prospect St", "no")
    assert "utter_not_an_answer" in talk.say("the usual one").keys
    assert talk.say("the usual one").value("account_no") == "the usual one"


def test_an_account_number_is_not_taken_for_a_phone_number() -> None:
    talk = at("water_shutoff", "account_no", "22 Prospect St", "no").say("6175550182")
    assert (talk.value("account_no"), talk.value("contact")) == ("6175550182", None)


def test_a_service_may_word_the_contact_and_the_description_itself() -> None:
    talk = at("records_request", "what").say("the permit of 12 Oak St").say("skip").say("skip").say("skip")
    assert (talk.asking, "the Clerk" in talk.text) == ("contact", True)
    talk.say("jane@example.com")
    assert talk.reviewing
    assert talk.text.count("jane@example.com") == 1
    question = Talk().begin("when is the parade", service="general_question")
    assert question.asking == "description"
    question.say("it is in May").say("anonymous")
    assert question.text.count("it is in May") == 1


# ---- several answers at once ----------------------------------------------------------------------------------------


def test_everything_at_once() -> None:
    talk = Talk().begin(
        "There's a pothole in the bike lane at 12 Oak St, reach me at jane@example.com",
        services=[("pothole", 0.9)],
        location="12 Oak St",
    )
    assert talk.state.answers.keys() == {"location", "where", "contact"}
    assert talk.say("skip").reviewing
    for part in ("Bike lane", "12 Oak St", "jane@example.com"):
        assert part in talk.text


def test_two_answers_in_the_middle() -> None:
    talk = Talk().begin("trash", service="missed_trash")
    talk.say("22 Prospect St, it should have come Monday", location="22 Prospect St")
    assert (talk.value("location"), talk.asking) == ("22 Prospect St, it should have come Monday", "set_out_by_time")
    assert Talk().begin("hole", service="pothole").say("12 Oak St").value("where") is None


def test_the_words_of_a_button_answer_nothing_else() -> None:
    talk = Talk().begin("car", service="abandoned_vehicle")
    assert talk.say("22 Prospect St").asking == "make_model"


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
    talk.say("no").say("kind of problem").say("a sinkhole", "report", services=[("cave_in", 0.8)])
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
