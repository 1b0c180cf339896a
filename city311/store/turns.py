"""Turns of residents: every message that a channel took, durable before it is passed on, and its answer.

A conversation is what one sender writes on one channel. Its row is the lock that keeps order: whoever passes a turn
on holds the conversation's lease, so that two portal processes never relay two turns of one resident at once, and a
process that dies frees the conversation when the lease runs out.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import JSON, Engine, ForeignKey, Index, String, Text, UniqueConstraint, func, or_, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from city311.store.base import Base, Instant

WAITING = "waiting"
ANSWERED = "answered"


class Conversation(Base):
    """One sender on one channel: order, lease and pace of its turns. ``ended_at``: the resident erased it.

    ``lease`` names the claim that is at work until ``leased_until``. ``tokens`` (at ``tokens_at``) is how many messages
    the sender may still send at once.
    """

    __tablename__ = "conversations"

    sender: Mapped[str] = mapped_column(String(80), primary_key=True)
    channel: Mapped[str] = mapped_column(String(40))
    started_at: Mapped[datetime] = mapped_column(Instant)
    last_seq: Mapped[int] = mapped_column(default=0)
    tokens: Mapped[float]
    tokens_at: Mapped[datetime] = mapped_column(Instant)
    lease: Mapped[str | None] = mapped_column(String(32))
    leased_until: Mapped[datetime | None] = mapped_column(Instant)
    ended_at: Mapped[datetime | None] = mapped_column(Instant)


class Turn(Base):
    """One message of a resident and its answer.

    ``client_id`` is the channel's own id of the message (a repeated one is the same turn). ``seq`` counts from 1 in a
    conversation. ``text`` is screened. ``messages`` is the answer as JSON, empty while waiting. ``attempts`` counts
    the times it was about to be relayed; ``not_before`` is set when one failed. ``details`` is what came beside the
    text, as JSON: ``location`` (``{"lat", "lon"}``, WGS 84 degrees) and ``media`` (ids of attachments).
    """

    __tablename__ = "turns"
    __table_args__ = (
        UniqueConstraint("sender", "client_id", name="turns_once"),
        UniqueConstraint("sender", "seq", name="turns_order"),
        Index(
            "turns_waiting",
            "sender",
            "seq",
            sqlite_where=text("state = 'waiting'"),
            postgresql_where=text("state = 'waiting'"),
        ),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    sender: Mapped[str] = mapped_column(String(80), ForeignKey("conversations.sender"))
    client_id: Mapped[str] = mapped_column(String(64))
    seq: Mapped[int]
    channel: Mapped[str] = mapped_column(String(40))
    language: Mapped[str] = mapped_column(String(16))
    received_at: Mapped[datetime] = mapped_column(Instant)
    text: Mapped[str] = mapped_column(Text)
    details: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    state: Mapped[str] = mapped_column(String(16), default=WAITING)
    attempts: Mapped[int] = mapped_column(default=0)
    not_before: Mapped[datetime | None] = mapped_column(Instant)
    messages: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    answered_at: Mapped[datetime | None] = mapped_column(Instant)


@dataclass(frozen=True)
class Incoming:
    """A screened message that a channel hands in. ``details``: see :class:`Turn`."""

    sender: str
    client_id: str
    channel: str
    language: str
    text: str
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Pace:
    """How fast one sender may write: ``burst`` messages at once, ``per_minute`` in the long run."""

    per_minute: float = 30.0
    burst: float = 20.0


@dataclass(frozen=True)
class TurnView:
    """A turn as channels see it. ``delayed``: it waits because passing it (or one before it) on has failed."""

    id: str
    sender: str
    client_id: str
    seq: int
    channel: str
    language: str
    text: str
    state: str
    messages: Sequence[Mapping[str, Any]]
    received_at: datetime
    details: Mapping[str, Any] = field(default_factory=dict)
    delayed: bool = False


class ConversationEnded(Exception):
    """The resident erased this conversation; nothing can be added to it."""


Alongside = Callable[[Session, TurnView], None]
"""Something to be stored in the same transaction as a turn: both are there, or neither is."""


@dataclass(frozen=True)
class Claim:
    """The right to relay ``turn`` now. ``attempt`` counts from 1; above it the relay may know the turn already."""

    turn: TurnView
    lease: str
    attempt: int


@dataclass(frozen=True)
class Busy:
    """Somebody else is relaying a turn of this conversation."""


@dataclass(frozen=True)
class TooMany:
    """The sender writes too fast; nothing was stored. ``wait_s``: seconds until one more is taken."""

    wait_s: float


@dataclass(frozen=True)
class Accepted:
    """A turn that is in the database now. ``claim`` is given when nothing stands before it."""

    turn: TurnView
    claim: Claim | None = None


class Turns:
    """The turns in one database. Every method is one transaction."""

    def __init__(self, engine: Engine, *, lease: timedelta) -> None:
        """``lease``: longer than one relayed turn can take, so that only a dead process loses its claim."""
        self._engine = engine
        self._writer = engine.execution_options(writes=True)
        self._lease = lease

    def accept(
        self,
        incoming: Incoming,
        pace: Pace | None,
        at: datetime,
        alongside: Alongside | None = None,
        *,
        claims: bool = True,
    ) -> Accepted | TooMany:
        """Store the message once: a repeated ``client_id`` gives the first turn, whatever its text.

        Without a ``pace`` the channel has counted already. ``alongside`` is called for a new turn only. Without
        ``claims`` the turn is left to whoever looks for due ones.

        Raises:
            ConversationEnded: it was erased.
        """
        with Session(self._writer) as session, session.begin():
            conversation = self._locked_or_new(session, incoming, pace, at)
            if conversation.ended_at is not None:
                raise ConversationEnded
            known = session.scalar(
                select(Turn).where(Turn.sender == incoming.sender, Turn.client_id == incoming.client_id)
            )
            if known is not None:
                return Accepted(_view(known))
            if pace is not None:
                tokens = _tokens(conversation, pace, at)
                if tokens < 1:
                    return TooMany((1 - tokens) * 60 / pace.per_minute)
                conversation.tokens, conversation.tokens_at = tokens - 1, at
            first = _oldest_waiting(session, incoming.sender) is None
            conversation.last_seq += 1
            turn = Turn(
                id=secrets.token_hex(12),
                sender=incoming.sender,
                client_id=incoming.client_id,
                seq=conversation.last_seq,
                channel=incoming.channel,
                language=incoming.language,
                received_at=at,
                text=incoming.text,
                details=dict(incoming.details),
                state=WAITING,
                attempts=0,
                messages=[],
            )
            session.add(turn)
            claim = None
            if claims and first and not _is_leased(conversation, at):
                claim = self._claimed(conversation, turn, at)
            if alongside is not None:
                session.flush()
                alongside(session, _view(turn))
            return Accepted(_view(turn), claim)

    def claim(self, sender: str, at: datetime, *, due_only: bool) -> Claim | Busy | None:
        """The oldest waiting turn of ``sender``, to relay now. None: nothing waits (or is due, if ``due_only``)."""
        with Session(self._writer) as session, session.begin():
            conversation = _locked(session, sender)
            turn = _oldest_waiting(session, sender)
            if conversation is None or turn is None:
                return None
            if _is_leased(conversation, at):
                return Busy()
            if due_only and turn.not_before is not None and turn.not_before > at:
                return None
            return self._claimed(conversation, turn, at)

    def answer(
        self,
        claim: Claim,
        messages: Sequence[Mapping[str, Any]],
        at: datetime,
        alongside: Alongside | None = None,
    ) -> tuple[TurnView, Claim | None]:
        """Store the answer, unless the turn has one; with it the claim to the next waiting turn of the conversation.

        ``alongside`` is called when this answer is the one that is stored.

        Without a next turn, or when the lease ran out and went to somebody else, the claim is None.
        """
        with Session(self._writer) as session, session.begin():
            conversation = _locked(session, claim.turn.sender)
            turn = session.get_one(Turn, claim.turn.id)
            if turn.state == WAITING:
                turn.state, turn.messages, turn.answered_at = ANSWERED, [dict(one) for one in messages], at
                session.flush()
                if alongside is not None:
                    alongside(session, _view(turn))
            following = None
            if conversation is not None and conversation.lease == claim.lease:
                waiting = _oldest_waiting(session, claim.turn.sender)
                if waiting is not None:
                    following = self._claimed(conversation, waiting, at)
                else:
                    conversation.lease = conversation.leased_until = None
            return _view(turn), following

    def fail(self, claim: Claim, not_before: datetime, alongside: Alongside | None = None) -> None:
        """Give the claim back; the turn goes on waiting, and is due again at ``not_before``."""
        with Session(self._writer) as session, session.begin():
            conversation = _locked(session, claim.turn.sender)
            turn = session.get_one(Turn, claim.turn.id)
            if turn.state == WAITING:
                turn.not_before = not_before
                if alongside is not None:
                    alongside(session, _view(turn))
            if conversation is not None and conversation.lease == claim.lease:
                conversation.lease = conversation.leased_until = None

    def due(self, at: datetime, limit: int) -> list[str]:
        """Up to ``limit`` senders whose oldest waiting turn is due and in nobody's hands, longest waiting first."""
        oldest = (
            select(Turn.sender, func.min(Turn.seq).label("seq"))
            .where(Turn.state == text("'waiting'"))
            .group_by(Turn.sender)
            .subquery()
        )
        query = (
            select(Turn.sender)
            .join(oldest, (Turn.sender == oldest.c.sender) & (Turn.seq == oldest.c.seq))
            .join(Conversation, Conversation.sender == Turn.sender)
            .where(or_(Turn.not_before.is_(None), Turn.not_before <= at))
            .where(or_(Conversation.leased_until.is_(None), Conversation.leased_until <= at))
            .order_by(Turn.received_at)
            .limit(limit)
        )
        with Session(self._engine) as session:
            return list(session.scalars(query))

    def find(self, turn_id: str) -> TurnView | None:
        """The turn of that id as it is now."""
        with Session(self._engine) as session:
            turn = session.get(Turn, turn_id)
            return _view(turn) if turn is not None else None

    def history(self, sender: str, *, after: int | None, limit: int) -> tuple[list[TurnView], bool]:
        """Turns of ``sender`` in order: those after that ``seq``, or the latest ones; and whether there are more.

        "More" means later ones when ``after`` is given, else earlier ones.
        """
        query = select(Turn).where(Turn.sender == sender).limit(limit + 1)
        query = query.order_by(Turn.seq.desc()) if after is None else query.where(Turn.seq > after).order_by(Turn.seq)
        with Session(self._engine) as session:
            rows = list(session.scalars(query))
        more = len(rows) > limit
        shown = sorted(rows[:limit], key=lambda turn: turn.seq)
        delayed = False
        views = []
        for turn in shown:
            view = _view(turn)
            delayed = delayed or view.delayed
            views.append(replace(view, delayed=delayed and turn.state == WAITING))
        return views, more

    def _claimed(self, conversation: Conversation, turn: Turn, at: datetime) -> Claim:
        conversation.lease = secrets.token_hex(12)
        conversation.leased_until = at + self._lease
        # counted before it is sent: after a crash nobody knows whether the relay got it
        turn.attempts += 1
        return Claim(_view(turn), conversation.lease, turn.attempts)

    def _locked_or_new(self, session: Session, incoming: Incoming, pace: Pace | None, at: datetime) -> Conversation:
        conversation = _locked(session, incoming.sender)
        if conversation is not None:
            return conversation
        insert = postgresql.insert if self._engine.dialect.name == "postgresql" else sqlite.insert
        session.execute(
            insert(Conversation)
            .values(
                sender=incoming.sender,
                channel=incoming.channel,
                started_at=at,
                last_seq=0,
                tokens=pace.burst if pace is not None else 0.0,
                tokens_at=at,
            )
            .on_conflict_do_nothing()
        )
        return session.scalars(
            select(Conversation).where(Conversation.sender == incoming.sender).with_for_update()
        ).one()


def last_answered(session: Session, sender: str, *, before: int | None = None) -> TurnView | None:
    """The latest turn of ``sender`` that has its answer; of those before sequence number ``before``, if given."""
    query = select(Turn).where(Turn.sender == sender, Turn.state == ANSWERED).order_by(Turn.seq.desc()).limit(1)
    turn = session.scalar(query if before is None else query.where(Turn.seq < before))
    return _view(turn) if turn is not None else None


def tell(
    session: Session,
    *,
    sender: str,
    client_id: str,
    language: str,
    messages: Sequence[Mapping[str, Any]],
    at: datetime,
) -> bool:
    """Put something that the resident did not ask for into their conversation, in the session's transaction.

    It is a turn without words of theirs. False, and nothing is put, where a turn of that ``client_id`` is there
    already, the conversation was erased, or there is none.
    """
    conversation = _locked(session, sender)
    if conversation is None or conversation.ended_at is not None:
        return False
    if session.scalar(select(Turn.id).where(Turn.sender == sender, Turn.client_id == client_id)) is not None:
        return False
    conversation.last_seq += 1
    session.add(
        Turn(
            id=secrets.token_hex(12),
            sender=sender,
            client_id=client_id,
            seq=conversation.last_seq,
            channel=conversation.channel,
            language=language,
            received_at=at,
            text="",
            details={},
            state=ANSWERED,
            attempts=0,
            messages=[dict(message) for message in messages],
            answered_at=at,
        )
    )
    return True


def _locked(session: Session, sender: str) -> Conversation | None:
    return session.scalar(select(Conversation).where(Conversation.sender == sender).with_for_update())


def _oldest_waiting(session: Session, sender: str) -> Turn | None:
    return session.scalar(
        # a literal, so that the partial index can be used
        select(Turn).where(Turn.sender == sender, Turn.state == text("'waiting'")).order_by(Turn.seq).limit(1)
    )


def _is_leased(conversation: Conversation, at: datetime) -> bool:
    return conversation.leased_until is not None and conversation.leased_until > at


def _tokens(conversation: Conversation, pace: Pace, at: datetime) -> float:
    passed = max(0.0, (at - conversation.tokens_at).total_seconds())
    return min(pace.burst, conversation.tokens + passed * pace.per_minute / 60)


def _view(turn: Turn) -> TurnView:
    return TurnView(
        id=turn.id,
        sender=turn.sender,
        client_id=turn.client_id,
        seq=turn.seq,
        channel=turn.channel,
        language=turn.language,
        text=turn.text,
        state=turn.state,
        messages=list(turn.messages),
        received_at=turn.received_at,
        details=dict(turn.details),
        delayed=turn.state == WAITING and turn.not_before is not None,
    )
