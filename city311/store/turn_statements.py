"""Statements of what happens in every turn, made once.

They go past the unit of work of the ORM, which costs several times as much as the statements themselves.
"""

from __future__ import annotations

from typing import cast

from sqlalchemy import Table, bindparam, func, or_, select, text, update

from city311.store.turn_tables import ANSWERED, WAITING, Conversation, Turn

_conversations, _turns = cast(Table, Conversation.__table__), cast(Table, Turn.__table__)
_of_sender = _conversations.c.sender == bindparam("of_sender")
_of_id = _turns.c.id == bindparam("of_id")
# a literal, so that the partial index can be used
_waiting = (_turns.c.sender == bindparam("of_sender")) & (_turns.c.state == text("'waiting'"))
_known = (_turns.c.sender == bindparam("of_sender")) & (_turns.c.client_id == bindparam("of_client_id"))

_oldest = (
    select(_turns.c.sender, func.min(_turns.c.seq).label("seq"))
    .where(_turns.c.state == text("'waiting'"))
    .group_by(_turns.c.sender)
    .subquery()
)

LOCKED = select(_conversations).where(_of_sender).with_for_update()
"""A conversation, held until the transaction ends."""
SEEN = select(
    select(_turns.c.id).where(_known).scalar_subquery(),
    select(func.min(_turns.c.seq)).where(_waiting).scalar_subquery(),
)
"""Id of the turn that a message is already; ``seq`` of the oldest that waits in its conversation."""
TURN = select(_turns).where(_of_id)
OLDEST_WAITING = select(_turns).where(_waiting).order_by(_turns.c.seq).limit(1)
LAST_ANSWERED = (
    select(_turns)
    .where(_turns.c.sender == bindparam("of_sender"), _turns.c.state == ANSWERED, _turns.c.seq < bindparam("before"))
    .order_by(_turns.c.seq.desc())
    .limit(1)
)
"""The latest turn that has its answer."""
ADD = _turns.insert()
GO_ON = (
    update(_conversations)
    .where(_of_sender)
    .values({name: bindparam(name) for name in ("last_seq", "tokens", "tokens_at", "lease", "leased_until")})
)
"""What a new turn changes in its conversation."""
HOLD = update(_conversations).where(_of_sender).values(lease=bindparam("lease"), leased_until=bindparam("leased_until"))
LET_GO = (
    update(_conversations)
    .where(_of_sender, _conversations.c.lease == bindparam("of_lease"))
    .values(lease=None, leased_until=None)
)
"""Ends a lease, if it is still this one."""
COUNT_ATTEMPT = update(_turns).where(_of_id).values(attempts=_turns.c.attempts + 1)
ANSWER = (
    update(_turns)
    .where(_of_id, _turns.c.state == WAITING)
    .values(state=ANSWERED, messages=bindparam("messages"), answered_at=bindparam("answered_at"))
)
"""Stores an answer, unless there is one."""
DUE = (
    select(_turns.c.sender)
    .join(_oldest, (_turns.c.sender == _oldest.c.sender) & (_turns.c.seq == _oldest.c.seq))
    .join(_conversations, _conversations.c.sender == _turns.c.sender)
    .where(or_(_turns.c.not_before.is_(None), _turns.c.not_before <= bindparam("at")))
    .where(or_(_conversations.c.leased_until.is_(None), _conversations.c.leased_until <= bindparam("at")))
    .order_by(_turns.c.received_at)
    .limit(bindparam("most"))
)
"""Senders whose oldest waiting turn is due and in nobody's hands."""
