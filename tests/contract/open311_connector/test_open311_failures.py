"""The Open311 connector where the server is slow, cut, moved or unclear: what is tried again, what is found again."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from georeport_double import KEY, Double

from city311.city.model import WorkOrders
from city311.connectors import transport
from city311.connectors.breaker import Breaker
from city311.connectors.model import Receipt, SystemRefused, SystemUnavailable, Unclear
from city311.connectors.open311 import Open311

BUDGET = 5.0


# -- what is tried again


def test_a_post_that_was_cut_is_unclear_and_not_repeated(server, connect, pothole):
    for switch in ("cut_before", "cut_after"):
        setattr(server.switches, switch, 1)
        with pytest.raises(Unclear):
            connect().create(pothole, budget_s=BUDGET)
    assert len(server.posts()) == 2
    assert len(server.rows) == 1


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_post_answered_with_5xx_is_unclear(server, connect, pothole, status):
    server.switches.fail_after, server.switches.fail_status = 1, status
    with pytest.raises(Unclear):
        connect().create(pothole, budget_s=BUDGET)
    assert len(server.posts()) == 1


def test_with_own_numbers_a_cut_post_is_simply_sent_again(server, connect, pothole):
    server.switches.own_numbers, server.switches.cut_after, server.switches.cut_before = True, 1, 1
    assert connect(own_numbers=True).create(pothole, budget_s=BUDGET).service_request_id == "SR-104217"
    assert len(server.posts()) == 3 and len(server.rows) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"<!DOCTYPE html><html><body>Welcome</body></html>",
        b"",
        b'[{"service_request_id": 29394',
        b"OK",
        b"<html>Thanks</html>",
        b'{"ok": true}',
    ],
)
def test_an_unreadable_receipt_is_unclear(server, connect, pothole, body):
    server.switches.post_raw = body
    with pytest.raises(Unclear):
        connect().create(pothole, budget_s=BUDGET)
    assert len(server.posts()) == 1


def test_a_post_that_takes_too_long_is_unclear_within_the_budget(server, connect, pothole):
    server.switches.answer_gate = threading.Event()
    began = time.monotonic()
    with pytest.raises(Unclear):
        connect().create(pothole, budget_s=0.5)
    assert time.monotonic() - began < 5
    assert len(server.rows) == 1


def test_a_server_that_is_not_there_is_unavailable(pothole):
    with Double() as gone:
        url = gone.url
    connector = Open311(WorkOrders(url=url, timeout_s=1.0), KEY)
    with pytest.raises(SystemUnavailable):
        connector.create(pothole, budget_s=1.0)
    with pytest.raises(SystemUnavailable):
        connector.status("1", budget_s=1.0)


def test_a_name_that_does_not_exist_is_unavailable(pothole):
    connector = Open311(WorkOrders(url="http://no-such-host.invalid/v2", timeout_s=1.0), KEY)
    with pytest.raises(SystemUnavailable):
        connector.create(pothole, budget_s=1.0)


def test_a_burst_of_5xx_is_read_through(server, connect):
    server.switches.fail, server.switches.fail_status = 2, 502
    assert len(connect().services()) == 2
    assert len(server.calls) == 3


def test_a_cut_get_is_read_again(server, connect):
    server.switches.cut_gets = 1
    assert len(connect().services()) == 2


def test_retries_are_bounded(server, connect):
    server.switches.fail = 1000
    with pytest.raises(SystemUnavailable):
        connect().services()
    assert len(server.calls) <= 4


def test_429_within_the_budget_is_waited_for_also_by_a_post(server, connect, pothole):
    server.switches.fail, server.switches.fail_status, server.switches.retry_after = 1, 429, "1"
    began = time.monotonic()
    assert connect().create(pothole, budget_s=10).service_request_id
    assert time.monotonic() - began >= 1
    assert len(server.posts()) == 2 and len(server.rows) == 1


def test_429_beyond_the_budget_is_told(server, connect, pothole):
    server.switches.fail, server.switches.fail_status, server.switches.retry_after = 1, 429, "120"
    began = time.monotonic()
    with pytest.raises(SystemUnavailable) as unavailable:
        connect().create(pothole, budget_s=3)
    assert unavailable.value.retry_after_s == 120
    assert time.monotonic() - began < 3 and len(server.posts()) == 1


def test_a_dripping_answer_does_not_hold_a_call_for_ever(server, connect):
    server.switches.drip = True
    began = time.monotonic()
    with pytest.raises(SystemUnavailable):
        connect().status("1", budget_s=1.0)
    assert time.monotonic() - began < 6


def test_a_huge_answer_is_not_read_to_its_end(server, connect, pothole):
    server.switches.huge = True
    with pytest.raises(SystemUnavailable, match="longer than"):
        connect().services()
    with pytest.raises(Unclear, match="longer than"):
        connect().create(pothole, budget_s=20)


def test_the_breaker_opens_and_one_trial_closes_it(server, connect):
    clock = [0.0]
    connector = connect(breaker=Breaker(failures=2, pause_s=30, clock=lambda: clock[0]))
    server.switches.fail = 2
    with pytest.raises(SystemUnavailable):
        connector.status("1", budget_s=BUDGET)
    asked = len(server.calls)
    assert asked == 2
    with pytest.raises(SystemUnavailable, match="left alone"):
        connector.status("1", budget_s=BUDGET)
    assert len(server.calls) == asked
    clock[0] = 31
    assert connector.status("1", budget_s=BUDGET) is None
    assert len(server.calls) > asked


# -- redirects


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_moved_path_on_the_same_host_is_followed(server, connect, pothole, status):
    server.switches.redirect_status, server.switches.redirect_to = status, "/open311/v2{rest}"
    connector = connect(url=f"{server.root}/old")
    assert connector.create(pothole, budget_s=BUDGET).service_request_id == "293944"
    found = connector.status("293944", budget_s=BUDGET)
    assert found and found.id == "293944"
    assert len(server.rows) == 1


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_the_key_does_not_follow_to_another_host(server, connect, pothole, status):
    with Double() as other:
        server.switches.redirect_status = status
        server.switches.redirect_to = f"http://127.0.0.1:{other.port}/open311/v2{{rest}}"
        with pytest.raises(SystemRefused, match="redirects to"):
            connect(url=f"{server.root}/old").create(pothole, budget_s=BUDGET)
        server.switches.redirect_to = f"http://localhost:{other.port}/open311/v2{{rest}}"
        with pytest.raises(SystemRefused, match="redirects to"):
            connect(url=f"{server.root}/old").services()
        assert other.calls == []


def test_see_other_after_a_post_is_unclear(server, connect, pothole):
    server.switches.redirect_status, server.switches.redirect_to = 303, "/open311/v2/requests/1.json"
    with pytest.raises(Unclear):
        connect(url=f"{server.root}/old").create(pothole, budget_s=BUDGET)


def test_a_redirect_in_a_circle_ends(server, connect):
    server.switches.redirect_status, server.switches.redirect_to = 302, "{path}"
    with pytest.raises(SystemRefused, match="circle"):
        connect(url=f"{server.root}/old").services()


def test_a_redirect_to_nonsense_ends(server, connect):
    server.switches.redirect_status, server.switches.redirect_to = 302, "http://[::1:99999/x"
    with pytest.raises(SystemRefused):
        connect(url=f"{server.root}/old").services()


@pytest.mark.parametrize(
    ("here", "there", "followed"),
    [
        ("http://city.example/v2/requests.json", "https://city.example/v2/requests.json", True),
        ("https://city.example/v2/requests.json", "http://city.example/v2/requests.json", False),
        ("https://city.example/a", "https://city.example:8443/a", False),
        ("https://city.example/a", "https://city.example:443/b", True),
        ("https://city.example/a", "https://city.example.evil.example/a", False),
        ("https://city.example/a", "ftp://city.example/a", False),
    ],
)
def test_which_places_are_the_same(here, there, followed):
    if followed:
        assert transport._same_place(here, there) == there
    else:
        with pytest.raises(transport.Elsewhere):
            transport._same_place(here, there)


# -- looking for what was sent


def _sent_but_unclear(server, connector, pothole):
    server.switches.cut_after = 1
    since = datetime.now(timezone.utc)
    with pytest.raises(Unclear):
        connector.create(pothole, budget_s=BUDGET)
    return since


@pytest.mark.parametrize("numeric", [True, False])
@pytest.mark.parametrize("escaped", [True, False])
@pytest.mark.parametrize("cut_to", [0, 40])
@pytest.mark.parametrize("ignore_filters", [True, False])
def test_it_is_found_again(server, connect, pothole, form, numeric, escaped, cut_to, ignore_filters):
    how = server.switches
    how.numeric_ids, how.escape_description, how.truncate_description = numeric, escaped, cut_to
    how.ignore_filters, how.text_coordinates = ignore_filters, not numeric
    server.add(service_code="pothole", description="Another hole", address=pothole.address, lat="42.37", long="-71.09")
    connector = connect(format=form)
    since = _sent_but_unclear(server, connector, pothole)
    found = connector.find(pothole, since)
    assert found is not None and found.service_request_id == "293945"


def test_it_is_found_on_a_later_page(server, connect, pothole):
    connector = connect()
    server.switches.ignore_paging = False
    for _ in range(120):
        server.add(service_code="pothole", description="Another")
    since = _sent_but_unclear(server, connector, pothole)
    found = connector.find(pothole, since)
    assert found is not None and found.service_request_id == str(293944 + 120)


def test_a_server_without_paging_is_asked_twice_at_most(server, connect, pothole):
    for _ in range(3):
        server.add(service_code="pothole", description="Another")
    assert connect().find(pothole, datetime.now(timezone.utc)) is None
    assert len(server.calls) <= 2


def test_a_server_that_minds_our_filters_is_asked_with_less(server, connect, pothole):
    server.switches.refuse_filters = True
    connector = connect()
    since = _sent_but_unclear(server, connector, pothole)
    found = connector.find(pothole, since)
    assert found is not None and found.service_request_id == "293944"


@pytest.mark.parametrize(
    "other",
    [
        {"description": "A hole\n\n(SR-104225)"},
        {"description": "A hole", "service_code": "other"},
        {"description": "Another hole"},
        {"description": "A"},
        {"description": ""},
        {"description": "A hole", "lat": "42.372", "long": "-71.0954321"},
        {"description": "A hole", "requested_datetime": datetime.now(timezone.utc) - timedelta(days=3)},
        {"description": "A hole in the street, wide", "status": "closed"},
    ],
)
def test_another_persons_request_is_not_taken_for_ours(server, connect, pothole, other):
    mine = replace(pothole, description="A hole in the street")
    server.add(
        **{"service_code": "pothole", "address": mine.address, "lat": "42.3712345", "long": "-71.0954321", **other}
    )
    server.switches.ignore_filters = True
    assert connect().find(mine, datetime.now(timezone.utc)) is None


def test_without_number_service_time_place_and_words_decide(server, connect, pothole):
    mine = replace(pothole, description="A hole in the street")
    server.add(service_code="pothole", description="a HOLE in the street.", lat="42.37128", long="-71.09543")
    found = connect().find(mine, datetime.now(timezone.utc))
    assert found is not None and found.service_request_id == "293944"
    assert connect().find(mine, datetime.now(timezone.utc), taken={"293944"}) is None


def test_with_own_numbers_the_number_decides(server, connect, pothole):
    server.switches.own_numbers = True
    connector = connect(own_numbers=True)
    assert connector.find(pothole, datetime.now(timezone.utc)) is None
    since = datetime.now(timezone.utc)
    connector.create(pothole, budget_s=BUDGET)
    assert connector.find(pothole, since) == Receipt("SR-104217")
