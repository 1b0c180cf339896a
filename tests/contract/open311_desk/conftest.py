"""A small city, and its desk over HTTP without a socket."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from city311.city.model import (
    Calendar,
    Choice,
    City,
    Clock,
    Department,
    Location,
    LocationType,
    OnlyIf,
    Pack,
    Question,
    QuestionType,
    Service,
    Sla,
    WorkOrders,
)
from city311.portal.open311 import open311_router
from city311.store import keys

STREETS = Department("streets", "Streets & Bridges", "617-555-0101")
PARKS = Department("parks", "Parks & Recreation", "617-555-0102")
EMERGENCY = "This may be an emergency. Call 911 now."


def question(code: str, kind: QuestionType, required: bool = False, **more) -> Question:
    return Question(code=code, label=code, ask=f"What about {code}?", type=kind, required=required, **more)


def service(code: str, place: LocationType, *questions: Question, sla: Sla | None = None, **more) -> Service:
    return Service(
        code=code,
        name=f"{code.capitalize()} <here> & there",
        group="streets",
        department=STREETS,
        description="A hole in the street.",
        keywords=("hole", "crater"),
        sla=sla or Sla(Clock.DAYS, 3),
        next_step="A crew looks at it.",
        location=more.pop("location", Location(place)),
        priority="standard",
        questions=questions,
        **more,
    )


LANES = (Choice("curb", "Curb lane"), Choice("middle", "Middle lane"))
SERVICES = (
    service(
        "pothole",
        LocationType.POINT,
        question("lane", QuestionType.CHOICE, True, choices=LANES, explain="Where on the street."),
        question("injury", QuestionType.YES_NO, stop={"yes": "emergency"}),
        question("note", QuestionType.NOTICE, True),
        question("photo", QuestionType.PHOTO, True),
        question("depth", QuestionType.NUMBER, unknown=False),
        question("seen", QuestionType.DATE),
        question("plate", QuestionType.TEXT, format="plate"),
        question("story", QuestionType.TEXT),
        question("corner", QuestionType.TEXT, True, only_if=OnlyIf("lane", ("curb",))),
    ),
    service("praise", LocationType.NONE, question("photo", QuestionType.PHOTO), sla=Sla(Clock.NONE)),
    service(
        "leak",
        LocationType.ADDRESS,
        question("address", QuestionType.TEXT, True),
        question("hints", QuestionType.NOTICE),
        location=Location(LocationType.ADDRESS, replaces=("address",)),
    ),
)


@pytest.fixture
def pack() -> Pack:
    return Pack(
        folder=Path("nowhere"),
        city=City(
            code="smallville",
            name="Smallville",
            phone="617-555-0100",
            website="https://smallville.example",
            timezone=ZoneInfo("America/New_York"),
            languages=("en",),
            hours="Monday to Friday",
            emergency_phone="911",
            safety={"emergency": EMERGENCY, "self_harm": "Call 988."},
        ),
        departments={"streets": STREETS, "parks": PARKS},
        groups={"streets": "Streets & sidewalks"},
        services={service.code: service for service in SERVICES},
        calendar=Calendar(country="US"),
        workorders=WorkOrders(),
    )


@pytest.fixture
def key(engine) -> str:
    return keys.create_key(engine, "An app")


@pytest.fixture
def own_key(engine) -> str:
    return keys.create_key(engine, "Own actions", own_numbers=True)


@pytest.fixture
def app(pack, engine) -> FastAPI:
    app = FastAPI()
    app.include_router(open311_router(pack, engine, "https://311.example/open311/v2"), prefix="/open311/v2")
    return app


@pytest.fixture
def client(app) -> TestClient:
    """Paths are relative to the router: ``client.get("services.json")``."""
    return TestClient(app, base_url="http://testserver/open311/v2/", raise_server_exceptions=False)


@pytest.fixture
def pothole(key) -> dict[str, str]:
    """Parameters of a good POST."""
    return {
        "api_key": key,
        "service_code": "pothole",
        "lat": "42.3736",
        "long": "-71.1097",
        "attribute[lane]": "middle",
        "description": "A hole",
    }
