"""Reads what Open311 servers answer, JSON or XML, as plain text values.

Servers differ from the standard and from each other: arrays that are single objects, ids as numbers, null or empty or
absent fields, wrong content types, errors as HTML. So the body decides what it is, not its label, and every leaf is
text or None: a number keeps the digits it was written with.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from datetime import datetime, timezone, tzinfo
from email.utils import parsedate_to_datetime
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

Record = dict[str, Any]
"""One object of an answer; leaves are text or None."""

_DEEPEST = 12
_LONGEST_ID = 200
_HARMFUL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff\ud800-\udfff]"
)
_LISTS = frozenset(
    {"services", "service_requests", "requests", "errors", "attributes", "values", "endpoints", "formats", "notes"}
)
_ENVELOPES = {
    "services": ("services", "service"),
    "service_definition": ("service_definition",),
    "requests": ("service_requests", "requests", "service_request", "request"),
    "errors": ("errors", "error"),
    "attributes": ("attributes", "attribute"),
    "values": ("values", "value"),
    "endpoints": ("endpoints", "endpoint"),
    "discovery": ("discovery",),
}
_ROOTS = frozenset(name for names in _ENVELOPES.values() for name in names)


class Unreadable(ValueError):
    """The body is neither the JSON nor the XML that the standard speaks of."""


def read(body: bytes, charset: str | None = None) -> object:
    """The body as dicts, lists, text and None.

    Args:
        body: bytes as received.
        charset: what the server says; tried only when the bytes are not Unicode.

    Raises:
        Unreadable: empty, HTML, broken JSON or XML, XML with a DTD or entities, or nested absurdly deep.
    """
    start = body.lstrip(b"\xef\xbb\xbf \t\r\n\x00\xff\xfe")[:1]
    if start == b"<":
        return _read_xml(body.removeprefix(b"\xef\xbb\xbf").strip())
    if start in (b"{", b"["):
        return _read_json(body, charset)
    raise Unreadable("the answer is empty" if not body.strip() else "the answer is neither JSON nor XML")


def _read_json(body: bytes, charset: str | None) -> object:
    try:
        try:
            text = body.decode(json.detect_encoding(body))
        except UnicodeDecodeError:
            text = body.decode(charset or "cp1252", errors="replace")
        value: object = json.loads(
            text.removeprefix("\ufeff"), parse_int=str, parse_float=str, parse_constant=lambda _name: None
        )
    except (ValueError, LookupError, RecursionError) as error:
        raise Unreadable("the answer is not valid JSON") from error
    return value


def _read_xml(body: bytes) -> object:
    try:
        root = fromstring(body, forbid_dtd=True)
        if _name(root) not in _ROOTS:
            raise Unreadable("the answer is XML, but not Open311's")
        return {_name(root): _plain(root, 0)}
    except DefusedXmlException as error:
        raise Unreadable("the answer is XML with a DTD or entities, or an HTML page") from error
    except Unreadable:
        raise
    except (ParseError, ValueError, LookupError) as error:
        raise Unreadable("the answer is not valid XML") from error


def _plain(element: Element, depth: int) -> object:
    if depth > _DEEPEST:
        raise Unreadable("the answer is nested too deep")
    children = [child for child in element if isinstance(child.tag, str)]
    if not children:
        return element.text
    names = [_name(child) for child in children]
    values = [_plain(child, depth + 1) for child in children]
    if _name(element) in _LISTS and len(set(names)) == 1:
        return values
    together: Record = {}
    for name, value in zip(names, values, strict=True):
        if name in together:
            earlier = together[name]
            together[name] = [*(earlier if isinstance(earlier, list) else [earlier]), value]
        else:
            together[name] = value
    return together


def _name(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]


def records(answer: object, kind: str) -> list[Record]:
    """The objects in ``answer``, out of whatever arrays and envelopes they come in.

    Args:
        answer: from :func:`read`.
        kind: services, service_definition, requests, errors, attributes, values, endpoints or discovery.
    """
    return list(_unwrap(answer, _ENVELOPES[kind], 0))


def _unwrap(value: object, envelopes: tuple[str, ...], depth: int) -> Iterator[Record]:
    if depth > _DEEPEST:
        return
    if isinstance(value, list):
        for item in value:
            yield from _unwrap(item, envelopes, depth + 1)
    elif isinstance(value, dict):
        for envelope in envelopes:
            inside = value.get(envelope, "")
            if inside is None or isinstance(inside, (dict, list)):
                yield from _unwrap(inside, envelopes, depth + 1)
                return
        yield value


def text(record: Record, name: str) -> str | None:
    """The field as text; None where it is absent, null, empty or no single value."""
    value = record.get(name)
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str):
        return None
    return clean(value) or None


def identity(record: Record, name: str) -> str | None:
    """An id or token as text. One that is longer than any server's is taken for none."""
    value = text(record, name)
    return value if value is not None and len(value) <= _LONGEST_ID else None


def clean(value: str) -> str:
    """``value`` without control and direction characters (line breaks and tabs stay) and without space around it."""
    return _HARMFUL.sub("", value).strip()


def flag(record: Record, name: str, otherwise: bool) -> bool:
    """A true/false field; ``otherwise`` where it says neither."""
    said = (text(record, name) or "").casefold()
    if said in ("true", "1", "yes"):
        return True
    return False if said in ("false", "0", "no") else otherwise


def number(record: Record, name: str) -> float | None:
    """A field as a finite number; None where it is none."""
    try:
        value = float(text(record, name) or "")
    except ValueError:
        return None
    return value if abs(value) < 1e9 else None


_SPACED_ZONE = re.compile(r"\s+(?=[+-]\d{2}:?\d{2}$)")
_SLASHED = re.compile(r"^(\d{4})/(\d{2})/(\d{2})(?=\D|$)")
_EPOCH = re.compile(r"^/?(?:Date\()?(\d{9,13})(?:[+-]\d{4})?\)?/?$")


def instant(value: str | None, zone: tzinfo) -> datetime | None:
    """A moment as servers write it: ISO 8601 in its many spellings, RFC 2822, or seconds or milliseconds since 1970.

    A time without zone is taken as ``zone``'s. What cannot be read for certain (11/12/2026) is None: no date is better
    than a wrong one.
    """
    if not value:
        return None
    said = value.strip()
    epoch = _EPOCH.match(said)
    try:
        if epoch:
            seconds = int(epoch[1])
            return datetime.fromtimestamp(seconds / 1000 if len(epoch[1]) > 11 else seconds, timezone.utc)
        said = _SLASHED.sub(r"\1-\2-\3", said)
        said = _SPACED_ZONE.sub("", said)
        said = re.sub(r"\s+(?:UTC|GMT)$", "+00:00", said)
        try:
            moment = datetime.fromisoformat(said)
        except ValueError:
            moment = parsedate_to_datetime(value)
    except (ValueError, OverflowError, OSError, TypeError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


_TAGS = re.compile(r"(?is)<(script|style|head)\b.*?</\1\s*>|<[^>]{0,500}>")


def without_markup(value: str) -> str:
    """``value`` as plain text: tags dropped, character references resolved, runs of space made one."""
    return " ".join(clean(html.unescape(_TAGS.sub(" ", value))).split())


def error(body: bytes, charset: str | None = None) -> tuple[str, str]:
    """(code, description) of an error answer in any shape: the standard's array, an object, plain text or HTML."""
    try:
        answer = read(body, charset)
    except Unreadable:
        return "", without_markup(body[:4000].decode("utf-8", errors="replace"))[:300]
    if isinstance(answer, dict) and isinstance(answer.get("error"), str):
        return text(answer, "code") or "", without_markup(answer["error"])[:300]
    for record in records(answer, "errors"):
        said = text(record, "description") or text(record, "message") or text(record, "error") or ""
        return text(record, "code") or "", without_markup(said)[:300]
    return "", ""


def is_error(record: Record) -> bool:
    """Whether an object of a successful answer is really an error: it has a code or message, and nothing of a
    request.
    """
    return text(record, "service_request_id") is None and (
        (text(record, "code") is not None and text(record, "description") is not None)
        or "error" in record
        or "errors" in record
    )
