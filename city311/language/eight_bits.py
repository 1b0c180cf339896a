"""Large tables of a model in 8 bits, half the size of 16."""

from __future__ import annotations

from typing import Any

import numpy as np

_LARGEST = 127


def packed(rows: Any) -> tuple[Any, Any]:
    """``rows`` as whole numbers from -127 to 127, and what those of each row must be multiplied by, ``(rows, 1)``."""
    scales = np.maximum(np.abs(rows).max(axis=1, keepdims=True), 1e-6) / np.float32(_LARGEST)
    return np.rint(rows / scales).astype(np.int8), scales
