"""Answers to the open question: places, choices, yes and no, numbers, days, plates, contacts."""

from __future__ import annotations

import pytest
from conversing import PUERTO_CLARO, Talk, at, pothole, setting

from city311.intake import ANONYMOUS, SKIPPED, UNKNOWN, description

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


@pytest.mark.parametrize(
    ("place", "found"),
    [
        ("the wall of the school at 9 Pine Street", "side"),
        ("bench by the pond, Danehy Park", "bench"),
        ("Bench Street and Wall Street", None),
        ("front of 12 Elm Street", None),
        ("the corner of Pole Road and Oak Street", None),
        ("Garage", None),
    ],
)
def test_what_stands_in_a_place_answers_too_and_its_street_does_not(place: str, found: str | None) -> None:
    talk = Talk().begin(f"graffiti on {place}", service="graffiti_public", location=place)
    assert talk.value("where") == found


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


def test_a_lane_with_an_article_is_a_thing() -> None:
    for place, found in (("the bike lane on Pine Street", "bike_lane"), ("Bike Lane on the hill", None)):
        assert Talk().begin(f"a pothole in {place}", service="pothole", location=place).value("where") == found
