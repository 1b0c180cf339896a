"""Takes telephone numbers, e-mail addresses and the reporter's name out of words that anyone may read."""

from __future__ import annotations

import re

_EMAIL = re.compile(r"[^\s@＠<>()\[\],;:\"]{1,64}[@＠][^\s@＠<>()\[\],;:\"]+")
_DIGITS = re.compile(r"(?<!SR-)[+(]{0,2}\d(?:[ ./()\u00a0\u2010-\u2015-]{0,3}\d){6,}")
_TIME = r"(?:[ T]\d{1,2})?"
_HARMLESS = re.compile(rf"\d{{4}}-\d{{2}}-\d{{2}}{_TIME}|\d{{1,2}}[./-]\d{{1,2}}[./-]\d{{4}}{_TIME}|\d{{5}}-\d{{4}}")
"""Dates, with the hours of a time, and nine-digit postal codes."""


def redact(text: str, *names: str, mark: str) -> str:
    """``text`` with ``mark`` for every e-mail address, run of seven or more digits that could be a telephone
    number (dates and postal codes stay), and each of ``names`` as a whole, whatever its case.

    It errs on the side of removing: an account number goes too.
    """
    text = _EMAIL.sub(lambda _: mark, text)
    text = _DIGITS.sub(lambda row: row[0] if _HARMLESS.fullmatch(row[0]) else mark, text)
    for name in names:
        if len(name) > 1:
            text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", lambda _: mark, text, flags=re.IGNORECASE)
    return text
