"""Which texts are learnt together: those of a batch are about as long as each other, so that little is padding."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np


def of_like_length(chosen: Any, lengths: Any, size: int, pool: int, random: np.random.Generator) -> Iterator[Any]:
    """Every one of ``chosen`` once, in random order.

    Args:
        chosen: indices of texts.
        lengths: of every text.
        size: at most so many make a batch.
        pool: so many batches are sorted by length together.
        random: decides the order.
    """
    order = random.permutation(chosen)
    batches = []
    for start in range(0, len(order), size * pool):
        near = order[start : start + size * pool]
        near = near[np.argsort(lengths[near], kind="stable")]
        batches += [near[at : at + size] for at in range(0, len(near), size)]
    for index in random.permutation(len(batches)):
        yield batches[index]
