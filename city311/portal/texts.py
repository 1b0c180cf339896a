"""The page that a shortened text message links to. Who has the link may read it, for a week."""

from __future__ import annotations

import re
from datetime import timedelta

import anyio.to_thread
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from sqlalchemy import Engine, select
from starlette.exceptions import HTTPException

from city311.channels.sms import written
from city311.language.responses import Responses
from city311.portal.pages import Pages
from city311.store import correspondents
from city311.store.base import now, reading
from city311.store.outgoing import OutgoingMessage

_KEY = re.compile(r"[A-Za-z0-9_-]{20,64}")
_SHOWN_FOR = timedelta(days=7)


def text_router(engine: Engine, pages: Pages, responses: Responses) -> APIRouter:
    """``GET /texts/<secret>``."""
    router = APIRouter(include_in_schema=False)

    def content(key: str) -> list[str] | None:
        if not _KEY.fullmatch(key):
            return None
        with reading(engine) as session:
            row = session.scalar(select(OutgoingMessage).where(OutgoingMessage.page == key))
            if row is None or now() - row.created_at > _SHOWN_FOR:
                return None
            language = correspondents.language_of(session, row.sender)
        words, below = written(row.content["messages"], responses.in_language(language))
        return [line for line in f"{words}\n{below}".split("\n") if line]

    @router.get("/texts/{key}")
    async def text(request: Request, key: str) -> HTMLResponse:
        lines = await anyio.to_thread.run_sync(content, key)
        if lines is None:
            raise HTTPException(404)
        page = pages.render("text.html", pages.page(request), lines=lines)
        return HTMLResponse(page, headers={"Cache-Control": "no-store"})

    return router
