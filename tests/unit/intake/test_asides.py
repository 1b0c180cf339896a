"""What is said beside the open question: nothing is lost, nothing is asked twice, nobody is held in a circle."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from conversing import Talk, setting

from city311.intake import State, Utterance, afterwards, description, from_slot, hear, start
from city311.intake.people import person
from city311.intake.state import Answer

ZONE = ZoneInfo("America/New_York")


def tree() -> Talk:
    """A report whose first question asks whether there is danger."""
    return Talk().begin("a big branch may fall", service="tree_emergency")


def pothole(place: str = "Elm") -> Talk:
    return Talk().begin("pothole", service="pothole").say(place, "inform")


def test_a_place_in_the_middle_of_another_question_is_kept() -> None:
    talk = tree().say("It's on Maple Court by the school", "inform", location="Maple Court by the school")
    assert (talk.keys[0], talk.asking) == ("utter_noted", "on_wires")
    assert talk.value("location") == "Maple Court by the school"


def test_an_address_in_pieces() -> None:
    talk = pothole().say("number 14", "nlu_fallback")
    assert (talk.value("location"), talk.asking) == ("14 Elm", "where")
    talk = pothole("by the slide on the playground").say("Danehy Park", "inform", location="Danehy Park")
    assert talk.value("location") == "the slide on the playground, Danehy Park"


@pytest.mark.parametrize("said", ["wait no 54 Elm", "sorry 54 elm street", "54 Elm"])
def test_another_house_number_corrects_the_first(said: str) -> None:
    talk = pothole("45 Elm").say(said, "inform")
    assert str(talk.value("location")).casefold().startswith("54 elm")
    assert (talk.keys[0], talk.asking) == ("utter_corrected", "where")


def test_another_whole_address_takes_the_place_of_the_first() -> None:
    talk = pothole("45 Elm").say("77 Lake St", "inform", location="77 Lake St")
    assert talk.value("location") == "77 Lake St"


def test_the_answer_to_a_later_question_is_kept() -> None:
    talk = Talk().begin("they skipped me", service="missed_trash").say("wednesday", "inform")
    assert (talk.value("collection_day"), talk.asking) == ("wednesday", "location")
    assert talk.say("8 Beacon Court", "inform", location="8 Beacon Court").asking == "set_out_by_time"


def test_a_phone_number_beside_words_answers_no_question_about_danger() -> None:
    talk = tree().say("I don't have email. My telephone is 617 555 0147", "inform")
    assert (talk.value("on_wires"), talk.value("contact"), talk.asking) == (None, "+16175550147", "on_wires")


def test_the_wish_to_stay_anonymous_is_kept_at_any_question() -> None:
    talk = pothole().say("stay anonymous", "privacy")
    assert (talk.value("contact"), talk.asking) == ("anonymous", "where")
    assert talk.say("crosswalk").say("anon", "inform").state.remarks == []


@pytest.mark.parametrize(
    "said",
    [
        "i dont want to give my name",
        "I'd rather not leave my number",
        "please keep my name out of this",
        "don't tell him it was me",
        "I will not say who I am",
    ],
)
@pytest.mark.parametrize("intent", ["skip", "self_harm", ""])
def test_who_keeps_back_name_or_number_stays_anonymous(said: str, intent: str) -> None:
    talk = pothole().say("crosswalk").say(said, intent, 0.3)
    assert (talk.value("contact"), talk.state.remarks) == ("anonymous", [])
    talk = pothole().say("crosswalk").say("skip").say(said, intent, 0.3)
    assert (talk.value("contact"), talk.reviewing) == ("anonymous", True)


@pytest.mark.parametrize("said", ["will you share my name?", "it was me who reported it last time", "my name is on it"])
def test_a_word_of_ones_name_is_no_wish_to_stay_anonymous(said: str) -> None:
    assert pothole().say(said, "inform").value("contact") is None


def test_words_that_answer_nothing_are_told_to_the_crew() -> None:
    talk = Talk().begin("no lights", service="lights_block").say("Elm Street between 3rd and 4th", "inform")
    talk.say("all of them", "inform").say("THREE DAYS NOW PEOPLE", "inform")
    assert "all of them" in description(talk.state)
    assert from_slot(talk.state.to_slot()) == talk.state


@pytest.mark.parametrize(
    ("said", "intent"),
    [("🙂", ""), ("asdf", "out_of_scope"), ("you stupid machine", "abuse"), ("how long does it take", "ask_question")],
)
def test_noise_and_questions_are_not_told_to_the_crew(said: str, intent: str) -> None:
    assert pothole().say(said, intent, 0.45).state.remarks == []


@pytest.mark.parametrize("said", ["asdkjh qwpoei", "sdf sdf sdf sdf"])
def test_fingers_on_the_keyboard_are_no_answer_and_no_remark(said: str) -> None:
    talk = pothole()
    intents = [("out_of_scope", 0.99), ("report", 0.01)]
    talk.turn = hear(talk.here, talk.stored(), Utterance(said, "nlu_fallback", 0.99, intents=intents))
    assert (talk.asking, talk.value("where"), talk.state.remarks) == ("where", None, [])


def test_a_remark_at_the_read_back_is_added_and_read_back() -> None:
    talk = pothole().say("crosswalk").say("skip").say("anonymous")
    talk.say("it's about two feet wide", "inform")
    assert (talk.keys[0], talk.ended) == ("utter_remark_kept", "")
    assert "two feet wide" in talk.text


def test_nobody_is_held_in_a_circle() -> None:
    talk = pothole()
    for _ in range(3):
        talk.say("zzz")
    assert (talk.keys[0], talk.status("where"), talk.asking) == ("utter_left_open", "unknown", "description")


def test_danger_and_place_are_never_left_open() -> None:
    talk = tree()
    for _ in range(6):
        talk.say("zzz")
    assert talk.asking == "on_wires"
    talk = Talk().begin("pothole", service="pothole")
    for _ in range(6):
        talk.say("somewhere on my block", "inform")
    assert talk.asking == "location"


@pytest.mark.parametrize(
    "said", ["3 days", "since monday", "the one on my street", "my basement", "in front of our house"]
)
def test_what_no_crew_could_find_is_no_place(said: str) -> None:
    assert Talk().begin("pothole", service="pothole").say(said, "inform").value("location") is None


def test_anything_else_yes_waits_for_it_and_yes_send_it_goes_on() -> None:
    talk = pothole().say("crosswalk")
    assert talk.say("yes", "affirm").keys == ["utter_tell_me"]
    assert talk.say("It is deep").value("description") == "It is deep"
    assert pothole().say("crosswalk").say("yes send it", "affirm").asking == "contact"


def test_a_yes_to_the_contact_asks_for_it() -> None:
    talk = pothole().say("crosswalk").say("skip").say("yes", "affirm")
    assert (talk.keys, talk.value("contact")) == (["utter_ask_contact_again"], None)


def test_the_kind_of_sign_named_at_the_place_is_asked_back() -> None:
    talk = Talk().begin("street sign knocked down", service="sign_repair")
    talk.say("stop sign", "report", services=[("stop_sign_down", 0.94)])
    assert (talk.value("location"), talk.keys) == (None, ["utter_ask_which_service"])
    assert talk.say("1").state.service == "stop_sign_down"


def test_the_same_matter_in_better_words_is_asked_back_before_anything_is_answered() -> None:
    talk = Talk().begin("i need help", service="crisis_referral")
    talk.say("they didn't take my trash", "report", 0.6, services=[("missed_trash", 0.87)])
    assert talk.keys == ["utter_ask_which_service"]
    assert talk.say("1").state.service == "missed_trash"
    assert "they didn't take my trash" in description(talk.state)


def test_neither_of_the_kinds_goes_on_with_the_first() -> None:
    talk = Talk().begin("street sign knocked down", service="sign_repair")
    talk.say("stop sign", "report", services=[("stop_sign_down", 0.94)]).say("neither")
    assert (talk.state.service, talk.asking) == ("sign_repair", "location")


def test_another_problem_is_remembered_with_its_place() -> None:
    talk = pothole()
    talk.say(
        "also there is graffiti at 10 Pine Road",
        "report",
        services=[("graffiti_public", 0.9)],
        location="10 Pine Road",
    )
    assert (talk.keys[0], talk.asking) == ("utter_one_at_a_time", "where")
    assert [(other.code, other.place) for other in talk.state.later] == [("graffiti_public", "10 Pine Road")]
    assert from_slot(talk.state.to_slot()) == talk.state


@pytest.mark.parametrize(
    "broken",
    [{"later": [{"code": 1}]}, {"later": [{"code": 1, "text": "x", "place": ""}]}, {"later": [3]}, {"later": 3}],
)
def test_a_state_with_broken_parts_is_none(broken: dict[str, object]) -> None:
    assert from_slot({**pothole().state.to_slot(), **broken}) is None


def test_a_question_without_its_mark_is_a_question() -> None:
    talk = Talk().begin("bill", service="bill_error").say("12345678", "inform")
    assert talk.say("can i pay it later", "payment_plan", 0.7).digressed


@pytest.mark.parametrize(
    ("now", "key"),
    [
        (datetime(2026, 11, 23, 10, 0, tzinfo=ZONE), "utter_person_open"),
        (datetime(2026, 11, 23, 17, 0, tzinfo=ZONE), "utter_person_closed"),
        (datetime(2026, 11, 22, 10, 0, tzinfo=ZONE), "utter_person_closed"),
        (datetime(2026, 11, 26, 10, 0, tzinfo=ZONE), "utter_person_closed"),  # Thanksgiving
    ],
)
def test_the_way_to_a_person_says_whether_somebody_is_there(now: datetime, key: str) -> None:
    assert [say.phrase.key for say in person(setting(now=now))] == ["utter_person", key]


@pytest.mark.parametrize(
    ("now", "opens"),
    [
        (datetime(2026, 11, 23, 7, 0, tzinfo=ZONE), "Monday, November 23, 2026"),
        (datetime(2026, 11, 27, 18, 0, tzinfo=ZONE), "Monday, November 30, 2026"),
        (datetime(2026, 11, 25, 18, 0, tzinfo=ZONE), "Friday, November 27, 2026"),
    ],
)
def test_the_next_opening_counts_weekends_and_holidays(now: datetime, opens: str) -> None:
    assert person(setting(now=now))[1].phrase.values["date"] == opens


def test_a_complaint_is_no_place_and_is_told_to_the_crew() -> None:
    talk = Talk().begin("pothole", service="pothole")
    talk.say("its been there for like 2 months and nobody cares", "check_status", 0.71)
    assert (talk.digressed, talk.value("location"), talk.asking) == (False, None, "location")
    assert "2 months" in description(talk.state)


@pytest.mark.parametrize("said", ["mine was stolen", "please hurry", "they never came", "next week"])
def test_words_that_name_no_place_are_none(said: str) -> None:
    assert Talk().begin("bulk", service="bulk_pickup").say(said, "inform").value("location") is None


@pytest.mark.parametrize("said", ["where hampshire meets broadway", "Fresh Pond Mall", "City Hall", "the old mill"])
def test_places_without_a_number_are_taken(said: str) -> None:
    assert Talk().begin("pothole", service="pothole").say(said, "inform").value("location") is not None


@pytest.mark.parametrize("said", ["ok thanks", "ok", "sure thanks"])
def test_an_ok_does_not_say_that_there_is_danger(said: str) -> None:
    assert tree().say(said, "affirm").value("on_wires") is None
    assert tree().say("yes", "affirm").value("on_wires") == "yes" or tree().say("yes", "affirm").ended


def test_the_same_place_again_is_no_miss() -> None:
    talk = pothole("14 Lake St").say("I said 14 Lake St", "correct_answer", location="14 Lake St")
    assert (talk.keys[0], talk.asking, talk.state.misses) == ("utter_noted", "where", 0)


def test_a_phone_number_with_a_few_words_is_a_contact_and_no_description() -> None:
    talk = pothole().say("crosswalk").say("my number is 617-555-0101", "inform")
    assert (talk.value("contact"), talk.value("description")) == ("+16175550101", None)


def test_weeks_are_counted_in_days_where_days_are_asked() -> None:
    talk = Talk().begin("car", service="abandoned_vehicle").say("22 Prospect St", "inform")
    while talk.asking != "days_parked":
        talk.say("I don't know", "dont_know")
    assert talk.say("about 2 weeks", "inform").value("days_parked") == "14"


def test_perhaps_danger_says_the_way_to_help_and_takes_the_answer() -> None:
    talk = pothole().say("right by the burning lights", "emergency", 0.4)
    assert (talk.keys[0], talk.digressed) == ("utter_if_danger", False)
    assert talk.value("where") == "other"
    assert pothole().say("my house is burning", "emergency", 0.6).digressed


def test_no_to_a_choice_that_may_be_skipped_skips_it() -> None:
    talk = Talk().begin("needles", service="hazmat_drop").say("no", "deny").say("22 Prospect St", "inform")
    assert talk.asking == "quantity" or talk.say("needle").asking == "quantity"
    assert talk.say("no", "deny").status("quantity") == "skipped"


def test_ok_after_an_answer_in_between_asks_again_without_a_word() -> None:
    talk = pothole().say("what do you do with my data", "privacy", 0.96)
    assert talk.say("ok", "affirm").keys == ["pack"]


def test_nonsense_in_a_report_is_no_digression() -> None:
    talk = pothole().say("yes i saw him there", "out_of_scope", 0.7)
    assert not talk.digressed
    assert pothole().say("what's the capital of France", "out_of_scope", 0.9).digressed


def two_problems(text: str, also: str, *places: str) -> State:
    heard = Utterance(
        text,
        "report",
        0.95,
        {"location": places},
        [("noise", 0.9)],
        also=[("abandoned_vehicle", also), ("no_such", "x")],
    )
    return start(setting(), heard, "form-1").state


def test_both_problems_are_at_the_one_place_that_was_named() -> None:
    state = two_problems(
        "dog barks all night and there's an abandoned car on our street, pine road 88",
        "there's an abandoned car on our street",
        "our street",
        "pine road 88",
    )
    assert [(other.code, other.place) for other in state.later] == [("abandoned_vehicle", "pine road 88")]
    assert state.answers["location"].value == "pine road 88"


def test_each_problem_has_its_own_place() -> None:
    state = two_problems(
        "party at 8 Vine St and an old car at 10 Pine Road", "an old car at 10 Pine Road", "8 Vine St", "10 Pine Road"
    )
    assert (state.answers["location"].value, state.later[0].place) == ("8 Vine St", "10 Pine Road")


def test_the_second_problem_gets_the_place_as_it_became_known() -> None:
    state = two_problems("party on Pine Rd and an old car", "an old car", "Pine Rd")
    state.answers["location"] = Answer("88 pine rd")
    state.ended = "submit"
    offer = afterwards(setting(), state)
    assert offer is not None and offer.entities == {"location": ["88 pine rd"]}


def test_how_long_is_no_kind_of_noise() -> None:
    talk = Talk().begin("noise", service="noise").say("8 Vine St", "inform").say("every night", "inform")
    assert (talk.value("type"), talk.keys[0]) == (None, "utter_remark_kept")


def test_no_plate_is_no_plate() -> None:
    talk = Talk().begin("car", service="abandoned_vehicle").say("22 Prospect St", "inform")
    while talk.asking != "plate":
        talk.say("I don't know", "dont_know")
    assert talk.say("no", "deny").status("plate") == "unknown"


@pytest.mark.parametrize("said", ["all of them", "since monday", "they never came"])
def test_what_is_no_detail_of_a_street_is_none(said: str) -> None:
    talk = Talk().begin("pothole", service="pothole").say("Oak Street", "inform").say(said, "inform")
    assert (talk.value("location"), talk.state.place) == (None, "Oak Street")


def test_a_choice_of_another_question_is_no_detail_of_a_street() -> None:
    talk = Talk().begin("pothole", service="pothole").say("Oak Street", "inform").say("Crosswalk", "report")
    assert (talk.value("location"), talk.value("where"), talk.asking) == (None, "crosswalk", "location")


def test_a_question_without_its_mark_is_no_choice() -> None:
    assert pothole().say("how long will it take to fix", "check_status", 0.47).value("where") is None


def test_a_complaint_does_not_change_what_was_offered() -> None:
    talk = Talk().begin("trash", services=[("litter_basket_full", 0.4), ("vacant_lot", 0.3)])
    shown = talk.buttons
    talk.say("its been like this for weeks", "nlu_fallback", 0.7, services=[("abandoned_vehicle", 0.5)])
    assert talk.buttons == shown


def test_yes_to_the_one_kind_that_is_offered_takes_it() -> None:
    talk = Talk().begin("hello there").say("I don't know").say("yes", "affirm")
    assert talk.state.service == "general_question"


@pytest.mark.parametrize("said", ["anonymous", "and make me anonymous", "ok, keep me anonymous please"])
def test_the_wish_to_stay_anonymous_counts_at_any_question(said: str) -> None:
    talk = tree().say("my number is 617 555 0147", "inform").say(said, "privacy")
    assert (talk.value("contact"), talk.keys[0], talk.asking) == ("anonymous", "utter_corrected", "on_wires")


def test_the_wish_to_stay_anonymous_counts_in_the_read_back() -> None:
    talk = pothole("45 Elm").say("crosswalk").say("skip").say("skip").say("617 555 0147")
    assert talk.asking == "review"
    talk.say("make it anonymous", "privacy")
    assert (talk.value("contact"), talk.asking, talk.last.outcome.value) == ("anonymous", "review", "ask")


@pytest.mark.parametrize("said", ["ok send", "just send it", "Submit it please"])
def test_send_it_leaves_open_what_may_stay_open(said: str) -> None:
    talk = pothole("45 Elm").say("crosswalk").say(said, "affirm")
    assert (talk.asking, "utter_needed" in talk.keys) == ("contact", False)
    assert talk.say("send it", "affirm").asking == "review"
    assert talk.value("contact") == "anonymous"


def test_send_it_is_no_yes_to_a_question_about_danger() -> None:
    talk = tree().say("88 Elm St", "inform", location="88 Elm St")
    asked = talk.asking
    talk.say("ok send", "affirm")
    assert (talk.keys[0], talk.asking, talk.last.state.ended) == ("utter_needed", asked, "")


def test_a_correction_to_a_kind_that_is_not_certain_asks_which() -> None:
    talk = Talk().begin("they skipped me", service="missed_trash").say("8 Beacon Court", "inform")
    ranking = (("missed_trash", 0.6), ("missed_recycling", 0.35))
    talk.say("it was the recycling not trash actually", "correct_answer", services=ranking)
    assert (talk.asking, talk.last.state.candidates) == ("service", ["missed_recycling", "missed_trash"])
    assert talk.say("Missed recycling pick-up").last.state.service == "missed_recycling"


def test_of_two_places_in_one_message_the_one_that_a_crew_finds_counts() -> None:
    said = ["my mother's house", "77 Brattle Street"]
    talk = Talk().begin("all broken up at my mother's house, 77 Brattle Street", service="pothole", location=said)
    assert talk.value("location") == "77 Brattle Street"


def test_the_service_that_fits_everything_is_no_rival() -> None:
    several = (("pothole", 0.42), ("general_question", 0.41), ("noise", 0.02))
    talk = Talk().begin("I need to report several things. First a pothole on Pearl Street", services=several)
    assert talk.last.state.service == "pothole"
