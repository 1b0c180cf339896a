"""A pin on the map, where the resident is, and photos."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from doubles.portal import Portal, tiny_pack
from doubles.relay import RelayDouble
from PIL import Image
from playwright.sync_api import expect

from city311.settings import HOUSE

NewChat = Callable[..., Any]
Accessible = Callable[[Any], None]
Picture = Callable[[Any, str], None]

SERVER_SAYS_NO = ("Failed to load resource",)
WIDE = {"viewport": {"width": 1100, "height": 900}}


@pytest.fixture
def mapped(portal_with: Callable[..., Portal]) -> Portal:
    return portal_with(pack=tiny_pack(HOUSE / "cities" / "riverbend"))


def asked_for_a_place(chat: Any) -> Any:
    chat.open()
    chat.say("change: place")
    chat.sees("Where is the pothole?")
    return chat


def test_a_pin_is_put_by_keyboard_alone(
    new_chat: NewChat, mapped: Portal, relay: RelayDouble, accessible: Accessible, picture: Picture
) -> None:
    fetched: list[str] = []
    chat = new_chat(url=mapped.url, **WIDE)
    chat.page.on("request", lambda request: fetched.append(request.url))
    asked_for_a_place(chat)
    assert not any("leaflet" in url or "map" in url for url in fetched), "the map waits until it is asked for"
    button = chat.page.get_by_role("button", name="Show it on a map")
    button.focus()
    chat.page.keyboard.press("Enter")
    area = chat.page.get_by_role("application", name="Map of the city")
    expect(area).to_be_focused()
    expect(chat.page.get_by_text("near")).to_be_visible()
    accessible(chat)
    picture(chat, "chat-map")
    before = chat.page.locator(".map-panel [role=status]").inner_text()
    for _ in range(4):
        chat.page.keyboard.press("ArrowUp")
    expect(chat.page.locator(".map-panel [role=status]")).not_to_have_text(before)
    chat.page.get_by_role("button", name="Use this spot").press("Enter")
    expect(chat.page.locator(".own .bubble").last).to_have_text("📍 A spot on the map")
    expect(chat.page.locator(".map-panel")).to_have_count(0)
    expect(chat.page.get_by_text("You wrote").last).to_be_visible()
    shared = relay.calls[-1]["metadata"]["location"]
    assert 42.35 < shared["lat"] < 42.41
    assert -71.17 < shared["lon"] < -71.05
    assert all(url.startswith(mapped.url) for url in fetched), "nothing from anybody else"
    chat.page.reload()
    chat.is_ready()
    expect(chat.page.get_by_text("📍 A spot on the map")).to_have_count(1)


def test_a_map_that_cannot_be_loaded_says_so(new_chat: NewChat, mapped: Portal) -> None:
    chat = asked_for_a_place(new_chat(allowed=SERVER_SAYS_NO, url=mapped.url))
    chat.page.route("**/map.json", lambda route: route.abort())
    chat.page.get_by_role("button", name="Show it on a map").click()
    expect(chat.page.get_by_text("The map could not be loaded")).to_be_visible()
    chat.page.unroute("**/map.json")
    chat.page.get_by_role("button", name="Show it on a map").click()
    expect(chat.page.get_by_role("button", name="Use this spot")).to_be_visible()


def test_without_the_citys_outlines_there_is_no_map(new_chat: NewChat) -> None:
    chat = asked_for_a_place(new_chat())
    expect(chat.page.get_by_role("button", name="Show it on a map")).to_have_count(0)
    expect(chat.page.get_by_role("button", name="Use where I am now")).to_be_visible()


def test_where_i_am_is_sent_when_i_allow_it(new_chat: NewChat, relay: RelayDouble) -> None:
    chat = new_chat(geolocation={"latitude": 42.3736, "longitude": -71.1097}, permissions=["geolocation"])
    asked_for_a_place(chat)
    chat.page.get_by_role("button", name="Use where I am now").click()
    expect(chat.page.get_by_text("📍 A spot on the map")).to_be_visible()
    expect(chat.page.get_by_text("You wrote").last).to_be_visible()
    assert relay.calls[-1]["metadata"]["location"] == {"lat": 42.3736, "lon": -71.1097}


def test_where_i_am_is_not_sent_when_i_do_not(new_chat: NewChat, relay: RelayDouble) -> None:
    chat = asked_for_a_place(new_chat())
    chat.page.get_by_role("button", name="Use where I am now").click()
    expect(chat.page.get_by_text("did not share where you are")).to_be_visible()
    assert len(relay.calls) == 1


def photo(color: str = "green") -> dict[str, Any]:
    file = io.BytesIO()
    Image.new("RGB", (640, 480), color).save(file, "JPEG")
    return {"name": f"{color}.jpg", "mimeType": "image/jpeg", "buffer": file.getvalue()}


def test_photos_go_with_the_next_message(
    new_chat: NewChat, relay: RelayDouble, accessible: Accessible, picture: Picture
) -> None:
    chat = new_chat(**WIDE).open()
    chat.page.get_by_label("Add photos").set_input_files([photo("green"), photo("red"), photo("blue")])
    expect(chat.page.get_by_role("img", name="Photo, ready to send")).to_have_count(3)
    chat.page.get_by_role("button", name="Remove this photo").nth(1).click()
    accessible(chat)
    picture(chat, "chat-photos")
    chat.say("look at this")
    expect(chat.page.locator(".own .bubble").last).to_contain_text("📷 2 photos")
    chat.sees("You wrote: look at this")
    assert len(relay.calls[-1]["metadata"]["media"]) == 2
    expect(chat.page.get_by_role("img", name="Photo, ready to send")).to_have_count(0)
    chat.page.get_by_label("Add photos").set_input_files([photo("yellow")])
    expect(chat.page.get_by_role("img", name="Photo, ready to send")).to_be_visible()
    chat.page.get_by_role("button", name="Send").click()
    expect(chat.page.locator(".own .bubble").last).to_have_text("📷 One photo")


def test_a_file_that_is_no_photo_is_refused_in_words(new_chat: NewChat, relay: RelayDouble) -> None:
    chat = new_chat(allowed=SERVER_SAYS_NO).open()
    page = b"<svg xmlns='http://www.w3.org/2000/svg' onload='window.broken=1'/>"
    chat.page.get_by_label("Add photos").set_input_files({"name": "x.jpg", "mimeType": "image/jpeg", "buffer": page})
    expect(chat.page.get_by_text("This file is not a photo")).to_be_visible()
    chat.say("hello")
    chat.sees("You wrote: hello")
    assert "media" not in relay.calls[-1]["metadata"]


def test_the_photo_of_an_earlier_report_is_shown_with_its_text(
    new_chat: NewChat, relay: RelayDouble, accessible: Accessible
) -> None:
    chat = new_chat(**WIDE).open()
    chat.page.get_by_label("Add photos").set_input_files([photo("green")])
    own = chat.page.get_by_role("img", name="Photo, ready to send").get_attribute("src")
    shown = {"src": own, "alt": "A photo of the problem."}
    elsewhere = {"src": "https://elsewhere.example/x.jpg", "alt": "Not ours."}
    relay.answer = lambda _turn: [
        {"text": "Someone told us already.", "buttons": [], "custom": {"image": shown}},
        {"text": "Is yours the same?", "buttons": [], "custom": {"image": elsewhere}},
    ]
    chat.say("pothole")
    chat.sees("Is yours the same?")
    picture = chat.page.get_by_role("img", name="A photo of the problem.")
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") == 320
    expect(chat.page.get_by_role("img", name="Not ours.")).to_have_count(0)
    accessible(chat)
    chat.page.goto(chat.page.evaluate("location.origin") + "/plain")
    expect(chat.page.get_by_role("img", name="A photo of the problem.")).to_be_visible()
