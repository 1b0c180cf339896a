"""What residents say about a request after it was made: more about it, that they take it back, that it is not fixed.

Recorded durably before anything is sent, once however often it is said, and passed on through the outbox. Where the
system of record has no way to take it, it stays with our record, and staff see it (:func:`kept`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from sqlalchemy import ColumnElement, Engine, and_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from city311.connectors.answers import clean
from city311.connectors.model import Followup
from city311.requests.follow import followers
from city311.requests.mine import follows, is_theirs
from city311.requests.photos import file_with
from city311.requests.states import State
from city311.store import ledger
from city311.store.base import reading, writing
from city311.store.correspondents import same_person
from city311.store.follows import FROM_A_RECEIPT, Follow
from city311.store.ledger import Claim, Outbox, ServiceRequest
from city311.store.reports import KnownReport

_SAME_WITHIN = timedelta(days=1)
_MOST_A_DAY = 20
_TOLD = "told"
"""In the payload of a reopening: the resident knows, and the next news would be none."""


class Became(str, Enum):
    """What became of it.

    ``passed_on``: the system of record has it. ``waiting``: recorded, passed on as soon as that works. ``kept``: the
    system of record cannot take it, or refused; staff find it with our record. ``not_theirs``: they neither made nor
    follow that request. ``closed``: the request is not open any more. ``too_many``: they have added so much today that
    no more is taken.
    """

    PASSED_ON = "passed_on"
    WAITING = "waiting"
    KEPT = "kept"
    NOT_THEIRS = "not_theirs"
    CLOSED = "closed"
    TOO_MANY = "too_many"


@dataclass(frozen=True)
class Afterwards:
    """What became of what was said about request ``number``.

    Attributes:
        again: they had said just that before; nothing was made.
        others: how many others follow it. Then a request that is taken back stays, for them.
    """

    became: Became
    number: str
    again: bool = False
    others: int = 0


@dataclass(frozen=True)
class Said:
    """Recorded; with the claim to pass it on for whoever recorded it first."""

    became: Became
    number: str = ""
    row: int = 0
    claim: Claim | None = None
    again: bool = False
    others: int = 0


@dataclass(frozen=True)
class Words:
    """What is said, by whom: ``author`` is the sender id that the server issued, ``photos`` the ids of their photos,
    under ``media_urls`` for the crew.
    """

    author: str
    text: str
    photos: Sequence[str] = ()
    media_urls: Sequence[str] = ()


def add(engine: Engine, number: str, words: Words, at: datetime, lease_s: float) -> Said:
    """Record more about a request, of whoever made or follows it."""
    told = "\x1f".join((words.author, *clean(words.text).casefold().split(), *sorted(words.photos)))
    key = f"add:{number}:{hashlib.sha256(told.encode('utf-8', 'replace')).hexdigest()[:40]}"

    def within(session: Session, row: ServiceRequest) -> Said:
        if not is_theirs(session, row, words.author) and not follows(session, number, words.author):
            return Said(Became.NOT_THEIRS)
        same = session.scalars(select(Outbox).where(Outbox.key.startswith(key)).order_by(Outbox.id)).all()
        if same and at - same[-1].created_at < _SAME_WITHIN:
            return _again(same[-1])
        if _added_today(session, number, words.author, at) >= _MOST_A_DAY:
            return Said(Became.TOO_MANY)
        file_with(session, words.photos, words.author, number)
        return _record(session, ledger.ADD, f"{key}:{len(same)}", number, words, at, lease_s)

    return _in_one_go(engine, number, within)


def withdraw(
    engine: Engine,
    number: str,
    words: Words,
    at: datetime,
    lease_s: float,
    *,
    obeyed: bool,
    note: Callable[[bool, int], str],
) -> Said:
    """Record that whoever made a request takes it back. While others follow it, it stays for them, and only who made it
    leaves.

    Args:
        obeyed: whether the system of record closes what is taken back.
        note: what the crew reads before the resident's words: from whether it stays, and how many others follow.
    """
    key = _withdrawal(number)

    def within(session: Session, row: ServiceRequest) -> Said:
        first = session.scalar(select(Outbox).where(Outbox.key == key))
        if first is not None and first.payload.get("author") in same_person(session, words.author)[0]:
            return _again(first)
        if first is not None or not is_theirs(session, row, words.author):
            return Said(Became.NOT_THEIRS)
        left = others(session, number, words.author)
        kind = ledger.LEAVE if left else ledger.WITHDRAW
        if left or obeyed:
            row.withdrawn_at = at
            _end_news_of_the_receipt(session, number, at)
        known = session.get(KnownReport, number) if obeyed and not left else None
        if known is not None:  # at once, so that nobody is asked to follow what nobody works on
            known.state, known.closed_at = State.WITHDRAWN.value, at
        told = Words(words.author, "\n".join((note(bool(left), left), words.text)).strip())
        return _record(session, kind, key, number, told, at, lease_s, others=left)

    return _in_one_go(engine, number, within)


def others(session: Session, number: str, author: str) -> int:
    """How many people besides ``author`` follow a request."""
    senders, _phone = same_person(session, author)
    return sum(
        follower not in senders and channel != FROM_A_RECEIPT for follower, channel in followers(session, number)
    )


def withdrawn(engine: Engine, number: str, author: str) -> Said | None:
    """What is recorded of that person's having taken back a request; None where they have not."""
    with reading(engine) as session:
        first = session.scalar(select(Outbox).where(Outbox.key == _withdrawal(number)))
        senders, _phone = same_person(session, author)
        return _again(first) if first is not None and first.payload.get("author") in senders else None


def reopen(engine: Engine, number: str, closed_at: datetime, words: Words, at: datetime, lease_s: float) -> Said:
    """Record that whoever made a request, which was closed at ``closed_at``, has it opened again; once a closing."""
    key = f"reopen:{number}:{closed_at.isoformat()}"

    def within(session: Session, row: ServiceRequest) -> Said:
        if not is_theirs(session, row, words.author):
            return Said(Became.NOT_THEIRS)
        first = session.scalar(select(Outbox).where(Outbox.key == key))
        if first is not None:
            return _again(first)
        return _record(session, ledger.REOPEN, key, number, words, at, lease_s)

    return _in_one_go(engine, number, within)


def reopening_was_told(engine: Engine, number: str) -> None:
    """Note that who had a request opened again heard at once that it is: the system of record took it."""
    with writing(engine) as session:
        row = _last_reopening(session, number)
        if row is not None:
            row.payload = {**row.payload, _TOLD: True}


def who_knows(session: Session, number: str, state: State) -> list[str]:
    """Sender ids of whom it would be no news that a request is now in ``state``: who had it opened again and was told
    so. Good for the first change that is seen after that.
    """
    row = _last_reopening(session, number)
    if row is None or not row.payload.get(_TOLD):
        return []
    row.payload = {**row.payload, _TOLD: False}
    if state is not State.REOPENED:
        return []
    senders, _phone = same_person(session, str(row.payload.get("author", "")))
    return senders


def _last_reopening(session: Session, number: str) -> Outbox | None:
    theirs = select(Outbox).where(Outbox.number == number, Outbox.kind == ledger.REOPEN)
    return session.scalar(theirs.order_by(Outbox.id.desc()).limit(1))


def outcome(engine: Engine, said: Said, number: str) -> Afterwards:
    """How it stands with what was recorded, now."""
    became = said.became
    if said.row:
        with reading(engine) as session:
            became = _became(session.get_one(Outbox, said.row).state)
    return Afterwards(became, number, said.again, said.others)


def followup(row: Outbox, identity: str) -> Followup:
    """What the system of record gets, which knows the request by ``identity``."""
    return Followup(
        key=row.key,
        request_id=identity,
        text=str(row.payload.get("text", "")),
        said_at=row.created_at,
        media_urls=tuple(row.payload.get("media_urls", ())),
        status={ledger.WITHDRAW: "closed", ledger.REOPEN: "open"}.get(row.kind, ""),
    )


@dataclass(frozen=True)
class Kept:
    """Something that a resident said and the system of record does not have: a person has to look."""

    number: str
    kind: str
    said_at: datetime
    text: str
    media_urls: Sequence[str]
    last_error: str


def kept(engine: Engine) -> list[Kept]:
    """What staff have to carry over themselves, the oldest first."""
    with reading(engine) as session:
        rows = session.scalars(select(Outbox).where(not_taken()).order_by(Outbox.created_at, Outbox.id)).all()
    return [
        Kept(
            row.number,
            row.kind,
            row.created_at,
            str(row.payload.get("text", "")),
            row.payload.get("media_urls", ()),
            row.last_error,
        )
        for row in rows
    ]


def settle(engine: Engine, number: str, by: str) -> int:
    """Staff have carried over what was kept about a request; how much that was."""
    with writing(engine) as session:
        rows = session.scalars(select(Outbox).where(Outbox.number == number, not_taken())).all()
        for row in rows:
            row.state, row.payload = ledger.SENT, {**row.payload, "settled_by": by[:200]}
        return len(rows)


def _end_news_of_the_receipt(session: Session, number: str, at: datetime) -> None:
    """Who takes a request back hears no more of it where they had the receipt sent to, either."""
    theirs = select(Follow).where(Follow.reference == number, Follow.channel == FROM_A_RECEIPT)
    for follow in session.scalars(theirs.where(Follow.ended_at.is_(None))):
        follow.ended_at = at


def _withdrawal(number: str) -> str:
    return f"withdraw:{number}"


def not_taken() -> ColumnElement[bool]:
    """Which outbox rows hold what was said afterwards and wait for a person."""
    return and_(Outbox.kind.in_(ledger.AFTERWARDS), Outbox.state.in_((ledger.KEPT, ledger.FAILED)))


def _in_one_go(engine: Engine, number: str, within: Callable[[Session, ServiceRequest], Said]) -> Said:
    """``within`` in one transaction that holds the request; once more where somebody was faster with the same."""
    for last in (False, True):
        try:
            with writing(engine) as session:
                row = session.get(ServiceRequest, number, with_for_update=True)
                return within(session, row) if row is not None else Said(Became.NOT_THEIRS)
        except IntegrityError:
            if last:
                raise
    raise AssertionError("unreachable")


def _record(
    session: Session,
    kind: str,
    key: str,
    number: str,
    words: Words,
    at: datetime,
    lease_s: float,
    *,
    others: int = 0,
) -> Said:
    payload = {"author": words.author, "text": clean(words.text), "media_urls": list(words.media_urls)}
    row = ledger.to_do(key, kind, number, at, payload=payload, **ledger.held(at, lease_s))
    session.add(row)
    session.flush()
    return Said(Became.WAITING, number, row.id, ledger.claim_of(row), others=others)


def _again(row: Outbox) -> Said:
    return Said(_became(row.state), row.number, row.id, again=True)


def _became(state: str) -> Became:
    if state in (ledger.KEPT, ledger.FAILED):
        return Became.KEPT
    return Became.PASSED_ON if state == ledger.SENT else Became.WAITING


def _added_today(session: Session, number: str, author: str, at: datetime) -> int:
    rows = session.scalars(
        select(Outbox.payload).where(
            Outbox.number == number, Outbox.kind == ledger.ADD, Outbox.created_at > at - _SAME_WITHIN
        )
    )
    return sum(payload.get("author") == author for payload in rows)
