"""Finds reports that are already there about what a resident is about to report.

Which may be the same is the service's own rule in the city pack (:class:`~city311.city.model.DuplicateRule`); which
are likely enough to be shown, :mod:`city311.requests.duplicate_score` says. A look-up reads three indexes in
:mod:`city311.store.reports`, bounded in each map cell, so its time does not grow with the number of reports.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import h3.api.basic_int as h3
from sqlalchemy import Engine, Executable, Row, bindparam, text
from sqlalchemy.orm import Session

from city311.city.model import Clock, DuplicateRule, Pack, QuestionType, Service
from city311.connectors.matching import metres_between
from city311.requests.duplicate_keys import AddressKey, address_key, asset_key
from city311.requests.duplicate_score import Likeness, Weights, weights
from city311.store.base import Instant, looking_up
from city311.store.reports import STILL_OPEN, KnownReport

RESOLUTION = 10
"""H3's: cells about 130 m wide."""

LONGEST_RADIUS_M = 1000.0
_FROM_ALL_CELLS = 240
_FEWEST_FROM_A_CELL = 2
_FROM_ONE_ADDRESS = 60
_CELLS_TOGETHER = (0, 8, 12, 20, 40, 80, 120, 400)
"""Numbers of cells that one statement asks for, so that databases and libraries can keep a few statements ready."""

_NO_CELL = 0

_COMPARED = tuple(
    KnownReport.__table__.c[name]
    for name in (
        "reference", "service_code", "lat", "long", "address", "address_key", "unit", "asset", "answers", "state",
        "requested_at", "closed_at",
    )
)  # fmt: skip
"""What a comparison needs to know; the rest of a row costs time and tells nothing."""

_STRETCH = (
    f"SELECT {', '.join(column.name for column in _COMPARED)} FROM known_reports"  # noqa: S608 - ours
    " WHERE service_code = :service AND {} AND closed_at >= :since ORDER BY closed_at DESC, requested_at DESC LIMIT {}"
)
_SAME_POINT_M = 10.0
_UNUSUAL_DAYS = 7.0
_HOURS_A_DAY = 24.0
_CALENDAR_DAYS_A_WORKING_DAY = 7 / 5


@dataclass(frozen=True)
class Sought:
    """What a resident is about to report, as far as it is known. ``lat`` and ``long`` in WGS 84 degrees, or both None.

    ``answers`` maps question codes to answer codes.
    """

    service_code: str
    address: str = ""
    lat: float | None = None
    long: float | None = None
    asset: str = ""
    answers: Mapping[str, str] | None = None

    @functools.cached_property
    def address_key(self) -> AddressKey:
        """The address in one spelling, found once however many reports it is compared with."""
        return address_key(self.address)

    @functools.cached_property
    def asset_key(self) -> str:
        """The asset in one spelling."""
        return asset_key(self.asset)


@dataclass(frozen=True)
class Likely:
    """A report that is probably about the same thing, with what anyone may know of it.

    Attributes:
        reference: our number, or the id in the system of record.
        distance_m: None where a position is missing.
        closed_at: None while it is open.
        score: log-odds; the higher the likelier.
    """

    reference: str
    service_code: str
    address: str
    distance_m: float | None
    state: str
    requested_at: datetime
    closed_at: datetime | None
    score: float


def likely_duplicates(engine: Engine, pack: Pack, sought: Sought, at: datetime, limit: int = 3) -> list[Likely]:
    """Reports that are probably about the same thing, the likeliest first; none where the service has no rule."""
    service = pack.services.get(sought.service_code)
    if service is None or service.duplicate is None:
        return []
    found = candidates(engine, service.duplicate, sought, at)
    judged = (judge(row, service, sought, at, weights()) for row in found)
    return sorted((one for one in judged if one is not None), key=lambda one: -one.score)[:limit]


def candidates(engine: Engine, rule: DuplicateRule, sought: Sought, at: datetime) -> list[Row[Any]]:
    """Rows of ``known_reports`` in the cells around, at the same address or about the same asset: open, or closed
    within the rule's time; the newest of each.
    """
    key, asset = sought.address_key, sought.asset_key
    cells: list[int] = []
    if sought.lat is not None and sought.long is not None:
        cells = cells_within(sought.lat, sought.long, min(max(rule.radius_m, _SAME_POINT_M), LONGEST_RADIUS_M))
    laterally = engine.dialect.name == "postgresql"
    together = next(size for size in _CELLS_TOGETHER if size >= len(cells))
    values: dict[str, object] = {"cells": cells} if laterally and cells else {}
    if not laterally:
        padded = [*cells, *[_NO_CELL] * (together - len(cells))]
        values = {f"cell_{index}": cell for index, cell in enumerate(padded)}
    if key.place:
        values["address_key"] = key.place
    if asset:
        values["asset"] = asset
    if not values:
        return []
    values |= {"service": sought.service_code, "since": at - timedelta(days=rule.closed_days)}
    statement = _stretches(together, bool(key.place), bool(asset), laterally)
    with looking_up(engine) as connection:
        rows = connection.execute(statement, values).all()
    return list({row.reference: row for row in rows}.values())


@functools.cache
def _stretches(cells: int, by_address: bool, by_asset: bool, laterally: bool) -> Executable:
    """One bounded stretch of an index for each cell, for the address and for the asset.

    As text: SQLAlchemy would look through a union of a hundred selects each time. So would PostgreSQL's planner, which
    therefore gets the cells as an array; SQLite, which plans in no time, has no such join.
    """
    each = max(_FEWEST_FROM_A_CELL, _FROM_ALL_CELLS // max(1, cells))
    wanted = [] if laterally else [(f"cell = :cell_{index}", each) for index in range(cells)]
    if by_address:
        wanted.append(("address_key = :address_key", _FROM_ONE_ADDRESS))
    if by_asset:
        wanted.append(("asset = :asset", _FROM_ONE_ADDRESS))
    parts = [
        f"SELECT * FROM ({_STRETCH.format(which, most)}) AS s{index}"  # noqa: S608 - ours
        for index, (which, most) in enumerate(wanted)
    ]
    if laterally and cells:
        one = _STRETCH.format("cell = around.cell", each)
        parts.append(
            f"SELECT s.* FROM unnest(CAST(:cells AS bigint[])) AS around(cell) CROSS JOIN LATERAL ({one}) AS s"  # noqa: S608
        )
    union = text(" UNION ALL ".join(parts)).bindparams(bindparam("since", type_=Instant))
    return union.columns(*_COMPARED)


def compare(
    row: Row[Any], service: Service, sought: Sought, at: datetime, model: Weights
) -> tuple[Likeness, float | None] | None:
    """What the model is to know of the pair, and the metres between; None when the service's rule says that they are
    not the same.
    """
    rule = service.duplicate
    if rule is None or row.requested_at < at - timedelta(days=rule.open_days):
        return None
    distance = None
    if sought.lat is not None and sought.long is not None and row.lat is not None and row.long is not None:
        distance = metres_between(sought.lat, sought.long, row.lat, row.long)
    place = _place(rule, sought, row, distance, model)
    if place is None:
        return None
    reach = max(rule.radius_m, _SAME_POINT_M)
    likeness = Likeness(
        place=place,
        nearness=max(0.0, 1.0 - distance / reach) if distance is not None else place,
        open=row.closed_at >= STILL_OPEN,
        closed_days=_days(at - row.closed_at) if row.closed_at < STILL_OPEN else 0.0,
        age=_days(at - row.requested_at) / usual_days(service),
        answers=_agreement(sought.answers or {}, row.answers),
    )
    return likeness, distance


def judge(row: Row[Any], service: Service, sought: Sought, at: datetime, model: Weights) -> Likely | None:
    """``row`` as a likely duplicate of ``sought``; None when it is not likely enough."""
    compared = compare(row, service, sought, at, model)
    if compared is None:
        return None
    likeness, distance = compared
    score = model.score(likeness)
    if score < model.threshold:
        return None
    return Likely(
        reference=row.reference,
        service_code=row.service_code,
        address=row.address,
        distance_m=distance,
        state=row.state,
        requested_at=row.requested_at,
        closed_at=row.closed_at if row.closed_at < STILL_OPEN else None,
        score=score,
    )


def _place(rule: DuplicateRule, sought: Sought, row: Row[Any], distance: float | None, model: Weights) -> float | None:
    """How far both are the same place, 0 to 1; None where the rule says that they are not."""
    ours, asset = sought.address_key, sought.asset_key
    if asset and row.asset:
        if asset == row.asset:
            return 1.0
        if rule.same == "asset":
            return None
    same_address = bool(ours.place) and ours.place == row.address_key
    if rule.same == "address_and_unit" and ours.unit != row.unit:
        return None
    if same_address and (rule.same != "asset" or rule.radius_m):
        return 1.0
    by_address = rule.same in ("address", "address_and_unit")
    if by_address and ours.place and row.address_key:
        return 0.0 if distance is not None and distance <= rule.radius_m else None
    if distance is None:
        return None
    reach = _SAME_POINT_M if by_address else rule.radius_m
    return model.of_points(distance, reach) if distance <= reach else None


def usual_days(service: Service) -> float:
    """What the service usually takes, in calendar days: its target, or a week where it has none."""
    amount = float(service.sla.amount)
    if service.sla.unit is Clock.BUSINESS_DAYS:
        return max(1.0, amount * _CALENDAR_DAYS_A_WORKING_DAY)
    if service.sla.unit is Clock.DAYS:
        return max(1.0, amount)
    if service.sla.unit in (Clock.HOURS, Clock.SAME_DAY):
        return max(1.0, amount / _HOURS_A_DAY)
    return _UNUSUAL_DAYS


def cells_within(lat: float, long: float, radius_m: float) -> list[int]:
    """The H3 cells that a circle touches, the nearest first."""
    start = h3.latlng_to_cell(lat, long, RESOLUTION)
    reach = 0.0
    for corner in h3.cell_to_boundary(start):
        reach = max(reach, metres_between(*h3.cell_to_latlng(start), *corner))
    reach *= 1.05  # neighbours differ a little in size
    cells, ring = [start], 1
    while True:
        touched = [
            cell
            for cell in h3.grid_ring(start, ring)
            if metres_between(lat, long, *h3.cell_to_latlng(cell)) <= radius_m + reach
        ]
        if not touched:
            return cells
        cells += touched
        ring += 1


def _agreement(ours: Mapping[str, str], theirs: str) -> float:
    """Share of the answers known on both sides that are equal; 0 where none is."""
    known = dict(part.split("=", 1) for part in theirs.split() if "=" in part)
    both = [code for code, value in ours.items() if value and code in known]
    return sum(ours[code] == known[code] for code in both) / len(both) if both else 0.0


def _days(span: timedelta) -> float:
    return max(0.0, span.total_seconds() / 86_400)


# -- keeping the index


def remember(
    session: Session,
    service: Service | None,
    reference: str,
    sought: Sought,
    *,
    state: str,
    requested_at: datetime,
    updated_at: datetime,
    closed_at: datetime | None = None,
) -> KnownReport:
    """Keep a report, or what is new about it, in the session's transaction."""
    key = sought.address_key
    cell = None
    if sought.lat is not None and sought.long is not None:
        cell = h3.latlng_to_cell(sought.lat, sought.long, RESOLUTION)
    row = session.get(KnownReport, reference) or KnownReport(reference=reference, seen="", changes=0, parent="")
    row.service_code, row.cell, row.lat, row.long = sought.service_code, cell, sought.lat, sought.long
    row.address, row.address_key, row.unit = sought.address[:500], key.place, key.unit
    row.asset, row.answers = sought.asset_key, _kept(service, sought.answers or {})
    row.state, row.requested_at, row.updated_at = state, requested_at, updated_at
    row.closed_at = closed_at or STILL_OPEN
    session.add(row)
    return row


def _kept(service: Service | None, answers: Mapping[str, str]) -> str:
    """Answers to choices only: they are codes of the pack, not a resident's words."""
    codes = {question.code: {choice.code for choice in question.choices} for question in _choices(service)}
    pairs = (f"{code}={value}" for code, value in answers.items() if value in codes.get(code, ()))
    return " ".join(pairs)[:200]


def _choices(service: Service | None) -> Iterable[Any]:
    questions = service.questions if service else ()
    return (question for question in questions if question.type is QuestionType.CHOICE)
