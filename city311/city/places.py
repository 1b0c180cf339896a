"""What ``places/places.yml`` of a city pack says: names of streets and kinds, and who is responsible where.

The lists of places beside it are read by :mod:`city311.places`. Runs in both environments, so: standard library only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from city311.city.yaml_lines import Path_

TELL, REFER = "tell", "refer"


@dataclass(frozen=True)
class Neighbor:
    """A town next door. ``names`` holds every word that residents call it by."""

    code: str
    name: str
    names: tuple[str, ...]
    phone: str = ""
    website: str = ""


@dataclass(frozen=True)
class Responsible:
    """Who looks after some places instead of the city, for the services of ``groups`` or with a code in ``services``
    (both empty: for every service).

    Attributes:
        tell: what the resident is told.
        action: ``tell`` files nothing; ``refer`` files for ``department``, which passes it on.
        streets, areas: names of streets and of landmarks.
        asset_owners, asset_descriptions: as in ``assets.tsv``.
    """

    code: str
    name: str
    tell: str
    action: str
    phone: str = ""
    website: str = ""
    department: str = ""
    groups: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    streets: tuple[str, ...] = ()
    areas: tuple[str, ...] = ()
    asset_owners: tuple[str, ...] = ()
    asset_descriptions: tuple[str, ...] = ()


@dataclass(frozen=True)
class PlaceNames:
    """The whole file.

    Attributes:
        city_names, states: words after an address that say no more than "in our city".
        aliases: popular name of a street → its name in the lists.
        kinds: kind of landmark → what people call it.
        outside: what is told of a place outside the boundary that no neighbor is known for.
    """

    source: str = ""
    city_names: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)
    kinds: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    neighbors: tuple[Neighbor, ...] = ()
    responsible: tuple[Responsible, ...] = ()
    outside: str = ""


def place_names(data: Mapping[str, Any], words: Any) -> PlaceNames:
    """From the file's data; ``words`` turns a text of the pack into its source string."""
    return PlaceNames(
        source=data.get("source", ""),
        city_names=tuple(data.get("city_names", ())),
        states=tuple(data.get("states", ())),
        aliases=dict(data.get("aliases", {})),
        kinds={kind: tuple(called) for kind, called in data.get("kinds", {}).items()},
        neighbors=tuple(
            Neighbor(
                code, entry["name"], (entry["name"], *entry.get("also", ())), entry.get("phone", ""),
                entry.get("website", ""),
            )
            for code, entry in data.get("neighbors", {}).items()
        ),
        responsible=tuple(
            Responsible(
                code=code,
                name=words(entry["name"]),
                tell=words(entry["tell"]),
                action=entry["action"],
                phone=entry.get("phone", ""),
                website=entry.get("website", ""),
                department=entry.get("department", ""),
                groups=tuple(entry.get("groups", ())),
                services=tuple(entry.get("services", ())),
                streets=tuple(entry.get("streets", ())),
                areas=tuple(entry.get("areas", ())),
                asset_owners=tuple(entry.get("assets", {}).get("owners", ())),
                asset_descriptions=tuple(entry.get("assets", {}).get("descriptions", ())),
            )
            for code, entry in data.get("responsible", {}).items()
        ),
        outside=words(data["outside"]["tell"]) if "outside" in data else "",
    )  # fmt: skip


def known_kinds(folder: Path, data: Mapping[str, Any]) -> list[str]:
    """Kinds of landmarks: those that have names, and those of the list."""
    path = folder / "places" / "landmarks.tsv"
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()[1:] if path.is_file() else []
    listed = {line.split("\t")[1] for line in lines if line.count("\t") > 1}
    return sorted({*data.get("kinds", {}), *listed})


def unknown_names(
    data: Mapping[str, Any], departments: Mapping[str, Any], groups: Mapping[str, Any], services: Mapping[str, Any]
) -> Iterator[tuple[Path_, str, str, list[str]]]:
    """Departments, groups and services that the rules name and the pack does not have: where, what, which, known."""
    for code, rule in data.get("responsible", {}).items():
        at: Path_ = ("responsible", code)
        if rule["action"] == REFER and "department" not in rule:
            yield (*at, "action"), "department", "", list(departments)
        if "department" in rule and rule["department"] not in departments:
            yield (*at, "department"), "department", rule["department"], list(departments)
        for kind, known in (("groups", groups), ("services", services)):
            for index, name in enumerate(rule.get(kind, ())):
                if name not in known:
                    yield (*at, kind, index), kind[:-1], name, list(known)
