"""Sends what is in the queue of outgoing messages: in order, at the pace of each line, and again until it went.

``maybe_sent_at`` is stored before the provider is called and cleared after it answered. When it is found set, nobody
knows whether the message went. A provider that can be asked is asked, and the message sent again only if it is not
there. One that cannot be asked (Meta, 2Chat) gets it once at most: its news are waited for, and without any the message
is left to a person. Nobody gets the same answer twice, and none is lost without a trace.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import anyio.to_thread
from sqlalchemy import Connection

from city311.channels.composing import Work, composed
from city311.channels.limits import Limits
from city311.channels.providers import (
    CannotTell,
    Envelope,
    MaybeTaken,
    NotAllowed,
    NotTaken,
    OptedOut,
    Part,
    Provider,
    WindowClosed,
    reference,
)
from city311.channels.quiet import Quiet
from city311.channels.received import SMS, WHATSAPP
from city311.channels.stopping import Stopping
from city311.channels.together import Together
from city311.language.responses import Responses
from city311.store import correspondents, outgoing
from city311.store.base import looking_up, now
from city311.store.correspondents import OPTED_OUT
from city311.store.outgoing import CONSENT, FAILED, SENT, UPDATE, URGENT, WAITING, WITHHELD, Claimed, Due

log = logging.getLogger(__name__)

_FULL_LOOK_S = 0.25
"""The longest pause between looks at the queue while a line is at its pace and others may have something to send."""


@dataclass(frozen=True)
class Pace:
    """Seconds, and how often.

    Attributes:
        look_s: how often the queue is looked at when nobody says that it has grown.
        lease_s: how long one attempt holds a message.
        first_retry_s: pause after the first failure; it doubles up to ``longest_retry_s``.
        settle_s: pause after an attempt whose outcome stayed unknown, for the provider to finish it.
        news_s: how long the news of a provider that cannot be asked are waited for.
        reply_for_s, update_for_s: age at which a message that still fails is left to a person.
        unclear: attempts with an unknown outcome before a person decides.
        at_once: messages that are sent at the same time.
        per_second: messages a second on one line, for each channel.
    """

    look_s: float = 1.0
    lease_s: float = 60.0
    first_retry_s: float = 2.0
    longest_retry_s: float = 600.0
    settle_s: float = 20.0
    news_s: float = 60.0
    reply_for_s: float = 6 * 3600.0
    update_for_s: float = 72 * 3600.0
    unclear: int = 3
    at_once: int = 16
    per_second: Mapping[str, float] = field(default_factory=lambda: {SMS: 10.0, WHATSAPP: 20.0})


class Sender:
    """The sending side of one portal process."""

    def __init__(
        self,
        together: Together,
        providers: Mapping[tuple[str, str], Provider],
        responses: Responses,
        limits: Limits,
        *,
        stopping: Stopping,
        quiet: Quiet,
        pace: Pace,
        clock: Callable[[], datetime] = now,
    ) -> None:
        """``providers``: (channel, provider's name) → who sends there. ``stopping``: links that end e-mail."""
        self._together = together
        self._providers = providers
        self._responses = responses
        self._limits = limits
        self._stopping = stopping
        self._quiet = quiet
        self._pace = pace
        self._clock = clock
        self._grown = asyncio.Event()
        self._starting: asyncio.Task[None] | None = None
        self._under_way: dict[int, asyncio.Task[None]] = {}
        self._held_until: dict[tuple[str, str], datetime] = {}

    def look(self) -> None:
        """The queue has grown. To be called in the event loop's thread."""
        self._grown.set()

    async def run(self) -> None:
        """Send until cancelled."""
        try:
            while True:
                self._grown.clear()
                full_s = 0.0
                try:
                    full_s = await self._start_due()
                except Exception as error:
                    log.error("the queue of outgoing messages cannot be read: %s", type(error).__name__)
                try:
                    if full_s:
                        # a long queue is not read again for every message that comes into it
                        await asyncio.sleep(min(full_s, _FULL_LOOK_S))
                    else:
                        await asyncio.wait_for(self._grown.wait(), self._pace.look_s)
                except TimeoutError:
                    continue
        finally:
            if self._starting is not None:
                await asyncio.gather(self._starting, return_exceptions=True)
            tasks = list(self._under_way.values())
            # a message that the provider is taking at this moment gets the time to be written down
            _, late = await asyncio.wait(tasks, timeout=3) if tasks else (set(), set())
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
            for provider in set(self._providers.values()):
                await provider.close()

    async def _start_due(self) -> float:
        """Begin to send what is due. Seconds until a line that is at its pace has room again; 0: none is."""
        free, full_s = self._pace.at_once - len(self._under_way), 0.0
        if free <= 0:
            return full_s
        wanted: list[int] = []
        full: set[tuple[str, str]] = set()
        for one in await anyio.to_thread.run_sync(self._due, free + len(self._under_way)):
            line = one.channel, one.line
            if one.id in self._under_way or line in full or len(wanted) >= free:
                continue
            if wait_s := await self._limits.room(*self._paced(*line)):
                full.add(line)
                full_s = max(full_s, wait_s)
            else:
                wanted.append(one.id)
        if not wanted:
            return full_s
        # what is taken counts as on its way: it is sent even if this process is to end meanwhile
        self._starting = asyncio.create_task(self._start(wanted))
        await asyncio.shield(self._starting)
        return full_s

    async def _start(self, wanted: Sequence[int]) -> None:
        taken = await self._together.write(partial(self._begin, ids=wanted))
        for work in taken:
            message_id = work.held.id
            task = asyncio.create_task(self._attempt(work))
            self._under_way[message_id] = task
            task.add_done_callback(partial(self._ended, message_id))
        if len(taken) < len(wanted):
            self._grown.set()  # what comes after one that will not be sent

    def _paced(self, channel: str, line: str) -> tuple[str, float]:
        return f"{channel}:{line}", self._pace.per_second.get(channel, 1.0)

    def _ended(self, message_id: int, task: asyncio.Task[None]) -> None:
        self._under_way.pop(message_id, None)
        self._grown.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("sending message %d stopped: %s; its lease will run out", message_id, type(error).__name__)

    def _due(self, limit: int) -> list[Due]:
        with looking_up(self._together.engine) as connection:
            return outgoing.due(connection, self._clock(), limit)

    async def _attempt(self, work: Work) -> None:
        held = work.held
        try:
            await self._send(work)
        except NotTaken as error:
            await self._later(held, str(error), error.wait_s)
        except MaybeTaken as error:
            if held.attempt >= self._pace.unclear:
                await self._change(held, state=FAILED, last_error=f"unclear: {error}")
            else:
                await self._wait(held, self._pace.settle_s, f"unclear: {error}", maybe=True)
        except CannotTell as error:
            await self._doubt(held, error)
        except OptedOut as error:
            await self._together.write(partial(self._opted_out, held=held, code=str(error)))
        except WindowClosed as error:
            if held.content.get("template") and not held.content.get("only_template"):
                content = {**held.content, "only_template": True}
                await self._change(held, state=WAITING, content=content, maybe_sent_at=None, not_before=self._clock())
            else:
                await self._change(held, state=FAILED, last_error=str(error), maybe_sent_at=None)
        except NotAllowed as error:
            await self._change(held, state=FAILED, last_error=str(error), maybe_sent_at=None)

    def _begin(self, connection: Connection, ids: Sequence[int]) -> list[Work]:
        """Take those messages; the ones that are to be sent now."""
        at = self._clock()
        begun = []
        for held in outgoing.claim(connection, ids, at, self._pace.lease_s):
            work = self._work(held, at)
            if isinstance(work, Work):
                begun.append(work)
                values: dict[str, Any] = {"page": work.page} if work.page != held.page else {}
            else:
                values = {**work, "maybe_sent_at": held.maybe_sent_at}
            if values:
                outgoing.change_held(connection, held, values)
        return begun

    def _work(self, held: Claimed, at: datetime) -> Work | dict[str, Any]:
        """What is to be sent of the message; or else what becomes of it."""
        if held.kind != CONSENT and held.opted_out:
            return {"state": WITHHELD, "last_error": "opted_out"}
        until = held.content.get("until")
        if until and datetime.fromisoformat(until) <= at:
            return {"state": WITHHELD, "last_error": "too_late"}
        waits_until = self._waits_until(held, at)
        if waits_until is not None:
            return {"state": WAITING, "not_before": waits_until, "attempts": held.attempt - 1}
        try:
            provider = self._providers.get((held.channel, held.provider))
            return composed(held, provider, self._responses, self._stopping, at)
        except NotAllowed as error:
            return {"state": FAILED, "last_error": str(error)}

    def _waits_until(self, held: Claimed, at: datetime) -> datetime | None:
        quiet_until = self._quiet.until(at) if held.kind == UPDATE else None
        line_held = self._held_until.get((held.channel, held.provider))
        if line_held is not None and line_held > at:
            return max(line_held, quiet_until or line_held)
        return quiet_until

    async def _send(self, work: Work) -> None:
        held, doubtful_since = work.held, work.held.maybe_sent_at
        marked = True  # it was when the message was taken
        for done, part in enumerate(work.parts[held.parts :], held.parts + 1):
            name = reference(held.key, done, len(work.parts))
            envelope = Envelope(held.channel, held.line, held.number, name)
            provider_id = None
            if doubtful_since is not None:
                provider_id = await work.provider.find(part, envelope, doubtful_since)
                doubtful_since, marked = None, False
            if provider_id is None:
                if not marked and not await self._mark(held):
                    return  # it waited so long that somebody else has it
                provider_id = await self._hand_over(work, part, envelope)
            marked = False
            values: dict[str, Any] = {"parts": done, "provider_id": provider_id, "fate": "", "maybe_sent_at": None}
            if done == len(work.parts):
                values |= {"state": SENT, "sent_at": self._clock(), "last_error": ""}
            else:
                values |= {"leased_until": self._lease_end()}
            if not await self._change(held, **values):
                return  # it took so long that somebody else has it
        if held.parts >= len(work.parts):  # it has fewer than when it was begun, and all of them went
            await self._change(held, state=SENT, sent_at=self._clock(), maybe_sent_at=None)
        log.info("message %d sent", held.id)

    async def _mark(self, held: Claimed) -> bool:
        """From now on the provider may have the next part; False when the message is not ours any more."""
        await self._limits.pace(*self._paced(held.channel, held.line))
        return await self._change(held, maybe_sent_at=held.maybe_sent_at or self._clock())

    async def _hand_over(self, work: Work, part: Part, envelope: Envelope) -> str:
        try:
            async with asyncio.timeout(self._pace.lease_s / 2):
                return await work.provider.send(part, envelope)
        except TimeoutError:
            raise MaybeTaken("no answer in time") from None

    def _lease_end(self) -> datetime:
        return self._clock() + timedelta(seconds=self._pace.lease_s)

    async def _later(self, held: Claimed, reason: str, wait_s: float | None) -> None:
        if wait_s is not None:
            # it is the line that is busy, not the message: none of its messages goes before that
            self._held_until[held.channel, held.provider] = self._clock() + timedelta(seconds=wait_s)
        oldest = self._pace.update_for_s if held.kind in (UPDATE, URGENT) else self._pace.reply_for_s
        if self._clock() - held.created_at > timedelta(seconds=oldest):
            await self._change(held, state=FAILED, last_error=reason)
            return
        doubled = min(self._pace.longest_retry_s, self._pace.first_retry_s * 2 ** min(held.attempt - 1, 16))
        await self._wait(held, wait_s or doubled * random.uniform(0.75, 1.0), reason)  # noqa: S311 - spreads load

    async def _wait(self, held: Claimed, seconds: float, reason: str, *, maybe: bool = False) -> None:
        log.warning("message %d attempt %d: %s", held.id, held.attempt, reason)
        values: dict[str, Any] = {"not_before": self._clock() + timedelta(seconds=seconds), "last_error": reason}
        if not maybe and held.maybe_sent_at is None:
            values["maybe_sent_at"] = None  # it surely did not go
        await self._change(held, state=WAITING, **values)

    async def _doubt(self, held: Claimed, error: CannotTell) -> None:
        """Wait for the provider's news of a message that it may have, or leave it to a person."""
        since = held.maybe_sent_at or self._clock()
        until = since + timedelta(seconds=self._pace.news_s if error.news else 0.0)
        if self._clock() < until:
            await self._change(held, state=WAITING, not_before=until, last_error=f"unsure: {error}")
        else:
            # once a person has decided that it is to go again, there is no doubt to wait for
            await self._change(held, state=FAILED, maybe_sent_at=None, last_error=f"unsure: {error}")

    def _opted_out(self, connection: Connection, held: Claimed, code: str) -> None:
        correspondents.record(
            connection, held.sender, OPTED_OUT, f"provider {code}", f"refused:{held.id}", self._clock()
        )
        values = {"state": WITHHELD, "last_error": code, "maybe_sent_at": None}
        outgoing.change_held(connection, held, values)

    async def _change(self, held: Claimed, **values: Any) -> bool:
        return await self._together.write(partial(outgoing.change_held, held=held, values=values))
