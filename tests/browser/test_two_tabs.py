"""One resident with the chat open in two tabs of a browser."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from doubles.relay import RelayDouble

NewChat = Callable[..., Any]


def test_two_tabs_show_the_same_conversation(new_chat: NewChat) -> None:
    one = new_chat().open()
    one.say("from the first tab")
    one.sees("You wrote: from the first tab")
    two = new_chat(context=one.page.context).open()
    two.sees("You wrote: from the first tab")
    two.say("from the second tab")
    two.sees("You wrote: from the second tab")
    one.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    one.sees("You wrote: from the second tab")
    assert one.bubbles() == two.bubbles()


def test_a_tab_whose_session_another_tab_has_replaced_says_so(new_chat: NewChat, relay: RelayDouble) -> None:
    one = new_chat().open()
    one.say("from the first tab")
    one.sees("You wrote: from the first tab")
    one.page.context.clear_cookies()
    two = new_chat(context=one.page.context).open()
    two.say("from the second tab")
    two.sees("You wrote: from the second tab")
    one.sees("This is a new chat")
    one.say("again")
    one.sees("You wrote: again")
    two.sees("You wrote: again")
    assert one.page.get_by_text("This is a new chat").count() == 1
    assert two.page.get_by_text("This is a new chat").count() == 0
    assert len({turn["sender"] for turn in relay.calls}) == 2


@pytest.mark.parametrize("wrote", [True, False], ids=["after a message", "before any"])
def test_a_tab_that_writes_into_the_session_of_another_says_what_it_lost(new_chat: NewChat, wrote: bool) -> None:
    one = new_chat().open()
    if wrote:
        one.say("earlier")
        one.sees("You wrote: earlier")
    one.page.context.clear_cookies()
    two = new_chat(context=one.page.context).open()
    one.say("hello")
    one.sees("You wrote: hello")
    two.sees("You wrote: hello")
    two.say("and you")
    two.sees("You wrote: and you")
    one.sees("You wrote: and you")
    assert one.page.get_by_text("This is a new chat").count() == int(wrote)
    assert two.page.get_by_text("This is a new chat").count() == 0


def test_two_tabs_that_write_at_once_lose_and_double_nothing(new_chat: NewChat, relay: RelayDouble) -> None:
    one = new_chat().open()
    two = new_chat(context=one.page.context).open()
    relay.mode = "hang"
    one.say("from the first tab")
    one.page.wait_for_function("document.querySelectorAll('.own').length === 1")
    two.say("from the second tab")
    two.page.wait_for_function("document.querySelectorAll('.own').length === 1")
    relay.mode = "answer"
    relay.release.set()
    for tab in (one, two):
        tab.sees("You wrote: from the first tab")
        tab.sees("You wrote: from the second tab")
    assert sorted(turn["text"] for turn in relay.calls) == ["from the first tab", "from the second tab"]
    assert len({turn["sender"] for turn in relay.calls}) == 1
    assert relay.overlaps == 0
    for tab in (one, two):
        said = [text.strip() for text in tab.page.locator(".own .bubble").all_inner_texts()]
        assert said == [turn["text"] for turn in relay.calls]
