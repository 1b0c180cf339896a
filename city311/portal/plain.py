"""The chat without scripts: a page with the conversation, and forms that send a message and come back to it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qs

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from city311.channels.web import Reply, WebChannel, read_message
from city311.portal.cookies import SessionCookies
from city311.portal.pages import Page, Pages
from city311.portal.web import LARGEST_BODY, AnsweringRoute, Refused, check_origin, read_body, received

_MARKS = re.compile(r"\*\*(?P<strong>[^*\n]+)\*\*|(?P<link>https?://[^\s<>\"']+)")
_AFTER_A_LINK = ".,;:!?)]}"


@dataclass(frozen=True)
class ShownMessage:
    """A message of an answer. ``paragraphs`` are pieces of text, each ``text``, ``strong`` or ``link``."""

    paragraphs: list[list[tuple[str, str]]]
    buttons: list[Mapping[str, str]]
    takes: str
    step: int
    of: int
    image: Mapping[str, str] | None = None


def plain_router(pages: Pages, channel: WebChannel, cookies: SessionCookies) -> APIRouter:
    """``/plain``: the conversation of the session; POST sends a message to it."""
    router = APIRouter(include_in_schema=False, route_class=AnsweringRoute)

    @router.get("/plain")
    async def conversation(request: Request) -> Response:
        session = cookies.open(request)
        history = await channel.history(session.sender, None)
        response = _page(pages, pages.page(request), history)
        if chosen := pages.chosen(request):
            cookies.keep_language(response, chosen)
        return response

    @router.post("/plain")
    async def send(request: Request) -> Response:
        session = cookies.open(request)
        form = await _form(request)
        written = read_message(form)
        session, reply = await received(channel, cookies, session, written)
        if reply.body["turn"] is None:
            response = await _not_taken(request, form, session.sender, reply)
        else:
            response = RedirectResponse(f"/plain{_in_language(request, form)}#newest", 303)
        cookies.put(response, session)
        return response

    def _in_language(request: Request, form: Mapping[str, str]) -> str:
        language = form.get("language", "")
        chosen = language in pages.languages and language != pages.language(request)
        return f"?lang={language}" if chosen else ""

    async def _not_taken(request: Request, form: Mapping[str, str], sender: str, reply: Reply) -> Response:
        history = await channel.history(sender, None)
        page = replace(pages.page(request), draft=form["text"])
        notice = "\n".join(message["text"] for message in reply.body["messages"])
        return _page(pages, page, history, notice, 200 if reply.wait_s is None else 429)

    return router


def _page(pages: Pages, page: Page, history: Mapping[str, Any], notice: str = "", status: int = 200) -> Response:
    turns = [{**turn, "messages": [_shown(message) for message in turn["messages"]]} for turn in history["turns"]]
    body = pages.render(
        "plain.html",
        page,
        turns=turns,
        earlier=history["more"],
        is_waiting=any(turn["state"] == "waiting" for turn in turns),
        notice=notice,
    )
    return HTMLResponse(body, status, {"Cache-Control": "no-store"})


def _shown(message: Mapping[str, Any]) -> ShownMessage:
    custom = message.get("custom") or {}
    progress, image = custom.get("progress") or {}, custom.get("image")
    paragraphs = [part.strip("\n") for part in re.split(r"\n{2,}", message["text"]) if part.strip()]
    return ShownMessage(
        paragraphs=[list(_pieces(part)) for part in paragraphs],
        buttons=message["buttons"],
        takes=str(custom.get("takes") or ""),
        step=progress.get("step", 0),
        of=progress.get("of", 0),
        image=image if image and str(image.get("src", "")).startswith("/photos/") else None,
    )


def _pieces(text: str) -> Iterator[tuple[str, str]]:
    """``**bold**`` and web addresses; all else is text."""
    at = 0
    for mark in _MARKS.finditer(text):
        if mark.start() > at:
            yield "text", text[at : mark.start()]
        at = mark.end()
        if mark["strong"]:
            yield "strong", mark["strong"]
            continue
        address = mark["link"].rstrip(_AFTER_A_LINK)
        at -= len(mark["link"]) - len(address)
        yield "link", address
    if at < len(text):
        yield "text", text[at:]


async def _form(request: Request) -> dict[str, str]:
    check_origin(request)
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/x-www-form-urlencoded":
        raise Refused(415, "The body is not a form.", "Use the form of the page /plain.")
    body = await read_body(request, LARGEST_BODY)
    try:
        fields = parse_qs(body.decode("utf-8"), keep_blank_values=True, errors="strict", max_num_fields=10)
    except ValueError:
        raise Refused(400, "The form cannot be read as UTF-8.", "Use the form of the page /plain.") from None
    return {name: values[-1] for name, values in fields.items()}
