"""Filing where the system of record is slow, down or cut, and where processes die: nothing lost, nothing doubled."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from datetime import datetime, timezone
from pathlib import Path

import pytest
from delivering import deliver_all, until
from harness.python import environment
from small_city import draft
from sqlalchemy import select

from city311.requests import Kind, Timing
from city311.store import ledger
from city311.store.base import reading, writing
from city311.store.ledger import Outbox, ServiceRequest

# -- slow, down, cut


def test_down_is_told_and_made_up_for(engine, server, capability, clock):
    requests = capability()
    server.switches.fail, server.switches.fail_status = 1000, 429
    filed = requests.submit(draft(), key="k", budget_s=2)
    assert (filed.passed_on, filed.refused, filed.service_notice) == (False, None, "")
    assert requests.status(filed.number).kind is Kind.WAITING
    (waiting,) = requests.undelivered()
    assert (waiting.number, waiting.refused) == (filed.number, False)
    server.switches.fail = 0
    deliver_all(requests, clock)
    assert len(server.rows) == 1 and requests.undelivered() == []
    assert requests.status(filed.number).kind is Kind.FOUND
    assert requests.submit(draft(), key="k").passed_on


def test_a_slow_system_does_not_hold_the_turn(server, capability):
    server.switches.before_gate = gate = threading.Event()
    requests = capability()
    began = time.monotonic()
    filed = requests.submit(draft(), key="k", budget_s=0.5)
    assert time.monotonic() - began < 5
    assert not filed.passed_on
    gate.set()


@pytest.mark.parametrize("own_numbers", [True, False])
@pytest.mark.parametrize("fault", ["cut_after", "cut_before", "fail_after", "unreadable"])
def test_an_unclear_outcome_ends_as_one_request(server, capability, clock, own_numbers, fault):
    how = server.switches
    how.own_numbers = own_numbers
    if fault == "unreadable":
        how.post_raw = b"<html>thank you</html>"
    else:
        setattr(how, fault, 1)
    requests = capability(own_numbers=own_numbers)
    filed = requests.submit(draft(), key="k", budget_s=2)
    how.post_raw = None
    clock.forward(400)
    deliver_all(requests, clock)
    assert len(server.rows) == 1
    found = requests.status(filed.number)
    assert (found.kind, found.state) == (Kind.FOUND, "passed_on")


def test_a_lost_answer_is_looked_for_only_after_a_while(server, capability, clock):
    """A server that is still writing must get the time to finish."""
    requests = capability(timing=Timing(settle_s=60))
    server.switches.cut_after = 1
    requests.submit(draft(), key="k", budget_s=2)
    clock.forward(50)
    requests.deliver_waiting()
    assert [call.method for call in server.calls] == ["POST"]
    clock.forward(30)
    requests.deliver_waiting()
    assert [call.method for call in server.calls] == ["POST", "GET"]
    assert requests.undelivered() == []


def test_two_alike_with_lost_answers_stay_two(server, capability, clock):
    """Cut off by a server that also drops the line with our number: neither may be taken for the other."""
    how = server.switches
    how.truncate_description, how.cut_after = 20, 2
    requests = capability()
    one = requests.submit(draft(), key="a", budget_s=2)
    two = requests.submit(draft(reporter="web:2"), key="b", budget_s=2)
    clock.forward(400)
    deliver_all(requests, clock)
    with reading(requests._engine) as session:
        ids = {session.get_one(ServiceRequest, filed.number).external_id for filed in (one, two)}
    assert len(server.rows) == 2 and ids == {row["service_request_id"] for row in server.rows}


def test_a_search_that_fails_sends_nothing(server, capability, clock):
    requests = capability()
    server.switches.cut_after = 1
    requests.submit(draft(), key="k", budget_s=2)
    server.switches.fail, server.switches.fail_methods = 1000, ("GET",)
    for _ in range(3):
        clock.forward(400)
        requests.deliver_waiting()
    assert len(server.posts()) == 1
    server.switches.fail = 0
    deliver_all(requests, clock)
    assert len(server.posts()) == 1 and requests.undelivered() == []


def test_what_stays_unclear_goes_to_staff_instead_of_multiplying(server, capability, clock):
    """A server that takes requests, answers nonsense and never lists them."""
    how = server.switches
    how.post_raw, how.hide_description = b"<html>thank you</html>", True
    requests = capability()
    filed = requests.submit(draft(), key="k", budget_s=2)
    deliver_all(requests, clock)
    assert len(server.posts()) == 3
    (left,) = requests.undelivered()
    assert left.number == filed.number and left.refused and "not found there" in left.last_error
    shown = requests.status(filed.number)
    assert (shown.kind, shown.refused) == (Kind.WAITING, True)


def test_a_server_that_may_not_be_searched_ends_with_staff(server, capability, clock):
    requests = capability()
    server.switches.cut_after = 1
    requests.submit(draft(), key="k", budget_s=2)
    how = server.switches
    how.fail, how.fail_status, how.fail_methods = 10_000, 403, ("GET",)
    deliver_all(requests, clock)
    (left,) = requests.undelivered()
    assert left.refused and "search refused" in left.last_error and left.attempts == 8
    assert len(server.posts()) == 1
    how.fail = 0
    assert requests.retry(left.number) and requests.deliver_waiting() == 1
    assert len(server.posts()) == 1 and len(server.rows) == 1


def test_a_turn_that_found_no_free_hand_leaves_it_to_the_worker(server, capability):
    requests = capability()
    gate = threading.Event()
    busy = [requests._calls.submit(gate.wait, 60) for _ in range(16)]
    filed = requests.submit(draft(), key="k", budget_s=0.3)
    assert not filed.passed_on and server.calls == []
    assert requests.deliver_waiting() == 1
    assert requests.submit(draft(), key="k").passed_on
    gate.set()
    assert all(one.result(10) for one in busy) and len(server.rows) == 1


def test_a_refusal_is_kept_for_staff_and_can_be_tried_again(server, capability, clock):
    requests = capability()
    server.switches.refuse = True
    filed = requests.submit(draft(), key="k")
    assert not filed.passed_on and filed.refused and "service_code was not provided" in filed.refused
    clock.forward(10_000)
    assert requests.deliver_waiting() == 0 and len(server.posts()) == 1
    shown = requests.status(filed.number)
    assert (shown.kind, shown.refused, shown.service_name) == (Kind.WAITING, True, "Pothole")
    (left,) = requests.undelivered()
    assert left.refused
    server.switches.refuse = False
    assert not requests.retry("SR-000000")
    assert requests.retry(filed.number)
    assert requests.deliver_waiting() == 1
    assert requests.submit(draft(), key="k").refused is None
    assert not requests.retry(filed.number)


def test_pauses_grow_and_stay_bounded(engine, server, capability, clock):
    server.switches.fail = 10_000
    requests = capability(timing=Timing(first_pause_s=2, longest_pause_s=100))
    requests.submit(draft(), key="k", budget_s=1)
    pauses = []
    for _ in range(7):
        with writing(engine) as session:
            row = session.scalars(select(Outbox)).one()
            assert row.state == ledger.WAITING
            pauses.append((row.not_before - clock()).total_seconds())
            row.not_before = clock()
        requests.deliver_waiting()
    assert max(pauses) <= 100 and max(pauses[3:]) > 4
    assert requests.undelivered()[0].attempts == 8


def test_retry_after_is_kept_by_the_outbox(engine, server, capability, clock):
    server.switches.fail, server.switches.fail_status, server.switches.retry_after = 1, 429, "3000"
    requests = capability()
    requests.submit(draft(), key="k", budget_s=1)
    clock.forward(2900)
    assert requests.deliver_waiting() == 0 and len(server.calls) == 1
    clock.forward(200)
    assert requests.deliver_waiting() == 1


def test_one_outage_does_not_cost_every_waiting_request_an_attempt(server, capability, clock):
    server.switches.fail, server.switches.fail_status = 10_000, 429
    requests = capability()
    for index in range(5):
        requests.submit(draft(), key=str(index), budget_s=0.5)
    clock.forward(400)
    before = len(server.calls)
    requests.deliver_waiting()
    assert len(server.calls) - before <= 3
    server.switches.fail = 0
    deliver_all(requests, clock)
    assert len(server.rows) == 5


# -- several workers, dying processes


def test_many_workers_send_each_request_once(engine, server, capability, clock):
    server.switches.fail, server.switches.fail_status = 10_000, 429
    first = capability()
    for index in range(8):
        first.submit(draft(), key=str(index), budget_s=0.05)
    server.switches.fail = 0
    clock.forward(400)
    workers = [capability().worker(poll_s=0.05) for _ in range(4)]
    for worker in workers:
        worker.start()
        worker.start()
    try:
        until(lambda: not first.undelivered())
    finally:
        for worker in workers:
            worker.stop()
    assert not any(worker._thread.is_alive() for worker in workers)
    assert len(server.rows) == 8


def test_a_worker_outlives_a_database_that_is_away(request, engine, server, capability, monkeypatch):
    requests = capability()
    worker = requests.worker(poll_s=0.02)
    rounds = []

    def broken(self, limit=100):
        rounds.append(1)
        raise RuntimeError("the database is away")

    request.addfinalizer(worker.stop)
    with monkeypatch.context() as patched:
        patched.setattr("city311.requests.delivery.Delivery.deliver_waiting", broken)
        worker.start()
        until(lambda: len(rounds) >= 2)
    server.switches.fail, server.switches.fail_status = 3, 429
    requests.submit(draft(), key="k", budget_s=0.5)
    with writing(engine) as session:
        session.scalars(select(Outbox)).one().not_before = datetime.now(timezone.utc)
    server.switches.fail = 0
    worker.wake()
    until(lambda: not requests.undelivered())


CHILD = """
import json, sys
from georeport_double import KEY
from harness.python import environment
from small_city import draft, small_city
from city311.city.model import WorkOrders
from city311.connectors.open311 import Open311
from city311.requests import Requests
from city311.store.base import open_engine
url, database, own = json.loads(sys.argv[1])
connector = Open311(WorkOrders(url=url, own_numbers=own, timeout_s=2), KEY)
requests = Requests(small_city(), open_engine(database), connector)
requests.submit(draft(), key="k", budget_s=60)
"""


def killed_child(server, database_url, own_numbers, moment):
    """A process that files a request and is killed at that moment."""
    arguments = json.dumps([server.url, database_url, own_numbers])
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, arguments], env=environment(Path(__file__).parent), stderr=subprocess.PIPE
    )
    try:
        until(lambda: moment.is_set() or child.poll() is not None)
        assert child.poll() is None, child.stderr.read().decode()
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stderr.close()


@pytest.mark.faults
@pytest.mark.parametrize("own_numbers", [True, False])
@pytest.mark.parametrize("dies", ["before the write", "before the answer"])
def test_killed_while_sending(engine, database_url, server, capability, clock, own_numbers, dies):
    how = server.switches
    how.own_numbers = own_numbers
    gate = threading.Event()
    if dies == "before the write":
        how.before_gate, moment = gate, server.arrived
    else:
        how.answer_gate, moment = gate, server.stored
    killed_child(server, database_url, own_numbers, moment)
    gate.set()
    until(server.stored.is_set)  # the server finishes what it was sent
    requests = capability(own_numbers=own_numbers)
    (left,) = requests.undelivered()
    assert requests.deliver_waiting() == 0  # somebody may still be at it
    assert not requests.submit(draft(), key="k", budget_s=0.3).passed_on
    assert len(server.posts()) == 1
    clock.forward(90)
    deliver_all(requests, clock)
    assert len(server.rows) == 1
    again = requests.submit(draft(), key="k")
    assert again.passed_on and again.number == left.number
    assert requests.status(left.number).kind is Kind.FOUND
