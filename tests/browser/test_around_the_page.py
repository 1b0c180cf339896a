"""The chat in frames of other sites, without a connection, over a reload, and how much of it travels."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from doubles.portal import Portal
from doubles.relay import RelayDouble
from harness import asking
from harness.http import Handler, Server
from harness.ports import free_port
from playwright.sync_api import expect

NewChat = Callable[..., Any]
Accessible = Callable[[Any], None]
Picture = Callable[[Any, str], None]

SERVER_SAYS_NO = ("Failed to load resource",)
MOST_BYTES = 60_000


class CitySite(Server):
    """A page of another site that embeds the chat, as a city's own site would."""

    def __init__(self, port: int, portal: str) -> None:
        page = (
            "<!doctype html><html lang=en><title>City of Millbrook</title><main><h1>City of Millbrook</h1>"
            f"<p>News from your city.</p></main><script src='{portal}/widget.js' defer></script></html>"
        ).encode()

        # stricter than most: no style or script in the page itself
        policy = f"default-src 'none'; script-src {portal}; style-src {portal}; frame-src {portal}"

        class Site(Handler):
            def do_GET(self) -> None:
                self.reply(200, page, "text/html; charset=utf-8", {"Content-Security-Policy": policy})

        super().__init__(Site, port)


@pytest.fixture
def city_site(portal_with: Callable[..., Portal]) -> Iterator[Callable[[bool], CitySite]]:
    with ExitStack() as open_ones:

        def make(named: bool) -> CitySite:
            port = free_port()
            portal = portal_with(embed_origins=(f"http://127.0.0.1:{port}",) if named else ())
            return open_ones.enter_context(CitySite(port, portal.url))

        yield make


def test_a_city_site_embeds_it_with_one_script(
    new_chat: NewChat,
    city_site: Callable[[bool], CitySite],
    relay: RelayDouble,
    accessible: Accessible,
    picture: Picture,
) -> None:
    chat = new_chat(viewport={"width": 1100, "height": 800}, url=city_site(True).url)
    page = chat.page
    page.goto(chat.url)
    opener = page.get_by_role("button", name="Chat with Millbrook 311")
    opener.focus()
    assert page.locator("iframe").count() == 0, "nothing is fetched before it is asked for"
    page.keyboard.press("Enter")
    frame = page.frame_locator("iframe[title='Millbrook 311 – automated assistant']")
    frame.locator("#log[aria-live=polite]").wait_for()
    frame.get_by_label("Your message").fill("pothole")
    frame.get_by_label("Your message").press("Enter")
    expect(frame.get_by_text("Is the pothole in a bike lane?")).to_be_visible()
    accessible(chat)
    picture(chat, "chat-embedded")
    frame.get_by_role("button", name="Close the chat").press("Enter")
    expect(opener).to_be_focused()
    page.reload()
    opener.click()
    expect(frame.get_by_text("Is the pothole in a bike lane?")).to_be_visible()
    frame.get_by_label("Your message").press("Escape")
    expect(opener).to_be_focused()
    assert len({turn["sender"] for turn in relay.calls}) == 1


def test_a_site_that_is_not_named_cannot_embed_it(new_chat: NewChat, city_site: Callable[[bool], CitySite]) -> None:
    chat = new_chat(allowed=("frame-ancestors", *SERVER_SAYS_NO), url=city_site(False).url)
    refused = []
    chat.page.on("console", lambda line: refused.append(line.text) if "frame-ancestors" in line.text else None)
    chat.page.goto(chat.url)
    chat.page.get_by_role("button", name="Chat with Millbrook 311").click()
    expect(chat.page.locator("iframe")).to_be_visible()
    chat.page.wait_for_function("() => true")
    for _ in range(100):
        if refused:
            break
        chat.page.wait_for_timeout(50)
    assert refused
    assert not any("/embedded" in frame.url for frame in chat.page.frames)


def test_what_was_not_sent_outlives_a_reload(new_chat: NewChat, relay: RelayDouble) -> None:
    chat = new_chat(allowed=SERVER_SAYS_NO).open()
    chat.say("before")
    chat.sees("You wrote: before")
    chat.page.route("**/channels/web/messages", lambda route: route.abort())
    chat.say("first")
    chat.say("second")
    expect(chat.page.get_by_text("Not sent", exact=True)).to_have_count(2)
    chat.page.unroute("**/channels/web/messages")
    chat.page.reload()
    chat.sees("You wrote: second")
    assert [bubble for bubble in chat.bubbles() if not bubble.startswith(("You wrote", "Hello"))] == [
        "before",
        "first",
        "second",
    ]
    assert list(relay.order.values()) == [["before", "first", "second"]]
    assert chat.page.evaluate("sessionStorage.length") == 0


def test_a_message_that_arrived_is_not_sent_again_after_a_reload(new_chat: NewChat, relay: RelayDouble) -> None:
    chat = new_chat(allowed=SERVER_SAYS_NO).open()

    def lose(route: Any) -> None:
        route.fetch()
        route.abort()

    chat.page.route("**/channels/web/messages", lose, times=1)
    chat.say("hello")
    expect(chat.page.get_by_text("Not sent", exact=True)).to_have_count(1)
    chat.page.reload()
    chat.sees("You wrote: hello")
    assert len(relay.calls) == 1
    assert chat.bubbles().count("hello") == 1


def test_delivery_is_told_below_the_newest_message(new_chat: NewChat, relay: RelayDouble) -> None:
    chat = new_chat().open()
    chat.say("one")
    chat.sees("You wrote: one")
    expect(chat.page.get_by_text("Delivered", exact=True).locator("visible=true")).to_have_count(1)
    relay.mode = "unavailable"
    chat.say("two")
    expect(chat.page.get_by_text("Sent", exact=True)).to_be_visible()
    relay.mode = "answer"
    chat.sees("You wrote: two")
    expect(chat.page.get_by_text("Delivered", exact=True).locator("visible=true")).to_have_count(1)


def test_installed_it_opens_without_a_connection_and_keeps_no_conversation(new_chat: NewChat, portal: Portal) -> None:
    chat = new_chat(allowed=SERVER_SAYS_NO, service_workers="allow").open()
    chat.page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    chat.page.reload()  # now through the worker, which keeps what it sees
    chat.is_ready()
    chat.say("my secret")
    chat.sees("You wrote: my secret")
    chat.page.wait_for_function(
        "async () => (await (await caches.open('city311-shell')).keys()).some(({ url }) => url.endsWith('/chat.css'))"
    )
    kept = chat.page.evaluate(
        """async () => {
            const shelf = await caches.open('city311-shell');
            const read = async (key) => [key.url, await (await shelf.match(key)).text()];
            return Promise.all((await shelf.keys()).map(read));
        }"""
    )
    assert kept and not any("/channels/" in url or "my secret" in text for url, text in kept)
    chat.page.context.set_offline(True)
    chat.page.reload()
    expect(chat.page.get_by_text("automated assistant of Millbrook").first).to_be_visible()
    expect(chat.page.get_by_role("status").filter(has_text="could not be loaded")).to_be_visible()
    chat.page.context.set_offline(False)
    chat.sees("You wrote: my secret")


def test_it_is_light(portal: Portal) -> None:
    page = asking.get(portal.url)
    addresses = set(re.findall(r'(?:href|src)="(/static/[^"]+)"', page.text)) | {"/widget.js", "/worker.js"}
    assert any(address.endswith("/conversation.js") for address in addresses)
    parts = [page.content, *(asking.get(portal.url + address).content for address in addresses)]
    assert sum(len(gzip.compress(part)) for part in parts) < MOST_BYTES


def test_every_script_of_the_page_is_fetched_at_once_or_named_as_later(portal: Portal) -> None:
    page = asking.get(portal.url).text
    static = re.search(r"/static/[0-9a-f]{12}", page)
    assert static
    there = {path.name for path in Path("web/static").glob("*.js")}
    assert there - {"map.js", "widget.js", "worker.js"} == set(re.findall(static.group() + r"/([\w.]+\.js)", page))
