"""What a guided conversation says, before it becomes words on a channel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Phrase:
    """Words for a resident: either a text of the city pack, or the key of a domain response with its values.

    A value may itself be a phrase (a choice's words in the sentence that confirms it).
    """

    text: str = ""
    key: str = ""
    values: Mapping[str, Phrase | str] = field(default_factory=dict)


def pack(text: str) -> Phrase:
    """A text of the city pack."""
    return Phrase(text=text)


def own(key: str, **values: Phrase | str) -> Phrase:
    """One of the bot's own sentences (a response in domain.yml)."""
    return Phrase(key=key, values=values)


@dataclass(frozen=True)
class CardLine:
    """One line of a card. ``edit`` is what a resident says to change it."""

    label: Phrase
    value: Phrase | str
    edit: Phrase | None = None


@dataclass(frozen=True)
class Card:
    """What a message says, line by line, for a channel that can draw it.

    Attributes:
        kind: ``review`` or ``receipt``.
        said: the part of the message's words that the lines repeat.
    """

    kind: str
    lines: tuple[CardLine, ...]
    said: str = ""


@dataclass(frozen=True)
class Image:
    """A picture beside a message. ``src``: a path of the portal; ``alt``: what it shows, for who does not see it."""

    src: str
    alt: Phrase


@dataclass(frozen=True)
class Say:
    """One message: words, what can be pressed, and how far along the conversation is.

    ``takes`` names the kind of answer for which a channel may have an input of its own: ``place``, ``number``,
    ``contact``, ``photo``, ``past_day`` or ``coming_day``.
    """

    phrase: Phrase
    buttons: tuple[Phrase, ...] = ()
    step: int = 0
    of: int = 0
    takes: str = ""
    card: Card | None = None
    image: Image | None = None
