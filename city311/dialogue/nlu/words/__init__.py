"""The words by which entities are recognised, one file a language, and the names of languages."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

import yaml

_FOLDER = Path(__file__).parent


@cache
def words(name: str = "en") -> Mapping[str, tuple[str, ...]]:
    """The lists of ``<name>.yml``: a language, or ``languages``."""
    content = yaml.safe_load((_FOLDER / f"{name}.yml").read_text(encoding="utf-8"))
    return {key: tuple(listed) for key, listed in content.items()}


def any_of(listed: Iterable[str]) -> str:
    """A regular expression for one of the words, the longest first; an apostrophe may be missing."""
    longest_first = sorted(set(listed), key=lambda word: (-len(word), word))
    return "(?:" + "|".join(re.escape(word).replace(r"\ ", r"\s+").replace("'", "'?") for word in longest_first) + ")"
