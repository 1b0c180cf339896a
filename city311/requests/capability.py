"""The requests capability, built once a process: file a request, learn how it stands, see that it gets there."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import TypeVar

import structlog
from sqlalchemy import Engine, select

from city311.city.model import Pack
from city311.requests import afterwards
from city311.requests.afterwards import Afterwards, Became, Said, Words
from city311.requests.delivery import Delivery, Timing, Undelivered, retry, undelivered
from city311.requests.duplicates import Likely, likely_duplicates
from city311.requests.follow import follow, followed_by, unfollow
from city311.requests.history import Pace, Usual
from city311.requests.mine import Made, Reported, follows, is_theirs, made, of_reporter
from city311.requests.port import WorkOrderSystem
from city311.requests.reopen import again, may_reopen
from city311.requests.states import State
from city311.requests.status import Kind, Status, status
from city311.requests.submit import Draft, Filed, filed, record, sought
from city311.requests.tell import Teller
from city311.requests.updates import Rhythm, Watch
from city311.requests.worker import Worker
from city311.store import ledger
from city311.store.base import now, reading
from city311.store.ledger import Outbox, ServiceRequest
from city311.store.reports import KnownReport

log = structlog.get_logger(__name__)
T = TypeVar("T")

_AT_ONCE = 16
_USUAL_WITHIN_S = 2.0
_LOOK_AGAIN_S = 0.05


@dataclass(frozen=True)
class Reopened:
    """A request that is opened again: as ``number``, which is a new one where the system of record opens none again."""

    number: str
    passed_on: bool


class Requests:
    """Safe to share between threads. Budgets are seconds; no call takes much longer, whatever the system of record
    does.
    """

    def __init__(
        self,
        pack: Pack,
        engine: Engine,
        connector: WorkOrderSystem,
        clock: Callable[[], datetime] = now,
        timing: Timing | None = None,
    ) -> None:
        """
        Args:
            pack: the city.
            engine: a database that :func:`city311.store.migrate.upgrade` has brought up to date.
            connector: the system of record.
            clock: this moment, aware.
            timing: instead of the usual pauses and leases.
        """
        self._pack = pack
        self._engine = engine
        self._system = connector
        self._clock = clock
        self._timing = timing or Timing()
        self._pace = Pace(engine, clock)
        self._delivery = Delivery(pack, engine, connector, clock, self._timing)
        # A name lookup or a dripping answer knows no budget: calls run here, and the turn stops waiting in time.
        self._calls = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="city311-calls")

    def submit(self, draft: Draft, *, key: str, budget_s: float = 4.0) -> Filed:
        """File ``draft``: recorded durably first, then passed on if that works within ``budget_s``.

        Args:
            key: conversation and form instance. A key that was used gives the first one's request, and makes nothing.

        Raises:
            UnknownService: the city pack has no such service.
            ValueError: the key is empty, or the position is none.
            sqlalchemy.exc.SQLAlchemyError: nothing is recorded for sure; say so, and try again with the same key.
        """
        deadline = time.monotonic() + budget_s
        recorded = record(self._engine, self._pack, draft, key, self._clock(), self._timing.lease_s)
        held = recorded.claim
        if held is not None:
            self._try(held, recorded.number, deadline)
        else:
            self._wait_for_other(recorded.number, deadline)
        return filed(self._engine, self._pack, recorded.number)

    def status(self, number_or_text: str, *, asker: str = "", budget_s: float = 4.0) -> Status:
        """How things stand with a number of ours or an id of the system of record, asked now.

        Args:
            asker: the sender id that the server issued; who made a request learns whether they may have it reopened.
        """
        answer = self._calls.submit(
            status, self._engine, self._pack, self._system, number_or_text, budget_s, self._delivery.learn_id
        )
        known = self._within(answer, budget_s + 0.5, Status(Kind.UNAVAILABLE, number_or_text.strip()[:64]))
        if known.kind is not Kind.FOUND or known.state is None:
            return known
        if State(known.state).is_open:
            return replace(known, usual=self._usual(known.service_code or ""))
        return replace(known, can_reopen=may_reopen(self._engine, self._pack, known, asker, self._clock()))

    def reopen(self, number: str, words: Words, *, channel: str, note: str, budget_s: float = 4.0) -> Reopened | None:
        """Have a request opened again that was closed too early, once for each closing; None where they may not.

        Args:
            note: what the crew reads before the resident's words.
        """
        deadline = time.monotonic() + budget_s
        known = self.status(number, asker=words.author, budget_s=budget_s / 2)
        if not known.can_reopen or known.since is None:
            return None
        since, words = known.since, replace(words, text="\n".join((note, words.text)))
        if self._system.obeys_followups:
            become = partial(afterwards.reopen, self._engine, known.number, since, words)
            done = self._say_afterwards(known.number, become, deadline)
            if done.became is Became.NOT_THEIRS:
                return None
            passed_on = done.became is Became.PASSED_ON
            if passed_on and not done.again:
                afterwards.reopening_was_told(self._engine, done.number)
            return Reopened(done.number, passed_on)
        key = f"reopen:{known.number}:{since.isoformat()}"
        left = max(0.5, deadline - time.monotonic())
        filed = self.submit(
            again(self._engine, known.number, words.author, channel, words.text), key=key, budget_s=left
        )
        return Reopened(filed.number, filed.passed_on)

    def add(self, number: str, words: Words, *, budget_s: float = 4.0) -> Afterwards:
        """Add words and photos to a request that is open, of whoever made or follows it."""
        return self._while_open(number, words, partial(afterwards.add, self._engine, number, words), budget_s)

    def withdraw(
        self, number: str, words: Words, *, note: Callable[[bool, int], str], budget_s: float = 4.0
    ) -> Afterwards:
        """Take back a request that is open, of whoever made it. While others follow it, it stays, for them.

        Args:
            note: what the crew reads before the resident's words: from whether it stays, and how many others follow.
        """
        if (before := self.withdrawn(number, words.author)) is not None:
            return before
        become = partial(
            afterwards.withdraw, self._engine, number, words, obeyed=self._system.obeys_followups, note=note
        )
        return self._while_open(number, words, become, budget_s)

    @property
    def obeys(self) -> bool:
        """Whether the system of record closes what its reporter takes back, rather than only being told."""
        return self._system.obeys_followups

    def withdrawn(self, number: str, asker: str) -> Afterwards | None:
        """What became of their having taken back a request; None where they have not."""
        before = afterwards.withdrawn(self._engine, number, asker)
        return afterwards.outcome(self._engine, before, number) if before is not None else None

    def others(self, number: str, asker: str) -> int:
        """How many others follow a request."""
        with reading(self._engine) as session:
            return afterwards.others(session, number, asker)

    def may_withdraw(self, number: str, asker: str) -> bool:
        """Whether they made that request and did not take it back."""
        with reading(self._engine) as session:
            row = session.get(ServiceRequest, number)
            return row is not None and is_theirs(session, row, asker)

    def may_add(self, number: str, asker: str) -> bool:
        """Whether they made that request or follow it."""
        with reading(self._engine) as session:
            row = session.get(ServiceRequest, number)
            return row is not None and (is_theirs(session, row, asker) or follows(session, number, asker))

    def came_from_here(self, number: str) -> bool:
        """Whether a request was made through this installation, by whomever."""
        with reading(self._engine) as session:
            return session.get(ServiceRequest, number) is not None

    def made(self, number: str, asker: str) -> Made | None:
        """The service and the place of a report that they made; None where it is not theirs."""
        return made(self._engine, number, asker)

    def is_open(self, number: str, *, budget_s: float = 2.0) -> bool:
        """Whether a request is open: in the system of record, or as far as is known where that can't be asked."""
        known = self.status(number, budget_s=budget_s)
        if known.kind is Kind.FOUND and known.state is not None:
            return State(known.state).is_open
        with reading(self._engine) as session:
            row = session.get(KnownReport, number)
        return row is None or State(row.state).is_open

    def _while_open(self, number: str, words: Words, become: Callable[..., Said], budget_s: float) -> Afterwards:
        deadline = time.monotonic() + budget_s
        if not self.may_add(number, words.author):
            return Afterwards(Became.NOT_THEIRS, number)
        if not self.is_open(number, budget_s=budget_s / 2):
            return Afterwards(Became.CLOSED, number)
        return self._say_afterwards(number, become, deadline)

    def _say_afterwards(self, number: str, become: Callable[..., Said], deadline: float) -> Afterwards:
        said = become(at=self._clock(), lease_s=self._timing.lease_s)
        if said.claim is not None:
            self._try(said.claim, number, deadline)
        return afterwards.outcome(self._engine, said, number)

    def _usual(self, service_code: str) -> Usual | None:
        return self._within(self._calls.submit(self._pace.of, service_code), _USUAL_WITHIN_S, None)

    def likely_duplicates(self, draft: Draft) -> list[Likely]:
        """Reports that are probably about the same thing as ``draft``, the likeliest first."""
        service = self._pack.services.get(draft.service_code)
        if service is None:
            return []
        return likely_duplicates(self._engine, self._pack, sought(draft, service), self._clock())

    def follow(self, reference: str, follower: str, channel: str) -> bool:
        """Have ``follower`` told what becomes of a report; False where they hear of it already."""
        return follow(self._engine, reference, follower, channel, self._clock())

    def unfollow(self, reference: str, follower: str) -> bool:
        """Stop telling; False where they do not follow it."""
        return unfollow(self._engine, reference, follower, self._clock())

    def followed_by(self, follower: str, limit: int = 50) -> list[str]:
        """References of the reports that they follow, the newest follow first."""
        return followed_by(self._engine, follower, limit)

    def of_reporter(self, reporter: str, limit: int = 50) -> list[Reported]:
        """What the sender with that server-issued id has reported, the newest first.

        On SMS and WhatsApp the provider vouches for the number, and a web chat may have shown a code from it, so it
        includes what was reported from the same phone on another channel, and reports in which that phone was left as
        contact.
        """
        return of_reporter(self._engine, self._pack, reporter, limit)

    def deliver_waiting(self) -> int:
        """Pass on what is due now; how many rows were done for good."""
        return self._delivery.deliver_waiting()

    def worker(self, poll_s: float = 2.0) -> Worker:
        """A worker thread for this process, not started yet."""
        return Worker("delivery", (self.deliver_waiting,), poll_s)

    def watch(self, rhythm: Rhythm | None = None) -> Watch:
        """Sees what changed in the system of record."""
        return Watch(self._pack, self._engine, self._system, self._clock, rhythm)

    def teller(self) -> Teller:
        """Tells residents what changed."""
        return Teller(self._pack, self._engine, self._clock)

    def updates_worker(self, poll_s: float = 5.0) -> Worker:
        """A thread that does both, not started yet."""
        return Worker("updates", (self.watch().run_due, self.teller().tell_waiting), poll_s)

    def undelivered(self) -> list[Undelivered]:
        """What the system of record does not have yet, for staff: refused ones first."""
        return undelivered(self._engine)

    def retry(self, number: str) -> bool:
        """Have a refused request tried again; False when there is none of that number."""
        return retry(self._engine, number, self._clock())

    def close(self) -> None:
        """Take no more calls; those at work end by themselves."""
        self._calls.shutdown(wait=False, cancel_futures=True)

    def _try(self, held: ledger.Claim, number: str, deadline: float) -> None:
        """One attempt, until the deadline; what is left of it goes on, and the worker does the rest."""
        attempt = self._calls.submit(self._attempt, held, deadline)
        wait([attempt], timeout=max(0.0, deadline - time.monotonic()))
        if attempt.cancel():  # never begun
            self._delivery.give_back(held)
        elif attempt.done() and (error := attempt.exception()) is not None:
            log.error("requests.attempt_failed", number=number, error=type(error).__name__)

    def _attempt(self, held: ledger.Claim, deadline: float) -> None:
        left = max(0.0, deadline - time.monotonic())
        self._delivery.deliver(held, left, left)

    def _wait_for_other(self, number: str, deadline: float) -> None:
        """Another turn or a worker may be at it: its outcome is this call's too."""
        while time.monotonic() < deadline:
            with reading(self._engine) as session:
                row = session.scalar(select(Outbox).where(Outbox.number == number, Outbox.kind == ledger.CREATE))
            at_work = (
                row is not None
                and row.state == ledger.SENDING
                and row.leased_until is not None
                and row.leased_until > self._clock()
            )
            if not at_work:
                return
            time.sleep(_LOOK_AGAIN_S)

    def _within(self, answer: Future[T], seconds: float, otherwise: T) -> T:
        try:
            return answer.result(timeout=seconds)
        except TimeoutError:
            answer.cancel()
            return otherwise
