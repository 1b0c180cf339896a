"""Following a report: being told what becomes of it, whoever made it. Following twice is one follow."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Engine, func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from city311.store.base import reading, writing
from city311.store.follows import FROM_A_RECEIPT, Follow
from city311.store.ledger import ServiceRequest


def follow(engine: Engine, reference: str, follower: str, channel: str, at: datetime) -> bool:
    """Have ``follower`` told about a report; False where that is so already, because they follow or made it.

    Args:
        reference: our number, or the id in the system of record.
        follower: the sender id that the server issued.
        channel: where to tell them.
    """
    try:
        with writing(engine) as session:
            request = session.get(ServiceRequest, reference)
            if request is not None and request.reporter == follower and request.withdrawn_at is None:
                return False
            row = session.get(Follow, (reference, follower))
            if row is not None and row.ended_at is None:
                return False
            row = row or Follow(reference=reference, follower=follower)
            row.channel, row.since, row.ended_at = channel, at, None
            session.add(row)
        return True
    except IntegrityError:  # the same message, at the same moment, in another process
        return False


def unfollow(engine: Engine, reference: str, follower: str, at: datetime) -> bool:
    """Stop telling; False where there was nothing to stop."""
    with writing(engine) as session:
        row = session.get(Follow, (reference, follower))
        if row is None or row.ended_at is not None:
            return False
        row.ended_at = at
        return True


def followed_by(engine: Engine, follower: str, limit: int = 50) -> list[str]:
    """References of the reports that they follow, the newest follow first."""
    with reading(engine) as session:
        query = select(Follow.reference).where(Follow.follower == follower, Follow.ended_at.is_(None))
        return list(session.scalars(query.order_by(Follow.since.desc()).limit(limit)))


def followers(session: Session, reference: str) -> list[tuple[str, str]]:
    """(sender id, channel) of everyone who follows a report."""
    query = select(Follow.follower, Follow.channel).where(Follow.reference == reference, Follow.ended_at.is_(None))
    return [(row.follower, row.channel) for row in session.execute(query.order_by(Follow.since))]


def affected(engine: Engine, references: Iterable[str]) -> dict[str, int]:
    """How many people each report is about: whoever made it and did not take it back, and those who follow."""
    wanted = list(references)
    counted = dict.fromkeys(wanted, 1)
    with reading(engine) as session:
        for start in range(0, len(wanted), 500):
            left = select(ServiceRequest.number, ServiceRequest.external_id).where(
                or_(
                    ServiceRequest.number.in_(wanted[start : start + 500]),
                    ServiceRequest.external_id.in_(wanted[start : start + 500]),
                ),
                ServiceRequest.withdrawn_at.is_not(None),
            )
            for request in session.execute(left):
                counted.update({reference: 0 for reference in request if reference in counted})
            rows = session.execute(
                select(Follow.reference, func.count())
                .where(Follow.reference.in_(wanted[start : start + 500]), Follow.ended_at.is_(None))
                .where(Follow.channel != FROM_A_RECEIPT)
                .group_by(Follow.reference)
            )
            for reference, number in rows:
                counted[reference] += number
    return counted
