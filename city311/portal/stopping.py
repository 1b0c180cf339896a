"""The page behind the link by which e-mail is stopped. Opening it changes nothing: programs open links, too."""

from __future__ import annotations

import anyio.to_thread
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response
from starlette.exceptions import HTTPException

from city311.channels.stopping import Stopping
from city311.portal.pages import Pages


def stop_router(stopping: Stopping, pages: Pages) -> APIRouter:
    """``/stop/<token>``: GET asks, POST stops (also for mail programs, RFC 8058)."""
    router = APIRouter(include_in_schema=False)

    @router.get("/stop/{token}")
    async def ask(request: Request, token: str) -> Response:
        if stopping.reader(token) is None:
            raise HTTPException(404)
        return _page(request, stopped=False)

    @router.post("/stop/{token}")
    async def stop(request: Request, token: str) -> Response:
        sender = stopping.reader(token)
        if sender is None:
            raise HTTPException(404)
        await anyio.to_thread.run_sync(stopping.stop, sender)
        return _page(request, stopped=True)

    def _page(request: Request, *, stopped: bool) -> Response:
        page = pages.render("stop.html", pages.page(request), stopped=stopped)
        return HTMLResponse(page, headers={"Cache-Control": "no-store"})

    return router
