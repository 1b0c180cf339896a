"""Words by which residents stop and start messages, as carriers and US law (TCPA, 47 CFR 64.1200) want them heard."""

from __future__ import annotations

import re
from enum import Enum

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


def carrier_answers(text: str) -> bool:
    """Whether a carrier takes exactly this for such a word: one word, any case, nothing around it."""
    return text.strip().upper() in RESERVED
