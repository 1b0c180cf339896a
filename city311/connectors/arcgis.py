"""ArcGIS locators, Esri's or a city's own (https://developers.arcgis.com/rest/geocode/api-reference/): longitude first,
and errors arrive with status 200. Esri bills results that are kept, which must be asked for (``forStorage``)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from city311.connectors.geocoding import Match, Remote, number, record, rows, words
from city311.connectors.model import SystemRefused, SystemUnavailable
from city311.connectors.transport import Form

_EXACT = frozenset({"pointaddress", "subaddress", "streetaddress", "streetint", "streetaddressext", "poi"})
_TOKEN_PROBLEMS = frozenset({498, 499})


class ArcGis(Remote):
    """``findAddressCandidates`` and ``reverseGeocode`` of the locator at ``url`` (it ends in ``GeocodeServer``)."""

    def _headers(self) -> Mapping[str, str]:
        # In the header, not in the address: addresses end up in proxies' logs.
        return {"X-Esri-Authorization": f"Bearer {self._api_key}"} if self._api_key else {}

    def search(self, text: str, *, budget_s: float) -> list[Match]:
        """Places for ``text``, best first.

        Raises:
            SystemUnavailable, SystemRefused
        """
        query = [("SingleLine", text), ("outFields", "*"), ("outSR", "4326"), ("maxLocations", "5"), ("f", "json")]
        query += self._stored()
        if self._config.country:
            query.append(("countryCode", self._config.country.upper()))
        if (box := self._around) is not None:
            query.append(("searchExtent", f"{box.west},{box.south},{box.east},{box.north}"))
        found = self._asked("/findAddressCandidates", query, budget_s)
        return [match for row in rows(found.get("candidates")) if (match := _match(row)) is not None]

    def reverse(self, lat: float, lon: float, *, budget_s: float) -> Match | None:
        """What lies at a point; None where nothing does (error 400 in an answer 200).

        Raises:
            SystemUnavailable, SystemRefused
        """
        query = [("location", f"{lon:.6f},{lat:.6f}"), ("outSR", "4326"), ("f", "json"), *self._stored()]
        try:
            found = self._asked("/reverseGeocode", query, budget_s)
        except SystemRefused as error:
            if error.status == 400:
                return None
            raise
        address = record(found.get("address"))
        label = words(address.get("Address")) or words(address.get("Match_addr"))
        kind = words(address.get("Addr_type")).lower()
        return Match(lat, lon, label, 0.9, kind in _EXACT, "", words(address.get("Postal"))) if label else None

    def _stored(self) -> list[tuple[str, str]]:
        return [("forStorage", "true")] if self._api_key else []

    def _asked(self, path: str, query: Form, budget_s: float) -> Any:
        found = record(self._ask(path, query, budget_s=budget_s))
        error = record(found.get("error"))
        if not error:
            return found
        code = int(number(error.get("code")) or 0)
        if code in _TOKEN_PROBLEMS:
            raise SystemRefused(f"the token is not taken (code {code})", status=code)
        if code >= 500 or code == 429:
            raise SystemUnavailable(f"code {code}")
        raise SystemRefused(f"code {code}", status=code)


def _match(row: Any) -> Match | None:
    at, told = record(row.get("location")), record(row.get("attributes"))
    lon, lat = number(at.get("x")), number(at.get("y"))
    if lat is None or lon is None:
        return None
    score = (number(row.get("score")) or 0.0) / 100.0
    kind = words(told.get("Addr_type")).lower()
    label = words(told.get("ShortLabel")) or words(told.get("StAddr")) or words(row.get("address")).split(",")[0]
    return Match(lat, lon, label, score, kind in _EXACT, words(told.get("StName")), words(told.get("Postal")))
