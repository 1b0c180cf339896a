"""A web chat shows that its resident has a phone, by a code that is texted there. Then it finds what came from it."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta

import anyio.to_thread
from sqlalchemy import Engine

from city311.channels.limits import Limits
from city311.channels.reaching import Reach, TooOften, Way
from city311.channels.received import SMS
from city311.language.responses import Responses
from city311.store import outgoing, verified
from city311.store.base import now, writing
from city311.store.verified import Shown

NEEDED = ("utter_phone_code",)
"""Responses that the domain must have."""

LIVES = timedelta(minutes=10)
_PER_CHAT = "3/hour"
_PER_PHONE = "3/hour;6/day"
_OVERALL = "60/minute;600/hour"
_SHOWN = "20/hour"


class Verification:
    """The codes of one portal process. ``secret`` digests what is kept of them."""

    def __init__(
        self,
        engine: Engine,
        responses: Responses,
        limits: Limits,
        reach: Reach,
        secret: str,
        *,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self._engine = engine
        self._responses = responses
        self._limits = limits
        self._reach = reach
        self._secret = secret
        self._clock = clock

    async def ask(self, chat: str, number: str, language: str) -> None:
        """Have a code texted to ``number`` (E.164) for the web chat ``chat``.

        It is queued when this returns. It will not go to a phone whose owner has stopped texts, which nobody is told.

        Raises:
            TooOften: nothing was done.
        """
        for rate, name in ((_PER_CHAT, chat), (_PER_PHONE, number), (_OVERALL, "")):
            if wait_s := await self._limits.wait_for(rate, "code", name):
                raise TooOften(wait_s)
        await anyio.to_thread.run_sync(self._ask, chat, number, language)
        self._reach.look()

    async def show(self, chat: str, code: str) -> Shown:
        """Whether that is the code.

        Raises:
            TooOften: it was not looked at.
        """
        if wait_s := await self._limits.wait_for(_SHOWN, "shown", chat):
            raise TooOften(wait_s)

        def compare() -> Shown:
            with writing(self._engine) as session:
                return verified.show(session, chat, code, self._secret, self._clock())

        return await anyio.to_thread.run_sync(compare)

    def _ask(self, chat: str, number: str, language: str) -> None:
        at = self._clock()
        code = f"{secrets.randbelow(1_000_000):06d}"
        text = self._responses.in_language(language).say("utter_phone_code", channel=SMS, values={"code": code})
        with writing(self._engine) as session:
            verified.expect(session, chat, number, code, self._secret, at + LIVES)
            sender = self._reach.introduced(session, Way(SMS, number), at)
            outgoing.enqueue(
                session,
                key=f"code:{secrets.token_hex(12)}",
                sender=sender,
                messages=[{"text": text}],
                at=at,
                kind=outgoing.REPLY,
                until=at + LIVES,
            )
