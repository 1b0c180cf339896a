"""Places that have a form of their own, whatever a trained model makes of their surroundings."""

from __future__ import annotations

import pytest

from city311.dialogue.nlu.place_forms import _with_landmarks, _with_their_doors, finished
from city311.dialogue.nlu.places import PlaceFinder, train

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
        ("It needs more time. Broad and Winslow", "Broad and Winslow"),
        ("Orange & 18th, NE corner. It is dark", "Orange & 18th, NE corner"),
        ("still not plowd hilltop cir", "hilltop cir"),
        ("the sweeper skips Wendover Place all summer", "Wendover Place"),
        ("trash out 418 mcallister since monday", "418 mcallister"),
        ("signal dead delancey @ orchard", "delancey @ orchard"),
        ("water main broke 2118 n wendover", "2118 n wendover"),
        ("hole on hilltop st nw", "hilltop st nw"),
        ("tags all over PS 21", "PS 21"),
        ("desks dumped by Pump Station 3", "Pump Station 3"),
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
    for text, place in (
        ("hole at the bank near the school", "the bank near the school"),
        ("hole by the stairs of the bank", "the stairs of the bank"),
        ("hole at the bank just past the light", "the bank just past the light"),
    ):
        assert [text[start:end] for start, end, _ in finder.find(text)] == [place]


def test_a_place_ends_where_the_sentence_goes_on() -> None:
    seen = [("dark at the bank won't do", [(8, 22)]), ("no heat", []), ("dark at the bank", [(8, 16)])] * 4
    finder = PlaceFinder(train(seen, {}))
    assert [span[:2] for span in finder.find("dark at the bank won't do")] == [(8, 16)]


@pytest.mark.parametrize(
    ("text", "found", "place"),
    [
        ("fell at Sal's Grill. They'd not help", "Sal's Grill. They'd", "Sal's Grill"),
        ("fell at St. Rita's", "St. Rita's", "St. Rita's"),
        ("fell on Pine Blvd. & Third", "Pine Blvd. & Third", "Pine Blvd. & Third"),
        ("they fight at the tavern at 11:15 pm", "the tavern at 11:15 pm", "the tavern"),
        ("eggs from Pick-N-Pay", "Pick", "Pick-N-Pay"),
        ("eggs from Pick-N-Pay", "Pay", "Pick-N-Pay"),
        ("eggs from 'Pay'", "Pay", "Pay"),
        ("I paid 65 dollars no way", "65 dollars no way", None),
        ("he walks home at 9 15", "9 15", None),
    ],
)
def test_borders_of_what_the_model_found(text: str, found: str, place: str | None) -> None:
    start = text.index(found)
    spans = finished(text, [(start, start + len(found), 0.9)], {}, frozenset())
    assert [text[first:last] for first, last, _ in spans] == ([place] if place else [])


@pytest.mark.parametrize(
    ("text", "found", "place"),
    [
        ("hole two doors down from Sal's Grill", ["Sal's Grill"], "two doors down from Sal's Grill"),
        ("hole right in front of 1212 Chalmers", ["1212 Chalmers"], "right in front of 1212 Chalmers"),
        ("hole in back of the bank", ["the bank"], "in back of the bank"),
        ("sign at Wren Court, off Bascom", ["Wren Court", "Bascom"], "Wren Court, off Bascom"),
        ("bent at Colton Ave at the rail trail", ["Colton Ave", "rail trail"], "Colton Ave at the rail trail"),
        ("roots by our house, 58 Merriweather", ["our house", "58 Merriweather"], "our house, 58 Merriweather"),
    ],
)
def test_what_leads_there_and_halves_that_little_parts_are_one_place(text: str, found: list[str], place: str) -> None:
    places = [(text.index(each), text.index(each) + len(each), 0.9) for each in found]
    assert [text[start:end] for start, end, _ in finished(text, places, {}, frozenset())] == [place]


def test_streets_in_a_row_stay_apart() -> None:
    text = "holes on Elm Ct, Fir Ct"
    assert finished(text, [(9, 15, 0.9), (17, 23, 0.9)], {}, frozenset()) == [(9, 15, 0.9), (17, 23, 0.9)]


def test_a_name_that_the_model_half_believes_is_a_place_after_such_a_word() -> None:
    text = "They race down Tulane on Friday"
    assert finished(text, [], {21: 0.2, 31: 0.02}, frozenset()) == [(15, 21, 0.9)]
    assert finished(text, [(10, 21, 0.8)], {21: 0.2}, frozenset()) == [(10, 21, 0.8)]


def test_two_halves_of_one_name_are_one_place() -> None:
    assert finished("eggs from Pick-N-Pay", [(10, 14, 0.9), (17, 20, 0.8)], {}, frozenset()) == [(10, 20, 0.9)]


def test_a_door_found_by_itself_becomes_part_of_its_address() -> None:
    text = "no heat, apt 4, 22 Prospect"
    assert finished(text, [(9, 14, 0.6), (16, 27, 0.9)], {}, frozenset()) == [(9, 27, 0.9)]
    assert finished("the hall, 22 Prospect", [(0, 8, 0.6), (10, 21, 0.9)], {}, frozenset()) == [
        (0, 8, 0.6),
        (10, 21, 0.9),
    ]


def test_a_place_within_another_is_left_out_with_its_door() -> None:
    text = "22 Prospect and Elm"
    assert _with_their_doors(text, [(0, 19, 0.9), (3, 11, 0.5)]) == [(0, 19, 0.9)]


def test_a_building_that_the_model_half_believes_is_a_place() -> None:
    text = "hole near the library on Wendover Place"
    street = (25, 39, 0.9)
    assert _with_landmarks(text, [], {21: 0.2}) == [(10, 21, 0.9)]
    assert _with_landmarks(text, [street], {21: 0.2}) == [(10, 39, 0.9)], "with its street"
    assert _with_landmarks(text, [street], {21: 0.01}) == [street]
    assert _with_landmarks(text, [(5, 39, 0.9)], {21: 0.2}) == [(5, 39, 0.9)], "a part of another place"


def test_a_form_that_begins_earlier_replaces_a_doubtful_part(finder: PlaceFinder) -> None:
    text = "light out at the bank, pole 218"
    assert "pole 218" in [text[start:end] for start, end, _ in finder.find(text)]
