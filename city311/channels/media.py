"""Fetches what residents attached from the provider that keeps it, and has it kept as a photo of the house.

A webhook names an address, and our servers would call it: so only the provider's own hosts are called, over HTTPS,
never an address inside our network, redirects included, and our credentials go to the provider's API alone.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import socket
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol
from urllib.parse import urljoin, urlsplit

import anyio
import anyio.to_thread
import httpx
from sqlalchemy import Engine, select

from city311.channels.relay import Message
from city311.channels.trust import trusted
from city311.language.responses import Responses
from city311.requests import BadPicture, Photos, TooManyPhotos
from city311.requests.pictures import LARGEST_BYTES
from city311.store.attachments import KEPT, REFUSED, WAITING, Attachment
from city311.store.base import now, reading, writing
from city311.store.files import StoreFailed
from city311.store.turns import TurnView

log = logging.getLogger(__name__)

NEEDED = ("utter_attachment_refused",)
"""Responses that the domain must have."""

_MOST_REDIRECTS = 3
_AT_ONCE = 2  # decoding a photo takes up to 200 MB
_PATIENCE = timedelta(seconds=60)
_BUDGET_S = 10.0
_IPV6_UNICAST = ipaddress.IPv6Network("2000::/3")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
"""Where an IPv6-only network reaches IPv4 addresses (RFC 6052)."""


class NotFetched(Exception):
    """Not now; it may work later."""


class Refused(Exception):
    """It will never be fetched. The text says why, in one word."""


@dataclass(frozen=True)
class Located:
    """Where a file lies.

    Attributes:
        headers: credentials, sent only to addresses that begin with one of ``credentials_for``.
        hosts: which hosts may be called, the first address included; ``.name`` stands for all below ``name``.
        own: ``host:port`` that the operator has set as the provider's address, which need not be public (tests).
    """

    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    credentials_for: Collection[str] = ()
    hosts: Collection[str] = ()
    own: str = ""


class Source(Protocol):
    """A provider that keeps files."""

    async def locate(self, reference: str, client: httpx.AsyncClient) -> Located:
        """Where the file of that reference lies now.

        Raises:
            NotFetched, Refused: see there.
        """


Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


async def addresses(host: str, port: int) -> Sequence[str]:
    """The addresses of a host."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


@dataclass(frozen=True)
class Ready:
    """A turn with its files. ``media``: ids of photos; ``notice`` tells of files that were not taken."""

    details: Mapping[str, Any]
    notice: Message | None = None


class Attachments:
    """The files of one portal process."""

    def __init__(
        self,
        engine: Engine,
        photos: Photos,
        sources: Mapping[str, Source],
        responses: Responses,
        *,
        resolve: Resolve = addresses,
        clock: Callable[[], datetime] = now,
    ) -> None:
        """``sources``: provider's name → where its files lie."""
        self._engine = engine
        self._photos = photos
        self._sources = sources
        self._responses = responses
        self._resolve = resolve
        self._clock = clock
        self._client = httpx.AsyncClient(
            timeout=8.0, follow_redirects=False, trust_env=False, verify=trusted(environment=False)
        )
        self._decoding = anyio.CapacityLimiter(_AT_ONCE)

    async def close(self) -> None:
        """Let go of the connections."""
        await self._client.aclose()

    async def ready(self, turn: TurnView) -> Ready:
        """What goes with the turn, its files fetched. Photos that the page names and that are not this sender's (any
        more) are left out.

        Raises:
            NotFetched: a provider does not give a file now. After a minute it is left out instead.
        """
        ids = turn.details.get("attachments")
        if not ids:
            return await self._own(turn)
        for row in await anyio.to_thread.run_sync(self._waiting, ids):
            await self._keep(row, turn)
        rows = await anyio.to_thread.run_sync(self._rows, ids)
        details = {name: value for name, value in turn.details.items() if name != "attachments"}
        if kept := [row.photo for row in rows if row.state == KEPT]:
            details["media"] = kept
        return Ready(details, self._refusal(turn) if any(row.state == REFUSED for row in rows) else None)

    async def _own(self, turn: TurnView) -> Ready:
        named = turn.details.get("media")
        if not named:
            return Ready(turn.details)
        kept = [photo.id for photo in await anyio.to_thread.run_sync(self._photos.of, turn.sender, named)]
        if len(kept) == len(set(named)):
            return Ready(turn.details)
        log.warning("turn %s names photos that its sender has not", turn.id)
        details = {name: value for name, value in turn.details.items() if name != "media"}
        return Ready({**details, "media": kept} if kept else details, self._refusal(turn))

    def _refusal(self, turn: TurnView) -> Message:
        words = self._responses.in_language(turn.language)
        return Message(words.say("utter_attachment_refused", channel=turn.channel))

    async def _keep(self, row: Attachment, turn: TurnView) -> None:
        try:
            async with asyncio.timeout(_BUDGET_S):
                content = await self._fetched(row)
            photo = await anyio.to_thread.run_sync(
                self._photos.keep, content, row.sender, self._clock(), limiter=self._decoding
            )
        except (NotFetched, TimeoutError, *StoreFailed) as error:
            log.warning("attachment %s: not now (%s)", row.id, error if isinstance(error, NotFetched) else "timeout")
            if self._clock() - turn.received_at < _PATIENCE:
                raise NotFetched(str(error)) from None
            await self._settle(row.id, REFUSED, reason="unreachable")
        except (Refused, BadPicture, TooManyPhotos) as error:
            log.warning("attachment %s refused: %s", row.id, str(error) or type(error).__name__)
            await self._settle(row.id, REFUSED, reason=(str(error) or type(error).__name__)[:40])
        else:
            await self._settle(row.id, KEPT, photo=photo.id)

    async def _fetched(self, row: Attachment) -> bytes:
        if row.content_type and not row.content_type.startswith("image/"):
            raise Refused("kind")
        source = self._sources.get(row.provider)
        if source is None:
            raise Refused("provider_off")
        located = await source.locate(row.reference, self._client)
        return await download(self._client, located, resolve=self._resolve)

    def _waiting(self, ids: Sequence[str]) -> list[Attachment]:
        return [row for row in self._rows(ids) if row.state == WAITING]

    def _rows(self, ids: Sequence[str]) -> list[Attachment]:
        with reading(self._engine) as session:
            rows = session.scalars(select(Attachment).where(Attachment.id.in_(list(ids)))).all()
        return sorted(rows, key=lambda row: list(ids).index(row.id))

    async def _settle(self, attachment: str, state: str, *, photo: str | None = None, reason: str = "") -> None:
        def settle() -> None:
            with writing(self._engine) as session:
                row = session.get_one(Attachment, attachment)
                row.state, row.photo, row.reason = state, photo, reason

        await anyio.to_thread.run_sync(settle)


async def download(
    client: httpx.AsyncClient, located: Located, *, resolve: Resolve = addresses, largest: int = LARGEST_BYTES
) -> bytes:
    """The file.

    Raises:
        Refused: it is at no host that may be called, gone, or too large.
        NotFetched: the host does not answer now.
    """
    url = located.url
    for _ in range(_MOST_REDIRECTS + 1):
        await _check(url, located, resolve)
        headers = located.headers if url.startswith(tuple(located.credentials_for)) else {}
        try:
            async with client.stream("GET", url, headers=headers) as response:
                if response.is_redirect:
                    url = urljoin(url, response.headers["location"])
                    continue
                if response.status_code >= 500 or response.status_code in (408, 425, 429):
                    raise NotFetched(str(response.status_code))
                if response.status_code != 200:
                    raise Refused(f"status_{response.status_code}")
                return await _limited(response, largest)
        except httpx.HTTPError as error:
            raise NotFetched(type(error).__name__) from None
    raise Refused("redirects")


async def _limited(response: httpx.Response, largest: int) -> bytes:
    declared = response.headers.get("content-length", "0")
    if declared.isdecimal() and int(declared[:15]) > largest:
        raise Refused("too_large")
    content = bytearray()
    async for chunk in response.aiter_bytes():
        content += chunk
        if len(content) > largest:
            raise Refused("too_large")
    return bytes(content)


async def _check(url: str, located: Located, resolve: Resolve) -> None:
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        raise Refused("address") from None
    if located.own and parts.netloc == located.own:
        return
    if parts.scheme != "https" or port not in (None, 443) or parts.username is not None:
        raise Refused("address")
    if not any(host == allowed or (allowed.startswith(".") and host.endswith(allowed)) for allowed in located.hosts):
        raise Refused("host")
    try:
        found = await resolve(host, 443)
    except OSError as error:
        raise NotFetched(type(error).__name__) from None
    if not found or not all(map(_is_public, found)):
        raise Refused("private_address")


def _is_public(address: str) -> bool:
    """Whether it is one host of the internet, also where IPv6 only wraps an IPv4 address."""
    one = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(one, ipaddress.IPv6Address):
        if one in _NAT64:
            one = ipaddress.IPv4Address(int(one) & 0xFFFFFFFF)
        elif one not in _IPV6_UNICAST or one.sixtofour is not None or one.teredo is not None:
            return False
    return one.is_global and not one.is_multicast
