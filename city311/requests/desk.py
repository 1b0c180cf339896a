"""The embedded desk: the system of record of a city that has no other. What its departments do, as plain functions.

A request goes through states (:data:`DESK_STATES`), which are Open311's ``open`` or ``closed``. Every change is kept as
a :class:`~city311.store.desk.DeskNote`. Over the wire the desk speaks Open311 (:mod:`city311.portal.open311`); the
crew's own commands are in :mod:`city311.cli`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, Select, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, selectinload

from city311.city.calendar import due
from city311.city.model import Pack
from city311.requests.desk_rules import DESCRIPTION_LIMIT, Problem, Refused, Report, is_web_address
from city311.requests.states import State
from city311.store import numbers
from city311.store.base import now, reading, writing
from city311.store.desk import ApiKey, DeskNote, DeskRemark, DeskRequest

DESK_STATES = tuple(state for state in State if state not in (State.PASSED_ON, State.DONE_UNEXPLAINED))
"""States that a crew can set. The other two are what is said of a system that says less."""

OPEN_STATES = tuple(state.value for state in DESK_STATES if state.is_open)
CLOSED_STATES = tuple(state.value for state in DESK_STATES if not state.is_open)


class DeskError(Exception):
    """What the crew asked for cannot be done; the message says why and what can."""


@dataclass(frozen=True)
class Created:
    """What the creator of a request is told: its number, and what happens next."""

    number: str
    service_notice: str


def create(engine: Engine, pack: Pack, key: ApiKey, report: Report, own_number: str | None = None) -> Created:
    """Record a request, durably, under ``own_number`` or else the next number of the sequence.

    Doing it again with the same key and own number makes nothing and returns the first result.

    Raises:
        Refused: the own number belongs to another request.
    """
    while True:
        number = own_number
        try:
            with writing(engine) as session:
                number = number or numbers.allocate(session)
                row = _row(pack, key, report, number)
                session.add(row)
            return Created(row.number, row.service_notice)
        except IntegrityError:
            if number is None or not _exists(engine, number):
                raise
        if own_number is not None and (first := already_created(engine, key, own_number)) is not None:
            return first
        # A caller once brought the number that our sequence has just reached. Rolled back on SQLite, the sequence
        # would give it again, so it is used up before the next try.
        with writing(engine) as session:
            numbers.allocate(session)


def already_created(engine: Engine, key: ApiKey, own_number: str) -> Created | None:
    """What ``key`` was told when it created ``own_number``; None if that number is still free.

    Raises:
        Refused: another key's request has that number.
    """
    with reading(engine) as session:
        row = session.get(DeskRequest, own_number)
    if row is None:
        return None
    if row.api_key_id != key.id:
        raise Refused(Problem(400, "service_request_id belongs to a request that was made with another api_key."))
    return Created(row.number, row.service_notice)


@dataclass(frozen=True)
class Filter:
    """Which requests to show; empty or None leaves a field out. Moments are included in their range.

    ``text_ids`` are ids as a caller wrote them; when there are any, nothing else counts.
    """

    text_ids: Collection[str] = ()
    states: Collection[str] = ()
    services: Collection[str] = ()
    requested_from: datetime | None = None
    requested_to: datetime | None = None
    updated_from: datetime | None = None
    updated_to: datetime | None = None


def search(engine: Engine, wanted: Filter, *, limit: int, offset: int = 0) -> list[DeskRequest]:
    """Requests that match, newest first, each with its history loaded."""
    query = _matching(wanted).options(selectinload(DeskRequest.notes))
    query = query.order_by(DeskRequest.requested_at.desc(), DeskRequest.number.desc()).limit(limit).offset(offset)
    with reading(engine) as session:
        return list(session.scalars(query))


def find(engine: Engine, number: str) -> DeskRequest | None:
    """The request of that number (in any spelling) with its history, or None."""
    found = search(engine, Filter(text_ids=[number]), limit=1)
    return found[0] if found else None


def remarks(engine: Engine, number: str) -> list[DeskRemark]:
    """What residents said about a request after it was made, the oldest first. For the crew only."""
    with reading(engine) as session:
        return list(session.scalars(select(DeskRemark).where(DeskRemark.number == number).order_by(DeskRemark.id)))


def show(engine: Engine, number: str) -> DeskRequest:
    """As :func:`find`, for people.

    Raises:
        DeskError: no such number; the message tells a typing mistake from a number that was never given out.
    """
    found = find(engine, number)
    if found is None:
        raise DeskError(_unknown(number))
    return found


def update(
    engine: Engine,
    number: str,
    *,
    state: str | None = None,
    note: str = "",
    evidence: str = "",
    duplicate_of: str = "",
    by: str,
) -> DeskRequest:
    """Move a request to ``state``, tell residents ``note``, or both; kept in its history.

    A change of state takes the former note, evidence and parent away: they spoke of the former state.

    Args:
        number: in any spelling.
        state: one of :data:`DESK_STATES`, or None to leave it. Nothing goes back to ``received``.
        note: the crew's words for residents, at most 4,000 characters.
        evidence: web address of a photo or document that shows that it is done.
        duplicate_of: the number of the request that a duplicate repeats.
        by: who does it.

    Raises:
        DeskError: unknown number or state, or nothing would change.
    """
    target = _state(state) if state is not None else None
    note, evidence = note.strip(), evidence.strip()
    if evidence and not is_web_address(evidence):
        raise DeskError(f"{evidence!r} is no web address. Evidence is an http or https URL that residents can open.")
    if len(note) > DESCRIPTION_LIMIT:
        raise DeskError(f"The note has {len(note)} characters; at most {DESCRIPTION_LIMIT} are kept.")
    with writing(engine) as session:
        query = select(DeskRequest).where(DeskRequest.number == numbers.parse(number)).with_for_update()
        row = session.scalar(query.options(selectinload(DeskRequest.notes)))
        if row is None:
            raise DeskError(_unknown(number))
        current = State(row.state)
        if target is State.RECEIVED and current is not State.RECEIVED:
            raise DeskError(
                f"{row.number} is {current.value}; nothing goes back to received. To reopen it use reopened."
            )
        parent = _parent(session, row, duplicate_of, target or current) if duplicate_of else ""
        then = target or current
        if evidence and then is not State.DONE:
            raise DeskError(f"Evidence shows that a request is done; {row.number} would be {then.value}.")
        if target in (None, current) and not (note or evidence or parent):
            raise DeskError(f"{row.number} is {current.value} already. Give a different state, or a note.")
        at = this_second()
        row.updated_at = at
        changed = target is not None and target is not current
        row.status_notes = note if note or changed else row.status_notes
        row.evidence = evidence if evidence or changed else row.evidence
        row.duplicate_of = parent if parent or changed else row.duplicate_of
        if target is not None and changed:
            row.state, row.state_since = target.value, at
        row.notes.append(DeskNote(at=at, state=row.state, note=note, by=by[:200]))
        return row


def _parent(session: Session, row: DeskRequest, said: str, state: State) -> str:
    """The number of the request that ``row`` repeats."""
    parent = session.get(DeskRequest, numbers.parse(said) or "")
    if state is not State.DUPLICATE:
        raise DeskError(f"Only a duplicate repeats another request; {row.number} would be {state.value}.")
    if parent is None:
        raise DeskError(_unknown(said))
    if parent.number == row.number or parent.duplicate_of:
        raise DeskError(f"{row.number} cannot be a duplicate of {parent.number}, which is one itself.")
    return parent.number


def states(words: Collection[str]) -> list[str]:
    """States for a filter; ``open`` and ``closed`` stand for their groups.

    Raises:
        DeskError: a word is no state.
    """
    groups = {"open": OPEN_STATES, "closed": CLOSED_STATES}
    return [state for word in words for state in groups.get(word) or (_state(word).value,)]


def _exists(engine: Engine, number: str) -> bool:
    with reading(engine) as session:
        return session.get(DeskRequest, number) is not None


def _matching(wanted: Filter) -> Select[DeskRequest]:
    query = select(DeskRequest)
    if wanted.text_ids:
        known = {number for text in wanted.text_ids if (number := numbers.parse(text)) is not None}
        return query.where(DeskRequest.number.in_(known))
    if wanted.states:
        query = query.where(DeskRequest.state.in_(wanted.states))
    if wanted.services:
        query = query.where(DeskRequest.service_code.in_(wanted.services))
    if wanted.requested_from is not None:
        query = query.where(DeskRequest.requested_at >= wanted.requested_from)
    if wanted.requested_to is not None:
        query = query.where(DeskRequest.requested_at <= wanted.requested_to)
    if wanted.updated_from is not None:
        query = query.where(DeskRequest.updated_at >= wanted.updated_from)
    if wanted.updated_to is not None:
        query = query.where(DeskRequest.updated_at <= wanted.updated_to)
    return query


def _row(pack: Pack, key: ApiKey, report: Report, number: str) -> DeskRequest:
    at = this_second()
    service = report.service
    return DeskRequest(
        number=number,
        service_code=service.code,
        service_name=service.name,
        agency=_agency(pack, key, report),
        service_notice=service.next_step,
        state=State.RECEIVED.value,
        state_since=at,
        status_notes="",
        evidence="",
        duplicate_of="",
        requested_at=at,
        updated_at=at,
        expected_at=due(service.sla, at, pack.calendar, pack.city.timezone),
        address=report.address,
        address_id=report.address_id,
        lat=report.lat,
        long=report.long,
        description=report.description,
        attributes=dict(report.attributes),
        media_urls=list(report.media_urls),
        first_name=report.first_name,
        last_name=report.last_name,
        email=report.email,
        phone=report.phone,
        device_id=report.device_id,
        account_id=report.account_id,
        api_key_id=key.id,
        notes=[DeskNote(at=at, state=State.RECEIVED.value, note="", by=key.label)],
    )


def _agency(pack: Pack, key: ApiKey, report: Report) -> str:
    """The department's name: the one a client of our own names by the pack's routes, else the service's."""
    known = {department.name for department in pack.departments.values()}
    return report.agency if key.own_numbers and report.agency in known else report.service.department.name


def this_second() -> datetime:
    """This moment, as the desk keeps it."""
    # Open311's times have whole seconds: with finer ones, a search for the moment that was shown would find nothing.
    return now().replace(microsecond=0)


def _state(word: str) -> State:
    try:
        state = State(word.strip().lower().replace("-", "_").replace(" ", "_"))
    except ValueError:
        state = None
    if state not in DESK_STATES:
        raise DeskError(f"{word!r} is no state. Use one of: {', '.join(state.value for state in DESK_STATES)}.")
    return state


def _unknown(number: str) -> str:
    canonical = numbers.parse(number)
    if canonical is not None:
        return f"There is no request {canonical}."
    if numbers.is_mistyped(number):
        return f"{number!r} has a wrong digit, or one too few or too many: its check digit does not fit."
    return f"{number!r} is no request number; one looks like {numbers.make(numbers.FIRST_SERIAL)}."
