"""Duplicates: how well they are found, and how fast.

``python -m bench.duplicates quality --data FILE`` plays a city's requests in the order they came in. Each is looked
up, as a resident's report would be, among those that were there at that moment, and then filed. It prints precision
and recall against the city's own "Dup" labels, and the share of residents who would be asked, beside the rules that
other systems use. ``fit`` makes the weights (city311/requests/duplicate_score.json) from the days before ``--until``.
``speed`` times the look-up with 10,000, 100,000 and 1,000,000 open reports.

The data: City of Chicago, sanitation complaints, github.com/Chicago/food-inspections-evaluation. Tab-separated with
the columns sr, created, completed, status, nature, address, lat, lon.
"""

from __future__ import annotations

import argparse
import csv
import functools
import heapq
import json
import math
import random
import statistics
import tempfile
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import minimize
from sqlalchemy import Engine, bindparam, create_engine, event, text, update

from city311.city import load_pack
from city311.city.model import Choice, Clock, DuplicateRule, Pack, Question, QuestionType, Service, Sla
from city311.connectors.matching import metres_between
from city311.requests import duplicates
from city311.requests.duplicate_keys import address_key
from city311.requests.duplicate_score import FEATURES, Likeness, Weights, weights
from city311.requests.duplicates import RESOLUTION, Sought
from city311.store import migrate
from city311.store.base import Base, Instant, open_engine, writing
from city311.store.reports import STILL_OPEN, KnownReport

HOUSE = Path(__file__).resolve().parent.parent
WEIGHTS = HOUSE / "city311" / "requests" / "duplicate_score.json"
POSTGRESQL = "postgresql://postgres@127.0.0.1:5432/test"
SOURCE = "City of Chicago, sanitation complaints 2011, github.com/Chicago/food-inspections-evaluation"
RULE = DuplicateRule(radius_m=50, same="address")
NEVER = -1e9
AGREEING = 0.3
"""Log-odds for agreeing answers. Chosen: Chicago's "nature" says nothing about duplicates (fitted freely it is 0), but
between two equals the one with the same answers is to come first."""
CLOSING = (
    update(KnownReport.__table__)  # type: ignore[arg-type]
    .where(KnownReport.reference == bindparam("b_reference"))
    .values(closed_at=bindparam("b_at", type_=Instant))
)


@dataclass(frozen=True)
class Complaint:
    """One line of the data."""

    sr: str
    created: datetime
    completed: datetime | None
    is_duplicate: bool
    sought: Sought


@dataclass(frozen=True)
class Played:
    """One report against those that were there: what the model is to know of each, and the metres to the nearest
    within 250 m (``nearest_m``) and, among those of the last 30 days, within 50 m (``simple``).
    """

    created: datetime
    is_duplicate: bool
    pairs: list[Likeness]
    simple: bool
    wide: bool


def service(pack: Pack, natures: list[str]) -> Service:
    """Chicago's service: three days (its target of 2012), its "nature" a choice."""
    choices = tuple(Choice(_code(nature), nature) for nature in natures)
    nature = Question("nature", "Nature", "What is it?", QuestionType.CHOICE, False, choices=choices)
    some = next(iter(pack.services.values()))
    return replace(some, code="sanitation", sla=Sla(Clock.DAYS, 3), duplicate=RULE, questions=(nature,))


def read(path: Path) -> list[Complaint]:
    """The data in the order it came in."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = [_complaint(row) for row in csv.DictReader(file, delimiter="\t")]
    return sorted(rows, key=lambda row: (row.created, row.sr))


def _complaint(row: dict[str, str]) -> Complaint:
    # Days only: what came in and what was completed on one day met, as far as the city's own labels show.
    created = datetime.fromisoformat(row["created"][:10]).replace(hour=12, tzinfo=timezone.utc)
    completed = row["completed"][:10]
    lat, long = float(row["lat"] or "nan"), float(row["lon"] or "nan")
    somewhere = math.isfinite(lat) and math.isfinite(long)
    nature = _code(row["nature"])
    return Complaint(
        sr=row["sr"],
        created=created,
        completed=datetime.fromisoformat(completed).replace(hour=23, tzinfo=timezone.utc) if completed else None,
        is_duplicate="dup" in row["status"].casefold(),
        sought=Sought(
            "sanitation",
            row["address"],
            lat if somewhere else None,
            long if somewhere else None,
            answers={"nature": nature} if nature not in ("", "other") else {},
        ),
    )


def _code(nature: str) -> str:
    return "_".join("".join(letter if letter.isalnum() else " " for letter in nature.casefold()).split())


def play(complaints: list[Complaint]) -> Iterator[Played]:
    """Every report looked up when it comes in, among those there at that moment, through the real look-up."""
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine, tables=[KnownReport.__table__])  # type: ignore[list-item]
    natures = sorted({one.sought.answers["nature"] for one in complaints if one.sought.answers})
    about = service(load_pack(HOUSE / "cities" / "riverbend"), natures)
    model, to_close = weights(), list[tuple[datetime, str]]()
    recent: dict[tuple[int, int], list[Complaint]] = {}
    for one in complaints:
        closed = []
        while to_close and to_close[0][0] <= one.created:
            at, reference = heapq.heappop(to_close)
            closed.append({"b_reference": reference, "b_at": at})
        if closed:
            with engine.begin() as connection:
                connection.execute(CLOSING, closed)
        found = duplicates.candidates(engine, RULE, one.sought, one.created)
        compared = (duplicates.compare(row, about, one.sought, one.created, model) for row in found)
        simple, wide = _simple_rules(recent, one)
        yield Played(one.created, one.is_duplicate, [pair[0] for pair in compared if pair], simple, wide)
        with writing(engine) as session:
            duplicates.remember(
                session, about, one.sr, one.sought, state="", requested_at=one.created, updated_at=one.created
            )
        if one.completed is not None:
            heapq.heappush(to_close, (one.completed, one.sr))


def _simple_rules(recent: dict[tuple[int, int], list[Complaint]], one: Complaint) -> tuple[bool, bool]:
    """Whether any report of the last 30 days is within 50 m, and within 250 m."""
    lat, long = one.sought.lat, one.sought.long
    if lat is None or long is None:
        return False, False
    here = (int(lat * 300), int(long * 225))
    around = [(here[0] + north, here[1] + east) for north in (-1, 0, 1) for east in (-1, 0, 1)]
    near = []
    for square in around:
        fresh = [old for old in recent.get(square, []) if old.created >= one.created - timedelta(days=30)]
        recent[square] = fresh
        near += [metres_between(lat, long, old.sought.lat or 0, old.sought.long or 0) for old in fresh]
    recent.setdefault(here, []).append(one)
    return any(metres <= 50 for metres in near), any(metres <= 250 for metres in near)


# -- how well


def best_scores(played: list[Played], model: Weights) -> np.ndarray:
    """The score of each report's likeliest counterpart."""
    return np.array([max((model.score(pair) for pair in one.pairs), default=NEVER) for one in played])


def quality(path: Path, since: str) -> None:
    """Prints precision, recall and share of residents asked, on the days from ``since`` on."""
    start = _day(since)
    played = [one for one in play(read(path)) if one.created >= start]
    truth = np.array([one.is_duplicate for one in played])
    model = weights()
    score = best_scores(played, model)
    print(f"{len(played):,} reports from {since or 'the first day'} on, {truth.sum():,} of them labelled duplicates")
    print(f"{'rule':<44}{'precision':>10}{'recall':>8}{'asked':>8}")
    _line("any within 250 m in 30 days", np.array([one.wide for one in played]), truth)
    _line("any within 50 m in 30 days", np.array([one.simple for one in played]), truth)
    _line("ours, as shipped", score >= model.threshold, truth)
    for target in (0.95, 0.97, 0.99):
        _line(f"ours, threshold for recall {target}", score >= np.quantile(score[truth], 1 - target), truth)


def _line(name: str, asked: np.ndarray, truth: np.ndarray) -> None:
    hit = (asked & truth).sum()
    print(f"{name:<44}{hit / max(1, asked.sum()):>10.3f}{hit / max(1, truth.sum()):>8.3f}{asked.mean():>8.3f}")


def _threshold(score: np.ndarray, truth: np.ndarray, precision: float) -> float:
    order = np.argsort(-score)
    precise = np.cumsum(truth[order]) / np.arange(1, len(order) + 1)
    return float(score[order][np.flatnonzero(precise >= precision)[-1]])


def fit(path: Path, until: str, precision: float) -> None:
    """Fits the weights on the days before ``until`` and writes them. Of each report the likeliest pair counts, which
    the weights themselves decide, so it takes a few rounds.
    """
    end = _day(until)
    played = [one for one in play([one for one in read(path) if one.created < end]) if one.pairs]
    truth = np.array([float(one.is_duplicate) for one in played])
    model = weights()
    # A report that is older or was closed longer ago is never likelier for it, nor one that is nearer less likely.
    limits = {"closed": (None, 0), "age": (None, 0), "answers": (AGREEING, AGREEING)}
    bounds = [(None, None)] + [limits.get(name, (0, None)) for name in FEATURES]
    for _ in range(6):
        best = np.array([max(one.pairs, key=model.score).values() for one in played])
        table = np.column_stack([np.ones(len(best)), best])

        def loss(given: np.ndarray, table: np.ndarray = table) -> tuple[float, np.ndarray]:
            odds = table @ given
            cost = np.sum(np.logaddexp(0, odds) - truth * odds) + 0.5 * np.sum(given[1:] ** 2)
            return cost, table.T @ (1 / (1 + np.exp(-odds)) - truth) + np.concatenate([[0], given[1:]])

        found = minimize(loss, np.zeros(table.shape[1]), jac=True, bounds=bounds).x
        of = {name: round(float(value), 3) for name, value in zip(FEATURES, found[1:], strict=True)}
        model = replace(model, constant=round(float(found[0]), 3), of=of)
    written = {
        "source": f"{SOURCE}; reports before {until}, python -m bench.duplicates fit",
        "constant": model.constant,
        "weights": model.of,
        "threshold": round(_threshold(best_scores(played, model), truth, precision), 2),
        "threshold_source": f"the lowest at which {precision:.0%} of those who are asked have a duplicate",
        "answers_source": "chosen: decides between equals only; fitted on this data it is 0",
        "at_edge": model.at_edge,
        "at_edge_source": "chosen: a fresh open report at the very edge of the radius is just shown",
    }
    WEIGHTS.write_text(json.dumps(written, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(written, indent=2))


def _day(words: str) -> datetime:
    return datetime.fromisoformat(words or "1970-01-01").replace(tzinfo=timezone.utc)


# -- how fast


def speed(sizes: list[int], urls: list[str], lookups: int) -> None:
    """Prints p50 and p99 of the look-up, in milliseconds, for each size and database."""
    pack = load_pack(HOUSE / "cities" / "riverbend")
    codes = [code for code, one in pack.services.items() if one.duplicate]
    print(
        f"{'open reports':>14}{'database':>12}{'filled s':>10}{'p50 ms':>8}{'p99 ms':>8}{'CPU p50':>9}{'CPU p99':>9}"
        f"{'pages p99':>11}{'found':>7}"
    )
    for kind in urls:
        with tempfile.TemporaryDirectory() as folder:
            _speed_of_one(pack, codes, kind, sorted(sizes), lookups, Path(folder))


def _speed_of_one(pack: Pack, codes: list[str], kind: str, sizes: list[int], lookups: int, folder: Path) -> None:
    schema = f"bench_{uuid.uuid4().hex[:12]}"
    server = open_engine(POSTGRESQL) if kind == "postgresql" else None
    if server is not None:
        with server.begin() as connection:
            connection.execute(text(f"CREATE SCHEMA {schema}"))
    url = f"{POSTGRESQL}?options=-csearch_path%3D{schema}" if server else f"sqlite:///{folder / 'bench.db'}"
    try:
        migrate.upgrade(url)
        engine = open_engine(url)
        draw = random.Random(311)
        full = 0
        for size in sizes:
            began = time.perf_counter()
            _fill(engine, codes, full, size, draw)
            filled = time.perf_counter() - began
            full = size
            times, work, found = [], [], 0
            for turn in range(lookups + 50):
                sought = _somewhere(codes, draw)
                began, worked = time.perf_counter(), time.thread_time()
                likely = duplicates.likely_duplicates(engine, pack, sought, datetime.now(timezone.utc))
                if turn >= 50:  # the first ones compile the statements and open the connection
                    times.append((time.perf_counter() - began) * 1000)
                    work.append((time.thread_time() - worked) * 1000)
                    found += bool(likely)
            pages = f"{_quantiles(_pages(engine, pack, codes, draw))[98]:.0f}" if server is not None else "-"
            clock, cpu = _quantiles(times), _quantiles(work)
            print(
                f"{size:>14,}{kind:>12}{filled:>10.0f}{clock[49]:>8.2f}{clock[98]:>8.2f}{cpu[49]:>9.2f}{cpu[98]:>9.2f}"
                f"{pages:>11}{found / lookups:>7.2f}",
                flush=True,
            )
        engine.dispose()
    finally:
        if server is not None:
            with server.begin() as connection:
                connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))
            server.dispose()


def _quantiles(of: list[float]) -> list[float]:
    return statistics.quantiles(of, n=100)


def _pages(engine: Engine, pack: Pack, codes: list[str], draw: random.Random) -> list[float]:
    """Pages that PostgreSQL touches for each of 200 look-ups: a measure that no neighbor on the machine changes."""
    sent: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, values: Any, _context: Any, _many: bool) -> None:
        sent.append((statement, values))

    event.listen(engine, "before_cursor_execute", note)
    for _ in range(200):
        duplicates.likely_duplicates(engine, pack, _somewhere(codes, draw), datetime.now(timezone.utc))
    event.remove(engine, "before_cursor_execute", note)
    found = []
    with engine.connect() as connection:
        for statement, values in sent:
            told = connection.exec_driver_sql(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}", values).scalar()
            plan = told[0]["Plan"]
            found.append(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])
    return found


def _somewhere(codes: list[str], draw: random.Random) -> Sought:
    """A report in a city of 10 by 10 km, half of them in its busiest square kilometre."""
    east, north = (draw.random(), draw.random()) if draw.random() < 0.5 else (draw.random() / 10, draw.random() / 10)
    address = f"{draw.randrange(1, 999)} Street {int(north * 200)}"
    return Sought(draw.choice(codes), address, 42.3 + north * 0.09, -71.2 + east * 0.122)


def _fill(engine: Engine, codes: list[str], full: int, size: int, draw: random.Random) -> None:
    """More reports, until there are ``size`` after ``full``."""
    now = datetime.now(timezone.utc)
    for start in range(full, size, 5000):
        rows = [_row(number, _somewhere(codes, draw), now, draw) for number in range(start, min(size, start + 5000))]
        _insert(engine, rows)
    with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql("VACUUM ANALYZE known_reports")


def _insert(engine: Engine, rows: list[dict[str, object]]) -> None:
    """Past SQLAlchemy, which would take most of the time."""
    names = list(rows[0])
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            driver = connection.connection.driver_connection
            assert driver is not None
            with driver.cursor() as cursor, cursor.copy(f"COPY known_reports ({', '.join(names)}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(list(row.values()))
            return
        for row in rows:
            row |= {name: at.strftime("%Y-%m-%d %H:%M:%S.%f") for name, at in row.items() if isinstance(at, datetime)}
        places = ", ".join("?" for _ in names)
        statement = f"INSERT INTO known_reports ({', '.join(names)}) VALUES ({places})"  # noqa: S608 - ours
        connection.exec_driver_sql(statement, [tuple(row.values()) for row in rows])


@functools.cache
def _street_key(street: str) -> str:
    return address_key(f"1 {street}").place.removeprefix("1 ")


def _row(number: int, sought: Sought, now: datetime, draw: random.Random) -> dict[str, object]:
    at = now - timedelta(days=draw.random() * 60)
    house, street = sought.address.split(" ", 1)
    assert sought.lat is not None and sought.long is not None
    return {
        "reference": f"SR-{number}",
        "service_code": sought.service_code,
        "cell": duplicates.h3.latlng_to_cell(sought.lat, sought.long, RESOLUTION),
        "lat": sought.lat,
        "long": sought.long,
        "address": sought.address,
        "address_key": f"{house} {_street_key(street)}",
        "unit": "",
        "asset": "",
        "answers": "",
        "state": "received",
        "requested_at": at,
        "closed_at": STILL_OPEN,
        "updated_at": at,
        "seen": "",
        "changes": 0,
        "parent": "",
    }


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("quality", "fit"):
        command = commands.add_parser(name)
        command.add_argument("--data", type=Path, required=True)
        if name == "quality":
            command.add_argument("--since", default="2012-01-01", help="report on days from here on")
        else:
            command.add_argument("--until", default="2012-01-01", help="fit on days before")
            command.add_argument("--precision", type=float, default=2 / 3)
    command = commands.add_parser("speed")
    command.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    command.add_argument("--databases", nargs="+", choices=("sqlite", "postgresql"), default=["sqlite", "postgresql"])
    command.add_argument("--lookups", type=int, default=1000)
    given = parser.parse_args()
    if given.command == "quality":
        quality(given.data, given.since)
    elif given.command == "fit":
        fit(given.data, given.until, given.precision)
    else:
        speed(given.sizes, given.databases, given.lookups)


if __name__ == "__main__":
    main()
