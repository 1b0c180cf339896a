"""What changes in the system of record reaches those who want to know: once, in order, and nobody else."""

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from sqlalchemy import select

from city311.city import load_pack
from city311.connectors.model import RemoteRequest, SystemUnavailable
from city311.requests.duplicates import Sought, likely_duplicates
from city311.requests.follow import follow, unfollow
from city311.requests.history import usual
from city311.requests.submit import Draft, record
from city311.requests.tell import Teller
from city311.requests.updates import Rhythm, Watch, look_soon
from city311.settings import HOUSE
from city311.store import correspondents
from city311.store.base import reading, writing
from city311.store.correspondents import Heard
from city311.store.ledger import ServiceRequest
from city311.store.outgoing import OutgoingMessage
from city311.store.reports import KnownReport
from city311.store.turns import Conversation, Incoming, Pace, Turns
from city311.store.updates import Job, Update, again, hold, plan

NOW = datetime(2026, 5, 1, 12, tzinfo=timezone.utc)
PACK = load_pack(HOUSE / "cities" / "riverbend")


class System:
    """A system of record that shows what a test puts there."""

    own_numbers = True
    lists_changes = True

    def __init__(self):
        self.requests = {}
        self.asked = []
        self.away = False

    def put(self, number, state="received", at=NOW, **more):
        status = "closed" if state in ("done", "duplicate", "no_fault_found", "referred") else "open"
        given = {"service_code": "pothole", "requested_at": NOW, "updated_at": at, "state_since": at}
        self.requests[number] = RemoteRequest(id=number, status=status, state=state, **(given | more))

    def changed(self, since, *, budget_s):
        self.asked.append(since)
        if self.away:
            raise SystemUnavailable("away")
        return [one for one in self.requests.values() if one.updated_at >= since]

    def several(self, request_ids, *, budget_s):
        self.asked.append(list(request_ids))
        return [self.requests[one] for one in request_ids if one in self.requests]

    def status(self, request_id, *, budget_s):
        self.asked.append(request_id)
        return self.requests.get(request_id)


class Town:
    """One installation in which time is moved by hand."""

    def __init__(self, engine):
        self.engine, self.system, self.at = engine, System(), NOW
        self.watch = Watch(PACK, engine, self.system, lambda: self.at, Rhythm())
        self.teller = Teller(PACK, engine, lambda: self.at)
        self.turns = Turns(engine, lease=timedelta(seconds=60))

    def files(self, reporter="web-1", address="12 Elm Street", service="pothole"):
        self.writes(reporter)
        draft = Draft(service, address=address, reporter=reporter, description="my own words")
        number = record(self.engine, PACK, draft, f"{reporter}:{address}", self.at, 60).number
        with writing(self.engine) as session:
            row = session.get_one(ServiceRequest, number)
            row.sent_at, row.external_id = self.at, number
        self.system.put(number, at=self.at, service_code=service)
        return number

    def writes(self, sender):
        self.turns.accept(Incoming(sender, "hello", "web", "en", "hello"), Pace(), self.at)

    def later(self, minutes=2):
        """Looks and tells, some time later."""
        self.at += timedelta(minutes=minutes)
        self.watch.run_due()
        self.teller.tell_waiting()

    def told(self, sender="web-1"):
        """The news in a conversation, each as one text."""
        turns, _ = self.turns.history(sender, after=None, limit=100)
        news = [turn for turn in turns if turn.client_id.startswith("update-")]
        return ["\n".join(message["text"] for message in turn.messages) for turn in news]


@pytest.fixture
def town(engine):
    return Town(engine)


def test_a_change_is_told_to_the_reporter_once(town):
    number = town.files()
    town.later()
    assert town.told() == []  # that it came in is no news
    town.system.put(number, "done", at=town.at, status_notes="Filled with asphalt.")
    for _ in range(4):
        town.later()
    (news,) = town.told()
    assert number in news and "is done" in news and "Filled with asphalt." in news


def test_every_further_change_is_told_in_order(town):
    number = town.files()
    for state in ("accepted", "in_progress", "done", "reopened", "done"):
        town.later()
        town.system.put(number, state, at=town.at, status_notes="As written." if state == "done" else None)
    town.later()
    texts = town.told()
    assert len(texts) == 5
    assert ["took it" in texts[0], "worked on" in texts[1], "is done" in texts[2], "again" in texts[3]] == [True] * 4


def test_followers_hear_of_it_and_those_who_had_enough_do_not(town):
    number = town.files()
    for sender in ("web-2", "web-3"):
        town.writes(sender)
        follow(town.engine, number, sender, "web", town.at)
    town.later()
    unfollow(town.engine, number, "web-3", town.at)
    town.system.put(number, "scheduled", at=town.at)
    town.later()
    assert [len(town.told(sender)) for sender in ("web-1", "web-2", "web-3")] == [1, 1, 0]
    assert "my own words" not in town.told("web-2")[0]


def test_what_is_older_than_what_is_known_tells_nothing(town):
    number = town.files()
    town.later()
    town.system.put(number, "done", at=town.at, status_notes="Filled.")
    town.later()
    stale = RemoteRequest(id=number, status="open", state="in_progress", updated_at=NOW)
    assert town.watch.take_in([stale, stale]) == 0
    town.later()
    assert len(town.told()) == 1


def test_a_touch_that_changes_nothing_tells_nothing(town):
    number = town.files()
    town.later()
    town.system.put(number, "accepted", at=town.at)
    town.later()
    town.system.requests[number] = replace(town.system.requests[number], updated_at=town.at)
    town.later()
    assert len(town.told()) == 1


def test_a_look_goes_back_a_little_and_nothing_is_lost_while_it_is_away(town):
    number = town.files()
    town.later()
    town.system.away = True
    town.later()
    town.system.put(number, "accepted", at=town.at)
    town.later(60)
    town.system.away = False
    town.later()
    assert len(town.told()) == 1
    first, *_, last = town.system.asked
    assert first == NOW + timedelta(minutes=2) - timedelta(days=30)
    assert last < town.at - timedelta(minutes=60)


def test_the_city_says_how_often_it_looks(engine):
    pack = replace(PACK, workorders=replace(PACK.workorders, look_every_s=250))
    moment, looked = [NOW], []
    watch = Watch(pack, engine, System(), lambda: moment[0])
    for seconds in (0, 100, 200, 300, 400, 500):
        moment[0] = NOW + timedelta(seconds=seconds)
        looked.append(watch.run_due())
    assert looked == [1, 0, 0, 1, 0, 0]


def test_the_children_of_a_report_hear_of_their_parent(town):
    parent, child = town.files("web-1"), town.files("web-2", "14 Elm Street")
    town.later()
    town.system.put(child, "duplicate", at=town.at, parent=parent)
    town.later()
    town.system.put(parent, "done", at=town.at, status_notes="Filled.")
    town.later()
    _, news = town.told("web-2")
    assert child in news and parent in news and "Filled." in news
    assert len(town.told("web-1")) == 1


@pytest.mark.parametrize(("service", "kind"), [("pothole", "update"), ("wire_down", "urgent")])
def test_news_of_an_emergency_waits_for_no_morning(town, service, kind):
    number = town.files("sms-1", service=service)
    with writing(town.engine) as session:
        correspondents.note(session, Heard("sms-1", "sms", "+16175550123", "twilio", "+16175550100"), town.at)
    town.later()
    town.system.put(number, "scheduled", at=town.at, service_code=service)
    town.later()
    with reading(town.engine) as session:
        assert session.scalars(select(OutgoingMessage.kind)).all() == [kind]


def test_a_phone_gets_a_message_through_the_queue(town):
    number = town.files("sms-1")
    with writing(town.engine) as session:
        heard = Heard("sms-1", "sms", "+16175550123", "twilio", "+16175550100")
        correspondents.note(session, heard, town.at)
    town.later()
    town.system.put(number, "scheduled", at=town.at)
    town.later()
    town.later()
    with reading(town.engine) as session:
        (message,) = session.scalars(select(OutgoingMessage)).all()
    assert (message.sender, message.kind) == ("sms-1", "update")
    assert number in message.content["messages"][0]["text"]
    template = message.content["template"]
    assert (template["name"], template["values"][0]) == ("status", number)
    assert "planned" in template["values"][1] and not set("\n\t*") & set(template["values"][1])


def test_somebody_elses_report_becomes_a_likely_duplicate_and_is_told_to_nobody(town):
    town.system.put("2026-77", "in_progress", address="40 Oak Street", lat=42.37, long=-71.1)
    town.later()
    (found,) = likely_duplicates(town.engine, PACK, Sought("pothole", "40 oak st."), town.at)
    assert (found.reference, found.state) == ("2026-77", "in_progress")
    with reading(town.engine) as session:
        assert session.scalars(select(Update)).all() == []


def test_closing_times_are_learned(town):
    for index in range(30):
        town.system.put(f"2026-{index}", "done", at=NOW + timedelta(hours=5), status_notes="Done.")
    town.later(600)
    assert usual(town.engine, "pothole", town.at).half == timedelta(hours=5)


def test_a_merged_report_is_told_under_its_parent_and_comes_back_when_it_is_parted(town):
    parent, child = town.files(), town.files("web-2", "14 Elm Street")
    town.later()
    town.system.put(child, "duplicate", at=town.at, parent=parent)
    town.later()
    town.system.put(child, "accepted", at=town.at)
    town.later()
    town.system.put(parent, "done", at=town.at, status_notes="Filled.")
    town.later()
    texts = town.told("web-2")
    assert len(texts) == 2 and "Someone else told us" in texts[0]
    assert "Filled." not in "".join(texts), "no more of the other's"
    assert "Filled." in town.told("web-1")[-1]


def test_reports_that_are_merged_in_a_circle_end(town):
    one, other = town.files(), town.files("web-2", "14 Elm Street")
    town.system.put(one, "duplicate", at=town.at, parent=other)
    town.system.put(other, "duplicate", at=town.at, parent=one)
    for _ in range(3):
        town.later()
    assert 1 <= len(town.told("web-1")) <= 2 and 1 <= len(town.told("web-2")) <= 2


def test_a_deleted_report_tells_nothing_and_nothing_is_lost(town):
    number = town.files()
    town.later()
    gone = town.system.requests.pop(number)
    look_soon(town.engine, [number], town.at)
    for _ in range(3):
        town.later()
    assert town.told() == []
    with reading(town.engine) as session:
        assert session.get(ServiceRequest, number) is not None
    town.system.requests[number] = gone
    town.system.put(number, "done", at=town.at, status_notes="Filled.")
    town.later()
    assert len(town.told()) == 1


def test_a_report_under_a_new_number_is_nobodys_news(town):
    number = town.files()
    town.later()
    town.system.requests.pop(number)
    town.system.put("X-99", "done", at=town.at, status_notes="Filled.")
    town.later()
    assert town.told() == [], "nobody knows whose that is"


def test_changes_in_any_order_end_where_the_newest_says(town):
    number = town.files()
    town.later()
    newest = town.at + timedelta(minutes=9)
    for minutes, state in ((9, "done"), (3, "accepted"), (6, "in_progress"), (9, "done")):
        town.system.put(number, state, at=town.at + timedelta(minutes=minutes), status_notes=None)
        town.watch.take_in(list(town.system.requests.values()))
    town.later(minutes=10)
    assert len(town.told()) == 1
    with reading(town.engine) as session:
        known = session.get_one(KnownReport, number)
        assert (known.state, known.updated_at) == ("done_unexplained", newest)


def test_a_system_that_lists_no_changes_is_asked_for_what_somebody_waits_for(town):
    town.system.lists_changes = False
    number = town.files()
    town.later()
    assert town.system.asked == [[number]]
    town.system.put(number, "done", at=town.at, status_notes="Filled.")
    town.later()
    town.later()
    assert len(town.told()) == 1
    assert town.system.asked[-1] == []  # what is closed is waited for no more


def test_a_hint_is_looked_at_and_not_believed(town):
    number = town.files()
    town.later()
    assert look_soon(town.engine, [number, "nothing-of-ours"], town.at) == 1
    assert look_soon(town.engine, [number], town.at) == 1  # the same hint again
    with reading(town.engine) as session:
        assert set(session.scalars(select(Job.name))) == {"look", f"look:{number}"}
    town.later(0)
    assert number in town.system.asked and town.told() == []
    with reading(town.engine) as session:
        assert session.scalars(select(Job.name)).all() == ["look"]


def test_an_erased_conversation_is_told_nothing(town):
    number = town.files()
    town.later()
    with writing(town.engine) as session:
        session.get_one(Conversation, "web-1").ended_at = town.at
    town.system.put(number, "accepted", at=town.at)
    town.later()
    assert town.told() == []


def test_a_job_is_done_by_one_and_freed_when_they_die(engine):
    with writing(engine) as session:
        plan(session, "look", NOW)
        held = hold(session, "look", NOW, 60)
        assert held is not None and hold(session, "look", NOW + timedelta(seconds=59), 60) is None
    with writing(engine) as session:
        other = hold(session, "look", NOW + timedelta(seconds=61), 60)
        assert other is not None
        assert not again(session, held, NOW, {})  # the first one lost it
        assert again(session, other, NOW + timedelta(hours=1), {"seen_to": "x"})
        assert hold(session, "look", NOW + timedelta(minutes=59), 60) is None
        assert hold(session, "look", NOW + timedelta(hours=1), 60).memory == {"seen_to": "x"}


def test_two_watches_at_once_tell_once(town):
    number = town.files()
    town.later()
    town.system.put(number, "accepted", at=town.at)
    for remote in (town.system.requests[number],) * 2:
        town.watch.take_in([remote])
    for _ in range(2):
        town.teller.tell_waiting()
    assert len(town.told()) == 1
    with reading(town.engine) as session:
        assert session.get(KnownReport, number).changes == 2
