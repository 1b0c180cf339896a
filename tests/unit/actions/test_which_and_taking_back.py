"""Which sent report is meant, and how it is taken back."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from sent_reports import engine_of, forget_which_was_last, report, take_back, then, three, wish
from sqlalchemy import select

from actions.afterwards import ActionCancel, ActionChangeSent
from actions.requests import ActionCheckStatus
from city311.requests.afterwards import kept
from city311.requests.follow import affected
from city311.store.base import reading, writing
from city311.store.ledger import ServiceRequest
from city311.store.updates import Update

# -- which one


def test_several_are_asked_with_what_where_when_and_number(rasa):
    numbers = three(rasa)
    forget_which_was_last(rasa)
    assert wish(rasa, "withdraw_request", "withdraw my report") == ["utter_ask_which_report"]
    assert len(rasa.buttons()) == 4 and rasa.buttons()[-1] == "Something else"
    assert "Lake St" in rasa.buttons()[1] and numbers[1] in rasa.buttons()[1]
    assert rasa.buttons()[1].startswith("Pothole in street, ")
    assert then(rasa, rasa.buttons()[1]) == ["utter_ask_take_back"] and numbers[1] in rasa.words()[0]


@pytest.mark.parametrize("said", ["2", "the second one", "the one on Lake", "Lake Street"])
def test_the_question_takes_many_answers(rasa, said):
    numbers = three(rasa)
    forget_which_was_last(rasa)
    wish(rasa, "add_to_request", "tell them it got bigger")
    location = {"location": "Lake"} if "Lake" in said else {}
    assert then(rasa, said, **location) == ["utter_added"] and numbers[1] in rasa.words()[0]


def test_a_place_tells_which(rasa):
    numbers = three(rasa)
    forget_which_was_last(rasa)
    wish(rasa, "withdraw_request", "withdraw the one on Oak Street", location="Oak Street")
    assert rasa.spoken() == ["utter_ask_take_back"] and numbers[2] in rasa.words()[0]


def test_the_day_tells_which(rasa):
    numbers = three(rasa)
    forget_which_was_last(rasa)
    with writing(engine_of(rasa)) as session:
        session.get_one(ServiceRequest, numbers[0]).created_at -= timedelta(days=8)
    rasa.hears("where is the one I reported last week", "check_status", date="last week")
    rasa.runs(ActionCheckStatus())
    assert rasa.spoken()[0] == "utter_status_passed_on" and numbers[0] in rasa.words()[0]


def test_it_is_the_one_spoken_of_last(rasa):
    numbers = three(rasa)
    wish(rasa, "add_to_request", "tell them it got bigger")
    assert numbers[2] in rasa.words()[0]
    rasa.hears("status", "check_status", request_number=numbers[0])
    rasa.runs(ActionCheckStatus())
    wish(rasa, "add_to_request", "also tell them it has sharp edges")
    assert numbers[0] in rasa.words()[0]


def test_only_those_that_are_open_are_taken_back(rasa, server):
    first, second = report(rasa), report(rasa, location="9 Oak Street")
    take_back(rasa, second)
    rasa.here.requests.watch().run_due()
    forget_which_was_last(rasa)
    wish(rasa, "withdraw_request", "withdraw my report")
    assert rasa.spoken() == ["utter_ask_take_back"] and first in rasa.words()[0]


def test_a_service_that_none_of_theirs_is_about_is_not_guessed(rasa, filed):
    wish(rasa, "add_to_request", "about my streetlight report, it hums", service="light_out")
    assert rasa.spoken() == ["utter_ask_which_other"]


def test_without_any_report_a_number_is_asked_for_and_the_wish_is_kept(rasa, conversations, filed):
    stranger = conversations()
    assert wish(stranger, "withdraw_request", "cancel my report") == ["utter_ask_number_of_it"]
    assert not stranger.buttons()
    assert then(stranger, filed, "inform", request_number=filed) == ["utter_not_yours"]


def test_something_else_ends_the_question(rasa):
    three(rasa)
    forget_which_was_last(rasa)
    wish(rasa, "withdraw_request", "withdraw my report")
    assert then(rasa, "Something else") == ["utter_which_by_number"]


def test_another_matter_leaves_the_question(rasa):
    three(rasa)
    forget_which_was_last(rasa)
    wish(rasa, "withdraw_request", "withdraw my report")
    rasa.answers("there is a fallen tree on my street and it blocks everything", "report")
    assert rasa.message["intent"]["name"] == "report" and rasa.slots["offer"] is None


# -- taking back


def test_it_is_taken_back_after_a_yes(rasa, server, filed):
    assert wish(rasa, "withdraw_request", "never mind, cancel my report") == ["utter_ask_take_back"]
    assert rasa.buttons() == ["Yes, take it back", "No, keep it"] and not server.updates
    assert then(rasa, "yes", "affirm") == ["utter_taken_back"]
    (update,) = server.updates
    assert update["status"] == "CLOSED" and "never mind, cancel my report" in update["description"]
    rasa.hears("status", "check_status")
    rasa.runs(ActionCheckStatus())
    assert rasa.spoken()[0] == "utter_status_withdrawn"
    assert wish(rasa, "withdraw_request", "cancel my report", request_number=filed) == ["utter_withdrawn_already"]


@pytest.mark.parametrize(
    ("said", "intent"), [("Yes, take it back", "go_back"), ("cancel my report", "withdraw_request"), ("ok", "affirm")]
)
def test_many_a_yes_takes_it_back(rasa, server, filed, said, intent):
    wish(rasa, "withdraw_request", "cancel my report")
    assert then(rasa, said, intent) == ["utter_taken_back"]


@pytest.mark.parametrize(("said", "intent"), [("No, keep it", "deny"), ("no", "deny"), ("never mind", "cancel")])
def test_a_no_keeps_it(rasa, server, filed, said, intent):
    wish(rasa, "withdraw_request", "cancel my report")
    assert then(rasa, said, intent) == ["utter_kept_as_it_is"]
    assert not server.updates


def cancels(rasa, said="cancel it", intents=()):
    """ "Cancel" with no report being made; the keys of what is said."""
    rasa.hears(said, "cancel", intents=intents)
    if any(event.get("name") == "offer_form" for event in rasa.runs(ActionCancel())):
        rasa.is_offered()
    return rasa.spoken()


def test_cancel_right_after_the_receipt_asks_whether_that_report_is_meant(rasa, server, filed):
    assert cancels(rasa) == ["utter_ask_take_back"] and filed in rasa.words()[0]
    assert not server.updates
    assert then(rasa, "yes", "affirm") == ["utter_taken_back"]
    assert [update["status"] for update in server.updates] == ["CLOSED"]


def test_cancel_later_means_nothing_open_unless_it_sounds_like_a_sent_report(rasa, server, filed):
    for _ in range(5):
        rasa.hears("hello", "greet")
    assert cancels(rasa) == ["utter_nothing_open"]
    doubtful = [("cancel", 0.7), ("withdraw_request", 0.3)]
    assert cancels(rasa, "never mind, cancel my report", doubtful) == ["utter_ask_take_back"]
    assert filed in rasa.words()[0]


def test_cancel_of_who_reported_nothing(conversations):
    assert cancels(conversations()) == ["utter_nothing_open"]


def test_nobody_else_takes_it_back_and_learns_nothing(conversations, server, filed):
    ana = conversations()
    assert wish(ana, "withdraw_request", "withdraw it", request_number=filed) == ["utter_not_yours"]
    assert "Pothole" not in ana.words()[0] and "Prospect" not in ana.words()[0]
    assert not server.updates


def test_a_forged_yes_takes_nothing_back(conversations, server, filed):
    ana = conversations()
    ana.hears("withdraw it", "withdraw_request", request_number=filed)
    ana.message["known"] = {"sure": True}
    ana.runs(ActionChangeSent())
    assert ana.spoken() == ["utter_not_yours"] and not server.updates


def test_what_is_closed_is_not_taken_back(rasa, server, closed):
    assert wish(rasa, "withdraw_request", "cancel my report")[0] == "utter_cannot_take_back_closed"


def test_a_system_that_is_away_is_told_later(rasa, server, filed):
    wish(rasa, "withdraw_request", "cancel my report")
    server.switches.fail = 1000
    assert then(rasa, "yes", "affirm") == ["utter_take_back_waiting"]


def test_with_followers_it_stays_for_them(rasa, conversations, server, filed):
    ana = conversations()
    wish(ana, "follow_request", request_number=filed)
    assert wish(rasa, "withdraw_request", "cancel my report") == ["utter_ask_leave"]
    assert then(rasa, "yes", "affirm") == ["utter_left"]
    (update,) = server.updates
    assert not update.get("status") and "Their number is 1" in update["description"]
    assert server.rows[0]["status"] == "open"
    assert affected(engine_of(rasa), [filed]) == {filed: 1}
    assert wish(rasa, "add_to_request", "it has sharp edges") == ["utter_not_yours_to_add"]
    server.rows[0].update(status="closed", status_notes="Filled.", updated_datetime=datetime.now(timezone.utc))
    rasa.here.requests.watch().run_due()
    with reading(engine_of(rasa)) as session:
        assert list(session.scalars(select(Update.recipient))) == [ana.sender]
    assert wish(rasa, "follow_request", request_number=filed) == ["utter_following"]


def test_who_follows_only_stops_following(conversations, server, filed):
    ana = conversations()
    wish(ana, "follow_request", request_number=filed)
    assert wish(ana, "withdraw_request", "stop it", request_number=filed) == ["utter_unfollowed"]
    assert not server.updates


@pytest.mark.parametrize(
    ("updates", "ask", "end"),
    [
        (True, "utter_ask_take_back_told", "utter_take_back_told"),
        (False, "utter_ask_take_back_told", "utter_take_back_kept"),
    ],
)
def test_elsewhere_it_is_said_honestly(rasa, server, elsewhere, updates, ask, end):
    elsewhere(updates=updates)
    number = report(rasa)
    assert wish(rasa, "withdraw_request", "cancel my report") == ["utter_ask_take_back_told"]
    assert then(rasa, "yes", "affirm") == [end]
    assert len(server.updates) == updates
    assert [one.number for one in kept(engine_of(rasa))] == ([] if updates else [number])
