"""How things stand with a request, as anyone who has its number may know: no name, no contact, none of the reporter's
words.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from city311.city.model import Department, Pack
from city311.connectors.answers import without_markup
from city311.connectors.matching import essence
from city311.connectors.model import RemoteRequest, SystemRefused, SystemUnavailable
from city311.requests.desk_privacy import redact
from city311.requests.history import Usual
from city311.requests.port import WorkOrderSystem
from city311.requests.routing import department_of
from city311.requests.states import State, state_of
from city311.store import ledger, numbers
from city311.store.base import reading
from city311.store.ledger import Outbox, ServiceRequest


class Kind(str, Enum):
    """What can be said about a number.

    ``found``: the system of record has it, and this is how it stands there. ``waiting``: recorded, not passed on yet.
    ``unknown``: nobody has it. ``mistyped``: it cannot be one of our numbers; a digit is wrong. ``unavailable``: the
    system of record cannot be asked now; what we know ourselves is there. ``not_shown``: it took it, and does not show
    it: deleted, renumbered, in an archive, or not listed yet.
    """

    FOUND = "found"
    WAITING = "waiting"
    UNKNOWN = "unknown"
    MISTYPED = "mistyped"
    UNAVAILABLE = "unavailable"
    NOT_SHOWN = "not_shown"


@dataclass(frozen=True)
class Status:
    """The answer to "what is happening with …?".

    Attributes:
        number: ours in its canonical form, or the foreign id; empty where the text holds neither.
        state: a value of :class:`city311.requests.states.State`; None unless found.
        since: from when on that is so; None where nobody says.
        notes: the department's latest words, short, without contacts.
        evidence: web address of what shows that it is done.
        parent: number of the request that this one repeats.
        can_reopen: whether it was closed so lately that a resident may have it opened again.
        usual: how long such requests take, for an open one.
        passed_on_at: when the system of record took it.
        due: by when the department aims to be done.
        refused: the system of record would not take it, and staff have it now (with ``waiting``).
    """

    kind: Kind
    number: str
    service_name: str | None = None
    state: str | None = None
    since: datetime | None = None
    notes: str | None = None
    evidence: str | None = None
    parent: str | None = None
    service_code: str | None = None
    can_reopen: bool = False
    usual: Usual | None = None
    requested_at: datetime | None = None
    updated_at: datetime | None = None
    passed_on_at: datetime | None = None
    due: datetime | None = None
    department: Department | None = None
    refused: bool = False


_LONGEST_NOTES = 300
_LONGEST_ID = 64
_SHORTEST_QUOTE = 12
_OURS_WITHIN = re.compile(r"\bS\.?[ ]?R\.?[ #:.-]*\d(?:[ -]{0,3}\d)*", re.IGNORECASE)
_DIGITS_WITHIN = re.compile(r"(?<![\w-])#?\d(?:[ -]?\d){5,8}(?![\w-])")
_ID = re.compile(r"[#]?([0-9A-Za-z][0-9A-Za-z._:/-]*)")


def status(
    engine: Engine,
    pack: Pack,
    system: WorkOrderSystem,
    said: str,
    budget_s: float,
    learn_id: Callable[[str, str], None],
) -> Status:
    """How things stand with the number or foreign id in ``said``, asked at this moment.

    Args:
        budget_s: seconds for the system of record.
        learn_id: keeps (number, id) when a token turns out to have become an id.
    """
    number = next((found for text in _candidates(said) if (found := numbers.parse(text))), None)
    if number is not None:
        row = _row(engine, ServiceRequest.number == number)
        if row is not None:
            return _of_ours(engine, pack, system, row, budget_s, learn_id)
    foreign = _foreign_id(said)
    if foreign is not None:
        row = _row(engine, ServiceRequest.external_id == foreign)
        if row is not None:
            return _of_ours(engine, pack, system, row, budget_s, learn_id)
    mistyped = number is None and any(numbers.is_mistyped(text) for text in _candidates(said))
    if system.own_numbers:
        if mistyped:
            return Status(Kind.MISTYPED, said.strip()[:_LONGEST_ID])
        if number is None:
            return Status(Kind.UNKNOWN, foreign or "")
        return _of_theirs(pack, system, number, budget_s)
    shaped_like_ours = number is not None or mistyped
    if foreign is None or (shaped_like_ours and foreign[:2].upper() == "SR"):
        return Status(Kind.MISTYPED if mistyped else Kind.UNKNOWN, number or foreign or "")
    theirs = _of_theirs(pack, system, foreign, budget_s)
    if theirs.kind is Kind.UNKNOWN and mistyped:
        return Status(Kind.MISTYPED, foreign)
    return theirs


def _candidates(said: str) -> Iterator[str]:
    """The whole text, then what in it may be a number."""
    plain = unicodedata.normalize("NFKC", said[:2000])
    yield plain
    yield from _OURS_WITHIN.findall(plain)
    yield from _DIGITS_WITHIN.findall(plain)


def _foreign_id(said: str) -> str | None:
    match = _ID.fullmatch(unicodedata.normalize("NFKC", said[:200]).strip(" .,;!?\"'"))
    if match is None or len(match[1]) > _LONGEST_ID or not any(letter.isdigit() for letter in match[1]):
        return None
    return match[1]


def _row(engine: Engine, which: Any) -> ServiceRequest | None:
    with reading(engine) as session:
        return session.scalar(select(ServiceRequest).where(which).order_by(ServiceRequest.created_at.desc()).limit(1))


def _of_ours(
    engine: Engine,
    pack: Pack,
    system: WorkOrderSystem,
    row: ServiceRequest,
    budget_s: float,
    learn_id: Callable[[str, str], None],
) -> Status:
    if row.sent_at is None:
        with reading(engine) as session:
            outbox = session.scalar(select(Outbox).where(Outbox.number == row.number, Outbox.kind == ledger.CREATE))
        return _known(pack, row, Kind.WAITING, refused=outbox is not None and outbox.state == ledger.FAILED)
    try:
        identity = row.external_id
        if identity is None and row.external_token is not None:
            identity = system.resolve_token(row.external_token, budget_s=budget_s / 2)
            budget_s /= 2
            if identity is not None:
                learn_id(row.number, identity)
        if identity is None:  # it has it, and shows no more
            return _known(pack, row, Kind.FOUND, state=State.PASSED_ON.value, since=row.sent_at)
        remote = system.status(identity, budget_s=budget_s)
    except (SystemUnavailable, SystemRefused):
        return _known(pack, row, Kind.UNAVAILABLE)
    if remote is None:  # we know that it took it
        return _known(pack, row, Kind.NOT_SHOWN)
    with reading(engine) as session:
        return shown(session, pack, remote, row)


def _known(pack: Pack, row: ServiceRequest, kind: Kind, **more: Any) -> Status:
    """What we know ourselves of a request of ours."""
    service = pack.services.get(row.service_code)
    return Status(
        kind=kind,
        number=row.number,
        service_code=row.service_code,
        service_name=service.name if service else row.submission.get("service_name"),
        requested_at=row.created_at,
        passed_on_at=row.sent_at,
        department=department_of(row, pack) or (service.department if service else None),
        **{"due": row.due_at, **more},
    )


def _of_theirs(pack: Pack, system: WorkOrderSystem, identity: str, budget_s: float) -> Status:
    try:
        remote = system.status(identity, budget_s=budget_s)
    except SystemRefused as refused:
        return Status(Kind.UNKNOWN if refused.status in (400, 404) else Kind.UNAVAILABLE, identity)
    except SystemUnavailable:
        return Status(Kind.UNAVAILABLE, identity)
    return Status(Kind.UNKNOWN, identity) if remote is None else shown(None, pack, remote, None)


def shown(session: Session | None, pack: Pack, remote: RemoteRequest, row: ServiceRequest | None) -> Status:
    """How things stand with a request as its system of record shows it, as anyone who has its number may know.

    Args:
        session: to find our number of the request that it repeats; without one that keeps its own.
        row: our record of it, where it came through us.
    """
    told = {
        "state": state_of(remote, pack.workorders.states).value,
        "since": remote.state_since or remote.updated_at,
        "notes": _public(remote.status_notes, row.submission if row is not None else {}),
        "updated_at": remote.updated_at,
        "evidence": remote.evidence,
        "parent": _parent(session, remote),
    }
    if row is not None:
        return _known(pack, row, Kind.FOUND, **told, due=row.due_at or remote.expected_at)
    service = pack.services.get(remote.service_code or "")
    department = service.department if service else None
    if department is None and remote.agency:
        department = Department(code="", name=remote.agency)
    return Status(
        kind=Kind.FOUND,
        number=remote.id,
        service_code=remote.service_code,
        service_name=service.name if service else remote.service_name,
        requested_at=remote.requested_at,
        due=remote.expected_at,
        department=department,
        **told,  # type: ignore[arg-type]
    )


def _parent(session: Session | None, remote: RemoteRequest) -> str | None:
    """What residents know the parent by: our number where it is one of ours."""
    if session is None or not remote.parent:
        return remote.parent
    ours = session.scalar(select(ServiceRequest.number).where(ServiceRequest.external_id == remote.parent))
    return ours or remote.parent


def _public(notes: str | None, submission: dict[str, Any]) -> str | None:
    """What of a department's words anyone with the number may read: short, no contacts, nothing the reporter said."""
    plain = without_markup(notes or "")
    if not plain:
        return None
    told = essence(plain)
    lines = (essence(line) for line in str(submission.get("description", "")).splitlines())
    if any(len(line) >= _SHORTEST_QUOTE and line in told for line in lines):
        return None
    secrets = (str(submission.get(name, "")) for name in ("first_name", "phone", "email"))
    return _shortened(redact(plain, *secrets, mark="…"))


def _shortened(text: str) -> str:
    if len(text) <= _LONGEST_NOTES:
        return text
    start = text[: _LONGEST_NOTES - 1]
    sentence = max(start.rfind(mark) for mark in (". ", "! ", "? "))
    if sentence >= _LONGEST_NOTES // 2:
        return f"{start[: sentence + 1]} …"
    return f"{start.rsplit(' ', 1)[0].rstrip(',;:')}…"
