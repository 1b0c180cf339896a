"""Distances in the units and words of a resident's language (CLDR, through Babel)."""

from __future__ import annotations

import math

from babel import Locale
from babel.units import format_unit

_FEET_IN_A_METRE = 3.28084
_IN_FEET = frozenset({"US", "LR", "MM"})


def distance_words(metres: float, language: str, country: str) -> str:
    """A short distance, rounded up to ten: "40 feet" in the US, "20 meters" elsewhere."""
    feet = country.upper() in _IN_FEET
    length = metres * _FEET_IN_A_METRE if feet else metres
    unit = "length-foot" if feet else "length-meter"
    rounded = max(10, math.ceil(length / 10) * 10)
    try:
        locale = Locale.parse(language.replace("-", "_") or "en")
    except ValueError:  # Babel's UnknownLocaleError is no ValueError
        locale = Locale.parse("en")
    return str(format_unit(rounded, unit, locale=locale))
