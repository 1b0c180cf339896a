"""Places, opened once a process: words or a pin become a point, a question, or somebody else's place."""

from __future__ import annotations

import time
from pathlib import Path

import structlog

from city311.city import Pack
from city311.city.model import Service
from city311.city.places import PlaceNames, Responsible
from city311.connectors.geocoding import Around, Match
from city311.connectors.model import ConnectorError
from city311.places import responsible
from city311.places.build import ensure
from city311.places.gazetteer import Gazetteer
from city311.places.geocoder import Geocoder, geocoder
from city311.places.locate import Locator
from city311.places.model import Ambiguous, Finding, Kind, Outside, Place, Point, Question, Unknown

log = structlog.get_logger(__name__)

_BUDGET_S = 2.0
"""Seconds a geocoder elsewhere may take in all; a turn has eight."""
_ASKS_ELSEWHERE = frozenset({Question.WHERE, Question.NO_SUCH_NUMBER, Question.NO_SUCH_CORNER, Question.WHERE_ALONG})
_MOST_OFFERED = 4


class Places:
    """Safe to share between threads."""

    def __init__(self, locator: Locator, names: PlaceNames, elsewhere: Geocoder | None = None, *, only: bool = False,
                 least_score: float = 0.8) -> None:  # fmt: skip
        """
        Args:
            elsewhere: asked for words that the city's lists do not have.
            only: ask nothing but ``elsewhere`` for words; corners, blocks, poles and landmarks stay with the lists.
            least_score: below it a match from elsewhere is offered, not taken.
        """
        self._locator = locator
        self._names = names
        self._elsewhere = elsewhere
        self._only = only
        self._least = least_score

    def find(self, text: str, *, budget_s: float = _BUDGET_S) -> Finding:
        """What a resident's words mean. A geocoder that is down never shows: then the lists alone answer."""
        found = self._locator.find(text)
        if self._elsewhere is None or not self._is_worth_asking(found):
            return found
        started = time.monotonic()
        try:
            matches = self._elsewhere.search(text[:200], budget_s=budget_s)
        except ConnectorError:
            return found
        except Exception:  # a geocoder's fault is no resident's
            log.warning("geocoder failed", exc_info=False, seconds=round(time.monotonic() - started, 1))
            return found
        return self._from_elsewhere(matches) or found

    def at(self, point: Point) -> Place | Outside:
        """What lies at a pin."""
        return self._locator.at(point)

    def zip_at(self, point: Point) -> str:
        """The ZIP code of a point; empty where the city's map of them does not have it."""
        return self._locator.areas(point).get("zip", "")

    def whose(self, place: Place, service: Service) -> Responsible | None:
        """Who looks after this place for this service instead of the city; None for the city."""
        return responsible.whose(self._names, place, service)

    def _is_worth_asking(self, found: Finding) -> bool:
        if isinstance(found, Unknown):
            return found.question in _ASKS_ELSEWHERE
        if isinstance(found, Place):
            return self._only and found.kind in (Kind.ADDRESS, Kind.INTERPOLATED)
        return False

    def _from_elsewhere(self, matches: list[Match]) -> Finding | None:
        inside: list[tuple[Match, Place]] = []
        for match in matches:
            if not match.exact or not match.label or not -90 <= match.lat <= 90 or not -180 <= match.lon <= 180:
                continue
            here = self._locator.at(Point(match.lat, match.lon))
            if isinstance(here, Outside):
                continue
            streets = (match.street,) if match.street else here.streets
            inside.append((match, self._locator.labelled(here, match.label, match.score, streets)))
        if not inside:
            return None
        best, place = inside[0]
        apart = [other for match, other in inside[1:] if other.point.metres_to(place.point) > 60 and match.score
                 >= best.score - 0.1]  # fmt: skip
        if best.score >= self._least and not apart:
            return place
        offered = {each.label: each for each in (place, *apart)}
        return Ambiguous(tuple(offered.values())[:_MOST_OFFERED])


def open_places(pack: Pack, data: Path, api_key: str = "") -> Places | None:
    """The places of this installation; None where the pack has none, and then words are taken as they are.

    Args:
        data: folder for what is made from the pack (``var/``).
        api_key: of the geocoder in ``connectors.yml``.

    Raises:
        PackError: the pack's lists cannot be used.
    """
    if pack.places is None:
        return None
    gazetteer = Gazetteer(ensure(pack, data))
    config = pack.geocoder
    if config is None:
        return Places(Locator(gazetteer, pack.places), pack.places)
    extent = gazetteer.extent()
    around = Around(*extent) if extent else None
    return Places(
        Locator(gazetteer, pack.places),
        pack.places,
        geocoder(config, around, api_key),
        only=config.order == "only",
        least_score=config.least_score,
    )
