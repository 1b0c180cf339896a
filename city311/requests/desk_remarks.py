"""What residents say at the desk about a request that is there: more about it, that they take it back, that it is not
fixed.

Whoever sends it has made sure whose words they are: only the key that made a request, and our own, may add to it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, Select, select
from sqlalchemy.exc import IntegrityError

from city311.requests.desk import this_second
from city311.requests.desk_rules import DESCRIPTION_LIMIT, Problem, Refused, check_media
from city311.requests.reopen import may_be_reopened
from city311.requests.states import State
from city311.store import numbers
from city311.store.base import reading, writing
from city311.store.desk import ApiKey, DeskNote, DeskRemark, DeskRequest

OPEN, CLOSED = "open", "closed"
_LONGEST_ID = 200


@dataclass(frozen=True)
class Remark:
    """One of them. ``update_id`` names it among those of one key; ``status`` is what the resident wants: ``open``
    (again), ``closed`` (taken back), or empty for words and photos alone.
    """

    update_id: str
    said_at: datetime
    text: str
    status: str = ""
    media_urls: Sequence[str] = ()


def check_remark(fields: Mapping[str, str], media_urls: Sequence[str], said_at: datetime | None) -> Remark:
    """The remark that cleaned parameters make.

    Raises:
        Refused: with everything that is wrong.
    """
    update_id, text = fields.get("update_id", ""), fields.get("description", "")
    status = fields.get("status", "").lower()
    wrong = list(check_media(media_urls))
    if not 0 < len(update_id) <= _LONGEST_ID:
        wrong.append(Problem(400, f"update_id must have 1 to {_LONGEST_ID} characters."))
    if len(text) > DESCRIPTION_LIMIT:
        wrong.append(Problem(400, f"description is longer than {DESCRIPTION_LIMIT} characters."))
    if status not in ("", OPEN, CLOSED):
        wrong.append(Problem(400, "status must be open (reopen it), closed (it is taken back), or left out."))
    if not (text or media_urls or status):
        wrong.append(Problem(400, "Neither description, media_url nor status was provided."))
    if wrong:
        raise Refused(*wrong)
    return Remark(update_id, said_at or this_second(), text, status, tuple(media_urls))


def take(engine: Engine, key: ApiKey, number: str, remark: Remark) -> None:
    """Keep a remark for the crew, and close or open the request where it says so. The same id again changes nothing.

    What is closed is not taken back, and what is open is not opened again: then the words alone are kept.

    Raises:
        Refused: there is no such request, or it is another key's, or the id was used for another request.
    """
    canonical = numbers.parse(number)
    try:
        with writing(engine) as session:
            row = session.scalar(select(DeskRequest).where(DeskRequest.number == canonical).with_for_update())
            if row is None:
                raise Refused(Problem(404, "service_request_id was not found."))
            if row.api_key_id != key.id and not key.own_numbers:
                raise Refused(Problem(403, "The request was made with another api_key."))
            if _is_there(session.scalar(_same(key, remark)), row.number):
                return
            at = this_second()
            session.add(
                DeskRemark(
                    api_key_id=key.id,
                    update_id=remark.update_id,
                    number=row.number,
                    at=at,
                    said_at=remark.said_at,
                    status=remark.status,
                    text=remark.text,
                    media_urls=list(remark.media_urls),
                )
            )
            row.updated_at = at
            state = _then(State(row.state), remark.status)
            if state is not None:
                row.state, row.state_since = state.value, at
                row.status_notes = row.evidence = row.duplicate_of = ""
                row.notes.append(DeskNote(at=at, state=state.value, note="", by=key.label))
    except IntegrityError:  # it came twice at the same moment
        with reading(engine) as session:
            if not _is_there(session.scalar(_same(key, remark)), canonical or ""):
                raise


def _same(key: ApiKey, remark: Remark) -> Select[DeskRemark]:
    return select(DeskRemark).where(DeskRemark.api_key_id == key.id, DeskRemark.update_id == remark.update_id)


def _is_there(first: DeskRemark | None, number: str) -> bool:
    if first is not None and first.number != number:
        raise Refused(Problem(400, "update_id was used for another request."))
    return first is not None


def _then(state: State, wanted: str) -> State | None:
    """The state that follows; None where it stays."""
    if wanted == CLOSED and state.is_open:
        return State.WITHDRAWN
    return State.REOPENED if wanted == OPEN and may_be_reopened(state) else None
