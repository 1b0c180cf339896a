"""How residents say the small things (yes, skip, "the second one"), one file a language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

_FOLDER = Path(__file__).parent
_DEFAULT = "en"


@dataclass(frozen=True)
class Lexicon:
    """One language's small words; see ``en.yml`` for what each set holds."""

    yes: frozenset[str]
    no: frozenset[str]
    alone: frozenset[str]
    agree: frozenset[str]
    fillers: frozenset[str]
    unknown: frozenset[str]
    skip: frozenset[str]
    anonymous: frozenset[str]
    own_details: frozenset[str]
    withholding: frozenset[str]
    how_soon: frozenset[str]
    sent_before: frozenset[str]
    absent: frozenset[str]
    back: frozenset[str]
    cancel: frozenset[str]
    restart: frozenset[str]
    repeat: frozenset[str]
    correction: frozenset[str]
    refusing: frozenset[str]
    endings: frozenset[str]
    objection: frozenset[str]
    negation: frozenset[str]
    no_danger: frozenset[str]
    articles: frozenset[str]
    something_else: frozenset[str]
    several: frozenset[str]
    around_a_position: frozenset[str]
    whole_street: frozenset[str]
    vague_places: frozenset[str]
    around_a_place: frozenset[str]
    before_place: frozenset[str]
    after_place: frozenset[str]
    place_details: frozenset[str]
    after_a_thing: frozenset[str]
    joining: frozenset[str]
    vague_words: frozenset[str]
    never_a_place: frozenset[str]
    acknowledgements: frozenset[str]
    days_in: Mapping[str, int]
    durations: frozenset[str]
    questions: frozenset[str]
    send: frozenset[str]
    also: frozenset[str]
    announces: frozenset[str]
    goes_on: frozenset[str]
    speaks_of_it: frozenset[str]
    sent_ones: frozenset[str]
    same_place: frozenset[str]
    there: frozenset[str]
    before_there: frozenset[str]
    definite: frozenset[str]
    after_there_is: frozenset[str]
    street_types: frozenset[str]
    names: Mapping[str, tuple[str, ...]]
    ordinals: tuple[str, ...]
    cardinals: tuple[str, ...]
    last: frozenset[str]
    numbers: Mapping[str, int]
    day_words: frozenset[str]
    days_behind: frozenset[str]
    days_ahead: frozenset[str]
    this: frozenset[str]
    newest: frozenset[str]
    oldest: frozenset[str]
    report_nouns: frozenset[str]
    around_an_addition: frozenset[str]


@cache
def lexicon(language: str) -> Lexicon:
    """The lexicon of ``language``; English where there is none."""
    path = _FOLDER / f"{language}.yml"
    if not path.is_file():
        path = _FOLDER / f"{_DEFAULT}.yml"
    # Every word as it is written: YAML would make truth values of on, off, true and no.
    data: dict[str, Any] = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)  # noqa: S506
    sets = {name: frozenset(words) for name, words in data.items() if isinstance(words, list)}
    others: dict[str, Any] = {
        "ordinals": tuple(data["ordinals"]),
        "cardinals": tuple(data["cardinals"]),
        "names": {code: tuple(names) for code, names in data["names"].items()},
        "numbers": {words: int(value) for words, value in data["numbers"].items()},
        "days_in": {words: int(value) for words, value in data["days_in"].items()},
    }
    return Lexicon(**{**sets, **others})
