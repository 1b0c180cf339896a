"""What is said to "how long will it take?" while a report is under way."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest
from conversing import RIVERBEND, pothole, reviewed_pothole, setting

from city311.city.model import Clock
from city311.intake import promise


def test_a_promise_is_told_in_the_citys_own_time() -> None:
    """Half past midnight in UTC is the evening before in the city."""
    service = next(each for each in RIVERBEND.services.values() if each.sla.unit is Clock.HOURS)
    moment = datetime(2026, 11, 21, 0, 30, tzinfo=timezone.utc)
    words = setting().words_of(promise(service, moment, RIVERBEND.city.timezone, "en"))
    assert "November 20, 2026 at 7:30" in words


@pytest.mark.parametrize(
    ("said", "intent"),
    [
        ("how long will it take?", "check_status"),
        ("When will someone come", "out_of_scope"),
        ("how soon can they get here", "ask_question"),
        ("ok and when are they going to fix it?", ""),
    ],
)
def test_how_soon_is_answered_and_the_question_asked_again(said: str, intent: str) -> None:
    talk = pothole().say(said, intent)
    # SUNDAY and two working days
    assert talk.keys[:2] == ["utter_once_sent", "utter_due_business_days"]
    assert "Tuesday, November 24, 2026" in talk.text
    assert (talk.asking, talk.state.remarks, talk.digressed) == ("where", [], False)


def test_how_soon_sends_nothing_at_the_read_back() -> None:
    talk = reviewed_pothole().say("when will someone come?", "out_of_scope")
    assert (talk.keys[0], talk.asking, talk.ended) == ("utter_once_sent", "review", "")


@pytest.mark.parametrize(
    "said", ["when will they get to the one I reported last week?", "when will my ticket be done?"]
)
def test_how_soon_of_a_report_sent_before_is_another_matter(said: str) -> None:
    assert pothole().say(said, "check_status").digressed


def test_how_long_it_has_been_is_no_question() -> None:
    talk = pothole().say("crosswalk").say("it has been there how long I don't know, since may", "inform")
    assert "utter_once_sent" not in talk.keys
