"""What a reader can set: size, colors, language; and erasing the chat."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from doubles.relay import RelayDouble
from playwright.sync_api import expect

NewChat = Callable[..., Any]
Accessible = Callable[[Any], None]
Picture = Callable[[Any, str], None]

SERVER_SAYS_NO = ("Failed to load resource",)


def open_settings(chat: Any) -> None:
    chat.page.locator("#settings summary").click()
    expect(chat.page.get_by_role("group", name="Text size")).to_be_visible()


def test_the_settings_by_keyboard(chat: Any, accessible: Accessible, picture: Picture) -> None:
    summary = chat.page.locator("#settings summary")
    summary.focus()
    chat.page.keyboard.press("Enter")
    accessible(chat)
    picture(chat, "chat-settings")
    chat.page.keyboard.press("Tab")
    chat.page.keyboard.press("ArrowDown")
    assert chat.page.evaluate("getComputedStyle(document.documentElement).fontSize") == "20px"
    chat.page.keyboard.press("Escape")
    expect(summary).to_be_focused()
    expect(chat.page.get_by_role("group", name="Text size")).to_be_hidden()


@pytest.mark.parametrize("colors", ["High contrast", "Dark"])
def test_size_and_colors_stay(chat: Any, accessible: Accessible, picture: Picture, colors: str) -> None:
    open_settings(chat)
    chat.page.get_by_label("Largest").check()
    chat.page.get_by_label(colors).check()
    chat.page.get_by_label(colors).press("Escape")
    chat.say("2")
    chat.sees("Shall I send it?")
    accessible(chat)
    chat.page.reload()
    chat.is_ready()
    assert chat.page.evaluate("getComputedStyle(document.documentElement).fontSize") == "24px"
    assert (
        chat.page.locator("html").get_attribute("data-colors") == {"High contrast": "contrast", "Dark": "dark"}[colors]
    )
    accessible(chat)
    if colors == "High contrast":
        picture(chat, "chat-high-contrast")
    chat.page.goto(f"{chat.url}/plain")
    assert chat.page.evaluate("getComputedStyle(document.documentElement).fontSize") == "24px"


DARK, LIGHT = "rgb(15, 23, 29)", "rgb(243, 246, 248)"


@pytest.mark.parametrize(("device", "shows"), [("dark", DARK), ("light", LIGHT)])
def test_colors_are_those_of_the_device_until_others_are_chosen(new_chat: NewChat, device: str, shows: str) -> None:
    chat = new_chat(color_scheme=device).open()
    background = "getComputedStyle(document.body).backgroundColor"
    assert chat.page.evaluate(background) == shows
    open_settings(chat)
    for label, chosen in (("Light", LIGHT), ("Dark", DARK), ("High contrast", "rgb(0, 0, 0)")):
        chat.page.get_by_label(label, exact=True).check()
        assert chat.page.evaluate(background) == chosen, label


def test_a_city_with_one_language_shows_no_choice_of_it(chat: Any) -> None:
    open_settings(chat)
    expect(chat.page.get_by_role("navigation", name="Language")).to_have_count(0)


def test_the_chat_is_erased_everywhere(
    new_chat: NewChat, relay: RelayDouble, accessible: Accessible, picture: Picture
) -> None:
    chat = new_chat(viewport={"width": 1100, "height": 800}).open()
    chat.say("my secret")
    chat.sees("You wrote: my secret")
    other = new_chat(context=chat.page.context).open()
    other.sees("You wrote: my secret")
    open_settings(chat)
    chat.page.get_by_role("button", name="Erase this chat").click()
    expect(chat.page.get_by_role("dialog", name="Erase this chat?")).to_be_visible()
    accessible(chat)
    picture(chat, "chat-erase")
    chat.page.get_by_role("button", name="Keep it").click()
    chat.sees("You wrote: my secret")
    chat.page.get_by_role("button", name="Erase this chat").click()
    chat.page.get_by_role("button", name="Erase it now").click()
    chat.sees("Your chat is erased")
    expect(chat.page.get_by_text("my secret")).to_have_count(0)
    expect(other.page.get_by_text("my secret")).to_have_count(0)
    assert len(chat.bubbles()) == 1, "the greeting is still there"
    chat.say("hello")
    chat.sees("You wrote: hello")
    other.sees("You wrote: hello")
    assert relay.forgotten == [relay.calls[0]["sender"]]
    assert relay.calls[1]["sender"] != relay.calls[0]["sender"]


def test_what_could_not_be_erased_is_said_and_still_there(new_chat: NewChat, relay: RelayDouble) -> None:
    chat = new_chat(allowed=SERVER_SAYS_NO).open()
    chat.say("hello")
    chat.sees("You wrote: hello")
    relay.mode = "unavailable"
    open_settings(chat)
    chat.page.get_by_role("button", name="Erase this chat").click()
    chat.page.get_by_role("button", name="Erase it now").click()
    expect(chat.page.get_by_role("alert")).to_contain_text("could not be erased")
    chat.page.keyboard.press("Escape")
    expect(chat.page.get_by_text("You wrote: hello")).to_have_count(1)
