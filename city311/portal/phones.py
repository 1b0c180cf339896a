"""HTTP of SMS and WhatsApp: the webhooks that providers call. A line that is not set up does not exist (404)."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse, Response
from sqlalchemy.exc import SQLAlchemyError

from city311.channels import meta, twilio, twochat
from city311.channels.configuration import Lines
from city311.channels.messaging import Messaging
from city311.channels.received import SMS, WHATSAPP, Fate, Forged, Received, Unreadable
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


def phone_router(messaging: Messaging, tell: Tell, lines: Lines, public_url: str) -> APIRouter:
    """``/channels/sms/twilio`` and ``/channels/whatsapp/…`` for the lines that are set up.

    Args:
        tell: what a provider says became of a message of ours.
        public_url: our address as providers call it, which Twilio signs.
    """
    router = APIRouter(prefix="/channels", tags=["phone channels"])
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
        try:
            body = await _body(request, "application/x-www-form-urlencoded")
            query = f"?{request.url.query}" if request.url.query else ""
            url = f"{public_url}{request.url.path}{query}"
            read = twilio.read(account, channel, url, body, request.headers.get("x-twilio-signature", ""))
            await _handle(messaging, tell, read)
        except Refused as refusal:
            return Response(status_code=refusal.status)
        except (Forged, Unreadable) as error:
            return _not_taken(f"{channel}_twilio", error)
        except SQLAlchemyError as error:
            return _no_database(error)
        return Response(_TWIML, media_type="text/xml")

    router.post(f"/{channel}/twilio", summary=f"Twilio brings a message ({channel})")(receive)
    router.post(f"/{channel}/twilio/status", summary="Twilio tells what became of a message")(receive)


def _meta(router: APIRouter, messaging: Messaging, tell: Tell, account: meta.Account) -> None:
    @router.get("/whatsapp/meta", summary="Meta checks the webhook")
    async def check(request: Request) -> Response:
        asked = request.query_params
        try:
            answer = meta.challenge(
                account, asked.get("hub.mode", ""), asked.get("hub.verify_token", ""), asked.get("hub.challenge", "")
            )
        except Forged as error:
            return _not_taken("whatsapp_meta", error)
        return PlainTextResponse(answer)

    @router.post("/whatsapp/meta", summary="Meta brings messages and news of messages")
    async def receive(request: Request) -> Response:
        try:
            body = await _body(request, "application/json", _LARGEST_BATCH)
            for read in meta.read(account, body, request.headers.get("x-hub-signature-256", ""), now()):
                await _handle(messaging, tell, read)
        except Refused as refusal:
            return Response(status_code=refusal.status)
        except (Forged, Unreadable) as error:
            return _not_taken("whatsapp_meta", error)
        except SQLAlchemyError as error:
            return _no_database(error)
        return Response(status_code=200)


def _twochat(router: APIRouter, messaging: Messaging, tell: Tell, account: twochat.Account) -> None:
    @router.post(
        "/whatsapp/2chat/{token}", summary="2Chat brings messages and news of messages", include_in_schema=False
    )
    async def receive(request: Request, token: str) -> Response:
        try:
            body = await _body(request, "application/json")
            await _handle(messaging, tell, twochat.read(account, token, body))
        except Refused as refusal:
            return Response(status_code=refusal.status)
        except Forged:
            return Response(status_code=404)  # without the token there is nothing here
        except Unreadable as error:
            return _not_taken("whatsapp_2chat", error)
        except SQLAlchemyError as error:
            return _no_database(error)
        return Response(status_code=200)


async def _handle(messaging: Messaging, tell: Tell, read: Received | Fate | None) -> None:
    if isinstance(read, Received):
        taken = await messaging.receive(read)
        log.info("%s by %s: %s", read.channel, read.provider, taken.name.lower())
    elif isinstance(read, Fate):
        await tell(read)


def _not_taken(where: str, error: Exception) -> Response:
    log.warning("%s: refused, %s", where, error)
    return Response(status_code=403 if isinstance(error, Forged) else 400)


def _no_database(error: SQLAlchemyError) -> Response:
    # the exception's text holds the statement's values, so only its kind is logged
    log.error("the database refused: %s", type(error).__name__)
    return Response(status_code=503, headers={"Retry-After": "5"})


async def _body(request: Request, content_type: str, largest: int = LARGEST_BODY) -> bytes:
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if given != content_type:
        raise Refused(415)
    declared = request.headers.get("content-length", "0")
    if not declared.isdecimal() or int(declared[:12]) > largest:
        raise Refused(413)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > largest:
            raise Refused(413)
    return bytes(body)
