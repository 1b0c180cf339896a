"""What the chat does with a resident's own phone or e-mail: showing that a phone is theirs, and sending a receipt."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel

from city311.channels.reaching import Reach
from city311.channels.receipts import NoReceipt, Receipts
from city311.channels.verifying import Verification
from city311.portal.cookies import SessionCookies
from city311.portal.web import AnsweringRoute, Problem, Refused, json_body
from city311.store.verified import Shown

_CODE = re.compile(r"[0-9]{6}")
_REQUEST = re.compile(r"[A-Za-z0-9-]{1,40}")
STATUS = {Shown.RIGHT: 200, Shown.WRONG: 403, Shown.OVER: 410}
"""Of the answer to a code that was shown."""


class Outcome(BaseModel):
    """``queued``: it is stored and will be sent. ``right``, ``wrong`` or ``over``: of a code that was shown."""

    state: str


@dataclass(frozen=True)
class Reaching:
    """What a chat can have sent to its resident's own phone or e-mail, from what they typed. ``languages``: those that
    they can be written to in, the city's own first."""

    verification: Verification
    receipts: Receipts
    reach: Reach
    languages: tuple[str, ...]

    @property
    def is_offered(self) -> bool:
        """Whether there is anything to send with."""
        return bool(self.reach.channels)

    async def text_code(self, chat: str, typed: str, language: str) -> None:
        """Have a code texted to the phone. Whether it takes texts from us is not told.

        Raises:
            Refused: it is none (422). TooOften: nothing was done.
        """
        number = self.reach.number(typed)
        if number is None:
            raise Refused(422, "This is no phone number that can be texted.", "Write it with its area code.")
        await self.verification.ask(chat, number, language if language in self.languages else self.languages[0])

    async def show(self, chat: str, typed: str) -> Shown:
        """Whether that is the code; the right one makes the phone's requests this chat's, too.

        Raises:
            TooOften: it was not looked at.
        """
        code = "".join(typed.split())
        return await self.verification.show(chat, code) if _CODE.fullmatch(code) else Shown.WRONG

    async def send_receipt(self, chat: str, number: str, to: str, *, news: bool) -> None:
        """Send the receipt for the report ``number``; with ``news`` what becomes of it is told there, too.

        Raises:
            Refused: nothing can be sent there (422), or this chat has no such receipt (404).
            TooOften: nothing was done.
        """
        way = self.reach.way(to)
        if way is None:
            raise Refused(422, "This is no e-mail address or phone that can be reached.", "Check it for mistakes.")
        try:
            if not _REQUEST.fullmatch(number):
                raise NoReceipt
            await self.receipts.send(chat, number, way, news=news)
        except NoReceipt:
            raise Refused(404, "This chat has no receipt with that number.", "Check the number.") from None


def reaching_router(reaching: Reaching, cookies: SessionCookies) -> APIRouter:
    """``/channels/web/phone``, ``…/phone/code`` and ``…/receipt``; where nothing can be sent, there are none (404)."""
    router = APIRouter(
        prefix="/channels/web",
        route_class=AnsweringRoute,
        tags=["web channel"],
        responses={code: {"model": Problem} for code in (400, 403, 404, 410, 413, 415, 422, 429, 503)},
    )
    if not reaching.is_offered:
        return router

    @router.post("/phone", response_model=Outcome, summary="Have a code texted to a phone")
    async def ask(request: Request) -> Response:
        """``{"number": …, "language": …}``. Whether the phone takes texts from us is not told."""
        session = cookies.open(request)
        body = await _fields(request, "number")
        await reaching.text_code(session.sender, body["number"], body.get("language", ""))
        return cookies.answer({"state": "queued"}, session)

    @router.post("/phone/code", response_model=Outcome, summary="Show the code that was texted")
    async def show(request: Request) -> Response:
        """``{"code": …}``. The right one makes the phone's requests this chat's, too."""
        session = cookies.open(request)
        body = await _fields(request, "code")
        shown = await reaching.show(session.sender, body["code"])
        return cookies.answer({"state": shown.value}, session, STATUS[shown])

    @router.post("/receipt", response_model=Outcome, summary="Send a receipt by e-mail or text")
    async def receipt(request: Request) -> Response:
        """``{"number": <of the report>, "to": <e-mail address or phone>}``; with ``"news": "yes"`` what becomes of the
        report is told there, too. A report of another chat is not found."""
        session = cookies.open(request)
        body = await _fields(request, "number", "to")
        await reaching.send_receipt(session.sender, body["number"], body["to"], news=body.get("news") == "yes")
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
