"""How answers read on SMS and on WhatsApp."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from city311.channels import sms, whatsapp
from city311.channels.providers import Choice, Part
from city311.channels.segments import segments
from city311.language.responses import Responses

LINK = "https://city.example/texts/" + "k" * 32
RESPONSES = Responses(Path(__file__).parents[2] / "doubles" / "domain.yml", {"city_name": "Millbrook"})


def said(text: str, *titles: str) -> dict[str, Any]:
    return {"text": text, "buttons": [{"title": title, "payload": title} for title in titles]}


def as_sms(*messages: dict[str, Any]) -> sms.Text:
    return sms.render(messages, RESPONSES, link=LINK)


def test_choices_are_numbered() -> None:
    text = as_sms(said("OK."), said("Which part?", "Sidewalk", "Bike lane", "I don’t know"))
    assert text == sms.Text("OK.\nWhich part?\n1. Sidewalk\n2. Bike lane\n3. I don't know")


def test_one_choice_is_said_in_words_because_a_number_may_be_the_answer() -> None:
    assert as_sms(said("How many tires?", "Skip")).body == 'How many tires?\nOr reply "Skip".'
    assert sms.choices([said("How many tires?", "Skip")]) == ()


def test_numbers_stand_for_the_last_question() -> None:
    assert sms.choices([said("One?", "a", "b"), said("Two?", "c", "d")]) == ("c", "d")
    assert sms.choices([said("Two?", "c", "d"), said("Take your time.")]) == ("c", "d")
    assert sms.choices([]) == ()


def test_a_long_answer_is_shortened_and_keeps_its_choices() -> None:
    text = as_sms(said("A sentence about the road. " * 40, "Yes, send it", "Change something"))
    assert segments(text.body) <= 3
    assert text.body.endswith(f"The whole text: {LINK}\n1. Yes, send it\n2. Change something")
    assert text.body.startswith("A sentence about the road.")
    assert text.whole.count("road") == 40


@given(st.lists(st.tuples(st.text(max_size=700), st.lists(st.text(min_size=1, max_size=120), max_size=12)), max_size=4))
def test_any_answer_has_three_segments_at_most_or_a_link(answer: list[tuple[str, list[str]]]) -> None:
    text = as_sms(*(said(words, *titles) for words, titles in answer))
    assert segments(text.body) <= 3
    assert bool(text.whole) == (LINK in text.body)


# --- WhatsApp --------------------------------------------------------------------------------------------------------


def on_whatsapp(*messages: dict[str, Any], interactive: bool = True) -> list[Part]:
    return whatsapp.render(messages, RESPONSES, interactive=interactive)


def test_up_to_three_short_choices_are_buttons() -> None:
    [part] = on_whatsapp(said("**Shall** I send it?", "Yes, send it", "Change something"))
    assert part.text == "*Shall* I send it?"
    assert part.choices == (Choice("Yes, send it", "Yes, send it"), Choice("Change something", "Change something"))
    assert whatsapp.as_buttons(part.choices)


@pytest.mark.parametrize("titles", [["a", "b", "c", "d"], ["Blocking the whole sidewalk", "Not blocking"]])
def test_more_or_longer_choices_are_a_list(titles: list[str]) -> None:
    [part] = on_whatsapp(said("Which?", *titles))
    assert len(part.choices) == len(titles)
    assert not whatsapp.as_buttons(part.choices)
    for choice in part.choices:
        title, description = whatsapp.row(choice)
        assert len(title) <= 24
        assert len(description) <= 72
        assert choice.title in (title, description)


def test_more_than_ten_choices_or_no_buttons_are_numbered() -> None:
    [part] = on_whatsapp(said("Which?", *(f"choice {n}" for n in range(11))))
    assert part.choices == ()
    assert part.text.endswith("11. choice 10")
    [part] = on_whatsapp(said("Which?", "a", "b"), interactive=False)
    assert part == Part("Which?\n1. a\n2. b")


def test_choices_that_would_look_the_same_are_numbered() -> None:
    long = "The same beginning of a title"
    [part] = on_whatsapp(said("Which?", f"{long} one", f"{long} two"))
    assert part.choices == ()


def test_a_long_answer_goes_before_its_question() -> None:
    parts = on_whatsapp(said("x" * 1000), said("y" * 400), said("Which?", "a", "b"))
    assert [bool(part.choices) for part in parts] == [False, True]
    assert parts[-1].text == "Which?"


@given(st.lists(st.tuples(st.text(max_size=3000), st.lists(st.text(min_size=1, max_size=90), max_size=12)), max_size=3))
def test_any_answer_keeps_the_limits(answer: list[tuple[str, list[str]]]) -> None:
    for part in on_whatsapp(*(said(words, *titles) for words, titles in answer)):
        assert 0 < len(part.text) <= (1024 if part.choices else 1500)
        assert len(part.choices) <= 10
