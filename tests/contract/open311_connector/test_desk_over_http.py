"""Connector and capability against the embedded desk itself, over a real socket, in JSON and in XML."""

from __future__ import annotations

from datetime import timedelta

import pytest
from fastapi import FastAPI
from harness.app import Served, listener
from small_city import draft, small_city
from sqlalchemy import select

from city311.city.model import WorkOrders
from city311.connectors.model import SystemRefused
from city311.connectors.open311 import Open311
from city311.portal.open311 import open311_router
from city311.requests import Kind, Requests, desk
from city311.requests.submit import submission
from city311.requests.updates import Rhythm
from city311.store import keys
from city311.store.base import now, reading
from city311.store.ledger import ServiceRequest
from city311.store.turns import Incoming, Pace, Turn, Turns


@pytest.fixture
def desk_url(engine):
    at = listener()
    app = FastAPI()
    url = f"http://127.0.0.1:{at.getsockname()[1]}"
    app.include_router(open311_router(small_city(), engine, url), prefix="/open311/v2")
    with Served(app, at) as served:
        yield f"{served.url}/open311/v2"


def connected(engine, url, form="json", own_numbers=True):
    key = keys.create_key(engine, "actions", own_numbers=own_numbers)
    config = WorkOrders(url=url, format=form, own_numbers=own_numbers, extensions=True, timeout_s=10)
    return Open311(config, key)


@pytest.mark.parametrize("form", ["json", "xml"])
@pytest.mark.parametrize("own_numbers", [True, False])
def test_from_filing_to_done(engine, desk_url, form, own_numbers):
    requests = Requests(small_city(), engine, connected(engine, desk_url, form, own_numbers))
    filed = requests.submit(draft(), key="web:1/a", budget_s=20)
    assert filed.passed_on and filed.refused is None and filed.service_notice
    assert requests.submit(draft(), key="web:1/a", budget_s=20) == filed
    (row,) = desk.search(engine, desk.Filter(), limit=5)
    assert (row.number == filed.number) is own_numbers
    assert row.first_name == "Ana" and row.attributes == {"where": "lane"}
    shown = requests.status(filed.number, budget_s=20)
    assert (shown.kind, shown.state, shown.notes) == (Kind.FOUND, "received", None)
    desk.update(engine, row.number, state="scheduled", note="Ana, a crew comes on Monday.", by="crew")
    shown = requests.status(filed.number, budget_s=20)
    assert shown.state == "scheduled" and "a crew comes on Monday." in shown.notes and "Ana" not in shown.notes
    desk.update(engine, row.number, state="done", by="crew")
    shown = requests.status(filed.number, budget_s=20)
    assert (shown.state, shown.notes) == ("done_unexplained", None) and shown.updated_at
    desk.update(engine, row.number, evidence="https://photos.example.org/after.jpg", by="crew")
    shown = requests.status(filed.number, budget_s=20)
    assert (shown.state, shown.evidence) == ("done", "https://photos.example.org/after.jpg") and shown.since
    requests.close()


@pytest.mark.parametrize("own_numbers", [True, False])
def test_the_search_finds_what_the_desk_has(engine, desk_url, own_numbers):
    connector = connected(engine, desk_url, own_numbers=own_numbers)
    requests = Requests(small_city(), engine, connector)
    words = "Wires &amp; <b>sparks</b>, call 617-555-0123 or ana@example.org\nplease"
    filed = requests.submit(draft(description=words), key="k", budget_s=20)
    with reading(engine) as session:
        row = session.get_one(ServiceRequest, filed.number)
    found = connector.find(submission(row, small_city(), own_numbers), row.created_at, budget_s=20)
    assert found is not None and found.service_request_id == row.external_id
    requests.close()


@pytest.mark.parametrize("form", ["json", "xml"])
def test_services_and_discovery(engine, desk_url, form):
    connector = connected(engine, desk_url, form)
    assert {service.service_code for service in connector.services()} == {"pothole", "noise"}
    (where,) = connector.service_definition("pothole").attributes
    assert where.required and where.values == (("lane", "Traffic lane"), ("bike", "Bike lane"))


def test_a_wrong_key_is_refused(engine, desk_url):
    connector = Open311(WorkOrders(url=desk_url, own_numbers=True, timeout_s=10), "wrong")
    requests = Requests(small_city(), engine, connector)
    filed = requests.submit(draft(), key="k", budget_s=20)
    assert not filed.passed_on and filed.refused and "403" in filed.refused
    with pytest.raises(SystemRefused):
        connector.service_definition("nonsense")
    requests.close()


@pytest.mark.parametrize("form", ["json", "xml"])
@pytest.mark.parametrize("lists_changes", [True, False])
def test_what_the_crew_does_reaches_the_reporter_once(engine, desk_url, form, lists_changes):
    key = keys.create_key(engine, "actions", own_numbers=True)
    config = WorkOrders(url=desk_url, format=form, own_numbers=True, extensions=True, lists_changes=lists_changes)
    requests = Requests(small_city(), engine, Open311(config, key))
    hello = Incoming("web:1", "hello", "web", "en", "hello")
    Turns(engine, lease=timedelta(seconds=60)).accept(hello, Pace(), now())
    filed = requests.submit(draft(reporter="web:1"), key="web:1/a", budget_s=20)
    watch, teller = requests.watch(Rhythm(every_s=0)), requests.teller()
    assert watch.run_due() == 1 and teller.tell_waiting() == 0
    desk.update(engine, filed.number, state="done", note="Filled.", by="crew")
    told = []
    for _ in range(3):
        watch.run_due()
        told.append(teller.tell_waiting())
    assert told == [1, 0, 0]
    with reading(engine) as session:
        news = session.scalars(select(Turn).where(Turn.client_id != "hello")).one()
    assert "Filled." in str(news.messages)
    requests.close()
