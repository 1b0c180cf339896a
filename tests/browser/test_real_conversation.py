"""The chat page against the whole running program: the page, the relay, Rasa, the actions and the desk."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from harness.stack import Stack
from playwright.sync_api import Browser, expect

PATIENCE_MS = 90_000
NUMBER = re.compile(r"SR-\d{6,}")


@pytest.mark.stack
def test_a_resident_reports_a_pothole_and_follows_it(
    browser: Browser,
    stack: Stack,
    chat_on: Callable[..., Any],
    accessible: Callable[[Any], None],
    picture: Callable[[Any, str], None],
) -> None:
    context = browser.new_context(viewport={"width": 1100, "height": 1500})
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    chat = chat_on(page, stack.portal).open()
    assert "automated assistant of Riverbend" in chat.bubbles()[0]
    chat.say("There is a huge pothole on Hampshire Street near Inman Square")
    chat.sees("Which part of the street is it in?")
    page.get_by_role("button", name="Bike lane").click()
    chat.sees("Is there anything else the crew should know?")
    chat.say("It bent my wheel")
    chat.sees("You can also stay anonymous.")
    page.get_by_role("button", name="Stay anonymous").click()
    chat.sees("Please check your report:")
    accessible(chat)
    page.get_by_role("button", name="Edit: Part of the street").click()
    page.locator(".choice:enabled", has_text="Crosswalk").click()
    expect(page.locator(".card.review").last).to_contain_text("Crosswalk")
    page.locator(".choice:enabled", has_text="Yes, send it").click()
    chat.sees("Your report is in.")
    chat.sees("You can ask me about")
    found = NUMBER.search(" ".join(chat.bubbles()))
    assert found
    expect(page.locator(".card.receipt")).to_contain_text(found.group(0))
    picture(chat, "conversation")
    done = stack.crew("requests", "update", found.group(0), "--state", "scheduled", "--note", "A crew comes on Friday.")
    assert done.exit_code == 0, done.output
    chat.say(f"What's happening with {found.group(0)}?")
    chat.sees("A crew comes on Friday.")
    accessible(chat)
    page.locator("#settings summary").click()
    page.get_by_role("button", name="Erase this chat").click()
    page.get_by_role("button", name="Erase it now").click()
    chat.sees("Your chat is erased")
    expect(page.get_by_text(found.group(0))).to_have_count(0)
    chat.say("hi there")
    chat.sees("I'm a computer program")
    assert not chat.complaints
    context.close()
