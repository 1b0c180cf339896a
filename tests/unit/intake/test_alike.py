"""Somebody reported the same already: shown, asked about, and never in anybody's way."""

from dataclasses import replace

import pytest
from conversing import Talk, setting

from city311.intake import Alike

OPEN = Alike("SR-104215", "12 Hampshire Street", 20, "2026-11-20", "open")
OTHER = Alike("SR-104223", "", 35, "2026-11-18", "in_work")
CLOSED = Alike("SR-104231", "12 Hampshire Street", -1, "2026-11-19", "closed")


def about(*found):
    """A pothole, reported where these are known; what was looked for is in ``talk.looked``."""
    looked = []

    def alike(state):
        looked.append(state.answers["location"].value)
        return list(found)

    talk = Talk(replace(setting(), alike=alike))
    talk.looked = looked
    return talk.begin("a pothole", service="pothole").say("12 Hampshire Street")


def test_it_is_shown_before_anything_else_is_asked():
    talk = about(OPEN)
    assert talk.keys == ["utter_same_both", "utter_same_is_open", "utter_ask_same"]
    for words in ("Pothole in street", "12 Hampshire Street", "70 feet", "Friday, November 20, 2026"):
        assert words in talk.text
    assert talk.buttons == ["It's the same, keep me posted", "It's different", "I can't tell"]


@pytest.mark.parametrize("words", ["It's the same, keep me posted", "yes", "yes it is", "1", "yep same one"])
def test_the_same_is_followed_and_nothing_is_filed(words):
    talk = about(OPEN).say(words)
    assert (talk.ended, talk.state.follows) == ("followed", "SR-104215")


@pytest.mark.parametrize("words", ["It's different", "no", "no, another one", "2"])
def test_a_different_one_is_reported(words):
    talk = about(OPEN).say(words)
    assert talk.asking == "where" and talk.state.remarks == []


def test_after_a_different_one_the_next_is_shown():
    talk = about(OPEN, OTHER).say("It's different")
    assert talk.keys == ["utter_same_distance", "utter_same_is_in_work", "utter_ask_same"]
    assert talk.say("It's the same, keep me posted").state.follows == "SR-104223"


@pytest.mark.parametrize("words", ["I can't tell", "I don't know", "skip", "3"])
def test_who_cannot_tell_reports_and_the_crew_is_told(words):
    talk = about(OPEN, OTHER).say(words)
    assert talk.asking == "where"
    assert talk.state.remarks == ["This may be the same problem as SR-104215. The resident could not tell."]


def test_one_that_was_closed_too_early_makes_a_new_report_that_names_it():
    talk = about(CLOSED)
    assert talk.keys == ["utter_same_place", "utter_same_is_closed", "utter_ask_same_closed"]
    talk.say("It's the same, keep me posted")
    assert talk.keys[0] == "utter_same_noted" and talk.asking == "where"
    assert "SR-104231 is still there" in talk.state.remarks[0]
    talk.say("crosswalk").say("skip").say("anonymous")
    assert talk.reviewing and "SR-104231" in talk.text


def test_it_is_asked_once_for_a_place():
    talk = about(OPEN).say("no").say("crosswalk").say("skip").say("anonymous")
    assert talk.reviewing and talk.looked == ["12 Hampshire Street"]
    talk.say("no, it's at 99 Oak Street", location="99 Oak Street")
    assert talk.looked == ["12 Hampshire Street", "99 Oak Street"] and talk.asking == "same"


def test_a_correction_of_the_place_looks_there():
    talk = about(OPEN).say("no wait, it's at 99 Oak Street", "correct_answer", location="99 Oak Street")
    assert talk.looked == ["12 Hampshire Street", "99 Oak Street"]


def test_something_else_is_answered_and_it_is_asked_again():
    talk = about(OPEN).say("what is SR-104223 doing?", "check_status", request_number="SR-104223")
    assert talk.digressed and talk.keys[-1] == "utter_ask_same"


def test_what_is_not_understood_never_holds_anybody_up():
    talk = about(OPEN).say("purple")
    assert talk.keys[0] == "utter_which_one" and talk.asking == "same"
    assert talk.say("purple elephants").asking == "where"


@pytest.mark.parametrize(
    ("words", "intent", "ended"), [("cancel", "cancel", "cancelled"), ("start over", "", "restarted")]
)
def test_it_can_be_left(words, intent, ended):
    assert about(OPEN).say(words, intent).ended == ended


def test_back_asks_for_the_place_again():
    talk = about(OPEN).say("go back", "go_back")
    assert talk.asking == "location" and talk.state.alike == []


def test_an_ok_to_the_safety_text_is_no_yes():
    talk = about(OPEN).say("someone is bleeding, send help", "emergency").say("ok")
    assert talk.ended == "" and talk.asking == "same"


def test_danger_is_asked_first():
    looked = []
    talk = Talk(replace(setting(), alike=lambda state: looked.append(1) or [OPEN]))
    talk.begin("the light is out at 12 Main Street", service="signal_out", location="12 Main Street")
    assert talk.asking != "same" and not looked


def test_a_service_without_a_rule_is_not_looked_for():
    talk = Talk(replace(setting(), alike=lambda state: [OPEN]))
    talk.begin("hole in the alley", service="pothole_alley").say("12 Hampshire Street")
    assert talk.asking == "surface"


def test_its_photo_is_beside_the_words_where_there_is_one():
    talk = about(replace(OPEN, photo="/photos/shown/x.jpg"))
    image = talk.last.says[0].image
    assert image is not None
    assert (image.src, talk.here.words_of(image.alt)) == (
        "/photos/shown/x.jpg",
        "A photo of the problem that was told to us before.",
    )
    assert about(OPEN).last.says[0].image is None
