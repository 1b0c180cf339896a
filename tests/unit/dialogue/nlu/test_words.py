"""The lists of words by which entities are recognised."""

from __future__ import annotations

import re

import pytest

from city311.dialogue.nlu.words import any_of, words


@pytest.mark.parametrize("name", ["en", "languages"])
def test_lists_hold_words(name: str) -> None:
    for key, listed in words(name).items():
        assert listed, key
        assert all(isinstance(word, str) and word == word.lower().strip() for word in listed), key
        assert len(set(listed)) == len(listed), key


def test_no_language_name_means_two_languages() -> None:
    names = [name for listed in words("languages").values() for name in listed]
    assert len(set(names)) == len(names)


def test_the_longest_word_is_found_and_an_apostrophe_may_be_missing() -> None:
    pattern = re.compile(any_of(["new year's", "new year's eve", "may"]))
    assert pattern.search("by new  years eve").group() == "new  years eve"
    assert pattern.search("since new year's").group() == "new year's"


def test_a_word_with_signs_means_itself() -> None:
    assert re.fullmatch(any_of(["7-eleven", "a.b"]), "a.b")
    assert not re.fullmatch(any_of(["a.b"]), "axb")
