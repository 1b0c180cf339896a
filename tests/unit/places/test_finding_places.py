"""What residents write, and where it is. Riverbend's geography."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from city311.city import load_pack
from city311.places import Ambiguous, Kind, Outside, Place, Places, Point, Question, Unknown
from city311.settings import HOUSE


@pytest.mark.parametrize(
    ("words", "label", "kind"),
    [
        ("24 Rice St", "24 Rice St", Kind.ADDRESS),
        ("24 rice street, apt 3", "24 Rice St", Kind.ADDRESS),
        ("across the street from 24 RICE ST., Cambridge, MA 02140", "24 Rice St", Kind.ADDRESS),
        ("24 Rice", "24 Rice St", Kind.ADDRESS),
        ("in front of 24 rcie st please", "24 Rice St", Kind.ADDRESS),
        ("215 Prospct St apt 3", "215 Prospect St", Kind.INTERPOLATED),
        ("#24 rice st", "24 Rice St", Kind.ADDRESS),
        ("twenty four Rice street", "24 Rice St", Kind.ADDRESS),
        ("24 N. Rice St #4", "24 Rice St", Kind.ADDRESS),
        ("two fifteen prospect", "215 Prospect St", Kind.INTERPOLATED),
        ("1200-block Mass. Ave.", "1200-1299 Massachusetts Ave", Kind.BLOCK),
        ("rice st mass ave", "Rice St & Massachusetts Ave", Kind.INTERSECTION),
        ("12-16 Ellery St", "12-16 Ellery St", Kind.ADDRESS),
        ("24 sixht street", "24 Sixth St", Kind.ADDRESS),
        ("1200 block of Mass Ave", "1200-1299 Massachusetts Ave", Kind.BLOCK),
        ("Prospect between Broadway and Harvard", "Prospect St (Broadway – Harvard St)", Kind.BLOCK),
        ("corner of prospect n broadway", "Prospect St & Broadway", Kind.INTERSECTION),
        ("Brodway/Prospect", "Broadway & Prospect St", Kind.INTERSECTION),
        ("JFK St @ Mount Auburn Street", "JFK St & Mt Auburn St", Kind.INTERSECTION),
        ("2 potholes on Prospect and Broadway", "Prospect St & Broadway", Kind.INTERSECTION),
        ("Front Street and Windsor", "Front St & Windsor St", Kind.INTERSECTION),
        ("across from the Cambridge St library", "Valente Branch Library, Cambridge St & Berkshire St", Kind.LANDMARK),
        ("the fire station on Broadway", "Fire Headquarters, 491 Broadway", Kind.LANDMARK),
        ("Danehy Park", "Danehy Park", Kind.LANDMARK),
        ("Rice st near 24", "24 Rice St", Kind.ADDRESS),
        ("Rice Street, by number 24", "24 Rice St", Kind.ADDRESS),
        ("the one on Cambridge street, donnelly field", "Donnelly Field", Kind.LANDMARK),
        ("light out, pole 645-32A", "645-32A, Spring Pl", Kind.ASSET),
    ],
)
def test_words_become_a_place(riverbend: Places, words: str, label: str, kind: Kind) -> None:
    found = riverbend.find(words)

    assert isinstance(found, Place), found
    assert (found.label, found.kind) == (label, kind)
    assert found.district or kind is Kind.LANDMARK
    assert found.ward
    assert found.zip.startswith("021")


def test_corner_of_5th_and_a_street_it_meets(riverbend: Places) -> None:
    found = riverbend.find("corner of 5th n cambridge")

    assert isinstance(found, Place)
    assert found.label == "Fifth St & Cambridge St"


@pytest.mark.parametrize(
    ("words", "question"),
    [
        ("in front of my house", Question.WHICH_HOUSE),
        ("on my street", Question.WHICH_HOUSE),
        ("by our driveway", Question.WHICH_HOUSE),
        ("Prospect Street", Question.WHERE_ALONG),
        ("the bus stop on River St", Question.WHERE_ALONG),
        ("Mass Ave by the river", Question.WHERE_ALONG),
        ("9999 Main St", Question.NO_SUCH_NUMBER),
        ("Elm and Prospect", Question.NO_SUCH_CORNER),
        ("pole 999999", Question.NO_SUCH_ASSET),
        ("that slab by the library", Question.WHICH_OF_ITS_KIND),
        ("the library by my house", Question.WHICH_HOUSE),
        ("💩💩🔥", Question.WHERE),
        ("12", Question.WHERE),
        ("91.00, 200.00", Question.WHERE),
        ("at the intersection", Question.WHERE),
        ("99999999999999999999", Question.WHERE),
        ("'; DROP TABLE streets; --", Question.WHERE),
    ],
)
def test_what_is_no_place_becomes_a_question(riverbend: Places, words: str, question: Question) -> None:
    found = riverbend.find(words)

    assert isinstance(found, Unknown), found
    assert found.question is question


def test_one_of_a_few_of_its_kind_is_offered(riverbend: Places) -> None:
    found = riverbend.find("behind the hospital")

    assert isinstance(found, Ambiguous), found
    assert len(found.candidates) == 3
    assert {place.landmark_kind for place in found.candidates} == {"hospital"}


def test_of_many_of_its_kind_it_says_what_they_were_called(riverbend: Places) -> None:
    assert riverbend.find("kids broke glass at the playground") == Unknown(Question.WHICH_OF_ITS_KIND, "playground")


@pytest.mark.parametrize(
    "words", ["100 Tremont Pl", "3 Willow Road", "6 Hemlock Drive", "16 Chestnut Hill Ave", "9 Jackson Square",
              "500 Boylston St", "1600 Pennsylvania Ave", "25 Forest Hills St", "by pole 4471", "12 Avon"]
)  # fmt: skip
def test_what_may_be_another_place_is_never_taken_for_sure(riverbend: Places, words: str) -> None:
    assert not isinstance(riverbend.find(words), Place)


@pytest.mark.parametrize(
    ("words", "town"),
    [("12 Main St, Somerville", "somerville"), ("1 Beacon St Boston", "boston"), ("Elm St in Arlington", "arlington")],
)
def test_a_town_next_door_is_named(riverbend: Places, words: str, town: str) -> None:
    assert riverbend.find(words) == Outside(town)


@pytest.mark.parametrize("words", ["Beacon St & Somerville Ave", "24 Arlington St", "24 Arlington"])
def test_a_street_that_is_called_like_a_town_is_ours(riverbend: Places, words: str) -> None:
    assert not isinstance(riverbend.find(words), Outside)


def test_a_pin_gets_the_nearest_house_and_its_areas(riverbend: Places) -> None:
    found = riverbend.at(Point(42.39457, -71.1284))

    assert isinstance(found, Place)
    assert (found.label, found.kind, found.zip) == ("24 Rice St", Kind.PIN, "02140")
    assert riverbend.zip_at(found.point) == "02140"
    assert riverbend.zip_at(Point(10.0, 10.0)) == ""


def test_a_pin_in_the_road_is_on_its_street(riverbend: Places) -> None:
    found = riverbend.at(Point(42.394366, -71.129517))

    assert isinstance(found, Place)
    assert found.streets == ("Rice St",)


@pytest.mark.parametrize("point", [Point(0.0, 0.0), Point(-90.0, 180.0), Point(42.35, -71.06)])
def test_a_pin_outside_is_outside(riverbend: Places, point: Point) -> None:
    assert riverbend.at(point) == Outside(point=point)


def test_coordinates_in_words_are_a_pin(riverbend: Places) -> None:
    found = riverbend.find("it's at 42.39457, -71.1284")

    assert isinstance(found, Place)
    assert found.label == "24 Rice St"
    assert isinstance(riverbend.find("42.35, -71.06"), Outside)


@given(st.text(max_size=500))
@settings(max_examples=60, deadline=None)
def test_no_words_break_it(riverbend: Places, words: str) -> None:
    riverbend.find(words)


@given(
    st.lists(
        st.sampled_from(
            [
                "24",
                "rice",
                "st",
                "and",
                "&",
                "corner",
                "of",
                "block",
                "between",
                "pole",
                "#",
                "-",
                "/",
                ",",
                "1/2",
                "n",
                "the",
                "5th",
                "mass",
                "ave",
                "1200",
                "near",
                "in",
                "front",
                "of",
                "my",
                "house",
                "02139",
                "cambridge",
                "ma",
                "📍",
            ]
        ),
        max_size=12,
    )
)
@settings(max_examples=60, deadline=None)
def test_no_order_of_words_breaks_it(riverbend: Places, words: list[str]) -> None:
    found = riverbend.find(" ".join(words))

    assert isinstance(found, Place | Ambiguous | Unknown | Outside)


def test_a_street_of_another_type_is_offered_and_never_taken(riverbend: Places) -> None:
    found = riverbend.find("12 Park Street")
    assert isinstance(found, Ambiguous)
    assert found.candidates[0].label == "12 Park Ave"


@pytest.mark.parametrize("words", ["Park St & Mass Ave", "School Street and Massachusetts Avenue"])
def test_a_street_called_like_a_landmark_is_no_landmark(riverbend: Places, words: str) -> None:
    assert not isinstance(riverbend.find(words), Place)


@pytest.mark.parametrize(
    ("words", "whose"),
    [
        ("Memorial Drive near the BU Bridge", "parkways"),
        ("BU Bridge and Memorial Dr", "highways"),
        ("Memorial Dr & River St", None),
        ("700 Memorial Dr", "parkways"),
    ],
)
def test_a_corner_of_two_roads_of_the_state_is_the_states(riverbend: Places, words: str, whose: str | None) -> None:
    pack = load_pack(HOUSE / "cities" / "riverbend")
    found = riverbend.find(words)
    assert isinstance(found, Place)
    rule = riverbend.whose(found, pack.services["pothole"])
    assert (rule.code if rule else None) == whose


def test_a_numbered_road_has_no_house_of_that_number(riverbend: Places) -> None:
    assert riverbend.find("Route 2") == Unknown(Question.WHERE_ALONG, "Concord Tpk")
    assert riverbend.find("on route 28") == Unknown(Question.WHERE_ALONG, "Monsignor OBrien Hwy")


@pytest.mark.parametrize(
    "words",
    [
        "Hampshire between Inman and Prospect",
        "between Inman and Prospect on Hampshire",
        "between Prospect St & Inman St, along Hampshire St",
    ],
)
def test_between_two_streets_before_or_after_the_street(riverbend: Places, words: str) -> None:
    found = riverbend.find(words)
    assert isinstance(found, Place), found
    assert found.streets == ("Hampshire St",)
