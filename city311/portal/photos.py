"""HTTP of photos: taking one from the chat page, and showing it to whoever has its link."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable

import anyio
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel
from sqlalchemy.exc import SQLAlchemyError

from city311.portal.cookies import SessionCookies
from city311.portal.web import AnsweringRoute, Problem, Refused, check_origin, read_body
from city311.requests import BadPicture, Fault, Photos, TooManyPhotos
from city311.requests.pictures import LARGEST_BYTES
from city311.store.base import now
from city311.store.files import StoreFailed

log = logging.getLogger(__name__)

_KEY = re.compile(r"[A-Za-z0-9_-]{20,64}")
_AT_ONCE = 2  # decoding a photo takes up to 200 MB
_FAULTS = {
    Fault.TOO_LARGE: (413, "The photo is too large.", "Send one of at most 15 MB and 60 million pixels."),
    Fault.NOT_A_PHOTO: (415, "The file is no photo that can be shown.", "Send a JPEG, PNG, WebP or GIF."),
    Fault.BROKEN: (422, "The photo is damaged or not whole.", "Take it again, or send another one."),
}
_FULL = (429, "There are many photos here that belong to no report yet.", "Finish your report first.")
_NO_STORE = (503, "The photo could not be stored, so it was not taken.", "Send it again in a minute.")


class Uploaded(BaseModel):
    """A photo that was kept. ``id`` goes into ``photos`` of a message. ``position``: the camera's own, where it says
    one, as ``[lat, lon]`` in WGS 84 degrees; it is used only if the resident agrees."""

    id: str
    link: str
    small_link: str
    width: int
    height: int
    position: tuple[float, float] | None


def photo_router(photos: Photos, cookies: SessionCookies) -> APIRouter:
    """``POST /channels/web/photos``, ``GET /photos/….jpg`` and ``GET /photos/shown/….jpg``."""
    router = APIRouter(route_class=AnsweringRoute)
    decoding = anyio.CapacityLimiter(_AT_ONCE)

    @router.post(
        "/channels/web/photos",
        response_model=Uploaded,
        tags=["web channel"],
        responses={code: {"model": Problem} for code in (400, 403, 413, 415, 422, 429, 503)},
        summary="Upload one photo",
        openapi_extra={"requestBody": {"required": True, "content": {"image/*": {}, "application/octet-stream": {}}}},
    )
    async def upload(request: Request) -> Response:
        """The body is the file itself. The same file again gives the photo that is there."""
        session = cookies.open(request)
        check_origin(request)
        sent = await _file(request)
        try:
            kept = await anyio.to_thread.run_sync(photos.keep, sent, session.sender, now(), limiter=decoding)
        except BadPicture as bad:
            raise Refused(*_FAULTS[bad.fault]) from None
        except TooManyPhotos:
            raise Refused(*_FULL) from None
        except (SQLAlchemyError, *StoreFailed) as error:
            # the text of the error may hold an address or a key
            log.error("a photo could not be stored: %s", type(error).__name__)
            raise Refused(*_NO_STORE) from None
        body = Uploaded.model_validate(kept, from_attributes=True)
        return cookies.answer(body.model_dump(), session)

    @router.get("/photos/shown/{key}.jpg", tags=["photos"], summary="A small photo of an earlier report, by its link")
    async def show_small(request: Request, key: str) -> Response:
        """Only in the session that was given the link."""
        viewer = cookies.open(request).sender
        return await _picture(lambda: photos.open_shown(key, viewer, now()) if _KEY.fullmatch(key) else None)

    @router.get("/photos/{name}.jpg", tags=["photos"], summary="A photo, by its unguessable link")
    async def show(name: str) -> Response:
        """``<key>.jpg``, or ``<key>-small.jpg`` at 320 pixels."""
        small = name.endswith("-small")
        key = name.removesuffix("-small")
        return await _picture(lambda: photos.open(key, small=small) if _KEY.fullmatch(key) else None)

    return router


async def _picture(open_: Callable[[], bytes | None]) -> Response:
    try:
        picture = await anyio.to_thread.run_sync(open_)
    except (SQLAlchemyError, *StoreFailed) as error:
        log.error("a photo could not be read: %s", type(error).__name__)
        raise Refused(503, "The photo cannot be read now.", "Try again in a minute.") from None
    if picture is None:
        return JSONResponse(
            {"error": "There is no such photo.", "remedy": "Check the link."},
            status_code=404,
            headers={"Cache-Control": "no-store"},
        )
    return Response(
        picture,
        media_type="image/jpeg",
        headers={
            "Cache-Control": "private, max-age=86400",
            "Content-Disposition": "inline",
            "X-Robots-Tag": "noindex, noimageindex",
        },
    )


async def _file(request: Request) -> bytes:
    """The body.

    Raises:
        Refused: it is empty or too large.
    """
    body = await read_body(request, LARGEST_BYTES, Refused(*_FAULTS[Fault.TOO_LARGE]))
    if not body:
        raise Refused(400, "There is no file in the request.", "Send the photo itself as the body.")
    return body
