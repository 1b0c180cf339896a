"""Deleting by age what residents and the assistant said. Reports are not touched: they are the city's records."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, Engine, delete, exists, func, or_, select
from sqlalchemy.engine import CursorResult
from sqlalchemy.orm import Session, aliased

from city311.store import repeats, verified
from city311.store.attachments import Attachment
from city311.store.correspondents import ASKED, OPTED_OUT, Consent, Correspondent
from city311.store.follows import Follow
from city311.store.ledger import ServiceRequest
from city311.store.outgoing import FAILED, SENT, WITHHELD, OutgoingMessage
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
        if session.get(Correspondent, sender) is not None:
            repeats.remember(session, session.scalars(select(Turn.client_id).where(Turn.sender == sender)), at)
        session.execute(delete(Turn).where(Turn.sender == sender))
        session.execute(delete(Attachment).where(Attachment.sender == sender))
        verified.forget(session, sender)
        session.delete(found)
        return True


def drop_texts(engine: Engine, since: datetime) -> int:
    """Delete messages to phones and addresses that were made before ``since`` and are done with; how many.

    Of those that failed the words go, and what is left says that they failed and why.
    """
    done = OutgoingMessage.state.in_((SENT, WITHHELD))
    with Session(engine.execution_options(writes=True)) as session, session.begin():
        result = session.execute(delete(OutgoingMessage).where(done, OutgoingMessage.created_at < since))
        failed = select(OutgoingMessage).where(OutgoingMessage.state == FAILED, OutgoingMessage.created_at < since)
        for row in session.scalars(failed):
            if row.content.get("messages"):
                row.content = {"messages": []}
        return result.rowcount if isinstance(result, CursorResult) else 0


def drop_consents(engine: Engine, since: datetime) -> None:
    """Delete entries of the consent ledger from before ``since``, except a stop that still holds."""
    later = aliased(Consent)
    last = ~exists().where(later.sender == Consent.sender, later.id > Consent.id, later.state != ASKED)
    holds = (Consent.state == OPTED_OUT) & last
    # an agreement goes together with the older stop that it ended, or else that one would hold again
    newest = select(func.max(later.at)).where(later.sender == Consent.sender, later.state != ASKED).scalar_subquery()
    with Session(engine.execution_options(writes=True)) as session, session.begin():
        old = select(Consent.id).where(Consent.at < since, ~holds, or_(Consent.state == ASKED, newest < since, ~last))
        session.execute(delete(Consent).where(Consent.id.in_(old)))


def drop_repeats(engine: Engine, since: datetime) -> None:
    """Delete what is kept of messages whose turns were deleted before ``since``."""
    with Session(engine.execution_options(writes=True)) as session, session.begin():
        repeats.drop(session, since)


def drop_correspondents(engine: Engine, since: datetime) -> int:
    """Delete numbers and addresses that have not written since then and that nothing refers to; how many."""
    sender = Correspondent.sender
    needed = or_(
        exists().where(Conversation.sender == sender),
        exists().where(Consent.sender == sender),
        exists().where(OutgoingMessage.sender == sender),
        exists().where(ServiceRequest.reporter == sender),
        exists().where(Follow.follower == sender),
    )
    idle_ones = (Correspondent.heard_at < since) & (Correspondent.first_at < since)
    with Session(engine.execution_options(writes=True)) as session, session.begin():
        result = session.execute(
            delete(Correspondent).where(idle_ones, ~needed).execution_options(synchronize_session=False)
        )
        return result.rowcount if isinstance(result, CursorResult) else 0


def _idle(since: datetime, at: datetime) -> ColumnElement[bool]:
    # tokens_at is the moment of the last message that was taken.
    free = or_(Conversation.leased_until.is_(None), Conversation.leased_until <= at)
    waits = exists().where(Turn.sender == Conversation.sender, Turn.state == WAITING)
    return (Conversation.tokens_at < since) & free & ~waits
