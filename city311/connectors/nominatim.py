"""Nominatim (https://nominatim.org/release-docs/latest/api/Overview/). Run your own: the public server allows one call
a second."""

from __future__ import annotations

from typing import Any

from city311.connectors.geocoding import Match, Remote, number, record, rows, words

_EXACT = frozenset({"house", "building", "place", "highway_junction"})


class Nominatim(Remote):
    """``/search`` and ``/reverse`` in the form jsonv2."""

    def search(self, text: str, *, budget_s: float) -> list[Match]:
        """Places for ``text``, best first.

        Raises:
            SystemUnavailable, SystemRefused
        """
        query = [("q", text), ("format", "jsonv2"), ("addressdetails", "1"), ("limit", "5")]
        if self._config.country:
            query.append(("countrycodes", self._config.country.lower()))
        if (box := self._around) is not None:
            query += [("viewbox", f"{box.west},{box.north},{box.east},{box.south}"), ("bounded", "1")]
        found = self._ask("/search", query, budget_s=budget_s)
        return [match for row in rows(found) if (match := _match(row)) is not None]

    def reverse(self, lat: float, lon: float, *, budget_s: float) -> Match | None:
        """What lies at a point; None where nothing does (an answer 200 with an error in it).

        Raises:
            SystemUnavailable, SystemRefused
        """
        query = [("lat", f"{lat:.6f}"), ("lon", f"{lon:.6f}"), ("zoom", "18"), ("format", "jsonv2")]
        found = record(self._ask("/reverse", query, budget_s=budget_s))
        return None if "error" in found else _match(found)


def _match(row: Any) -> Match | None:
    lat, lon = number(row.get("lat")), number(row.get("lon"))
    if lat is None or lon is None:
        return None
    address = record(row.get("address"))
    street, house = words(address.get("road")), words(address.get("house_number"))
    exact = bool(house) or words(row.get("addresstype")) in _EXACT
    label = f"{house} {street}".strip() if house else words(row.get("name")) or words(row.get("display_name"))
    # `importance` is how well known a place is, not how well it fits.
    return Match(lat, lon, label, 0.9 if exact else 0.5, exact, street, words(address.get("postcode")))
