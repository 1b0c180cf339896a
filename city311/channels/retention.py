"""Conversations are forgotten when nobody has written in them for as long as the installation keeps them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from sqlalchemy import Engine

from city311.channels.relay import RelayUnavailable
from city311.store import retention
from city311.store.base import now

log = logging.getLogger(__name__)

EVERY_S = 3600.0
CONSENTS_KEPT = timedelta(days=5 * 366)
"""US law (47 U.S.C. 227, 28 U.S.C. 1658) lets people sue over a text for four years; the proof is kept for five."""
REPEATS_KEPT = timedelta(days=5 * 366)
"""A provider's signature tells no time (Twilio's), and holds until the city changes the account's token."""
_AT_ONCE = 100

Forget = Callable[[str], Awaitable[None]]
"""Has the dialogue process delete what it keeps of a sender; raises RelayUnavailable when it could not."""


async def forget_old(engine: Engine, forget: Forget, since: datetime, at: datetime) -> int:
    """Delete conversations without a message since ``since``, in the dialogue process first; how many.

    What the dialogue process could not delete stays here too, so that the next time will find it.

    Raises:
        RelayUnavailable: the dialogue process does not answer.
    """
    await asyncio.to_thread(retention.drop_texts, engine, since)
    forgotten, last = 0, ""
    while senders := await asyncio.to_thread(retention.idle, engine, since, at=at, limit=_AT_ONCE, after=last):
        last = senders[-1]
        for sender in senders:
            await forget(sender)
            forgotten += await asyncio.to_thread(retention.drop, engine, sender, since, at=at)
    await asyncio.to_thread(retention.drop_consents, engine, at - CONSENTS_KEPT)
    await asyncio.to_thread(retention.drop_repeats, engine, at - REPEATS_KEPT)
    await asyncio.to_thread(retention.drop_correspondents, engine, since)
    return forgotten


async def run(engine: Engine, forget: Forget, keep: timedelta, *, clock: Callable[[], datetime] = now) -> None:
    """Forget what is older than ``keep``, once an hour, until cancelled."""
    while True:
        try:
            at = clock()
            forgotten = await forget_old(engine, forget, at - keep, at)
            if forgotten:
                log.info("%d old conversations were deleted", forgotten)
        except RelayUnavailable:
            log.warning("old conversations wait to be deleted: the dialogue process does not answer")
        except Exception as error:  # the database is away: the next hour will do; its text may hold what was written
            log.warning("old conversations could not be deleted: %s", type(error).__name__)
        await asyncio.sleep(EVERY_S)
