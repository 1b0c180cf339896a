"""Which of their own reports a resident means, and what a message adds to one."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from city311.city import load_pack
from city311.intake import Mine, Setting, Utterance, meant, told
from city311.intake.lexicon import lexicon
from city311.intake.which import span_of
from city311.settings import HOUSE

PACK = load_pack(HOUSE / "cities" / "riverbend")
SETTING = Setting(
    pack=PACK,
    lexicon=lexicon("en"),
    language="en",
    now=datetime(2026, 11, 20, 15, 0, tzinfo=PACK.city.timezone),  # a Friday
    words_of=lambda phrase: phrase.key or phrase.text,
)


def mine(number, service, address, day):
    return Mine(number, service, PACK.services[service].name, address, day)


NEWEST = mine("SR-3", "pothole", "9 Oak St", date(2026, 11, 19))
LIGHT = mine("SR-2", "light_out", "14 Lake St", date(2026, 11, 11))
OLDEST = mine("SR-1", "pothole", "22 Prospect St", date(2026, 8, 3))
ALL = [NEWEST, LIGHT, OLDEST]


def found(text, services=(), **entities):
    heard = Utterance(text, entities={name: [value] for name, value in entities.items()}, services=services)
    return meant(SETTING, heard, ALL)


@pytest.mark.parametrize(
    ("text", "more", "wanted"),
    [
        ("any news on my pothole report", {}, [NEWEST, OLDEST]),
        ("the streetlight thing", {}, [LIGHT]),
        ("what about the light one", {"services": [("light_out", 0.9)]}, [LIGHT]),
        ("the one I reported last week", {"date": "last week"}, [NEWEST, LIGHT]),
        ("the one from yesterday", {"date": "yesterday"}, [NEWEST]),
        ("the one I sent in in August", {"date": "in August"}, [OLDEST]),
        ("my pothole on Oak", {"location": "Oak"}, [NEWEST]),
        ("the pothole on Prospect Street", {"location": "Prospect Street"}, [OLDEST]),
        ("my latest report", {}, [NEWEST]),
        ("the first report I made", {}, [OLDEST]),
        ("my last report", {}, [NEWEST]),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_what_tells_one_from_another(text, more, wanted):
    assert list(found(text, **more).reports) == wanted


@pytest.mark.parametrize("text", ["where is my report", "is it fixed yet", "cancel it", "the dog is also loose"])
def test_what_tells_nothing(text):
    assert found(text).named is False and list(found(text).reports) == ALL


def test_a_day_that_fits_none_is_no_day_of_a_report():
    assert found("add that they came on Friday", date="Friday").named is False


@pytest.mark.parametrize("text", ["my graffiti report", "the rats complaint"])
def test_a_kind_that_is_none_of_theirs_leaves_none(text):
    assert found(text).reports == ()


def test_nobody_without_reports_means_one():
    assert meant(SETTING, Utterance("my latest report"), []).reports == ()


@pytest.mark.parametrize(
    ("said", "first", "last"),
    [
        ("last week", date(2026, 11, 6), date(2026, 11, 19)),
        ("this week", date(2026, 11, 13), date(2026, 11, 20)),
        ("two weeks ago", date(2026, 11, 3), date(2026, 11, 9)),
        ("a month ago", date(2026, 10, 6), date(2026, 11, 5)),
        ("in March", date(2026, 3, 1), date(2026, 3, 31)),
        ("in December", date(2025, 12, 1), date(2025, 12, 31)),
        ("yesterday", date(2026, 11, 19), date(2026, 11, 19)),
        ("Monday", date(2026, 11, 16), date(2026, 11, 16)),
        ("November 3", date(2026, 11, 3), date(2026, 11, 3)),
    ],
)
def test_days_in_words(said, first, last):
    assert span_of(SETTING, said) == (first, last)


@pytest.mark.parametrize("said", ["", "soon", "999999999 weeks ago", "????"])
def test_words_that_are_no_days(said):
    assert span_of(SETTING, said) is None


@pytest.mark.parametrize(
    "text",
    ["add to my report", "I want to add a photo to my pothole report", "add a note to SR-104215",
     "can I send more info?", "here's a picture for SR-104215",
     "I have extra information for a case that's already open", "", "add: "],
)  # fmt: skip
@pytest.mark.parametrize("services", [[("pothole", 0.9)], [("light_out", 0.9), ("pothole", 0.1)]])
def test_an_announcement_adds_nothing(text, services):
    heard = Utterance(text, entities={"request_number": ["SR-104215"]}, services=services)
    assert told(SETTING, heard) == ""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("add to SR-104215: the dog is also loose", "the dog is also loose"),
        ("tell them it's gotten bigger", "tell them it's gotten bigger"),
        ("my report: note the gate code: 4410", "note the gate code: 4410"),
        ("the hole is huge now: look", "the hole is huge now: look"),
        ("add that it spread", "add that it spread"),
    ],
)
def test_what_is_added(text, words):
    assert told(SETTING, Utterance(text, entities={"request_number": ["SR-104215"]})) == words
