"""Understanding must not fall below what it reached on the hand-written test set (`make eval` shows the detail).

A floor stands a little under what was measured when it was recorded; raise it after an improvement.
"""

from __future__ import annotations

import pytest
import yaml
from nlu_model import HOUSE, Parse

from bench.eval import as_answer, read_cases
from bench.scores import Scores, score
from city311.dialogue.nlu.labels import DANGERS

AT_LEAST = {
    "intent": 0.95,
    "service": 0.94,
    "service_top3": 0.98,
    "macro_f1": 0.93,
    "danger_recall": 0.98,
    "out_of_scope_recall": 0.85,
}
AT_MOST = {
    "danger_false_hard": 0.03,
    "danger_false_other": 0.02,
    "out_of_scope_false": 0.03,
    "calibration_error": 0.04,
}
ENTITIES = {
    "location": 0.87,
    "request_number": 0.95,
    "account_number": 0.90,
    "permit_number": 0.93,
    "amount": 0.95,
    "date": 0.93,
    "phone": 0.95,
    "email": 0.95,
    "plate": 0.95,
}
HARD_AT_LEAST = {
    "intent": 0.93,
    "service": 0.94,
    "service_top3": 0.98,
    "danger_recall": 0.95,
}
HARD_AT_MOST = {
    "danger_false_hard": 0.04,
    "danger_false_other": 0.015,
    "calibration_error": 0.04,
}
HARD_LOCATION = 0.87


@pytest.fixture(scope="module")
def scores(parse: Parse) -> Scores:
    cases = read_cases(HOUSE / "tests" / "nlu" / "en")
    assert len(cases) >= 1100
    return score(cases, [as_answer(parse(case.text)) for case in cases])


@pytest.fixture(scope="module")
def hard_scores(parse: Parse) -> Scores:
    """Of sentences written apart: a third hard (long stories, odd words, strong feelings), the rest as on any day."""
    cases = read_cases(HOUSE / "tests" / "nlu" / "written_apart")
    assert len(cases) >= 3000
    return score(cases, [as_answer(parse(case.text)) for case in cases])


@pytest.mark.parametrize("measure", AT_LEAST)
def test_does_not_fall_below(scores: Scores, measure: str) -> None:
    assert getattr(scores, measure) >= AT_LEAST[measure]


@pytest.mark.parametrize("measure", AT_MOST)
def test_does_not_rise_above(scores: Scores, measure: str) -> None:
    assert getattr(scores, measure) <= AT_MOST[measure]


@pytest.mark.parametrize("entity", ENTITIES)
def test_entities_are_found(scores: Scores, entity: str) -> None:
    assert scores.entities[entity][2] >= ENTITIES[entity]


@pytest.mark.parametrize("measure", HARD_AT_LEAST)
def test_hard_ones_do_not_fall_below(hard_scores: Scores, measure: str) -> None:
    assert getattr(hard_scores, measure) >= HARD_AT_LEAST[measure]


@pytest.mark.parametrize("measure", HARD_AT_MOST)
def test_hard_ones_do_not_rise_above(hard_scores: Scores, measure: str) -> None:
    assert getattr(hard_scores, measure) <= HARD_AT_MOST[measure]


REPORTS_AT_LEAST = {"intent": 0.93, "service": 0.93, "service_top3": 0.97}


@pytest.mark.parametrize(("folder", "location"), [("work_orders", 0.83), ("by_service", 0.85)])
def test_reports_whose_places_are_marked_in_another_way(parse: Parse, folder: str, location: float) -> None:
    cases = read_cases(HOUSE / "tests" / "nlu" / folder)
    assert len(cases) >= 600
    reached = score(cases, [as_answer(parse(case.text)) for case in cases])
    for measure, least in REPORTS_AT_LEAST.items():
        assert getattr(reached, measure) >= least, measure
    assert reached.entities["location"][2] >= location


def test_places_are_found_in_hard_ones(hard_scores: Scores) -> None:
    assert hard_scores.entities["location"][2] >= HARD_LOCATION


def test_what_is_said_beside_a_report_is_hardly_taken_for_danger(parse: Parse) -> None:
    lines = yaml.safe_load((HOUSE / "tests" / "nlu" / "beside" / "en.yml").read_text(encoding="utf-8"))
    assert len(lines) >= 100
    alarms = [line for line in lines if parse(line)["intent"]["name"] in DANGERS]
    assert len(alarms) <= len(lines) * 0.12, alarms


def test_danger_and_what_only_sounds_like_it(parse: Parse) -> None:
    cases = read_cases(HOUSE / "tests" / "nlu" / "danger_and_not")
    assert len(cases) >= 5900
    reached = score(cases, [as_answer(parse(case.text)) for case in cases])
    assert reached.danger_recall >= 0.98
    assert reached.danger_false_hard <= 0.02
