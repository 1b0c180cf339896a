"""What residents say about a request that is there: servicerequestupdates, and what the crew sees of it."""

import json

import pytest
from test_crew import number, run  # noqa: F401 - fixtures
from xml_reading import from_xml

from city311.requests import Draft, Words, afterwards, desk
from city311.requests.submit import record
from city311.store import keys
from city311.store.base import now, writing
from city311.store.ledger import KEPT, Outbox


@pytest.fixture
def say(client, key, number):  # noqa: F811
    """Posts an update about the request; the answer."""

    def post(form="json", **changes):
        fields = {"api_key": key, "service_request_id": number, "update_id": "u1", "description": "It grew."}
        fields = {name: value for name, value in {**fields, **changes}.items() if value is not None}
        return client.post(f"servicerequestupdates.{form}", data=fields)

    return post


def test_the_crew_sees_words_and_photos_and_readers_do_not(say, client, run, number):  # noqa: F811
    photos = ["https://311.example/photos/a.jpg", "https://311.example/photos/b.jpg"]
    answer = say(media_url=photos, updated_datetime="2026-01-31T08:00:00-05:00")
    assert (answer.status_code, answer.json()) == (200, [{"update_id": "u1"}])
    code, out, _ = run("requests", "show", number)
    assert code == 0 and "It grew." in out and photos[1] in out
    (remark,) = json.loads(run("requests", "show", number, "--json")[1])["remarks"]
    assert remark["said_at"].startswith("2026-01-31T13:00:00") and remark["media_urls"] == photos
    shown = client.get(f"requests/{number}.json?extensions=true").text
    assert "It grew." not in shown and "photos/a.jpg" not in shown


def test_the_same_again_changes_nothing(say, engine, number):  # noqa: F811
    assert [say().status_code, say(description="Other words.").status_code] == [200, 200]
    assert [remark.text for remark in desk.remarks(engine, number)] == ["It grew."]


def test_xml(say):
    answer = say("xml")
    assert from_xml(answer.content)["request_update"] == {"update_id": "u1"}
    assert b"<service_request_updates><request_update>" in answer.content


def test_taken_back_and_opened_again(say, engine, number):  # noqa: F811
    assert say(status="CLOSED").status_code == 200
    row = desk.show(engine, number)
    assert row.state == "withdrawn" and [note.state for note in row.notes] == ["received", "withdrawn"]
    assert say(update_id="u2", status="OPEN").status_code == 200
    assert desk.show(engine, number).state == "withdrawn"  # what was taken back is reported anew
    desk.update(engine, number, state="done", note="Filled.", by="crew")
    assert say(update_id="u3", status="OPEN", description="It sank again.").status_code == 200
    row = desk.show(engine, number)
    assert (row.state, row.status_notes, row.evidence) == ("reopened", "", "")
    say(update_id="u4", status="OPEN")
    assert len(desk.show(engine, number).notes) == 4
    assert [remark.text for remark in desk.remarks(engine, number)][2] == "It sank again."


def test_what_is_closed_stays_as_it_was_closed(say, engine, number):  # noqa: F811
    desk.update(engine, number, state="done", note="Filled.", by="crew")
    assert say(status="closed").status_code == 200
    row = desk.show(engine, number)
    assert (row.state, row.status_notes) == ("done", "Filled.")


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"api_key": "wrong"}, 403),
        ({"service_request_id": "SR-104215"}, 404),
        ({"service_request_id": "x' OR 1=1"}, 404),
        ({"service_request_id": None}, 404),
        ({"update_id": None}, 400),
        ({"update_id": "u" * 201}, 400),
        ({"description": None}, 400),
        ({"description": "x" * 4001}, 400),
        ({"description": "a\x00b"}, 400),
        ({"status": "FIXED"}, 400),
        ({"media_url": "javascript:alert(1)"}, 400),
        ({"updated_datetime": "yesterday"}, 400),
        ({"jurisdiction_id": "elsewhere"}, 404),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else str(value),
)
def test_what_is_wrong_is_refused(say, engine, number, changes, status):  # noqa: F811
    assert say(**changes).status_code == status
    assert desk.remarks(engine, number) == []


def test_another_key_may_not(say, engine, number, own_key):  # noqa: F811
    assert say(api_key=keys.create_key(engine, "Another app"), status="closed").status_code == 403
    assert desk.show(engine, number).state == "received"
    assert say(api_key=own_key).status_code == 200


def test_an_id_belongs_to_one_request(say, client, pothole):
    assert say().status_code == 200
    other = client.post("requests.json", data=pothole).json()[0]["service_request_id"]
    assert say(service_request_id=other).status_code == 400


def test_it_is_not_read(client):
    answer = client.get("servicerequestupdates.json")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")


def test_what_no_system_took_is_listed_until_somebody_settles_it(run, engine, pack):  # noqa: F811
    filed = record(engine, pack, Draft("pothole", address="Main St", reporter="web-1"), "web-1:a", now(), 60).number
    said = afterwards.add(engine, filed, Words("web-1", "It grew. [bold]"), now(), 60)
    assert run("requests", "kept") == (0, "Nothing waits for a person.\n", "")
    with writing(engine) as session:
        session.get_one(Outbox, said.row).state = KEPT
    _code, out, _err = run("requests", "kept")
    assert filed in out and "It grew. [bold]" in out
    (row,) = json.loads(run("requests", "kept", "--json")[1])
    assert (row["number"], row["kind"], row["text"]) == (filed, "add", "It grew. [bold]")
    assert run("requests", "settle", filed, "--by", "Maria")[:2] == (0, f"{filed}: 1 done.\n")
    assert run("requests", "kept")[1] == "Nothing waits for a person.\n"
    code, _out, err = run("requests", "settle", filed)
    assert code == 1 and "kept" in err
