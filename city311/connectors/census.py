"""US Census geocoder (https://geocoding.geo.census.gov/geocoder/): no key, addresses only, range interpolation."""

from __future__ import annotations

from city311.connectors.geocoding import Match, Remote, number, record, rows, words

_BENCHMARK = "Public_AR_Current"


class Census(Remote):
    """``/locations/onelineaddress``. A miss is an empty list with status 200. It names no address for a point."""

    def search(self, text: str, *, budget_s: float) -> list[Match]:
        """Places for ``text``, best first. The town is added (``locality``), as it knows no bounds.

        Raises:
            SystemUnavailable, SystemRefused
        """
        address = f"{text}, {self._config.locality}" if self._config.locality else text
        query = [("address", address), ("benchmark", _BENCHMARK), ("format", "json")]
        found = record(self._ask("/locations/onelineaddress", query, budget_s=budget_s))
        matches = []
        for row in rows(record(found.get("result")).get("addressMatches")):
            at, parts = record(row.get("coordinates")), record(row.get("addressComponents"))
            lon, lat = number(at.get("x")), number(at.get("y"))
            if lat is None or lon is None:
                continue
            label = words(row.get("matchedAddress")).split(",")[0].title()
            street = words(parts.get("streetName")).title()
            matches.append(Match(lat, lon, label, 0.85, True, street, words(parts.get("zip"))))
        return matches

    def reverse(self, lat: float, lon: float, *, budget_s: float) -> Match | None:  # noqa: ARG002 - the port's form
        """Nothing: the service knows areas at a point, but no address."""
        return None
