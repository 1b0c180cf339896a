"""The chat page in a real browser."""

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


def test_it_says_at_once_what_it_is_and_whom_to_call(chat: Any, accessible: Accessible, picture: Picture) -> None:
    greeting = chat.bubbles()[0]
    assert "automated assistant of Millbrook" in greeting
    assert "not a person" in greeting
    assert "call 911 now" in greeting
    expect(chat.page.get_by_role("link", name="Emergency? Call 911")).to_have_attribute("href", "tel:911")
    expect(chat.page.get_by_role("heading", name="Millbrook 311")).to_be_visible()
    expect(chat.page.get_by_text("call 555-010-0311")).to_be_visible()
    assert chat.page.locator("html").get_attribute("lang") == "en"
    accessible(chat)
    picture(chat, "chat-opening")


def test_a_whole_report_by_keyboard_alone(
    new_chat: NewChat, relay: RelayDouble, accessible: Accessible, picture: Picture
) -> None:
    chat = new_chat(viewport={"width": 1100, "height": 800}).open()
    keys = chat.page.keyboard
    keys.press("Tab")
    assert chat.page.evaluate("document.activeElement.textContent") == "Skip to the message box"
    keys.press("Enter")
    assert chat.has_focus()
    keys.type("There is a huge pothole on Hampshire Street near Inman Square")
    keys.press("Enter")
    chat.sees("Is the pothole in a bike lane?")
    chat.sees("Step 3 of 6")
    assert chat.has_focus()
    accessible(chat)
    picture(chat, "chat-question")
    for choice, answer in (
        ("No", "How big is it?"),
        ("As big as a car tire", "Shall I send it?"),
        ("Yes, send it", "Your report is in"),
    ):
        for _ in range(12):
            keys.press("Shift+Tab")
            if chat.page.evaluate("document.activeElement.textContent") == choice:
                break
        focused = chat.page.evaluate(
            "getComputedStyle(document.activeElement).outlineStyle + document.activeElement.textContent"
        )
        assert focused == f"solid{choice}"
        keys.press("Enter")
        chat.sees(answer)
        assert chat.has_focus()
    accessible(chat)
    picture(chat, "chat-receipt")
    assert [turn["text"] for turn in relay.calls][1:] == ["No", "2", "Yes, send it"]
    assert len({turn["sender"] for turn in relay.calls}) == 1
    link = chat.page.get_by_role("link", name="https://millbrook.example/roads?a=1&b=2")
    expect(link).to_have_attribute("href", "https://millbrook.example/roads?a=1&b=2")
    expect(link).to_have_attribute("rel", "noopener noreferrer")
    expect(chat.page.locator("strong", has_text="SR-104217")).to_be_visible()


def test_used_choices_stay_readable_but_cannot_be_used_again(chat: Any) -> None:
    chat.say("pothole")
    chat.page.get_by_role("button", name="No", exact=True).click()
    chat.sees("How big is it?")
    used = chat.page.get_by_role("group", name="Choices").first.get_by_role("button")
    assert used.count() == 3
    for button in used.all():
        expect(button).to_be_disabled()
        expect(button).to_be_visible()
    expect(used.nth(1)).to_contain_text("No (chosen)")
    expect(used.nth(0)).not_to_contain_text("chosen")
    chat.say("another answer, typed")
    chat.sees("You wrote: another answer, typed")
    assert chat.page.locator(".choice:enabled:visible").count() == 0


def test_new_messages_are_announced_once_and_in_order(chat: Any) -> None:
    log = chat.page.get_by_role("log")
    expect(log).to_have_attribute("aria-live", "polite")
    chat.page.evaluate(
        """() => {
            window.announced = [];
            new MutationObserver((changes) => {
                for (const change of changes) for (const node of change.addedNodes) announced.push(node.textContent);
            }).observe(document.querySelector('[role=log]'), { childList: true, subtree: true });
        }"""
    )
    chat.say("pothole")
    chat.sees("Is the pothole in a bike lane?")
    chat.say("hello")
    chat.sees("You wrote: hello")
    assert chat.page.evaluate("announced.filter((text) => !text.includes('(chosen)'))") == [
        "You:pothole",
        "Assistant:I can report a pothole to the Street Department.",
        "Assistant:Step 3 of 6Is the pothole in a bike lane?YesNoSkip this",
        "You:hello",
        "Assistant:You wrote: hello",
    ]


def test_history_comes_back_after_a_reload_without_being_announced(chat: Any, relay: RelayDouble) -> None:
    chat.say("pothole")
    chat.sees("Is the pothole in a bike lane?")
    chat.say("No")
    chat.sees("How big is it?")
    before = chat.page.locator("#messages").inner_text()
    chat.page.add_init_script(
        """addEventListener('DOMContentLoaded', () => {
            window.announced = [];
            const log = document.querySelector('[role=log]');
            new MutationObserver((changes) => {
                if (log.ariaLive !== 'off') announced.push(...changes.flatMap((change) => [...change.addedNodes]));
            }).observe(log, { childList: true, subtree: true });
        })"""
    )
    chat.page.reload()
    chat.is_ready()
    assert chat.page.locator("#messages").inner_text() == before
    assert chat.page.evaluate("announced.length") == 0
    enabled = chat.page.locator(".choice:enabled:visible")
    assert enabled.all_inner_texts() == ["As big as a plate", "As big as a car tire", "Bigger than a car tire"]
    enabled.nth(1).click()
    chat.sees("Shall I send it?")
    assert relay.calls[-1]["text"] == "2"
    assert "2" not in chat.bubbles()
    chat.page.reload()
    chat.is_ready()
    assert chat.bubbles()[-2] == "As big as a car tire"
    assert len({turn["sender"] for turn in relay.calls}) == 1


def test_while_the_dialogue_is_away_the_message_is_kept_and_its_answer_comes_by_itself(
    chat: Any, relay: RelayDouble, accessible: Accessible, picture: Picture
) -> None:
    relay.mode = "unavailable"
    chat.say("first")
    chat.sees("I kept your message")
    expect(chat.page.get_by_role("status").first).to_contain_text("Your message is kept")
    chat.say("second")
    expect(chat.page.locator(".own")).to_have_count(2)
    accessible(chat)
    picture(chat, "chat-waiting")
    chat.page.reload()
    chat.sees("I kept your message")
    relay.mode = "answer"
    chat.sees("You wrote: first")
    chat.sees("You wrote: second")
    expect(chat.page.get_by_role("status").first).to_be_hidden()
    assert list(relay.order.values()) == [["first", "second"]]
    assert sum("You wrote: first" in bubble for bubble in chat.bubbles()) == 1


def test_without_a_connection_nothing_is_lost_or_sent_twice(
    new_chat: NewChat, relay: RelayDouble, accessible: Accessible, picture: Picture
) -> None:
    chat = new_chat(allowed=SERVER_SAYS_NO, viewport={"width": 1100, "height": 800}).open()
    chat.page.context.set_offline(True)
    chat.say("first")
    expect(chat.page.get_by_role("status").first).to_contain_text("could not be sent")
    chat.say("second")
    expect(chat.page.get_by_text("Not sent", exact=True)).to_have_count(2)
    accessible(chat)
    picture(chat, "chat-not-sent")
    chat.page.get_by_role("button", name="Try again").click()
    expect(chat.page.get_by_role("status").first).to_contain_text("could not be sent")
    chat.page.context.set_offline(False)  # the browser tells the page, which goes on by itself
    chat.sees("You wrote: second")
    expect(chat.page.get_by_text("Not sent", exact=True)).to_have_count(0)
    assert list(relay.order.values()) == [["first", "second"]]
    assert len(relay.calls) == 2


def test_an_answer_lost_on_the_way_is_fetched_by_trying_again(new_chat: NewChat, relay: RelayDouble) -> None:
    chat = new_chat(allowed=SERVER_SAYS_NO).open()

    def lose(route: Any) -> None:
        route.fetch()
        route.abort()

    chat.page.route("**/channels/web/messages", lose, times=1)
    chat.say("hello")
    chat.page.get_by_role("button", name="Try again").click()
    chat.sees("You wrote: hello")
    assert len(relay.calls) == 1
    assert sum("You wrote: hello" in bubble for bubble in chat.bubbles()) == 1


def test_a_page_that_cannot_load_its_history_says_so_and_recovers(new_chat: NewChat, relay: RelayDouble) -> None:
    chat = new_chat(allowed=SERVER_SAYS_NO)
    chat.page.route("**/channels/web/messages", lambda route: route.fulfill(status=500, body="{}"), times=1)
    chat.page.goto(chat.url)
    expect(chat.page.get_by_role("status").first).to_contain_text("could not be loaded")
    chat.say("hello")
    chat.page.get_by_role("button", name="Try again").click()
    chat.sees("You wrote: hello")
    expect(chat.page.get_by_text("Not sent", exact=True)).to_have_count(0)
    assert len(relay.calls) == 1


def test_who_writes_too_fast_can_send_the_last_message_again(new_chat: NewChat, relay: RelayDouble) -> None:
    chat = new_chat(allowed=SERVER_SAYS_NO).open()
    too_fast = {
        "turn": None,
        "id": "x",
        "seq": None,
        "text": None,
        "state": "answered",
        "messages": [{"text": "Please wait a moment", "buttons": []}],
        "session": "resumed",
    }
    chat.page.route("**/channels/web/messages", lambda route: route.fulfill(status=429, json=too_fast), times=1)
    chat.say("hello")
    chat.sees("Please wait a moment")
    expect(chat.page.get_by_text("Not sent", exact=True)).to_have_count(1)
    chat.page.get_by_role("button", name="Try again").click()
    chat.sees("You wrote: hello")
    assert len(relay.calls) == 1


def test_a_lost_session_is_told(new_chat: NewChat, relay: RelayDouble) -> None:
    chat = new_chat().open()
    chat.say("hello")
    chat.sees("You wrote: hello")
    chat.page.context.clear_cookies()
    chat.say("again")
    chat.sees("This is a new chat")
    assert len({turn["sender"] for turn in relay.calls}) == 2


def test_markup_stays_text_whoever_writes_it(chat: Any) -> None:
    chat.say('markup <img src=x onerror="window.broken=4"><script>window.broken=5</script>')
    chat.sees("not bold")
    assert chat.page.evaluate("window.broken") is None
    assert chat.page.locator("#log img, #log b, #log script").count() == 0
    links = chat.page.locator("#log a").evaluate_all("(links) => links.map((link) => link.getAttribute('href'))")
    assert links == ["https://millbrook.example/"]
    chat.page.get_by_role("button", name="<script>window.broken=3</script>").click()
    chat.sees("You wrote: <script>window.broken=3</script>")
    assert chat.page.evaluate("window.broken") is None


def test_a_card_number_disappears_from_the_page_too(chat: Any, relay: RelayDouble) -> None:
    chat.say("my card is 4111 1111 1111 1111")
    chat.sees("You wrote: my card is [card number removed]")
    assert "1111 1111" not in chat.page.content()
    assert "1111 1111" not in str(relay.calls)


def test_very_long_and_odd_messages_get_an_answer(chat: Any, relay: RelayDouble) -> None:
    chat.say("a" * 200_000)
    chat.sees("too long for me")
    chat.say("\u200b\u200b")
    chat.sees("I got an empty message")
    chat.say("👍")
    chat.sees("You wrote: 👍")
    chat.say("/restart")
    chat.sees("You wrote: restart")
    assert [turn["text"] for turn in relay.calls] == ["👍", "restart"]


def test_enter_sends_and_shift_enter_starts_a_line(chat: Any, relay: RelayDouble) -> None:
    chat.input.press_sequentially("one")
    chat.input.press("Shift+Enter")
    chat.input.press_sequentially("two")
    assert chat.input.get_attribute("rows") == "2"
    chat.input.press("Enter")
    chat.sees("You wrote: one")
    assert relay.calls[0]["text"] == "one\ntwo"
    assert chat.input.input_value() == ""
    chat.input.press("Enter")
    chat.input.fill("   ")
    chat.input.press("Enter")
    assert len(relay.calls) == 1


def test_messages_typed_fast_keep_their_order(chat: Any, relay: RelayDouble) -> None:
    for number in range(8):
        chat.say(f"message {number}")
    chat.sees("You wrote: message 7")
    assert list(relay.order.values()) == [[f"message {n}" for n in range(8)]]


def test_a_typing_sign_shows_while_an_answer_is_on_its_way(chat: Any, relay: RelayDouble) -> None:
    relay.mode = "hang"
    chat.say("hello")
    expect(chat.page.locator("#typing")).to_be_visible()
    relay.mode = "answer"
    relay.release.set()
    chat.sees("You wrote: hello")
    expect(chat.page.locator("#typing")).to_be_hidden()


# --- sizes, colours, directions --------------------------------------------------------------------------------------

NARROW = {"viewport": {"width": 320, "height": 640}}
ZOOMED = {"viewport": {"width": 640, "height": 400}, "device_scale_factor": 2}
PHONE = {"viewport": {"width": 390, "height": 760}, "has_touch": True, "is_mobile": True, "device_scale_factor": 2}
LOW = {"viewport": {"width": 640, "height": 320}}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [NARROW, ZOOMED, PHONE, LOW], ids=["320px", "200%", "phone", "low"])
def test_it_fits_and_is_accessible_in_every_size_and_scheme(
    new_chat: NewChat, accessible: Accessible, picture: Picture, size: dict[str, Any], scheme: str
) -> None:
    chat = new_chat(**size, color_scheme=scheme).open()
    chat.say("pothole")
    chat.sees("Is the pothole in a bike lane?")
    accessible(chat)
    chat.page.get_by_role("button", name="No", exact=True).click()
    chat.sees("How big is it?")
    accessible(chat)
    if size is PHONE:
        picture(chat, f"chat-phone-{scheme}")
    chat.say("long" + "o" * 300)
    chat.sees("Donaudampf")
    assert not chat.scrolls_sideways()
    expect(chat.input).to_be_in_viewport()
    accessible(chat)


def test_the_dark_scheme(new_chat: NewChat, accessible: Accessible, picture: Picture, relay: RelayDouble) -> None:
    chat = new_chat(viewport={"width": 1100, "height": 800}, color_scheme="dark").open()
    accessible(chat)
    chat.say("There is a huge pothole on Hampshire Street")
    chat.sees("Is the pothole in a bike lane?")
    chat.page.get_by_role("button", name="No", exact=True).click()
    chat.sees("How big is it?")
    accessible(chat)
    picture(chat, "chat-dark")
    relay.mode = "unavailable"
    chat.say("hello")
    chat.sees("I kept your message")
    accessible(chat)


def test_text_size_doubled_by_the_reader_still_fits(new_chat: NewChat) -> None:
    chat = new_chat(viewport={"width": 640, "height": 800}).open()
    chat.page.evaluate("document.documentElement.style.fontSize = '200%'")
    chat.say("pothole")
    chat.sees("Is the pothole in a bike lane?")
    assert not chat.scrolls_sideways()


def test_right_to_left_words_run_right_to_left(new_chat: NewChat, accessible: Accessible, picture: Picture) -> None:
    chat = new_chat(viewport={"width": 1100, "height": 800}).open()
    chat.say("مرحبا")
    chat.sees("أين الحفرة")
    directions = chat.page.locator(".bubble").evaluate_all(
        "(bubbles) => bubbles.map((bubble) => getComputedStyle(bubble).direction)"
    )
    assert directions == ["ltr", "rtl", "rtl"]
    chat.page.evaluate("document.documentElement.dir = 'rtl'")
    accessible(chat)
    assert not chat.scrolls_sideways()
    own, send = (chat.page.locator(part).bounding_box() for part in (".own .bubble", ".send"))
    assert own["x"] < 400 and send["x"] < 400, "own messages and the button are on the left"
    picture(chat, "chat-right-to-left")


def test_who_reads_further_up_is_left_there(chat: Any, relay: RelayDouble) -> None:
    for number in range(6):
        chat.say(f"line {number}")
        chat.sees(f"You wrote: line {number}")
    relay.mode = "hang"
    chat.say("late")
    expect(chat.page.locator("#typing")).to_be_visible()
    chat.page.evaluate("document.querySelector('#log').scrollTop = 0")
    relay.mode = "answer"
    relay.release.set()
    expect(chat.page.get_by_text("You wrote: late")).to_have_count(1)
    assert chat.page.evaluate("document.querySelector('#log').scrollTop") == 0


def test_nothing_moves_for_who_does_not_want_it(new_chat: NewChat, relay: RelayDouble) -> None:
    relay.mode = "hang"
    moving, still = new_chat().open(), new_chat(reduced_motion="reduce").open()
    for chat, name in ((moving, "breathe"), (still, "none")):
        chat.say("hello")
        expect(chat.page.locator("#typing")).to_be_visible()
        animation = "getComputedStyle(document.querySelector('#typing i')).animationName"
        assert chat.page.evaluate(animation) == name
    relay.release.set()


def test_the_page_for_wrong_addresses(new_chat: NewChat, accessible: Accessible) -> None:
    chat = new_chat(allowed=SERVER_SAYS_NO)
    assert chat.page.goto(f"{chat.url}/no/such/page").status == 404
    expect(chat.page.get_by_role("heading", name="This page does not exist")).to_be_visible()
    accessible(chat)
    chat.page.get_by_role("link", name="Go to the assistant").click()
    chat.is_ready()
