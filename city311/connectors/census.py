"""US Census geocoder (https://geocoding.geo.census.gov/geocoder/): no key, addresses only, range interpolation."""

from __future__ import annotations

import requests

from city311.city.model import GeocoderConfig
from city311.connectors.breaker import Breaker
from city311.connectors.geocoding import Around, Channel, Match, number, record, rows, words

_BENCHMARK = "Public_AR_Current"


class Census:
    """``/locations/onelineaddress``. A miss is an empty list with status 200. It names no address for a point."""

    def __init__(
        self,
        config: GeocoderConfig,
        _around: Around | None,
        _api_key: str = "",
        *,
        session: requests.Session | None = None,
        breaker: Breaker | None = None,
    ) -> None:
        self._config = config
        self._channel = Channel(config, session=session, breaker=breaker)

    def search(self, text: str, *, budget_s: float) -> list[Match]:
        """Places for ``text``, best first. The town is added (``locality``), as it knows no bounds.

        Raises:
            SystemUnavailable, SystemRefused
        """
        address = f"{text}, {self._config.locality}" if self._config.locality else text
        query = [("address", address), ("benchmark", _BENCHMARK), ("format", "json")]
        found = record(self._channel.ask("/locations/onelineaddress", query, budget_s=budget_s))
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
