"""Deleting by age what residents and the assistant said. Reports are not touched: they are the city's records."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, Engine, delete, exists, or_, select
from sqlalchemy.engine import CursorResult
from sqlalchemy.orm import Session

from city311.store.attachments import Attachment
from city311.store.outgoing import SENT, WITHHELD, OutgoingMessage
from city311.store.turns import WAITING, Conversation, Turn


def idle(engine: Engine, since: datetime, *, at: datetime, limit: int, after: str = "") -> list[str]:
    """Senders whose last message came before ``since`` and got its answer; in order, those that follow ``after``."""
    wanted = select(Conversation.sender).where(_idle(since, at), Conversation.sender > after)
    with Session(engine) as session:
        return list(session.scalars(wanted.order_by(Conversation.sender).limit(limit)))


def drop(engine: Engine, sender: str, since: datetime, *, at: datetime) -> bool:
    """Delete the conversation of ``sender``. False: it is not idle any more, and nothing was done."""
    with Session(engine.execution_options(writes=True)) as session, session.begin():
        found = session.scalar(
            select(Conversation).where(Conversation.sender == sender, _idle(since, at)).with_for_update()
        )
        if found is None:
            return False
        session.execute(delete(Turn).where(Turn.sender == sender))
        session.execute(delete(Attachment).where(Attachment.sender == sender))
        session.delete(found)
        return True


def drop_texts(engine: Engine, since: datetime) -> int:
    """Delete messages to phones that were made before ``since`` and are done with; how many. Failed ones stay."""
    done = OutgoingMessage.state.in_((SENT, WITHHELD))
    with Session(engine.execution_options(writes=True)) as session, session.begin():
        result = session.execute(delete(OutgoingMessage).where(done, OutgoingMessage.created_at < since))
        return result.rowcount if isinstance(result, CursorResult) else 0


def _idle(since: datetime, at: datetime) -> ColumnElement[bool]:
    # tokens_at is the moment of the last message that was taken.
    free = or_(Conversation.leased_until.is_(None), Conversation.leased_until <= at)
    waits = exists().where(Turn.sender == Conversation.sender, Turn.state == WAITING)
    return (Conversation.tokens_at < since) & free & ~waits
