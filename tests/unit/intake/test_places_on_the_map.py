"""The place of a report, resolved on Riverbend's map: found, offered, asked again, somebody else's, or only words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from conversing import RIVERBEND, Talk, setting

from city311.intake import Outcome, Setting, Utterance, description, hear
from city311.places import Places, open_places


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setting]:
    places = open_places(RIVERBEND, tmp_path_factory.mktemp("places"))
    assert isinstance(places, Places)
    yield replace(setting(), places=places)


def pothole(here: Setting, place: str) -> Talk:
    return Talk(here).begin("there is a pothole", service="pothole").say(place)


def pin(talk: Talk, lat: float, lon: float, text: str = "") -> Talk:
    talk.turn = hear(talk.here, talk.stored(), Utterance(text, "nlu_fallback", 0.3, pin=(lat, lon)))
    return talk


def test_a_place_is_read_back_by_its_proper_label(here: Setting) -> None:
    talk = pothole(here, "24 rcie st apt 3")
    assert (talk.asking, talk.value("location")) == ("where", "24 Rice St")
    assert (round(talk.state.spot.lat, 4), talk.state.spot.areas["zip"]) == (42.3946, "02140")

    talk.say("crosswalk").say("skip").say("anonymous")
    assert talk.reviewing
    assert "Place: 24 Rice St" in talk.text
    assert talk.state.answers["location"].said == "24 rcie st apt 3"


def test_one_that_is_not_sure_is_offered(here: Setting) -> None:
    talk = pothole(here, "8 Pine Road")
    assert talk.keys == ["utter_ask_did_you_mean"]
    assert talk.buttons == ["8 Pine St", "Use it as I wrote it"]

    assert talk.say("yes", "affirm").value("location") == "8 Pine St"


@pytest.mark.parametrize("pick", ["12 Avon Pl", "2", "the second one", "the place", "avon pl"])
def test_which_of_two_streets(here: Setting, pick: str) -> None:
    talk = pothole(here, "8 Avon")
    assert talk.keys == ["utter_ask_which_place"]
    labels = talk.buttons[:-1]
    assert set(labels) == {"8 Avon Pl", "8 Avon St"}

    chosen = {"12 Avon Pl": "8 Avon Pl", "the place": "8 Avon Pl", "avon pl": "8 Avon Pl"}.get(pick, labels[1])
    talk.say("8 Avon Pl" if pick in ("12 Avon Pl", "the place") else pick)
    assert talk.value("location") == chosen
    assert talk.asking == "where"


def test_none_of_them_and_another(here: Setting) -> None:
    talk = pothole(here, "8 Avon").say("no", "deny")
    assert talk.asking == "location"
    assert talk.say("24 Rice St").value("location") == "24 Rice St"


def test_my_house_asks_which_house(here: Setting) -> None:
    talk = pothole(here, "in front of my house")
    assert talk.keys == ["utter_ask_which_house"]
    assert talk.say("24 Rice St").value("location") == "24 Rice St"


def test_a_street_that_has_no_such_house(here: Setting) -> None:
    talk = pothole(here, "2000 Rice St")
    assert talk.keys == ["utter_ask_no_such_number"]
    assert "Rice St" in talk.text
    assert talk.say("24").value("location") == "24 Rice St"


def test_who_insists_goes_on_with_their_own_words(here: Setting) -> None:
    talk = pothole(here, "by the big rock behind the old mill").say("Use it as I wrote it")
    assert talk.value("location") == "the big rock behind the old mill"
    assert talk.state.spot.kind == "as_written"
    assert talk.asking == "where"


def test_one_good_question_and_no_more(here: Setting) -> None:
    talk = pothole(here, "by the big rock behind the old mill")
    assert talk.keys == ["utter_ask_place_again"]
    talk.say("near the willow tree with the swing")
    assert talk.keys[0] == "utter_place_unverified"
    assert talk.state.spot.kind == "as_written"
    assert talk.asking == "where"


@pytest.mark.parametrize("place", ["12 Main St, Somerville", "42.35, -71.06"])
def test_outside_nothing_is_filed(here: Setting, place: str) -> None:
    talk = pothole(here, place)
    assert talk.asking == "location"
    assert talk.value("location") is None
    assert "I have not sent a report" in talk.text
    assert talk.buttons == ["Cancel the report"]
    assert talk.say("Cancel the report").ended == "cancelled"


def test_a_town_next_door_is_named_with_its_phone(here: Setting) -> None:
    text = pothole(here, "12 Main St, Somerville").text
    assert "Somerville" in text
    assert "617-555-0171" in text


def test_after_outside_another_place_counts(here: Setting) -> None:
    assert pothole(here, "12 Main St, Somerville").say("sorry, 24 Rice St").value("location") == "24 Rice St"


def test_a_state_road_is_the_states(here: Setting) -> None:
    talk = pothole(here, "100 Memorial Drive")
    assert "State Parkways Office" in talk.text
    assert talk.value("location") is None


def test_but_not_for_what_is_no_matter_of_the_road(here: Setting) -> None:
    talk = Talk(here).begin("they missed my trash", service="missed_trash").say("100 Memorial Drive")
    assert talk.value("location") == "100 Memorial Dr"


def test_a_change_of_the_service_asks_anew_whose_it_is(here: Setting) -> None:
    talk = Talk(here).begin("they missed my trash", service="missed_trash").say("100 Memorial Drive")
    talk.say("change the kind of problem")
    for _ in range(1):
        talk.say("there is a pothole in the road", "report", services=[("pothole", 0.95)])
    if talk.state.service == "pothole":
        assert "State Parkways Office" in talk.text


def test_a_light_on_the_utilitys_pole_is_referred(here: Setting) -> None:
    talk = Talk(here).begin("the street light is out", service="light_out").say("pole 36-P1")
    assert "Riverbend Light & Power" in talk.text
    assert talk.state.spot.rule == "power_company_lights"
    assert talk.value("location") == "36-P1, Bishop Allen Lot 5"
    assert talk.value("pole_no") == "36-P1"
    assert talk.asking != "location"


def test_a_pin_at_the_question(here: Setting) -> None:
    talk = pin(Talk(here).begin("there is a pothole", service="pothole"), 42.39457, -71.1284)
    assert talk.keys[0] == "utter_pin_kept"
    assert (talk.value("location"), talk.asking) == ("24 Rice St", "where")


def test_a_pin_later_corrects_the_place(here: Setting) -> None:
    talk = pin(pothole(here, "12 Oak Street"), 42.39457, -71.1284)
    assert (talk.value("location"), talk.asking) == ("24 Rice St", "where")


def test_a_pin_outside(here: Setting) -> None:
    talk = pin(Talk(here).begin("there is a pothole", service="pothole"), 0.0, 0.0)
    assert talk.value("location") is None
    assert talk.asking == "location"
    assert "outside Riverbend" in talk.text


def test_a_pin_without_a_map_is_taken_as_it_is() -> None:
    talk = pin(Talk().begin("there is a pothole", service="pothole"), 42.39457, -71.1284)
    assert talk.value("location") == "42.39457, -71.12840"
    assert talk.asking == "where"


def test_a_correction_at_the_read_back(here: Setting) -> None:
    talk = pothole(here, "12 Oak Street").say("crosswalk").say("skip").say("anonymous")
    talk.say("no, it's on 8 Pine Road", "correct_answer", location="8 Pine Road")
    assert talk.keys[-1] == "utter_ask_did_you_mean"
    assert "I changed this" not in talk.text
    talk.say("8 Pine St")
    assert talk.reviewing
    assert "Place: 8 Pine St" in talk.text


def test_danger_is_asked_before_which_street(here: Setting) -> None:
    talk = Talk(here).begin("a wire hangs down at 8 Avon", service="wire_down", location="8 Avon")
    assert talk.asking == "sparking"
    assert talk.say("no", "deny").keys[-1] == "utter_ask_which_place"


def test_and_before_whose_road_it_is(here: Setting) -> None:
    talk = Talk(here).begin("a wire hangs at 100 Memorial Drive", service="wire_down", location="100 Memorial Drive")
    assert talk.asking == "sparking"
    assert "State Parkways" not in talk.text
    assert "State Parkways" in talk.say("no", "deny").text


@pytest.mark.parametrize("text", ["💥💥", "x" * 900, "'; DROP TABLE x; --", "NaN, NaN", "999.999, 999.999", "   "])
def test_nothing_breaks_it(here: Setting, text: str) -> None:
    talk = pothole(here, text)
    assert talk.last.outcome is not Outcome.END
    assert talk.asking in ("location", "where")


# ---- the place where a photo was taken


RICE_ST, SEA = (42.39457, -71.1284), (10.0, -40.0)


def photographed(here: Setting, *photos: str, taken: dict[str, tuple[float, float]], words: str = "") -> Talk:
    talk = Talk(replace(here, taken_at=taken.get))
    talk.begin("there is a pothole", service="pothole")
    talk.turn = hear(talk.here, talk.stored(), Utterance(words, photos=photos))
    return talk


@pytest.mark.parametrize("agreed", ["Use the place of the photo", "yes", "1", "yep thats it"])
def test_the_place_of_a_photo_is_offered_and_taken_once_the_resident_agrees(here: Setting, agreed: str) -> None:
    talk = photographed(here, "a", taken={"a": RICE_ST})
    assert talk.keys == ["utter_photo_kept", "utter_ask_photo_place"]
    assert "24 Rice St" in talk.text
    assert talk.buttons == ["Use the place of the photo", "It's another place"]
    assert talk.value("location") is None
    assert "42.39" not in str(talk.state.to_slot())  # the camera's position stays where it is
    talk.say(agreed)
    assert (talk.value("location"), talk.state.spot.areas["zip"]) == ("24 Rice St", "02140")
    assert talk.asking == "where"


@pytest.mark.parametrize("refused", ["It's another place", "no", "2"])
def test_another_place_than_the_photos_is_asked_and_the_photos_never_again(here: Setting, refused: str) -> None:
    talk = photographed(here, "a", taken={"a": RICE_ST, "b": RICE_ST}).say(refused)
    assert (talk.value("location"), talk.asking, talk.keys) == (None, "location", ["pack"])
    talk.turn = hear(talk.here, talk.stored(), Utterance("", photos=("b",)))
    assert talk.keys == ["utter_photo_kept", "pack"]
    assert talk.say("215 Prospect St").value("location") == "215 Prospect St"


def test_a_place_in_words_comes_before_the_photos(here: Setting) -> None:
    talk = photographed(here, "a", taken={"a": RICE_ST}).say("215 Prospect St")
    assert (talk.value("location"), talk.asking) == ("215 Prospect St", "where")
    talk = photographed(here, "a", taken={"a": RICE_ST}).say("no, 215 Prospect St")
    assert talk.value("location") == "215 Prospect St"
    talk = pothole(replace(here, taken_at={"a": RICE_ST}.get), "215 Prospect St")
    talk.turn = hear(talk.here, talk.stored(), Utterance("", photos=("a",)))
    assert talk.keys == ["utter_photo_kept", "pack"] and talk.asking == "where"


def test_after_a_vague_place_the_photos_is_offered(here: Setting) -> None:
    talk = pothole(replace(here, taken_at={"a": RICE_ST}.get), "right here")
    assert talk.asking == "location"
    talk.turn = hear(talk.here, talk.stored(), Utterance("", photos=("a",)))
    assert talk.keys[-1] == "utter_ask_photo_place"


@pytest.mark.parametrize("taken", [{}, {"a": SEA}, {"a": (42.2, -71.1)}], ids=["nowhere", "sea", "next town"])
def test_a_photo_from_elsewhere_says_nothing_of_the_place(here: Setting, taken: dict) -> None:
    talk = photographed(here, "a", taken=taken)
    assert talk.keys == ["utter_photo_kept", "pack"]


def test_a_position_that_is_gone_meanwhile_asks_for_the_place(here: Setting) -> None:
    talk = photographed(here, "a", taken={"a": RICE_ST})
    talk.here = here
    talk.say("yes")
    assert (talk.value("location"), talk.asking) == (None, "location")


def test_without_a_map_nothing_is_offered() -> None:
    assert photographed(setting(), "a", taken={"a": RICE_ST}).keys == ["utter_photo_kept", "pack"]


def test_what_is_no_place_is_not_taken_for_one_where_a_place_was_offered(here: Setting) -> None:
    talk = Talk(here).begin("a pile of junk", service="illegal_dumping").say("8 Pine Road")
    assert talk.keys == ["utter_ask_did_you_mean"]
    talk.say("a couch and tires", "inform", 0.55)
    assert (talk.value("location"), talk.asking) == (None, "location")
    assert talk.say("yes", "affirm").value("location") == "8 Pine St"


def test_two_wordings_that_are_on_no_map_are_both_told_to_the_crew(here: Setting) -> None:
    talk = pothole(here, "by the old mill near the big rock").say("near the barn past the tannery")
    assert talk.value("location") == "the old mill near the big rock; near the barn past the tannery"
    assert "utter_place_unverified" in talk.keys


def test_one_wording_that_holds_the_other_is_told_once(here: Setting) -> None:
    talk = pothole(here, "by the old mill").say("by the old mill near the barn")
    assert talk.value("location") == "the old mill near the barn"


def test_more_of_a_place_is_no_correction_of_it(here: Setting) -> None:
    """What is on no map takes nothing from what is."""
    talk = Talk(here).begin("broken fountain", service="park_maint").say("Danehy Park").say("no")
    said = "actually it's the one near the old tower"
    talk.say("Something else").say(said, "correct_answer", location="the old tower")
    assert talk.value("location") == "Danehy Park"
    assert said in description(talk.state)


def test_a_place_that_is_said_to_be_wrong_is_asked_again(here: Setting) -> None:
    talk = Talk(here).begin("broken fountain", service="park_maint").say("Danehy Park").say("no")
    talk.say("no, that's wrong, it's by the blue kiosk", "correct_answer", location="the blue kiosk")
    assert talk.value("location") != "Danehy Park"


@pytest.mark.parametrize("said", ["the whole street", "its the entire block", "all along it"])
def test_all_of_a_street_is_taken_as_it_was_said(here: Setting, said: str) -> None:
    talk = Talk(here).begin("not plowed", service="snow_plow").say("Otis street")
    assert talk.asking == "location"
    talk.say(said, "inform")
    assert talk.asking != "location"
    assert (talk.value("location") or "").startswith("Otis")
    assert said.split()[-1] in (talk.value("location") or "")
