"""A report that was sent is opened again, or followed: by whom, and what is said."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from sent_reports import report, wish

from actions.requests import ActionCheckStatus, ActionListRequests

# -- opening again


def test_the_embedded_desk_opens_the_same_again_and_knows_why(rasa, server, closed):
    assert wish(rasa, "reopen_request", f"reopen {closed}, it sank again", request_number=closed) == [
        "utter_reopened_here"
    ]
    assert len(server.rows) == 1
    (update,) = server.updates
    assert update["status"] == "OPEN" and "it sank again" in update["description"] and closed in update["description"]
    assert wish(rasa, "reopen_request", f"reopen {closed}", request_number=closed) == ["utter_cannot_reopen_this"]
    assert len(server.updates) == 1


def test_elsewhere_it_is_a_new_one_that_names_the_old(rasa, server, elsewhere):
    elsewhere(updates=True)
    number = report(rasa)
    at = datetime.now(timezone.utc) - timedelta(hours=1)
    server.rows[0].update(status="closed", status_notes="Filled.", updated_datetime=at)
    for _ in range(2):
        wish(rasa, "reopen_request", f"reopen {number}, it sank again", request_number=number)
        assert rasa.spoken() == ["utter_reopened"]
    assert len(server.rows) == 2 and rasa.slots["last_request"] != number
    assert number in server.rows[1]["description"] and "it sank again" in server.rows[1]["description"]


def test_only_who_made_it_may_open_it_again(conversations, server, closed):
    ana = conversations()
    ana.hears("status", "check_status", request_number=closed)
    ana.runs(ActionCheckStatus())
    assert "utter_status_can_reopen" not in ana.spoken()
    assert wish(ana, "reopen_request", f"reopen {closed}", request_number=closed) == ["utter_cannot_reopen_this"]
    assert not server.updates


def test_a_guess_opens_nothing(rasa, server, closed):
    assert wish(rasa, "reopen_request", "it's broken again") == ["utter_status_can_reopen"]
    assert rasa.buttons() == [f"Reopen {closed}"] and not server.updates


def test_what_is_open_or_closed_long_ago_is_not_opened_again(rasa, server, filed):
    assert wish(rasa, "reopen_request", f"reopen {filed}", request_number=filed) == ["utter_cannot_reopen_this"]
    at = datetime.now(timezone.utc) - timedelta(days=31)
    server.rows[0].update(status="closed", updated_datetime=at)
    assert wish(rasa, "reopen_request", f"reopen {filed}", request_number=filed) == ["utter_cannot_reopen_this"]
    assert not server.updates


def test_a_system_that_is_away_opens_nothing_and_says_so(rasa, server, closed):
    server.switches.fail = 1000
    assert wish(rasa, "reopen_request", f"reopen {closed}", request_number=closed) == ["utter_status_unavailable"]


# -- following


def test_anybody_can_follow_by_number_and_once(conversations, filed):
    ana = conversations()
    assert wish(ana, "follow_request", request_number=filed) == ["utter_following"]
    assert wish(ana, "follow_request", request_number=filed) == ["utter_following_already"]


def test_a_follow_is_listed_and_can_be_ended(conversations, filed):
    ana = conversations()
    wish(ana, "follow_request", request_number=filed)
    ana.hears("my reports", "list_requests")
    ana.runs(ActionListRequests())
    assert ana.spoken() == ["utter_list_followed"] and filed in ana.words()[0]
    wish(ana, "withdraw_request", request_number=filed)
    assert ana.spoken() == ["utter_unfollowed"]
    assert wish(ana, "withdraw_request", request_number=filed) == ["utter_not_yours"]


def test_who_made_it_follows_it_anyway(rasa, filed):
    assert wish(rasa, "follow_request", request_number=filed) == ["utter_following_already"]


def test_what_is_unknown_is_not_followed(rasa):
    assert wish(rasa, "follow_request", request_number="SR-104215") == ["utter_status_unknown"]
    assert wish(rasa, "follow_request") == ["utter_ask_follow_number"]


@pytest.mark.parametrize("intent", ["add_to_request", "withdraw_request", "reopen_request"])
@pytest.mark.parametrize(
    ("number", "key"), [("SR-104217", "utter_status_mistyped"), ("SR-104215", "utter_status_unknown")]
)
def test_a_wrong_number_is_said_first(rasa, intent, number, key):
    assert wish(rasa, intent, "it is worse now", request_number=number) == [key]
