"""Words and photos are added to a report that was sent, by whoever made or follows it."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from sent_reports import engine_of, photograph, report, then, wish

from actions.clarify import ActionClarify
from city311.requests import Requests
from city311.requests.afterwards import kept, settle


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
