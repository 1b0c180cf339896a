"""Filing, passing on and following requests against a real HTTP server, on SQLite and on PostgreSQL."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone

import pytest
from delivering import count, deliver_all
from georeport_double import KEY
from small_city import draft
from sqlalchemy import select

from city311.requests import Kind, UnknownService, parse
from city311.store import ledger
from city311.store.base import reading
from city311.store.ledger import Outbox, ServiceRequest

# -- filing


def test_filed_and_passed_on(engine, server, capability):
    requests = capability()
    filed = requests.submit(draft(), key="web:1/a")
    assert parse(filed.number) == filed.number
    assert (filed.passed_on, filed.refused) == (True, None)
    assert filed.department.name == "Public Works" and filed.service.code == "pothole"
    assert filed.due is not None and filed.due > datetime.now(timezone.utc)
    assert filed.service_notice == "A crew will look soon"
    (row,) = server.rows
    assert row["description"].splitlines() == [
        "A deep hole in front of my house",
        "Where on the street: Traffic lane",
        "",
        f"({filed.number})",
    ]
    assert row["form"]["attribute[where]"] == ["lane"]
    assert requests.undelivered() == []


def test_own_numbers_are_the_remote_ids(server, capability):
    server.switches.own_numbers = True
    filed = capability(own_numbers=True).submit(draft(), key="web:1/a")
    assert [row["service_request_id"] for row in server.rows] == [filed.number]
    assert server.rows[0]["description"] == "A deep hole in front of my house"


def test_a_repeated_key_makes_nothing(engine, server, capability):
    requests = capability()
    first = requests.submit(draft(), key="web:1/a")
    assert requests.submit(draft(description="Other words"), key="web:1/a") == first
    assert capability().submit(draft(), key="web:1/a") == first
    assert len(server.rows) == 1 and count(engine, ServiceRequest) == 1
    assert requests.submit(draft(), key="web:1/b").number != first.number


def test_twenty_threads_with_one_key(engine, server, capability):
    requests = [capability(), capability()]
    start = threading.Barrier(20)

    def one(index):
        start.wait(60)
        return requests[index % 2].submit(draft(), key="web:1/a", budget_s=15)

    with ThreadPoolExecutor(20) as threads:
        filed = list(threads.map(one, range(20)))
    assert len({one.number for one in filed}) == 1
    assert all(one.passed_on for one in filed)
    assert count(engine, ServiceRequest) == count(engine, Outbox) == 1
    assert len(server.posts()) == len(server.rows) == 1


def test_twenty_residents_at_once(engine, server, capability):
    requests = capability()
    with ThreadPoolExecutor(20) as threads:
        filed = list(threads.map(lambda index: requests.submit(draft(), key=f"web:{index}/a", budget_s=15), range(20)))
    assert len({one.number for one in filed}) == 20
    assert all(one.passed_on for one in filed)
    assert len(server.rows) == 20


def test_a_key_of_any_length(server, capability):
    requests = capability()
    first = requests.submit(draft(), key="k" * 5000)
    assert requests.submit(draft(), key="k" * 5000) == first
    assert requests.submit(draft(), key="k" * 5001).number != first.number


@pytest.mark.parametrize(
    ("changes", "key", "error"),
    [
        ({"service_code": "nonsense"}, "k", UnknownService),
        ({}, "  ", ValueError),
        ({"lat": 91.0}, "k", ValueError),
        ({"long": float("nan")}, "k", ValueError),
        ({"lat": None}, "k", ValueError),
    ],
)
def test_what_cannot_be_filed_leaves_nothing(engine, server, capability, changes, key, error):
    with pytest.raises(error):
        capability().submit(draft(**changes), key=key)
    assert count(engine, ServiceRequest) == 0 and server.calls == []


def test_harmful_characters_are_dropped_and_all_others_arrive(server, capability):
    words = "Nul\x00 \u202egnissim\u202c 👩‍👩‍👧 می‌خواهم ' OR 1=1;-- <script>alert(1)</script> \ud800"
    filed = capability().submit(draft(description=words, first_name="\x07Ana"), key="k")
    assert filed.passed_on
    assert (
        server.rows[0]["description"].splitlines()[0]
        == ("Nul gnissim 👩‍👩‍👧 می‌خواهم ' OR 1=1;-- <script>alert(1)</script> ").rstrip()
    )
    assert server.rows[0]["form"]["first_name"] == ["Ana"]


# -- tokens and blackboxes


def test_a_token_is_followed_up_to_its_id(engine, server, capability, clock):
    server.switches.flow = "token"
    requests = capability()
    filed = requests.submit(draft(), key="k")
    assert filed.passed_on
    shown = requests.status(filed.number)
    assert (shown.kind, shown.state) == (Kind.FOUND, "passed_on")
    requests.deliver_waiting()
    server.switches.token_ready = True
    clock.forward(4000)
    assert requests.deliver_waiting() == 1
    with reading(engine) as session:
        assert session.get_one(ServiceRequest, filed.number).external_id == "293944"
    assert requests.status(filed.number).state == "passed_on"
    assert requests.status("293944").number == filed.number


def test_a_question_learns_the_id_itself(engine, server, capability):
    server.switches.flow, server.switches.token_ready = "token", True
    requests = capability()
    filed = requests.submit(draft(), key="k")
    assert requests.status(filed.number).state == "passed_on"
    assert requests.deliver_waiting() == 1
    assert not any("tokens" in call.path for call in server.calls[3:])


def test_a_token_without_end_is_given_up(engine, server, capability, clock):
    server.switches.flow = "token"
    requests = capability()
    requests.submit(draft(), key="k")
    clock.forward(91 * 86_400)
    requests.deliver_waiting()
    with reading(engine) as session:
        row = session.scalars(select(Outbox).where(Outbox.kind == ledger.RESOLVE)).one()
    assert row.state == ledger.FAILED


def test_a_blackbox_keeps_our_number_working(server, capability):
    server.switches.flow = "blackbox"
    requests = capability()
    filed = requests.submit(draft(), key="k")
    shown = requests.status(filed.number)
    assert filed.passed_on and (shown.kind, shown.state) == (Kind.FOUND, "passed_on")
    assert len(server.posts()) == 1


# -- following


def test_status_asks_the_system_of_record_now(server, capability):
    requests = capability()
    filed = requests.submit(draft(), key="k")
    assert requests.status(filed.number).state == "passed_on"
    server.rows[0] |= {"status": "closed", "status_notes": "Filled on Friday."}
    shown = requests.status(f" {filed.number[3:6]} {filed.number[6:]} ")
    assert (shown.kind, shown.number, shown.state, shown.notes) == (
        Kind.FOUND,
        filed.number,
        "done_unexplained",
        "Filled on Friday.",
    )
    assert shown.department and shown.department.name == "Public Works"
    assert shown.due == filed.due and shown.service_name == "Pothole"
    assert requests.status(f"what is happening with {filed.number.lower()}?").state == "done_unexplained"


def test_status_shows_nothing_of_the_reporter(server, capability):
    requests = capability()
    filed = requests.submit(draft(), key="k")
    server.rows[0]["status_notes"] = "Called Ana at 617-555-0100, wrote to ana@example.org. Crew comes Monday."
    shown = repr(requests.status(filed.number))
    assert "Crew comes Monday" in shown
    for secret in ("Ana", "617-555", "example.org", "deep hole", "Hampshire"):
        assert secret not in shown
    server.rows[0]["status_notes"] = "Resident says: &quot;a DEEP hole in front of my house&quot;"
    assert requests.status(filed.number).notes is None


def test_status_of_numbers_that_are_none(server, capability):
    requests = capability()
    filed = requests.submit(draft(), key="k")
    wrong = filed.number[:-1] + str((int(filed.number[-1]) + 1) % 10)
    assert requests.status(wrong).kind is Kind.MISTYPED
    assert requests.status(wrong[3:]).kind is Kind.MISTYPED
    assert requests.status("SR-999995").kind in (Kind.UNKNOWN, Kind.MISTYPED)
    for text in ("", "hello", "😀", "x" * 5000, "a" * 70, "../../etc/passwd", "' OR 1=1 --", "\x00"):
        assert requests.status(text).kind is Kind.UNKNOWN


def test_own_numbers_ask_for_numbers_that_the_desk_gave(server, capability):
    server.switches.own_numbers = True
    requests = capability(own_numbers=True)
    filed = requests.submit(draft(), key="k")
    number = next(f"SR-{n}" for n in range(200000, 200020) if parse(f"SR-{n}"))
    assert requests.status(number).kind is Kind.UNKNOWN
    server.add(service_request_id=number, service_code="noise", status="closed")
    shown = requests.status(number)
    assert (shown.kind, shown.number, shown.state, shown.service_name) == (
        Kind.FOUND,
        number,
        "done_unexplained",
        "Noise",
    )
    asked = len(server.calls)
    wrong = filed.number[:-1] + str((int(filed.number[-1]) + 1) % 10)
    assert requests.status(wrong).kind is Kind.MISTYPED
    assert len(server.calls) == asked


def test_a_foreign_id_is_asked_there(server, capability):
    server.add(service_name="Graffiti", agency_responsible="Parks", service_code="x", status_notes="Soon")
    server.add(service_request_id="SR19-01234567", status="closed")
    requests = capability()
    shown = requests.status("#293944")
    assert (shown.kind, shown.number, shown.state, shown.service_name) == (
        Kind.FOUND,
        "293944",
        "passed_on",
        "Graffiti",
    )
    assert shown.department and shown.department.name == "Parks"
    assert requests.status("SR19-01234567").state == "done_unexplained"
    assert requests.status("293999").kind in (Kind.UNKNOWN, Kind.MISTYPED)


def test_status_when_the_system_is_away(server, capability):
    requests = capability()
    filed = requests.submit(draft(), key="k")
    server.switches.fail = 10_000
    shown = requests.status(filed.number, budget_s=1)
    assert shown.kind is Kind.UNAVAILABLE and shown.number == filed.number
    assert shown.requested_at and shown.passed_on_at and shown.due == filed.due and shown.state is None
    assert requests.status("293944x", budget_s=1).kind is Kind.UNAVAILABLE


def test_status_in_time_whatever_the_system_does(server, capability):
    requests = capability()
    filed = requests.submit(draft(), key="k")
    server.switches.get_delay_s = 3
    began = time.monotonic()
    assert requests.status(filed.number, budget_s=0.5).kind is Kind.UNAVAILABLE
    assert time.monotonic() - began < 2.9


def test_what_it_took_is_never_unknown(server, capability):
    requests = capability()
    filed = requests.submit(draft(), key="k")
    server.rows.clear()
    assert requests.status(filed.number).kind is Kind.NOT_SHOWN


# -- everything I reported


def test_of_reporter(server, capability, clock):
    requests = capability()
    one = requests.submit(draft(), key="a")
    requests.submit(draft(reporter="web:2"), key="b")
    clock.forward(60)
    server.switches.fail, server.switches.fail_status = 1000, 429
    two = requests.submit(draft(service_code="noise"), key="c", budget_s=0.2)
    shown = requests.of_reporter("web:1")
    assert [(line.number, line.service_name, line.passed_on) for line in shown] == [
        (two.number, "Noise", False),
        (one.number, "Pothole", True),
    ]
    requests.submit(draft(reporter=""), key="d", budget_s=0.2)
    assert requests.of_reporter("") == [] and requests.of_reporter("web:3") == []


def test_no_words_of_residents_in_the_log(server, capability, capsys, caplog, clock):
    requests = capability()
    server.switches.cut_after, server.switches.fail = 1, 0
    requests.submit(draft(), key="k", budget_s=2)
    deliver_all(requests, clock)
    server.switches.refuse = True
    requests.submit(draft(), key="l")
    shown = caplog.text + "".join(capsys.readouterr())
    assert "requests.passed_on" in shown and "requests.not_taken" in shown
    for secret in ("Ana", "deep hole", "Hampshire", "6175550100", "example.org", KEY):
        assert secret not in shown
