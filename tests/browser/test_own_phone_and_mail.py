"""A receipt that is sent, and a phone that is shown, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from doubles.mail import MailDouble
from doubles.phones import GENEROUS, PROMPT, eventually
from doubles.twilio import TwilioDouble
from playwright.sync_api import expect

from city311.channels.configuration import Lines

Accessible = Callable[[Any], None]
Picture = Callable[[Any, str], None]
PHONE = "+16175550177"
WIDE = {"width": 1100, "height": 800}


@pytest.fixture
def city(portal_with: Callable[..., Any], mail: MailDouble, twilio: TwilioDouble) -> Any:
    """The portal of a city that can send texts and e-mail."""
    return portal_with(phone_lines=Lines(twilio=twilio.account(), mail=mail.account(), rates=GENEROUS), sending=PROMPT)


@pytest.fixture
def reaching(city: Any, new_chat: Callable[..., Any]) -> Any:
    """Its chat page."""
    return new_chat(url=city.url, viewport=WIDE, allowed=("Failed to load resource",)).open()


def test_a_receipt_is_sent(reaching: Any, mail: MailDouble, accessible: Accessible, picture: Picture) -> None:
    reaching.say("Yes, send it")
    where = reaching.page.get_by_label("Send it to an e-mail address or phone number")
    where.fill("nobody")
    reaching.page.get_by_role("button", name="Send the receipt").click()
    said = reaching.page.locator(".reach [role=status]")
    expect(said).to_have_text("We cannot send it there. Please check what you typed.")
    reaching.page.get_by_label("Also tell me there what becomes of it").check()
    where.fill("ann@example.org")
    where.press("Enter")
    expect(said).to_contain_text("We will send it there soon.")
    accessible(reaching)
    picture(reaching, "chat-receipt-sent")
    [message] = eventually(lambda: mail.taken)
    assert message["To"] == "ann@example.org"
    assert "Street Department" in message.get_content()


def test_a_phone_is_shown(reaching: Any, twilio: TwilioDouble, accessible: Accessible) -> None:
    reaching.say("hello")
    reaching.sees("You wrote: hello")
    page = reaching.page
    page.locator("#settings summary").click()
    page.get_by_label("Phone number").fill("617 555 0177")
    page.get_by_role("button", name="Text me a code").click()
    said = page.locator("#phone-said")
    expect(said).to_contain_text("We will text a code there.")
    code = page.get_by_label("Code from the text")
    expect(code).to_be_focused()
    accessible(reaching)
    [text] = eventually(lambda: twilio.texts(PHONE))
    [right] = re.findall(r"\b\d{6}\b", text)
    code.fill(f"{(int(right) + 1) % 1_000_000:06d}")
    code.press("Enter")
    expect(said).to_have_text("This is not the code. Please check it.")
    code.fill(right)
    code.press("Enter")
    expect(said).to_contain_text("You can now ask here about the reports from this phone.")
    expect(code).to_be_hidden()
    accessible(reaching)


def test_without_scripts_a_receipt_is_sent_and_a_phone_is_shown(
    city: Any, new_chat: Callable[..., Any], mail: MailDouble, twilio: TwilioDouble
) -> None:
    chat = new_chat(url=city.url, viewport=WIDE, java_script_enabled=False, allowed=("Failed to load resource",))
    page = chat.page
    page.goto(f"{chat.url}/plain")
    page.get_by_label("Your message").fill("Yes, send it")
    page.get_by_role("button", name="Send", exact=True).click()
    where = page.get_by_label("Send it to an e-mail address or phone number")
    where.fill("nobody")
    where.press("Enter")
    expect(page.locator("#notice")).to_have_text("We cannot send it there. Please check what you typed.")
    expect(where).to_have_value("nobody")
    where.fill("ann@example.org")
    page.get_by_label("Also tell me there what becomes of it").check()
    page.get_by_role("button", name="Send the receipt").click()
    expect(page.locator("#notice")).to_contain_text("We will send it there soon.")
    [message] = eventually(lambda: mail.taken)
    assert message["To"] == "ann@example.org"
    page.locator(".settings summary").click()
    page.get_by_label("Phone number", exact=True).fill("617 555 0177")
    page.get_by_role("button", name="Text me a code").click()
    said = page.locator("#phone-said")
    expect(said).to_contain_text("We will text a code there.")
    [text] = eventually(lambda: twilio.texts(PHONE))
    [code] = re.findall(r"\b\d{6}\b", text)
    page.get_by_label("Code from the text").fill(code)
    page.get_by_label("Code from the text").press("Enter")
    expect(said).to_contain_text("You can now ask here about the reports from this phone.")


@pytest.mark.parametrize("size", [WIDE, {"width": 320, "height": 640}], ids=["wide", "320px"])
def test_the_forms_without_scripts_are_accessible(
    city: Any, new_chat: Callable[..., Any], accessible: Accessible, size: dict[str, int]
) -> None:
    # axe itself needs scripts; this page has none
    chat = new_chat(url=city.url, viewport=size, allowed=("Failed to load resource",))
    page = chat.page
    page.goto(f"{chat.url}/plain")
    page.get_by_label("Your message").fill("Yes, send it")
    page.get_by_role("button", name="Send", exact=True).click()
    page.get_by_label("Send it to an e-mail address or phone number").fill("nobody")
    page.get_by_role("button", name="Send the receipt").click()
    expect(page.locator("#notice")).to_be_visible()
    accessible(chat)
    page.locator(".settings summary").click()
    page.get_by_label("Phone number", exact=True).fill("911")
    page.get_by_role("button", name="Text me a code").click()
    expect(page.locator("#phone-said")).to_contain_text("We cannot text this number.")
    accessible(chat)
    assert not page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
