"""Which department gets a request: the service's own, or another one under conditions of the city pack.

Runs in both environments, so: standard library only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from city311.city.yaml_lines import Path_

OPEN, CLOSED = "open", "closed"


@dataclass(frozen=True)
class Route:
    """Conditions, all of which must hold, and the code of the department that then gets the request.

    Attributes:
        landmark_kinds: the place is, or lies in, a landmark of one of these kinds.
        areas: layer → names of areas, one of which the place lies in.
        asset_owners, asset_descriptions: of the pole or the like that the place is.
        answers: question code → answer codes, one of which was given.
        hours: ``open`` or ``closed``: whether the office is, at the time of the report; empty for any time.
    """

    department: str
    landmark_kinds: tuple[str, ...] = ()
    areas: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    asset_owners: tuple[str, ...] = ()
    asset_descriptions: tuple[str, ...] = ()
    answers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    hours: str = ""

    def fits(self, place: Mapping[str, str], answers: Mapping[str, Sequence[str]], *, is_open: bool) -> bool:
        """Whether the conditions hold.

        Args:
            place: what is known of the place: layer → area, ``landmark_kind``, ``asset_owner``, ``asset_description``.
            answers: question code → answer codes.
            is_open: whether the office is open.
        """
        return (
            (not self.landmark_kinds or place.get("landmark_kind", "") in self.landmark_kinds)
            and all(place.get(layer, "") in names for layer, names in self.areas.items())
            and (not self.asset_owners or place.get("asset_owner", "") in self.asset_owners)
            and (not self.asset_descriptions or place.get("asset_description", "") in self.asset_descriptions)
            and all(set(answers.get(code, ())) & set(values) for code, values in self.answers.items())
            and (not self.hours or (self.hours == OPEN) is is_open)
        )


def routes(entries: Sequence[Mapping[str, Any]]) -> tuple[Route, ...]:
    """The routes of a service, in the pack's order."""
    return tuple(_route(entry["department"], entry["when"]) for entry in entries)


def _route(department: str, when: Mapping[str, Any]) -> Route:
    return Route(
        department=department,
        landmark_kinds=tuple(when.get("landmark_kind", ())),
        areas={layer: tuple(names) for layer, names in when.get("areas", {}).items()},
        asset_owners=tuple(when.get("asset_owner", ())),
        asset_descriptions=tuple(when.get("asset_description", ())),
        answers={code: tuple(values) for code, values in when.get("answers", {}).items()},
        hours=when.get("hours", ""),
    )


def wrong_routes(
    at: Path_, service: Mapping[str, Any], departments: Mapping[str, Any], kinds: Sequence[str]
) -> Iterator[tuple[Path_, str, str, list[str]]]:
    """What the routes of a service name and the pack does not have: where, what kind of thing, its name, known ones."""
    questions = {question["code"]: question for question in service.get("questions", [])}
    for index, entry in enumerate(service.get("routes", [])):
        here: Path_ = (*at, "routes", index)
        if entry["department"] not in departments:
            yield (*here, "department"), "department", entry["department"], list(departments)
        for kind in entry["when"].get("landmark_kind", ()):
            if kind not in kinds:
                yield (*here, "when", "landmark_kind"), "landmark_kind", kind, list(kinds)
        for code, values in entry["when"].get("answers", {}).items():
            if code not in questions:
                yield (*here, "when", "answers", code), "question", code, list(questions)
                continue
            known = [choice["code"] for choice in questions[code].get("choices", [])]
            known = ["yes", "no"] if questions[code]["type"] == "yes_no" else known
            for value in values:
                if known and value not in known:
                    yield (*here, "when", "answers", code), "answer", value, known
