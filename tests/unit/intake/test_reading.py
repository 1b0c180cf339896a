"""What single answers mean, in the words of real people."""

from __future__ import annotations

from datetime import datetime

import pytest
from conversing import SUNDAY, at, pothole
from hypothesis import example, given
from hypothesis import strategies as st

from city311.city.model import LocationType
from city311.intake import places
from city311.intake.days import day
from city311.intake.lexicon import lexicon
from city311.intake.reading import (
    Candidate,
    agrees,
    denies,
    emails,
    mentioned,
    number,
    phones,
    pick,
    shaped,
    yes_or_no,
)

EN = lexicon("en")
PARTS = [
    Candidate("bike_lane", ("Bike lane", "bicycle lane", "cycle lane")),
    Candidate("crosswalk", ("Crosswalk", "crossing", "zebra crossing")),
    Candidate("curb_lane", ("Lane by the curb", "curb lane", "parking lane")),
    Candidate("traffic_lane", ("Traffic lane", "car lane")),
]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Crosswalk", "crosswalk"),
        ("CROSSWALK!!", "crosswalk"),
        ("2", "crosswalk"),
        ("#2", "crosswalk"),
        ("2.", "crosswalk"),
        ("2)", "crosswalk"),
        ("２", "crosswalk"),
        ("2️⃣", "crosswalk"),
        ("number 2", "crosswalk"),
        ("number two please", "crosswalk"),
        ("option two", "crosswalk"),
        ("two", "crosswalk"),
        ("one", "bike_lane"),
        ("number one", "bike_lane"),
        ("the second", "crosswalk"),
        ("the 2nd one", "crosswalk"),
        ("its the second one", "crosswalk"),
        ("I think it's the second one", "crosswalk"),
        ("i'd say 2", "crosswalk"),
        ("the first one", "bike_lane"),
        ("the last one", "traffic_lane"),
        ("last", "traffic_lane"),
        ("in the crosswalk", "crosswalk"),
        ("crosswalks", "crosswalk"),
        ("bike lanes", "bike_lane"),
        ("the curb one", "curb_lane"),
        ("croswalk", "crosswalk"),
        ("its in the croswalk", "crosswalk"),
        ("bicyle lane", "bike_lane"),
        ("it's the bike lane, not the crosswalk", "bike_lane"),
        ("not in the crosswalk, the bike lane", "bike_lane"),
        ("idk maybe the bike lane", "bike_lane"),
        ("parking lane", "curb_lane"),
    ],
)
def test_a_choice(text: str, code: str) -> None:
    assert pick(text, PARTS, EN).codes == (code,)


@pytest.mark.parametrize(
    "text",
    ["not the crosswalk", "it isn't in the crosswalk", "not the croswalk", "0", "5", "17", "the fifth", "eleven",
     "lane", "asdf", "", "🙂", "the one on the left", "zzzzzz"],
)  # fmt: skip
def test_no_choice(text: str) -> None:
    assert pick(text, PARTS, EN).codes == ()


def test_two_choices_are_two() -> None:
    assert pick("the bike lane and the crosswalk", PARTS, EN).codes == ("bike_lane", "crosswalk")
    assert pick("crosswalk or car lane", PARTS, EN).codes == ("crosswalk", "traffic_lane")


def test_only_a_button_or_a_number_is_sure() -> None:
    assert pick("Bike lane", PARTS, EN).exact
    assert pick("1", PARTS, EN).exact
    assert not pick("maybe the bike lane", PARTS, EN).exact


def test_what_is_denied_is_not_mentioned() -> None:
    assert denies("not the crosswalk", PARTS, EN)
    assert not denies("the crosswalk", PARTS, EN)
    assert not denies("somewhere else", PARTS, EN)
    assert mentioned("no longer in the bike lane", PARTS, EN) == ()


def test_words_come_before_places_in_the_list() -> None:
    days = [Candidate("early", ("Early", "two")), Candidate("late", ("Late", "last one", "one"))]
    assert pick("two", days, EN).codes == ("early",)
    assert pick("last one", days, EN).codes == ("late",)
    assert pick("2", days, EN).codes == ("late",)


@pytest.mark.parametrize(
    "text",
    ["yes", "Yes!", "ya", "yep", "yup it is", "yeah sure", "y", "Y", "ok", "k", "uh huh", "mhm", "it is", "it does",
     "there is", "there's one", "i do", "I think so", "i guess so", "um yes", "well, yeah", "oh yes definitely",
     "of course", "yes sparking!", "sometimes", "kinda", "👍", "👍🏽", "sí", "it was yes", "yes, but only at night"],
)  # fmt: skip
def test_yes(text: str) -> None:
    assert yes_or_no(text, EN) == "yes"


@pytest.mark.parametrize(
    "text",
    ["no", "No.", "nope", "nah", "nah im good", "n", "not really", "not yet", "not that I know of", "I don't think so",
     "i dont think so", "it isn't", "it does not", "it is not", "i am not hurt", "there is no one", "there are none",
     "we are not", "he is not", "no one is hurt", "nobody", "none", "um no", "well no not really", "I haven't", "👎",
     "no, it stopped", "I doubt it"],
)  # fmt: skip
def test_no(text: str) -> None:
    assert yes_or_no(text, EN) == "no"


@pytest.mark.parametrize(
    "text",
    ["", "maybe", "not sure", "I don't know", "idk", "i dont know maybe yes", "no idea", "um not sure", "purple",
     "n main st", "y street", "22 Prospect St", "🙂", "all good", "the yes sign"],
)  # fmt: skip
def test_neither_yes_nor_no(text: str) -> None:
    assert yes_or_no(text, EN) is None


@pytest.mark.parametrize(
    "text",
    ["yes", "ya", "yep", "ok", "OK thanks", "sure", "yes please", "send it", "yes send it now",
     "ok go ahead and send it", "yes, that's correct", "looks good", "looks good to me thanks", "perfect 👍", "👍",
     "submit", "yes it is", "all good"],
)  # fmt: skip
def test_what_sends(text: str) -> None:
    assert agrees(text, EN)


@pytest.mark.parametrize(
    "text",
    ["", "no", "maybe", "yes but the address is wrong", "ok wait", "correct the address", "it is wrong",
     "it is not right",
     "there is a mistake", "i do want to change something", "sure, but fix my phone", "looks good except the phone",
     "right after I change it", "send it to the other department", "I think so", "probably", "do it later",
     "of course not",
     "thanks", "please", "um", "yes or no?", "what", "yes no"],
)  # fmt: skip
def test_what_does_not_send(text: str) -> None:
    assert not agrees(text, EN)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", "3"), ("around 3", "3"), ("like 5 or 6", "5"), ("5-6", "5"), ("50+", "50"), ("~4", "4"),
        ("1,200", "1200"),
        ("2.5", "2.5"), ("3ft", "3"), ("68 degrees", "68"), ("72F", "72"), ("more than 10", "10"), ("three", "3"),
        ("a couple", "2"), ("a couple of them", "2"), ("a few", "3"), ("both", "2"), ("twenty five", "25"),
        ("twenty-five", "25"), ("a dozen", "12"), ("half a dozen", "6"), ("one hundred", "100"), ("two hundred", "200"),
        ("a hundred and", "100"), ("none", "0"), ("none of them", "0"), ("zero", "0"), ("just one", "1"),
        ("there are three of us", "3"), ("two or three", "2"), ("seventy two", "72"),
    ],
)  # fmt: skip
def test_a_number(text: str, value: str) -> None:
    assert number(text, EN) == value


@pytest.mark.parametrize(
    "text",
    ["", "a lot of them", "many", "SR-104217", "11/20", "3rd floor", "v1.2.3", "I have no idea", "the big one", "🙂"],
)
def test_no_number(text: str) -> None:
    assert number(text, EN) is None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("today", "2026-11-22"), ("yesterday", "2026-11-21"), ("yesterday morning", "2026-11-21"),
        ("day before yesterday", "2026-11-20"), ("last night", "2026-11-21"), ("last monday", "2026-11-16"),
        ("monday", "2026-11-16"), ("on Friday", "2026-11-20"), ("it was monday", "2026-11-16"),
        ("I think it was last friday", "2026-11-20"), ("since tuesday", "2026-11-17"), ("tuesdays?", "2026-11-17"),
        ("sunday", "2026-11-15"), ("since last week", "2026-11-15"), ("a week ago", "2026-11-15"),
        ("3 days ago", "2026-11-19"), ("two days ago", "2026-11-20"), ("a couple of days ago", "2026-11-20"),
        ("11/20", "2026-11-20"), ("11/20/26", "2026-11-20"), ("11/20/2025", "2025-11-20"), ("2026-11-20", "2026-11-20"),
        ("nov 20", "2026-11-20"), ("Nov. 20", "2026-11-20"), ("Nov 20th", "2026-11-20"), ("20 nov", "2026-11-20"),
        ("the 18th of november", "2026-11-18"), ("the 5th", "2026-11-05"), ("the 25th", "2026-10-25"),
        ("I ate there on Nov 18 around 7pm", "2026-11-18"), ("dec 5", "2025-12-05"), ("next monday", "2026-11-23"),
        ("tomorrow", "2026-11-23"),
    ],
)  # fmt: skip
def test_a_day(text: str, value: str) -> None:
    assert day(text, SUNDAY, "en", EN, country="US") == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("monday", "2026-11-23"), ("next friday", "2026-11-27"), ("sunday", "2026-11-29"),
        ("last friday", "2026-11-20"),
        ("dec 5", "2026-12-05"), ("11/25", "2026-11-25"), ("the 5th", "2026-12-05"), ("in two weeks", "2026-12-06"),
        ("tomorrow", "2026-11-23"), ("any time on thursday", "2026-11-26"),
    ],
)  # fmt: skip
def test_a_day_to_come(text: str, value: str) -> None:
    assert day(text, SUNDAY, "en", EN, country="US", ahead=True) == value


@pytest.mark.parametrize(
    "text", ["", "3", "2025", "may", "asap", "any day", "not monday", "around noon", "7pm", "feb 30", "13/45", "blah"]
)
def test_no_day(text: str) -> None:
    assert day(text, SUNDAY, "en", EN, country="US") is None


def test_a_days_order_is_that_of_the_country_and_its_words_those_of_the_language() -> None:
    assert day("5/11/2026", SUNDAY, "en", EN, country="US") == "2026-05-11"
    assert day("5/11/2026", SUNDAY, "en", EN, country="GB") == "2026-11-05"
    assert day("ayer", SUNDAY, "es", lexicon("es"), country="ES") == "2026-11-21"
    assert day("el lunes", SUNDAY, "es", lexicon("es"), country="ES") == "2026-11-16"


def test_a_weekday_said_late_at_night_is_the_citys() -> None:
    assert day("today", datetime(2026, 11, 22, 23, 59, tzinfo=SUNDAY.tzinfo), "en", EN) == "2026-11-22"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("617.555.0182", "+16175550182"),
        ("(617) 555-0182", "+16175550182"),
        ("617 555 0182", "+16175550182"),
        ("6175550182", "+16175550182"),
        ("+1 617-555-0182", "+16175550182"),
        ("call me at 617-555-0182 after 5", "+16175550182"),
        ("+44 20 7946 0018", "+442079460018"),
    ],
)
def test_a_phone_number(text: str, value: str) -> None:
    assert phones(text, "US") == [value]


@pytest.mark.parametrize(
    "text", ["555-0182", "617555018", "12", "SR-104217", "22 Prospect St", "", "617-555-0182-99-1"]
)
def test_no_phone_number(text: str) -> None:
    assert phones(text, "US") == []


def test_phone_numbers_of_other_places() -> None:
    assert phones("020 7946 0018", "GB") == ["+442079460018"]
    assert phones("020 7946 0018", "") == ["020 7946 0018"]
    assert phones("+442079460018", "") == ["+442079460018"]


def test_an_account_number_is_no_phone_number_when_looked_at_strictly() -> None:
    assert phones("account 0012345678", "US", strictly=True) == []
    assert phones("617-555-0182", "US", strictly=True) == ["+16175550182"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("jane@example.com", ["jane@example.com"]),
        ("my email is Jane.O'Neil+city@mail.example.co.uk.", ["Jane.O'Neil+city@mail.example.co.uk"]),
        ("jane@localhost", []),
        ("@jane", []),
        ("a@b.co or c@d.org", ["a@b.co", "c@d.org"]),
    ],
)
def test_an_email(text: str, value: list[str]) -> None:
    assert emails(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("4AB 123", "4AB 123"), ("4ab123", "4AB123"), ("it's 4ab123", "4AB123"), ("ABC-1234", "ABC-1234"),
        ("MA 1ABC23", "MA 1ABC23"), ("plate is 7xyz 889", "7XYZ 889"), ("i think its abc 1234", "ABC 1234"),
        ("a red honda, 123abc", "123ABC"), ("the plate says GHX 41", "GHX 41"),
    ],
)  # fmt: skip
def test_a_plate(text: str, value: str) -> None:
    assert shaped(text, "plate", "US", EN) == value


@pytest.mark.parametrize("text", ["no plate", "red honda", "idk", "🙂", "it is in the drive"])
def test_no_plate(text: str) -> None:
    assert shaped(text, "plate", "US", EN) is None


def test_other_shapes() -> None:
    assert shaped("my account is 10023-4.", "account_number", "US", EN) == "10023-4"
    assert shaped("permit BP-2026-11 on the door", "permit_number", "US", EN) == "BP-2026-11"
    assert shaped("i lost it", "citation", "US", EN) is None
    assert shaped("617-555-0182", "phone", "US", EN) == "+16175550182"
    assert shaped("020 7946 0018", "phone", "GB", EN) == "+442079460018"


@pytest.mark.parametrize(
    "text",
    ["here", "Over there!", "at my house", "in front of my house", "my street", "on my street", "the corner",
     "somewhere", "🙂", "...", "it's here", "where i live"],
)  # fmt: skip
def test_a_vague_place(text: str) -> None:
    assert places.is_vague(text, EN)


@pytest.mark.parametrize(
    "text", ["12 Oak St", "the school on Elm", "Central Park", "Inman Square", "behind the library"]
)
def test_a_place_that_can_be_found(text: str) -> None:
    assert not places.is_vague(text, EN)


def test_every_word_of_the_lexicon_stays_a_word() -> None:
    # YAML takes on, off, true and no for truth values.
    assert {"on", "at"} <= EN.around_a_place
    assert "off" in EN.place_details
    assert "true" in EN.yes
    assert "false" in EN.no


@pytest.mark.parametrize(
    ("text", "kind", "needs"),
    [
        ("Oak Street", LocationType.POINT, True),
        ("oak st please", LocationType.POINT, True),
        ("it's on Oak Street", LocationType.POINT, True),
        ("1st Street", LocationType.POINT, True),
        ("12 Oak Street", LocationType.POINT, False),
        ("Oak Street and Elm Street", LocationType.POINT, False),
        ("Oak St near the bakery", LocationType.POINT, False),
        ("Oak & Elm St", LocationType.POINT, False),
        ("Central Park", LocationType.POINT, False),
        ("Oak Street and Elm", LocationType.ADDRESS, True),
        ("12 Oak Street", LocationType.ADDRESS, False),
        ("City Hall", LocationType.ADDRESS, False),
    ],
)
def test_a_street_alone_needs_more(text: str, kind: LocationType, needs: bool) -> None:
    assert places.needs_detail(text, kind, EN) is needs


@pytest.mark.parametrize(
    ("street", "detail", "place"),
    [
        ("Oak Street", "12", "12 Oak Street"),
        ("Oak Street", "#12", "12 Oak Street"),
        ("Oak Street", "number 12", "12 Oak Street"),
        ("Oak Street", "it's at 12b", "12b Oak Street"),
        ("Oak Street", "12 Oak Street", "12 Oak Street"),
        ("Oak Street", "near the bakery", "Oak Street, near the bakery"),
        ("Oak Street", "Elm Street corner", "Oak Street, Elm Street corner"),
        ("Oak Street", "between Elm Street and Pine Street", "Oak Street, between Elm Street and Pine Street"),
        ("Oak Street", "Oak and Elm", "Oak and Elm"),
        ("Oak Street", "12 or 14", "Oak Street, 12 or 14"),
    ],
)
def test_a_street_and_its_detail(street: str, detail: str, place: str) -> None:
    assert places.joined(street, detail, EN) == place


@given(st.text(max_size=200))
@example("no 3")
@example("½")
@example("①")
@example("²")
@example("٣")
@example("\u202e22")
@example("9" * 40)
def test_no_text_breaks_the_reading(text: str) -> None:
    picked = pick(text, PARTS, EN)
    assert set(picked.codes) <= {part.code for part in PARTS}
    assert yes_or_no(text, EN) in ("yes", "no", None)
    found = number(text, EN)
    assert found is None or float(found) >= 0
    assert agrees(text, EN) in (True, False)
    for form in ("plate", "account_number", "phone"):
        shaped(text, form, "US", EN)
    emails(text)
    places.needs_detail(text, LocationType.POINT, EN)
    assert places.joined("Oak Street", text or "x", EN)


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=40))
def test_no_text_breaks_the_reading_of_days(text: str) -> None:
    found = day(text, SUNDAY, "en", EN, country="US")
    assert found is None or datetime.fromisoformat(found)


def test_words_are_read_in_the_conversation_as_they_are_alone() -> None:
    assert pothole().say("the curb one").value("where") == "curb_lane"
    assert at("lights_block", "count", "22 Prospect St").say("like 5 or 6").value("count") == "5"


@pytest.mark.parametrize("said", ["yesterday", "it was last saturday", "11/21"])
def test_a_day_told_otherwise_is_the_choice_of_its_weekday(said: str) -> None:
    assert (
        at("missed_trash", "collection_day", "22 Prospect St").say(said, "inform").value("collection_day") == "saturday"
    )


@pytest.mark.parametrize("said", ["it's flickering", "blinks all night", "keeps flashing"])
def test_a_choice_is_known_by_another_form_of_its_word(said: str) -> None:
    talk = at("light_out", "state", "412 Broadway")
    assert talk.say(said, "inform").value("state") == "on_and_off"
