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


@pytest.fixture
def reaching(
    portal_with: Callable[..., Any], new_chat: Callable[..., Any], mail: MailDouble, twilio: TwilioDouble
) -> Any:
    """A chat page of a city that can send texts and e-mail."""
    lines = Lines(twilio=twilio.account(), mail=mail.account(), rates=GENEROUS)
    portal = portal_with(phone_lines=lines, sending=PROMPT)
    return new_chat(
        url=portal.url, viewport={"width": 1100, "height": 800}, allowed=("Failed to load resource",)
    ).open()


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
