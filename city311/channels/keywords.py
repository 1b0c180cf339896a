"""Words that a message to a phone line may consist of: to stop and start messages, as carriers and US law (TCPA,
47 CFR 64.1200) want them heard, and to choose a language."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from enum import Enum

from city311.language.catalogues import name_in

STOPS = frozenset({"STOP", "STOPALL", "END", "QUIT", "CANCEL", "REVOKE", "OPTOUT", "UNSUBSCRIBE"})
STARTS = frozenset({"START", "UNSTOP"})
START_IF_OUT = "YES"
"""Starts again after a stop; to anyone else it is an answer."""
HELPS = frozenset({"HELP", "INFO"})
RESERVED = STOPS | STARTS | HELPS | {START_IF_OUT}
"""No question on SMS may need one of these as its answer."""

_ON_WHATSAPP = frozenset({"STOP", "STOPALL", "OPTOUT", "UNSUBSCRIBE", "REVOKE"})
"""No carrier listens there, so that CANCEL and END stay words of the conversation."""


class Keyword(Enum):
    """What a message that is nothing but such a word asks for."""

    STOP = "stop"
    START = "start"
    HELP = "help"


def keyword(text: str, channel: str, *, opted_out: bool) -> Keyword | None:
    """The request in ``text``; None for an ordinary message."""
    word = re.sub(r"[^A-Z]", "", text.upper()) if len(text) <= 40 else ""
    if word in (STOPS if channel == "sms" else _ON_WHATSAPP):
        return Keyword.STOP
    if word in STARTS or (opted_out and word == START_IF_OUT):
        return Keyword.START if channel == "sms" or opted_out else None
    if channel == "sms" and word in HELPS:
        return Keyword.HELP
    return None


LANGUAGE_WORDS = frozenset({"LANGUAGE", "LANGUAGES", "IDIOMA", "IDIOMAS", "LANGUE", "LANGUES"})


def asks_for_languages(text: str) -> bool:
    """Whether a message is nothing but the word by which residents ask for another language."""
    return text.strip(" .!?\n").upper() in LANGUAGE_WORDS


def language_named(text: str, languages: Sequence[str]) -> str | None:
    """The one of ``languages`` whose name, in any of them, is all that the message says; None for another message."""
    said = _bare(text) if len(text) <= 40 else ""
    for code in languages:
        if said and said in {_bare(name_in(code, other)) for other in (code, *languages)}:
            return code
    return None


def _bare(text: str) -> str:
    letters = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in letters if letter.isalpha() or letter == " ").strip()


def carrier_answers(text: str) -> bool:
    """Whether a carrier takes exactly this for such a word: one word, any case, nothing around it."""
    return text.strip().upper() in RESERVED
