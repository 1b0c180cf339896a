"""The receipt of a report, sent to the e-mail address or phone that its resident names in the web chat."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import anyio.to_thread
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from city311.channels.limits import Limits
from city311.channels.reaching import Reach, TooOften, Way
from city311.channels.received import SMS
from city311.language.responses import Responses
from city311.store import correspondents, outgoing
from city311.store.base import now, writing
from city311.store.correspondents import ASKED
from city311.store.follows import FROM_A_RECEIPT, Follow
from city311.store.turns import ANSWERED, Turn

NEEDED = ("utter_receipt_subject", "utter_receipt_intro", "utter_receipt_line", "utter_receipt_why")
"""Responses that the domain must have."""

_PER_CHAT = "5/hour;20/day"
_PER_ADDRESS = "3/hour;10/day"
_OVERALL = "60/minute;600/hour"
_MOST_TURNS = 500


class NoReceipt(Exception):
    """This chat has no receipt with that number."""


class Receipts:
    """The receipts of one portal process."""

    def __init__(
        self, engine: Engine, responses: Responses, limits: Limits, reach: Reach, *, clock: Callable[[], datetime] = now
    ) -> None:
        self._engine = engine
        self._responses = responses
        self._limits = limits
        self._reach = reach
        self._clock = clock

    async def send(self, chat: str, number: str, way: Way, *, news: bool) -> None:
        """Queue the receipt that ``chat`` got for the report ``number``. The same one to the same place goes once.

        ``news``: they want to be told there what becomes of the report, too.

        Raises:
            TooOften, NoReceipt: nothing was queued.
        """
        for rate, name in ((_PER_CHAT, chat), (_PER_ADDRESS, way.address), (_OVERALL, "")):
            if wait_s := await self._limits.wait_for(rate, "receipt", name):
                raise TooOften(wait_s)
        await anyio.to_thread.run_sync(self._queue, chat, number, way, news)
        self._reach.look()

    def _queue(self, chat: str, number: str, way: Way, news: bool) -> None:
        at = self._clock()
        with writing(self._engine) as session:
            found = _found(session, chat, number)
            if found is None:
                raise NoReceipt
            sender = self._reach.introduced(session, way, at)
            key = f"receipt:{number}:{sender}"[:200]
            if not correspondents.language_of(session, sender):
                correspondents.speak(session, sender, found[0].language)
            how = f"receipt {number}, news" if news else f"receipt {number}"
            correspondents.record(session, sender, ASKED, how, _source(f"{key}:{news}"), at)
            if news:
                session.merge(
                    Follow(reference=number, follower=sender, channel=FROM_A_RECEIPT, since=at, ended_at=None)
                )
            messages = self._messages(number, way, *found)
            outgoing.enqueue(session, key=key, sender=sender, messages=messages, at=at, kind=outgoing.REPLY)

    def _messages(self, number: str, way: Way, turn: Turn, card: Mapping[str, Any]) -> list[dict[str, Any]]:
        words = self._responses.in_language(turn.language)

        def say(key: str, **values: str) -> str:
            return words.say(key, channel=way.channel, values=values)

        lines = [say("utter_receipt_line", label=line["label"], value=line["value"]) for line in card["lines"]]
        said = [str(message.get("text") or "") for message in turn.messages]
        return [
            {"text": say("utter_receipt_intro"), "subject": say("utter_receipt_subject", number=number)},
            {"text": "\n".join(lines)},
            *({"text": text} for text in said if text),
            *([{"text": say("utter_receipt_why")}] if way.channel == SMS else []),
        ]


def _found(session: Session, chat: str, number: str) -> tuple[Turn, Mapping[str, Any]] | None:
    query = select(Turn).where(Turn.sender == chat, Turn.state == ANSWERED).order_by(Turn.seq.desc())
    for turn in session.scalars(query.limit(_MOST_TURNS)):
        for message in turn.messages:
            card = (message.get("custom") or {}).get("card") or {}
            if card.get("kind") == "receipt" and any(line.get("value") == number for line in card.get("lines", ())):
                return turn, card
    return None


def _source(key: str) -> str:
    return f"receipt:{hashlib.sha256(key.encode()).hexdigest()[:40]}"
