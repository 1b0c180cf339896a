"""Where conversations are kept: durable, checked, and loud when the database is away."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import uuid

import psycopg2
import pytest
import sqlalchemy as sa
from rasa.core import tracker_store as rasa_stores
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, SessionStarted, SlotSet, UserUttered
from rasa.shared.core.trackers import EventVerbosity
from rasa.utils.endpoints import read_endpoint_config
from small_bot import HOUSE

from city311.dialogue import tracker_store
from city311.dialogue.tracker_store import ChangedMeanwhile, TrackerStore, own_store

POSTGRESQL = "postgresql://postgres@127.0.0.1:5432/test"


@pytest.fixture(scope="module")
def domain():
    return Domain.load(str(HOUSE / "domain.yml"))


@pytest.fixture
def schema():
    """A schema of its own on PostgreSQL; gives what to add to the URL."""
    try:
        server = psycopg2.connect(POSTGRESQL, connect_timeout=5)
    except psycopg2.OperationalError:
        pytest.skip("PostgreSQL is not reachable at 127.0.0.1:5432 (user postgres, database test)")
    server.autocommit = True
    name = f"city311_{uuid.uuid4().hex}"
    with server.cursor() as cursor:
        cursor.execute(f"CREATE SCHEMA {name}")
    yield f"options=-csearch_path%3D{name}"
    with server.cursor() as cursor:
        cursor.execute(f"DROP SCHEMA {name} CASCADE")
    server.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'deeper' / 'dialogue.db'}"
    return f"{POSTGRESQL}?{request.getfixturevalue('schema')}"


@pytest.fixture
def open_store(domain):
    opened = []

    def make(url):
        opened.append(TrackerStore(domain, url=url))
        return opened[-1]

    yield make
    for store in opened:
        store.engine.dispose()


def talk(store, sender, *texts):
    async def turns():
        for text in texts:
            tracker = await store.get_or_create_tracker(sender, append_action_listen=False)
            tracker.update(UserUttered(text, {"name": "inform", "confidence": 1.0}))
            tracker.update(SlotSet("intake", {"last": text}))
            tracker.update(ActionExecuted("action_listen"))
            await store.save(tracker)

    asyncio.run(turns())


def heard(store, sender):
    tracker = asyncio.run(store.retrieve(sender))
    return [event.text for event in tracker.events if isinstance(event, UserUttered)] if tracker else None


def test_a_conversation_is_kept(open_store, url):
    talk(open_store(url), "web-1", "a pothole", "on Hampshire Street {0[ <b> 🕳️")
    again = open_store(url)
    assert heard(again, "web-1") == ["a pothole", "on Hampshire Street {0[ <b> 🕳️"]
    assert heard(again, "web-2") is None
    assert asyncio.run(again.retrieve("web-1")).get_slot("intake") == {"last": "on Hampshire Street {0[ <b> 🕳️"}
    assert list(asyncio.run(again.keys())) == ["web-1"]


def test_a_forgotten_conversation_leaves_nothing_and_no_other_is_touched(open_store, url):
    store = open_store(url)
    talk(store, "web-1", "a secret", "another")
    talk(store, "web-2", "hello")
    wrapped = rasa_stores.FailSafeTrackerStore(rasa_stores.AwaitableTrackerStore(store))
    own_store(wrapped).forget("web-1")
    assert heard(store, "web-1") is None
    assert heard(store, "web-2") == ["hello"]
    with store.engine.connect() as connection:
        assert "a secret" not in str(connection.execute(sa.text("SELECT data FROM events")).fetchall())
    with pytest.raises(LookupError, match="tracker_store"):
        own_store(rasa_stores.FailSafeTrackerStore(rasa_stores.InMemoryTrackerStore(store.domain)))


def test_only_the_last_session_is_read_for_a_turn(open_store, url):
    store = open_store(url)
    talk(store, "web-1", "before")

    async def cut():
        tracker = await store.retrieve("web-1")
        tracker.update(SessionStarted())
        await store.save(tracker)

    asyncio.run(cut())
    talk(store, "web-1", "after")
    assert heard(store, "web-1") == ["after"]
    full = asyncio.run(store.retrieve_full_tracker("web-1"))
    assert [event.text for event in full.events if isinstance(event, UserUttered)] == ["before", "after"]


def test_two_stores_on_one_new_database(open_store, url):
    """Two dialogue processes may start at once."""
    first, second = open_store(url), open_store(url)
    talk(first, "web-1", "hello")
    assert heard(second, "web-1") == ["hello"]


def test_sqlite_writes_ahead_and_keeps_few_connections(open_store, tmp_path):
    store = open_store(f"sqlite:///{tmp_path / 'dialogue.db'}")
    with store.engine.connect() as connection:
        assert connection.execute(sa.text("PRAGMA journal_mode")).scalar() == "wal"
        assert connection.execute(sa.text("PRAGMA synchronous")).scalar() == 1
    for number in range(20):
        talk(store, f"web-{number}", "hello")
    assert isinstance(store.engine.pool, sa.pool.QueuePool)
    assert store.engine.pool.checkedin() == 1 and store.engine.pool.checkedout() == 0


def test_the_default_is_a_file_in_the_data_folder(installation, domain):
    store = TrackerStore(domain)
    assert store.engine.url.database == str(installation / "dialogue.db")
    store.engine.dispose()


def test_the_setting_names_the_database(monkeypatch, tmp_path, domain):
    monkeypatch.setenv("CITY311_TRACKER_URL", f"sqlite:///{tmp_path / 'other.db'}")
    store = TrackerStore(domain)
    assert store.engine.url.database == str(tmp_path / "other.db")
    store.engine.dispose()


def test_postgresql_by_the_url_that_the_services_use(open_store, schema):
    """``postgresql+psycopg`` is the driver of the other environment."""
    store = open_store(f"postgresql+psycopg://postgres@127.0.0.1:5432/test?{schema}")
    talk(store, "web-1", "hello")
    assert heard(store, "web-1") == ["hello"]
    assert store.engine.dialect.driver == "psycopg2"


def test_rasa_makes_this_store_from_endpoints_yml(domain):
    endpoint = read_endpoint_config(str(HOUSE / "endpoints.yml"), endpoint_type="tracker_store")
    store = rasa_stores.TrackerStore.create(endpoint, domain)
    assert type(store) is TrackerStore
    store.engine.dispose()


# -- trackers that are kept between turns


@pytest.fixture
def reads(monkeypatch):
    """Senders whose conversations were read from the database."""
    found = []
    original = rasa_stores.SQLTrackerStore._retrieve

    async def counted(self, sender_id, fetch_events_from_all_sessions):
        found.append(sender_id)
        return await original(self, sender_id, fetch_events_from_all_sessions)

    monkeypatch.setattr(rasa_stores.SQLTrackerStore, "_retrieve", counted)
    return found


def everything(tracker):
    return tracker.current_state(EventVerbosity.ALL), {name: vars(slot) for name, slot in tracker.slots.items()}


def test_a_kept_tracker_is_what_would_be_read(conversation, agent, actions, domain):
    """After every turn of a conversation with forms, digressions, a failure and a cut session."""
    store = agent.tracker_store._tracker_store
    other = TrackerStore(agent.domain, url=str(store.engine.url))
    kept_ones = 0
    try:
        for text in ["zgreet", "zreport a pothole", "on Elm Street", "zcheck_status", "yes", "zcancel", "zthank"] * 8:
            if text == "zthank":
                actions.failures["action_clarify"] = "fault"
            conversation.says(text)
            actions.failures.clear()
            kept = store._kept.get(conversation.sender)
            read = asyncio.run(other.retrieve(conversation.sender))
            assert kept is not None and kept.stored == read.city311_stored[0]
            assert everything(kept.tracker) == everything(read)
            kept_ones += 1
    finally:
        other.engine.dispose()
    assert kept_ones == 56
    assert conversation.events().count("session_started") > 1


def test_a_kept_conversation_is_not_read_again(open_store, url, reads):
    store = open_store(url)
    talk(store, "web-1", "a pothole", "on Elm Street", "yes")
    assert reads == []
    assert heard(open_store(url), "web-1") == ["a pothole", "on Elm Street", "yes"]
    assert reads == ["web-1"]


def test_what_another_process_wrote_is_read(open_store, url):
    first, second = open_store(url), open_store(url)
    talk(first, "web-1", "one")
    talk(second, "web-1", "two")
    talk(first, "web-1", "three")
    talk(second, "web-1", "four")
    for store in (first, second):
        assert heard(store, "web-1") == ["one", "two", "three", "four"]


def test_what_was_deleted_is_forgotten(open_store, url):
    store = open_store(url)
    talk(store, "web-1", "my name is Rumpelstiltskin")
    with store.engine.begin() as connection:
        connection.execute(sa.text("DELETE FROM events"))
    assert heard(store, "web-1") is None
    talk(store, "web-1", "hello")
    assert heard(store, "web-1") == ["hello"]


def test_a_turn_that_was_not_saved_leaves_nothing(open_store, url):
    store = open_store(url)
    talk(store, "web-1", "one")
    given_up = asyncio.run(store.retrieve("web-1"))
    given_up.update(UserUttered("lost", {"name": "inform", "confidence": 1.0}))
    talk(store, "web-1", "two")
    assert heard(store, "web-1") == ["one", "two"]


def test_a_turn_that_fails_after_something_was_saved_leaves_nothing_unsaved(open_store, url):
    store = open_store(url)
    talk(store, "web-1", "one")
    tracker = asyncio.run(store.retrieve("web-1"))
    asyncio.run(store.save(tracker))
    tracker.update(UserUttered("lost", {"name": "inform", "confidence": 1.0}))
    assert heard(store, "web-1") == ["one"]
    talk(store, "web-1", "two")
    assert heard(store, "web-1") == ["one", "two"]


def test_two_turns_at_once_are_not_mixed(open_store, url):
    """The second to finish is given up; the channel tries it again."""
    store = open_store(url)
    talk(store, "web-1", "one")
    early, late = (asyncio.run(store.retrieve("web-1")) for _ in range(2))
    assert early is not late
    for tracker, text in ((early, "two"), (late, "three")):
        tracker.update(UserUttered(text, {"name": "inform", "confidence": 1.0}))
    asyncio.run(store.save(early))
    with pytest.raises(ChangedMeanwhile):
        asyncio.run(store.save(late))
    assert heard(store, "web-1") == ["one", "two"]
    talk(store, "web-1", "three")
    assert heard(open_store(url), "web-1") == ["one", "two", "three"]


def test_two_first_turns_at_once_are_not_mixed(open_store, url):
    store = open_store(url)
    early, late = (asyncio.run(store.get_or_create_tracker("web-1", append_action_listen=False)) for _ in range(2))
    for tracker, text in ((early, "one"), (late, "two")):
        tracker.update(UserUttered(text, {"name": "inform", "confidence": 1.0}))
    asyncio.run(store.save(early))
    with pytest.raises(ChangedMeanwhile):
        asyncio.run(store.save(late))
    assert heard(store, "web-1") == ["one"]


def test_a_tracker_from_elsewhere_is_saved_as_rasa_does(open_store, url):
    """``rasa`` commands save trackers that they read whole."""
    store = open_store(url)
    talk(store, "web-1", "one")
    tracker = asyncio.run(store.retrieve_full_tracker("web-1"))
    tracker.update(UserUttered("two", {"name": "inform", "confidence": 1.0}))
    asyncio.run(store.save(tracker))
    assert heard(store, "web-1") == ["one", "two"]


def test_a_new_domain_is_used(open_store, url, reads):
    store = open_store(url)
    talk(store, "web-1", "one")
    store.domain = Domain.from_yaml("version: '3.1'\nslots: {colour: {type: text, mappings: [{type: from_text}]}}")
    tracker = asyncio.run(store.retrieve("web-1"))
    assert reads == ["web-1"] and "colour" in tracker.slots


def test_only_so_many_are_kept(open_store, url, monkeypatch):
    monkeypatch.setattr(tracker_store, "KEPT_TRACKERS", 3)
    store = open_store(url)
    for number in range(5):
        talk(store, f"web-{number}", "hello")
    assert list(store._kept) == ["web-2", "web-3", "web-4"]
    talk(store, "web-2", "again")
    talk(store, "web-0", "again")
    assert list(store._kept) == ["web-4", "web-2", "web-0"]


def test_the_rows_are_those_of_rasa(open_store, url, domain):
    events = [
        ActionExecuted("action_listen", "RulePolicy", 1.0),
        UserUttered("a", {"name": "inform", "confidence": 1.0}, [], {"text": "a", "intent": {"name": "inform"}}),
        SlotSet("intake", {"last": "ä"}),
        SessionStarted(),
    ]
    ours, rasas = open_store(url), open_store(url)

    async def save():
        for sender, save in (("ours", ours.save), ("rasas", rasas.save)):
            tracker = await ours.get_or_create_tracker(sender, append_action_listen=False)
            tracker.update_with_events(events, domain, override_timestamp=False)
            if sender == "rasas":
                del tracker.city311_stored  # as if it came from elsewhere
            await save(tracker)

    asyncio.run(save())
    statement = sa.text(
        "SELECT type_name, timestamp, intent_name, action_name, data FROM events WHERE sender_id = :sender ORDER BY id"
    )
    with ours.engine.connect() as connection:
        rows = {sender: connection.execute(statement, {"sender": sender}).fetchall() for sender in ("ours", "rasas")}
    assert len(rows["ours"]) == 4
    assert rows["ours"] == rows["rasas"]


# -- a database that is away


def test_trap_03_a_table_that_is_gone_raises(open_store, tmp_path):
    store = open_store(f"sqlite:///{tmp_path / 'dialogue.db'}")
    talk(store, "web-1", "hello")
    with store.engine.begin() as connection:
        connection.execute(sa.text("DROP TABLE events"))
    with pytest.raises(sa.exc.OperationalError):
        heard(store, "web-1")
    with pytest.raises(sa.exc.OperationalError):
        talk(store, "web-1", "again")


def test_trap_03_a_database_that_is_away_from_the_start_raises():
    """Rasa's own store would try again for ever, and an import error would give it one in memory."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # not listening
        with pytest.raises(sa.exc.OperationalError):
            TrackerStore(Domain.empty(), url=f"postgresql://postgres@127.0.0.1:{nobody.getsockname()[1]}/test")


class Wire:
    """Passes bytes to PostgreSQL and back until it is cut."""

    def __init__(self):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._ends = []
        self.up = True
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            if not self.up:
                near.close()
                continue
            far = socket.create_connection(("127.0.0.1", 5432))
            self._ends += [near, far]
            for source, target in ((near, far), (far, near)):
                threading.Thread(target=self._pass, args=(source, target), daemon=True).start()

    @staticmethod
    def _pass(source, target):
        try:
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def cut(self):
        self.up = False
        for end in self._ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        self._ends.clear()

    def close(self):
        self.cut()
        self._listener.close()


@pytest.fixture
def wire():
    made = Wire()
    yield made
    made.close()


def test_trap_03_postgresql_that_goes_away_raises_and_nobody_is_forgotten(open_store, schema, wire):
    store = open_store(f"postgresql://postgres@127.0.0.1:{wire.port}/test?{schema}")
    talk(store, "web-1", "before")
    wire.cut()
    for _ in range(2):
        with pytest.raises(sa.exc.OperationalError):
            heard(store, "web-1")
        with pytest.raises(sa.exc.OperationalError):
            talk(store, "web-1", "lost")
    wire.up = True
    talk(store, "web-1", "after")
    assert heard(store, "web-1") == ["before", "after"]


def test_a_connection_that_died_while_idle_is_noticed(open_store, schema, wire):
    """The turn after a restart of the database works at once."""
    store = open_store(f"postgresql://postgres@127.0.0.1:{wire.port}/test?{schema}")
    talk(store, "web-1", "before")
    wire.cut()
    wire.up = True
    assert heard(store, "web-1") == ["before"]


def test_an_error_says_nothing_of_what_was_written(open_store, tmp_path):
    store = open_store(f"sqlite:///{tmp_path / 'dialogue.db'}")
    with store.engine.begin() as connection:
        connection.execute(
            sa.text("CREATE TRIGGER full BEFORE INSERT ON events BEGIN SELECT RAISE(ABORT, 'full'); END")
        )
    with pytest.raises(sa.exc.SQLAlchemyError) as caught:
        talk(store, "web-1", "Rumpelstiltskin")
    assert "full" in str(caught.value)
    assert "Rumpelstiltskin" not in str(caught.value)


def test_a_postgresql_that_does_not_answer_is_given_up():
    with socket.create_server(("127.0.0.1", 0)) as mute:
        port = mute.getsockname()[1]
        with pytest.raises(sa.exc.OperationalError, match="timeout"):
            TrackerStore(Domain.empty(), url=f"postgresql://postgres@127.0.0.1:{port}/test")
