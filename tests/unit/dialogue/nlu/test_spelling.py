"""Mistyped words become the words that residents use."""

from __future__ import annotations

import pytest

from city311.language.spelling import Speller, count_words, slip_cost

SPELLER = Speller.of(
    {"pothole": 40, "street": 90, "streets": 5, "garbage": 20, "mattress": 9, "huge": 7, "tree": 30, "need": 50},
    {"selby", "potholer", "trees"},
)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("potole", "pothole"),
        ("POTHOEL", "pothole"),
        ("pothhole on the stret", "pothole on the street"),
        ("garbge!!", "garbage!!"),
        ("matresss", "mattress"),
        ("huuuuge", "huge"),
        ("neeeed", "need"),
    ],
)
def test_is_corrected(typed: str, meant: str) -> None:
    assert SPELLER.correct(typed) == meant


@pytest.mark.parametrize("text", ["Selby", "potholer", "tre", "xyzzy", "104217", "", "日本語", "Trees", "street"])
def test_is_left_alone(text: str) -> None:
    assert SPELLER.correct(text) == text


def test_the_more_frequent_of_two_near_words_wins() -> None:
    assert SPELLER.correct("streett") == "street"


@pytest.mark.parametrize("text", ["BIRD", "needle", "stret up the BPRT sign", "tared"])
def test_an_unlikely_slip_changes_nothing(text: str) -> None:
    """An abbreviation, another first letter, another word: no frequent word is meant."""
    speller = Speller.of(
        {"bart": 9, "street": 90, "tree": 30, "seedle": 40, "tired": 3, "burt": 99}, {"needle", "tared"}
    )
    assert speller.correct(text) == text.replace("stret", "street")


@pytest.mark.parametrize("right", ["mowing", "pests", "latex", "rode"])
def test_a_right_word_never_becomes_a_frequent_one(right: str) -> None:
    frequent = {"moving": 99, "posts": 99, "late": 99, "road": 99, "rodent": 99}
    assert Speller.of(frequent, {right}).correct(right) == right


def test_a_doubled_letter_costs_less_than_another_word() -> None:
    assert slip_cost("pothhole", "pothole") < slip_cost("potholf", "pothole") <= slip_cost("botholf", "pothole")
    assert slip_cost("pothole", "pothole") == 0


def test_counts_texts_not_occurrences() -> None:
    assert count_words(["Tree tree", "a tree"]) == {"tree": 2, "a": 1}
