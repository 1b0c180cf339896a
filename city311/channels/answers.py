"""Answers to messages from phones, on their way into the queue of outgoing messages."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from city311.channels.received import SMS, WHATSAPP
from city311.language.responses import Responses
from city311.store import outgoing
from city311.store.base import Inside, now
from city311.store.said import last_answered
from city311.store.turns import ANSWERED, TurnView

PHONES = (SMS, WHATSAPP)
NEEDED = ("utter_first_text", "utter_languages", "utter_resumed", "utter_apology_retry")
"""Responses that the domain must have."""

_TOLD_OF_DELAY_AFTER = timedelta(seconds=15)
_AWAY_AFTER = timedelta(hours=12)

Said = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Recipient:
    """Whose phone it is, where, and in which language."""

    sender: str
    channel: str
    language: str


class Answers:
    """The replies of a :class:`city311.channels.turns.Delivery` that go to phones."""

    def __init__(
        self,
        responses: Responses,
        look: Callable[[], None],
        *,
        several_languages: bool = False,
        clock: Callable[[], datetime] = now,
    ) -> None:
        """``look`` tells the sending side that the queue has grown. ``several_languages``: residents can choose."""
        self._responses = responses
        self._choice = several_languages
        self.look = look
        self._clock = clock

    def serves(self, channel: str) -> bool:
        """Channels that show answers themselves need no queue."""
        return channel in PHONES

    def put(self, inside: Inside, turn: TurnView) -> None:
        """Queue the answer of a turn, or that it comes late."""
        at = self._clock()
        if turn.state == ANSWERED:
            before = last_answered(inside, turn.sender, before=turn.seq)
            said = [*self._opening(turn, before), *turn.messages]
            outgoing.enqueue(
                inside, key=f"turn:{turn.id}", sender=turn.sender, messages=said, at=at, kind=outgoing.REPLY
            )
        elif at - turn.received_at >= _TOLD_OF_DELAY_AFTER:
            whom = Recipient(turn.sender, turn.channel, turn.language)
            self.say(inside, "utter_apology_retry", key=f"late:{turn.id}", whom=whom)

    def say(
        self,
        inside: Inside,
        response: str,
        *,
        key: str,
        whom: Recipient,
        kind: str = outgoing.REPLY,
        values: Mapping[str, str] | None = None,
    ) -> None:
        """Queue one of the bot's own sentences."""
        text = self._words(whom.language).say(response, channel=whom.channel, values=values)
        outgoing.enqueue(
            inside,
            key=key,
            sender=whom.sender,
            messages=[{"text": text}],
            at=self._clock(),
            kind=kind,
        )

    def begin_again(self, inside: Inside, *, key: str, whom: Recipient, confirmed: bool) -> None:
        """Queue, for one who wants messages again, that it is so (unless somebody else has ``confirmed`` it) and the
        question that is open, with a line that says of what.
        """
        words = self._words(whom.language)
        said: list[Mapping[str, Any]] = []
        if not confirmed:
            said.append({"text": words.say("utter_texts_started", channel=whom.channel)})
        last = last_answered(inside, whom.sender)
        if last is not None and (about := open_report(last.messages)):
            said += [self._reminder(about, whom.channel, last.language), *last.messages[-1:]]
        if said:
            at = self._clock()
            outgoing.enqueue(inside, key=key, sender=whom.sender, messages=said, at=at, kind=outgoing.CONSENT)

    def _opening(self, turn: TurnView, before: TurnView | None) -> Said:
        if before is None:
            words = self._words(turn.language)
            first = [{"text": words.say("utter_first_text", channel=turn.channel)}]
            return [*first, {"text": words.say("utter_languages", channel=turn.channel)}] if self._choice else first
        about = open_report(before.messages)
        if about and turn.received_at - before.received_at >= _AWAY_AFTER:
            return [self._reminder(about, turn.channel, turn.language)]
        return []

    def _reminder(self, about: str, channel: str, language: str) -> Mapping[str, Any]:
        return {"text": self._words(language).say("utter_resumed", channel=channel, values={"service": about})}

    def _words(self, language: str) -> Responses:
        return self._responses.in_language(language)


def open_report(messages: Said) -> str:
    """What the report is about that this answer goes on asking for; empty when it ends one, or is of none."""
    if not messages:
        return ""
    about = (messages[-1].get("custom") or {}).get("about")
    return about if isinstance(about, str) else ""
