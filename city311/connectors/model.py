"""What passes between a capability and a system of record for service requests, and how that can fail.

Field names are those of Open311 GeoReport v2 (https://wiki.open311.org/GeoReport_v2/).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True)
class RemoteService:
    """One entry of a server's service list. ``metadata`` says whether it has a definition; ``type`` is realtime,
    batch or blackbox.
    """

    service_code: str
    service_name: str
    description: str = ""
    metadata: bool = False
    type: str = "realtime"
    keywords: tuple[str, ...] = ()
    group: str = ""


@dataclass(frozen=True)
class RemoteAttribute:
    """One question of a server's service definition. ``variable`` False means text to show, not a question."""

    code: str
    variable: bool = True
    datatype: str = "string"
    required: bool = False
    order: int = 0
    description: str = ""
    datatype_description: str = ""
    values: tuple[tuple[str, str], ...] = ()
    """(key, name) pairs of a value list."""


@dataclass(frozen=True)
class RemoteDefinition:
    """A server's questions for one service, in their order."""

    service_code: str
    attributes: tuple[RemoteAttribute, ...]


@dataclass(frozen=True)
class Submission:
    """A service request to hand over. ``number`` is ours; ``requested_at`` is when we recorded it; empty means not
    given.
    """

    number: str
    service_code: str
    address: str
    lat: float | None
    long: float | None
    description: str
    requested_at: datetime
    attributes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    phone: str = ""
    media_urls: tuple[str, ...] = ()
    agency: str = ""
    """Name of the department it is for, by the city's own rules."""


@dataclass(frozen=True)
class Receipt:
    """What the server gave for a request it took: an id, or a token that becomes one, or (a blackbox service)
    neither.
    """

    service_request_id: str | None = None
    token: str | None = None
    service_notice: str | None = None


@dataclass(frozen=True)
class Followup:
    """What a resident says about a request that the server has.

    Attributes:
        key: ours; the server may know by it that it has it already.
        request_id: the server's.
        status: ``open`` to have it opened again, ``closed`` to take it back, empty for words and photos alone.
    """

    key: str
    request_id: str
    text: str
    said_at: datetime
    media_urls: tuple[str, ...] = ()
    status: str = ""


@dataclass(frozen=True)
class RemoteRequest:
    """A request as the server shows it now.

    Attributes:
        status: ``open`` or ``closed``.
        status_word: its status as it came.
        state: finer state from ``extended_attributes``, where the server has them.
        state_since: since when, where it says so.
        evidence: where it shows that it is done: an address of a photo or document.
        parent: the request that this one is a duplicate of.
        status_notes: the department's latest words, as they came.
        expected_at: when the server expects it to be done.
    """

    id: str
    status: str
    status_word: str = ""
    state: str | None = None
    state_since: datetime | None = None
    evidence: str | None = None
    parent: str | None = None
    status_notes: str | None = None
    service_code: str | None = None
    service_name: str | None = None
    agency: str | None = None
    requested_at: datetime | None = None
    updated_at: datetime | None = None
    expected_at: datetime | None = None
    address: str | None = None
    lat: float | None = None
    long: float | None = None


class ConnectorError(Exception):
    """A call to a system of record did not do what was asked. Messages hold nothing a resident wrote."""


class SystemUnavailable(ConnectorError):
    """It cannot be reached or is overloaded: nothing was written, later may work.

    ``retry_after_s`` is the server's own wish in seconds, where it gave one.
    """

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class SystemRefused(ConnectorError):
    """It says no, and will say so again. ``code`` and ``description`` are the server's own words: not for logs."""

    def __init__(self, message: str, *, status: int, code: str = "", description: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.description = description


class Unclear(ConnectorError):
    """A request was sent and its outcome is unknown: look for it there before sending it again."""
