"""Answering without typing: numbered choices, a list, a day; the read-back, the receipt."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from doubles.relay import RelayDouble
from playwright.sync_api import expect

Accessible = Callable[[Any], None]
Picture = Callable[[Any, str], None]


def test_many_choices_stand_below_each_other_with_their_numbers(
    chat: Any, relay: RelayDouble, accessible: Accessible, picture: Picture
) -> None:
    chat.say("which part")
    chat.sees("Which part of the street is it in?")
    choices = chat.page.get_by_role("group", name="Choices").get_by_role("button")
    assert choices.all_inner_texts() == ["Bike lane", "Crosswalk", "Lane by the curb", "Middle lane", "Somewhere else"]
    number = "(button) => getComputedStyle(button, '::before').content"
    assert choices.nth(1).evaluate(number).startswith("counter(choice)")
    tops = choices.evaluate_all("(buttons) => buttons.map((button) => button.getBoundingClientRect().top)")
    assert tops == sorted(set(tops))
    accessible(chat)
    picture(chat, "chat-choices")
    choices.nth(1).click()
    chat.sees("You wrote: Crosswalk")


def test_a_long_list_is_picked_from(chat: Any, relay: RelayDouble, accessible: Accessible) -> None:
    chat.say("districts")
    chat.sees("Which district?")
    accessible(chat)
    chat.page.get_by_label("Choices").select_option("District 11")
    chat.page.get_by_role("button", name="Choose").click()
    chat.sees("You wrote: 11")
    expect(chat.page.get_by_label("Choices")).to_have_count(0)


def test_a_day_is_picked_and_sent_as_people_write_it(
    chat: Any, relay: RelayDouble, accessible: Accessible, picture: Picture
) -> None:
    chat.say("when")
    chat.sees("On what day was it?")
    day = chat.page.get_by_label("Day", exact=True)
    accessible(chat)
    picture(chat, "chat-day")
    use = chat.page.get_by_role("button", name="Use this day")
    use.click()
    assert len(relay.calls) == 1, "no day, nothing sent"
    day.fill((date.today() + timedelta(days=3)).isoformat())
    use.click()
    assert len(relay.calls) == 1, "a day to come is no answer to when it was"
    day.fill("2026-02-05")
    use.click()
    chat.sees("You wrote: February 5, 2026")
    expect(use).to_have_count(0)


def test_a_number_opens_the_keys_for_numbers(chat: Any) -> None:
    chat.say("how many")
    chat.sees("How many rats")
    expect(chat.input).to_have_attribute("inputmode", "numeric")
    chat.say("hello")
    chat.sees("You wrote: hello")
    expect(chat.input).to_have_attribute("inputmode", "text")


def test_each_line_of_the_read_back_has_its_edit_button(
    chat: Any, relay: RelayDouble, accessible: Accessible, picture: Picture
) -> None:
    chat.say("2")
    chat.sees("Shall I send it?")
    card = chat.page.locator(".card.review")
    assert card.locator("dt").all_inner_texts() == ["Problem", "Place", "Size"]
    bubble = chat.page.locator(".assistant .bubble").last
    assert bubble.locator("p").all_inner_texts() == ["Please check your report:", "Shall I send it?"]
    accessible(chat)
    picture(chat, "chat-review")
    chat.page.get_by_role("button", name="Edit: Place").click()
    chat.sees("Where is the pothole?")
    assert relay.calls[-1]["text"] == "Change: Place"
    expect(chat.page.get_by_role("button", name="Edit: Problem")).to_have_count(0)
    chat.page.reload()
    chat.is_ready()
    expect(card.locator("dt")).to_have_count(3)
    expect(chat.page.get_by_role("button", name="Edit: Problem")).to_have_count(0)


def test_the_receipt_is_printed_alone(chat: Any, accessible: Accessible, picture: Picture) -> None:
    chat.page.evaluate(
        """() => {
            window.printed = 0;
            window.print = () => { window.printed += 1; };
        }"""
    )
    chat.say("yes, send it")
    chat.sees("Sent on")
    accessible(chat)
    picture(chat, "chat-receipt-card")
    chat.page.get_by_role("button", name="Print the receipt").click()
    assert chat.page.evaluate("window.printed") == 1
    chat.page.emulate_media(media="print")
    expect(chat.page.locator(".paper .card")).to_be_visible()
    expect(chat.page.locator("main")).to_be_hidden()
    chat.page.evaluate("dispatchEvent(new Event('afterprint'))")
    chat.page.emulate_media(media="screen")
    expect(chat.page.locator("main")).to_be_visible()
    expect(chat.page.locator(".paper")).to_have_count(0)
