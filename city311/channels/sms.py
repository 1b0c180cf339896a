"""SMS: how an answer reads as a text message."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from city311.channels.received import SMS
from city311.channels.segments import cut, plain, segments
from city311.language.responses import Responses

NEEDED = ("utter_or_reply", "utter_more_on_the_web")
"""Responses that the domain must have."""

MOST = 3
"""Segments of one answer."""


@dataclass(frozen=True)
class Text:
    """A text message. ``whole`` is the answer in full when the message holds only a part of it, else empty."""

    body: str
    whole: str = ""


def choices(messages: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """What a resident may answer by number: the payloads of the last question's buttons, if it has two or more."""
    for message in reversed(messages):
        buttons = message.get("buttons") or []
        if buttons:
            return tuple(button["payload"] for button in buttons) if len(buttons) > 1 else ()
    return ()


def written(messages: Sequence[Mapping[str, Any]], responses: Responses, channel: str = SMS) -> tuple[str, str]:
    """The words of an answer, and below them its choices: numbered, or if there is one, to be said in its own words."""
    texts = [plain(str(message.get("text") or "")) for message in messages]
    buttons: Sequence[Mapping[str, str]] = ()
    for message in messages:
        buttons = message.get("buttons") or buttons
    titles = [plain(button["title"]) for button in buttons]
    if len(titles) == 1:
        below = plain(responses.say("utter_or_reply", channel=channel, values={"choice": titles[0]}))
    else:
        below = "\n".join(f"{number}. {title}" for number, title in enumerate(titles, 1))
    return "\n".join(text for text in texts if text), below


def render(messages: Sequence[Mapping[str, Any]], responses: Responses, *, link: str) -> Text:
    """The answer in at most three segments; what does not fit is to be read at ``link``.

    Choices come before words: a resident who sees no choice cannot go on.
    """
    words, below = written(messages, responses)
    whole = "\n".join(part for part in (words, below) if part)
    if segments(whole) <= MOST:
        return Text(whole)
    more = plain(responses.say("utter_more_on_the_web", channel=SMS, values={"link": link}))
    if segments(f"\n{more}\n{below}") > MOST - 1:
        # very long choices: those that fit under the question's first words
        question = cut(words, 1, after="\n")
        kept = _lines(below, f"{question}\n{more}\n")
        return Text("\n".join(part for part in (question, kept, more) if part), whole)
    after = "\n".join(part for part in (more, below) if part)
    return Text(f"{cut(words, MOST, after=chr(10) + after)}\n{after}".strip(), whole)


def _lines(text: str, beside: str) -> str:
    kept = ""
    for line in text.split("\n"):
        longer = f"{kept}\n{line}" if kept else line
        if segments(longer + beside) > MOST:
            break
        kept = longer
    return kept
