"""Who has a report opened again hears so once; those who follow it hear of it in the ordinary way."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from played_rasa import report_pothole
from sqlalchemy import select

from actions.afterwards import ActionChangeSent
from city311.store.base import reading
from city311.store.updates import Update

RHYTHM = timedelta(hours=1)


@pytest.fixture
def filed(rasa, server):
    """A report that was closed an hour ago, which everybody has heard of; its number."""
    report_pothole(rasa)
    rasa.finishes()
    at = datetime.now(timezone.utc) - timedelta(hours=1)
    server.rows[0].update(status="closed", status_notes="Filled.", updated_datetime=at)
    return rasa.slots["last_request"]


def look(rasa, server):
    """What is planned to be told after a look at the system of record: (recipient, state), oldest first."""
    watch = rasa.here.requests.watch()
    watch.take_in(watch._system.several([server.rows[0]["service_request_id"]], budget_s=5.0))
    with reading(rasa.here.requests._engine) as session:
        return [(one.recipient, one.facts["state"]) for one in session.scalars(select(Update).order_by(Update.id))]


def reopens(rasa, number):
    rasa.hears(f"reopen {number}, it sank again", "reopen_request", request_number=number)
    rasa.runs(ActionChangeSent())
    return rasa.spoken()


def changes(server, **more):
    server.rows[0].update(updated_datetime=datetime.now(timezone.utc) + RHYTHM, **more)


def closes(server, hours):
    at = datetime.now(timezone.utc) + timedelta(hours=hours)
    server.rows[0].update(status="closed", status_notes="Again.", extended_attributes={}, updated_datetime=at)


def states(told, who):
    return [state for recipient, state in told if recipient == who]


def test_they_are_not_told_again_and_followers_are(rasa, conversations, server, filed):
    ana = conversations()
    ana.here.requests.follow(filed, ana.sender, "web")
    look(rasa, server)
    assert reopens(rasa, filed) == ["utter_reopened_here"]
    changes(server, status_notes=None)
    told = look(rasa, server)
    assert states(told, rasa.sender) == ["done_unexplained"]
    assert states(told, ana.sender) == ["done_unexplained", "reopened"]


def test_only_that_one_news_is_spared_them(rasa, server, filed):
    look(rasa, server)
    reopens(rasa, filed)
    changes(server, status_notes=None)
    look(rasa, server)
    closes(server, 2)
    look(rasa, server)
    at = datetime.now(timezone.utc) + timedelta(hours=3)
    server.rows[0].update(
        status="open", status_notes=None, extended_attributes={"state": "reopened"}, updated_datetime=at
    )
    assert states(look(rasa, server), rasa.sender) == ["done_unexplained", "done_unexplained", "reopened"], (
        "the crew opened it this time"
    )


def test_what_waited_for_the_desk_is_news(rasa, server, filed):
    look(rasa, server)
    server.switches.takes_updates = False
    assert reopens(rasa, filed) != ["utter_reopened_here"]
    changes(server, status="open", status_notes=None, extended_attributes={"state": "reopened"})
    assert states(look(rasa, server), rasa.sender) == ["done_unexplained", "reopened"]


def test_what_the_crew_says_with_it_is_news(rasa, server, filed):
    look(rasa, server)
    reopens(rasa, filed)
    changes(server, status_notes="A crew comes tonight.")
    assert states(look(rasa, server), rasa.sender) == ["done_unexplained", "reopened"]
