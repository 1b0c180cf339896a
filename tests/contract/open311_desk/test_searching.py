"""GET requests: filters, ranges, pages, extensions."""

from datetime import UTC, datetime, timedelta

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import update as sql_update

from city311.portal.open311 import open311_router
from city311.requests import desk
from city311.store.base import writing
from city311.store.desk import DeskRequest

NOW = datetime.now(UTC).replace(microsecond=0)


def w3c(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


@pytest.fixture
def made(client, engine, pothole, key):
    """Numbers of four requests, 1, 10, 50 and 120 days old; the second praises, the third is done."""
    found = []
    for age, code in ((1, "pothole"), (10, "praise"), (50, "pothole"), (120, "pothole")):
        parameters = pothole if code == "pothole" else {"api_key": key, "service_code": code}
        number = client.post("requests.json", data=parameters).json()[0]["service_request_id"]
        at = NOW - timedelta(days=age)
        with writing(engine) as session:
            session.execute(
                sql_update(DeskRequest).where(DeskRequest.number == number).values(requested_at=at, updated_at=at)
            )
        found.append(number)
    desk.update(engine, found[2], state="done", note="Filled.", by="Pat")
    return found


@pytest.fixture
def ids(client):
    def ask(**query):
        answer = client.get("requests.json", params=query)
        assert answer.status_code == 200, answer.text
        return [row["service_request_id"] for row in answer.json()]

    return ask


def test_ninety_days_newest_first(made, ids):
    assert ids() == made[:3]


def test_by_id_overrides_everything(made, ids):
    assert set(ids(service_request_id=f"{made[3]}, {made[0]}", status="closed", start_date="nonsense")) == {
        made[0],
        made[3],
    }
    assert ids(service_request_id=f"{made[1].lower()},SR-1,<b>,,") == [made[1]]
    assert ids(service_request_id="nothing") == []


def test_by_status_and_service(made, ids):
    assert ids(status="open") == made[:2]
    assert ids(status="closed") == [made[2]]
    assert ids(status="open,closed") == made[:3]
    assert ids(service_code="praise") == [made[1]]
    assert ids(service_code="praise, pothole", status="") == made[:3]
    assert ids(service_code=["praise", "pothole"]) == made[:3]
    assert ids(service_code="retired_one") == []


def test_by_date(made, ids):
    def days(count):
        return NOW - timedelta(days=count)

    assert ids(start_date=w3c(days(125)), end_date=w3c(days(45))) == [made[2], made[3]]
    assert ids(start_date=w3c(days(130))) == [made[2], made[3]]  # ninety days from there
    assert ids(end_date=w3c(days(45))) == [made[2], made[3]]
    assert ids(start_date=w3c(days(10)), end_date=w3c(days(10))) == [made[1]]  # both ends count
    assert ids(start_date=days(10).isoformat().replace("+", " "), end_date=w3c(days(5))) == [made[1]]


def test_by_update_without_ninety_days(made, ids, engine):
    assert ids(updated_after=w3c(NOW - timedelta(minutes=5))) == [made[2]]
    assert ids(updated_before=w3c(NOW - timedelta(days=5))) == [made[1], made[3]]
    desk.update(engine, made[3], note="Still on it.", by="Pat")
    assert ids(updated_after=w3c(NOW - timedelta(minutes=5))) == [made[2], made[3]]
    shown = desk.show(engine, made[3]).updated_at
    assert ids(updated_after=w3c(shown), updated_before=w3c(shown), service_code="pothole")[-1] == made[3]


def test_pages(made, ids):
    assert ids(page_size=2) == made[:2]
    assert ids(page=2, page_size=2) == [made[2]]
    assert ids(page=3, page_size=2) == []
    assert ids(page=1) == made[:3]


BAD_QUERIES = [
    {"status": "half-open"},
    {"status": "open,<b>"},
    {"start_date": "2026-01-01"},
    {"start_date": "2026-01-01T00:00:00"},
    {"start_date": "yesterday"},
    {"end_date": "0001-01-01T00:00:00Z"},
    {"end_date": "9999-12-31T23:59:59-14:00"},
    {"updated_after": "2026-13-01T00:00:00Z"},
    {"start_date": "2026-01-01T00:00:00Z", "end_date": "2026-04-02T00:00:00Z"},
    {"start_date": "2026-02-01T00:00:00Z", "end_date": "2026-01-01T00:00:00Z"},
    {"page": "0"},
    {"page": "-1"},
    {"page": "١"},
    {"page_size": "501"},
    {"page_size": "ten"},
    {"page": "9" * 30},
    {"service_request_id": ",".join(["SR-100009"] * 501)},
]


def test_bad_queries(client, subtests):
    for query in BAD_QUERIES:
        with subtests.test(query=repr(query)[:80]):
            answer = client.get("requests.json", params=query)
            assert answer.status_code == 400
            assert [error["code"] for error in answer.json()] == [400]


def test_extensions(client, made):
    (plain,) = client.get(f"requests/{made[2]}.json").json()
    assert "notes" not in plain
    assert "extended_attributes" not in plain
    assert (plain["status"], plain["status_notes"]) == ("closed", "Filled.")
    (more,) = client.get(f"requests/{made[2]}.json?extensions=true").json()
    assert more["extended_attributes"]["state"] == "done"
    assert datetime.fromisoformat(more["extended_attributes"]["state_since"]) >= NOW - timedelta(minutes=5)
    assert [(note["type"], note["description"]) for note in more["notes"]] == [("received", None), ("done", "Filled.")]
    assert "Pat" not in str(more)


def test_at_most_a_thousand_rows(client, engine, pothole, ids):
    client.post("requests.json", data=pothole)
    (row,) = desk.search(engine, desk.Filter(), limit=1)
    values = {column.key: getattr(row, column.key) for column in DeskRequest.__table__.columns}
    with writing(engine) as session:
        session.add_all(DeskRequest(**{**values, "number": f"X-{n}"}) for n in range(1100))
    assert len(ids()) == 1000
    assert len(ids(page_size=500, page=3)) == 101


def test_the_zip_code_of_the_map(pack, engine, pothole):
    def zip_of(lat: float, long: float) -> str:
        return "02139" if (round(lat), round(long)) == (42, -71) else ""

    app = FastAPI()
    app.include_router(open311_router(pack, engine, "https://311.example/open311/v2", zip_of), prefix="/open311/v2")
    client = TestClient(app, base_url="http://testserver/open311/v2/")
    here = client.post("requests.json", data=pothole).json()[0]["service_request_id"]
    there = client.post("requests.json", data=pothole | {"lat": "10", "long": "10"}).json()[0]["service_request_id"]
    words = pothole | {"lat": "", "long": "", "address_string": "5 Elm St"}
    nowhere = client.post("requests.json", data=words).json()[0]["service_request_id"]
    shown = {one["service_request_id"]: one["zipcode"] for one in client.get("requests.json").json()}
    assert shown == {here: "02139", there: None, nowhere: None}
    assert client.get(f"requests/{here}.json").json()[0]["zipcode"] == "02139"
    assert "<zipcode>02139</zipcode>" in client.get(f"requests/{here}.xml").text
