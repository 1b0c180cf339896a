"""The chat without scripts: a page with the conversation, and forms that send a message and come back to it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qs

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from city311.channels.reaching import TooOften
from city311.channels.web import Reply, WebChannel, read_message
from city311.portal.cookies import SessionCookies
from city311.portal.pages import Page, Pages
from city311.portal.reaching import STATUS, Reaching
from city311.portal.web import LARGEST_BODY, AnsweringRoute, Refused, check_origin, read_body, received, waiting
from city311.store.verified import Shown

_MARKS = re.compile(r"\*\*(?P<strong>[^*\n]+)\*\*|(?P<link>https?://[^\s<>\"']+)")
_AFTER_A_LINK = ".,;:!?)]}"


@dataclass(frozen=True)
class ShownMessage:
    """A message of an answer. ``paragraphs`` are pieces of text, each ``text``, ``strong`` or ``link``; ``receipt`` is
    the number of the report whose receipt it is."""

    paragraphs: list[list[tuple[str, str]]]
    buttons: list[Mapping[str, str]]
    takes: str
    step: int
    of: int
    image: Mapping[str, str] | None = None
    receipt: str = ""


@dataclass(frozen=True)
class Reached:
    """What became of a form for the resident's own phone or e-mail.

    Attributes:
        form: ``phone``, ``code`` or ``receipt``; empty: none was sent.
        said: which of the words of ``web/reaching_words.html`` says it.
        typed: what stands in its field again; ``receipt``: the number of the report, where it is about one.
        wait_s: seconds until another may be sent, where it was too often.
    """

    form: str = ""
    said: str = ""
    status: int = 200
    typed: str = ""
    receipt: str = ""
    wait_s: float | None = None


NOTHING_REACHED = Reached()
_FORMS = {"phone": "notAPhone", "code": "codeWrong", "receipt": "notReachable"}
"""The forms, and what is said of each when what was typed cannot be right."""
_SHOWN = {Shown.RIGHT: "codeRight", Shown.WRONG: "codeWrong", Shown.OVER: "codeOver"}


def plain_router(pages: Pages, channel: WebChannel, cookies: SessionCookies, reaching: Reaching) -> APIRouter:
    """``/plain``: the conversation of the session; POST sends a message to it, or one of the forms for the resident's
    own phone and e-mail."""
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
        if form.get("form") in _FORMS and reaching.is_offered:
            response = await _reached(request, form, session.sender)
            cookies.put(response, session)
            return response
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

    async def _reached(request: Request, form: Mapping[str, str], sender: str) -> Response:
        own = await _reach(reaching, sender, form)
        history = await channel.history(sender, None)
        response = _page(pages, pages.page(request), history, own=own, status=own.status)
        if own.wait_s is not None:
            response.headers["Retry-After"] = waiting(own.wait_s)
        return response

    async def _not_taken(request: Request, form: Mapping[str, str], sender: str, reply: Reply) -> Response:
        history = await channel.history(sender, None)
        page = replace(pages.page(request), draft=form["text"])
        notice = "\n".join(message["text"] for message in reply.body["messages"])
        return _page(pages, page, history, notice=notice, status=200 if reply.wait_s is None else 429)

    return router


async def _reach(reaching: Reaching, chat: str, form: Mapping[str, str]) -> Reached:
    number, to = form.get("number", ""), form.get("to", "")
    asked = Reached(form["form"])
    try:
        if asked.form == "phone":
            asked = replace(asked, typed=number)
            await reaching.text_code(chat, number, form.get("language", ""))
            return replace(asked, said="codeQueued", typed="")
        if asked.form == "code":
            shown = await reaching.show(chat, form.get("code", ""))
            return replace(asked, said=_SHOWN[shown], status=STATUS[shown])
        asked = replace(asked, typed=to, receipt=number)
        await reaching.send_receipt(chat, number, to, news=form.get("news") == "yes")
        return replace(asked, said="receiptQueued", typed="")
    except TooOften as error:
        return replace(asked, said="reachTooOften", status=429, wait_s=error.wait_s)
    except Refused as refusal:
        said = _FORMS[asked.form] if refusal.status == 422 else "reachFailed"
        return replace(asked, said=said, status=refusal.status)


def _page(
    pages: Pages,
    page: Page,
    history: Mapping[str, Any],
    *,
    notice: str = "",
    own: Reached = NOTHING_REACHED,
    status: int = 200,
) -> Response:
    turns = [{**turn, "messages": [_shown(message) for message in turn["messages"]]} for turn in history["turns"]]
    body = pages.render(
        "plain.html",
        page,
        turns=turns,
        earlier=history["more"],
        is_waiting=any(turn["state"] == "waiting" for turn in turns),
        notice=notice,
        own=own,
    )
    return HTMLResponse(body, status, {"Cache-Control": "no-store"})


def _shown(message: Mapping[str, Any]) -> ShownMessage:
    custom = message.get("custom") or {}
    card = custom.get("card") or {}
    progress, image = custom.get("progress") or {}, custom.get("image")
    paragraphs = [part.strip("\n") for part in re.split(r"\n{2,}", message["text"]) if part.strip()]
    return ShownMessage(
        paragraphs=[list(_pieces(part)) for part in paragraphs],
        buttons=message["buttons"],
        takes=str(custom.get("takes") or ""),
        step=progress.get("step", 0),
        of=progress.get("of", 0),
        image=image if image and str(image.get("src", "")).startswith("/photos/") else None,
        receipt=str(card["lines"][0]["value"]) if card.get("kind") == "receipt" and card.get("lines") else "",
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
