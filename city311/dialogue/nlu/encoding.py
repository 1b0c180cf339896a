"""Where the dialogue process finds its sentence encoder."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from city311 import settings
from city311.language import encoder
from city311.language.encoder_build import VERSION, build

_building = threading.Lock()


def encoder_for(configured: str) -> encoder.Encoder:
    """The encoder in the folder ``configured``, or in ``CITY311_ENCODER``, or the house's own.

    The house's own (``models/encoder-<version>``) is built when it is not there yet.

    Raises:
        EncoderError: it is missing, damaged, or cannot be built.
    """
    chosen = configured or os.environ.get("CITY311_ENCODER", "")
    if chosen:
        return encoder.load(Path(chosen))
    with _building:
        return encoder.load(build(settings.HOUSE / "models" / f"encoder-{VERSION}"))
