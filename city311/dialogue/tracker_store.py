"""Where Rasa keeps its conversations: SQLite in WAL mode by default, PostgreSQL by URL."""

from __future__ import annotations

import json
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from rasa.core.brokers.broker import EventBroker
from rasa.core.tracker_store import SQLTrackerStore
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import Event, SessionStarted
from rasa.shared.core.trackers import DialogueStateTracker
from sqlalchemy.engine import make_url

from city311 import settings

KEPT_TRACKERS = 200
"""Conversations that stay in memory between turns; one takes some 100 kB."""


class ChangedMeanwhile(RuntimeError):
    """Somebody else wrote to a conversation during a turn. Nothing of the turn is stored: it can be tried again."""


@dataclass(frozen=True)
class _Stored:
    """What the database holds of a conversation: number of its events and the id of the last."""

    events: int
    last: int


@dataclass(frozen=True)
class _Kept:
    """A tracker between two turns, with how many events it has; what is stored of it; the domain it was made for."""

    stored: _Stored
    tracker: DialogueStateTracker
    events: int
    domain: Domain

    def is_still(self, found: _Stored, domain: Domain) -> bool:
        """Whether neither the database nor the tracker has changed since."""
        return self.stored == found and self.domain is domain and len(self.tracker.events) == self.events


class TrackerStore(SQLTrackerStore):
    """Rasa's SQL store with a checked, small pool. A database that is down raises; nobody is forgotten for it.

    The trackers of the last conversations stay in memory. Before one is used again, the database is asked whether it
    still holds just these events; if not, the conversation is read from there. A tracker is handed out once and comes
    back only when it was saved, so that nothing of a turn that failed stays in it.

    Error messages leave out the values of a statement: they may be a resident's words.
    """

    def __init__(
        self, domain: Domain | None = None, event_broker: EventBroker | None = None, url: str = "", **kwargs: Any
    ) -> None:
        for name in ("host", "port", "db", "username", "password", "dialect", "login_db", "query"):
            kwargs.pop(name, None)
        parsed = make_url(url or settings.load().tracker_url)
        self.engine = _engine(parsed)
        self.Base.metadata.create_all(self.engine)
        self.sessionmaker = sa.orm.sessionmaker(bind=self.engine)
        # Past SQLTrackerStore, whose constructor waits for a database for ever and makes a pool of its own.
        super(SQLTrackerStore, self).__init__(domain, event_broker, **kwargs)
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._table = self.SQLEvent.__table__
        of_sender = self._table.c.sender_id == sa.bindparam("sender")
        self._count = sa.select(sa.func.count(), sa.func.max(self._table.c.id)).where(of_sender)
        self._insert = self._table.insert()

    async def retrieve(self, sender_id: str) -> DialogueStateTracker | None:
        """The last session of a conversation; None for a new one. Raises SQLAlchemyError when the database is down."""
        kept = self._kept.pop(sender_id, None)
        with self.engine.connect() as connection:
            found = self._stored(connection, sender_id)
        if not found.events:
            return None
        if kept is not None and kept.is_still(found, self.domain):
            tracker: DialogueStateTracker | None = kept.tracker
        else:
            tracker = await super().retrieve(sender_id)
        if tracker is not None:
            tracker.city311_stored = (found, len(tracker.events))
        return tracker

    async def save(self, tracker: DialogueStateTracker) -> None:
        """Stores the new events of a conversation in one transaction.

        Raises:
            ChangedMeanwhile: the database has other events of this conversation than when it was read.
            SQLAlchemyError: the database is down.
        """
        if not tracker.events:  # a new conversation, before its first event
            tracker.city311_stored = (_Stored(0, 0), 0)
            return
        mark = tracker.__dict__.get("city311_stored")
        if mark is None:  # not from here: Rasa counts what it has
            await super().save(tracker)
            return
        await self.stream_events(tracker)
        before, known = mark
        new = list(tracker.events)[known:]
        with self.engine.begin() as connection:
            if new:
                connection.execute(self._insert, [_row(tracker.sender_id, event) for event in new])
            after = self._stored(connection, tracker.sender_id)
            if after.events != before.events + len(new):
                raise ChangedMeanwhile("The conversation was changed by somebody else during this turn.")
        self._keep(tracker, after)

    def forget(self, sender_id: str) -> None:
        """Delete every event of that conversation, here and in the database."""
        self._kept.pop(sender_id, None)
        with self.session_scope() as session:
            session.query(self.SQLEvent).filter_by(sender_id=sender_id).delete(synchronize_session=False)
            session.commit()

    def _stored(self, connection: Any, sender_id: str) -> _Stored:
        count, last = connection.execute(self._count, {"sender": sender_id}).one()
        return _Stored(count, last or 0)

    def _keep(self, tracker: DialogueStateTracker, stored: _Stored) -> None:
        # As it would be read again: the last session, which begins with the event that resets the state.
        events = list(tracker.events)
        begins = max((index for index, event in enumerate(events) if type(event) is SessionStarted), default=0)
        if begins:
            tracker.events = tracker._create_events(events[begins:])
        tracker.city311_stored = (stored, len(tracker.events))
        self._kept[tracker.sender_id] = _Kept(stored, tracker, len(tracker.events), self.domain)
        self._kept.move_to_end(tracker.sender_id)
        while len(self._kept) > KEPT_TRACKERS:
            self._kept.popitem(last=False)


def _row(sender_id: str, event: Event) -> dict[str, Any]:
    data = event.as_dict()
    return {
        "sender_id": sender_id,
        "type_name": event.type_name,
        "timestamp": data.get("timestamp"),
        "intent_name": data.get("parse_data", {}).get("intent", {}).get("name"),
        "action_name": data.get("name"),
        "data": json.dumps(data),
    }


def own_store(store: Any) -> TrackerStore:
    """The store of ours inside those that Rasa wraps around it.

    Raises:
        LookupError: ``endpoints.yml`` names another store.
    """
    while not isinstance(store, TrackerStore):
        store = getattr(store, "_tracker_store", None)
        if store is None:
            raise LookupError("endpoints.yml: tracker_store is not city311.dialogue.tracker_store.TrackerStore")
    return store


def _engine(url: Any) -> sa.engine.Engine:
    if url.get_backend_name() != "sqlite":
        return sa.create_engine(
            url.set(drivername="postgresql"),
            pool_pre_ping=True,
            pool_size=5,
            max_overflow=5,
            hide_parameters=True,
            connect_args={"connect_timeout": 5},
        )
    if url.database:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    # SQLAlchemy 1.4 would open a file database anew for every session.
    engine = sa.create_engine(
        url,
        poolclass=sa.pool.QueuePool,
        hide_parameters=True,
        connect_args={"timeout": 10, "check_same_thread": False},
    )
    sa.event.listen(engine, "connect", _prepare_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.close()
