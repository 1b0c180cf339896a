"""Tells residents what became of a request, where they are: in the web conversation, or by message to their phone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, select

from city311.city.model import Department, Pack
from city311.language.catalogues import spoken_language
from city311.language.responses import responses
from city311.requests.status import Kind, Status
from city311.requests.telling import Sentence, how_it_stands
from city311.store import correspondents, outgoing, said
from city311.store.base import reading, writing
from city311.store.correspondents import Correspondent
from city311.store.turns import Turn
from city311.store.updates import Update

UPDATE_ID = "update-"
"""How the client ids of turns begin that are news and no answer; the chat page knows it too."""

TEMPLATE = "status"
_LONGEST_VALUE = 600  # characters; a whole template may have 1,024
_MOST = 100
_MOMENTS = ("requested_at", "updated_at", "since", "due")
_KEPT = ("number", "service_code", "service_name", "state", "notes", "evidence", "parent")


def facts_of(status: Status, child: str, *, can_reopen: bool) -> dict[str, Any]:
    """What of a status is kept until it is told, as JSON. ``child``: number of the recipient's own report, where they
    hear of the one that it repeats. ``can_reopen``: whether this recipient may have it opened again.
    """
    facts: dict[str, Any] = {name: getattr(status, name) for name in _KEPT}
    for name in _MOMENTS:
        moment = getattr(status, name)
        facts[name] = moment.isoformat() if moment is not None else None
    facts["department"] = asdict(status.department) if status.department is not None else None
    return {**facts, "child": child, "can_reopen": can_reopen}


def _status(facts: Mapping[str, Any]) -> Status:
    given: dict[str, Any] = {name: facts[name] for name in _KEPT}
    for name in _MOMENTS:
        given[name] = datetime.fromisoformat(facts[name]) if facts.get(name) else None
    given["department"] = Department(**facts["department"]) if facts.get("department") else None
    return Status(Kind.FOUND, **given, can_reopen=bool(facts.get("can_reopen")))


def _template(number: str, messages: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The same for WhatsApp after 24 hours: the approved template ``status`` with a number and one line of words."""
    words = " ".join(" ".join(str(message["text"]) for message in messages).replace("**", "").split())
    if len(words) > _LONGEST_VALUE:
        words = f"{words[:_LONGEST_VALUE]}…"
    return {"name": TEMPLATE, "values": [number, words]}


class Teller:
    """Tells what waits to be told. Any number may run: each update is told under a name of its own, once."""

    def __init__(self, pack: Pack, engine: Engine, clock: Callable[[], datetime]) -> None:
        self._pack = pack
        self._engine = engine
        self._clock = clock

    def tell_waiting(self) -> int:
        """Tell what waits, the oldest first; how many were told."""
        with reading(self._engine) as session:
            rows = session.scalars(
                select(Update).where(Update.told_at.is_(None)).order_by(Update.created_at, Update.id).limit(_MOST)
            ).all()
        return sum(self._tell(row) for row in rows)

    def _tell(self, row: Update) -> bool:
        at = self._clock()
        language = self._language(row.recipient)
        messages = self.messages(row.facts, language, at)
        with writing(self._engine) as session:
            kept = session.get(Update, row.id, populate_existing=True, with_for_update=True)
            if kept is None or kept.told_at is not None:
                return False
            kept.told_at = at
            if session.get(Correspondent, row.recipient) is not None:
                kind = outgoing.URGENT if self._is_of_an_emergency(row.facts) else outgoing.UPDATE
                return outgoing.enqueue(
                    session,
                    key=f"update:{row.key}",
                    sender=row.recipient,
                    messages=messages,
                    at=at,
                    kind=kind,
                    template=_template(row.reference, messages),
                )
            # A web conversation: it stands there when the resident returns.
            name = f"{UPDATE_ID}{row.id}"
            return said.tell(session, sender=row.recipient, client_id=name, language=language, messages=messages, at=at)

    def messages(self, facts: Mapping[str, Any], language: str, at: datetime) -> list[dict[str, Any]]:
        """The words of an update, as messages of a channel."""
        status = _status(facts)
        child = str(facts.get("child") or "")
        opening = Sentence("utter_update_of_parent", {"number": child, "parent": status.number})
        if not child:
            opening = Sentence("utter_update", {"number": status.number})
        words = responses(self._pack, language)
        messages: list[dict[str, Any]] = []
        for sentence in (opening, *how_it_stands(self._pack, status, language, at)):
            titles = [words.say(sentence.button, values=sentence.values)] if sentence.button else []
            buttons = [{"title": title, "payload": title} for title in titles]
            messages.append({"text": words.say(sentence.key, values=sentence.values), "buttons": buttons})
        return messages

    def _is_of_an_emergency(self, facts: Mapping[str, Any]) -> bool:
        service = self._pack.services.get(str(facts.get("service_code") or ""))
        return service is not None and service.priority == "emergency"

    def _language(self, recipient: str) -> str:
        """What they chose or last wrote in, if it is offered, else the first that is."""
        with reading(self._engine) as session:
            chosen = correspondents.language_of(session, recipient)
            last = session.scalar(
                select(Turn.language).where(Turn.sender == recipient).order_by(Turn.seq.desc()).limit(1)
            )
        return spoken_language(self._pack, chosen or last or "")
