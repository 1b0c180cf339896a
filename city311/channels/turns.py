"""Delivery of turns: from the database to the relay and back, in order, once, and never forgotten.

A turn is stored before this module passes it on. While the dialogue process is away the turn waits, the resident is
told so, and it is sent again until it is answered or too old; a new process goes on where the last one stopped.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, ParamSpec, Protocol, TypeVar

import anyio.to_thread
from sqlalchemy import Connection

from city311.channels.media import Attachments, NotFetched, Ready
from city311.channels.relay import Message, Relay, RelayFault, RelayRefused, RelayUnavailable, TurnToRelay
from city311.channels.together import Together
from city311.language.responses import Responses
from city311.store import erasing
from city311.store.base import Inside, now
from city311.store.turns import ANSWERED, Accepted, Alongside, Busy, Claim, Incoming, Pace, TooMany, Turns, TurnView

log = logging.getLogger(__name__)

NEEDED = ("utter_apology_retry", "utter_apology")
"""Responses that the domain must have."""

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True)
class Timing:
    """Seconds.

    Attributes:
        answer_within_s: how long a channel waits for an answer before it tells the resident that it comes later.
        lease_s: how long a conversation stays with a process that may have died; longer than a relayed turn takes.
        first_retry_s: pause after the first failed attempt; it doubles up to ``longest_retry_s``.
        give_up_s: age at which a turn that still fails ends in an apology.
        look_s: how often waiting turns are looked for.
    """

    answer_within_s: float = 12.0
    lease_s: float = 15.0
    first_retry_s: float = 1.0
    longest_retry_s: float = 15.0
    give_up_s: float = 600.0
    look_s: float = 0.5


_FAULTS = 3  # attempts on a turn that breaks the dialogue process before it ends in an apology
_ERASING = 3  # tries, in case a message comes in between
_AT_ONCE = 16  # conversations that are redelivered at the same time
_TAKEN_AT_ONCE = 64  # above so many conversations under way, a new one waits until it is looked for


class Replies(Protocol):
    """Where answers go on channels that do not wait for them."""

    def serves(self, channel: str) -> bool:
        """Whether answers of that channel go here; nothing is put for others."""

    def put(self, inside: Inside, turn: TurnView) -> None:
        """Keep what is to be said about the turn, in the transaction that stores its answer or its delay."""

    def look(self) -> None:
        """Something was put, and is stored now."""


class Delivery:
    """Takes screened messages, relays them in order and keeps at it. One per portal process."""

    def __init__(
        self,
        together: Together,
        relay: Relay,
        responses: Responses,
        *,
        pace: Pace,
        timing: Timing,
        clock: Callable[[], datetime] = now,
        replies: Replies | None = None,
        attachments: Attachments | None = None,
    ) -> None:
        self._engine = together.engine
        self._together = together
        self._turns = Turns(self._engine, lease=timedelta(seconds=timing.lease_s))
        self._relay = relay
        self._responses = responses
        self._pace = pace
        self._timing = timing
        self._clock = clock
        self._replies = replies
        self._attachments = attachments
        self._draining: dict[str, asyncio.Task[bool]] = {}
        self._awaited: dict[str, set[asyncio.Future[TurnView]]] = {}

    async def submit(self, incoming: Incoming) -> TurnView | TooMany:
        """Store and relay a message; the turn with its answer, or still waiting when that takes too long or fails."""
        accepted = await self._accepted(incoming, self._pace)
        if isinstance(accepted, TooMany):
            log.info("message refused: too many")
            return accepted
        if accepted.turn.state == ANSWERED:
            return accepted.turn
        log.info("turn %s waiting", accepted.turn.id)
        arrived: asyncio.Future[TurnView] = asyncio.get_running_loop().create_future()
        self._awaited.setdefault(accepted.turn.id, set()).add(arrived)
        try:
            return await self._outcome(accepted.turn, accepted.claim, arrived)
        finally:
            waiting = self._awaited.get(accepted.turn.id, set())
            waiting.discard(arrived)
            if not waiting:
                self._awaited.pop(accepted.turn.id, None)

    async def take(self, incoming: Incoming, alongside: Alongside | None = None) -> None:
        """Store a message whose sender's pace the channel has checked, and return; it is relayed meanwhile, and its
        answer goes to the replies.
        """
        claims = len(self._draining) < _TAKEN_AT_ONCE
        accepted = await self._accepted(incoming, None, alongside, claims=claims)
        if isinstance(accepted, Accepted) and accepted.claim is not None:
            self._drain(accepted.turn.sender, accepted.claim, due_only=False)

    async def erase(self, sender: str) -> None:
        """Delete what ``sender`` and the assistant said, here and in the dialogue process, and end the conversation.

        Raises:
            StillAtWork: an answer is still on its way.
            RelayUnavailable: the dialogue process could not be told; everything is still there.
        """
        for _ in range(_ERASING):
            last = await _in_thread(erasing.last_turn, self._engine, sender, self._clock())
            await self._relay.forget(sender)
            if await _in_thread(erasing.erase, self._engine, sender, last, self._clock()):
                return
        raise erasing.StillAtWork

    async def history(self, sender: str, *, after: int | None, limit: int) -> tuple[list[TurnView], bool]:
        """See :meth:`city311.store.turns.Turns.history`."""
        return await _in_thread(self._turns.history, sender, after=after, limit=limit)

    def apology_for_now(self, channel: str, language: str) -> Message:
        """What a resident is told while a turn waits."""
        return Message(self._responses.in_language(language).say("utter_apology_retry", channel=channel))

    async def run(self) -> None:
        """Redeliver waiting turns, also those of a process that died, until cancelled."""
        try:
            while True:
                try:
                    free = _AT_ONCE - len(self._draining)
                    if free > 0:
                        for sender in await _in_thread(self._turns.due, self._clock(), free):
                            if sender not in self._draining:
                                self._drain(sender, None, due_only=True)
                except Exception as error:
                    # its text may hold what a resident wrote
                    log.error("waiting turns cannot be read: %s", type(error).__name__)
                await asyncio.sleep(self._timing.look_s)
        finally:
            drains = list(self._draining.values())
            for drain in drains:
                drain.cancel()
            await asyncio.gather(*drains, return_exceptions=True)

    async def _outcome(self, turn: TurnView, claim: Claim | None, arrived: asyncio.Future[TurnView]) -> TurnView:
        loop = asyncio.get_running_loop()
        until = loop.time() + self._timing.answer_within_s
        while True:
            drain = self._draining.get(turn.sender)
            if claim is not None or drain is None:
                drain, claim = self._drain(turn.sender, claim, due_only=False), None
            waited: set[asyncio.Future[Any]] = {arrived, drain}
            await asyncio.wait(waited, timeout=until - loop.time(), return_when=asyncio.FIRST_COMPLETED)
            if arrived.done():
                return arrived.result()
            stopped = drain.done() and (drain.cancelled() or drain.exception() is not None or not drain.result())
            # no failure here: another process answered it, or it came in just as the drain was ending
            current = await _in_thread(self._turns.find, turn.id) or turn
            if current.state == ANSWERED:
                return current
            if stopped or loop.time() >= until:
                return replace(current, delayed=True)
            await asyncio.sleep(0)

    def _drain(self, sender: str, claim: Claim | None, *, due_only: bool) -> asyncio.Task[bool]:
        task = asyncio.create_task(self._drained(sender, claim, due_only=due_only))
        self._draining[sender] = task

        def ended(done: asyncio.Task[bool]) -> None:
            if self._draining.get(sender) is done:
                del self._draining[sender]
            if not done.cancelled() and (error := done.exception()) is not None:
                log.error("delivery stopped: %s; its lease will run out and it goes on", type(error).__name__)

        task.add_done_callback(ended)
        return task

    async def _drained(self, sender: str, claim: Claim | None, *, due_only: bool) -> bool:
        """Relay what waits for ``sender``, oldest first. False: an attempt failed and the rest goes on waiting."""
        while True:
            if claim is None:
                got = await _in_thread(self._turns.claim, sender, self._clock(), due_only=due_only)
                if got is None:
                    return True
                if isinstance(got, Busy):
                    if due_only:
                        return True
                    await asyncio.sleep(min(0.1, self._timing.look_s))
                    continue
                claim = got
            messages = await self._messages(claim)
            replies = self._replies
            if replies is not None and not replies.serves(claim.turn.channel):
                replies = None
            put = replies.put if replies is not None else None
            if messages is None:
                await _in_thread(self._turns.fail, claim, self._clock() + self._pause(claim.attempt), put)
                if replies is not None:
                    replies.look()
                return False
            view, following = await self._answered(claim, [message.as_json() for message in messages], put)
            if replies is not None:
                replies.look()
            log.info("turn %s %s", view.id, view.state)
            for arrived in self._awaited.get(view.id, ()):
                if not arrived.done():
                    arrived.set_result(view)
            if following is None:
                return True
            claim = following

    async def _accepted(
        self, incoming: Incoming, pace: Pace | None, alongside: Alongside | None = None, *, claims: bool = True
    ) -> Accepted | TooMany:
        at = self._clock()

        def accept(connection: Connection) -> Accepted | TooMany:
            return self._turns.accept(incoming, pace, at, alongside, claims=claims, within=connection)

        return await self._together.write(accept)

    async def _answered(
        self, claim: Claim, messages: Sequence[Mapping[str, Any]], put: Alongside | None
    ) -> tuple[TurnView, Claim | None]:
        at = self._clock()

        def answer(connection: Connection) -> tuple[TurnView, Claim | None]:
            return self._turns.answer(claim, messages, at, put, within=connection)

        return await self._together.write(answer)

    async def _messages(self, claim: Claim) -> Sequence[Message] | None:
        """The answer; the apology when there will be none; None when it is to be tried again."""
        turn = claim.turn
        apology = (Message(self._responses.in_language(turn.language).say("utter_apology", channel=turn.channel)),)
        try:
            ready = await self._attachments.ready(turn) if self._attachments is not None else Ready(turn.details)
        except NotFetched as error:
            log.warning("turn %s waits for what is attached: %s", turn.id, error)
            return None
        says_nothing = not turn.text and not ready.details.get("media") and not ready.details.get("location")
        if ready.notice is not None and says_nothing:
            return (ready.notice,)
        try:
            messages = await self._relay.send(
                TurnToRelay(
                    turn=turn.id,
                    sender=turn.sender,
                    text=turn.text,
                    channel=turn.channel,
                    language=turn.language,
                    retry=claim.attempt > 1,
                    details=ready.details,
                )
            )
        except RelayRefused as error:
            log.error("turn %s refused: %s", turn.id, error)
            return apology
        except RelayUnavailable as error:
            age = self._clock() - turn.received_at
            hopeless = isinstance(error, RelayFault) and claim.attempt >= _FAULTS
            log.warning("turn %s attempt %d failed: %s", turn.id, claim.attempt, error)
            return apology if hopeless or age >= timedelta(seconds=self._timing.give_up_s) else None
        if not messages:
            log.warning("turn %s got no message from the dialogue", turn.id)
            return apology
        return messages if ready.notice is None else (ready.notice, *messages)

    def _pause(self, attempt: int) -> timedelta:
        longest = min(self._timing.longest_retry_s, self._timing.first_retry_s * 2 ** min(attempt - 1, 16))
        return timedelta(seconds=longest * random.uniform(0.75, 1.0))  # noqa: S311 - spreads load, no secret


async def _in_thread(call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    def run() -> Any:
        return call(*args, **kwargs)

    result: R = await anyio.to_thread.run_sync(run)
    return result
