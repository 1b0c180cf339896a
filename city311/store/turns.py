"""Turns of residents: every message that a channel took, durable before it is passed on, and its answer.

A conversation is what one sender writes on one channel. Its row is the lock that keeps order: whoever passes a turn
on holds the conversation's lease, so that two portal processes never relay two turns of one resident at once, and a
process that dies frees the conversation when the lease runs out.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, Row, select, text
from sqlalchemy.orm import Session

from city311.store import turn_statements as statements
from city311.store.base import INSERTS, dialect_of, looking_up
from city311.store.turn_tables import ANSWERED, WAITING, Conversation, Turn
from city311.store.turn_views import (
    Accepted,
    Alongside,
    Busy,
    Claim,
    ConversationEnded,
    Incoming,
    Pace,
    TooMany,
    TurnView,
    view_of,
)

__all__ = [
    "ANSWERED",
    "WAITING",
    "Accepted",
    "Alongside",
    "Busy",
    "Claim",
    "Conversation",
    "ConversationEnded",
    "Incoming",
    "Pace",
    "TooMany",
    "Turn",
    "TurnView",
    "Turns",
]


class Turns:
    """The turns in one database. Every method is one transaction, or part of the one (``within``) that the caller has
    begun for writing."""

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
        within: Connection | None = None,
    ) -> Accepted | TooMany:
        """Store the message once: a repeated ``client_id`` gives the first turn, whatever its text.

        Without a ``pace`` the channel has counted already. ``alongside`` is called for a new turn only. Without
        ``claims`` the turn is left to whoever looks for due ones.

        Raises:
            ConversationEnded: it was erased.
        """
        with self._writing(within) as connection:
            conversation = self._locked_or_new(connection, incoming, pace, at)
            if conversation.ended_at is not None:
                raise ConversationEnded
            known, waits = connection.execute(
                statements.SEEN, {"of_sender": incoming.sender, "of_client_id": incoming.client_id}
            ).one()
            if known is not None:
                return Accepted(view_of(connection.execute(statements.TURN, {"of_id": known}).one()))
            tokens, tokens_at = conversation.tokens, conversation.tokens_at
            if pace is not None:
                tokens = _tokens(conversation, pace, at)
                if tokens < 1:
                    return TooMany((1 - tokens) * 60 / pace.per_minute)
                tokens, tokens_at = tokens - 1, at
            lease, leased_until = conversation.lease, conversation.leased_until
            claims = claims and waits is None and not _is_leased(conversation, at)
            if claims:
                lease, leased_until = self._new_lease(at)
            view = TurnView(
                id=secrets.token_hex(12),
                sender=incoming.sender,
                client_id=incoming.client_id,
                seq=conversation.last_seq + 1,
                channel=incoming.channel,
                language=incoming.language,
                text=incoming.text,
                state=WAITING,
                messages=[],
                received_at=at,
                details=dict(incoming.details),
            )
            # counted before it is sent: after a crash nobody knows whether the relay got it
            attempts = int(claims)
            values = {name: value for name, value in vars(view).items() if name != "delayed"}
            connection.execute(statements.ADD, {**values, "attempts": attempts})
            connection.execute(
                statements.GO_ON,
                {
                    "of_sender": incoming.sender,
                    "last_seq": view.seq,
                    "tokens": tokens,
                    "tokens_at": tokens_at,
                    "lease": lease,
                    "leased_until": leased_until,
                },
            )
            if alongside is not None:
                alongside(connection, view)
            return Accepted(view, Claim(view, str(lease), attempts) if claims else None)

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
        *,
        within: Connection | None = None,
    ) -> tuple[TurnView, Claim | None]:
        """Store the answer, unless the turn has one; with it the claim to the next waiting turn of the conversation.

        ``alongside`` is called when this answer is the one that is stored.

        Without a next turn, or when the lease ran out and went to somebody else, the claim is None.
        """
        with self._writing(within) as connection:
            # first, because it locks the conversation: whoever adds a turn meanwhile finds it held, or free
            whose = {"of_sender": claim.turn.sender, "of_lease": claim.lease}
            is_ours = connection.execute(statements.LET_GO, whose).rowcount == 1
            view = replace(claim.turn, state=ANSWERED, messages=[dict(one) for one in messages], delayed=False)
            stored = {"of_id": view.id, "messages": view.messages, "answered_at": at}
            if connection.execute(statements.ANSWER, stored).rowcount == 1:
                if alongside is not None:
                    alongside(connection, view)
            else:
                view = view_of(connection.execute(statements.TURN, {"of_id": view.id}).one())
            following = None
            waits = (
                connection.execute(statements.OLDEST_WAITING, {"of_sender": view.sender}).first() if is_ours else None
            )
            if waits is not None:
                lease, until = self._new_lease(at)
                connection.execute(statements.HOLD, {"of_sender": view.sender, "lease": lease, "leased_until": until})
                connection.execute(statements.COUNT_ATTEMPT, {"of_id": waits.id})
                following = Claim(view_of(waits), lease, waits.attempts + 1)
            return view, following

    def fail(self, claim: Claim, not_before: datetime, alongside: Alongside | None = None) -> None:
        """Give the claim back; the turn goes on waiting, and is due again at ``not_before``."""
        with Session(self._writer) as session, session.begin():
            conversation = _locked(session, claim.turn.sender)
            turn = session.get_one(Turn, claim.turn.id)
            if turn.state == WAITING:
                turn.not_before = not_before
                if alongside is not None:
                    alongside(session.connection(), view_of(turn))
            if conversation is not None and conversation.lease == claim.lease:
                conversation.lease = conversation.leased_until = None

    def due(self, at: datetime, limit: int) -> list[str]:
        """Up to ``limit`` senders whose oldest waiting turn is due and in nobody's hands, longest waiting first."""
        with looking_up(self._engine) as connection:
            return list(connection.scalars(statements.DUE, {"at": at, "most": limit}))

    def find(self, turn_id: str) -> TurnView | None:
        """The turn of that id as it is now."""
        with Session(self._engine) as session:
            turn = session.get(Turn, turn_id)
            return view_of(turn) if turn is not None else None

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
            view = view_of(turn)
            delayed = delayed or view.delayed
            views.append(replace(view, delayed=delayed and turn.state == WAITING))
        return views, more

    @contextmanager
    def _writing(self, within: Connection | None) -> Iterator[Connection]:
        if within is not None:
            yield within
        else:
            with self._writer.begin() as connection:
                yield connection

    def _claimed(self, conversation: Conversation, turn: Turn, at: datetime) -> Claim:
        lease, conversation.leased_until = self._new_lease(at)
        conversation.lease = lease
        # counted before it is sent: after a crash nobody knows whether the relay got it
        turn.attempts += 1
        return Claim(view_of(turn), lease, turn.attempts)

    def _new_lease(self, at: datetime) -> tuple[str, datetime]:
        return secrets.token_hex(12), at + self._lease

    def _locked_or_new(self, connection: Connection, incoming: Incoming, pace: Pace | None, at: datetime) -> Row[Any]:
        whose = {"of_sender": incoming.sender}
        conversation = connection.execute(statements.LOCKED, whose).first()
        if conversation is not None:
            return conversation
        connection.execute(
            INSERTS[dialect_of(connection)](Conversation)
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
        return connection.execute(statements.LOCKED, whose).one()


def _locked(session: Session, sender: str) -> Conversation | None:
    return session.scalar(select(Conversation).where(Conversation.sender == sender).with_for_update())


def _oldest_waiting(session: Session, sender: str) -> Turn | None:
    return session.scalar(
        # a literal, so that the partial index can be used
        select(Turn).where(Turn.sender == sender, Turn.state == text("'waiting'")).order_by(Turn.seq).limit(1)
    )


def _is_leased(conversation: Conversation | Row[Any], at: datetime) -> bool:
    return conversation.leased_until is not None and conversation.leased_until > at


def _tokens(conversation: Row[Any], pace: Pace, at: datetime) -> float:
    passed = max(0.0, (at - conversation.tokens_at).total_seconds())
    tokens: float = conversation.tokens + passed * pace.per_minute / 60
    return min(pace.burst, tokens)
