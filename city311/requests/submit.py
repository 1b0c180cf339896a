"""Records what a resident asks for: durably, once for each key, under its own number, before anything is sent."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from city311.city.calendar import due
from city311.city.model import Department, Pack, Service
from city311.connectors.answers import clean
from city311.connectors.model import Submission
from city311.requests import duplicates
from city311.requests.duplicates import Sought
from city311.requests.photos import file_with
from city311.requests.routing import department, department_of, is_office_open
from city311.store import ledger, numbers
from city311.store.base import reading, writing
from city311.store.ledger import Claim, Outbox, ServiceRequest

_LONGEST_KEY = 200


class UnknownService(LookupError):
    """The city pack has no service of that code."""


@dataclass(frozen=True)
class Draft:
    """What a resident wants to send, complete and confirmed.

    Attributes:
        lat, long: WGS 84 degrees, both or neither.
        answers: question code → answer codes or text, as the system of record gets them.
        answers_said: question code → the same in words.
        reporter: the sender id that the server issued.
        place: what else is known of it: area layer → name, ``kind``, ``landmark``, ``asset``, ``responsible``.
        photos, media_urls: ids of the reporter's photos, and the addresses under which the crew finds them.
    """

    service_code: str
    address: str = ""
    lat: float | None = None
    long: float | None = None
    description: str = ""
    answers: Mapping[str, Sequence[str]] = field(default_factory=dict)
    answers_said: Mapping[str, str] = field(default_factory=dict)
    first_name: str = ""
    phone: str = ""
    email: str = ""
    reporter: str = ""
    channel: str = ""
    photos: Sequence[str] = ()
    media_urls: Sequence[str] = ()
    place: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Filed:
    """A request that is recorded and cannot be lost any more.

    Attributes:
        passed_on: whether the system of record has it; else it will be passed on.
        refused: why the system of record would not take it; staff have it then. Not for residents' eyes.
        service_notice: what the system of record says about the service, plain text.
        after_hours: the pack's words on what happens now to an urgent report that came while the office was closed.
    """

    number: str
    passed_on: bool
    refused: str | None
    department: Department
    due: datetime | None
    service: Service
    service_notice: str
    after_hours: str = ""


@dataclass(frozen=True)
class Recorded:
    """The number, and for whoever recorded it first the claim to pass it on."""

    number: str
    claim: Claim | None


def record(engine: Engine, pack: Pack, draft: Draft, key: str, at: datetime, lease_s: float) -> Recorded:
    """Store ``draft`` under ``key``; with a key that is there already, make nothing and give the first one's number.

    Raises:
        UnknownService: the pack does not have the service.
        ValueError: the key is empty or the position is none.
    """
    key = _fitting(key)
    service = pack.services.get(draft.service_code)
    if service is None:
        raise UnknownService(f"service_code is {draft.service_code!r}; the city pack has no such service.")
    _check_position(draft.lat, draft.long)
    first = _number_of(engine, key)
    if first is not None:
        return Recorded(first, None)
    try:
        with writing(engine) as session:
            return _insert(session, pack, service, draft, key, at, lease_s)
    except IntegrityError:
        first = _number_of(engine, key)  # somebody was faster
        if first is None:
            raise
        return Recorded(first, None)


def _insert(
    session: Session, pack: Pack, service: Service, draft: Draft, key: str, at: datetime, lease_s: float
) -> Recorded:
    first = session.scalar(select(ServiceRequest.number).where(ServiceRequest.idempotency_key == key))
    if first is not None:
        return Recorded(first, None)
    number = numbers.allocate(session)
    session.add(
        ServiceRequest(
            number=number,
            idempotency_key=key,
            reporter=draft.reporter,
            channel=draft.channel,
            service_code=service.code,
            phone=clean(draft.phone)[:40],
            submission=_kept(draft, service, department(pack, service, draft.place, draft.answers, at)),
            created_at=at,
            due_at=due(service.sla, at, pack.calendar, pack.city.timezone),
            service_notice="",
        )
    )
    session.flush()  # the outbox row refers to it
    duplicates.remember(
        session, service, number, sought(draft, service), state="received", requested_at=at, updated_at=at
    )
    file_with(session, draft.photos, draft.reporter, number)
    row = ledger.to_do(key, ledger.CREATE, number, at, **ledger.held(at, lease_s))
    session.add(row)
    session.flush()
    return Recorded(number, ledger.claim_of(row))


def sought(draft: Draft, service: Service) -> Sought:
    """``draft`` as others' reports are compared with it."""
    answers = {code: values[0] for code, values in draft.answers.items() if values}
    asset = answers.get(service.duplicate.asset, "") if service.duplicate else ""
    return Sought(service.code, clean(draft.address), draft.lat, draft.long, asset, answers)


def _fitting(key: str) -> str:
    if not key.strip():
        raise ValueError("key is empty; it must name the conversation and the form instance.")
    return key if len(key) <= _LONGEST_KEY else hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()


def _check_position(lat: float | None, long: float | None) -> None:
    if lat is None and long is None:
        return
    if lat is None or long is None or not (math.isfinite(lat) and math.isfinite(long)):
        raise ValueError(f"lat, long are {lat!r}, {long!r}; give two numbers or neither.")
    if not (-90 <= lat <= 90 and -180 <= long <= 180):
        raise ValueError(f"lat, long are {lat!r}, {long!r}; they must lie in -90 to 90 and -180 to 180.")


def _number_of(engine: Engine, key: str) -> str | None:
    with reading(engine) as session:
        return session.scalar(select(ServiceRequest.number).where(ServiceRequest.idempotency_key == key))


def _kept(draft: Draft, service: Service, chosen: Department) -> dict[str, Any]:
    return {
        "department": chosen.code,
        "service_name": service.name,
        "address": clean(draft.address),
        "place": {clean(name): clean(value) for name, value in draft.place.items()},
        "lat": draft.lat,
        "long": draft.long,
        "description": clean(draft.description),
        "answers": {clean(code): [clean(value) for value in values] for code, values in draft.answers.items()},
        "answers_said": {clean(code): clean(said) for code, said in draft.answers_said.items()},
        "first_name": clean(draft.first_name),
        "phone": clean(draft.phone),
        "email": clean(draft.email),
        "media_urls": list(draft.media_urls),
    }


def submission(row: ServiceRequest, pack: Pack, own_numbers: bool) -> Submission:
    """What the system of record gets for ``row``.

    One that is not ours may have no place for the answers, so its crews find them in the description as well.
    """
    kept = row.submission
    said = [] if own_numbers else _said(kept["answers_said"], pack.services.get(row.service_code))
    return Submission(
        number=row.number,
        service_code=row.service_code,
        address=kept["address"],
        lat=kept["lat"],
        long=kept["long"],
        description="\n".join(part for part in (kept["description"], *said) if part),
        requested_at=row.created_at,
        attributes={code: tuple(values) for code, values in kept["answers"].items()},
        first_name=kept["first_name"],
        phone=kept["phone"],
        email=kept["email"],
        media_urls=tuple(kept.get("media_urls", ())),
        agency=chosen.name if (chosen := department_of(row, pack)) is not None else "",
    )


def _said(answers: Mapping[str, str], service: Service | None) -> list[str]:
    labels = {question.code: question.label for question in service.questions} if service else {}
    return [f"{labels.get(code) or code}: {said}" for code, said in answers.items() if said]


def filed(engine: Engine, pack: Pack, number: str) -> Filed:
    """How things stand with ``number``.

    Raises:
        LookupError: there is no such number, or the pack has lost its service.
    """
    with reading(engine) as session:
        row = session.get(ServiceRequest, number)
        outbox = session.scalar(select(Outbox).where(Outbox.number == number, Outbox.kind == ledger.CREATE))
    if row is None or outbox is None:
        raise LookupError(f"{number} is not in the ledger.")
    service = pack.services.get(row.service_code)
    if service is None:
        raise UnknownService(f"{number} is about {row.service_code!r}, which the city pack has no more.")
    chosen = department_of(row, pack) or service.department
    is_late = service.is_urgent and not is_office_open(pack, row.created_at)
    return Filed(
        number=number,
        passed_on=row.sent_at is not None,
        refused=outbox.last_error if outbox.state == ledger.FAILED else None,
        department=chosen,
        due=row.due_at,
        service=service,
        service_notice=row.service_notice,
        after_hours=chosen.after_hours if is_late else "",
    )
