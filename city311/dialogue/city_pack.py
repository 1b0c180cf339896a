"""The city pack of this process: reading and checking one takes a good part of a start, so it is done once."""

from __future__ import annotations

import functools
from pathlib import Path

from city311 import settings
from city311.city.load import load_pack
from city311.city.model import Pack


def city_pack() -> Pack:
    """The pack that the setting ``CITY`` names. Raises PackError when it cannot be used."""
    return _read(settings.load().city)


@functools.cache
def _read(folder: Path) -> Pack:
    return load_pack(folder)
