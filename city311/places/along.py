"""House numbers along a street: as listed, between listed neighbours, by the ranges of the street lines, or between
neighbours on the other side."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from city311.places.gazetteer import Gazetteer, House
from city311.places.model import Kind, Point

LISTED, OTHER_SUFFIX, BETWEEN, IN_RANGE, OPPOSITE = 0.0, 0.15, 0.45, 0.7, 0.8
"""What a house number adds to the cost of a place, by how it was found."""
_FROM_THE_STREET_M = 15.0
"""How far from the middle of the street a house is taken to be. (Median of Cambridge's parcels: 21.)"""
_WIDEST_GAP, _WIDEST_GAP_M = 24, 160.0
_LONGEST_BLOCK = 100


@dataclass(frozen=True)
class HouseNumber:
    """A house number as told. ``high`` is the end of a range, else ``low``; ``told`` is all of it."""

    low: int
    high: int
    suffix: str = ""
    told: str = ""

    @property
    def text(self) -> str:
        after = f" {self.suffix}" if self.suffix.startswith("1/2") else self.suffix.upper()
        return f"{self.low}{after}" + (f"-{self.high}" if self.high > self.low else "")


@dataclass(frozen=True)
class Spot:
    """A point along a street. ``number`` is how it is labelled."""

    kind: Kind
    point: Point
    number: str
    cost: float


def house(gazetteer: Gazetteer, street: int, number: HouseNumber) -> Spot | None:
    """Where a house is; None where the street has no such number."""
    listed = gazetteer.houses(street)
    return (
        _listed(listed, number)
        or _between([each for each in listed if (each.low - number.low) % 2 == 0], number, BETWEEN)
        or _in_range(gazetteer, street, number)
        or _between(listed, number, OPPOSITE)
    )


def _listed(houses: tuple[House, ...], number: HouseNumber) -> Spot | None:
    """The house of that number; else the one whose range holds it; else that number with another suffix."""
    best: tuple[tuple[bool, bool, bool, bool, bool, int], House] | None = None
    for each in houses:
        if each.low > number.low:
            break
        if not each.low <= number.low <= each.high:
            continue
        if each.low != number.low and (each.low - number.low) % 2:
            continue
        rank = (
            _plain(each.number) != _plain(number.told),
            each.low != number.low,
            each.suffix != number.suffix,
            each.high != number.high,
            bool(each.suffix),
            each.high - each.low,
        )
        if best is None or rank < best[0]:
            best = (rank, each)
    if best is None:
        return None
    rank, each = best
    if not rank[0]:
        return Spot(Kind.ADDRESS, each.point, each.number, LISTED)
    another = bool(rank[2])
    text = number.text if rank[1] or (another and number.suffix) else each.number
    return Spot(Kind.ADDRESS, each.point, text, OTHER_SUFFIX if another else LISTED)


def _plain(number: str) -> str:
    return number.casefold().replace(" ", "")


def _between(houses: Sequence[House], number: HouseNumber, cost: float) -> Spot | None:
    """Between the nearest listed numbers."""
    below = max((each for each in houses if 0 < each.low < number.low), key=lambda each: each.low, default=None)
    above = min((each for each in houses if each.low > number.low), key=lambda each: each.low, default=None)
    if below is None or above is None or above.low - below.high > _WIDEST_GAP:
        return None
    if below.point.metres_to(above.point) > _WIDEST_GAP_M:
        return None
    share = (number.low - below.low) / (above.low - below.low)
    return Spot(Kind.INTERPOLATED, _part(below.point, above.point, share), number.text, cost)


def _in_range(gazetteer: Gazetteer, street: int, number: HouseNumber) -> Spot | None:
    """By the street line whose range holds the number: what most geocoders do."""
    point = interpolated(gazetteer, street, number.low)
    return Spot(Kind.INTERPOLATED, point, number.text, IN_RANGE) if point is not None else None


def interpolated(gazetteer: Gazetteer, street: int, number: int) -> Point | None:
    """Range interpolation alone: the point beside the street line; None where no range holds the number."""
    for stretch in gazetteer.stretches(street):
        for (first, last), side in ((stretch.left, 1), (stretch.right, -1)):
            if not first or not last or (number - first) % 2:
                continue
            if not min(first, last) <= number <= max(first, last):
                continue
            share = 0.5 if first == last else (number - first) / (last - first)
            return _beside(stretch.points, share, side)
    return None


def block(gazetteer: Gazetteer, street: int, first: int, last: int) -> Spot | None:
    """The middle of the houses numbered ``first`` to ``last``; None where there are none."""
    inside = [each for each in gazetteer.houses(street) if first <= each.low <= last]
    text = f"{first}-{last}"
    if inside:
        middle = Point(
            sum(each.point.lat for each in inside) / len(inside), sum(each.point.lon for each in inside) / len(inside)
        )
        return Spot(Kind.BLOCK, middle, text, LISTED)
    found = [
        point
        for number in range(first, min(last, first + _LONGEST_BLOCK) + 1)
        if (point := interpolated(gazetteer, street, number)) is not None
    ]
    return Spot(Kind.BLOCK, found[len(found) // 2], text, BETWEEN) if found else None


def _part(one: Point, two: Point, share: float) -> Point:
    return Point(one.lat + (two.lat - one.lat) * share, one.lon + (two.lon - one.lon) * share)


def _beside(points: tuple[Point, ...], share: float, side: int) -> Point:
    """The point at ``share`` of the line's length, moved to its left (1) or right (-1)."""
    lengths = [one.metres_to(two) for one, two in pairwise(points)]
    left = share * sum(lengths)
    for index, length in enumerate(lengths):
        if left <= length or index == len(lengths) - 1:
            one, two = points[index], points[index + 1]
            on = _part(one, two, min(1.0, left / length) if length else 0.0)
            if not length:
                return on
            scale = math.cos(math.radians(on.lat))
            east, north = (two.lon - one.lon) * scale / length, (two.lat - one.lat) / length
            away = _FROM_THE_STREET_M * side
            return Point(on.lat + east * away, on.lon - north * away / scale)
        left -= length
    return points[-1]
