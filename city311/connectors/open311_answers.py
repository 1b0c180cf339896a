"""What the answers of a GeoReport v2 server say, whatever they look like."""

from __future__ import annotations

from datetime import tzinfo
from urllib.parse import urlsplit

import structlog

from city311.connectors import answers
from city311.connectors.answers import Record, Unreadable, instant, text
from city311.connectors.model import (
    Receipt,
    RemoteAttribute,
    RemoteRequest,
    RemoteService,
    SystemRefused,
    SystemUnavailable,
    Unclear,
)
from city311.connectors.transport import Answer

_GEOREPORT = "wiki.open311.org/georeport_v2"
_CLOSED = frozenset(
    # the standard's word, and those of the servicerequestupdates extension
    {"closed", "fixed", "no_further_action", "not_responsible", "duplicate", "internal_referral"}
)
_RECEIPT = frozenset({"service_request_id", "token", "service_notice", "account_id"})

log = structlog.get_logger(__name__)


def rows(answer: Answer, kind: str) -> list[Record]:
    """The rows of an answer.

    Raises:
        SystemUnavailable: it cannot be read, or is a fault of the server's own with a good status.
        SystemRefused: an error inside, with a good status.
    """
    path = urlsplit(answer.url).path
    try:
        found = answers.records(answers.read(answer.body, answer.charset), kind)
    except Unreadable as error:
        log.warning("open311.unreadable", path=path, status=answer.status, size=len(answer.body))
        raise SystemUnavailable(f"{path}: {error}") from error
    for row in found:
        if kind == "requests" and answers.is_error(row):
            code, description = answers.error(answer.body, answer.charset)
            message = f"{path} answered {answer.status} with an error inside"
            if code.startswith("5"):
                raise SystemUnavailable(message)
            status = int(code) if code in ("400", "401", "403", "404") else 400
            raise SystemRefused(message, status=status, code=code, description=description)
    return found


def name_of(row: Record) -> tuple[str | None, str | None]:
    """(id, token) of a request; never both."""
    identity = answers.identity(row, "service_request_id")
    return identity, None if identity else answers.identity(row, "token")


def endpoint(answer: Answer, wanted: str) -> tuple[str, str]:
    """(base URL, json or xml) of the endpoint that a discovery document names; ``wanted`` where it says no form.

    Raises:
        SystemUnavailable: there is none.
    """
    document = rows(answer, "discovery")
    endpoints = answers.records(document[0].get("endpoints") if document else None, "endpoints")
    fitting = [row for row in endpoints if _is_georeport(text(row, "specification")) and text(row, "url")]
    if not fitting:
        raise SystemUnavailable(f"none of {len(endpoints)} endpoints speaks GeoReport v2; check discovery_url")
    production = [row for row in fitting if (text(row, "type") or "production").casefold() == "production"]
    row = (production or fitting)[0]
    url = (text(row, "url") or "").rstrip("/")
    if urlsplit(answer.url).scheme == "https" and url.startswith("http://"):
        url = f"https://{url.removeprefix('http://')}"  # the key does not leave over an open line
    if urlsplit(url).scheme not in ("http", "https"):
        raise SystemUnavailable("the endpoint in the discovery document has no http(s) address")
    offered = str(row.get("formats") or "").casefold()
    if "json" in offered:
        return url, "json"
    return url, "xml" if "xml" in offered else wanted


def _is_georeport(specification: str | None) -> bool:
    return (specification or "").casefold().rstrip("/").partition("://")[2] == _GEOREPORT


def service(row: Record) -> RemoteService | None:
    """A service of the list; None without a code."""
    code = text(row, "service_code")
    if code is None:
        return None
    keywords = (word.strip() for word in (text(row, "keywords") or "").split(","))
    return RemoteService(
        service_code=code,
        service_name=text(row, "service_name") or code,
        description=text(row, "description") or "",
        metadata=answers.flag(row, "metadata", False),
        type=(text(row, "type") or "realtime").casefold(),
        keywords=tuple(word for word in keywords if word),
        group=text(row, "group") or "",
    )


def attribute(row: Record) -> RemoteAttribute:
    """A question of a service definition."""
    values = answers.records(row.get("values"), "values")
    order = answers.number(row, "order")
    return RemoteAttribute(
        code=text(row, "code") or "",
        variable=answers.flag(row, "variable", True),
        datatype=(text(row, "datatype") or "string").casefold(),
        required=answers.flag(row, "required", False),
        order=int(order) if order is not None else 0,
        description=text(row, "description") or "",
        datatype_description=text(row, "datatype_description") or "",
        values=tuple((key, text(value, "name") or key) for value in values if (key := text(value, "key"))),
    )


def receipt(answer: Answer) -> Receipt:
    """What a POST was answered with.

    Raises:
        Unclear: something that is no receipt.
        SystemRefused: an error inside.
    """
    try:
        found = rows(answer, "requests")
    except SystemUnavailable as error:
        if answer.status in (201, 202) and not answer.body.strip():
            return Receipt()
        raise Unclear(str(error)) from error
    if any(not _RECEIPT & row.keys() for row in found if row):
        raise Unclear(f"POST answered {answer.status} with something that is no receipt")
    row: Record = next((row for row in found if name_of(row) != (None, None)), {})
    identity, token = name_of(row)
    notices = (text(row, "service_notice") for row in found)
    return Receipt(
        service_request_id=identity,
        token=token,
        service_notice=next((notice for notice in notices if notice), None),
    )


def request(row: Record, request_id: str, zone: tzinfo) -> RemoteRequest:
    """A request as it stands there; times without zone are meant in ``zone``."""
    given = row.get("extended_attributes")
    extended: Record = given if isinstance(given, dict) else {}
    status = (text(row, "status") or "open").casefold()
    return RemoteRequest(
        id=request_id,
        status="closed" if status.replace(" ", "_") in _CLOSED else "open",
        status_word=status,
        state=text(extended, "state"),
        state_since=instant(text(extended, "state_since"), zone),
        evidence=_web_address(text(extended, "evidence")),
        parent=answers.identity(extended, "duplicate_of"),
        status_notes=text(row, "status_notes"),
        service_code=text(row, "service_code"),
        service_name=text(row, "service_name"),
        agency=text(row, "agency_responsible"),
        requested_at=instant(text(row, "requested_datetime"), zone),
        updated_at=instant(text(row, "updated_datetime"), zone),
        expected_at=instant(text(row, "expected_datetime"), zone),
        address=text(row, "address"),
        lat=answers.number(row, "lat"),
        long=answers.number(row, "long"),
    )


def _web_address(value: str | None) -> str | None:
    """An address that may be shown to residents; None for anything else."""
    whole = value is not None and urlsplit(value).scheme in ("http", "https") and len(value) <= 500
    return value if whole and value is not None and not set(value) & set(" <>\"'()") else None
