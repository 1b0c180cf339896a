"""Passes recorded requests on to the system of record: once, however often it takes, and never silently not at all.

A request whose sending had no clear outcome is looked for there before it is sent again. What stays unclear, and what
is refused, becomes ``failed``: staff see it (:func:`undelivered`), decide, and may have it tried again (:func:`retry`).
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto

import structlog
from sqlalchemy import Engine, and_, or_, select

from city311.city.model import Pack
from city311.connectors.answers import without_markup
from city311.connectors.model import ConnectorError, Receipt, Submission, SystemRefused, SystemUnavailable, Unclear
from city311.requests.afterwards import followup, not_taken
from city311.requests.port import WorkOrderSystem
from city311.requests.submit import submission
from city311.store import ledger
from city311.store.base import reading, writing
from city311.store.ledger import Claim, Outbox, ServiceRequest

log = structlog.get_logger(__name__)

_LONGEST_ERROR = 500
_LONGEST_NOTICE = 500
_TOKEN_HOLDS = timedelta(days=90)


@dataclass(frozen=True)
class Timing:
    """Seconds, and how often.

    Attributes:
        lease_s: how long one attempt holds the row; longer than ``attempt_s`` twice and a slow name lookup.
        attempt_s: the worker's budget to look for a request, and again to send it.
        settle_s: how long a server gets to finish a write that was cut off, before it is looked for.
        first_pause_s, longest_pause_s: the pause between attempts grows from the one to the other.
        token_pause_s: the shortest pause between two questions for a token's id.
        unclear_posts: after so many sendings that stayed unclear and were not found, a person decides.
        refused_searches: after so many attempts whose search was refused, likewise.
    """

    lease_s: float = 60.0
    attempt_s: float = 15.0
    settle_s: float = 20.0
    first_pause_s: float = 2.0
    longest_pause_s: float = 300.0
    token_pause_s: float = 60.0
    unclear_posts: int = 3
    refused_searches: int = 8


class Outcome(Enum):
    """How one attempt ended."""

    DONE = auto()
    LATER = auto()
    UNAVAILABLE = auto()
    FAILED = auto()
    LOST = auto()
    """Somebody else has the row."""


@dataclass(frozen=True)
class Undelivered:
    """A request that the system of record does not have, as far as we know; ``refused`` ones wait for a person."""

    number: str
    service_code: str
    created_at: datetime
    attempts: int
    refused: bool
    last_error: str


@dataclass(frozen=True)
class Delivery:
    """Does what the outbox says."""

    pack: Pack
    engine: Engine
    system: WorkOrderSystem
    clock: Callable[[], datetime]
    timing: Timing = Timing()

    def deliver_waiting(self, limit: int = 100) -> int:
        """Do what is due now, the longest due first; stop early when the system of record is away.

        Returns:
            How many rows were done for good.
        """
        with reading(self.engine) as session:
            due = ledger.due_ids(session, self.clock(), limit)
        done = 0
        for row_id in due:
            held = self.claim(row_id)
            if held is None:
                continue
            outcome = self.deliver(held, self.timing.attempt_s, self.timing.attempt_s)
            done += outcome is Outcome.DONE
            if outcome is Outcome.UNAVAILABLE:
                break
        return done

    def claim(self, row_id: int) -> Claim | None:
        """Take an outbox row if it is due."""
        with writing(self.engine) as session:
            return ledger.claim(session, row_id, self.clock(), self.timing.lease_s)

    def give_back(self, held: Claim) -> None:
        """Leave a row, with which nothing was done, to the worker."""
        self._change(held, {"state": ledger.WAITING, "not_before": self.clock(), "lease": None})

    def deliver(self, held: Claim, search_s: float, send_s: float) -> Outcome:
        """One attempt at the row that ``held`` holds, within ``search_s`` and then ``send_s`` seconds."""
        with reading(self.engine) as session:
            row = session.get(Outbox, held.id)
            request = session.get(ServiceRequest, row.number) if row else None
        if row is None or request is None or row.lease != held.lease:
            return Outcome.LOST
        if row.kind == ledger.RESOLVE:
            return self._resolve(held, row, request, send_s)
        if row.kind in ledger.AFTERWARDS:
            return self._follow_up(held, row, request, send_s)
        if request.sent_at is not None:
            return self._change(held, {"state": ledger.SENT, "lease": None}) or Outcome.LOST
        return self._create(held, row, request, search_s, send_s)

    # -- handing over

    def _create(self, held: Claim, row: Outbox, request: ServiceRequest, search_s: float, send_s: float) -> Outcome:
        what = submission(request, self.pack, self.system.own_numbers)
        if row.posted_since is not None and not self.system.own_numbers:
            ended = self._search(held, row, what, row.posted_since, search_s)
            if ended is not None:
                return ended
        if not self._about_to_send(held, row):
            return Outcome.LOST
        # after a clear answer only what came before it is still unclear
        before: dict[str, object] = {"posted_since": row.posted_since, "posts": row.posts}
        try:
            receipt = self.system.create(what, budget_s=send_s)
        except SystemRefused as error:
            return self._fail(held, row, _in_short(error), before)
        except Unclear as error:
            pause = 0.0 if self.system.own_numbers else self.timing.settle_s
            return self._later(held, row, error, pause, {})
        except SystemUnavailable as error:
            return self._later(held, row, error, error.retry_after_s or 0.0, before)
        return self._sent(held, row, receipt)

    def _search(self, held: Claim, row: Outbox, what: Submission, since: datetime, budget_s: float) -> Outcome | None:
        """Look for what may be there already; None when it is not and can be sent."""
        try:
            receipt = self.system.find(what, since, taken=self._taken(since), budget_s=budget_s)
        except SystemRefused as error:
            if row.attempts >= self.timing.refused_searches:
                return self._fail(held, row, f"sent, outcome unclear, search refused: {_in_short(error)}", {})
            return self._later(held, row, error, self.timing.settle_s, {})
        except SystemUnavailable as error:
            return self._later(held, row, error, error.retry_after_s or 0.0, {})
        if receipt is not None:
            return self._sent(held, row, receipt)
        if row.posts >= self.timing.unclear_posts:
            return self._fail(held, row, f"sent {row.posts} times, outcome unclear, not found there", {})
        return None

    def _about_to_send(self, held: Claim, row: Outbox) -> bool:
        """Note durably that from now on it may be there; False when the row went to somebody else."""
        at = self.clock()
        changed = self._change(
            held,
            {
                "posted_since": row.posted_since or at,
                "posts": row.posts + 1,
                "leased_until": at + timedelta(seconds=self.timing.lease_s),
            },
        )
        return changed is not None

    def _taken(self, since: datetime) -> frozenset[str]:
        """Ids that are other requests of ours, and so are no answer to a search."""
        with reading(self.engine) as session:
            ids = session.scalars(
                select(ServiceRequest.external_id).where(
                    ServiceRequest.sent_at >= since - timedelta(days=1), ServiceRequest.external_id.is_not(None)
                )
            )
            return frozenset(identity for identity in ids if identity)

    def _sent(self, held: Claim, row: Outbox, receipt: Receipt) -> Outcome:
        """Keep the receipt. Also when the lease ran out meanwhile: that it is there is true whoever found out."""
        at = self.clock()
        with writing(self.engine) as session:
            request = session.get_one(ServiceRequest, row.number)
            if request.sent_at is None:
                request.sent_at = at
                request.external_id = receipt.service_request_id
                request.external_token = receipt.token
                request.service_notice = without_markup(receipt.service_notice or "")[:_LONGEST_NOTICE]
                if receipt.token:
                    question = {"token": receipt.token}
                    session.add(ledger.to_do(f"{row.key}/token", ledger.RESOLVE, row.number, at, payload=question))
            elif receipt.service_request_id and request.external_id not in (None, receipt.service_request_id):
                log.error(
                    "requests.there_twice",
                    number=row.number,
                    external_id=request.external_id,
                    other_id=receipt.service_request_id,
                )
            kept = session.get_one(Outbox, held.id)
            kept.state, kept.lease, kept.leased_until, kept.last_error = ledger.SENT, None, None, ""
        log.info("requests.passed_on", number=row.number, attempts=row.attempts)
        return Outcome.DONE

    # -- from a token to an id

    def _resolve(self, held: Claim, row: Outbox, request: ServiceRequest, budget_s: float) -> Outcome:
        if request.external_id is None:
            try:
                identity = self.system.resolve_token(str(row.payload["token"]), budget_s=budget_s)
            except ConnectorError as error:
                return self._later(held, row, error, self.timing.token_pause_s, {})
            if identity is None:
                if self.clock() - row.created_at > _TOKEN_HOLDS:
                    return self._fail(held, row, "the token never became an id", {})
                return self._later(held, row, None, self.timing.token_pause_s, {})
            self.learn_id(row.number, identity)
        return self._change(held, {"state": ledger.SENT, "lease": None, "last_error": ""}) or Outcome.LOST

    def learn_id(self, number: str, identity: str) -> None:
        """Keep the id that the system of record gave to ``number`` after a token."""
        with writing(self.engine) as session:
            request = session.get_one(ServiceRequest, number)
            if request.external_id is None:
                request.external_id = identity

    # -- what was said afterwards

    def _follow_up(self, held: Claim, row: Outbox, request: ServiceRequest, send_s: float) -> Outcome:
        nowhere = request.sent_at is not None and not (request.external_id or request.external_token)
        if nowhere or not self.system.takes_followups or self._is_with_staff(request.number):
            return self._change(held, {"state": ledger.KEPT, "lease": None, "leased_until": None}) or Outcome.LOST
        if request.external_id is None:
            return self._later(held, row, None, 0.0, {})
        if not self._about_to_send(held, row):
            return Outcome.LOST
        try:
            self.system.follow_up(followup(row, request.external_id), budget_s=send_s)
        except SystemRefused as error:
            return self._fail(held, row, _in_short(error), {})
        except Unclear as error:
            if not self.system.obeys_followups and row.posts + 1 >= self.timing.unclear_posts:
                return self._fail(held, row, f"sent {row.posts + 1} times, outcome unclear", {})
            return self._later(held, row, error, 0.0, {})
        except SystemUnavailable as error:
            return self._later(held, row, error, error.retry_after_s or 0.0, {"posts": row.posts})
        done = self._change(held, {"state": ledger.SENT, "lease": None, "leased_until": None, "last_error": ""})
        log.info("requests.followed_up", number=row.number, kind=row.kind, attempts=row.attempts)
        return done or Outcome.LOST

    def _is_with_staff(self, number: str) -> bool:
        """Whether the request itself was refused: then there is nothing yet that could be followed up."""
        with reading(self.engine) as session:
            state = session.scalar(select(Outbox.state).where(Outbox.number == number, Outbox.kind == ledger.CREATE))
        return state == ledger.FAILED

    # -- how an attempt ends

    def _later(
        self, held: Claim, row: Outbox, error: ConnectorError | None, at_least_s: float, besides: dict[str, object]
    ) -> Outcome:
        pause = max(at_least_s, self._pause_s(row.attempts))
        self._change(
            held,
            {
                "state": ledger.WAITING,
                "lease": None,
                "leased_until": None,
                "not_before": self.clock() + timedelta(seconds=min(pause, 86_400.0)),
                "last_error": _in_short(error) if error else "",
                **besides,
            },
        )
        log.info("requests.later", number=row.number, kind=row.kind, attempts=row.attempts, why=type(error).__name__)
        return Outcome.UNAVAILABLE if isinstance(error, SystemUnavailable) else Outcome.LATER

    def _fail(self, held: Claim, row: Outbox, why: str, besides: dict[str, object]) -> Outcome:
        changed = self._change(
            held, {"state": ledger.FAILED, "lease": None, "leased_until": None, "last_error": why, **besides}
        )
        log.error("requests.not_taken", number=row.number, kind=row.kind, attempts=row.attempts)
        return Outcome.FAILED if changed else Outcome.LOST

    def _pause_s(self, attempts: int) -> float:
        longest = min(self.timing.longest_pause_s, self.timing.first_pause_s * 2 ** min(attempts, 20))
        return random.uniform(self.timing.first_pause_s / 2, longest)  # noqa: S311

    def _change(self, held: Claim, values: dict[str, object]) -> Outcome | None:
        """DONE when the row was still ours and is changed; None when it was not."""
        with writing(self.engine) as session:
            return Outcome.DONE if ledger.change_held(session, held, values) else None


def undelivered(engine: Engine) -> list[Undelivered]:
    """Every request that the system of record does not have yet, the refused ones first, then the oldest."""
    with reading(engine) as session:
        rows = session.execute(
            select(ServiceRequest, Outbox)
            .join(Outbox, Outbox.number == ServiceRequest.number)
            .where(Outbox.kind == ledger.CREATE, Outbox.state != ledger.SENT)
            .order_by(Outbox.state != ledger.FAILED, ServiceRequest.created_at)
        ).all()
    return [
        Undelivered(
            number=request.number,
            service_code=request.service_code,
            created_at=request.created_at,
            attempts=row.attempts,
            refused=row.state == ledger.FAILED,
            last_error=row.last_error,
        )
        for request, row in rows
    ]


def retry(engine: Engine, number: str, at: datetime) -> bool:
    """Have a request that was refused, and what was said about it afterwards, tried again, once what was wrong is put
    right; False when there is nothing of that number to try.
    """
    with writing(engine) as session:
        refused = and_(Outbox.kind == ledger.CREATE, Outbox.state == ledger.FAILED)
        rows = session.scalars(select(Outbox).where(Outbox.number == number, or_(refused, not_taken()))).all()
        for row in rows:
            row.state, row.not_before, row.attempts, row.posts = ledger.WAITING, at, 0, 0
        return bool(rows)


def _in_short(error: ConnectorError) -> str:
    said = str(error)
    if isinstance(error, SystemRefused) and error.description:
        said = f"{said}: {error.code} {error.description}"
    return said[:_LONGEST_ERROR]
