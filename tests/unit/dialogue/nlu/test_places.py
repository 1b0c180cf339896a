"""Places that have a form of their own, whatever a trained model makes of their surroundings."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from city311.dialogue.nlu.place_forms import _by_name, _with_their_doors, finished
from city311.dialogue.nlu.places import PlaceFinder, PlaceModel, train, train_beside

LITTLE = [
    ("hole at the bank", [(8, 16)]),
    ("no heat", []),
    ("light out at the bank", [(13, 21)]),
    ("thank you", []),
    ("it took all day", []),
    ("in fall the city had rain", []),
    ("I own a car", []),
    ("it cost much", []),
] * 5


@pytest.fixture(scope="module")
def finder() -> PlaceFinder:
    return PlaceFinder(train(LITTLE, {}))


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
        ("no heat, apt 4, 22 Prospect", "apt 4, 22 Prospect"),
        ("no heat 22 Prospect 2nd floor", "22 Prospect 2nd floor"),
    ],
)
def test_a_form_is_found(finder: PlaceFinder, text: str, place: str) -> None:
    assert place in [text[start:end] for start, end, _ in finder.find(text)]


@pytest.mark.parametrize(
    "text",
    [
        "in 2023 Boston had snow",
        "it took 20 Days",
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
def test_what_only_looks_like_one_is_left(finder: PlaceFinder, text: str) -> None:
    assert finder.find(text) == []


def test_a_number_that_counts_what_comes_next_is_no_part_of_the_place() -> None:
    seen = [("dark at the bank 3 days", [(8, 18)]), ("no heat", []), ("dark at the bank 2", [(8, 18)])] * 4
    finder = PlaceFinder(train(seen, {}))
    assert [span[:2] for span in finder.find("dark at the bank 3 DAYS")] == [(8, 16)]
    assert [span[:2] for span in finder.find("dark at the bank 2")] == [(8, 18)], "a house's number stays"


def test_what_stands_at_a_place_belongs_to_it(finder: PlaceFinder) -> None:
    text = "hole by the stairs of the bank"
    assert [text[start:end] for start, end, _ in finder.find(text)] == ["the stairs of the bank"]


def test_a_place_ends_where_the_sentence_goes_on() -> None:
    seen = [("dark at the bank won't do", [(8, 22)]), ("no heat", []), ("dark at the bank", [(8, 16)])] * 4
    finder = PlaceFinder(train(seen, {}))
    assert [span[:2] for span in finder.find("dark at the bank won't do")] == [(8, 16)]


@pytest.mark.parametrize(
    ("text", "found", "place"),
    [
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


def test_a_form_that_begins_earlier_replaces_a_doubtful_part(finder: PlaceFinder) -> None:
    text = "light out at the bank, pole 218"
    assert "pole 218" in [text[start:end] for start, end, _ in finder.find(text)]


def test_a_process_of_its_own_learns_the_same(tmp_path: Path) -> None:
    groups = {"bank": (1, 2)}
    model = train_beside(LITTLE, groups)
    assert model == train(LITTLE, groups)
    model.save(tmp_path)
    assert PlaceModel.load(tmp_path) == model
    ((start, end, _),) = PlaceFinder(model).find("hole at the bank")
    assert "hole at the bank"[start:end] == "the bank"


def test_what_the_process_of_its_own_cannot_learn_is_an_error() -> None:
    with pytest.raises(subprocess.CalledProcessError):
        train_beside([("a hole", [("start", "end")])], {})  # type: ignore[list-item]


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
