""" "There", "the same corner": the place of the report that was made just before."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from conversing import RIVERBEND, Talk, setting

from city311.intake import AS_WRITTEN, Setting, Spot, Utterance, afterwards, from_slot, hear, start
from city311.intake.lexicon import lexicon
from city311.intake.same_place import means_same_place
from city311.places import open_places

EN = lexicon("en")


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Setting:
    data: Path = tmp_path_factory.mktemp("places")
    return replace(setting(), places=open_places(RIVERBEND, data, ""))


@pytest.fixture(scope="module")
def before(here: Setting) -> Spot:
    """The place of a report that was sent."""
    assert here.places is not None
    found = here.places.find("88 Elm Street")
    return Spot(found.label, found.kind.value, found.point.lat, found.point.lon)  # type: ignore[union-attr]


def begun(here: Setting, before: Spot, text: str, **entities: list[str]):
    heard = Utterance(text, "report", 0.95, entities, [("light_out", 0.95)])
    return start(here, heard, "form-2", before=before)


@pytest.mark.parametrize(
    "text",
    [
        "also the streetlight there is out",
        "the light there is still out",
        "the hydrant there leaks",
        "there's trash at the same spot",
        "a pothole on that block too",
        "somebody dumped a sofa over there",
        "the sign is bent there",
    ],
)
def test_speaks_of_the_place_before(text: str) -> None:
    assert means_same_place(text, EN)


@pytest.mark.parametrize(
    "text",
    [
        "there is a pothole",
        "there are rats",
        "there's a dead tree",
        "and there is water everywhere",
        "I think there is a leak",
        "hi there is a hole in my street",
        "hi there, I have a leak",
        "in the park there are rats",
        "hello there",
        "is there a way to report a pothole",
        "on my street there are rats",
        "the streetlight is out",
    ],
)
def test_speaks_of_no_place_before(text: str) -> None:
    assert not means_same_place(text, EN)


def test_the_place_is_taken_said_and_kept_exactly(here: Setting, before: Spot) -> None:
    turn = begun(here, before, "also the streetlight there is out")
    assert turn.says[0].phrase.key == "utter_place_of_the_last"
    assert turn.says[0].phrase.values["place"] == before.label
    assert turn.state.answers["location"].value == before.label
    assert (turn.state.spot.lat, turn.state.spot.lon) == (before.lat, before.lon)
    assert turn.state.asking != "location"
    assert from_slot(turn.state.to_slot()) == turn.state


def test_it_can_be_changed(here: Setting, before: Spot) -> None:
    state = begun(here, before, "also the streetlight there is out").state
    said = Utterance("no, it's at 14 Blake Street", "correct_answer", 0.9, {"location": ["14 Blake Street"]})
    assert hear(here, state, said).state.answers["location"].value.startswith("14 Blake")


def test_words_alone_stay_words(here: Setting) -> None:
    turn = begun(here, Spot("by the old mill", AS_WRITTEN), "the streetlight there is out")
    assert turn.state.answers["location"].value == "by the old mill"
    assert turn.state.spot.kind == AS_WRITTEN


def test_a_pin_stays_the_same_point(here: Setting, before: Spot) -> None:
    pin = Spot("a pin that has no address", "pin", before.lat + 0.001, before.lon)
    turn = begun(here, pin, "the streetlight there is out")
    assert turn.state.spot.lat == pytest.approx(pin.lat, abs=1e-6)


def test_another_place_or_none_before_is_asked_for_as_ever(here: Setting, before: Spot) -> None:
    elsewhere = begun(here, before, "the light there is out, at 14 Blake Street", location=["14 Blake Street"])
    assert elsewhere.state.answers["location"].value.startswith("14 Blake")
    assert begun(here, Spot(), "the streetlight there is out").state.asking == "location"
    assert begun(here, before, "the streetlight is out").state.asking == "location"


@pytest.mark.parametrize("said", ["same place", "at the same corner", "there too", "over there"])
def test_the_question_for_the_place_takes_it(here: Setting, before: Spot, said: str) -> None:
    state = begun(here, before, "the streetlight is out").state
    turn = hear(here, state, Utterance(said, "inform", 0.9))
    assert turn.state.answers["location"].value == before.label


def test_a_second_problem_there_is_where_the_first_was_sent_to() -> None:
    talk = Talk()
    first = Utterance(
        "a pothole at 88 Elm Street and the streetlight there is out",
        "report",
        0.95,
        {"location": ["88 Elm Street"]},
        [("pothole", 0.95)],
        also=[("light_out", "the streetlight there is out")],
    )
    state = start(talk.here, first, "form-1").state
    state.answers["location"] = replace(state.answers["location"], value="14 Blake Street")
    state.ended = "submit"
    offer = afterwards(talk.here, state)
    assert offer is not None and "location" not in offer.entities
    state.ended = "followed"
    offer = afterwards(talk.here, state)
    assert offer is not None and offer.entities == {"location": ["14 Blake Street"]}
