"""The portal: everything that faces people and other systems, in one web process.

``uvicorn --factory city311.portal.app:app_from_environment`` starts it.
"""

from __future__ import annotations

import logging
import os
from asyncio import CancelledError, create_task
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from functools import cache
from pathlib import Path

import anyio
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from sqlalchemy import Engine
from starlette.exceptions import HTTPException

from city311 import settings as installation
from city311.channels import configuration, lines, retention, turns, web
from city311.channels.configuration import Lines
from city311.channels.messaging import Messaging, Setting
from city311.channels.outgoing import Pace as SendingPace
from city311.channels.quiet import Quiet
from city311.channels.receipts import Receipts
from city311.channels.relay import Relay
from city311.channels.sessions import Sessions
from city311.channels.stopping import Stopping
from city311.channels.together import Together
from city311.channels.turns import Delivery, Timing
from city311.channels.verifying import Verification
from city311.channels.web import WebChannel
from city311.city.load import load_pack
from city311.city.model import Pack
from city311.language.catalogues import spoken_languages
from city311.language.responses import city_responses
from city311.places import Point, open_places
from city311.portal.cookies import SessionCookies
from city311.portal.edge import Edge
from city311.portal.health import Health, health_router
from city311.portal.hooks import hook_router
from city311.portal.maps import LEAFLET, LEAFLET_ADDRESS, has_map, map_router
from city311.portal.open311 import open311_router
from city311.portal.pages import Map, Pages, version_of
from city311.portal.phones import phone_router
from city311.portal.photos import photo_router
from city311.portal.plain import plain_router
from city311.portal.reaching import Reaching, reaching_router
from city311.portal.shell import shell_router, static_files
from city311.portal.stopping import stop_router
from city311.portal.texts import text_router
from city311.portal.web import channel_router
from city311.requests import Photos
from city311.settings import HOUSE, MissingSetting, Settings
from city311.store import migrate
from city311.store.base import now, open_engine
from city311.store.files import open_files
from city311.store.turns import Pace

log = logging.getLogger(__name__)

PAGES = HOUSE / "web"
STATIC = PAGES / "static"
USUAL_PACE = Pace()
USUAL_TIMING = Timing()
USUAL_SENDING = SendingPace()
NO_LINES = Lines()


def app_from_environment() -> FastAPI:
    """The portal as the environment describes it, its database at the newest schema.

    Beside the settings of :mod:`city311.settings`: ``CITY311_WEB_PER_MINUTE`` and ``CITY311_WEB_BURST``, how many
    messages one chat session may send; ``CITY311_SMS_PER_SECOND`` and ``CITY311_WHATSAPP_PER_SECOND``, how many a line
    of ours may.

    Raises:
        MissingSetting, PackError, DomainError: what is wrong and how to mend it.
    """
    settings = installation.load()
    pack = load_pack(settings.city)
    migrate.upgrade(settings.database_url)
    return create_app(
        settings,
        pack,
        open_engine(settings.database_url),
        pace=_pace(os.environ),
        phone_lines=configuration.load(os.environ),
        sending=_sending(os.environ),
    )


def create_app(
    settings: Settings,
    pack: Pack,
    engine: Engine,
    *,
    domain: Path = HOUSE / "domain.yml",
    pace: Pace = USUAL_PACE,
    timing: Timing = USUAL_TIMING,
    relay_timeout_s: float = 10.0,
    phone_lines: Lines = NO_LINES,
    sending: SendingPace = USUAL_SENDING,
) -> FastAPI:
    """The portal over an engine whose schema is current. ``domain`` is where its words are.

    Raises:
        DomainError: a response that the channels need is missing.
        MissingSetting: a secret is missing.
    """
    languages = spoken_languages(pack)
    responses = city_responses(pack, domain, needed=(*turns.NEEDED, *web.NEEDED, *lines.NEEDED))
    relay = Relay(settings.dialogue_url, settings.secret("CITY311_RELAY_SECRET"), timeout_s=relay_timeout_s)
    photos = Photos(engine, open_files(settings.photos_url))
    stopping = Stopping(engine, settings.secret("CITY311_SENDER_SECRET"), settings.public_url)
    together = Together(engine)
    phones = lines.phones(
        together,
        phone_lines,
        responses,
        photos,
        public_url=settings.public_url,
        quiet=Quiet(pack.city.quiet_from, pack.city.quiet_until, pack.city.timezone),
        pace=sending,
        languages=languages,
        city=pack.say(pack.city.name, languages[0]),
        stopping=stopping,
    )
    delivery = Delivery(
        together, relay, responses, pace=pace, timing=timing, replies=phones.answers, attachments=phones.attachments
    )
    messaging = Messaging(
        Setting(engine, responses, phones.limits, languages, settings.secret("CITY311_SENDER_SECRET")),
        delivery,
        phones.answers,
    )
    reach = lines.reach_of(
        phone_lines, settings.secret("CITY311_SENDER_SECRET"), pack.calendar.country, phones.sender.look
    )
    verification = Verification(engine, responses, phones.limits, reach, settings.secret("CITY311_SENDER_SECRET"))
    channel = WebChannel(delivery, responses, languages=languages, limits=phones.limits, rates=phone_lines.rates.web)
    cookies = SessionCookies(
        Sessions(settings.secret("CITY311_SESSION_SECRET")),
        secure=settings.is_production,
        framed=bool(settings.embed_origins),
    )
    health = Health(settings, engine)
    static = f"/static/{version_of(STATIC)}"
    pages = Pages(PAGES, pack, static=static, map_=_map(settings, pack), reaches=reach.channels)

    @asynccontextmanager
    async def running(_app: FastAPI) -> AsyncIterator[None]:
        tasks = [
            create_task(delivery.run()),
            create_task(phones.sender.run()),
            create_task(retention.run(engine, relay.forget, settings.keep_chats)),
            create_task(_forget_old(photos)),
        ]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
                with suppress(CancelledError):
                    await task
            await together.close()
            await relay.close()
            await phones.attachments.close()
            await health.close()

    app = FastAPI(title="City311 portal", lifespan=running, docs_url=None, redoc_url=None)
    app.add_middleware(Edge)
    app.include_router(
        shell_router(pages, cookies, STATIC, embed_origins=settings.embed_origins, tiles=settings.map_tiles)
    )
    receipts = Receipts(engine, responses, phones.limits, reach)
    reaching = Reaching(verification, receipts, reach, languages)
    app.include_router(plain_router(pages, channel, cookies, reaching))
    app.include_router(channel_router(channel, cookies))
    app.include_router(photo_router(photos, cookies))
    app.include_router(reaching_router(reaching, cookies))
    app.include_router(phone_router(messaging, phones.fates, phone_lines, settings.public_url))
    app.include_router(stop_router(stopping, pages))
    app.include_router(text_router(engine, pages, responses))
    app.include_router(health_router(health))
    app.include_router(hook_router(engine, settings.hook_secret))
    desk = open311_router(pack, engine, f"{settings.public_url}/open311/v2", _zip_finder(settings, pack))
    app.include_router(desk, prefix="/open311/v2")
    app.include_router(map_router(pack))
    app.mount(LEAFLET_ADDRESS, static_files(Path(LEAFLET), lasting=True), name="leaflet")
    app.mount(static, static_files(STATIC, lasting=settings.is_production), name="static")

    @app.exception_handler(HTTPException)
    async def plain(request: Request, error: HTTPException) -> Response:
        if error.status_code == 404 and "text/html" in request.headers.get("accept", ""):
            return HTMLResponse(pages.render("not_found.html", pages.page(request)), status_code=404)
        remedies = {404: "Check the address.", 405: "Use a method that this address takes (see the Allow header)."}
        return JSONResponse(
            {"error": str(error.detail), "remedy": remedies.get(error.status_code, "Check the request.")},
            status_code=error.status_code,
            headers=error.headers,
        )

    return app


def _zip_finder(settings: Settings, pack: Pack) -> Callable[[float, float], str]:
    """Finds ZIP codes on the city's map, which is opened when the first is looked for."""
    places = cache(lambda: open_places(pack, settings.data))

    def zip_of(lat: float, long: float) -> str:
        known = places()
        return known.zip_at(Point(lat, long)) if known is not None else ""

    return zip_of


def _map(settings: Settings, pack: Pack) -> Map | None:
    """What the chat page needs to know of the map; None where there is none to show."""
    if not has_map(pack):
        return None
    return Map(LEAFLET_ADDRESS, settings.map_tiles, settings.map_credit)


async def _forget_old(photos: Photos) -> None:
    """Deletes photos that no report came to, once an hour."""
    while True:
        try:
            await anyio.to_thread.run_sync(photos.forget_old, now())
        except Exception as error:  # the database or the file store is away: the next hour will do
            log.warning("photos could not be cleared away: %s", type(error).__name__)
        await anyio.sleep(3600)


def _pace(environment: Mapping[str, str]) -> Pace:
    return Pace(
        per_minute=_count(environment, "CITY311_WEB_PER_MINUTE", USUAL_PACE.per_minute),
        burst=_count(environment, "CITY311_WEB_BURST", USUAL_PACE.burst),
    )


def _sending(environment: Mapping[str, str]) -> SendingPace:
    return SendingPace(
        per_second={
            channel: _count(environment, f"CITY311_{channel.upper()}_PER_SECOND", usual)
            for channel, usual in USUAL_SENDING.per_second.items()
        }
    )


def _count(environment: Mapping[str, str], name: str, default: float) -> float:
    text = environment.get(name, "")
    if not text:
        return default
    if not text.isascii() or not text.isdecimal() or int(text) < 1:
        raise MissingSetting(f"{name} is {text!r}; it must be a whole number from 1.")
    return float(text)
