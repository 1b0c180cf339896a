"""The gazetteer, opened: names of streets in memory, everything else by indexed look-up. Safe between threads."""

from __future__ import annotations

import functools
import json
import math
import sqlite3
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import shapely
from rapidfuzz import process
from rapidfuzz.distance import OSA
from shapely.geometry.base import BaseGeometry

from city311.places.model import METRES_A_DEGREE, Asset, Point
from city311.places.words import Name, readings

_CELLS_A_DEGREE = 500
"""Cells of about 220 metres."""
_ANOTHER_TYPE, _NO_TYPE, _NO_SUCH_TYPE = 2.1, 0.3, 0.7
"""Another type may well be a street of another town: never sure."""
_ANOTHER_DIRECTION, _NO_DIRECTION = 0.9, 0.35
_FIRST_LETTER = 0.25
"""Slips are rare in the first letter."""
_MOST_NEAR = 40


def cell(point: Point) -> int:
    """The number of the square that ``point`` lies in."""
    return math.floor(point.lat * _CELLS_A_DEGREE) * 1_000_000 + math.floor(point.lon * _CELLS_A_DEGREE)


@dataclass(frozen=True)
class House:
    """One listed house number."""

    street: int
    low: int
    high: int
    suffix: str
    number: str
    point: Point


@dataclass(frozen=True)
class Stretch:
    """A stretch of a street with its ranges of house numbers."""

    left: tuple[int, int]
    right: tuple[int, int]
    points: tuple[Point, ...]


@dataclass(frozen=True)
class Sight:
    """A landmark."""

    id: int
    name: str
    kind: str
    at: str
    point: Point
    radius_m: float


@dataclass(frozen=True)
class Numbered:
    """An asset with its place."""

    asset: Asset
    street: str
    point: Point


class Gazetteer:
    """Reads one file that :mod:`city311.places.build` made."""

    def __init__(self, path: Path) -> None:
        """
        Raises:
            sqlite3.Error: it is not such a file.
        """
        self._address = f"file:{path}?mode=ro&immutable=1"
        self._threads = threading.local()
        self.streets: dict[int, str] = dict(self._ask("SELECT id, name FROM streets"))
        self._names: dict[str, list[tuple[Name, int, float]]] = {}
        for base, kind, direction, street, cost in self._ask("SELECT * FROM names"):
            self._names.setdefault(base, []).append((Name(base, kind, direction), street, cost))
        self._bases = list(self._names)
        self._sights = {
            row[0]: Sight(row[0], row[1], row[2], row[3], Point(row[4], row[5]), row[6])
            for row in self._ask("SELECT * FROM landmarks")
        }
        self._sight_names: dict[str, list[int]] = {}
        for name, landmark in self._ask("SELECT name, landmark FROM landmark_names"):
            self._sight_names.setdefault(name, []).append(landmark)
        self._long_sight_names = [name for name in self._sight_names if len(name) >= 8]
        areas = self._ask("SELECT layer, name, wkb FROM areas")
        self._areas = [(layer, name) for layer, name, _ in areas]
        self._shapes: list[BaseGeometry] = [shapely.from_wkb(wkb) for _, _, wkb in areas]
        for shape in self._shapes:
            shapely.prepare(shape)
        self._tree = shapely.STRtree(self._shapes)
        self._near = functools.lru_cache(maxsize=4096)(self._nearly)
        self.houses = functools.lru_cache(maxsize=1024)(self._houses)
        self.stretches = functools.lru_cache(maxsize=1024)(self._stretches)
        self.crossings = functools.lru_cache(maxsize=2048)(self._crossings)
        self._lines = functools.cache(self._all_lines)

    def _ask(self, query: str, values: Sequence[Any] = ()) -> list[Any]:
        connection = getattr(self._threads, "connection", None)
        if connection is None:
            connection = self._threads.connection = sqlite3.connect(self._address, uri=True)
        return list(connection.execute(query, values))

    # ---- streets ---------------------------------------------------------------------------------------------------

    def matches(self, words: list[str], *, slips: bool = True) -> dict[int, float]:
        """Streets that the words may name → cost: 0 as listed, 1 for each wrong letter, less for a missing type."""
        found: dict[int, float] = {}
        for told in readings(words):
            near = [(told.base, 0.0)] if told.base in self._names else []
            if slips:
                near += [(base, cost) for base, cost in self._near(told.base) if base != told.base]
            for base, cost in near:
                for name, street, extra in self._names[base]:
                    total = cost + extra + _difference(told, name)
                    if total < found.get(street, math.inf):
                        found[street] = total
        return found

    def _nearly(self, base: str) -> tuple[tuple[str, float], ...]:
        most = 0 if len(base) <= 2 else 1 if len(base) <= 4 else 2 if len(base) <= 8 else 3
        if not most:
            return ()
        # One wrong letter of nine says less than one of four.
        each = max(0.7, min(1.2, 6.0 / len(base)))
        close = process.extract(base, self._bases, scorer=OSA.distance, score_cutoff=most, limit=_MOST_NEAR)
        return tuple(
            (name, distance * each + (_FIRST_LETTER if name[:1] != base[:1] else 0.0)) for name, distance, _ in close
        )

    # ---- along a street --------------------------------------------------------------------------------------------

    def _houses(self, street: int) -> tuple[House, ...]:
        rows = self._ask(
            "SELECT street, low, high, suffix, number, lat, lon FROM addresses WHERE street = ? ORDER BY low, suffix",
            (street,),
        )
        return tuple(map(_house, rows))

    def _stretches(self, street: int) -> tuple[Stretch, ...]:
        rows = self._ask("SELECT left_from, left_to, right_from, right_to, line FROM lines WHERE street = ?", (street,))
        return tuple(
            Stretch((row[0], row[1]), (row[2], row[3]), tuple(Point(*pair) for pair in json.loads(row[4])))
            for row in rows
        )

    def _all_lines(self) -> tuple[shapely.STRtree, list[int]]:
        rows = self._ask("SELECT street, line FROM lines")
        lines = [shapely.LineString([(lon, lat) for lat, lon in json.loads(line)]) for _, line in rows]
        return shapely.STRtree(lines), [street for street, _ in rows]

    def _crossings(self, street: int) -> dict[int, tuple[Point, ...]]:
        """Streets that cross this one → where."""
        rows = self._ask(
            "SELECT other.street, i.lat, i.lon FROM crossings AS own "
            "JOIN crossings AS other ON other.intersection = own.intersection AND other.street <> own.street "
            "JOIN intersections AS i ON i.id = own.intersection WHERE own.street = ?",
            (street,),
        )
        found: dict[int, tuple[Point, ...]] = {}
        for other, lat, lon in rows:
            found[other] = (*found.get(other, ()), Point(lat, lon))
        return found

    # ---- landmarks and assets --------------------------------------------------------------------------------------

    def sights(self, squashed: str, *, slips: bool = False) -> tuple[Sight, ...]:
        """Landmarks of that name, or with a slip or two in a long name."""
        if exact := self._sight_names.get(squashed):
            return tuple(self._sights[number] for number in exact)
        if not slips or len(squashed) < 8:
            return ()
        most = 1 if len(squashed) < 12 else 2
        close = process.extract(squashed, self._long_sight_names, scorer=OSA.distance, score_cutoff=most, limit=4)
        # Another number is another place: "Fire Station 2" is no slip for "Fire Station 3".
        close = [entry for entry in close if _digits(entry[0]) == _digits(squashed)]
        best = min((distance for _, distance, _ in close), default=0)
        names = [name for name, distance, _ in close if distance == best]
        return tuple(self._sights[number] for number in sorted({n for name in names for n in self._sight_names[name]}))

    def sights_of(self, kind: str) -> tuple[Sight, ...]:
        """All landmarks of a kind."""
        return tuple(sight for sight in self._sights.values() if sight.kind == kind)

    def sights_around(self, point: Point) -> tuple[Sight, ...]:
        """Landmarks whose circle ``point`` lies in, the nearest first."""
        around = [(sight.point.metres_to(point), sight) for sight in self._sights.values()]
        return tuple(sight for metres, sight in sorted(around, key=lambda pair: pair[0]) if metres <= sight.radius_m)

    def assets(self, key: str) -> tuple[Numbered, ...]:
        """Assets of that id, hyphens and the like left out."""
        return tuple(map(_numbered, self._ask(f"SELECT {_ASSET} FROM assets WHERE key = ? ORDER BY id", (key,))))  # noqa: S608

    def assets_on(self, street: str, tail: str) -> tuple[Numbered, ...]:
        """Assets on a street whose id ends in ``tail``: pole 12 of Main Street."""
        query = f"SELECT {_ASSET} FROM assets WHERE tail = ? AND street = ? ORDER BY id"  # noqa: S608
        return tuple(map(_numbered, self._ask(query, (tail, street))))

    # ---- points ----------------------------------------------------------------------------------------------------

    def houses_around(self, point: Point) -> list[tuple[float, House]]:
        """Listed houses within some 200 metres, with their distance in metres, the nearest first."""
        step = 1 / _CELLS_A_DEGREE
        cells = [
            cell(Point(point.lat + down * step, point.lon + across * step))
            for down in (-1, 0, 1)
            for across in (-1, 0, 1)
        ]
        marks = ",".join("?" * len(cells))
        query = f"SELECT street, low, high, suffix, number, lat, lon FROM addresses WHERE cell IN ({marks})"  # noqa: S608
        rows = self._ask(query, cells)
        houses = [_house(row) for row in rows]
        return sorted(((house.point.metres_to(point), house) for house in houses), key=lambda pair: pair[0])

    def areas_at(self, point: Point) -> dict[str, str]:
        """Layer → name of the area that ``point`` lies in."""
        place = shapely.Point(point.lon, point.lat)
        found: dict[str, str] = {}
        for index in sorted(self._tree.query(place, predicate="intersects").tolist()):
            layer, name = self._areas[index]
            if layer:
                found.setdefault(layer, name)
        return found

    def extent(self) -> tuple[float, float, float, float] | None:
        """West, south, east and north end of the city, degrees; None without a boundary."""
        borders = [shape.bounds for shape, (layer, _) in zip(self._shapes, self._areas, strict=True) if not layer]
        if not borders:
            return None
        return (
            min(b[0] for b in borders), min(b[1] for b in borders), max(b[2] for b in borders),
            max(b[3] for b in borders),
        )  # fmt: skip

    def street_at(self, point: Point, within_m: float) -> str:
        """The street that runs by nearest; empty for none within that many metres."""
        tree, streets = self._lines()
        if not streets:
            return ""
        nearest = int(tree.nearest(shapely.Point(point.lon, point.lat)))
        street = streets[nearest]
        from_it = along_metres(self.stretches(street), point)
        return self.streets[street] if from_it <= within_m else ""

    def contains(self, point: Point, tolerance_m: float = 0.0) -> bool:
        """Whether ``point`` lies in the city, or not further outside than ``tolerance_m``; True without a boundary."""
        borders = [shape for shape, (layer, _) in zip(self._shapes, self._areas, strict=True) if not layer]
        if not borders:
            return True
        place = shapely.Point(point.lon, point.lat)
        # Degrees of longitude are shorter than those of latitude: so this is generous, never strict.
        return any(border.intersects(place) or border.distance(place) * 111_195 <= tolerance_m for border in borders)


def along_metres(stretches: tuple[Stretch, ...], point: Point) -> float:
    """From ``point`` to the nearest of the stretches, metres; infinite where there is none."""
    return min(
        (_to_segment(point, one, two) for stretch in stretches for one, two in pairwise(stretch.points)),
        default=math.inf,
    )


def _to_segment(point: Point, one: Point, two: Point) -> float:
    scale = math.cos(math.radians(point.lat))
    px, py = (point.lon - one.lon) * scale, point.lat - one.lat
    dx, dy = (two.lon - one.lon) * scale, two.lat - one.lat
    length = dx * dx + dy * dy
    share = 0.0 if length == 0 else max(0.0, min(1.0, (px * dx + py * dy) / length))
    return METRES_A_DEGREE * math.hypot(px - share * dx, py - share * dy)


def _digits(text: str) -> str:
    return "".join(letter for letter in text if letter.isdigit())


_ASSET = "id, kind, street, owner, description, lat, lon"


def _house(row: Any) -> House:
    return House(row[0], row[1], row[2], row[3], row[4], Point(row[5], row[6]))


def _numbered(row: Any) -> Numbered:
    return Numbered(Asset(row[0], row[1], row[3], row[4]), row[2], Point(row[5], row[6]))


def _difference(told: Name, listed: Name) -> float:
    cost = 0.0
    if told.type != listed.type:
        cost += _NO_TYPE if not told.type else _NO_SUCH_TYPE if not listed.type else _ANOTHER_TYPE
    if told.direction != listed.direction:
        cost += _ANOTHER_DIRECTION if told.direction and listed.direction else _NO_DIRECTION
    return cost
