"""Reads a city pack's lists of places (``places/*.tsv``, ``places/*.geojson``), and says what is wrong with them.

The columns are explained in docs/city-admin.md. Coordinates are WGS 84 degrees, latitude first in the tables and
longitude first in GeoJSON, as each is usually written.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import shapely
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from city311.city import Pack, Problem
from city311.places.model import Point

FOLDER = "places"
_MOST_PROBLEMS = 20
"""A column that is wrong throughout need not be said fourteen thousand times."""
_NUMBER = re.compile(r"(\d{1,7})(?: ?([A-Z]{1,2}|1/2(?: ?[A-Z])?))?(?: ?- ?(\d{1,7})?(?: ?([A-Z]{1,2}|1/2))?)?$")


@dataclass(frozen=True)
class Address:
    """One house. ``high`` is the last number of a range such as 12-14, else ``low``."""

    number: str
    low: int
    high: int
    suffix: str
    street: str
    point: Point


@dataclass(frozen=True)
class StreetLine:
    """A stretch of a street, with the first and last house number on its left and right; 0 means none."""

    street: str
    left: tuple[int, int]
    right: tuple[int, int]
    points: tuple[Point, ...]


@dataclass(frozen=True)
class Intersection:
    """Where streets meet."""

    streets: tuple[str, ...]
    point: Point


@dataclass(frozen=True)
class Landmark:
    """A place with a name. ``at`` is an address or corner of this city, else ``point`` is given."""

    name: str
    kind: str
    names: tuple[str, ...]
    at: str
    point: Point | None
    radius_m: float
    line: int


@dataclass(frozen=True)
class NumberedAsset:
    """A thing with a number of its own."""

    id: str
    kind: str
    street: str
    owner: str
    description: str
    point: Point


@dataclass
class Lists:
    """Everything in the folder."""

    addresses: list[Address] = field(default_factory=list)
    lines: list[StreetLine] = field(default_factory=list)
    intersections: list[Intersection] = field(default_factory=list)
    landmarks: list[Landmark] = field(default_factory=list)
    assets: list[NumberedAsset] = field(default_factory=list)
    areas: dict[str, dict[str, BaseGeometry]] = field(default_factory=dict)
    boundary: BaseGeometry | None = None
    problems: list[Problem] = field(default_factory=list)


def files(folder: Path) -> list[Path]:
    """The files that make up the places of the pack in ``folder``."""
    here = folder / FOLDER
    return sorted([*here.glob("*.tsv"), *here.glob("*.geojson"), *here.glob("areas/*.geojson"), *here.glob("*.yml")])


def read(pack: Pack) -> Lists:
    """All lists of the pack; what cannot be read is in ``problems`` and left out."""
    lists = Lists()
    here = pack.folder / FOLDER

    def table(name: str, columns: tuple[str, ...], row: Callable[[dict[str, str], int], None]) -> None:
        for line, values in _rows(here / name, columns, lists.problems):
            try:
                row(values, line)
            except ValueError as error:
                _problem(lists.problems, here / name, line, str(error))

    table("addresses.tsv", ("number", "street", "lat", "lon"), lambda row, _: lists.addresses.append(_address(row)))
    table(
        "street_lines.tsv",
        ("street", "left_from", "left_to", "right_from", "right_to", "line"),
        lambda row, _: lists.lines.append(_line(row)),
    )
    table(
        "intersections.tsv",
        ("streets", "lat", "lon"),
        lambda row, _: lists.intersections.append(_intersection(row)),
    )
    table(
        "landmarks.tsv",
        ("name", "kind", "also", "at", "radius_m"),
        lambda row, line: lists.landmarks.append(_landmark(row, line)),
    )
    table(
        "assets.tsv",
        ("id", "kind", "street", "owner", "description", "lat", "lon"),
        lambda row, _: lists.assets.append(_asset(row)),
    )
    for path in sorted((here / "areas").glob("*.geojson")):
        lists.areas[path.stem] = _areas(path, lists.problems)
    if (here / "boundary.geojson").is_file():
        parts = list(_areas(here / "boundary.geojson", lists.problems).values())
        lists.boundary = shapely.union_all(parts) if parts else None
    return lists


def _rows(path: Path, columns: tuple[str, ...], problems: list[Problem]) -> Iterator[tuple[int, dict[str, str]]]:
    if not path.is_file():
        return
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        _problem(problems, path, 1, f"It is not UTF-8 text (byte {error.start}).", "Save it as UTF-8.")
        return
    if not lines or tuple(lines[0].split("\t")) != columns:
        remedy = f"Write the columns {', '.join(columns)}, with a tab between them."
        _problem(problems, path, 1, "The first line does not name the columns.", remedy)
        return
    wrong = 0
    for number, text in enumerate(lines[1:], start=2):
        values = text.split("\t")
        if len(values) == len(columns):
            yield number, dict(zip(columns, values, strict=True))
            continue
        wrong += 1
        if wrong <= _MOST_PROBLEMS:
            said = f"The line has {len(values)} columns instead of {len(columns)}."
            _problem(problems, path, number, said, "Put one tab between two columns.")


def _problem(problems: list[Problem], path: Path, line: int, message: str, remedy: str = "Correct this line.") -> None:
    if sum(problem.file == path for problem in problems) < _MOST_PROBLEMS:
        problems.append(Problem(path, line, path.name, message, remedy))


def _point(lat: str, lon: str) -> Point:
    try:
        point = Point(float(lat), float(lon))
    except ValueError:
        raise ValueError(
            f"{lat!r}, {lon!r} are no coordinates; write degrees such as 42.373100 and -71.110600."
        ) from None
    if not (-90 <= point.lat <= 90 and -180 <= point.lon <= 180):
        raise ValueError(f"{lat}, {lon} is no place on earth; latitude comes first.")
    return point


def house_number(text: str) -> tuple[int, int, str] | None:
    """First and last number, and what stands after the first ("A", "1/2", "R"); None where it is no house number."""
    found = _NUMBER.fullmatch(text.strip().upper())
    if not found:
        return None
    low = int(found.group(1))
    high = int(found.group(3) or low)
    # 581-2 numbers a unit, and 100-2 may mean 100-102; only a plain range is one.
    return low, high if low < high <= low + 200 else low, (found.group(2) or "").lower()


def _address(row: dict[str, str]) -> Address:
    number = house_number(row["number"])
    if number is None:
        raise ValueError(f"{row['number']!r} is no house number; write 12, 12A, 12 1/2 or 12-14.")
    if not row["street"].strip():
        raise ValueError("The street is missing.")
    low, high, suffix = number
    return Address(row["number"], low, high, suffix, row["street"].strip(), _point(row["lat"], row["lon"]))


def _line(row: dict[str, str]) -> StreetLine:
    try:
        numbers = [int(row[name] or 0) for name in ("left_from", "left_to", "right_from", "right_to")]
    except ValueError:
        raise ValueError("A house number of the range is no number; write 0 for none.") from None
    points = tuple(_point(*pair.split()) for pair in row["line"].split(",") if len(pair.split()) == 2)
    if len(points) < 2:
        raise ValueError("A line needs two points or more, such as 42.1 -71.1, 42.2 -71.2.")
    return StreetLine(row["street"].strip(), (numbers[0], numbers[1]), (numbers[2], numbers[3]), points)


def _intersection(row: dict[str, str]) -> Intersection:
    streets = tuple(part.strip() for part in row["streets"].split("&") if part.strip())
    if not streets:
        raise ValueError("The streets are missing.")
    return Intersection(streets, _point(row["lat"], row["lon"]))


def _landmark(row: dict[str, str], line: int) -> Landmark:
    if not row["name"].strip() or not row["at"].strip():
        raise ValueError("A landmark needs a name and where it is (at).")
    names = tuple(part.strip() for part in (row["name"], *row["also"].split("|")) if part.strip())
    pair = row["at"].split()
    point = _point(*pair) if re.fullmatch(r"-?\d+\.\d+ -?\d+\.\d+", row["at"].strip()) else None
    try:
        radius = float(row["radius_m"] or 0)
    except ValueError:
        raise ValueError(f"radius_m is {row['radius_m']!r}; write metres.") from None
    return Landmark(names[0], row["kind"].strip(), names, "" if point else row["at"].strip(), point, radius, line)


def _asset(row: dict[str, str]) -> NumberedAsset:
    if not row["id"].strip():
        raise ValueError("The id is missing.")
    return NumberedAsset(
        row["id"].strip(),
        row["kind"].strip(),
        row["street"].strip(),
        row["owner"].strip(),
        row["description"].strip(),
        _point(row["lat"], row["lon"]),
    )


def _areas(path: Path, problems: list[Problem]) -> dict[str, BaseGeometry]:
    try:
        features = json.loads(path.read_text(encoding="utf-8"))["features"]
    except (ValueError, KeyError, TypeError, UnicodeDecodeError) as error:
        line = error.lineno if isinstance(error, json.JSONDecodeError) else 1
        _problem(problems, path, line, "It is no GeoJSON FeatureCollection.", "Export it again as GeoJSON.")
        return {}
    found: dict[str, list[BaseGeometry]] = {}
    for index, feature in enumerate(features):
        try:
            name, geometry = str(feature["properties"]["name"]), shape(feature["geometry"])
            if not geometry.is_valid:
                geometry = geometry.buffer(0)
            if geometry.geom_type not in ("Polygon", "MultiPolygon") or geometry.is_empty:
                raise ValueError
        except (KeyError, TypeError, ValueError, AttributeError, shapely.errors.ShapelyError):
            said = f"Feature {index + 1} is no polygon with a name in its properties."
            _problem(problems, path, 1, said, "Give it a Polygon or MultiPolygon and the property name.")
            continue
        found.setdefault(name, []).append(geometry)
    return {name: shapely.union_all(parts) for name, parts in found.items()}
