"""The body of a request, read no further than it may be."""

from __future__ import annotations

from fastapi import Request


class TooLarge(Exception):
    """The body is larger than it may be."""


async def body_of(request: Request, largest: int) -> bytes:
    """The body.

    Raises:
        TooLarge: it has, or says that it has, more than ``largest`` bytes; the rest is not read.
    """
    declared = request.headers.get("content-length", "0")
    if not declared.isdecimal() or int(declared[:12]) > largest:
        raise TooLarge
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > largest:
            raise TooLarge
    return bytes(body)
