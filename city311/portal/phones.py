"""HTTP of SMS and WhatsApp: the webhooks that providers call. A line that is not set up does not exist (404)."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse, Response
from fastapi.routing import APIRoute
from sqlalchemy.exc import SQLAlchemyError

from city311.channels import meta, twilio, twochat
from city311.channels.configuration import Lines
from city311.channels.messaging import Messaging
from city311.channels.received import SMS, WHATSAPP, Fate, Forged, Received, Unreadable
from city311.portal.bodies import TooLarge, body_of
from city311.store.base import now

log = logging.getLogger(__name__)

LARGEST_BODY = 64 * 1024
"""Bytes of a webhook's body."""
_LARGEST_BATCH = 3 * 1024 * 1024
"""Meta brings messages and news of messages in batches of up to 3 MB."""

Tell = Callable[[Fate], Awaitable[None]]
"""Takes what a provider says became of a message of ours."""

_TWIML = "<Response/>"


class Refused(Exception):
    """The request is answered with that status and nothing else: providers read no words."""

    def __init__(self, status: int) -> None:
        super().__init__(str(status))
        self.status = status


class _WebhookRoute(APIRoute):
    """A route of a provider, by whose name the log knows it. Its handler may raise :class:`Refused`, ``Forged``,
    ``Unreadable`` or the database's errors; each is answered with a status."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def answered(request: Request) -> Response:
            try:
                return await handle(request)
            except Refused as refusal:
                return Response(status_code=refusal.status)
            except (Forged, Unreadable) as error:
                log.warning("%s: refused, %s", self.name, error)
                return Response(status_code=403 if isinstance(error, Forged) else 400)
            except SQLAlchemyError as error:
                # the exception's text holds the statement's values, so only its kind is logged
                log.error("the database refused: %s", type(error).__name__)
                return Response(status_code=503, headers={"Retry-After": "5"})

        return answered


def phone_router(messaging: Messaging, tell: Tell, lines: Lines, public_url: str) -> APIRouter:
    """``/channels/sms/twilio`` and ``/channels/whatsapp/…`` for the lines that are set up.

    Args:
        tell: what a provider says became of a message of ours.
        public_url: our address as providers call it, which Twilio signs.
    """
    router = APIRouter(prefix="/channels", tags=["phone channels"], route_class=_WebhookRoute)
    if lines.twilio is not None:
        if lines.twilio.sms:
            _twilio(router, messaging, tell, lines.twilio, SMS, public_url)
        if lines.twilio.whatsapp:
            _twilio(router, messaging, tell, lines.twilio, WHATSAPP, public_url)
    if lines.meta is not None:
        _meta(router, messaging, tell, lines.meta)
    if lines.twochat is not None:
        _twochat(router, messaging, tell, lines.twochat)
    return router


def _twilio(
    router: APIRouter,
    messaging: Messaging,
    tell: Tell,
    account: twilio.Account,
    channel: str,
    public_url: str,
) -> None:
    async def receive(request: Request) -> Response:
        body = await _body(request, "application/x-www-form-urlencoded")
        query = f"?{request.url.query}" if request.url.query else ""
        url = f"{public_url}{request.url.path}{query}"
        read = twilio.read(account, channel, url, body, request.headers.get("x-twilio-signature", ""))
        await _handle(messaging, tell, read)
        return Response(_TWIML, media_type="text/xml")

    path, name = f"/{channel}/twilio", f"{channel}_twilio"
    router.post(path, name=name, summary=f"Twilio brings a message ({channel})")(receive)
    router.post(f"{path}/status", name=name, summary="Twilio tells what became of a message")(receive)


def _meta(router: APIRouter, messaging: Messaging, tell: Tell, account: meta.Account) -> None:
    @router.get("/whatsapp/meta", name="whatsapp_meta", summary="Meta checks the webhook")
    async def check(request: Request) -> Response:
        asked = request.query_params
        answer = meta.challenge(
            account, asked.get("hub.mode", ""), asked.get("hub.verify_token", ""), asked.get("hub.challenge", "")
        )
        return PlainTextResponse(answer)

    @router.post("/whatsapp/meta", name="whatsapp_meta", summary="Meta brings messages and news of messages")
    async def receive(request: Request) -> Response:
        body = await _body(request, "application/json", _LARGEST_BATCH)
        for read in meta.read(account, body, request.headers.get("x-hub-signature-256", ""), now()):
            await _handle(messaging, tell, read)
        return Response(status_code=200)


def _twochat(router: APIRouter, messaging: Messaging, tell: Tell, account: twochat.Account) -> None:
    @router.post("/whatsapp/2chat/{token}", name="whatsapp_2chat", include_in_schema=False)
    async def receive(request: Request, token: str) -> Response:
        body = await _body(request, "application/json")
        try:
            read = twochat.read(account, token, body)
        except Forged:
            raise Refused(404) from None  # without the token there is nothing here
        await _handle(messaging, tell, read)
        return Response(status_code=200)


async def _handle(messaging: Messaging, tell: Tell, read: Received | Fate | None) -> None:
    if isinstance(read, Received):
        taken = await messaging.receive(read)
        log.info("%s by %s: %s", read.channel, read.provider, taken.name.lower())
    elif isinstance(read, Fate):
        await tell(read)


async def _body(request: Request, content_type: str, largest: int = LARGEST_BODY) -> bytes:
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if given != content_type:
        raise Refused(415)
    try:
        return await body_of(request, largest)
    except TooLarge:
        raise Refused(413) from None
