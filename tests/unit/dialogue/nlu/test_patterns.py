"""Entities with a form of their own."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
import yaml
from nlu_model import HOUSE

from bench.scores import Answer, Case, Span, entity_scores
from city311.dialogue.nlu.patterns import find

FORMS = ("request_number", "account_number", "permit_number", "amount", "date", "phone", "email", "plate", "language")
_ANNOTATED = re.compile(r"\[([^\]]+)\]\((\w+)\)")


@pytest.mark.parametrize(
    ("text", "entity", "value"),
    [
        ("any news on SR-104217?", "request_number", "SR-104217"),
        ("sr 104217 please", "request_number", "SR-104217"),
        ("ticket #104217", "request_number", "SR-104217"),
        ("104217", "request_number", "SR-104217"),
        ("my case number is 104217", "request_number", "SR-104217"),
        ("call me at (617) 555-0131", "phone", "+16175550131"),
        ("508 555 0171", "phone", "+15085550171"),
        ("my number is 555-0142", "phone", "555-0142"),
        ("write to Ana.Lee@Example.org.", "email", "ana.lee@example.org"),
        ("account 4400-1182", "account_number", "4400-1182"),
        ("acct no. 88213045 please", "account_number", "88213045"),
        ("permit BP-2024-00418", "permit_number", "BP-2024-00418"),
        ("where is E-55120", "permit_number", "E-55120"),
        ("plate 8KLM204", "plate", "8KLM204"),
        ("the tag is GR4 77N", "plate", "GR477N"),
        ("they charged me $1,240.50", "amount", "$1,240.50"),
        ("sixty dollars too much", "amount", "sixty dollars"),
        ("it started three weeks ago", "date", "three weeks ago"),
        ("since last Tuesday", "date", "last Tuesday"),
        ("on March 3rd", "date", "March 3rd"),
        ("seen 10/14", "date", "10/14"),
        ("tomorrow morning", "date", "tomorrow"),
        ("español por favor", "language", "es"),
        ("can we do this in Haitian Creole", "language", "ht"),
    ],
)
def test_is_found(text: str, entity: str, value: str) -> None:
    assert (entity, value) in [(one.entity, one.value) for one in find(text)]


@pytest.mark.parametrize(
    "text",
    [
        "pothole in front of 104 Main St",
        "I may come by and march in",
        "two big holes",
        "a german shepherd is loose",
        "balance for FY2026",
        "it is 24/7 noise",
    ],
)
def test_is_left_alone(text: str) -> None:
    assert find(text) == []


def test_entities_do_not_overlap_and_point_into_the_text() -> None:
    text = "SR-104217, account 4400-1182, (617) 555-0131, a@b.org, $20, yesterday, plate 8KLM204"
    found = find(text)
    assert len(found) == 7
    for one, following in pairwise(found):
        assert one.end <= following.start
    assert text[found[0].start : found[0].end] == "SR-104217"


def test_another_country_writes_its_numbers_its_way() -> None:
    assert [one.value for one in find("ring 020 7946 0018", "GB") if one.entity == "phone"] == ["+442079460018"]


@pytest.fixture(scope="module")
def judged() -> list[tuple[Case, Answer]]:
    """The sentences of tests/nlu/forms with the entities that are there and those that were found."""
    pairs = []
    for line in yaml.safe_load((HOUSE / "tests" / "nlu" / "forms" / "en.yml").read_text(encoding="utf-8")):
        text = _ANNOTATED.sub(r"\1", line)
        true = tuple(Span(match.group(2), match.group(1)) for match in _ANNOTATED.finditer(line))
        said = tuple(Span(one.entity, text[one.start : one.end]) for one in find(text))
        pairs.append((Case(text, "", true), Answer("", "", 0.0, entities=said)))
    return pairs


@pytest.mark.parametrize("entity", FORMS)
def test_forms_are_found_as_residents_write_them(judged: list[tuple[Case, Answer]], entity: str) -> None:
    wrong = [(case.text, case.entities, said.entities) for case, said in judged if case.entities != said.entities]
    assert entity_scores(judged)[entity][2] >= 0.95, wrong
