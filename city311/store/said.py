"""What the assistant has said in a conversation, and what it says there unasked."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from city311.store import turn_statements as statements
from city311.store.base import Inside
from city311.store.turn_tables import ANSWERED, Conversation, Turn
from city311.store.turn_views import TurnView, view_of

_LAST = 2**31 - 1
"""Above every sequence number."""


def last_answered(inside: Inside, sender: str, *, before: int = _LAST) -> TurnView | None:
    """The latest turn of ``sender`` that has its answer; of those before sequence number ``before``, if given."""
    turn = inside.execute(statements.LAST_ANSWERED, {"of_sender": sender, "before": before}).first()
    return view_of(turn) if turn is not None else None


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
    conversation = session.scalar(select(Conversation).where(Conversation.sender == sender).with_for_update())
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
