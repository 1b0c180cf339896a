"""Photos in a guided conversation: whenever they come, with words or without."""

from __future__ import annotations

from dataclasses import replace

from conversing import Talk, pothole, reviewed_pothole, setting

from city311.intake import SKIPPED, Utterance, hear, start


def with_photos() -> Talk:
    talk = Talk(replace(setting(), takes_photos=True))
    return talk.begin("there is a pothole on Hampshire Street near Inman Square", service="pothole", location="22 Elm")


def sends(talk: Talk, *photos: str, text: str = "") -> Talk:
    talk.turn = hear(talk.here, talk.stored(), Utterance(text, photos=photos))
    return talk


def test_a_photo_is_invited_with_the_last_question_where_the_channel_can_carry_one() -> None:
    assert "photo" in with_photos().say("crosswalk").text
    assert "photo" not in pothole().say("crosswalk").text


def test_a_photo_at_any_question_is_kept_and_the_question_asked_again() -> None:
    talk = sends(with_photos(), "a")
    assert talk.keys == ["utter_photo_kept", "pack"] and talk.asking == "where"
    talk.say("crosswalk")
    assert "photo" not in talk.text  # it is there already
    talk.say("skip").say("anonymous")
    assert talk.reviewing and "Photos: 1 attached" in talk.text
    assert talk.state.photos == ["a"]


def test_words_with_the_photo_are_the_answer() -> None:
    talk = sends(with_photos(), "a", text="crosswalk")
    assert talk.keys[0] == "utter_photo_kept" and talk.value("where") == "crosswalk"


def test_the_same_photo_counts_once_and_five_are_enough() -> None:
    talk = sends(sends(with_photos(), "a"), "a")
    assert talk.state.photos == ["a"] and talk.keys == ["pack"]
    sends(talk, *"bcdefg")
    assert talk.state.photos == list("abcde") and talk.keys[0] == "utter_photos_full"


def test_photos_before_the_kind_of_problem_is_known() -> None:
    talk = Talk()
    talk.turn = start(talk.here, Utterance("please help", photos=("a", "b")), "form-1")
    assert talk.keys[0] == "utter_photos_kept" and talk.state.photos == ["a", "b"]
    talk.say("pothole at 22 Elm Street", services=[("pothole", 0.9)], location="22 Elm Street")
    assert talk.value("photo") == "2"


def test_photos_can_be_changed_at_the_read_back() -> None:
    talk = sends(reviewed_pothole(), "a")
    assert talk.reviewing and "Photos: 1 attached" in talk.text
    talk.say("Change photos")
    assert talk.keys == ["utter_ask_photo"] and talk.state.photos == []
    assert talk.last.says[-1].takes == "photo"
    sends(talk, "b")
    assert talk.reviewing and talk.state.photos == ["b"]


def test_photos_can_be_taken_away_at_the_read_back() -> None:
    talk = sends(reviewed_pothole(), "a").say("Change photos").say("skip")
    assert talk.reviewing and "attached" not in talk.text
    assert talk.status("photo") in (None, SKIPPED)


def test_words_where_a_photo_was_asked_again_do_not_trap() -> None:
    talk = sends(reviewed_pothole(), "a").say("Change photos").say("yes")
    assert "utter_explain_photo" in talk.keys
    assert talk.say("it does not work on this telephone").reviewing
