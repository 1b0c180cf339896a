"""Answers to messages from phones, on their way into the queue of outgoing messages."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from city311.channels.received import SMS, WHATSAPP
from city311.language.responses import Responses
from city311.store import outgoing
from city311.store.base import now
from city311.store.turns import ANSWERED, TurnView, last_answered

PHONES = (SMS, WHATSAPP)
NEEDED = ("utter_first_text", "utter_resumed", "utter_apology_retry")
"""Responses that the domain must have."""

_TOLD_OF_DELAY_AFTER = timedelta(seconds=15)
_AWAY_AFTER = timedelta(hours=12)

Said = Sequence[Mapping[str, Any]]


class Answers:
    """The replies of a :class:`city311.channels.turns.Delivery` that go to phones."""

    def __init__(self, responses: Responses, look: Callable[[], None], *, clock: Callable[[], datetime] = now) -> None:
        """``look`` tells the sending side that the queue has grown."""
        self._responses = responses
        self.look = look
        self._clock = clock

    def put(self, session: Session, turn: TurnView) -> None:
        """Queue the answer of a turn, or that it comes late; nothing for channels that show answers themselves."""
        if turn.channel not in PHONES:
            return
        at = self._clock()
        if turn.state == ANSWERED:
            before = last_answered(session, turn.sender, before=turn.seq)
            said = [*self._opening(turn, before), *turn.messages]
            outgoing.enqueue(
                session, key=f"turn:{turn.id}", sender=turn.sender, messages=said, at=at, kind=outgoing.REPLY
            )
        elif at - turn.received_at >= _TOLD_OF_DELAY_AFTER:
            self.say(session, "utter_apology_retry", key=f"late:{turn.id}", sender=turn.sender, channel=turn.channel)

    def say(self, session: Session, response: str, *, key: str, sender: str, channel: str, kind: str = "") -> None:
        """Queue one of the bot's own sentences."""
        outgoing.enqueue(
            session,
            key=key,
            sender=sender,
            messages=[{"text": self._responses.say(response, channel=channel)}],
            at=self._clock(),
            kind=kind or outgoing.REPLY,
        )

    def ask_again(self, session: Session, *, key: str, sender: str, channel: str) -> None:
        """Queue the question that is open, with a line that says of what; nothing when none is."""
        last = last_answered(session, sender)
        if last is not None and (about := open_report(last.messages)):
            said = [self._reminder(about, channel), *last.messages[-1:]]
            outgoing.enqueue(session, key=key, sender=sender, messages=said, at=self._clock(), kind=outgoing.REPLY)

    def _opening(self, turn: TurnView, before: TurnView | None) -> Said:
        if before is None:
            return [{"text": self._responses.say("utter_first_text", channel=turn.channel)}]
        about = open_report(before.messages)
        if about and turn.received_at - before.received_at >= _AWAY_AFTER:
            return [self._reminder(about, turn.channel)]
        return []

    def _reminder(self, about: str, channel: str) -> Mapping[str, Any]:
        return {"text": self._responses.say("utter_resumed", channel=channel, values={"service": about})}


def open_report(messages: Said) -> str:
    """What the report is about that this answer goes on asking for; empty when it ends one, or is of none."""
    if not messages:
        return ""
    about = (messages[-1].get("custom") or {}).get("about")
    return about if isinstance(about, str) else ""
