"""The web channel: what a message from the chat page goes through, and the JSON that the page gets."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from city311.channels.limits import Limits
from city311.channels.relay import Message
from city311.channels.turns import Delivery
from city311.language import screening
from city311.language.responses import Responses
from city311.store.turns import ANSWERED, Incoming, TooMany, TurnView

CHANNEL = "web"
NEEDED = ("utter_too_long", "utter_empty_message", "utter_rate_limited", *screening.NEEDED)
"""Responses that the domain must have."""

HISTORY = 100
"""Turns in one page of history."""

_CLIENT_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_PHOTO_ID = re.compile(r"[0-9a-f]{32}")
_MOST_PHOTOS = 20
_LAST_SEQ = 2**31 - 1


class BadMessage(ValueError):
    """What came is not of the channel's shape. ``remedy`` says what is."""

    def __init__(self, error: str, remedy: str) -> None:
        super().__init__(error)
        self.remedy = remedy


@dataclass(frozen=True)
class Written:
    """A message as the page sent it.

    Attributes:
        id: the page's own (letters, digits, - and _).
        text: not yet screened.
        photos: ids of photos that were uploaded before.
        location: a position that the resident shared: latitude and longitude, WGS 84 degrees.
        language: code of the page's language; empty where it did not say.
    """

    id: str
    text: str
    photos: tuple[str, ...] = ()
    location: tuple[float, float] | None = None
    language: str = ""


@dataclass(frozen=True)
class Reply:
    """Answer to one message. ``body`` is the JSON; ``wait_s`` is set when the sender writes too fast."""

    body: Mapping[str, Any]
    wait_s: float | None = None


def read_message(document: object) -> Written:
    """The message in ``{"id": …, "text": …}``; ``photos`` may name some that were uploaded, ``location`` hold
    ``{"lat": …, "lon": …}``.

    Raises:
        BadMessage: a field is missing or of the wrong kind. The error never repeats what was sent.
    """
    example = 'Send {"id": "<up to 64 letters, digits, - or _>", "text": "<what the resident wrote>"}.'
    if not isinstance(document, dict):
        raise BadMessage(f"The body is {_kind(document)}, not an object.", example)
    for name in ("id", "text"):
        if name not in document:
            raise BadMessage(f"The field {name!r} is missing.", example)
        if not isinstance(document[name], str):
            raise BadMessage(f"The field {name!r} is {_kind(document[name])}, not a string.", example)
    if not _CLIENT_ID.fullmatch(document["id"]):
        raise BadMessage("The field 'id' is empty, too long, or has other characters.", example)
    photos = document.get("photos", [])
    if not isinstance(photos, list) or len(photos) > _MOST_PHOTOS or not all(map(_is_photo_id, photos)):
        raise BadMessage("The field 'photos' is no list of photo ids.", "Use the ids that uploading gave, 20 at most.")
    language = document.get("language", "")
    if not isinstance(language, str):
        raise BadMessage(f"The field 'language' is {_kind(language)}, not a string.", example)
    return Written(document["id"], document["text"], tuple(photos), _location(document.get("location")), language)


def read_after(text: str | None) -> int | None:
    """The ``after`` of a history request; None when it was not given.

    Raises:
        BadMessage: it is not a whole number from 0.
    """
    if text is None:
        return None
    if not text.isascii() or not text.isdecimal() or len(text) > 10 or int(text) > _LAST_SEQ:
        raise BadMessage("The parameter 'after' is not a sequence number.", "Use the 'seq' of a turn, or 0 for all.")
    return int(text)


class WebChannel:
    """The channel of one portal process."""

    def __init__(
        self, delivery: Delivery, responses: Responses, *, languages: Sequence[str], limits: Limits, rates: str
    ) -> None:
        """``languages``: codes of those that a resident can be answered in, the city's own first. ``rates``: of all
        chats together, in the notation of :class:`city311.channels.limits.Rates`; the delivery counts each chat.
        """
        self._limits = limits
        self._rates = rates
        self._delivery = delivery
        self._responses = responses
        self._languages = languages
        self._marks = screening.marks(responses)

    async def receive(self, sender: str, written: Written) -> Reply:
        """Screen a message, pass it on, and give the turn: ``{turn, id, seq, text, state, messages}``.

        A message that is not passed on (too long, empty, too fast) has ``turn`` null and is not stored.
        """
        screened = screening.screen(written.text, self._marks)
        language = written.language if written.language in self._languages else self._languages[0]
        if screened.too_long:
            return self._unstored(written, "utter_too_long", language)
        if screened.empty and not written.photos and written.location is None:
            return self._unstored(written, "utter_empty_message", language)
        if wait_s := await self._limits.wait_for(self._rates, "web", ""):
            return Reply(self._unstored(written, "utter_rate_limited", language).body, wait_s=wait_s)
        outcome = await self._delivery.submit(
            Incoming(sender, written.id, CHANNEL, language, screened.text, _details(written)),
        )
        if isinstance(outcome, TooMany):
            return Reply(self._unstored(written, "utter_rate_limited", language).body, wait_s=outcome.wait_s)
        return Reply(self._shown(outcome))

    async def erase(self, sender: str) -> None:
        """See :meth:`city311.channels.turns.Delivery.erase`."""
        await self._delivery.erase(sender)

    async def history(self, sender: str, after: int | None) -> Mapping[str, Any]:
        """``{"turns": [{turn, id, seq, text, state, messages}], "more": bool}``, oldest first."""
        turns, more = await self._delivery.history(sender, after=after, limit=HISTORY)
        return {"turns": [self._shown(turn) for turn in turns], "more": more}

    def _shown(self, turn: TurnView) -> dict[str, Any]:
        messages: Sequence[Mapping[str, Any]] = turn.messages
        if turn.delayed:
            messages = [self._delivery.apology_for_now(CHANNEL, turn.language).as_json()]
        return {
            "turn": turn.id,
            "id": turn.client_id,
            "seq": turn.seq,
            "text": turn.text,
            "state": turn.state,
            "messages": [dict(message) for message in messages],
            "location": turn.details.get("location"),
            "photos": len(turn.details.get("media", ())),
        }

    def _unstored(self, written: Written, key: str, language: str) -> Reply:
        message = Message(self._responses.in_language(language).say(key, channel=CHANNEL))
        return Reply(
            {
                "turn": None,
                "id": written.id,
                "seq": None,
                "text": None,
                "state": ANSWERED,
                "messages": [message.as_json()],
                "location": None,
                "photos": 0,
            }
        )


def _is_photo_id(value: object) -> bool:
    return isinstance(value, str) and bool(_PHOTO_ID.fullmatch(value))


def _details(written: Written) -> dict[str, Any]:
    details: dict[str, Any] = {"media": list(written.photos)} if written.photos else {}
    if written.location is not None:
        details["location"] = {"lat": written.location[0], "lon": written.location[1]}
    return details


def _location(given: object) -> tuple[float, float] | None:
    if given is None:
        return None
    degrees = [given.get("lat"), given.get("lon")] if isinstance(given, dict) else []
    numbers = [value for value in degrees if isinstance(value, int | float) and not isinstance(value, bool)]
    if len(numbers) != 2 or not (-90 <= numbers[0] <= 90 and -180 <= numbers[1] <= 180):
        remedy = 'Send {"lat": <-90 to 90>, "lon": <-180 to 180>}, or leave it out.'
        raise BadMessage("The field 'location' is no position on earth.", remedy)
    return float(numbers[0]), float(numbers[1])


def _kind(value: object) -> str:
    names: dict[type, str] = {dict: "an object", list: "a list", str: "a string", bool: "true or false"}
    if value is None:
        return "null"
    return names.get(type(value), "a number")
