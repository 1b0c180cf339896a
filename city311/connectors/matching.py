"""Finds our own request among a server's, after a POST whose outcome is unknown.

The standard has no idempotency key, so what we sent is recognised by what it says: our number at the end of the
description, or else service, time, place and words together. Servers cut descriptions short and escape them; both are
allowed for.
"""

from __future__ import annotations

import html
import math
import re
import unicodedata
from collections.abc import Container
from datetime import datetime, timedelta, tzinfo

from city311.connectors.answers import Record, instant, number, text
from city311.connectors.model import Submission

LONGEST_DESCRIPTION = 4000
"""Characters a GeoReport v2 description may have."""

SLACK = timedelta(minutes=15)
"""How far server clocks may differ from ours."""

NEAR_M = 30.0
"""Metres within which two positions are the same place."""

_SHORTEST_START = 12
_MARK = re.compile(r"\((SR-\d{5,})\)", re.IGNORECASE)
_TAG = re.compile(r"<[^>]{0,500}>")


def marked(description: str, number_of_ours: str) -> str:
    """``description`` with our number as its last line, within the standard's length."""
    tail = f"({number_of_ours})"
    room = LONGEST_DESCRIPTION - len(tail) - 2
    return f"{description[:room].rstrip()}\n\n{tail}".lstrip()


def is_ours(candidate: Record, submission: Submission, since: datetime, zone: tzinfo, taken: Container[str]) -> bool:
    """Whether ``candidate``, a request as the server lists it, is what we sent as ``submission`` at or after ``since``.

    Args:
        zone: what times without zone are meant in.
        taken: ids that are known to belong to other requests of ours.
    """
    description = text(candidate, "description") or ""
    marks = _MARK.findall(html.unescape(description))
    if marks:
        return bool(marks[-1].upper() == submission.number.upper())
    identity = text(candidate, "service_request_id") or text(candidate, "token")
    if identity is None or identity in taken or text(candidate, "service_code") != submission.service_code:
        return False
    return (
        _in_time(candidate, since, zone)
        and _same_place(candidate, submission)
        and _same_words(description, marked(submission.description, submission.number))
    )


def _in_time(candidate: Record, since: datetime, zone: tzinfo) -> bool:
    requested_at = instant(text(candidate, "requested_datetime"), zone)
    if requested_at is None:
        return text(candidate, "status") != "closed"
    return requested_at >= since - SLACK


def _same_place(candidate: Record, submission: Submission) -> bool:
    lat, long = number(candidate, "lat"), number(candidate, "long")
    if None not in (lat, long, submission.lat, submission.long):
        assert lat is not None and long is not None  # noqa: S101 - for the type checker
        assert submission.lat is not None and submission.long is not None  # noqa: S101
        return metres_between(lat, long, submission.lat, submission.long) <= NEAR_M
    address = text(candidate, "address") or text(candidate, "address_string") or ""
    if submission.address and address:
        ours, theirs = essence(submission.address), essence(address)
        return ours.startswith(theirs) or theirs.startswith(ours)
    return not submission.address and submission.lat is None


def _same_words(theirs: str, ours: str) -> bool:
    stored, sent = essence(theirs.rstrip(" .…")), essence(ours)
    if stored == sent:
        return True
    return len(stored) >= _SHORTEST_START and sent.startswith(stored)


def essence(words: str) -> str:
    """Letters and digits only, whatever a server did to the rest: tags, escapes, case, spaces, punctuation."""
    plain = _TAG.sub(" ", html.unescape(html.unescape(words)))
    return "".join(letter for letter in unicodedata.normalize("NFKC", plain).casefold() if letter.isalnum())


def metres_between(lat1: float, long1: float, lat2: float, long2: float) -> float:
    """Great-circle distance in metres."""
    a, b = math.radians(lat1), math.radians(lat2)
    across = math.sin((b - a) / 2) ** 2 + math.cos(a) * math.cos(b) * math.sin(math.radians(long2 - long1) / 2) ** 2
    return 2 * 6_371_000 * math.asin(min(1.0, math.sqrt(across)))
