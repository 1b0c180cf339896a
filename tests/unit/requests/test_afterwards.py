"""What is said about a request after it was made: recorded once, passed on once, of those who may."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta, timezone

import pytest
from sqlalchemy import select

from city311.city import load_pack
from city311.connectors.model import Receipt, RemoteRequest, SystemRefused, SystemUnavailable, Unclear
from city311.requests import Became, Draft, Requests, Words, afterwards
from city311.requests.afterwards import kept, settle
from city311.requests.delivery import retry
from city311.requests.follow import affected, follow, followers
from city311.settings import HOUSE
from city311.store import correspondents
from city311.store.base import reading, writing
from city311.store.correspondents import Heard
from city311.store.follows import FROM_A_RECEIPT
from city311.store.ledger import Outbox

NOW = datetime(2026, 5, 1, 12, tzinfo=timezone.utc)
PACK = load_pack(HOUSE / "cities" / "riverbend")


class System:
    """A system of record that takes everything, until a test says otherwise."""

    own_numbers = takes_followups = obeys_followups = lists_changes = True

    def __init__(self):
        self.has = {}
        self.said = []
        self.trouble = []
        self.receipt = Receipt

    def create(self, submission, *, budget_s):
        self._meets_trouble()
        self.has[submission.number] = RemoteRequest(id=submission.number, status="open", state="received")
        return self.receipt(submission.number) if self.receipt is Receipt else self.receipt()

    def status(self, request_id, *, budget_s):
        return self.has.get(request_id)

    def follow_up(self, followup, *, budget_s):
        self._meets_trouble()
        self.said.append(followup)

    def find(self, submission, since, *, taken=(), budget_s=None):
        return None

    def resolve_token(self, token, *, budget_s=None):
        return None

    def _meets_trouble(self):
        if self.trouble:
            raise self.trouble.pop(0)


class Town:
    def __init__(self, engine):
        self.engine, self.system, self.at = engine, System(), NOW
        self.requests = Requests(PACK, engine, self.system, lambda: self.at)

    def files(self, reporter="web-1", **more):
        draft = Draft("pothole", address="12 Elm Street", reporter=reporter, **more)
        return self.requests.submit(draft, key=f"{reporter}:1", budget_s=10).number

    def adds(self, number, text="it grew", author="web-1"):
        return self.requests.add(number, Words(author, text), budget_s=10).became

    def takes_back(self, number, author="web-1"):
        return self.requests.withdraw(number, Words(author, "gone"), note=lambda stays, others: "note", budget_s=10)

    def later(self, hours=1):
        self.at += timedelta(hours=hours)
        return self.requests.deliver_waiting()

    def rows(self):
        with reading(self.engine) as session:
            return list(session.scalars(select(Outbox).where(Outbox.kind != "create").order_by(Outbox.id)))


@pytest.fixture
def town(engine):
    made = Town(engine)
    yield made
    made.requests.close()


def test_the_same_from_several_at_once_is_one(town):
    number = town.files()
    results = []
    barrier = threading.Barrier(4)

    def say():
        barrier.wait()
        results.append(town.adds(number))

    threads = [threading.Thread(target=say) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(town.rows()) == 1 and len(town.system.said) == 1
    assert len(results) == 4 and set(results) <= {Became.PASSED_ON, Became.WAITING}


def test_the_same_is_new_again_after_a_day(town):
    number = town.files()
    assert town.adds(number) is town.adds(number, " It  GREW ") is Became.PASSED_ON
    town.later(hours=25)
    town.adds(number)
    assert [one.text for one in town.system.said] == ["it grew", "it grew"]
    assert len({one.key for one in town.system.said}) == 2


def test_what_waits_for_its_request_comes_after_it(town):
    town.system.trouble = [SystemUnavailable("away")]
    number = town.files()
    assert town.adds(number) is Became.WAITING
    for _ in range(3):
        town.later()
    assert [one.request_id for one in town.system.said] == [number]


def test_what_the_system_gave_no_id_for_is_kept(town):
    town.system.receipt = Receipt
    town.system.receipt = lambda: Receipt(None)
    number = town.files()
    assert town.adds(number) is Became.KEPT
    assert [one.text for one in kept(town.engine)] == ["it grew"]


def test_what_belongs_to_a_refused_request_waits_with_it(town):
    town.system.trouble = [SystemRefused("no", status=400)]
    number = town.files()
    assert town.adds(number) is Became.KEPT
    assert retry(town.engine, number, town.at) is True
    for _ in range(3):
        town.later()
    assert number in town.system.has and [one.text for one in town.system.said] == ["it grew"]


def test_a_refusal_is_for_staff_and_can_be_settled(town):
    number = town.files()
    town.system.trouble = [SystemRefused("no", status=403)]
    assert town.adds(number) is Became.KEPT
    (one,) = kept(town.engine)
    assert one.last_error == "no"
    assert settle(town.engine, number, "maria") == 1 and settle(town.engine, number, "maria") == 0
    assert retry(town.engine, number, town.at) is False
    assert town.later() == 0 and town.system.said == []


def test_an_unclear_outcome_elsewhere_ends_with_staff(town):
    number = town.files()
    town.system.obeys_followups = False
    town.system.trouble = [Unclear("cut")] * 3
    assert town.adds(number) is Became.WAITING
    for _ in range(3):
        town.later()
    assert kept(town.engine)[0].last_error == "sent 3 times, outcome unclear"


def test_a_phone_is_one_person(town):
    number = town.files("sms-1", phone="+16175550100")
    other = Heard("whatsapp-9", "whatsapp", "+16175550100", "meta", "line")
    with writing(town.engine) as session:
        correspondents.note(session, other, NOW)
        correspondents.note(session, Heard("sms-7", "sms", "+16175550199", "twilio", "line"), NOW)
    assert town.adds(number, author="sms-7") is Became.NOT_THEIRS
    assert town.adds(number, author="whatsapp-9") is Became.PASSED_ON
    assert town.takes_back(number, "sms-7").became is Became.NOT_THEIRS
    assert town.takes_back(number, "whatsapp-9").became is Became.PASSED_ON
    assert [one.is_open for one in town.requests.of_reporter("whatsapp-9")] == [False]


@pytest.mark.parametrize("author", ["", "web-2", "web-1 ", "%"])
def test_nobody_else(town, author):
    number = town.files()
    assert town.adds(number, author=author) is Became.NOT_THEIRS
    assert town.takes_back(number, author).became is Became.NOT_THEIRS
    assert town.rows() == []


def test_what_nobody_made_is_nobodys(town):
    assert town.adds("SR-104215") is Became.NOT_THEIRS
    assert town.adds("' OR 1=1 --") is Became.NOT_THEIRS


def test_taking_back_twice_is_once(town):
    number = town.files()
    first, again = town.takes_back(number), town.takes_back(number)
    assert (first.became, first.again, again.again) == (Became.PASSED_ON, False, True)
    (said,) = town.system.said
    assert (said.status, said.text) == ("closed", "note\ngone")


def test_who_leaves_is_counted_no_more_and_may_follow_again(town):
    number = town.files()
    follow(town.engine, number, "web-2", "web", NOW)
    assert town.takes_back(number).others == 1
    assert town.system.said[0].status == ""
    assert affected(town.engine, [number]) == {number: 1}
    assert follow(town.engine, number, "web-1", "web", NOW) is True
    assert affected(town.engine, [number]) == {number: 2}
    assert town.adds(number) is Became.PASSED_ON


def test_what_is_taken_back_is_no_open_report_to_others_at_once(town):
    number = town.files()
    again = Draft("pothole", address="12 Elm Street", reporter="web-2")
    assert [(one.reference, one.state) for one in town.requests.likely_duplicates(again)] == [(number, "received")]
    town.takes_back(number)
    assert "received" not in [one.state for one in town.requests.likely_duplicates(again)]


def test_the_address_of_the_receipt_is_nobody_else(town):
    number = town.files()
    follow(town.engine, number, "email-1", FROM_A_RECEIPT, NOW)
    assert (town.takes_back(number).others, town.system.said[0].status) == (0, "closed")
    with reading(town.engine) as session:
        assert followers(session, number) == []


def test_words_that_no_system_could_hold(town):
    number = town.files()
    town.adds(number, "a\x00b \ud800 \u202e c")
    assert "\x00" not in town.system.said[0].text and "\ud800" not in town.system.said[0].text
    assert afterwards.withdrawn(town.engine, number, "web-1") is None
