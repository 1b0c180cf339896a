"""What every message from a phone goes through, whichever provider brought it.

Nothing here waits for the dialogue: a message is stored with who wrote it, and the provider gets its "taken" at once.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from typing import Any

import anyio.to_thread
from sqlalchemy import Connection, Engine, insert

from city311.channels import answers
from city311.channels.answers import Answers, Recipient
from city311.channels.keywords import Keyword, asks_for_languages, keyword, language_named
from city311.channels.limits import Limits
from city311.channels.received import Media, Position, Received
from city311.channels.sms import choices
from city311.channels.turns import Delivery
from city311.language import screening
from city311.language.catalogues import own_name
from city311.language.responses import Responses
from city311.store import correspondents, outgoing
from city311.store.attachments import Attachment
from city311.store.base import now, writing
from city311.store.correspondents import OPTED_IN, OPTED_OUT, Heard
from city311.store.known import known_of
from city311.store.turns import Incoming, TurnView

log = logging.getLogger(__name__)

NEEDED = (
    *(*answers.NEEDED, *screening.NEEDED),
    *("utter_too_long", "utter_empty_message", "utter_rate_limited"),
    *("utter_texts_stopped", "utter_texts_started", "utter_texts_help", "utter_language_set"),
)
"""Responses that the domain must have."""


class Taken(Enum):
    """What became of a message."""

    STORED = auto()
    """It is a turn, now or since before."""
    ANSWERED = auto()
    """It needs no dialogue; what there is to say is in the queue."""
    IGNORED = auto()
    """Its sender has stopped messages, so that nothing can be said."""
    REFUSED = auto()
    """Too many messages. The sender is told so, once."""


@dataclass(frozen=True)
class Setting:
    """What the channel works with. ``sender_secret`` makes the sender ids. ``languages``: those that a resident can be
    answered in, the city's own first."""

    engine: Engine
    responses: Responses
    limits: Limits
    languages: Sequence[str]
    sender_secret: str = field(repr=False)


@dataclass(frozen=True)
class _Before:
    """What is known of a sender before a message. ``choices``: what the question that was asked last offers."""

    repeated: bool
    opted_out: bool
    language: str
    choices: tuple[str, ...]


class Messaging:
    """SMS and WhatsApp of one portal process."""

    def __init__(self, setting: Setting, delivery: Delivery, queue: Answers) -> None:
        self._setting = setting
        self._marks = screening.marks(setting.responses)
        self._delivery = delivery
        self._queue = queue

    async def receive(self, received: Received) -> Taken:
        """Take a message whose sender the provider vouches for. When this returns, it cannot be lost any more.

        Raises:
            SQLAlchemyError: it could not be stored; the provider has to bring it again.
        """
        heard = received.heard(self._setting.sender_secret)
        before = await anyio.to_thread.run_sync(self._before, heard, received)
        if before.repeated:
            return Taken.STORED
        asked = Keyword(received.asked) if received.asked else None
        asked = asked or keyword(received.text, received.channel, opted_out=before.opted_out)
        if asked is not None and not received.media:
            # obeyed at any pace, but a flood of such words is not answered with a flood of texts
            limits = self._setting.limits
            quiet = bool(await limits.wait_s(heard.sender)) and not await limits.may_tell(heard.sender)
            await anyio.to_thread.run_sync(self._obey, asked, heard, received, before, quiet)
            self._queue.look()
            return Taken.ANSWERED
        whom = Recipient(heard.sender, heard.channel, before.language)
        if before.opted_out:
            log.info("a sender who has stopped messages wrote")
            return Taken.IGNORED
        if await self._setting.limits.wait_s(heard.sender):
            if await self._setting.limits.may_tell(heard.sender):
                await self._say(heard, whom, "utter_rate_limited", f"fast:{received.client_id}")
            return Taken.REFUSED
        if len(self._setting.languages) > 1 and not received.media:
            if (chosen := language_named(received.text, self._setting.languages)) is not None:
                whom = replace(whom, language=chosen)
                return await self._say(heard, whom, "utter_language_set", f"language:{received.client_id}", chosen)
            if asks_for_languages(received.text):
                return await self._say(heard, whom, "utter_languages", f"languages:{received.client_id}")
        return await self._take(heard, whom, received, before)

    async def _take(self, heard: Heard, whom: Recipient, received: Received, before: _Before) -> Taken:
        screened = screening.screen(received.text, self._marks)
        if screened.too_long:
            return await self._say(heard, whom, "utter_too_long", f"long:{received.client_id}")
        text = _chosen(screened.text, before.choices)
        details: dict[str, Any] = {}
        if received.position is not None:
            details["location"] = {"lat": received.position.lat, "lon": received.position.lon}
            text = text or screening.screen(received.address, self._marks).text or _in_figures(received.position)
        files = {secrets.token_hex(12): media for media in received.media}
        if files:
            details["attachments"] = list(files)
        if not text and not files:
            return await self._say(heard, whom, "utter_empty_message", f"empty:{received.client_id}")
        incoming = Incoming(heard.sender, received.client_id, heard.channel, before.language, text, details)

        def alongside(connection: Connection, turn: TurnView) -> None:
            correspondents.note(connection, heard, turn.received_at)
            if files:
                kept = [_attachment(name, media, heard, turn) for name, media in files.items()]
                connection.execute(insert(Attachment), kept)

        await self._delivery.take(incoming, alongside)
        return Taken.STORED

    def _before(self, heard: Heard, received: Received) -> _Before:
        known = known_of(self._setting.engine, heard.sender, received.client_id)
        languages = self._setting.languages
        return _Before(
            repeated=known.repeated,
            opted_out=known.opted_out,
            language=known.language if known.language in languages else languages[0],
            choices=choices(known.last_answer),
        )

    def _obey(self, asked: Keyword, heard: Heard, received: Received, before: _Before, quiet: bool) -> None:
        at, source = now(), received.client_id
        whom = Recipient(heard.sender, heard.channel, before.language)
        with writing(self._setting.engine) as session:
            correspondents.note(session, heard, at)
            new = True
            if asked is not Keyword.HELP:
                state = OPTED_OUT if asked is Keyword.STOP else OPTED_IN
                word = received.text.strip()[:40]
                new = correspondents.record(session, heard.sender, state, word, source, at)
            told_already = asked is Keyword.STOP and before.opted_out
            if not new or told_already or quiet:
                return
            key = f"{asked.value}:{source}"
            if asked is Keyword.START:
                self._queue.begin_again(session, key=key, whom=whom, confirmed=received.carrier_keyword)
            elif not received.carrier_keyword:
                response = "utter_texts_stopped" if asked is Keyword.STOP else "utter_texts_help"
                self._queue.say(session, response, key=key, whom=whom, kind=outgoing.CONSENT)

    async def _say(self, heard: Heard, whom: Recipient, response: str, key: str, chosen: str = "") -> Taken:
        """Queue one of the bot's own sentences. ``chosen``: the language that is kept for this phone from now on."""
        values = {"language": own_name(chosen)} if chosen else {}

        def queue() -> None:
            with writing(self._setting.engine) as session:
                correspondents.note(session, heard, now())
                if chosen:
                    correspondents.speak(session, heard.sender, chosen)
                self._queue.say(session, response, key=key, whom=whom, values=values)

        await anyio.to_thread.run_sync(queue)
        self._queue.look()
        return Taken.ANSWERED


def _attachment(name: str, media: Media, heard: Heard, turn: TurnView) -> Mapping[str, Any]:
    return {
        "id": name,
        "sender": heard.sender,
        "provider": heard.provider,
        "reference": media.reference,
        "content_type": media.content_type,
        "received_at": turn.received_at,
    }


def _chosen(text: str, offered: tuple[str, ...]) -> str:
    """What the number of a choice stands for; the text itself when it is no such number."""
    digits = text.strip().rstrip(".)")
    if digits.isascii() and digits.isdecimal() and len(digits) <= 3 and 1 <= int(digits) <= len(offered):
        return offered[int(digits) - 1]
    return text


def _in_figures(place: Position) -> str:
    return f"{place.lat:.5f}, {place.lon:.5f}"
