"""Finds the lowest point of a smooth convex function of a million numbers: L-BFGS, all in 32-bit floats.

Scipy's works in 64-bit floats and with bounds that nobody sets; of a million numbers its own work takes as long as the
function's.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np

_Pairs = deque[tuple[Any, Any, float]]

_LESS = 1e-4
_FLATTER = 0.9
_TRIALS = 12


def lowest(
    function: Callable[[Any], tuple[float, Any]], start: Any, steps: int, remembered: int = 20, enough: float = 5e-5
) -> Any:
    """The place where ``function`` is lowest, as far as ``steps`` steps lead.

    Args:
        function: from a float32 vector to its value and its gradient.
        start: where to begin.
        steps: at most so many.
        remembered: so many of the last steps shape the next one.
        enough: it ends when a step lowers the value by a smaller share than this (of 1, where the value is lower).
    """
    here = np.asarray(start, np.float32)
    value, slope = _at(function, here)
    pairs: _Pairs = deque(maxlen=remembered)
    for _ in range(steps):
        direction = -_bent(slope, pairs)
        length = float(np.linalg.norm(direction))
        if not length:
            break
        if not pairs:
            direction /= length
        found = _along(function, here, value, slope, direction)
        if found is None:
            break
        there, lower, flatter = found
        step, change = there - here, flatter - slope
        curvature = float(np.vdot(step, change))
        if curvature > 0:
            pairs.append((step, change, curvature))
        gained = value - lower
        here, value, slope = there, lower, flatter
        if gained <= enough * max(abs(value), 1.0):
            break
    return here


def _at(function: Callable[[Any], tuple[float, Any]], place: Any) -> tuple[float, Any]:
    value, slope = function(place)
    return value, np.asarray(slope, np.float32)


def _bent(slope: Any, pairs: _Pairs) -> Any:
    """The gradient times what the last steps tell of the inverse curvature."""
    bent = slope.copy()
    shares = []
    for step, change, curvature in reversed(pairs):
        share = float(np.vdot(step, bent)) / curvature
        bent -= np.float32(share) * change
        shares.append(share)
    if pairs:
        _, change, curvature = pairs[-1]
        bent *= np.float32(curvature / float(np.vdot(change, change)))
    for (step, change, curvature), share in zip(pairs, reversed(shares), strict=True):
        bent += np.float32(share - float(np.vdot(change, bent)) / curvature) * step
    return bent


def _along(
    function: Callable[[Any], tuple[float, Any]], here: Any, value: float, slope: Any, direction: Any
) -> tuple[Any, float, Any] | None:
    """A point along ``direction`` that is lower and flatter (Wolfe's conditions), its value and gradient; None where
    32 bits tell none."""
    steep = float(np.vdot(slope, direction))
    size, shortest, longest = 1.0, 0.0, float("inf")
    best: tuple[Any, float, Any] | None = None
    for _ in range(_TRIALS):
        there = here + np.float32(size) * direction
        lower, flatter = _at(function, there)
        if not lower <= value + _LESS * size * steep:
            longest = size
        else:
            best = there, lower, flatter
            if float(np.vdot(flatter, direction)) >= _FLATTER * steep:
                break
            shortest = size
        size = 4 * size if longest == float("inf") else (shortest + longest) / 2
    return best
