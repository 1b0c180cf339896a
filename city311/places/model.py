"""What passes between a resident's words and a point on the map."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

METRES_A_DEGREE = 111_195.0
"""Along a meridian."""


@dataclass(frozen=True)
class Point:
    """WGS 84 degrees."""

    lat: float
    lon: float

    def metres_to(self, other: Point) -> float:
        """Great-circle distance, metres; exact enough within a city."""
        across = math.cos(math.radians((self.lat + other.lat) / 2))
        return METRES_A_DEGREE * math.hypot(self.lat - other.lat, (self.lon - other.lon) * across)


class Kind(str, Enum):
    """What a place was found as."""

    ADDRESS = "address"
    INTERPOLATED = "interpolated"
    """A house number that no list has, placed between its neighbours."""
    BLOCK = "block"
    INTERSECTION = "intersection"
    LANDMARK = "landmark"
    ASSET = "asset"
    PIN = "pin"
    STREET = "street"
    """A street without anything along it; only ever a candidate."""
    GEOCODED = "geocoded"
    """Found by a geocoder elsewhere."""


@dataclass(frozen=True)
class Asset:
    """A numbered thing of the city, such as a light pole."""

    id: str
    kind: str
    owner: str = ""
    description: str = ""


@dataclass(frozen=True)
class Place:
    """A point in the city, with what is known about it.

    Attributes:
        label: how the city writes it ("215 Prospect St").
        confidence: 0 to 1.
        streets: names of the streets it lies on.
        areas: layer → name: ``district``, ``ward``, ``neighborhood``, ``zip`` and whatever the pack has.
        landmark, landmark_kind: what it is, or what it lies in.
    """

    point: Point
    label: str
    kind: Kind
    confidence: float
    streets: tuple[str, ...] = ()
    areas: Mapping[str, str] = field(default_factory=dict)
    landmark: str = ""
    landmark_kind: str = ""
    asset: Asset | None = None

    @property
    def district(self) -> str:
        return self.areas.get("district", "")

    @property
    def ward(self) -> str:
        return self.areas.get("ward", "")

    @property
    def zip(self) -> str:
        return self.areas.get("zip", "")


@dataclass(frozen=True)
class Ambiguous:
    """Several places fit, or one that is not sure: ask which. Best first; labels differ."""

    candidates: tuple[Place, ...]


class Question(str, Enum):
    """What to ask when there is no place to offer."""

    WHERE = "where"
    """Nothing in it names a place."""
    WHICH_HOUSE = "which_house"
    """ "In front of my house"."""
    WHERE_ALONG = "where_along"
    """A street and nothing more; ``Unknown.about`` is its name."""
    NO_SUCH_NUMBER = "no_such_number"
    """The street has no such house; ``about`` is the street."""
    NO_SUCH_CORNER = "no_such_corner"
    """The two streets do not meet; ``about`` names both."""
    WHICH_OF_ITS_KIND = "which_of_its_kind"
    """ "By the library", where there are several; ``about`` is what it was called."""
    NO_SUCH_ASSET = "no_such_asset"
    """``about`` is the number as told."""


@dataclass(frozen=True)
class Unknown:
    """Not found. ``question`` says what would help."""

    question: Question
    about: str = ""


@dataclass(frozen=True)
class Outside:
    """Not in this city. ``neighbor`` is the code of the town, where it is known which; ``point`` where it is known."""

    neighbor: str = ""
    point: Point | None = None


Finding = Place | Ambiguous | Unknown | Outside
"""What became of a resident's words."""
