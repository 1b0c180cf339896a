"""HTTP of what the chat page does with a resident's own phone or e-mail: showing that a phone is theirs, and sending a
receipt."""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel

from city311.channels.reaching import Reach, TooOften
from city311.channels.receipts import NoReceipt, Receipts
from city311.channels.verifying import Verification
from city311.portal.cookies import SessionCookies
from city311.portal.web import AnsweringRoute, Problem, Refused, json_body
from city311.store.verified import Shown

_CODE = re.compile(r"[0-9]{6}")
_REQUEST = re.compile(r"[A-Za-z0-9-]{1,40}")
_STATUS = {Shown.RIGHT: 200, Shown.WRONG: 403, Shown.OVER: 410}


class Outcome(BaseModel):
    """``queued``: it is stored and will be sent. ``right``, ``wrong`` or ``over``: of a code that was shown."""

    state: str


class _ReachingRoute(AnsweringRoute):
    """Its handlers may also raise ``TooOften``."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def answered(request: Request) -> Response:
            try:
                return await handle(request)
            except TooOften as error:
                refused = Refused(429, "That was asked for too often.", "Wait a while, then try again.").response()
                refused.headers["Retry-After"] = str(max(1, round(error.wait_s)))
                return refused

        return answered


def reaching_router(
    verification: Verification, receipts: Receipts, reach: Reach, cookies: SessionCookies, languages: tuple[str, ...]
) -> APIRouter:
    """``/channels/web/phone``, ``…/phone/code`` and ``…/receipt``; where nothing can be sent, there are none (404)."""
    router = APIRouter(
        prefix="/channels/web",
        route_class=_ReachingRoute,
        tags=["web channel"],
        responses={code: {"model": Problem} for code in (400, 403, 404, 410, 413, 415, 422, 429, 503)},
    )
    if not reach.channels:
        return router

    @router.post("/phone", response_model=Outcome, summary="Have a code texted to a phone")
    async def ask(request: Request) -> Response:
        """``{"number": …, "language": …}``. Whether the phone takes texts from us is not told."""
        session = cookies.open(request)
        body = await _fields(request, "number")
        number = reach.number(body["number"])
        if number is None:
            raise Refused(422, "This is no phone number that can be texted.", "Write it with its area code.")
        asked = body.get("language", "")
        await verification.ask(session.sender, number, asked if asked in languages else languages[0])
        return cookies.answer({"state": "queued"}, session)

    @router.post("/phone/code", response_model=Outcome, summary="Show the code that was texted")
    async def show(request: Request) -> Response:
        """``{"code": …}``. The right one makes the phone's requests this chat's, too."""
        session = cookies.open(request)
        body = await _fields(request, "code")
        code = "".join(body["code"].split())
        shown = await verification.show(session.sender, code) if _CODE.fullmatch(code) else Shown.WRONG
        return cookies.answer({"state": shown.value}, session, _STATUS[shown])

    @router.post("/receipt", response_model=Outcome, summary="Send a receipt by e-mail or text")
    async def receipt(request: Request) -> Response:
        """``{"number": <of the report>, "to": <e-mail address or phone>}``; with ``"news": "yes"`` what becomes of the
        report is told there, too. A report of another chat is not found."""
        session = cookies.open(request)
        body = await _fields(request, "number", "to")
        way = reach.way(body["to"])
        if way is None:
            raise Refused(422, "This is no e-mail address or phone that can be reached.", "Check it for mistakes.")
        try:
            if not _REQUEST.fullmatch(body["number"]):
                raise NoReceipt
            await receipts.send(session.sender, body["number"], way, news=body.get("news") == "yes")
        except NoReceipt:
            raise Refused(404, "This chat has no receipt with that number.", "Check the number.") from None
        return cookies.answer({"state": "queued"}, session)

    return router


async def _fields(request: Request, *names: str) -> dict[str, str]:
    """The body's texts; those of ``names`` are there.

    Raises:
        Refused: it is of another shape.
    """
    body: Any = await json_body(request)
    if not isinstance(body, dict) or not all(isinstance(body.get(name), str) for name in names):
        raise Refused(422, "A field is missing or not a string.", f"Send an object with {', '.join(names)}.")
    return {name: value for name, value in body.items() if isinstance(value, str)}
