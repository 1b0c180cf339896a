"""The search for the lowest point."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize

from city311.dialogue.nlu.descent import lowest


def valley(seed: int = 0, size: int = 60) -> tuple[Any, Any]:
    """A convex function with curvatures from 1 to 1,000, its value and gradient, and where it is lowest."""
    random = np.random.default_rng(seed)
    turn, _ = np.linalg.qr(random.normal(size=(size, size)))
    bent = (turn * np.geomspace(1, 1000, size)) @ turn.T
    target = random.normal(size=size)

    def function(place: Any, _: Any = None) -> tuple[float, Any]:
        away = np.asarray(place, np.float64) - target
        return float(away @ bent @ away), 2 * bent @ away

    return function, target


def test_finds_the_bottom_of_a_narrow_valley() -> None:
    function, target = valley()
    found = lowest(function, np.zeros(60, np.float32), 300, enough=0.0)
    assert found.dtype == np.float32
    assert np.allclose(found, target, atol=0.01)


def test_is_as_low_after_the_same_steps_as_scipys_search() -> None:
    for seed in range(5):
        function, _ = valley(seed)
        ours, _ = function(lowest(function, np.zeros(60, np.float32), 25, enough=0.0))
        theirs = minimize(function, np.zeros(60), jac=True, method="L-BFGS-B", options={"maxiter": 25, "maxcor": 20})
        assert ours <= 1.5 * theirs.fun


@pytest.mark.parametrize("scale", [1e-4, 1e4])
def test_a_first_step_far_too_long_or_short_is_mended(scale: float) -> None:
    found = lowest(lambda place, _: (float(scale * place @ place), 2 * scale * place), np.full(4, 100, np.float32), 50)
    assert np.abs(found).max() < 1


def test_ends_where_nothing_is_lower() -> None:
    asked = []

    def flat(place: Any, _: Any) -> tuple[float, Any]:
        asked.append(place)
        return 1.0, np.zeros(3, np.float32)

    assert np.array_equal(lowest(flat, np.ones(3), 10), np.ones(3)) and len(asked) == 1


def test_a_function_that_only_rises_is_left_where_it_is() -> None:
    found = lowest(lambda place, _: (float(np.abs(place).sum()), -np.sign(place)), np.ones(3, np.float32), 10)
    assert np.array_equal(found, np.ones(3))


def test_goes_down_by_the_inner_product_that_it_is_given() -> None:
    # By the image's own inner product the narrow valley is a bowl: the gradient points straight to its lowest point.
    bent = np.diag(np.geomspace(1, 1000, 60)).astype(np.float32)
    target = np.random.default_rng(1).normal(size=60).astype(np.float32)
    asked = []

    def function(place: Any, image: Any) -> tuple[float, Any]:
        assert np.allclose(image, bent @ place, rtol=1e-3, atol=1e-2)
        away = place - target
        return float(away @ bent @ away), 2 * away

    def image(vector: Any) -> Any:
        asked.append(vector)
        return bent @ vector

    found = lowest(function, np.zeros(60, np.float32), 10, image, enough=0.0)
    assert np.allclose(found, target, atol=0.01)
    assert len(asked) <= 12, "once for the start, once for its gradient, once a step"


def test_any_shape_is_kept() -> None:
    target = np.arange(6, dtype=np.float32).reshape(2, 3)
    found = lowest(lambda place, _: (float(((place - target) ** 2).sum()), 2 * (place - target)), np.zeros((2, 3)), 20)
    assert np.allclose(found, target, atol=0.01)
