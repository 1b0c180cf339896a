"""Where the dialogue process finds its sentence encoder."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from city311 import settings
from city311.language import encoder
from city311.language.encoder_build import build, fingerprint

_SHOWN = 12
"""Characters of a fingerprint that name a folder."""
_building = threading.Lock()


def encoder_for(configured: str) -> encoder.Encoder:
    """The encoder in the folder ``configured``, or in ``CITY311_ENCODER``, or the house's own.

    The house's own is built when it is not there yet.

    Raises:
        EncoderError: it is missing, damaged, or cannot be built.
    """
    chosen = configured or os.environ.get("CITY311_ENCODER", "")
    if chosen:
        return encoder.load(Path(chosen))
    with _building:
        return encoder.load(build(house_folder()))


def house_folder() -> Path:
    """Where the house's own encoder is built: ``models/encoder-<beginning of its fingerprint>``."""
    return settings.HOUSE / "models" / f"encoder-{fingerprint()[:_SHOWN]}"
