"""What is known of a phone when it writes, in one look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import Engine, String, Table, bindparam, select

from city311.store.base import looking_up
from city311.store.correspondents import OPTED_OUT, Correspondent, said_last_by
from city311.store.repeats import IS_FORGOTTEN, digest_of
from city311.store.turn_tables import ANSWERED, Turn


@dataclass(frozen=True)
class Known:
    """``repeated``: that very message is a turn already, or was one. ``language``: code of the one that they chose, or
    empty. ``last_answer``: its messages, empty where there is none.
    """

    repeated: bool
    opted_out: bool
    language: str
    last_answer: Sequence[Mapping[str, Any]]


_turns, _correspondents = cast(Table, Turn.__table__), cast(Table, Correspondent.__table__)
_sender = bindparam("of_sender", type_=String)
_KNOWN = select(
    select(_turns.c.id)
    .where(_turns.c.sender == _sender, _turns.c.client_id == bindparam("of_client_id"))
    .scalar_subquery()
    .label("turn"),
    IS_FORGOTTEN.label("forgotten"),
    said_last_by(_sender).label("said_last"),
    select(_correspondents.c.language).where(_correspondents.c.sender == _sender).scalar_subquery().label("language"),
    select(_turns.c.messages)
    .where(_turns.c.sender == _sender, _turns.c.state == ANSWERED)
    .order_by(_turns.c.seq.desc())
    .limit(1)
    .scalar_subquery()
    .label("last_answer"),
)


def known_of(engine: Engine, sender: str, client_id: str) -> Known:
    """What is known of ``sender`` before its message of that id."""
    with looking_up(engine) as connection:
        ids = {"of_sender": sender, "of_client_id": client_id, "of_digest": digest_of(client_id)}
        row = connection.execute(_KNOWN, ids).one()
    repeated = row.turn is not None or row.forgotten is not None
    return Known(repeated, row.said_last == OPTED_OUT, row.language or "", row.last_answer or [])
