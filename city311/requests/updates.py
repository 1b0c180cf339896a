"""Sees what changed in the system of record, and has those told who want to know: once for each change.

A look (:meth:`Watch.look`) asks for everything that changed since the last one, a little overlap included, or, where a
system cannot be asked that, for the requests that somebody waits for. What it shows is compared with what was seen
before, so that looking twice, late or out of order tells nothing twice and nothing old. A webhook only says where to
look: what it claims is never believed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Engine, or_, select
from sqlalchemy.orm import Session

from city311.city.model import Pack
from city311.connectors.model import ConnectorError, RemoteRequest
from city311.requests import duplicates
from city311.requests.afterwards import who_knows
from city311.requests.duplicates import Sought
from city311.requests.follow import followers
from city311.requests.port import WorkOrderSystem
from city311.requests.reopen import may_be_reopened
from city311.requests.states import State, state_of
from city311.requests.status import Status, shown
from city311.requests.tell import facts_of
from city311.store.base import reading, writing
from city311.store.follows import Follow
from city311.store.ledger import ServiceRequest
from city311.store.reports import STILL_OPEN, KnownReport
from city311.store.updates import Held, Update, again, done, due_jobs, hold, plan

log = structlog.get_logger(__name__)

LOOK = "look"
LOOK_AT = "look:"
"""Names of jobs: at everything that changed, and at one request."""

_NO_NEWS = frozenset({State.RECEIVED, State.PASSED_ON})


@dataclass(frozen=True)
class Rhythm:
    """Seconds, except where said.

    Attributes:
        every_s: between two looks.
        overlap_s: how far a look goes back behind the last one: clocks differ, and servers list late.
        first_days: how far the very first look goes back, in days.
        lease_s: how long a look holds the job.
        budget_s: for one look at the system of record.
        at_once: requests that are asked for by their ids in one look.
    """

    every_s: float = 60.0
    overlap_s: float = 300.0
    first_days: float = 30.0
    lease_s: float = 120.0
    budget_s: float = 30.0
    at_once: int = 200


class Watch:
    """Looks at the system of record. Any number may run, in any number of processes: the job's lease keeps order."""

    def __init__(
        self,
        pack: Pack,
        engine: Engine,
        system: WorkOrderSystem,
        clock: Callable[[], datetime],
        rhythm: Rhythm | None = None,
    ) -> None:
        self._pack = pack
        self._engine = engine
        self._system = system
        self._clock = clock
        self._rhythm = rhythm or Rhythm(every_s=pack.workorders.look_every_s)

    def run_due(self) -> int:
        """Do the looks that are due; how many were done. A system that is away is asked again later."""
        at = self._clock()
        with writing(self._engine) as session:
            plan(session, LOOK, at)
            names = due_jobs(session, at, 50)
        looked = 0
        for name in names:
            if name != LOOK and not name.startswith(LOOK_AT):
                continue
            with writing(self._engine) as session:
                held = hold(session, name, self._clock(), self._rhythm.lease_s)
            if held is None:
                continue
            try:
                self._do(held)
                looked += 1
            except ConnectorError as error:
                log.info("updates.not_seen", why=type(error).__name__)
                with writing(self._engine) as session:
                    again(session, held, self._clock() + timedelta(seconds=self._rhythm.every_s), held.memory)
        return looked

    def _do(self, held: Held) -> None:
        if held.name != LOOK:
            remote = self._system.status(held.name.removeprefix(LOOK_AT), budget_s=self._rhythm.budget_s)
            self.take_in([remote] if remote is not None else [])
            with writing(self._engine) as session:
                done(session, held)
            return
        began = self._clock()
        since = self._since(held, began)
        self.take_in(self._changed(since))
        with writing(self._engine) as session:
            again(session, held, began + timedelta(seconds=self._rhythm.every_s), {"seen_to": began.isoformat()})

    def _since(self, held: Held, at: datetime) -> datetime:
        told = held.memory.get("seen_to")
        if not isinstance(told, str):
            return at - timedelta(days=self._rhythm.first_days)
        return datetime.fromisoformat(told) - timedelta(seconds=self._rhythm.overlap_s)

    def _changed(self, since: datetime) -> Sequence[RemoteRequest]:
        if self._system.lists_changes:
            return self._system.changed(since, budget_s=self._rhythm.budget_s)
        return self._system.several(self._awaited(), budget_s=self._rhythm.budget_s)

    def _awaited(self) -> list[str]:
        """Ids of requests that somebody waits for, those longest not looked at first."""
        with reading(self._engine) as session:
            ours = (
                select(ServiceRequest.external_id, KnownReport.updated_at)
                .join(KnownReport, KnownReport.reference == ServiceRequest.number)
                .where(ServiceRequest.external_id.is_not(None), KnownReport.closed_at == STILL_OPEN)
            )
            followed = (
                select(KnownReport.reference, KnownReport.updated_at)
                .join(Follow, Follow.reference == KnownReport.reference)
                .where(Follow.ended_at.is_(None), KnownReport.closed_at == STILL_OPEN)
                .where(~KnownReport.reference.in_(select(ServiceRequest.number)))
            )
            rows = session.execute(ours.union(followed).order_by("updated_at").limit(self._rhythm.at_once)).all()
        return [str(row[0]) for row in rows]

    def take_in(self, remotes: Sequence[RemoteRequest]) -> int:
        """Compare with what was seen before, and plan to tell what is new; how many changes there were."""
        changes = 0
        for remote in sorted(remotes, key=lambda one: one.updated_at or self._clock()):
            with writing(self._engine) as session:
                changes += self._take_in_one(session, remote)
        return changes

    def _take_in_one(self, session: Session, remote: RemoteRequest) -> bool:
        at = self._clock()
        ours = session.scalar(
            select(ServiceRequest)
            .where(or_(ServiceRequest.external_id == remote.id, ServiceRequest.number == remote.id))
            .limit(1)
        )
        reference = ours.number if ours is not None else remote.id
        query = select(KnownReport).where(KnownReport.reference == reference).with_for_update()
        before = session.scalar(query)
        changed_at = remote.updated_at or at
        if before is not None and before.seen and changed_at < before.updated_at:
            return False  # older than what is known
        state = state_of(remote, self._pack.workorders.states)
        seen = _essence(remote, state)
        if before is not None and before.seen == seen:
            return False
        first = before is None or not before.seen
        status = shown(session, self._pack, remote, ours)
        row = self._keep(session, remote, ours, before, reference, status, changed_at)
        row.seen, row.changes, row.parent = seen, row.changes + 1, status.parent or ""
        if first and state in _NO_NEWS and not status.notes:
            return False
        if first and ours is None and not followers(session, reference):
            return False  # the first time that we hear of somebody else's
        self._plan_to_tell(session, row, ours, status, at)
        return True

    def _keep(
        self,
        session: Session,
        remote: RemoteRequest,
        ours: ServiceRequest | None,
        before: KnownReport | None,
        reference: str,
        status: Status,
        changed_at: datetime,
    ) -> KnownReport:
        state = State(status.state or State.PASSED_ON)
        closed_at = None if state.is_open else (status.since or changed_at)
        if before is None:
            code = remote.service_code or (ours.service_code if ours is not None else "")
            sought = Sought(code, remote.address or "", remote.lat, remote.long)
            requested_at = remote.requested_at or changed_at
            before = duplicates.remember(
                session,
                self._pack.services.get(code),
                reference,
                sought,
                state=state.value,
                requested_at=requested_at,
                updated_at=changed_at,
                closed_at=closed_at,
            )
        before.state, before.updated_at = state.value, changed_at
        before.closed_at = closed_at or STILL_OPEN
        return before

    def _plan_to_tell(
        self, session: Session, row: KnownReport, ours: ServiceRequest | None, status: Status, at: datetime
    ) -> None:
        """One update for the reporter and each follower, and for those of the reports that repeat this one."""
        reporter = ours.reporter if ours is not None and ours.withdrawn_at is None else ""
        state = State(status.state or State.PASSED_ON)
        knows = who_knows(session, ours.number, state) if ours is not None else []
        reopens = may_be_reopened(state)
        wanting = {reporter: ""} if reporter else {}
        wanting |= {follower: "" for follower, _ in followers(session, row.reference)}
        for child in session.scalars(select(KnownReport).where(KnownReport.parent == row.reference)):
            request = session.get(ServiceRequest, child.reference)
            people = [follower for follower, _ in followers(session, child.reference)]
            made_by = request.reporter if request is not None and request.withdrawn_at is None else ""
            for one in filter(None, [*people, made_by]):
                wanting.setdefault(one, child.reference)
        for recipient, child_reference in wanting.items():
            if recipient in knows and not status.notes:
                continue
            session.add(
                Update(
                    key=f"{row.reference}:{row.changes}:{_short(recipient)}",
                    recipient=recipient,
                    reference=row.reference,
                    facts=facts_of(status, child_reference, can_reopen=reopens and recipient == reporter),
                    created_at=at,
                )
            )


def look_soon(engine: Engine, request_ids: Sequence[str], at: datetime) -> int:
    """Plan a look at requests that are said to have changed; how many of them somebody waits for. Others are left out,
    and one that is planned already is not planned twice.
    """
    noted = 0
    with writing(engine) as session:
        for identity in request_ids:
            ours = or_(ServiceRequest.external_id == identity, ServiceRequest.number == identity)
            known = session.scalar(select(ServiceRequest.number).where(ours).limit(1)) is not None
            if known or followers(session, identity):
                plan(session, f"{LOOK_AT}{identity}", at)
                noted += 1
    return noted


def _essence(remote: RemoteRequest, state: State) -> str:
    """What of a request is news when it changes."""
    told = (state.value, remote.status_notes or "", remote.evidence or "", remote.parent or "")
    since = remote.state_since.isoformat() if remote.state_since is not None else ""
    return hashlib.sha256("\x1f".join((*told, since)).encode()).hexdigest()


def _short(recipient: str) -> str:
    return hashlib.sha256(recipient.encode()).hexdigest()[:24]
