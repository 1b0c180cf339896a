"""Whose a request is. A person is the sender id that the server issued, and every other of the same phone.

On SMS and WhatsApp the provider vouches for the number, so what was reported from the same phone on another channel,
and reports in which that phone was left as contact, are theirs too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, or_, select
from sqlalchemy.orm import Session

from city311.city.model import Pack
from city311.requests.states import State
from city311.store.base import reading
from city311.store.correspondents import same_person
from city311.store.follows import Follow
from city311.store.ledger import ServiceRequest
from city311.store.reports import KnownReport


@dataclass(frozen=True)
class Reported:
    """One line of "everything I reported". ``is_open`` is as far as it is known without asking the system of record."""

    number: str
    service_code: str
    service_name: str
    requested_at: datetime
    passed_on: bool
    address: str = ""
    is_open: bool = True


def of_reporter(engine: Engine, pack: Pack, reporter: str, limit: int) -> list[Reported]:
    """What that person has reported, the newest first."""
    if not reporter:
        return []
    with reading(engine) as session:
        senders, phone = same_person(session, reporter)
        theirs = ServiceRequest.reporter.in_(senders)
        rows = session.execute(
            select(ServiceRequest, KnownReport.state)
            .outerjoin(KnownReport, KnownReport.reference == ServiceRequest.number)
            .where(or_(theirs, ServiceRequest.phone == phone) if phone else theirs)
            .order_by(ServiceRequest.created_at.desc(), ServiceRequest.number.desc())
            .limit(limit)
        ).all()
    return [_reported(pack, request, state) for request, state in rows]


@dataclass(frozen=True)
class Made:
    """Of a report that somebody made: its service and its place. ``lat``, ``long``: WGS 84 degrees, None
    where only words are known. ``kind``: how it was found, as :class:`city311.intake.Spot` has it.
    """

    number: str
    service_code: str
    address: str
    lat: float | None
    long: float | None
    kind: str


def made(engine: Engine, number: str, asker: str) -> Made | None:
    """What that person reported as ``number``; None where it is not theirs."""
    with reading(engine) as session:
        row = session.get(ServiceRequest, number)
        if row is None or not is_theirs(session, row, asker):
            return None
        kept: Mapping[str, object] = row.submission
        lat, long = kept.get("lat"), kept.get("long")
        facts = kept.get("place")
        return Made(
            number,
            row.service_code,
            str(kept.get("address") or ""),
            lat if isinstance(lat, float) else None,
            long if isinstance(long, float) else None,
            str(facts.get("kind") or "") if isinstance(facts, Mapping) else "",
        )


def is_theirs(session: Session, row: ServiceRequest, asker: str) -> bool:
    """Whether that person made the request, and has not taken it back."""
    if not asker or row.withdrawn_at is not None:
        return False
    senders, phone = same_person(session, asker)
    return row.reporter in senders or bool(phone and row.phone == phone)


def follows(session: Session, reference: str, asker: str) -> bool:
    """Whether that person follows the request."""
    senders, _phone = same_person(session, asker)
    found = select(Follow.follower).where(
        Follow.reference == reference, Follow.follower.in_(senders), Follow.ended_at.is_(None)
    )
    return bool(asker) and session.scalar(found.limit(1)) is not None


def _reported(pack: Pack, row: ServiceRequest, state: str | None) -> Reported:
    service = pack.services.get(row.service_code)
    return Reported(
        number=row.number,
        service_code=row.service_code,
        service_name=service.name if service else str(row.submission.get("service_name", "")),
        requested_at=row.created_at,
        passed_on=row.sent_at is not None,
        address=str(row.submission.get("address", "")),
        is_open=row.withdrawn_at is None and (state is None or State(state).is_open),
    )
