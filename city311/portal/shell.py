"""The chat page, and what a browser needs around it: styles and scripts, the installable app, the script that other
sites embed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, HTMLResponse, PlainTextResponse, Response
from starlette.middleware.gzip import GZipMiddleware
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from city311.portal.cookies import SessionCookies
from city311.portal.edge import policy
from city311.portal.pages import Page, Pages

_REVALIDATE = {"Cache-Control": "no-cache"}


def shell_router(
    pages: Pages, cookies: SessionCookies, static: Path, *, embed_origins: Sequence[str], tiles: str
) -> APIRouter:
    """The chat page ``/``, the same for frames ``/embedded``, ``/widget.js``, the app's manifest and worker.

    ``tiles``: address of the map's tiles, empty for none; pages may load pictures from there.
    """
    router = APIRouter(include_in_schema=False)
    images = "{0.scheme}://{0.netloc}".format(urlsplit(tiles)) if tiles else ""
    alone = policy(images=images)
    framed = policy(images=images, frame_ancestors=" ".join(["'self'", *embed_origins]))

    def shown(request: Request, page: Page, policy_: str) -> HTMLResponse:
        headers = {**_REVALIDATE, "Content-Security-Policy": policy_}
        response = HTMLResponse(pages.render("chat.html", page), headers=headers)
        if chosen := pages.chosen(request):
            cookies.keep_language(response, chosen)
        return response

    @router.get("/")
    async def chat(request: Request) -> HTMLResponse:
        return shown(request, pages.page(request), alone)

    @router.get("/embedded")
    async def embedded(request: Request) -> HTMLResponse:
        return shown(request, pages.embedded(request), framed)

    @router.get("/widget.js")
    async def widget(request: Request) -> Response:
        words = pages.render("widget_words.html", pages.page(request)).strip()
        script = (static / "widget.js").read_text(encoding="utf-8")
        return Response(f"(() => {{\nconst words = {words};\n{script}}})();\n", 200, _REVALIDATE, "text/javascript")

    @router.get("/worker.js")
    async def worker() -> FileResponse:
        # served from the top, as a worker can only look after addresses below its own
        return FileResponse(static / "worker.js", headers=_REVALIDATE, media_type="text/javascript")

    @router.get("/manifest.webmanifest")
    async def manifest(request: Request) -> Response:
        document = pages.render("manifest.html", pages.page(request))
        return Response(document, 200, _REVALIDATE, "application/manifest+json")

    @router.get("/robots.txt")
    async def robots() -> PlainTextResponse:
        return PlainTextResponse(
            "User-agent: *\nAllow: /$\nDisallow: /channels/\nDisallow: /healthz\nDisallow: /texts/\nDisallow: /stop/\n"
        )

    return router


def static_files(folder: Path, *, lasting: bool) -> ASGIApp:
    """The files in ``folder``, compressed. ``lasting``: their address changes with them, so a browser keeps them."""
    age = b"public, max-age=31536000, immutable" if lasting else b"no-cache"
    files = GZipMiddleware(StaticFiles(directory=folder), minimum_size=500)

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        async def with_age(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] in (200, 304):
                message["headers"] = [*message["headers"], (b"cache-control", age)]
            await send(message)

        await files(scope, receive, with_age)

    return serve
