"""One spelling for addresses and assets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from city311.requests.duplicate_keys import address_key, asset_key


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("215 Prospect Street", "215 prospect st."),
        ("215 Prospect St, Riverbend, MA 02139", "215 Prospect St"),
        ("12-14 North Main Avenue", "12-14 N Main Ave"),
        ("Main St & 5th Ave", "5th Avenue and Main Street"),
        ("Main St at 5th Ave", "Main St/5th Ave"),
        ("１０ Elm Street", "10 elm st"),
        ("10 Saint Mary Road", "10 St. Mary Rd"),
        ("corner of 5th Ave n Main St", "Main Street & 5th Ave"),
        ("Fifth Avenue & Main", "Main and 5th Ave"),
        ("twelve Elm Street", "12 Elm St"),
        ("Elm St North & Oak St", "Oak Street and Elm Street N"),
        ("12 Mt Auburn St", "12 Mount Auburn Street"),
        ("10 Elm Street near the school", "10 elm st"),
        ("9 1/2 Elm St", "9½ Elm Street"),
    ],
)
def test_the_same_place_has_one_spelling(one, other):
    assert address_key(one) == address_key(other)
    assert address_key(one).place


@pytest.mark.parametrize(
    "words", ["", "Main Street", "by the school", "🕳️🕳️", "42", "near and far and wide", "and", "&", "a mess"]
)
def test_what_names_no_single_place_has_none(words):
    assert address_key(words).place == ""


@pytest.mark.parametrize(
    ("words", "unit"),
    [
        ("215 Prospect St apt 3", "3"),
        ("215 Prospect St, Unit 3B", "3b"),
        ("215 Prospect St #12", "12"),
        ("215 Prospect St 2nd floor", "2nd"),
        ("5 Elm St", ""),
    ],
)
def test_the_unit_is_kept_apart(words, unit):
    key = address_key(words)
    assert key.unit == unit
    assert key.place == address_key(words.split(",")[0].split(" apt")[0].split(" #")[0]).place


def test_different_houses_differ():
    assert address_key("21 Elm St") != address_key("12 Elm St")
    assert address_key("12 Elm St") != address_key("12 Elm Ave")
    assert address_key("12 Elm St N") != address_key("12 Elm St")
    assert address_key("9 1/2 Elm St") != address_key("9 Elm St")
    assert address_key("12 Elm St").place


@pytest.mark.parametrize(("one", "other"), [("Pole 645-32A", "645 32a"), ("no. 4471", "4471"), ("#4471", "pole #4471")])
def test_assets_in_one_spelling(one, other):
    assert asset_key(one) == asset_key(other) != ""


def test_words_without_a_number_name_no_asset():
    assert asset_key("I can't read it") == ""


@given(st.text(max_size=600))
def test_any_text_gives_a_key_that_fits_its_column(words):
    key = address_key(words)
    assert len(key.place) <= 200 and len(key.unit) <= 40 and len(asset_key(words)) <= 80
