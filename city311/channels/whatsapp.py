"""WhatsApp: how an answer reads there, with buttons and lists where the provider shows them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from city311.channels.providers import Choice, Part
from city311.channels.received import WHATSAPP
from city311.language.responses import Responses

NEEDED = ("utter_or_reply", "utter_button_choose")
"""Responses that the domain must have."""

LONGEST = 1_500
"""Characters of one text; Twilio takes 1,600, the others 4,096."""

MOST_BUTTONS, LONGEST_BUTTON = 3, 20
MOST_ROWS, LONGEST_ROW, LONGEST_DESCRIPTION = 10, 24, 72
LONGEST_QUESTION = 1_024
"""Meta's limits for interactive messages."""

_STARS = re.compile(r"\*\*(?=\S)(.+?)(?<=\S)\*\*", re.DOTALL)


def render(messages: Sequence[Mapping[str, Any]], responses: Responses, *, interactive: bool) -> list[Part]:
    """The answer as one message, or as several when it is long."""
    texts = [_marked(str(message.get("text") or "")) for message in messages]
    texts = [text for text in texts if text]
    buttons: Sequence[Mapping[str, str]] = ()
    for message in messages:
        buttons = message.get("buttons") or buttons
    offered = tuple(Choice(button["title"], button["payload"]) for button in buttons)
    if interactive and offered and _shown(offered):
        question = texts[-1] if texts else ""
        before = texts[:-1]
        if len("\n".join(texts)) <= LONGEST_QUESTION:
            before, question = [], "\n".join(texts)
        if 0 < len(question) <= LONGEST_QUESTION:
            return [
                *(Part(text) for text in _split("\n".join(before))),
                Part(question, offered, responses.say("utter_button_choose", channel=WHATSAPP)[:20]),
            ]
    if len(offered) == 1:
        texts.append(_marked(responses.say("utter_or_reply", channel=WHATSAPP, values={"choice": offered[0].title})))
    else:
        texts.extend(f"{number}. {choice.title}" for number, choice in enumerate(offered, 1))
    return [Part(text) for text in _split("\n".join(texts))]


def as_buttons(choices: Sequence[Choice]) -> bool:
    """Whether these fit on buttons; a list takes what does not."""
    return len(choices) <= MOST_BUTTONS and all(len(choice.title) <= LONGEST_BUTTON for choice in choices)


def row(choice: Choice) -> tuple[str, str]:
    """Title and description of a list's row: a long title is begun in the one and said whole in the other."""
    if len(choice.title) <= LONGEST_ROW:
        return choice.title, ""
    return f"{choice.title[: LONGEST_ROW - 1].rstrip()}…", choice.title[:LONGEST_DESCRIPTION]


def _shown(choices: Sequence[Choice]) -> bool:
    titles = [choice.title for choice in choices] if as_buttons(choices) else [row(choice)[0] for choice in choices]
    fits = len(choices) <= MOST_ROWS and all(len(choice.title) <= LONGEST_DESCRIPTION for choice in choices)
    # a shortened title that stands twice would be no choice
    return fits and len(set(titles)) == len(titles) and all(len(choice.payload) <= 200 for choice in choices)


def _marked(text: str) -> str:
    return _STARS.sub(r"*\1*", text).strip()


def _split(text: str) -> list[str]:
    parts = []
    while len(text) > LONGEST:
        start = text[:LONGEST]
        at = max(start.rfind("\n"), start.rfind(". ") + 1)
        at = at if at > LONGEST // 2 else start.rfind(" ")
        at = at if at > 0 else LONGEST
        parts.append(text[:at].rstrip())
        text = text[at:].lstrip()
    return [*parts, text] if text else parts
