"""What every answer of the portal has in common: security headers, and an end to errors that shows nothing inside."""

from __future__ import annotations

import logging
import traceback

from starlette.datastructures import MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger(__name__)


def policy(*, images: str = "", frame_ancestors: str = "'self'") -> str:
    """The content security policy of a page: only what this portal itself serves.

    Args:
        images: another origin that pictures may come from.
        frame_ancestors: who may show it in a frame.
    """
    pictures = f"'self' {images}".strip()
    return (
        f"default-src 'none'; script-src 'self'; style-src 'self'; img-src {pictures}; connect-src 'self'; "
        "manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'; "
        f"frame-ancestors {frame_ancestors}"
    )


HEADERS = {
    "Content-Security-Policy": policy(),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(self), payment=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}


class Edge:
    """Outermost layer (pure ASGI, so that nothing is buffered or cancelled)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def send_with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        except Exception as error:
            # where it happened, without the exception's own text: that may hold a resident's words
            where = "; ".join(
                f"{f.name} {f.filename}:{f.lineno}" for f in traceback.extract_tb(error.__traceback__)[-4:]
            )
            log.error("unexpected %s at %s", type(error).__name__, where)
            if not started:
                answer = JSONResponse(
                    {
                        "error": "Something went wrong in this service.",
                        "remedy": "Try again. If it stays, tell the operator the time of the error.",
                    },
                    status_code=500,
                    headers={"Cache-Control": "no-store"},
                )
                await answer(scope, receive, send_with_headers)
