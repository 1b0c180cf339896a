"""Geocoders over HTTP on a free loopback port: Nominatim, Pelias, US Census and ArcGIS as their documents have it.

Each refuses what the real one would not understand, so that a wrong question fails the test.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from harness.http import Handler, Server

LAT, LON = 42.3951, -71.1285
"""Where 999 Rice St is said to be: on no list, inside Riverbend."""


@dataclass
class Switches:
    """How this server differs."""

    lat: float = LAT
    lon: float = LON
    empty: bool = False
    street_only: bool = False
    score: float = 0.95
    second: bool = False
    fail: int = 0
    fail_status: int = 503
    error_in_200: int = 0
    raw: bytes | None = None
    delay_s: float = 0.0
    key: str = ""


@dataclass
class Asked:
    """One question as it arrived."""

    path: str
    query: dict[str, str]
    headers: dict[str, str]


@dataclass
class Double:
    """A server; use it as a context manager."""

    switches: Switches = field(default_factory=Switches)
    asked: list[Asked] = field(default_factory=list)
    url: str = ""

    def __enter__(self) -> Double:
        double = self

        class Geocoder(Handler):
            def do_GET(self) -> None:
                double._answer(self)

        self._server = Server(Geocoder).__enter__()
        self.url = self._server.url
        return self

    def __exit__(self, *_: object) -> None:
        self._server.__exit__()

    def _answer(self, handler: Handler) -> None:
        parts = urlsplit(handler.path)
        query = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        headers = {name.lower(): value for name, value in handler.headers.items()}
        self.asked.append(Asked(parts.path, query, headers))
        time.sleep(self.switches.delay_s)
        status, body = self._said(parts.path, query, headers)
        handler.reply(status, body)

    def _said(self, path: str, query: dict[str, str], headers: dict[str, str]) -> tuple[int, bytes]:
        if self.switches.fail > 0:
            self.switches.fail -= 1
            return self.switches.fail_status, b"busy"
        if self.switches.raw is not None:
            return 200, self.switches.raw
        routes = {
            "/search": self._nominatim,
            "/reverse": self._nominatim_reverse,
            "/v1/search": self._pelias,
            "/v1/reverse": self._pelias,
            "/geocoder/locations/onelineaddress": self._census,
            "/GeocodeServer/findAddressCandidates": self._arcgis,
            "/GeocodeServer/reverseGeocode": self._arcgis_reverse,
        }
        if path not in routes:
            return 404, b"no such path"
        status, said = routes[path](query, headers)
        return status, json.dumps(said).encode()

    def _points(self) -> list[tuple[float, float]]:
        if self.switches.empty:
            return []
        points = [(self.switches.lat, self.switches.lon)]
        return [*points, (self.switches.lat + 0.003, self.switches.lon)] if self.switches.second else points

    def _nominatim(self, query: dict[str, str], headers: dict[str, str]) -> tuple[int, Any]:
        if query.get("format") != "jsonv2" or not query.get("q") or "python-requests" in headers["user-agent"]:
            return 400, {"error": "bad request"}
        return 200, [self._nominatim_row(lat, lon) for lat, lon in self._points()]

    def _nominatim_reverse(self, query: dict[str, str], _: dict[str, str]) -> tuple[int, Any]:
        if not {"lat", "lon"} <= set(query) or query.get("format") != "jsonv2":
            return 400, {"error": "bad request"}
        if self.switches.empty:
            return 200, {"error": "Unable to geocode"}
        return 200, self._nominatim_row(self.switches.lat, self.switches.lon)

    def _nominatim_row(self, lat: float, lon: float) -> dict[str, Any]:
        house = {} if self.switches.street_only else {"house_number": "999"}
        kind = "road" if self.switches.street_only else "place"
        return {
            "place_id": 1, "osm_type": "way", "osm_id": 1, "lat": f"{lat:.7f}", "lon": f"{lon:.7f}",
            "display_name": "999, Rice Street, Cambridge, 02140, United States", "name": "", "category": "place",
            "type": "house", "addresstype": kind, "importance": 0.00001,
            "address": {**house, "road": "Rice Street", "city": "Cambridge", "postcode": "02140"},
        }  # fmt: skip

    def _pelias(self, query: dict[str, str], _: dict[str, str]) -> tuple[int, Any]:
        if self.switches.key and query.get("api_key") != self.switches.key:
            return 401, {"meta": {"status_code": 401}}
        if not query.get("text") and "point.lat" not in query:
            return 400, {"geocoding": {"errors": ["invalid param 'text'"]}}
        layer = "street" if self.switches.street_only else "address"
        return 200, {
            "type": "FeatureCollection",
            "features": [
                {
                    "type": "Feature",
                    "geometry": {"type": "Point", "coordinates": [lon, lat]},
                    "properties": {
                        "gid": "oa:address:1", "layer": layer, "source": "openaddresses", "name": "999 Rice Street",
                        "housenumber": "999", "street": "Rice Street", "postalcode": "02140", "accuracy": "point",
                        "confidence": self.switches.score, "match_type": "exact",
                        "label": "999 Rice Street, Cambridge, MA, USA",
                    },
                }
                for lat, lon in self._points()
            ],
        }  # fmt: skip

    def _census(self, query: dict[str, str], _: dict[str, str]) -> tuple[int, Any]:
        if not query.get("address") or query.get("benchmark") != "Public_AR_Current" or query.get("format") != "json":
            return 400, {"errors": ["bad request"], "status": "400"}
        matches = [
            {
                "matchedAddress": "999 RICE ST, CAMBRIDGE, MA, 02140",
                "coordinates": {"x": lon, "y": lat},
                "addressComponents": {"fromAddress": "1", "toAddress": "999", "streetName": "RICE", "zip": "02140"},
                "tigerLine": {"side": "L", "tigerLineId": "1"},
            }
            for lat, lon in self._points()
        ]
        return 200, {"result": {"input": {}, "addressMatches": matches}}

    def _arcgis_error(self, query: dict[str, str], headers: dict[str, str]) -> dict[str, Any] | None:
        code = self.switches.error_in_200
        if query.get("f") != "json":
            code = 400
        if self.switches.key and headers.get("x-esri-authorization") != f"Bearer {self.switches.key}":
            code = 499
        return {"error": {"code": code, "message": "it did not work", "details": []}} if code else None

    def _arcgis(self, query: dict[str, str], headers: dict[str, str]) -> tuple[int, Any]:
        if error := self._arcgis_error(query, headers):
            return 200, error
        if not query.get("SingleLine"):
            return 200, {"error": {"code": 400, "message": "no address", "details": []}}
        kind = "StreetName" if self.switches.street_only else "PointAddress"
        return 200, {
            "spatialReference": {"wkid": 4326},
            "candidates": [
                {
                    "address": "999 Rice St, Cambridge, Massachusetts, 02140",
                    "location": {"x": lon, "y": lat},
                    "score": self.switches.score * 100,
                    "attributes": {"Addr_type": kind, "ShortLabel": "999 Rice St", "StName": "Rice", "Postal": "02140"},
                }
                for lat, lon in self._points()
            ],
        }

    def _arcgis_reverse(self, query: dict[str, str], headers: dict[str, str]) -> tuple[int, Any]:
        if error := self._arcgis_error(query, headers):
            return 200, error
        if self.switches.empty:
            return 200, {"error": {"code": 400, "message": "Unable to find address", "details": []}}
        return 200, {
            "address": {"Match_addr": "999 Rice St, Cambridge", "Address": "999 Rice St", "Addr_type": "PointAddress",
                        "Postal": "02140"},
            "location": {"x": LON, "y": LAT},
        }  # fmt: skip
