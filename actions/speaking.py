"""Says a phrase through Rasa: its own sentences by key, so that the NLG words them; texts of the pack as they are."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions.surroundings import THAT_DRAW, Surroundings
from city311.intake import Phrase, Say
from city311.language.catalogues import spoken_language

_THAT_REMIND = frozenset({"sms", "whatsapp"})
"""Channels that remind residents who come back days later of what they were reporting."""


def language(tracker: Tracker, here: Surroundings) -> str:
    """The language of this conversation: what the channel or the resident chose, if there are words for it."""
    metadata = (tracker.latest_message or {}).get("metadata") or {}
    return spoken_language(here.pack, str(metadata.get("language") or ""))


def say(
    dispatcher: CollectingDispatcher,
    tracker: Tracker,
    here: Surroundings,
    says: Iterable[Say],
    *,
    about: Phrase | None = None,
) -> None:
    """Utters each message, with its buttons in plain words and, where a channel shows it, the progress.

    ``about``: the service of the report that these messages go on with.
    """
    spoken = language(tracker, here)
    draws = tracker.get_latest_input_channel() in THAT_DRAW
    reminds = about is not None and tracker.get_latest_input_channel() in _THAT_REMIND
    messages = list(says)
    for message in messages:
        titles = [here.words(button, spoken) for button in message.buttons]
        extras: dict[str, Any] = {}
        if titles:
            extras["buttons"] = [{"title": title, "payload": title} for title in titles]
        if draws and (drawn := _drawn(here, spoken, message)):
            extras["json_message"] = drawn
        elif reminds and about is not None and message is messages[-1]:
            extras["json_message"] = {"about": here.words(about, spoken)}
        _utter(dispatcher, here, spoken, message.phrase, extras)


def _drawn(here: Surroundings, spoken: str, message: Say) -> dict[str, Any]:
    """What a channel that draws shows beside the words; the words alone say it all, too."""
    drawn: dict[str, Any] = {}
    if message.of:
        drawn["progress"] = {"step": message.step, "of": message.of}
    if message.takes:
        drawn["takes"] = message.takes
    if message.card is not None:
        lines = []
        for line in message.card.lines:
            shown = {"label": here.words(line.label, spoken), "value": here.words(line.value, spoken)}
            if line.edit is not None:
                shown["edit"] = here.words(line.edit, spoken)
            lines.append(shown)
        drawn["card"] = {"kind": message.card.kind, "lines": lines, "said": message.card.said}
    if message.image is not None:
        drawn["image"] = {"src": message.image.src, "alt": here.words(message.image.alt, spoken)}
    return drawn


def _utter(
    dispatcher: CollectingDispatcher, here: Surroundings, spoken: str, phrase: Phrase, extras: dict[str, Any]
) -> None:
    if phrase.key:
        values = {name: here.words(value, spoken) for name, value in phrase.values.items()}
        dispatcher.utter_message(response=phrase.key, **extras, **values)
    else:
        dispatcher.utter_message(text=here.words(phrase, spoken), **extras)
