from __future__ import annotations

import unicodedata
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from city311.language import screening
from city311.language.responses import Responses
from city311.language.screening import LONGEST, NEEDED, Marks, marks, visible

MARKS = Marks(card="[card number removed]", ssn="[social security number removed]")
screen = partial(screening.screen, removed=MARKS)
redacted = partial(screening.redacted, removed=MARKS)


@pytest.mark.parametrize(
    "text",
    [
        "There is a pothole on Hampshire Street",
        "SR-104217",
        "¿Dónde está mi solicitud?",
        "مرحبا، هناك حفرة",
        "می‌خواهم گزارش بدهم",  # the joiner belongs to the spelling
        "क्‍ष",
        "👍",
        "❤️",
        "<b>bold</b> & <script>alert(1)</script>",
        "'; DROP TABLE turns; --",
        "first line\nsecond line",
        "1/2 of the lights are out",
        "and/or",
    ],
)
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert screen(text).text == text


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("a\x00b", "ab"),
        ("a\x1b[31mb", "a[31mb"),
        ("a\x7f\x9fb", "ab"),
        ("\u202eevil\u202c", "evil"),
        ("a\u2066b\u2069", "ab"),
        ("\u200f\u200ehi", "hi"),
        ("po\u200bt\u2060h\ufeffole", "pothole"),
        ("po\u200dt", "pot"),
        ("soft\u00adhyphen", "softhyphen"),
        ("tag\U000e0041\U000e0042", "tag"),
        ("\ud83dbroken", "broken"),
        ("one\r\ntwo\rthree\u2028four\x85five", "one\ntwo\nthree\nfour\nfive"),
        ("a\tb", "a b"),
        ("  hi  ", "hi"),
        ("e\u0301", "é"),
    ],
)
def test_characters_that_nobody_sees_are_removed(raw: str, clean: str) -> None:
    assert visible(raw) == clean


@pytest.mark.parametrize(
    "raw", ["", "   ", "\n\n", "\x00", "\u200b\u200b", "\u202e", "\u2800", "\u3164", "\ufe0f", "/", "//", " ／ / "]
)
def test_nothing_left_is_empty(raw: str) -> None:
    assert screen(raw).empty


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("/restart", "restart"),
        ('/submit{"answer": "x"}', 'submit{"answer": "x"}'),
        ("//// slot", "slot"),
        ("  /session_start", "session_start"),
        ("\u200b/restart", "restart"),
        ("/\u200b/restart", "restart"),
        ("／restart", "restart"),
        ("∕⁄restart", "restart"),
        ("\n/ \t/restart", "restart"),
    ],
)
def test_a_leading_slash_never_arrives(raw: str, clean: str) -> None:
    assert screen(raw).text == clean


@pytest.mark.parametrize(
    "number",
    [
        "4111111111111111",
        "4111 1111 1111 1111",
        "4111-1111-1111-1111",
        "4111 - 1111 - 1111 - 1111",
        "4111–1111–1111–1111",
        "4111\u00a01111\u00a01111\u00a01111",
        "4111\n1111\n1111\n1111",
        "41 11 11 11 11 11 11 11",
        "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
        "4111\u200b1111\u200b1111\u200b1111",
        "４１１１１１１１１１１１１１１１",
        "378282246310005",
        "3782 822463 10005",
        "30569309025904",
        "5555555555554444",
        "2223003122003222",
        "6011111111111117",
        "3530111333300000",
        "4222222222222",
        "6304000000000000000",
        "1234567812345670",
    ],
)
@pytest.mark.parametrize("around", ["{}", "my card is {}.", "call 617-555-0131, {} exp 12/27"])
def test_card_numbers_are_not_kept(number: str, around: str) -> None:
    clean = screen(around.format(number)).text
    assert clean == around.format(MARKS.card)


@pytest.mark.parametrize(
    "text",
    [
        "617 555 0131 4111 1111 1111 1111",
        "617 555 0131 4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
        "4111 1111 1111 1111 5555 5555 5555 4444",
        "4111111111111111" * 2,
        "99994111111111111111" + "0" * 5,
        "12 27 4111111111111111 123",
    ],
)
def test_a_card_number_among_other_digits_leaves_none_of_its_own(text: str) -> None:
    clean = screen(text).text
    assert MARKS.card in clean
    assert "1111" not in clean
    assert "1 1 1" not in clean
    assert "5555" not in clean


@pytest.mark.parametrize(
    "text",
    [
        "617-555-0131",
        "call 617-555-0131 or 617-555-0134",
        "617-555-0131 617-555-0142",
        "+1 617 555 0131",
        "42.3736158, -71.1097335",
        "SR-104217 and SR-104225",
        "4111111111111112",  # wrong Luhn digit
        "account 1234567890",
        "permit 2024-0012-00034",
        "2024-11-24 10:30",
    ],
)
def test_other_numbers_stay(text: str) -> None:
    assert redacted(text) == text


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("123-45-6789", MARKS.ssn),
        ("my ssn is 123 45 6789 ok", f"my ssn is {MARKS.ssn} ok"),
        ("123–45–6789", MARKS.ssn),
        ("SSN: 123456789", f"SSN: {MARKS.ssn}"),
        ("social security number 123456789", f"social security number {MARKS.ssn}"),
        ("123456789", "123456789"),
        ("1123-45-67890", "1123-45-67890"),
    ],
)
def test_social_security_numbers_are_not_kept(text: str, clean: str) -> None:
    assert redacted(text) == clean


def test_length_counts_what_can_be_seen() -> None:
    assert screen("a" * LONGEST).text == "a" * LONGEST
    assert screen("a" * (LONGEST + 1)).too_long
    assert screen("a" * LONGEST + "\u200b" * 500).text == "a" * LONGEST
    assert screen("a" * 5_000).too_long
    assert not screen("a" * 5_000).text
    assert not screen("a" * 5_000).empty


@given(st.text(alphabet=st.characters(exclude_categories=()), max_size=300))
def test_any_text_can_be_screened_stored_and_screened_again(raw: str) -> None:
    clean = screen(raw).text
    clean.encode("utf-8")
    assert not clean.startswith("/")
    assert not any(unicodedata.category(c) == "Cc" and c != "\n" for c in clean)
    assert not any(c in "\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u2069\u200b\ufeff" for c in clean)
    assert screen(clean).text == clean


@given(
    st.lists(st.sampled_from(["4111111111111111", " ", "-", "5", "12", "a", "\n", "3782 822463 10005"]), max_size=20)
)
def test_redacting_twice_changes_nothing_more(parts: list[str]) -> None:
    once = redacted("".join(parts))
    assert redacted(once) == once


def test_the_marks_are_the_domains_words_and_stay_as_they_are(tmp_path: Path) -> None:
    domain = tmp_path / "domain.yml"
    domain.write_text(
        "responses:\n  utter_value_card_removed:\n  - text: '[número de tarjeta \\1]'\n"
        "  utter_value_ssn_removed:\n  - text: '[número \\g<0>]'\n",
        encoding="utf-8",
    )
    found = marks(Responses(domain, {}, needed=NEEDED))
    assert found == Marks("[número de tarjeta \\1]", "[número \\g<0>]")
    told = "4111 1111 1111 1111, ssn 123456789, 123-45-6789"
    assert screening.screen(told, found).text == f"{found.card}, ssn {found.ssn}, {found.ssn}"
