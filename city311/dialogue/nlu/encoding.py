"""Where the dialogue process finds its sentence encoder."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from city311 import settings
from city311.language import encoder
from city311.language.encoder_build import build

_FOLDER = "encoder-5"
"""Counts up when the same weights are built in another way: models that were trained before keep theirs."""

_building = threading.Lock()


def encoder_for(configured: str) -> encoder.Encoder:
    """The encoder in the folder ``configured``, or in ``CITY311_ENCODER``, or the house's own.

    The house's own (``models/encoder-5``) is built when it is not there yet.

    Raises:
        EncoderError: it is missing, damaged, or cannot be built.
    """
    chosen = configured or os.environ.get("CITY311_ENCODER", "")
    if chosen:
        return encoder.load(Path(chosen))
    with _building:
        return encoder.load(build(settings.HOUSE / "models" / _FOLDER))
