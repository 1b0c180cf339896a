"""Days in a message: "last Tuesday", "March 3rd", "two weeks ago", "10/14"."""

from __future__ import annotations

import re
from collections.abc import Iterator

from city311.dialogue.nlu.words import any_of, words

_WORDS = words()
_MONTH, _CLEAR_MONTH = any_of(_WORDS["months"]), any_of(_WORDS["clear_months"])
_DAY, _CLEAR_DAY = any_of(_WORDS["weekdays"]), any_of(_WORDS["clear_weekdays"])
_NEAR_DAY, _HOLIDAY = any_of(_WORDS["near_days"]), any_of(_WORDS["holidays"])
_COUNT = rf"(?:\d{{1,3}}|{any_of(_WORDS['counts'])})"
_UNIT = any_of(_WORDS["units"])
_ORDINAL = rf"(?:\d{{1,2}}(?:st|nd|rd|th)|{any_of(_WORDS['ordinals'])})"
_PERIOD, _SEASON = any_of(_WORDS["periods"]), any_of(_WORDS["seasons"])
_NO_STREET = rf"(?!\s+{any_of(_WORDS['no_day'])}\b)"
_DATE = re.compile(
    r"\b(?:"
    r"\d{4}-\d{2}-\d{2}"
    r"|(?:0?[1-9]|1[0-2])/(?:[12]\d|3[01]|0?[1-9])(?:/(?:\d{4}|\d{2}))?(?!/)"
    r"|(?:0?[1-9]|1[0-2])-(?:[12]\d|3[01]|0?[1-9])-(?:20)?\d{2}(?!-)"
    rf"|{_HOLIDAY}"
    rf"|(?:week\s+of\s+)?{_MONTH}\.?\s+\d{{1,2}}(?:st|nd|rd|th)?\b(?:,?\s+\d{{4}})?(?!\w)"
    rf"|(?:the\s+)?\d{{1,2}}(?:st|nd|rd|th)?\s+(?:of\s+)?{_MONTH}(?:\s+\d{{4}})?"
    rf"|(?:the\s+)?{_ORDINAL}\s+of\s+(?:the\s+|next\s+|this\s+)?month"
    r"|(?:the\s+)?(?:end|beginning|middle)\s+of\s+(?:the\s+|next\s+|this\s+)?(?:month|week|year)"
    r"|the\s+day\s+(?:before\s+yesterday|after\s+tomorrow)"
    rf"|(?:last|next|this|this\s+past|past)\s+(?:{_CLEAR_DAY}|{_DAY}|{_MONTH}|{_PERIOD})"
    rf"|{_COUNT}\s+{_UNIT}\s+(?:ago|back|from\s+now)"
    rf"|in\s+{_COUNT}\s+(?:day|week|month|year)s?"
    rf"|{_NEAR_DAY}|{_CLEAR_DAY}"
    rf"|{_CLEAR_MONTH}(?:\s+(?:of\s+)?(?:\d{{4}}|last\s+year))?"
    rf"|(?<=in )(?:{_MONTH}|{_SEASON})(?:\s+\d{{4}})?"
    rf"|(?:(?<=since )|(?<=for )|(?<=from )|(?<=until )|(?<=till )|(?<=during )|(?<=before )|(?<=after )|(?<=by ))"
    rf"(?:{_MONTH}|20\d\d)(?=\s*(?:$|[.,!?;]|and\b|but\b|we\b|when\b|bill\b|twice\b|again\b|to\b|until\b|now\b|i\b))"
    rf"|(?<=on )(?:{_DAY})(?=\s*(?:$|[.,!?;]|and\b|but\b|at\b|when\b))"
    r"|(?<=in )20\d\d|(?:mar|march|may)(?=(?:'s)?\s+(?:bill|statement|payment|charges?))"
    rf"|(?<=on )the\s+\d{{1,2}}(?:st|nd|rd|th){_NO_STREET}|(?<=since )the\s+\d{{1,2}}(?:st|nd|rd|th){_NO_STREET}"
    r"|the\s+\d{1,2}(?:st|nd|rd|th)(?=\s*(?:$|[.,!?;]|and\b|if\b|but\b|when\b))"
    r")(?!\w|-\w)",
    re.I,
)
_NOTHING_SINCE = re.compile(
    r"(?:n't|nt|\bnot|\bnever|\bno one|\bnobody|\bsecond|\bthird|\bfirst|\btimes?)\b[^.!?]*$", re.I
)
"""Before "in two weeks": it is a length of time then, not a day to come."""


def days(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of every day or time that ``text`` names, in order."""
    for match in _DATE.finditer(text):
        if match.group().lower().startswith("in ") and _NOTHING_SINCE.search(text, 0, match.start()):
            continue
        yield match.span()
