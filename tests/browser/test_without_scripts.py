"""The chat as a plain form, in a browser whose scripts are off."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from doubles.relay import RelayDouble
from playwright.sync_api import expect

NewChat = Callable[..., Any]
Accessible = Callable[[Any], None]
Picture = Callable[[Any, str], None]


def test_a_whole_conversation(new_chat: NewChat, relay: RelayDouble, picture: Picture) -> None:
    chat = new_chat(java_script_enabled=False, viewport={"width": 1100, "height": 800})
    page = chat.page
    page.goto(chat.url)
    expect(page.locator("noscript p")).to_contain_text("You can still write here")
    expect(page.get_by_text("call 555-010-0311")).to_be_visible()
    page.get_by_label("Your message").fill("pothole")
    page.get_by_role("button", name="Send").click()
    expect(page).to_have_url(f"{chat.url}/plain#newest")
    expect(page.get_by_text("Is the pothole in a bike lane?")).to_be_visible()
    expect(page.locator("strong", has_text="pothole")).to_be_visible()
    expect(page.get_by_text("Step 3 of 6")).to_be_visible()
    picture(chat, "chat-without-scripts")
    page.get_by_role("button", name="No", exact=True).click()
    page.get_by_role("button", name="As big as a car tire").click()
    expect(page.get_by_text("Shall I send it?")).to_be_visible()
    expect(page.get_by_role("button", name="As big as a plate")).to_have_count(0)
    page.get_by_role("button", name="Yes, send it").click()
    expect(page.get_by_role("link", name="https://millbrook.example/roads?a=1&b=2")).to_be_visible()
    assert [turn["text"] for turn in relay.calls] == ["pothole", "No", "2", "Yes, send it"]
    assert len({turn["sender"] for turn in relay.calls}) == 1
    page.reload()
    assert len(relay.calls) == 4


def test_markup_stays_text(new_chat: NewChat) -> None:
    chat = new_chat(java_script_enabled=False)
    chat.page.goto(f"{chat.url}/plain")
    chat.page.get_by_label("Your message").fill("markup <b>x</b><script>alert(1)</script>")
    chat.page.get_by_role("button", name="Send").click()
    expect(chat.page.get_by_text("markup <b>x</b><script>alert(1)</script>")).to_be_visible()
    expect(chat.page.get_by_text("<b>not bold</b>")).to_be_visible()
    assert chat.page.locator("main b, main script, main img").count() == 0
    links = [link.get_attribute("href") for link in chat.page.locator("main a").all()]
    assert links == ["https://millbrook.example/"]


def test_what_was_not_taken_stays_in_the_box(new_chat: NewChat, relay: RelayDouble) -> None:
    chat = new_chat(java_script_enabled=False)
    chat.page.goto(f"{chat.url}/plain")
    chat.page.get_by_label("Your message").fill("a" * 3000)
    chat.page.get_by_role("button", name="Send").click()
    expect(chat.page.get_by_text("too long for me")).to_be_visible()
    expect(chat.page.get_by_label("Your message")).to_have_value("a" * 3000)
    assert relay.calls == []


def test_a_late_answer_is_looked_for(new_chat: NewChat, relay: RelayDouble) -> None:
    relay.mode = "unavailable"
    chat = new_chat(java_script_enabled=False)
    chat.page.goto(f"{chat.url}/plain")
    chat.page.get_by_label("Your message").fill("hello")
    chat.page.get_by_role("button", name="Send").click()
    expect(chat.page.get_by_text("The answer is not there yet")).to_be_visible()
    relay.mode = "answer"
    for _ in range(50):
        chat.page.get_by_role("link", name="Look again").click()
        chat.page.reload()
        if chat.page.get_by_text("You wrote: hello").count():
            break
    expect(chat.page.get_by_text("You wrote: hello")).to_be_visible()
    expect(chat.page.get_by_text("The answer is not there yet")).to_have_count(0)


def test_the_page_is_accessible(new_chat: NewChat, accessible: Accessible) -> None:
    chat = new_chat(viewport={"width": 320, "height": 640})  # axe itself needs scripts; this page has none
    chat.page.goto(f"{chat.url}/plain")
    chat.page.get_by_label("Your message").fill("when")
    chat.page.get_by_role("button", name="Send").click()
    expect(chat.page.get_by_role("button", name="Use this day")).to_be_visible()
    accessible(chat)
    assert not chat.page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
