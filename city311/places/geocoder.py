"""What this capability asks of a geocoder elsewhere. ``city311/connectors/nominatim.py`` is one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from city311.city.model import GeocoderConfig
from city311.connectors.arcgis import ArcGis
from city311.connectors.census import Census
from city311.connectors.geocoding import Around, Match
from city311.connectors.nominatim import Nominatim
from city311.connectors.pelias import Pelias


class Geocoder(Protocol):
    """Errors are those of :mod:`city311.connectors.model`. Budgets are seconds."""

    def search(self, text: str, *, budget_s: float) -> list[Match]:
        """Places for an address, best first; none where it finds none."""

    def reverse(self, lat: float, lon: float, *, budget_s: float) -> Match | None:
        """What lies at a point (WGS 84 degrees); None where nothing is known."""


_KINDS: dict[str, Callable[[GeocoderConfig, Around | None, str], Geocoder]] = {
    "nominatim": Nominatim,
    "pelias": Pelias,
    "census": Census,
    "arcgis": ArcGis,
}


def geocoder(config: GeocoderConfig, around: Around | None, api_key: str) -> Geocoder:
    """The geocoder of ``connectors.yml``.

    Raises:
        ValueError: its url is no HTTP address.
    """
    return _KINDS[config.kind](config, around, api_key)
