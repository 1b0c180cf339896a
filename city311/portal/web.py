"""HTTP of the web channel (``/channels/web/…``)."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel
from sqlalchemy.exc import SQLAlchemyError

from city311.channels.reaching import TooOften
from city311.channels.relay import RelayUnavailable
from city311.channels.sessions import Session
from city311.channels.web import BadMessage, Reply, WebChannel, Written, read_after, read_message
from city311.portal.bodies import TooLarge, body_of
from city311.portal.cookies import SessionCookies, named
from city311.store.erasing import StillAtWork
from city311.store.turns import ConversationEnded

log = logging.getLogger(__name__)

LARGEST_BODY = 64 * 1024
"""Bytes of a request's body."""


class Shown(BaseModel):
    """A turn. While it is ``waiting``, ``messages`` holds the notice that it is kept, or nothing. ``photos``: how many
    came with it."""

    turn: str | None
    id: str
    seq: int | None
    text: str | None
    state: str
    messages: list[dict[str, Any]]
    location: dict[str, float] | None
    photos: int


class Answered(Shown):
    """A turn, and whether its session was ``new`` or ``resumed``. A message that was not taken has no ``turn``.

    ``conversation`` names the conversation: another name means that the earlier one has ended.
    """

    session: str
    conversation: str


class History(BaseModel):
    """Turns, oldest first. ``more``: there are later ones (or earlier ones, when ``after`` was not given)."""

    turns: list[Shown]
    more: bool
    conversation: str


class Opened(BaseModel):
    """``new`` or ``resumed``; and the conversation's name."""

    session: str
    conversation: str


class Problem(BaseModel):
    """What is wrong with the request and what to do about it."""

    error: str
    remedy: str


class Refused(Exception):
    """The request is answered with an error of that status."""

    def __init__(self, status: int, error: str, remedy: str) -> None:
        super().__init__(error)
        self.status = status
        self.remedy = remedy

    def response(self) -> JSONResponse:
        """``{"error": …, "remedy": …}``."""
        return JSONResponse(
            {"error": str(self), "remedy": self.remedy}, status_code=self.status, headers={"Cache-Control": "no-store"}
        )


class AnsweringRoute(APIRoute):
    """A route whose handler may raise :class:`Refused`, ``BadMessage``, ``TooOften`` or the database's errors; each is
    answered."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def answered(request: Request) -> Response:
            try:
                return await handle(request)
            except Refused as refusal:
                return refusal.response()
            except BadMessage as bad:
                return Refused(422, str(bad), bad.remedy).response()
            except TooOften as error:
                refused = Refused(429, "That was asked for too often.", "Wait a while, then try again.").response()
                refused.headers["Retry-After"] = waiting(error.wait_s)
                return refused
            except SQLAlchemyError as error:
                return no_database(error)

        return answered


def channel_router(channel: WebChannel, cookies: SessionCookies) -> APIRouter:
    """Session, messages and history of the web channel."""
    router = APIRouter(
        prefix="/channels/web",
        route_class=AnsweringRoute,
        tags=["web channel"],
        responses={code: {"model": Problem} for code in (400, 403, 413, 415, 422, 503)},
    )

    @router.post("/session", response_model=Opened, summary="Open or resume a session")
    async def open_or_resume(request: Request) -> Response:
        """The sender id is made here and travels in a signed cookie; a body of ``{}`` is all that is needed."""
        await json_body(request)
        session = cookies.open(request)
        return cookies.answer(named({"session": "new" if session.is_new else "resumed"}, session), session)

    @router.post(
        "/messages",
        response_model=Answered,
        responses={429: {"model": Answered}},
        summary="Send a message",
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {
                    "application/json": {
                        "schema": {
                            "type": "object",
                            "required": ["id", "text"],
                            "properties": {
                                "id": {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$"},
                                "text": {"type": "string"},
                                "photos": {"type": "array", "items": {"type": "string"}},
                                "location": {
                                    "type": "object",
                                    "required": ["lat", "lon"],
                                    "properties": {
                                        "lat": {"type": "number", "minimum": -90, "maximum": 90},
                                        "lon": {"type": "number", "minimum": -180, "maximum": 180},
                                    },
                                },
                                "language": {"type": "string"},
                            },
                        }
                    }
                },
            }
        },
    )
    async def send(request: Request) -> Response:
        """A repeated ``id`` gives the turn that it made first. ``waiting`` means: kept, the answer comes later."""
        session = cookies.open(request)
        written = read_message(await json_body(request))
        session, reply = await received(channel, cookies, session, written)
        body = named({**reply.body, "session": "new" if session.is_new else "resumed"}, session)
        if reply.wait_s is not None:
            return cookies.answer(body, session, 429, {"Retry-After": waiting(reply.wait_s)})
        return cookies.answer(body, session)

    @router.post("/erase", response_model=Opened, responses={409: {"model": Problem}}, summary="Erase the conversation")
    async def erase(request: Request) -> Response:
        """Deletes the messages of both sides. The session is dead afterwards; the answer carries a new one."""
        session = cookies.open(request)
        await json_body(request)
        try:
            await channel.erase(session.sender)
        except StillAtWork:
            raise Refused(409, "An answer is still on its way.", "Wait for it, then try again.") from None
        except RelayUnavailable:
            log.error("a conversation could not be erased: the dialogue process does not answer")
            raise Refused(503, "It could not be erased now.", "Try again in a few minutes.") from None
        fresh = cookies.fresh()
        return cookies.answer(named({"session": "new"}, fresh), fresh)

    @router.get("/messages", response_model=History, summary="History, and answers that came late")
    async def history(request: Request) -> Response:
        """Turns after the sequence number ``after``; without it the latest ones."""
        session = cookies.open(request)
        body = await channel.history(session.sender, read_after(request.query_params.get("after")))
        return cookies.answer(named(body, session), session)

    return router


async def received(
    channel: WebChannel, cookies: SessionCookies, session: Session, written: Written
) -> tuple[Session, Reply]:
    """Hands a message to the channel. Where its conversation was erased, a new one begins with it."""
    try:
        return session, await channel.receive(session.sender, written)
    except ConversationEnded:
        fresh = cookies.fresh()
        return fresh, await channel.receive(fresh.sender, written)


def waiting(seconds: float) -> str:
    """The value of the header ``Retry-After``."""
    return str(max(1, round(seconds)))


def no_database(error: SQLAlchemyError) -> JSONResponse:
    """The answer when the database refuses."""
    # the exception's text holds the statement's values, so only its kind is logged
    log.error("the database refused: %s", type(error).__name__)
    return Refused(
        503, "The message could not be stored, so it was not taken.", "Send it again with the same 'id'."
    ).response()


async def json_body(request: Request) -> object:
    """The parsed body of a request that one of our own pages made.

    Raises:
        Refused: another site sent it, or it is not JSON, or too large.
    """
    check_origin(request)
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise Refused(415, "The body is not declared as JSON.", "Send the header Content-Type: application/json.")
    body = await read_body(request, LARGEST_BODY)
    try:
        return json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError):
        raise Refused(
            400, "The body is not valid JSON in UTF-8.", 'Send an object such as {"id": "…", "text": "…"}.'
        ) from None


async def read_body(request: Request, largest: int, too_large: Refused | None = None) -> bytes:
    """The body of a request.

    Raises:
        Refused: it is larger than ``largest`` bytes (``too_large``, where given); the rest is not read.
    """
    try:
        return await body_of(request, largest)
    except TooLarge:
        raise too_large or Refused(
            413, "The body is larger than 64 kB.", "Send less; a message has 1,000 characters at most."
        ) from None


def check_origin(request: Request) -> None:
    """Let through what one of our own pages sends, or a client that is no browser.

    Raises:
        Refused: another site sent it.
    """
    # Browsers set both headers themselves; a client without them is no browser and carries nobody's cookie.
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    if site is not None:
        same = site == "same-origin"
    elif origin is not None:
        same = urlsplit(origin).netloc == request.headers.get("host", "")
    else:
        same = True
    if not same:
        raise Refused(403, "The request comes from another site.", "Use the chat page of this address.")
