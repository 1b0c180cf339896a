"""STOP, START and HELP: what counts as such a word, and what does not."""

from __future__ import annotations

import pytest

from city311.channels.keywords import Keyword, asks_for_languages, carrier_answers, keyword, language_named


@pytest.mark.parametrize(
    "text",
    [*("STOP", "stop", " Stop. ", "STOPALL", "stop all", "END"), *("QUIT", "CANCEL", "REVOKE", "opt-out", "Opt Out")],
)
@pytest.mark.parametrize("opted_out", [True, False])
def test_stop(text: str, opted_out: bool) -> None:
    assert keyword(text, "sms", opted_out=opted_out) is Keyword.STOP


@pytest.mark.parametrize(
    "text", ["please stop the noise", "cancel my report", "the end of Main Street", "stop sign", "yes", "no", "1", ""]
)
def test_an_ordinary_message(text: str) -> None:
    assert keyword(text, "sms", opted_out=False) is None


def test_yes_starts_again_only_after_a_stop() -> None:
    assert keyword("Yes", "sms", opted_out=True) is Keyword.START
    assert keyword("Yes", "sms", opted_out=False) is None


@pytest.mark.parametrize("text", ["START", "unstop", "Start!"])
def test_start(text: str) -> None:
    assert keyword(text, "sms", opted_out=False) is Keyword.START


def test_help() -> None:
    assert keyword("help", "sms", opted_out=False) is Keyword.HELP
    assert keyword("INFO", "sms", opted_out=True) is Keyword.HELP


def test_on_whatsapp_no_carrier_listens() -> None:
    assert keyword("STOP", "whatsapp", opted_out=False) is Keyword.STOP
    assert keyword("cancel", "whatsapp", opted_out=False) is None
    assert keyword("help", "whatsapp", opted_out=False) is None
    assert keyword("start", "whatsapp", opted_out=False) is None
    assert keyword("start", "whatsapp", opted_out=True) is Keyword.START


def test_carriers_take_the_bare_word_only() -> None:
    assert carrier_answers(" stop ")
    assert not carrier_answers("stop.")
    assert not carrier_answers("stop all")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Español", "es"),
        ("espanol", "es"),
        (" SPANISH. ", "es"),
        ("inglés", "en"),
        ("English!", "en"),
        ("français", None),
        ("I speak Spanish", None),
        ("es", None),
        ("", None),
        ("…", None),
    ],
)
def test_a_language_is_chosen_by_its_name(text: str, code: str | None) -> None:
    assert language_named(text, ("es", "en")) == code


def test_the_word_that_asks_for_languages() -> None:
    assert asks_for_languages(" language ")
    assert asks_for_languages("Idioma?")
    assert not asks_for_languages("bad language on a wall")
