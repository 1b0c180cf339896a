"""Erasing a conversation at its resident's wish. What is left is that it has ended, so that it cannot go on."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Engine, delete, select
from sqlalchemy.orm import Session

from city311.store import verified
from city311.store.photos import ShownPhoto
from city311.store.turns import WAITING, Conversation, Turn


class StillAtWork(Exception):
    """An answer of the conversation is still on its way."""


def last_turn(engine: Engine, sender: str, at: datetime) -> int:
    """``seq`` of the last turn of ``sender``, 0 when there is none.

    Raises:
        StillAtWork: a turn waits, or is being relayed.
    """
    with Session(engine) as session:
        return _last_turn(session, sender, at)


def erase(engine: Engine, sender: str, last: int, at: datetime) -> bool:
    """Delete the turns of ``sender`` and end the conversation. False: there are turns after ``last``; nothing was done.

    Raises:
        StillAtWork: a turn waits, or is being relayed.
    """
    with Session(engine.execution_options(writes=True)) as session, session.begin():
        conversation = session.scalar(select(Conversation).where(Conversation.sender == sender).with_for_update())
        if _last_turn(session, sender, at) != last:
            return False
        session.execute(delete(Turn).where(Turn.sender == sender))
        verified.forget(session, sender)
        session.execute(delete(ShownPhoto).where(ShownPhoto.viewer == sender))
        if conversation is not None:
            conversation.ended_at = at
        return True


def _last_turn(session: Session, sender: str, at: datetime) -> int:
    conversation = session.get(Conversation, sender)
    if conversation is None:
        return 0
    leased = conversation.leased_until is not None and conversation.leased_until > at
    if leased or session.scalar(select(Turn.id).where(Turn.sender == sender, Turn.state == WAITING).limit(1)):
        raise StillAtWork
    return conversation.last_seq
