"""What is done with a report that was sent: added to, taken back, opened again, followed; and whose it must be."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from contract.open311_connector.georeport_double import KEY
from PIL import Image
from played_rasa import OFFER_FORM, report_pothole
from sqlalchemy import select

from actions.afterwards import ActionChangeSent
from actions.clarify import ActionClarify
from actions.offers import ActionTakeOffer, ValidateOfferForm
from actions.requests import ActionCheckStatus, ActionListRequests
from city311.connectors.breaker import Breaker
from city311.connectors.open311 import Open311
from city311.requests import Requests
from city311.requests.afterwards import kept, settle
from city311.requests.follow import affected
from city311.store.base import reading, writing
from city311.store.ledger import ServiceRequest
from city311.store.updates import Update


def photograph():
    target = io.BytesIO()
    Image.new("RGB", (40, 30), "red").save(target, "JPEG")
    return target.getvalue()


def report(rasa, **changes):
    report_pothole(rasa, **changes)
    rasa.finishes()
    return rasa.slots["last_request"]


@pytest.fixture
def filed(rasa):
    """A report of this conversation; its number."""
    return report(rasa)


@pytest.fixture
def closed(server, filed):
    """A report of this conversation that was closed an hour ago."""
    at = datetime.now(timezone.utc) - timedelta(hours=1)
    server.rows[0].update(status="closed", status_notes="Filled.", updated_datetime=at)
    return filed


@pytest.fixture
def elsewhere(here, server, pack, monkeypatch):
    """A system of record of somebody else's: own ids, and further ``updates`` or none."""

    def become(*, updates):
        server.switches.own_numbers = False
        config = replace(pack.workorders, url=server.url, timeout_s=2.0, own_numbers=False, updates=updates)
        system = Open311(config, KEY, zone=pack.city.timezone, breaker=Breaker(failures=1000, pause_s=60))
        monkeypatch.setattr(here.requests, "_system", system)
        monkeypatch.setattr(here.requests, "_delivery", replace(here.requests._delivery, system=system))

    return become


def wish(rasa, intent, text="please", **entities):
    """A wish is said; the keys of the answer, of the question where one is asked."""
    rasa.hears(text, intent, **entities)
    events = rasa.runs(ActionChangeSent())
    if any(event.get("name") == "offer_form" for event in events):
        rasa.is_offered()
    return rasa.spoken()


def then(rasa, text, intent="nlu_fallback", **options):
    """The answer to a question, and what is done then; the keys of what is said."""
    rasa.hears(text, intent, **options)
    rasa.loop = OFFER_FORM
    rasa.runs(ValidateOfferForm())
    answered = rasa.spoken()
    if rasa.slots["requested_slot"] is not None:
        return answered
    rasa.loop = None
    if not any(event["event"] == "user" for event in rasa.runs(ActionTakeOffer())):
        return answered
    action = ActionCheckStatus() if rasa.message["intent"]["name"] == "check_status" else ActionChangeSent()
    events = rasa.runs(action)
    if any(event.get("name") == "offer_form" for event in events):
        rasa.is_offered()
    return rasa.spoken()


def take_back(rasa, number, text="it is gone"):
    wish(rasa, "withdraw_request", text, request_number=number)
    return then(rasa, "Yes, take it back", "affirm")


def engine_of(rasa):
    return rasa.here.requests._engine


# -- which one


def three(rasa):
    """Three reports at different places; their numbers, the oldest first."""
    return [report(rasa, location=place) for place in ("22 Prospect Street", "14 Lake Street", "9 Oak Street")]


def forget_which_was_last(rasa):
    rasa.slots["last_request"] = None
    rasa.events.clear()


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


# -- adding


def test_words_reach_the_crew_once(rasa, server, filed):
    for expected in ("utter_added", "utter_added_already"):
        assert wish(rasa, "add_to_request", "tell them it has gotten bigger") == [expected]
    (update,) = server.updates
    assert update["description"] == "tell them it has gotten bigger"
    assert update["service_request_id"] == filed and not update.get("status")


def test_the_command_before_a_colon_is_not_passed_on(rasa, server, filed):
    wish(rasa, "add_to_request", f"add to {filed}: the dog is also loose", request_number=filed)
    assert server.updates[0]["description"] == "the dog is also loose"


def test_an_announcement_is_asked_what_to_add(rasa, server, filed):
    assert wish(rasa, "add_to_request", "I want to add something to my pothole report", service="pothole") == [
        "utter_ask_what_to_add"
    ]
    assert then(rasa, "The dog is loose.", "report", service="stray") == ["utter_added"]
    assert server.updates[0]["description"] == "The dog is loose."


def test_what_to_add_can_be_declined_or_left(rasa, server, filed):
    wish(rasa, "add_to_request", "add a note to my report")
    assert then(rasa, "never mind", "cancel") == ["utter_anything_else"]
    wish(rasa, "add_to_request", "add a note to my report")
    assert "utter_status_passed_on" in then(rasa, "how is my report doing", "check_status")
    assert not server.updates


def test_a_correction_after_sending_is_added_and_called_so(rasa, server, filed):
    assert wish(rasa, "correct_answer", "no wait, it's on Oak Street") == ["utter_already_sent", "utter_added"]
    assert server.updates[0]["description"] == "no wait, it's on Oak Street"


def test_photos_go_along(rasa, server, filed):
    photo = rasa.here.photos.keep(photograph(), rasa.sender, datetime.now(timezone.utc))
    rasa.metadata = {"media": [photo.id]}
    assert wish(rasa, "add_to_request", f"here's a photo for {filed}", request_number=filed) == ["utter_added"]
    assert server.updates[0]["media_urls"] == [f"https://311.example{photo.link}"]
    assert not server.updates[0].get("description")


def test_a_photo_alone_goes_to_the_report_just_made(rasa, server, filed):
    photo = rasa.here.photos.keep(photograph(), rasa.sender, datetime.now(timezone.utc))
    rasa.metadata = {"media": [photo.id]}
    rasa.hears("📷", "inform")
    rasa.runs(ActionClarify())
    assert rasa.spoken() == ["utter_added", "utter_photo_of_something_else"] and filed in rasa.words()[0]
    assert len(server.updates) == 1


def test_a_photo_without_a_report_waits_for_one(rasa, server):
    rasa.metadata = {"media": ["p1"]}
    rasa.hears("📷", "inform")
    rasa.runs(ActionClarify())
    assert rasa.spoken() == ["utter_photo_first"] and rasa.slots["photos"] == ["p1"]


def test_nobody_elses_photo_is_added(rasa, conversations, server, filed):
    photo = rasa.here.photos.keep(photograph(), conversations().sender, datetime.now(timezone.utc))
    rasa.metadata = {"media": [photo.id]}
    wish(rasa, "add_to_request", "look at this, it got bigger", request_number=filed)
    assert server.updates[0]["media_urls"] == []


def test_a_follower_may_add_and_a_stranger_may_not(conversations, server, filed):
    ana = conversations()
    assert wish(ana, "add_to_request", "it has sharp edges", request_number=filed) == ["utter_not_yours_to_add"]
    assert "Pothole" not in ana.words()[0] and not server.updates
    wish(ana, "follow_request", request_number=filed)
    assert wish(ana, "add_to_request", "it has sharp edges", request_number=filed) == ["utter_added"]
    assert len(server.updates) == 1


def test_what_is_closed_is_not_added_to(rasa, server, closed):
    assert wish(rasa, "add_to_request", "it has sharp edges") == ["utter_cannot_add_closed", "utter_status_can_reopen"]
    assert not server.updates


def test_a_system_that_is_away_gets_it_later_once(rasa, server, filed):
    server.switches.fail = 1000
    assert wish(rasa, "add_to_request", "it has sharp edges") == ["utter_added_waiting"]
    assert wish(rasa, "add_to_request", "it has sharp edges") == ["utter_added_waiting"]
    server.switches.fail = 0
    engine = engine_of(rasa)
    later = Requests(
        rasa.here.pack, engine, rasa.here.requests._system, lambda: datetime.now(timezone.utc) + timedelta(hours=1)
    )
    assert later.deliver_waiting() == 1 and later.deliver_waiting() == 0
    assert [update["description"] for update in server.updates] == ["it has sharp edges"]
    assert wish(rasa, "add_to_request", "it has sharp edges") == ["utter_added_already"]


def test_an_answer_that_is_lost_makes_nothing_twice(rasa, server, filed):
    server.switches.cut_after = 1
    assert wish(rasa, "add_to_request", "it has sharp edges") == ["utter_added"]
    assert len(server.updates) == 1


def test_no_more_than_twenty_a_day(rasa, server, filed):
    said = [wish(rasa, "add_to_request", f"crack number {count} opened")[0] for count in range(21)]
    assert said == ["utter_added"] * 20 + ["utter_add_too_many"]


def test_where_it_cannot_be_passed_on_it_is_kept_and_said_so(rasa, server, elsewhere):
    elsewhere(updates=False)
    number = report(rasa)
    assert wish(rasa, "add_to_request", "it has sharp edges") == ["utter_added_kept"]
    assert not server.updates
    (one,) = kept(engine_of(rasa))
    assert (one.number, one.kind, one.text) == (number, "add", "it has sharp edges")
    assert settle(engine_of(rasa), number, "maria") == 1 and kept(engine_of(rasa)) == []


def test_another_system_that_takes_updates_gets_it_under_its_id(rasa, server, elsewhere):
    elsewhere(updates=True)
    report(rasa)
    assert wish(rasa, "add_to_request", "it has sharp edges") == ["utter_added"]
    assert server.updates[0]["service_request_id"] == server.rows[0]["service_request_id"]
    assert server.updates[0]["status"] == "OPEN"


def test_what_is_refused_is_with_staff(rasa, server, filed):
    server.switches.takes_updates = False
    assert wish(rasa, "add_to_request", "it has sharp edges") == ["utter_added_kept"]
    (one,) = kept(engine_of(rasa))
    assert one.last_error


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
