"""Pelias (https://github.com/pelias/documentation): GeoJSON, longitude first."""

from __future__ import annotations

from typing import Any

from city311.connectors.geocoding import Match, Remote, number, record, rows, words

_EXACT = frozenset({"address", "venue", "intersection"})


class Pelias(Remote):
    """``/v1/search`` and ``/v1/reverse``."""

    def search(self, text: str, *, budget_s: float) -> list[Match]:
        """Places for ``text``, best first.

        Raises:
            SystemUnavailable, SystemRefused
        """
        query = [("text", text), ("size", "5"), *self._key()]
        if self._config.country:
            query.append(("boundary.country", self._config.country.upper()))
        if (box := self._around) is not None:
            query += [
                ("boundary.rect.min_lon", str(box.west)), ("boundary.rect.min_lat", str(box.south)),
                ("boundary.rect.max_lon", str(box.east)), ("boundary.rect.max_lat", str(box.north)),
            ]  # fmt: skip
        found = record(self._ask("/v1/search", query, budget_s=budget_s))
        return [match for row in rows(found.get("features")) if (match := _match(row)) is not None]

    def reverse(self, lat: float, lon: float, *, budget_s: float) -> Match | None:
        """What lies at a point; None where nothing does.

        Raises:
            SystemUnavailable, SystemRefused
        """
        query = [("point.lat", f"{lat:.6f}"), ("point.lon", f"{lon:.6f}"), ("size", "1"), *self._key()]
        found = record(self._ask("/v1/reverse", query, budget_s=budget_s))
        return next((match for row in rows(found.get("features")) if (match := _match(row)) is not None), None)

    def _key(self) -> list[tuple[str, str]]:
        return [("api_key", self._api_key)] if self._api_key else []


def _match(row: Any) -> Match | None:
    coordinates = record(row.get("geometry")).get("coordinates")
    if not isinstance(coordinates, list) or len(coordinates) < 2:
        return None
    lon, lat = number(coordinates[0]), number(coordinates[1])
    if lat is None or lon is None:
        return None
    told = record(row.get("properties"))
    exact = words(told.get("layer")) in _EXACT and words(told.get("accuracy")) != "centroid_of_street"
    label = words(told.get("name")) or words(told.get("label"))
    score = number(told.get("confidence"))
    return Match(
        lat, lon, label, score if score is not None else 0.5, exact, words(told.get("street")),
        words(told.get("postalcode")),
    )  # fmt: skip
