"""A tiny city: one department, two services."""

from __future__ import annotations

from datetime import timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

from city311.city.model import (
    Calendar,
    Choice,
    City,
    Clock,
    Department,
    Location,
    LocationType,
    Pack,
    Question,
    QuestionType,
    Service,
    Sla,
    WorkOrders,
)
from city311.requests import Draft

ZONE = timezone(timedelta(hours=-5))


def small_city() -> Pack:
    works = Department(code="works", name="Public Works", phone="555-0100")
    where = Question(
        code="where",
        label="Where on the street",
        ask="Where on the street is it?",
        type=QuestionType.CHOICE,
        required=True,
        choices=(Choice("lane", "Traffic lane"), Choice("bike", "Bike lane")),
    )
    services = {
        code: Service(
            code=code,
            name=name,
            group="streets",
            department=works,
            description="",
            keywords=(),
            sla=sla,
            next_step="A crew looks at it.",
            location=Location(LocationType.POINT),
            priority="standard",
            questions=questions,
        )
        for code, name, sla, questions in (
            ("pothole", "Pothole", Sla(Clock.BUSINESS_DAYS, 2), (where,)),
            ("noise", "Noise", Sla(Clock.NONE), ()),
        )
    }
    return Pack(
        folder=Path(),
        city=City(
            code="small",
            name="Small",
            phone="555-0199",
            website="",
            timezone=ZoneInfo("America/New_York"),
            languages=("en",),
            hours="",
            emergency_phone="911",
            safety={},
        ),
        departments={"works": works},
        groups={"streets": "Streets"},
        services=services,
        calendar=Calendar("US"),
        workorders=WorkOrders(),
    )


def draft(**changes: object) -> Draft:
    given: dict[str, object] = {
        "service_code": "pothole",
        "address": "1234 Hampshire Street",
        "lat": 42.3712345,
        "long": -71.0954321,
        "description": "A deep hole in front of my house",
        "answers": {"where": ["lane"]},
        "answers_said": {"where": "Traffic lane"},
        "first_name": "Ana",
        "phone": "+16175550100",
        "email": "ana@example.org",
        "reporter": "web:1",
        "channel": "web",
    }
    return Draft(**(given | changes))  # type: ignore[arg-type]
