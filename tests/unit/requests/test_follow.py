"""Following a report."""

from datetime import datetime, timedelta, timezone

from city311.city import load_pack
from city311.requests.follow import affected, follow, followed_by, followers, unfollow
from city311.requests.submit import Draft, record
from city311.settings import HOUSE
from city311.store.base import reading

NOW = datetime(2026, 5, 1, 12, tzinfo=timezone.utc)


def filed(engine, reporter="web-1"):
    draft = Draft("pothole", address="12 Elm Street", reporter=reporter)
    return record(engine, load_pack(HOUSE / "cities" / "riverbend"), draft, f"{reporter}:1", NOW, 60).number


def test_following_twice_is_one_follow(engine):
    number = filed(engine)
    assert follow(engine, number, "web-2", "web", NOW) is True
    assert follow(engine, number, "web-2", "web", NOW) is False
    assert affected(engine, [number, "SR-9"]) == {number: 2, "SR-9": 1}


def test_who_made_it_hears_of_it_anyway(engine):
    number = filed(engine)
    assert follow(engine, number, "web-1", "web", NOW) is False
    assert affected(engine, [number]) == {number: 1}


def test_a_report_that_did_not_come_through_us_can_be_followed(engine):
    assert follow(engine, "2019-0042", "web-2", "web", NOW) is True
    with reading(engine) as session:
        assert followers(session, "2019-0042") == [("web-2", "web")]


def test_ending_and_following_again(engine):
    assert unfollow(engine, "7", "web-2", NOW) is False
    follow(engine, "7", "web-2", "web", NOW)
    follow(engine, "8", "web-2", "web", NOW + timedelta(hours=1))
    assert followed_by(engine, "web-2") == ["8", "7"]
    assert unfollow(engine, "7", "web-2", NOW) is True
    assert followed_by(engine, "web-2") == ["8"] and affected(engine, ["7"]) == {"7": 1}
    assert follow(engine, "7", "web-2", "sms", NOW) is True
    with reading(engine) as session:
        assert followers(session, "7") == [("web-2", "sms")]
