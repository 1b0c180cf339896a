"""The connector against a server that differs from the standard in every way known to us."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime, timezone

import pytest
import requests
from georeport_double import GEOREPORT, KEY

from city311.city.model import WorkOrders
from city311.connectors.model import Receipt, SystemRefused, SystemUnavailable
from city311.connectors.open311 import Open311

BUDGET = 5.0


# -- reading


def test_services(server, connect, form):
    first, second = connect(format=form).services()
    assert first.service_code == "pothole" and first.metadata and first.keywords == ("hole", "street")
    assert second.service_code == "7" and not second.metadata and second.type == "batch"


def test_service_definition(server, connect, form):
    definition = connect(format=form).service_definition("pothole")
    hint, where = definition.attributes
    assert not hint.variable and where.required and where.datatype == "singlevaluelist"
    assert where.values == (("1", "Bike lane"), ("lane", "Traffic lane"))


def test_unknown_service_is_refused(server, connect, form):
    with pytest.raises(SystemRefused) as refused:
        connect(format=form).service_definition("no such/service")
    assert (refused.value.status, refused.value.code) == (404, "404")
    assert server.calls[0].path == f"/open311/v2/services/no%20such%2Fservice.{form}"


# -- writing


def test_what_is_sent(server, connect, pothole, form):
    receipt = connect(format=form, jurisdiction_id="riverbend.example").create(pothole, budget_s=BUDGET)
    assert receipt == Receipt("293944", None, "A crew will look <b>soon</b>")
    (post,) = server.posts()
    assert post.headers["Content-Type"] == "application/x-www-form-urlencoded; charset=utf-8"
    assert post.query == {}
    assert post.form == {
        "api_key": [KEY],
        "jurisdiction_id": ["riverbend.example"],
        "service_code": ["pothole"],
        "lat": ["42.3712345"],
        "long": ["-71.0954321"],
        "address_string": ["1234 Hampshire Street"],
        "description": [f"{pothole.description}\n\n(SR-104217)"],
        "first_name": ["Ana"],
        "phone": ["+1 617 555 0100"],
        "email": ["ana@example.org"],
        "media_url": ["https://example.org/a.jpg"],
        "attribute[where]": ["lane"],
        "attribute[size][]": ["small", "deep"],
    }


def test_a_server_with_own_numbers_gets_the_number_and_the_bare_description(server, connect, pothole):
    server.switches.own_numbers = True
    connector = connect(own_numbers=True)
    for _ in range(2):
        assert connector.create(pothole, budget_s=BUDGET).service_request_id == "SR-104217"
    assert len(server.rows) == 1
    assert server.rows[0]["description"] == pothole.description


def test_a_long_description_keeps_the_number_within_the_standards_length(server, connect, pothole):
    connect().create(replace(pothole, description="x" * 5000), budget_s=BUDGET)
    sent = server.posts()[0].form["description"][0]
    assert len(sent) <= 4000 and sent.endswith("xxx\n\n(SR-104217)")


@pytest.mark.parametrize("numeric", [True, False])
@pytest.mark.parametrize("single", [True, False])
@pytest.mark.parametrize("bom", [True, False])
def test_receipts_in_every_form(server, connect, pothole, form, numeric, single, bom):
    server.switches.numeric_ids, server.switches.single_object, server.switches.bom = numeric, single, bom
    server.switches.content_type = "text/html"
    assert connect(format=form).create(pothole, budget_s=BUDGET).service_request_id == "293944"


def test_blackbox_gives_neither_id_nor_token(server, connect, pothole, form):
    server.switches.flow = "blackbox"
    receipt = connect(format=form).create(pothole, budget_s=BUDGET)
    assert (receipt.service_request_id, receipt.token) == (None, None)


def test_a_token_becomes_an_id_later(server, connect, pothole, form):
    server.switches.flow = "token"
    connector = connect(format=form)
    receipt = connector.create(pothole, budget_s=BUDGET)
    assert (receipt.service_request_id, receipt.token) == (None, "token-293944")
    assert connector.resolve_token("token-293944") is None
    server.switches.token_ready = True
    assert connector.resolve_token("token-293944") == "293944"
    assert connector.resolve_token("no such token") is None


@pytest.mark.parametrize("shape", ["array", "object", "string", "text", "html"])
@pytest.mark.parametrize("content_type", ["", "application/octet-stream"])
def test_refusals_in_every_shape(server, connect, pothole, form, shape, content_type):
    server.switches.refuse, server.switches.error_shape = True, shape
    server.switches.content_type = content_type
    with pytest.raises(SystemRefused) as refused:
        connect(format=form).create(pothole, budget_s=BUDGET)
    assert refused.value.status == 400
    assert refused.value.description == "service_code was not provided"
    assert len(server.posts()) == 1


@pytest.mark.parametrize("shape", ["array", "object", "string"])
def test_an_error_inside_a_success_is_a_refusal(server, connect, pothole, form, shape):
    server.switches.refuse, server.switches.errors_with_200, server.switches.error_shape = True, True, shape
    with pytest.raises(SystemRefused):
        connect(format=form).create(pothole, budget_s=BUDGET)


def test_a_wrong_key_is_refused_and_shown_nowhere(server, connect, pothole, caplog, capsys):
    caplog.set_level(logging.DEBUG)
    with pytest.raises(SystemRefused) as refused:
        connect(key="a-secret-key").create(pothole, budget_s=BUDGET)
    assert refused.value.status == 403
    shown = caplog.text + "".join(capsys.readouterr()) + repr(refused.value)
    assert "a-secret-key" not in shown and "deep hole" not in shown


def test_the_key_is_in_no_url_and_in_no_get(server, connect, pothole):
    connector = connect(jurisdiction_id="x", extensions=True)
    connector.services()
    connector.create(pothole, budget_s=BUDGET)
    connector.status("293944", budget_s=BUDGET)
    connector.find(pothole, datetime.now(timezone.utc))
    for call in server.calls:
        assert KEY not in str(call.query) + call.path + str(call.headers)
        assert call.method == "POST" or (call.form == {} and call.query["jurisdiction_id"] == ["x"])


# -- discovery


@pytest.mark.parametrize("ending", ["", "/", "/discovery.json", "/discovery.xml"])
def test_discovery_prefers_production_and_json(server, connect, pothole, ending):
    connector = connect(url="", discovery_url=f"{server.root}/open311{ending}")
    connector.create(pothole, budget_s=BUDGET)
    connector.status("293944", budget_s=BUDGET)
    assert [call.path for call in server.calls if "discovery" not in call.path] == [
        "/open311/v2/requests.json",
        "/open311/v2/requests/293944.json",
    ]
    assert sum("discovery" in call.path for call in server.calls) == 1


def test_discovery_of_a_server_with_xml_only(server, connect):
    server.switches.formats = ("xml",)
    server.switches.endpoints = [
        {"specification": GEOREPORT, "url": server.url, "type": "production", "formats": ["text/xml"]}
    ]
    assert len(connect(url="", discovery_url=f"{server.root}/open311").services()) == 2
    assert [call.path for call in server.calls] == [
        "/open311/discovery.json",
        "/open311/discovery.xml",
        "/open311/v2/services.xml",
    ]


def test_discovery_without_a_type_takes_the_first(server, connect):
    server.switches.endpoints = [{"specification": GEOREPORT, "url": server.url}, {"specification": GEOREPORT}]
    assert len(connect(url="", discovery_url=f"{server.root}/open311").services()) == 2


@pytest.mark.parametrize("endpoints", [[], [{"specification": "http://example.org/other", "url": "http://x.example"}]])
def test_discovery_without_georeport(server, connect, pothole, endpoints):
    server.switches.endpoints = endpoints
    with pytest.raises(SystemUnavailable, match="GeoReport"):
        connect(url="", discovery_url=f"{server.root}/open311/discovery.json").create(pothole, budget_s=2)
    assert server.posts() == []


def test_a_found_endpoint_outlives_a_discovery_that_is_away(server, connect, monkeypatch):
    connector = connect(url="", discovery_url=f"{server.root}/open311/discovery.json")
    connector.services()
    monkeypatch.setattr("city311.connectors.open311._DISCOVERY_HOLDS_S", -1)
    server.switches.endpoints = []
    assert len(connector.services()) == 2


@pytest.mark.parametrize("changes", [{"url": ""}, {"url": "ftp://x"}, {"url": "/open311"}, {"format": "yaml"}])
def test_a_config_that_cannot_work_says_so(connect, changes):
    with pytest.raises(ValueError, match="workorders"):
        connect(**changes)


# -- status


@pytest.mark.parametrize("dates", ["iso", "no_zone", "rfc2822", "slashed", "spaced", "epoch"])
@pytest.mark.parametrize("empty_as", ["empty", "null", "absent"])
def test_status_whatever_dates_and_blanks_look_like(server, connect, form, dates, empty_as):
    moment = datetime(2026, 11, 20, 3, 4, 5, tzinfo=timezone.utc)
    row = server.add(requested_datetime=moment, updated_datetime=moment, status_notes="Crew & truck <sent>")
    how = server.switches
    how.dates, how.empty_as, how.extra_fields, how.numeric_ids = dates, empty_as, True, True
    found = connect(format=form).status(row["service_request_id"], budget_s=BUDGET)
    assert found is not None
    assert (found.id, found.status, found.status_notes) == ("293944", "open", "Crew & truck <sent>")
    assert found.requested_at == found.updated_at == moment
    assert found.expected_at is None and found.service_name is None and found.agency is None


def test_a_date_that_can_be_read_two_ways_is_none(server, connect):
    row = server.add()
    server.switches.dates = "nonsense"
    found = connect().status(row["service_request_id"], budget_s=BUDGET)
    assert found is not None and found.requested_at is None


@pytest.mark.parametrize(
    ("words", "status"), [("OPEN", "open"), ("Closed", "closed"), ("no further action", "closed"), ("odd", "open")]
)
def test_status_words(server, connect, form, words, status):
    row = server.add()
    server.switches.status_words = words
    found = connect(format=form).status(row["service_request_id"], budget_s=BUDGET)
    assert found is not None and found.status == status


def test_states_of_the_extension(server, connect, form):
    row = server.add(extended_attributes={"state": "in_progress", "state_since": "2026-11-20T03:04:05Z"})
    found = connect(format=form, extensions=True).status(row["service_request_id"], budget_s=BUDGET)
    assert found is not None and found.state == "in_progress"
    assert server.calls[0].query["extensions"] == ["true"]


@pytest.mark.parametrize("shape", ["array", "html"])
def test_an_unknown_request_is_none(server, connect, form, shape):
    server.add()
    server.switches.error_shape = shape
    assert connect(format=form).status("nobody/knows ../it?", budget_s=BUDGET) is None


@pytest.mark.parametrize("ignore_filters", [True, False])
@pytest.mark.parametrize("numeric", [True, False])
def test_a_server_without_single_requests(server, connect, form, ignore_filters, numeric):
    for _ in range(3):
        row = server.add()
    how = server.switches
    how.no_single_request, how.ignore_filters, how.numeric_ids, how.duplicates = True, ignore_filters, numeric, True
    found = connect(format=form).status(row["service_request_id"], budget_s=BUDGET)
    assert found is not None and found.id == row["service_request_id"]
    assert connect(format=form).status("1", budget_s=BUDGET) is None


@pytest.mark.parametrize(
    "raw",
    [
        b"[{]",
        b'[{"service_request_id": 1, "status": "open"',
        b"",
        b"<html><body><p>Down for maintenance</body></html>",
        b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><requests>&x;</requests>',
        b"[" * 100_000,
        b"<a>" * 100_000,
        b"\x00\x01\x02",
    ],
)
def test_nonsense_is_an_outage_and_no_crash(server, connect, raw):
    server.switches.answer_raw = raw
    with pytest.raises(SystemUnavailable):
        connect().status("1", budget_s=2.0)


def test_xml_with_entities_is_refused(server, connect):
    row = server.add()
    server.switches.dtd = True
    with pytest.raises(SystemUnavailable, match="DTD"):
        connect(format="xml").status(row["service_request_id"], budget_s=2.0)


def test_an_empty_list_is_an_unknown_request(server, connect):
    for raw in (b"[]", b"<service_requests/>", b'{"service_requests": []}', b"<service_requests></service_requests>"):
        server.switches.answer_raw = raw
        assert connect().status("1", budget_s=2.0) is None


def test_an_envelope_around_an_envelope(server, connect):
    server.switches.answer_raw = b'{"service_requests": {"request": [{"service_request_id": 12, "status": "closed"}]}}'
    found = connect().status("12", budget_s=2.0)
    assert found is not None and found.status == "closed"


# -- the session


def test_loopback_ignores_proxies_and_netrc(server, connect, monkeypatch, tmp_path):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password something\n")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    assert len(connect().services()) == 2
    assert "Authorization" not in server.calls[0].headers


def test_an_own_session_is_used(server, pothole):
    session = requests.Session()
    session.headers["X-City"] = "yes"
    Open311(WorkOrders(url=server.url), KEY, session=session).services()
    assert server.calls[0].headers["X-City"] == "yes"
