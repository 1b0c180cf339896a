"""Who may have a request opened again, and when; and as a new one that names it, which every system of record can take.

Only whoever made a request may, and only for so long after it was closed as the city pack says.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Engine

from city311.city.model import Pack
from city311.requests.mine import is_theirs
from city311.requests.states import State
from city311.requests.status import Kind, Status
from city311.requests.submit import Draft
from city311.store.base import reading
from city311.store.ledger import ServiceRequest

_NEVER = frozenset({State.DUPLICATE, State.NOT_OURS, State.WITHDRAWN})
"""What repeats another is not opened again, but that other; what is not the city's stays so; what was withdrawn is
reported anew.
"""


def may_reopen(engine: Engine, pack: Pack, status: Status, asker: str, at: datetime) -> bool:
    """Whether ``asker`` (the sender id that the server issued) may have the request opened again now."""
    if status.kind is not Kind.FOUND or status.state is None or status.since is None or not asker:
        return False
    if not may_be_reopened(State(status.state)) or at - status.since > timedelta(days=pack.city.reopen_days):
        return False
    with reading(engine) as session:
        row = session.get(ServiceRequest, status.number)
        return row is not None and is_theirs(session, row, asker)


def may_be_reopened(state: State) -> bool:
    """Whether a request in that state can be opened again at all."""
    return not state.is_open and state not in _NEVER


def again(engine: Engine, number: str, asker: str, channel: str, why: str) -> Draft:
    """A new request for the same thing at the same place.

    Args:
        why: what the crew reads first; names the old request and gives the resident's reason.

    Raises:
        LookupError: there is no such number.
    """
    with reading(engine) as session:
        row = session.get(ServiceRequest, number)
    if row is None:
        raise LookupError(f"{number} is not in the ledger.")
    kept = row.submission
    return Draft(
        service_code=row.service_code,
        address=kept["address"],
        lat=kept["lat"],
        long=kept["long"],
        place=kept.get("place", {}),
        description="\n".join(part for part in (why, kept["description"]) if part),
        answers=kept["answers"],
        answers_said=kept["answers_said"],
        first_name=kept["first_name"],
        phone=kept["phone"],
        email=kept["email"],
        reporter=asker,
        channel=channel,
    )
