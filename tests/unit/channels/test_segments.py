"""How texts are counted and cut for SMS."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from city311.channels.segments import cut, is_gsm, plain, segments


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("a" * 459, 3),
        ("a" * 460, 4),
        ("€" * 80, 1),
        ("€" * 81, 2),
        # a character of two septets is never in two segments: 152 + 2 does not fit 153
        ("a" * 152 + "€" + "a" * 152, 3),
        ("ж" * 70, 1),
        ("ж" * 71, 2),
        ("ж" * 134, 2),
        ("ж" * 135, 3),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
        ("a" * 69 + "😀", 2),
    ],
)
def test_segments_are_counted_as_networks_do(text: str, count: int) -> None:
    assert segments(text) == count


def test_printers_marks_do_not_cost_a_second_segment() -> None:
    text = plain("• Don’t “worry” – it’s **on its way**… ")
    assert text == "- Don't \"worry\" - it's on its way..."
    assert is_gsm(text)


@pytest.mark.parametrize("letters", ["ñ is kept, and é", "Straße", "Ωmega"])
def test_letters_stay_as_they_are(letters: str) -> None:
    assert plain(letters) == letters


def test_a_cut_ends_with_a_sentence_where_that_loses_little() -> None:
    text = "The crew comes on Tuesday. They will fill the hole. " * 10
    assert cut(text, 1).endswith("hole.") or cut(text, 1).endswith("Tuesday.")


def test_a_cut_ends_with_a_word() -> None:
    text = "word " * 200
    assert set(cut(text, 3).split(" ")) == {"word"}
    assert segments(cut(text, 3)) == 3


def test_only_a_word_that_is_too_long_is_cut_and_no_character_is() -> None:
    family = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
    kept = cut(family * 40, 1)
    assert kept
    assert len(kept) % len(family) == 0
    flags = "\U0001f1fa\U0001f1f8" * 40
    assert len(cut(flags, 1)) % 2 == 0


@given(st.text(max_size=900), st.integers(1, 3), st.text("ab €ж\n", max_size=60))
def test_any_text_is_cut_to_fit(text: str, most: int, after: str) -> None:
    kept = cut(text, most, after=after)
    assert text.startswith(kept)
    if kept:
        assert segments(kept + after) <= most or kept == text
    if segments(text + after) <= most:
        assert kept == text
