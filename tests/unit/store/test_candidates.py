"""Candidates for training: kept for a while, newest first, without identity."""

from datetime import datetime, timedelta, timezone

from city311.store.candidates import KEPT, Candidates

START = datetime(2026, 6, 1, tzinfo=timezone.utc)


def test_kept_newest_first_and_forgotten_one_by_one(engine):
    candidates = Candidates(engine)
    candidates.add("first", ["report/pothole", "ask_question"], "ask_question", "en", at=START)
    candidates.add("second", ["view_bill"], "", "es", at=START + timedelta(hours=1))
    second, first = candidates.all()
    assert (first.text, first.offered, first.chosen, first.language, first.at) == (
        "first",
        ("report/pothole", "ask_question"),
        "ask_question",
        "en",
        START,
    )
    assert candidates.all(since=START + timedelta(minutes=1)) == [second] == candidates.all(limit=1)
    assert candidates.forget([first.id, 999]) == 1
    assert candidates.all() == [second]


def test_what_is_too_old_goes_when_the_next_comes(engine):
    candidates = Candidates(engine)
    candidates.add("old", [], "", "en", at=START)
    candidates.add("young", [], "", "en", at=START + KEPT)
    assert len(candidates.all()) == 2
    candidates.add("new", [], "", "en", at=START + KEPT + timedelta(seconds=1))
    assert [one.text for one in candidates.all()] == ["new", "young"]
