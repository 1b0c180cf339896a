"""Which of their own reports a resident means: "the one I reported last week", "my pothole report", "the newest".

Pure; knows no Rasa and no database.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from city311.intake.acts import Utterance
from city311.intake.days import day, month_in
from city311.intake.reading import Candidate, contains, mentioned, words
from city311.intake.setting import Setting

_SURELY_ABOUT = 0.6
"""Share of the service ranking from which a message is about a report of that service, where it names none."""
_LONGEST_UNITS_AGO = 400


@dataclass(frozen=True)
class Mine:
    """A report of the resident's: number, service (code and name), address as filed, the day it came in."""

    number: str
    service: str
    name: str
    address: str
    day: date
    is_open: bool = True


@dataclass(frozen=True)
class Meant:
    """The reports that a message may mean. ``named``: it says something that tells one from another."""

    reports: tuple[Mine, ...]
    named: bool


def meant(setting: Setting, heard: Utterance, mine: Sequence[Mine]) -> Meant:
    """Which of ``mine`` (the newest first) a message means: those of the service that it names, of its day and place.

    A day or place that none of them has is taken for something else that is told; a service is not.
    """
    left, named = list(mine), False
    services = _services(setting, heard, mine)
    if services is not None:
        left, named = [each for each in left if each.service in services], True
    for found in (_of_days(setting, heard, left), _of_place(setting, heard, left)):
        kept = [each for each in left if each in found]
        if kept:
            left, named = kept, True
    if left and contains(heard.text, setting.lexicon.newest):
        left, named = left[:1], True
    elif left and contains(heard.text, setting.lexicon.oldest):
        left, named = left[-1:], True
    return Meant(tuple(left), named)


def _services(setting: Setting, heard: Utterance, mine: Sequence[Mine]) -> set[str] | None:
    """The services that a message names, or is surely about; None where it tells none."""
    theirs = {each.service for each in mine}
    every = {each.service: each.name for each in mine} | {code: one.name for code, one in setting.pack.services.items()}
    sayings = [Candidate(code, _sayings(setting, code, name)) for code, name in every.items()]
    named = set(mentioned(heard.text, sayings, setting.lexicon)) - {setting.pack.city.catch_all_service}
    # "The dog is loose" is no word about which report; "my loose dog report" is.
    reports = [
        Candidate(each.code, tuple(f"{said} {noun}" for said in each.sayings for noun in setting.lexicon.report_nouns))
        for each in sayings
        if each.code in named - theirs
    ]
    others = set(mentioned(heard.text, reports, setting.lexicon))
    code, share = next(iter(heard.services), ("", 0.0))
    surely = {code} & theirs if share >= _SURELY_ABOUT else set()
    if named & theirs:
        return named & theirs
    return surely or (others or None)


def _sayings(setting: Setting, code: str, name: str) -> tuple[str, ...]:
    service = setting.pack.services.get(code)
    said = (name, *(service.keywords if service is not None else ()))
    return tuple(setting.pack.say(each, setting.language) for each in said)


def _of_days(setting: Setting, heard: Utterance, mine: Sequence[Mine]) -> list[Mine]:
    found: list[Mine] = []
    for said in heard.entities.get("date", ()):
        span = span_of(setting, said)
        if span is not None:
            found += [each for each in mine if span[0] <= each.day <= span[1]]
    return found


def names_a_sent_one(setting: Setting, heard: Utterance, running: str) -> bool:
    """Whether a message names a report that was sent, while another one is being made: its number, "my other report",
    "the one I reported", the report of another service than ``running``, the one being made.
    """
    lexicon = setting.lexicon
    if heard.entity("request_number") or contains(heard.text, lexicon.sent_ones):
        return True
    if not contains(heard.text, lexicon.report_nouns):
        return False
    others = set(setting.pack.services) - {running, setting.pack.city.catch_all_service}
    reports = [
        Candidate(code, tuple(f"{said} {noun}" for said in sayings for noun in lexicon.report_nouns))
        for code in others
        if (sayings := _sayings(setting, code, setting.pack.services[code].name))
    ]
    return bool(mentioned(heard.text, reports, lexicon))


def span_of(setting: Setting, said: str) -> tuple[date, date] | None:
    """The first and last day that words such as "last week", "in March" or "yesterday" may mean; None for no days."""
    told, lexicon, today = words(said), setting.lexicon, setting.now.date()
    for before, unit in pairwise(told):
        days = lexicon.days_in.get(unit, 0)
        if days > 1 and before in lexicon.days_behind:
            # People mean the seven days behind them as well as the week before this one.
            return today - timedelta(days=2 * days), today - timedelta(days=1)
        if days > 1 and before in lexicon.this:
            return today - timedelta(days=days), today
    if (first := month_in(told, today, setting.language)) is not None:
        return first, min((first + timedelta(days=32)).replace(day=1) - timedelta(days=1), today)
    figures = [int(word) if word.isdecimal() else lexicon.numbers.get(word, 0) for word in told]
    count = next((figure for figure in figures if figure), 1)
    unit_days = next((lexicon.days_in[word] for word in told if word in lexicon.days_in), 0)
    if unit_days > 1 and 0 < count * unit_days <= _LONGEST_UNITS_AGO:
        # "Two weeks ago" is seldom counted.
        centre = today - timedelta(days=count * unit_days)
        return centre - timedelta(days=unit_days // 2), min(centre + timedelta(days=unit_days // 2), today)
    exact = day(said, setting.now, setting.language, lexicon, country=setting.pack.calendar.country)
    if exact is None:
        return None
    that_day = date.fromisoformat(exact)
    return that_day, that_day


def _of_place(setting: Setting, heard: Utterance, mine: Sequence[Mine]) -> list[Mine]:
    small = setting.lexicon.street_types | setting.lexicon.articles | setting.lexicon.place_details
    named = [set(words(place)) - small for place in heard.entities.get("location", ())]
    return [each for each in mine if any(place and place <= set(words(each.address)) for place in named)]
