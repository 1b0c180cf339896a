"""Makes the gazetteer of a city pack: one SQLite file, indexed, read-only once made.

The file's name holds a fingerprint of what it was made from, so a changed pack gets a new one. Any number of processes
may ask for it at once: the first makes it, the others wait.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import shapely

from city311.city import Pack, PackError, Problem
from city311.places import source
from city311.places.gazetteer import Gazetteer, cell
from city311.places.locate import Locator
from city311.places.model import Place, Point
from city311.places.words import Name, name_of, spelt_out, squash

Progress = Callable[[str], None]

_CODE = ("build.py", "source.py", "words.py", "gazetteer.py")
_SHORTEST_PART = 5
_SCHEMA = """
CREATE TABLE streets (id INTEGER PRIMARY KEY, name TEXT, base TEXT, type TEXT, direction TEXT);
CREATE TABLE names (base TEXT, type TEXT, direction TEXT, street INTEGER, cost REAL);
CREATE TABLE addresses (street INTEGER, low INTEGER, high INTEGER, suffix TEXT, number TEXT, lat REAL, lon REAL,
                        cell INTEGER);
CREATE TABLE lines (street INTEGER, left_from INTEGER, left_to INTEGER, right_from INTEGER, right_to INTEGER,
                    line TEXT);
CREATE TABLE intersections (id INTEGER PRIMARY KEY, lat REAL, lon REAL);
CREATE TABLE crossings (street INTEGER, intersection INTEGER);
CREATE TABLE landmarks (id INTEGER PRIMARY KEY, name TEXT, kind TEXT, at TEXT, lat REAL, lon REAL, radius_m REAL);
CREATE TABLE landmark_names (name TEXT, landmark INTEGER);
CREATE TABLE assets (id TEXT PRIMARY KEY, key TEXT, tail TEXT, kind TEXT, street TEXT, owner TEXT, description TEXT,
                     lat REAL, lon REAL);
CREATE TABLE areas (layer TEXT, name TEXT, wkb BLOB);
"""
_INDEXES = """
CREATE INDEX addresses_street ON addresses (street, low);
CREATE INDEX addresses_cell ON addresses (cell);
CREATE INDEX lines_street ON lines (street);
CREATE INDEX crossings_street ON crossings (street);
CREATE INDEX crossings_intersection ON crossings (intersection);
CREATE INDEX assets_key ON assets (key);
CREATE INDEX assets_tail ON assets (tail, street);
"""


def fingerprint(pack: Pack) -> str:
    """Of the lists, and of the code that makes the file of them."""
    digest = hashlib.sha256()
    here = Path(__file__).parent
    for path in [*(here / name for name in _CODE), *source.files(pack.folder)]:
        digest.update(f"{path.name}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def ensure(pack: Pack, data: Path, progress: Progress = lambda _: None) -> Path:
    """The gazetteer of ``pack`` under ``data``, made if it is not there yet.

    Args:
        progress: told a few words at each step of a build.

    Raises:
        PackError: the lists cannot be used.
        OSError: the file cannot be written.
    """
    folder = data / "places"
    target = folder / f"{pack.city.code}-{fingerprint(pack)}.sqlite"
    if target.is_file():
        return target
    folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder / f".{pack.city.code}.lock"):
        if target.is_file():
            return target
        wrong = build(pack, target, progress)
        if wrong:
            raise PackError(wrong)
        for old in folder.glob(f"{pack.city.code}-*.sqlite"):
            if old != target:
                old.unlink(missing_ok=True)  # whoever has it open keeps it
    return target


def problems(pack: Pack) -> list[Problem]:
    """Everything that is wrong with the pack's lists of places; none where it has no places."""
    if pack.places is None:
        return []
    with tempfile.TemporaryDirectory() as folder:
        return build(pack, Path(folder) / "check.sqlite")


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def build(pack: Pack, target: Path, progress: Progress = lambda _: None) -> list[Problem]:
    """Writes ``target``; where the lists are wrong it writes nothing and says what is wrong."""
    progress("reading the lists")
    lists = source.read(pack)
    if lists.problems:
        return lists.problems
    making = target.with_suffix(f".{os.getpid()}.new")
    making.unlink(missing_ok=True)
    try:
        connection = sqlite3.connect(making)
        try:
            connection.executescript("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;" + _SCHEMA)
            wrong = _fill(connection, pack, lists, progress)
            connection.executescript(_INDEXES)
            connection.commit()
            wrong += _landmarks(connection, making, pack, lists)
            connection.commit()
        finally:
            connection.close()
        if not wrong:
            with making.open("rb") as done:
                os.fsync(done.fileno())
            making.replace(target)
        return wrong
    finally:
        making.unlink(missing_ok=True)


def _fill(connection: sqlite3.Connection, pack: Pack, lists: source.Lists, progress: Progress) -> list[Problem]:
    progress(f"{len(lists.addresses)} addresses, {len(lists.lines)} street lines")
    streets = _streets(connection, lists)
    problems = _names(connection, pack, streets)
    connection.executemany(
        "INSERT INTO addresses VALUES (?,?,?,?,?,?,?,?)",
        (
            (streets[a.street], a.low, a.high, a.suffix, a.number, a.point.lat, a.point.lon, cell(a.point))
            for a in lists.addresses
        ),
    )
    connection.executemany(
        "INSERT INTO lines VALUES (?,?,?,?,?,?)",
        (
            (streets[line.street], *line.left, *line.right, json.dumps([(p.lat, p.lon) for p in line.points]))
            for line in lists.lines
        ),
    )
    progress(f"{len(lists.intersections)} intersections, {len(lists.assets)} assets")
    for number, (point, names) in enumerate(_crossings(lists)):
        connection.execute("INSERT INTO intersections VALUES (?,?,?)", (number, point.lat, point.lon))
        connection.executemany("INSERT INTO crossings VALUES (?,?)", ((streets[name], number) for name in names))
    connection.executemany(
        "INSERT OR IGNORE INTO assets VALUES (?,?,?,?,?,?,?,?,?)",
        (
            (a.id, squash(a.id), squash(a.id.rpartition("-")[2]), a.kind, a.street, a.owner, a.description,
             a.point.lat, a.point.lon)
            for a in lists.assets
        ),
    )  # fmt: skip
    layers = {**lists.areas, **({"": {"boundary": lists.boundary}} if lists.boundary is not None else {})}
    connection.executemany(
        "INSERT INTO areas VALUES (?,?,?)",
        (
            (layer, name, shapely.to_wkb(geometry))
            for layer, parts in layers.items()
            for name, geometry in parts.items()
        ),
    )
    return problems


def _streets(connection: sqlite3.Connection, lists: source.Lists) -> dict[str, int]:
    names = {a.street for a in lists.addresses} | {line.street for line in lists.lines}
    names |= {name for crossing in lists.intersections for name in crossing.streets}
    streets = {name: number for number, name in enumerate(sorted(names))}
    for name, number in streets.items():
        told = name_of(name)
        connection.execute(
            "INSERT INTO streets VALUES (?,?,?,?,?)", (number, name, told.base, told.type, told.direction)
        )
        for spelt in (told, spelt_out(told)):
            if spelt is not None:
                row = (spelt.base, spelt.type, spelt.direction, number)
                connection.execute("INSERT INTO names VALUES (?,?,?,?,0)", row)
    return streets


def _names(connection: sqlite3.Connection, pack: Pack, streets: dict[str, int]) -> list[Problem]:
    """Aliases from the pack, and the last word of a longer name where it is like no other ("O'Brien" of "Monsignor
    O'Brien")."""
    problems: list[Problem] = []
    aliases = pack.places.aliases if pack.places is not None else {}
    known = {name_of(name): name for name in streets}
    for alias, name in aliases.items():
        if (street := known.get(name_of(name))) is None:
            said = f"{alias!r} stands for {name!r}, which no list has."
            problems.append(_names_problem(pack, f"aliases.{alias}", said))
            continue
        told = name_of(alias)
        row = (told.base, told.type, told.direction, streets[street])
        connection.execute("INSERT INTO names VALUES (?,?,?,?,0.05)", row)
    for rule in pack.places.responsible if pack.places is not None else ():
        for name in rule.streets:
            if name not in streets:
                problems.append(
                    _names_problem(pack, f"responsible.{rule.code}.streets", f"No list has the street {name!r}.")
                )
    bases = {told.base for told in known}
    for name, number in streets.items():
        told = name_of(name)
        last = next((word for word in reversed(name.split()) if name_of(word).base and word.lower() not in _ENDS), "")
        part = Name(name_of(last).base, told.type, told.direction)
        if len(part.base) >= _SHORTEST_PART and part.base != told.base and told.base.endswith(part.base):
            if part.base in bases:
                continue
            row = (part.base, part.type, part.direction, number)
            connection.execute("INSERT INTO names VALUES (?,?,?,?,0.4)", row)
    return problems


_ENDS = frozenset({"st", "ave", "rd", "pl", "dr", "ct", "ter", "pkwy", "way", "pk", "ln", "cir", "hwy", "tpk", "blvd",
                   "sq", "aly", "ext", "n", "s", "e", "w", "street", "terrace", "square", "bridge", "east", "west",
                   "place", "road", "park", "gardens", "hill", "green"})  # fmt: skip


def _names_problem(pack: Pack, where: str, message: str) -> Problem:
    path = pack.folder / source.FOLDER / "places.yml"
    word = where.rpartition(".")[2]
    lines = path.read_text(encoding="utf-8").splitlines()
    line = next((number for number, text in enumerate(lines, start=1) if word in text), 1)
    return Problem(path, line, where, message, "Write the name as the lists of streets do.")


def _crossings(lists: source.Lists) -> Iterator[tuple[Point, tuple[str, ...]]]:
    """The intersections of the list, and those that only the street lines show."""
    named: set[tuple[str, str]] = set()
    for crossing in lists.intersections:
        yield crossing.point, crossing.streets
        named |= {(one, two) for one in crossing.streets for two in crossing.streets}
    ends: dict[Point, set[str]] = {}
    for line in lists.lines:
        for point in (line.points[0], line.points[-1]):
            ends.setdefault(point, set()).add(line.street)
    for point, names in sorted(ends.items(), key=lambda item: (item[0].lat, item[0].lon)):
        fresh = sorted(name for name in names if any((name, other) not in named for other in names if other != name))
        if len(fresh) > 1:
            yield point, tuple(fresh)


def _landmarks(connection: sqlite3.Connection, made: Path, pack: Pack, lists: source.Lists) -> list[Problem]:
    problems: list[Problem] = []
    path = pack.folder / source.FOLDER / "landmarks.tsv"
    locator = Locator(Gazetteer(made), pack.places)
    for number, landmark in enumerate(lists.landmarks):
        point = landmark.point
        if point is None:
            found = locator.find(landmark.at)
            if not isinstance(found, Place):
                said = f"{landmark.at!r} is no place that the lists know for sure."
                remedy = "Write an address or a corner of the city, or latitude and longitude."
                problems.append(Problem(path, landmark.line, landmark.name, said, remedy))
                continue
            point = found.point
        connection.execute(
            "INSERT INTO landmarks VALUES (?,?,?,?,?,?,?)",
            (number, landmark.name, landmark.kind, landmark.at, point.lat, point.lon, landmark.radius_m),
        )
        spelt = {squash(name) for name in landmark.names}
        connection.executemany("INSERT INTO landmark_names VALUES (?,?)", ((name, number) for name in sorted(spelt)))
    return problems
