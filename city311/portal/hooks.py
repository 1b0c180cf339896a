"""Where a system of record says that something changed, so that residents hear of it at once and not at the next look.

``POST /hooks/workorders`` with the JSON of one or more requests, of which only ``service_request_id`` is read. A hook
is believed in nothing but that: the request itself is asked for in the system of record. So one that is repeated, late
or out of order does no harm, and without the secret there is no way in.

The sender signs ``<timestamp>.<body>`` with HMAC-SHA256 and the shared secret ``CITY311_HOOK_SECRET``:
``X-City311-Timestamp`` (seconds since 1970) and ``X-City311-Signature`` (``sha256=<hex>``).
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator

import structlog
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from sqlalchemy import Engine
from starlette.concurrency import run_in_threadpool

from city311.portal.bodies import TooLarge, body_of
from city311.requests.updates import look_soon
from city311.store.base import now

BODY_LIMIT = 200_000
_OLDEST_S = 300
_MOST_IDS = 200
_LONGEST_ID = 200

log = structlog.get_logger(__name__)


def hook_router(engine: Engine, secret: str) -> APIRouter:
    """The route; with an empty ``secret`` every call is refused."""
    router = APIRouter(tags=["Systems of record"])

    @router.post("/hooks/workorders", summary="Something changed in the system of record")
    async def changed(request: Request) -> JSONResponse:
        """Answers ``{"noted": n}``: so many requests that somebody waits for will be looked at."""
        try:
            body = await body_of(request, BODY_LIMIT)
        except TooLarge:
            return _refused(413, f"The body is larger than {BODY_LIMIT} bytes.")
        timestamp = request.headers.get("x-city311-timestamp", "")
        if not _is_signed(secret, timestamp, body, request.headers.get("x-city311-signature", "")):
            return _refused(403, "The signature is missing, wrong or too old.")
        try:
            ids = list(dict.fromkeys(_ids(json.loads(body))))
        except (ValueError, RecursionError):
            return _refused(400, "The body is no JSON with service_request_id.")
        if not ids or len(ids) > _MOST_IDS:
            return _refused(400, f"Give 1 to {_MOST_IDS} requests with their service_request_id.")
        noted = await run_in_threadpool(look_soon, engine, ids, now())
        log.info("hooks.changed", told=len(ids), noted=noted)
        return JSONResponse({"noted": noted})

    return router


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """The signature of a call."""
    return "sha256=" + hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def _is_signed(secret: str, timestamp: str, body: bytes, signature: str) -> bool:
    if not secret or not timestamp.isascii() or not timestamp.isdecimal() or len(timestamp) > 12:
        return False
    if abs(now().timestamp() - int(timestamp)) > _OLDEST_S:
        return False
    return hmac.compare_digest(sign(secret, timestamp, body).encode(), signature.encode("utf-8", "surrogateescape"))


def _ids(document: object) -> Iterator[str]:
    rows = document if isinstance(document, list) else [document]
    for row in rows:
        identity = row.get("service_request_id") if isinstance(row, dict) else None
        plain = isinstance(identity, str | int) and not isinstance(identity, bool)
        if not plain or not 0 < len(str(identity)) <= _LONGEST_ID:
            raise ValueError("no service_request_id")
        yield str(identity)


def _refused(status: int, why: str) -> JSONResponse:
    return JSONResponse({"error": why}, status)
