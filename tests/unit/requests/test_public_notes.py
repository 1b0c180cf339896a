"""What of a department's notes anyone with the number may read."""

import pytest

from city311.requests.status import _public

SAID = {"description": "A deep hole in front of my house", "first_name": "Ana", "phone": "+1 617 555 0100"}


@pytest.mark.parametrize("nothing", [None, "", "   ", "<p></p>", "\x00\u202e"])
def test_nothing_stays_nothing(nothing):
    assert _public(nothing, {}) is None


def test_plain_words_stay():
    assert _public("Crew sent; back on 2026-11-24 by 5 pm.", SAID) == "Crew sent; back on 2026-11-24 by 5 pm."


def test_markup_becomes_plain_text():
    assert _public("<b>Filled</b> &amp; closed<script>alert(1)</script>", {}) == "Filled & closed"


@pytest.mark.parametrize("secret", ["617-555-0100", "+1 (617) 555 0100", "ana@example.org", "Ana", "ANA"])
def test_contacts_and_the_name_are_taken_out(secret):
    shown = _public(f"Spoke with {secret} about it.", SAID)
    assert secret not in shown and shown.startswith("Spoke with")


@pytest.mark.parametrize(
    "quote",
    [
        "A deep hole in front of my house",
        "a DEEP hole,  in front of my house!",
        "&lt;i&gt;A deep hole in front of my house",
    ],
)
def test_the_reporters_words_are_not_repeated(quote):
    assert _public(f"Report was: {quote}", SAID) is None


def test_a_short_description_does_not_hide_every_note():
    assert _public("Pothole filled.", {"description": "pothole"}) == "Pothole filled."


@pytest.mark.parametrize("notes", ["word " * 200, "x" * 1000, "One sentence that is rather long. " * 30])
def test_long_notes_are_cut_at_a_boundary(notes):
    shown = _public(notes, {})
    assert len(shown) <= 302 and shown.endswith("…")
    assert "wor…" not in shown
