"""What is found where: by the trained tagger, and by the forms that places have whatever surrounds them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from city311.dialogue.nlu import places
from city311.dialogue.nlu.encoding import encoder_for
from city311.dialogue.nlu.place_forms import _by_name, _with_their_doors, finished
from city311.dialogue.nlu.places import PlaceFinder, PlaceModel, train
from city311.language.encoder import Encoder, EncoderError

KNOWN = frozenset(["at", "the", "bank", "no", "heat", "light", "out", "it", "took", "all", "day", "in", "had", "i"])
LITTLE = [
    ("hole at the bank", [(8, 16)]),
    ("light out by the old school", [(13, 27)]),
    ("no heat at 22 Prospect Street", [(11, 29)]),
    ("a tree fell on Cedar Avenue", [(15, 27)]),
    ("no heat for two days", []),
    ("thank you", []),
    ("it took all day", []),
    ("can I pay my bill", []),
] * 5


@pytest.fixture(scope="module")
def finder() -> PlaceFinder:
    return PlaceFinder(train(LITTLE, encoder_for("")), encoder_for(""))


def found(finder: PlaceFinder, text: str) -> list[str]:
    return [text[start:end] for start, end, _ in finder.find(text)]


def test_places_are_learnt_from_what_stands_around_them(finder: PlaceFinder) -> None:
    assert found(finder, "hole by the old church") == ["the old church"]
    assert found(finder, "a branch fell on Linden Avenue") == ["Linden Avenue"]
    assert found(finder, "can I pay all day") == []
    assert finder.find("") == []


def test_what_was_read_before_is_not_read_again(finder: PlaceFinder, monkeypatch: pytest.MonkeyPatch) -> None:
    text, meant = "hole by the old chruch", "hole by the old church"
    seen: list[tuple[object, ...]] = []
    encoder_for("").encode_layers([meant], lambda _, *pieces: seen.append((meant, *pieces)))
    asked: list[str] = []
    original = Encoder.encode_layers

    def encode_layers(self: Encoder, texts: list[str], look: object) -> object:
        asked.extend(texts)
        return original(self, texts, look)  # type: ignore[arg-type]

    monkeypatch.setattr(Encoder, "encode_layers", encode_layers)
    ((start, end, _),) = finder.find(text, seen[0])  # type: ignore[arg-type]
    assert text[start:end] == "the old chruch"
    assert asked == []
    other = "hole by the old church, again"
    ((start, end, _),) = finder.find(other, seen[0])  # type: ignore[arg-type]
    assert other[start:end] == "the old church"
    assert asked == [other], "of other words, it is no use"


def test_a_place_is_found_however_late_it_comes(finder: PlaceFinder) -> None:
    told = "can I pay my bill, " * 60
    assert found(finder, told + "hole by the old church") == ["the old church"]
    assert finder.find(told * 3) == []
    assert finder.find("\u200b") == finder.find("\u200b " * 300) == []


def test_beside_a_sure_place_a_doubtful_one_is_none() -> None:
    found = [(0, 4, 0.5), (10, 14, 0.9), (20, 24, 0.75)]
    assert places._sure_ones(found) == [(10, 14, 0.9), (20, 24, 0.75)]
    assert places._sure_ones(found[:1]) == found[:1]


def test_a_model_comes_back_as_it_was_saved(finder: PlaceFinder, tmp_path: Path) -> None:
    model = finder._model
    model.save(tmp_path)
    again = PlaceModel.load(tmp_path)
    assert (again.columns, again.known, again.encoder) == (model.columns, model.known, model.encoder)
    assert np.allclose(again.tagger.first, model.tagger.first, atol=1e-3)
    assert found(PlaceFinder(again, encoder_for("")), "hole by the old church") == ["the old church"]


def test_a_model_of_another_encoder_is_refused(finder: PlaceFinder) -> None:
    with pytest.raises(EncoderError, match="another sentence encoder"):
        PlaceFinder(replace(finder._model, encoder="other"), encoder_for(""))


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("sumbody dumped matresses behnd 22 Prospect", "22 Prospect"),
        ("lamp post 33-118 blinks", "lamp post 33-118"),
        ("bus stop 2214 has no bench", "bus stop 2214"),
        ("st lite infront of my house is ded", "infront of my house"),
        ("st lite infront my house is ded", "infront my house"),
        ("dark nr our store again", "our store"),
        ("water all over in our laundry room again", "our laundry room"),
        ("lamp out on my dark block", "my dark block"),
        ("pole W-2281 is dark", "pole W-2281"),
        ("It needs more time. Dover and Elgin", "Dover and Elgin"),
        ("Orange & 18th, NE corner. It is dark", "Orange & 18th, NE corner"),
        ("still not plowd hilltop cir", "hilltop cir"),
        ("the sweeper skips Wendover Place all summer", "Wendover Place"),
        ("trash out 418 mcallister since monday", "418 mcallister"),
        ("signal dead delancey @ orchard", "delancey @ orchard"),
        ("water main broke 2118 n wendover", "2118 n wendover"),
        ("hole on hilltop st nw", "hilltop st nw"),
        ("wait no 114 Elm", "114 Elm"),
        ("no heat, apt 4, 22 Prospect", "apt 4, 22 Prospect"),
        ("no heat 22 Prospect 2nd floor", "22 Prospect 2nd floor"),
    ],
)
def test_a_form_is_found(text: str, place: str) -> None:
    assert place in [text[start:end] for start, end, _ in finished(text, [], KNOWN)]


@pytest.mark.parametrize(
    "text",
    [
        "in 2023 Boston had snow",
        "it took 20 Days",
        "it took till 22 Oct",
        "it took till 10 Fri",
        "",
        "!!!",
        "the bike ln is blocked",
        "I own No Place",
        "it cost 300 ducats",
        "see no heat & thank you",
        "I am on my way home",
        "it was on my building's mind",
        "Joe and Mary say so",
    ],
)
def test_what_only_looks_like_one_is_left(text: str) -> None:
    assert finished(text, [], KNOWN) == []


@pytest.mark.parametrize(
    ("text", "found", "place"),
    [
        ("dark at the bank 3 DAYS", "the bank 3", "the bank"),
        ("dark at lot 2", "lot 2", "lot 2"),
        ("dust on cars and pool on Elm Ridge", "Elm Ridge", "pool on Elm Ridge"),
        ("no pickup on our side", "our", None),
        ("dark on our block", "our block", "our block"),
        ("hole by the stairs of the bank", "the bank", "the stairs of the bank"),
        ("dark at the bank won't do", "the bank won't", "the bank"),
        ("fell at St. Rita's", "St. Rita's", "St. Rita's"),
        ("fell on Pine Blvd. & Third", "Pine Blvd. & Third", "Pine Blvd. & Third"),
        ("eggs from Pick-N-Pay", "Pick", "Pick-N-Pay"),
        ("eggs from Pick-N-Pay", "Pay", "Pick-N-Pay"),
        ("eggs from 'Pay'", "Pay", "Pay"),
        ("I paid 65 dollars no way", "65 dollars no way", None),
        ("he walks home at 9 15", "9 15", None),
    ],
)
def test_borders_of_what_the_model_found(text: str, found: str, place: str | None) -> None:
    start = text.index(found)
    spans = finished(text, [(start, start + len(found), 0.9)], frozenset())
    assert [text[first:last] for first, last, _ in spans] == ([place] if place else [])


@pytest.mark.parametrize(
    ("text", "found", "place"),
    [
        ("hole two doors down from Sal's Grill", ["Sal's Grill"], "two doors down from Sal's Grill"),
        ("hole right in front of 1370 Almeda", ["1370 Almeda"], "right in front of 1370 Almeda"),
        ("hole in back of the bank", ["the bank"], "in back of the bank"),
        ("sign at Dell Court, off Ransom", ["Dell Court", "Ransom"], "Dell Court, off Ransom"),
        ("bent at Delmar Ave at the boat ramp", ["Delmar Ave", "boat ramp"], "Delmar Ave at the boat ramp"),
    ],
)
def test_what_leads_there_and_halves_that_little_parts_are_one_place(text: str, found: list[str], place: str) -> None:
    places = [(text.index(each), text.index(each) + len(each), 0.9) for each in found]
    assert [text[start:end] for start, end, _ in finished(text, places, frozenset())] == [place]


def test_streets_in_a_row_stay_apart() -> None:
    text = "holes on Elm Ct, Fir Ct"
    assert finished(text, [(9, 15, 0.9), (17, 23, 0.9)], frozenset()) == [(9, 15, 0.9), (17, 23, 0.9)]


def test_two_halves_of_one_name_are_one_place() -> None:
    assert finished("eggs from Pick-N-Pay", [(10, 14, 0.9), (17, 20, 0.8)], frozenset()) == [(10, 20, 0.9)]


def test_a_door_found_by_itself_becomes_part_of_its_address() -> None:
    text = "no heat, apt 4, 22 Prospect"
    assert finished(text, [(9, 14, 0.6), (16, 27, 0.9)], frozenset()) == [(9, 27, 0.9)]
    assert finished("Cobb Hall, 22 Prospect", [(0, 9, 0.6), (11, 22, 0.9)], frozenset()) == [
        (0, 9, 0.6),
        (11, 22, 0.9),
    ]


def test_a_place_within_another_is_left_out_with_its_door() -> None:
    text = "22 Prospect and Elm"
    assert _with_their_doors(text, [(0, 19, 0.9), (3, 11, 0.5)]) == [(0, 19, 0.9)]


def test_a_form_that_begins_earlier_replaces_a_doubtful_part() -> None:
    text = "light out at the bank, pole 218"
    assert finished(text, [(28, 31, 0.5)], KNOWN) == [(23, 31, 0.9)]


@pytest.mark.parametrize(
    ("text", "places", "kept"),
    [
        ("it leans on my roof. 19 Elm St", ["my roof", "19 Elm St"], ["19 Elm St"]),
        ("the stairs fell, we are at Cobb Field", ["the stairs", "Cobb Field"], ["Cobb Field"]),
        ("rats under the back porch of elm ct", ["under the back porch", "elm ct"], ["elm ct"]),
        ("it leans on my roof", ["my roof"], ["my roof"]),
        ("from my roof to the stairs", ["my roof", "the stairs"], ["my roof", "the stairs"]),
        ("alley behind my garage, 19 Elm St", ["alley behind my garage", "19 Elm St"], None),
        ("The Bend and Cobb Field", ["The Bend", "Cobb Field"], None),
    ],
)
def test_a_thing_is_no_place_beside_a_name(text: str, places: list[str], kept: list[str] | None) -> None:
    found = [(text.index(place), text.index(place) + len(place), 0.9) for place in places]
    assert [text[start:end] for start, end, _ in _by_name(text, found)] == (kept or places)
