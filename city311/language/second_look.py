"""A copy of the sentence encoder for a second look at what may be danger.

Its layers were tuned to tell danger from what only sounds like it (:mod:`city311.dialogue.nlu.tuning`, which is done
once, not in a training). What differs from the published weights is kept in ``second_look.npz``: of each matrix the
directions that matter most, in 8 bits, and all of what is small.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from city311.language.eight_bits import packed

FILE = Path(__file__).with_name("second_look.npz")
DANGER = "danger"
"""Name of the last layer, which the published encoder has not: its columns are no danger, and each danger."""
_DIRECTIONS = 64


def save(target: Path, published: Mapping[str, Any], tuned: Mapping[str, Any]) -> None:
    """Write what differs between ``published`` weights and ``tuned`` ones, of which there may be fewer, or new ones."""
    kept: dict[str, Any] = {}
    for name, values in tuned.items():
        difference = np.asarray(values, np.float32) - published.get(name, np.float32(0))
        if name not in published or difference.ndim < 2:
            kept[name] = difference.astype(np.float16)
            continue
        left, sizes, right = np.linalg.svd(difference, full_matrices=False)
        sizes = np.sqrt(sizes[:_DIRECTIONS])
        for side, rows in (
            ("left", (left[:, :_DIRECTIONS] * sizes).T),
            ("right", right[:_DIRECTIONS] * sizes[:, None]),
        ):
            kept[f"{name}.{side}"], scales = packed(rows)
            kept[f"{name}.{side}.scales"] = scales.astype(np.float32)
    np.savez_compressed(target, **kept)


def weights(published: Mapping[str, Any], source: Path = FILE) -> dict[str, Any]:
    """The tuned weights, by the names of the ``published`` ones."""
    with np.load(source) as kept:
        found = dict(published)
        for name in kept.files:
            if name in published or name.startswith(f"{DANGER}."):
                found[name] = published.get(name, np.float32(0)) + kept[name].astype(np.float32)
            elif name.endswith(".left"):
                matrix = name.removesuffix(".left")
                left, right = (kept[side] * kept[f"{side}.scales"] for side in (name, f"{matrix}.right"))
                found[matrix] = published[matrix] + left.T @ right
    return found
