"""Reads what an Open311 client sends: form fields, ``attribute[CODE]`` answers, moments, lists."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from io import BytesIO
from urllib.parse import parse_qsl

from python_multipart import parse_form
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import Field, File, parse_options_header

from city311.requests.desk_rules import Problem, Refused, clean

_FIELD_LIMIT = 300
_ATTRIBUTE = re.compile(r"attribute\[([^\[\]]{1,100})\](?:\[[0-9]{0,3}\])?")
_URLENCODED = "application/x-www-form-urlencoded"
_EARLIEST, _LATEST = 1970, 2200


@dataclass
class Form:
    """A parsed body. A field that came several times keeps its last value; answers and photos keep all."""

    fields: dict[str, str] = field(default_factory=dict)
    attributes: dict[str, list[str]] = field(default_factory=dict)
    media_urls: list[str] = field(default_factory=list)


def read_form(content_type: str, body: bytes) -> Form:
    """The form in ``body``, urlencoded or multipart, always UTF-8. Files are not taken: photos come as ``media_url``.

    Raises:
        Refused: it cannot be read, or a text has characters that are not allowed.
    """
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type in ("", _URLENCODED):
        pairs = _urlencoded(body)
    elif media_type == "multipart/form-data":
        pairs = _multipart(content_type, body)
    else:
        raise Refused(Problem(400, f"The body must be {_URLENCODED} or multipart/form-data, in UTF-8."))
    form = Form()
    for name, value in pairs:
        _sort(form, clean("A parameter name", name), value)
    return form


def listed(values: Iterable[str]) -> list[str]:
    """The members of a parameter that may be given several times and may hold several, with commas between."""
    return [member.strip() for value in values for member in value.split(",") if member.strip()]


def moment(name: str, text: str) -> datetime | None:
    """An ISO 8601 date and time with zone; None where ``text`` is empty.

    Raises:
        Refused: it is something else.
    """
    if not text:
        return None
    # A plus sign that a client forgot to encode arrives as a blank.
    text = re.sub(r" (?=[0-9]{2}:?[0-9]{2}$)", "+", text)
    try:
        value = datetime.fromisoformat(text)
    except ValueError:
        value = None
    if value is None or value.tzinfo is None or not _EARLIEST < value.year < _LATEST:
        raise Refused(Problem(400, f"{name} must be a date and time with a zone, such as 2026-01-31T00:00:00Z."))
    return value


def whole_number(name: str, text: str, *, default: int, highest: int) -> int:
    """A whole number from 1 to ``highest``; ``default`` where ``text`` is empty.

    Raises:
        Refused: it is something else.
    """
    if not text:
        return default
    if not re.fullmatch(r"[0-9]{1,9}", text) or not 1 <= int(text) <= highest:
        raise Refused(Problem(400, f"{name} must be a whole number from 1 to {highest}."))
    return int(text)


def _sort(form: Form, name: str, raw: str) -> None:
    if name == "attribute" or name.startswith("attribute["):
        match = _ATTRIBUTE.fullmatch(name)
        if match is None:
            raise Refused(
                Problem(400, "An attribute must be given as attribute[CODE]=value or attribute[CODE][]=value.")
            )
        form.attributes.setdefault(match[1], []).append(clean("An attribute", raw))
    elif name in ("media_url", "media_url[]"):
        if value := clean("media_url", raw):
            form.media_urls.append(value)
    else:
        shown = name if re.fullmatch(r"[a-z_]{1,40}", name) else "A parameter"
        form.fields[name] = clean(shown, raw)


def _urlencoded(body: bytes) -> list[tuple[str, str]]:
    try:
        text = body.decode("utf-8")
        return parse_qsl(text, keep_blank_values=True, encoding="utf-8", errors="strict", max_num_fields=_FIELD_LIMIT)
    except UnicodeDecodeError:
        raise Refused(Problem(400, "The body is not valid UTF-8.")) from None
    except ValueError:
        raise Refused(Problem(400, f"The body has more than {_FIELD_LIMIT} parameters.")) from None


def _multipart(content_type: str, body: bytes) -> list[tuple[str, str]]:
    boundary = parse_options_header(content_type)[1].get(b"boundary")
    if not boundary or b"--" + boundary + b"--" not in body:  # the parser would take half a body for a whole one
        raise Refused(Problem(400, "The body is not valid multipart/form-data."))
    pairs: list[tuple[bytes, bytes]] = []
    files: list[File] = []

    def take(part: Field) -> None:
        pairs.append((part.field_name or b"", part.value or b""))

    try:
        headers = {"Content-Type": content_type.encode("latin-1")}
        parse_form(headers, BytesIO(body), take, files.append)
        decoded = [(name.decode("utf-8"), value.decode("utf-8")) for name, value in pairs]
    except UnicodeError:
        raise Refused(Problem(400, "The body is not valid UTF-8.")) from None
    except FormParserError:
        raise Refused(Problem(400, "The body is not valid multipart/form-data.")) from None
    finally:
        for file in files:
            file.close()
    if any(file.size for file in files):
        raise Refused(Problem(400, "Files are not taken; give the address of a photo as media_url."))
    if len(decoded) > _FIELD_LIMIT:
        raise Refused(Problem(400, f"The body has more than {_FIELD_LIMIT} parameters."))
    return decoded
