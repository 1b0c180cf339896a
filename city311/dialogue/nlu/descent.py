"""Finds the lowest point of a smooth convex function of a million numbers: L-BFGS, all in 32-bit floats, in a space
with an inner product of its own.

Scipy's works in 64-bit floats and with bounds that nobody sets; of a million numbers its own work takes as long as the
function's. And it knows one inner product only: with another, a step along a line costs no product with a matrix.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

_LESS = 1e-4
_FLATTER = 0.9
_TRIALS = 12

Function = Callable[[Any, Any], tuple[float, Any]]
Image = Callable[[Any], Any]


def itself(vector: Any) -> Any:
    """The image in an ordinary space."""
    return vector


@dataclass(frozen=True)
class _Point:
    """Where the search is. ``slope`` is the gradient by the space's inner product."""

    here: Any
    image: Any
    value: float
    slope: Any


def lowest(
    function: Function,
    start: Any,
    steps: int,
    image: Image = itself,
    remembered: int = 20,
    enough: float = 5e-5,
) -> Any:
    """The place where ``function`` is lowest, as far as ``steps`` steps lead.

    Args:
        function: from a float32 array and its image to the value there and the gradient.
        start: where to begin, of any shape.
        steps: at most so many.
        image: a linear map that makes the inner product: of ``a`` and ``b`` it is the sum of ``a * image(b)``. It is
            asked once a step.
        remembered: so many of the last steps shape the next one.
        enough: it ends when a step lowers the value by a smaller share than this (of 1, where the value is lower).
    """
    here = np.array(start, np.float32)
    there = np.asarray(image(here), np.float32)
    point = _Point(here, there, *_at(function, here, there))
    past = _Past(here.size, min(remembered, steps))
    turned = np.asarray(image(point.slope), np.float32)
    for _ in range(steps):
        direction, ahead = past.direction(point.slope, turned)
        if direction is None:
            break
        direction, ahead = direction.reshape(here.shape), ahead.reshape(here.shape)
        found = _along(function, point, direction, ahead)
        if found is None:
            break
        size, point, before = np.float32(found[0]), found[1], point
        new = np.asarray(image(point.slope), np.float32)
        past.add(size * direction, size * ahead, point.slope - before.slope, new - turned)
        turned = new
        if before.value - point.value <= enough * max(abs(before.value), 1.0):
            break
    return point.here


def _at(function: Function, here: Any, image: Any) -> tuple[float, Any]:
    value, slope = function(here, image)
    return value, np.asarray(slope, np.float32)


class _Past:
    """The last steps and how the gradient changed with each; from them, the next direction.

    All that a direction is made of are its shares of what is remembered, and they follow from the inner products of
    that alone: each vector is read once a step, not once for each of the others.
    """

    def __init__(self, size: int, remembered: int) -> None:
        self._last = 2 * remembered
        self._remembered = remembered
        self._vectors = np.zeros((self._last + 1, size), np.float32)  # steps, then changes, then the gradient
        self._images = np.zeros_like(self._vectors)
        self._products = np.zeros((self._last + 1, self._last + 1))
        self._kept: deque[int] = deque()

    def add(self, step: Any, step_image: Any, change: Any, change_image: Any) -> None:
        """Remember a step, unless the gradient did not rise along it."""
        if float(np.vdot(step, change_image)) <= 0:
            return
        slot = self._kept.popleft() if len(self._kept) == self._remembered else len(self._kept)
        self._put(slot, step, step_image)
        self._put(self._remembered + slot, change, change_image)
        self._kept.append(slot)

    def direction(self, slope: Any, image: Any) -> tuple[Any, Any]:
        """Down from where the gradient is ``slope``, and the image of that; None where the ground is level."""
        self._put(self._last, slope, image)
        products = self._products
        steep = products[self._last, self._last]
        if steep <= 0:
            return None, None
        shares = np.zeros(self._last + 1)
        shares[self._last] = 1.0
        if not self._kept:
            shares /= np.sqrt(steep)
        counted = []
        for slot in reversed(self._kept):
            share = products[slot] @ shares / products[slot, self._remembered + slot]
            shares[self._remembered + slot] -= share
            counted.append(share)
        if self._kept:
            slot = self._kept[-1]
            changed = self._remembered + slot
            shares *= products[slot, changed] / products[changed, changed]
        for slot, share in zip(self._kept, reversed(counted), strict=True):
            changed = self._remembered + slot
            shares[slot] += share - products[changed] @ shares / products[slot, changed]
        wanted = -shares.astype(np.float32)
        return wanted @ self._vectors, wanted @ self._images

    def _put(self, slot: int, vector: Any, image: Any) -> None:
        self._vectors[slot], self._images[slot] = vector.ravel(), image.ravel()
        self._products[slot] = self._products[:, slot] = self._vectors @ self._images[slot]


def _along(function: Function, point: _Point, direction: Any, ahead: Any) -> tuple[float, _Point] | None:
    """How far to go along ``direction`` to a place that is lower and flatter (Wolfe's conditions), and that place; None
    where 32 bits tell none."""
    steep = float(np.vdot(point.slope, ahead))
    size, shortest, longest = 1.0, 0.0, float("inf")
    best: tuple[float, _Point] | None = None
    for _ in range(_TRIALS):
        here, image = point.here + np.float32(size) * direction, point.image + np.float32(size) * ahead
        tried = _Point(here, image, *_at(function, here, image))
        if not tried.value <= point.value + _LESS * size * steep:
            longest = size
        else:
            best = size, tried
            if float(np.vdot(tried.slope, ahead)) >= _FLATTER * steep:
                break
            shortest = size
        size = 4 * size if longest == float("inf") else (shortest + longest) / 2
    return best
