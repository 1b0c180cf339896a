"""A system of record says that something changed: believed only when it is signed, and then only in where to look."""

import json

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import select

from city311.portal.hooks import hook_router, sign
from city311.requests.follow import follow
from city311.store.base import now, reading
from city311.store.updates import Job

SECRET = "a-shared-secret"


@pytest.fixture
def call(engine):
    """POSTs a document, signed unless told otherwise."""
    follow(engine, "2026-77", "web-1", "web", now())

    def call(document, *, secret=SECRET, at=None, body=None, signature=None, configured=SECRET):
        app = FastAPI()
        app.include_router(hook_router(engine, configured))
        sent = body if body is not None else json.dumps(document).encode()
        timestamp = str(int(now().timestamp())) if at is None else at
        headers = {"X-City311-Timestamp": timestamp}
        headers["X-City311-Signature"] = sign(secret, timestamp, sent) if signature is None else signature
        return TestClient(app).post("/hooks/workorders", content=sent, headers=headers)

    return call


def planned(engine):
    with reading(engine) as session:
        return session.scalars(select(Job.name)).all()


def test_what_somebody_waits_for_is_looked_at(call, engine):
    answer = call([{"service_request_id": "2026-77", "status": "closed"}, {"service_request_id": 9}])
    assert (answer.status_code, answer.json()) == (200, {"noted": 1})
    assert planned(engine) == ["look:2026-77"]


def test_a_repeated_call_plans_nothing_twice(call, engine):
    for _ in range(3):
        assert call({"service_request_id": "2026-77"}).status_code == 200
    assert planned(engine) == ["look:2026-77"]


@pytest.mark.parametrize(
    "changes",
    [
        {"secret": "another"},
        {"signature": ""},
        {"signature": "sha256=00"},
        {"signature": "ÿ"},
        {"at": "0"},
        {"at": "99999999999"},
        {"at": "now"},
        {"at": ""},
        {"configured": "", "secret": ""},
    ],
)
def test_forged_and_old_calls_are_refused(call, engine, changes):
    if not changes.get("signature", "x").isascii():
        changes = {"signature": changes["signature"].encode("latin-1")}
    assert call({"service_request_id": "2026-77"}, **changes).status_code == 403
    assert planned(engine) == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"7",
        b'[{"id": 1}]',
        b'[{"service_request_id": true}]',
        b"[" * 5000,
        b'{"service_request_id": ""}',
    ],
)
def test_what_is_no_list_of_requests(call, engine, body):
    assert call(None, body=body).status_code == 400
    assert planned(engine) == []


def test_too_much(call):
    assert call(None, body=b" " * 200_001).status_code == 413
    assert call([{"service_request_id": str(number)} for number in range(201)]).status_code == 400
