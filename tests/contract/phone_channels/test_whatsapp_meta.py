"""WhatsApp through Meta's Cloud API, against a double of it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest
from doubles.meta import ACCESS, PATH, VERIFY, MetaDouble
from doubles.phones import GENEROUS, PROMPT, eventually, phone_portal
from doubles.portal import Portal
from doubles.relay import RelayDouble
from doubles.twilio import TwilioDouble, picture
from harness import asking
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from city311.channels.configuration import Lines
from city311.store import outgoing
from city311.store.base import now, writing
from city311.store.correspondents import Correspondent
from city311.store.outgoing import OutgoingMessage
from city311.store.turns import Turn

ANN = "+16175550177"


@pytest.fixture
def portal(engine: Engine, relay: RelayDouble, twilio: TwilioDouble, meta: MetaDouble) -> Iterator[Portal]:
    lines = Lines(meta=meta.account(templates={"status": "city_status:en_US"}), rates=GENEROUS)
    with phone_portal(engine, relay, twilio, phone_lines=lines) as running:
        yield running


def turns(engine: Engine) -> list[Turn]:
    with Session(engine) as session:
        return list(session.scalars(select(Turn).order_by(Turn.sender, Turn.seq)))


def queue(engine: Engine) -> list[OutgoingMessage]:
    with Session(engine) as session:
        return list(session.scalars(select(OutgoingMessage).order_by(OutgoingMessage.id)))


def ok(response: httpx.Response) -> None:
    assert response.status_code == 200, response.text


def test_the_handshake(portal: Portal) -> None:
    asked = {"hub.mode": "subscribe", "hub.verify_token": VERIFY, "hub.challenge": "1158201444"}
    answer = asking.get(portal.url + PATH, params=asked)
    assert (answer.status_code, answer.text) == (200, "1158201444")
    assert answer.headers["content-type"].startswith("text/plain")
    for wrong in ({"hub.verify_token": "guess"}, {"hub.verify_token": "ü"}, {"hub.mode": "unsubscribe"}):
        assert asking.get(portal.url + PATH, params={**asked, **wrong}).status_code == 403
    assert asking.get(portal.url + PATH).status_code == 403


def test_a_message_is_answered(portal: Portal, meta: MetaDouble, relay: RelayDouble, engine: Engine) -> None:
    ok(meta.bring(portal.url, meta.batch(meta.message(ANN, body="a pothole on Main"))))
    [sent] = eventually(lambda: meta.to(ANN))
    assert sent["type"] == "text"
    assert sent["text"]["body"].endswith("You said: a pothole on Main")
    assert relay.calls[0]["channel"] == "whatsapp"
    eventually(lambda: queue(engine)[0].state == "sent")
    [row] = queue(engine)
    assert (row.provider_id, sent["biz_opaque_callback_data"]) == (sent["id"], f"{row.key}#1/1")
    assert meta.wrong == []


def test_forged_stale_and_misshapen_bodies(portal: Portal, meta: MetaDouble, engine: Engine) -> None:
    body = meta.batch(meta.message(ANN, body="hello"))
    assert meta.bring(portal.url, body, secret="another").status_code == 403
    headers = {"Content-Type": "application/json"}
    assert asking.post(portal.url + PATH, content=body, headers=headers).status_code == 403
    for signature in ("", "sha256=", "sha1=aa", "sha256=" + "0" * 64):
        sent = {**headers, "X-Hub-Signature-256": signature}
        assert asking.post(portal.url + PATH, content=body, headers=sent).status_code == 403
    assert asking.post(portal.url + PATH, content=body, headers={"Content-Type": "text/plain"}).status_code == 415
    for garbage in (b"", b"[]", b"{", b'{"object": "page"}', b"\xff", b"[" * 30_000):
        assert meta.bring(portal.url, garbage).status_code == 400, garbage[:20]
    too_large = b'{"object": "whatsapp_business_account", "x": "' + b"x" * 3_200_000 + b'"}'
    assert meta.bring(portal.url, too_large).status_code == 413
    for odd in (
        {"object": "whatsapp_business_account"},
        {"object": "whatsapp_business_account", "entry": 5},
        {"object": "whatsapp_business_account", "entry": [{"changes": [{"field": "messages", "value": []}]}]},
        {"object": "whatsapp_business_account", "entry": [None, {"changes": {}}, {"changes": [7]}]},
    ):
        ok(meta.bring(portal.url, json.dumps(odd).encode()))
    ok(meta.bring(portal.url, meta.batch(meta.message(ANN, body="old", at=time.time() - 9 * 86400))))
    ok(meta.bring(portal.url, meta.batch(meta.message(ANN, body="ahead", at=time.time() + 3600))))
    ok(meta.bring(portal.url, meta.batch(meta.message(ANN, body="of another number"), number_id="1")))
    ok(meta.bring(portal.url, meta.batch({**meta.message(ANN, body="x"), "timestamp": "soon"})))
    assert turns(engine) == []


def test_batches_are_put_in_order_and_repeated_ones_are_the_same_turns(
    portal: Portal, meta: MetaDouble, relay: RelayDouble, engine: Engine
) -> None:
    start = time.time() - 60
    messages = [meta.message(ANN, body=f"message {n}", at=start + n) for n in range(6)]
    body = meta.batch(*reversed(messages))
    for _ in range(3):
        ok(meta.bring(portal.url, body))
    eventually(lambda: len(meta.to(ANN)) == 6)
    assert [turn.text for turn in turns(engine)] == [f"message {n}" for n in range(6)]
    assert [sent["text"]["body"].splitlines()[-1] for sent in meta.to(ANN)] == [
        f"You said: message {n}" for n in range(6)
    ]


def ask(*titles: str) -> Any:
    buttons = [{"title": title, "payload": title} for title in titles]
    return lambda _turn: [{"text": "OK."}, {"text": "Which **one**?", "buttons": buttons}]


def test_up_to_three_choices_are_buttons(portal: Portal, meta: MetaDouble, relay: RelayDouble) -> None:
    relay.answer = ask("Yes, send it", "Change something")
    ok(meta.bring(portal.url, meta.batch(meta.message(ANN, body="hello"))))
    [sent] = eventually(lambda: meta.to(ANN))
    assert sent["interactive"]["type"] == "button"
    assert sent["interactive"]["body"]["text"].endswith("OK.\nWhich *one*?")
    reply = sent["interactive"]["action"]["buttons"][1]["reply"]
    pressed = meta.message(ANN, "interactive", type="button_reply", button_reply=reply)
    ok(meta.bring(portal.url, meta.batch(pressed)))
    eventually(lambda: len(relay.calls) == 2)
    assert relay.calls[1]["text"] == "Change something"


def test_more_choices_are_a_list(portal: Portal, meta: MetaDouble, relay: RelayDouble) -> None:
    titles = ("Traffic lane", "Bike lane", "Crosswalk", "The shoulder or the edge of the road", "I don't know")
    relay.answer = ask(*titles)
    ok(meta.bring(portal.url, meta.batch(meta.message(ANN, body="hello"))))
    [sent] = eventually(lambda: meta.to(ANN))
    rows = sent["interactive"]["action"]["sections"][0]["rows"]
    assert [row["id"] for row in rows] == list(titles)
    assert rows[3] == {"id": titles[3], "title": "The shoulder or the edg…", "description": titles[3]}
    pressed = meta.message(ANN, "interactive", type="list_reply", list_reply={"id": titles[3], "title": "The"})
    ok(meta.bring(portal.url, meta.batch(pressed)))
    eventually(lambda: len(relay.calls) == 2)
    assert relay.calls[1]["text"] == titles[3]
    assert meta.wrong == []


def test_more_than_ten_choices_are_numbered(portal: Portal, meta: MetaDouble, relay: RelayDouble) -> None:
    relay.answer = ask(*(f"Choice {n}" for n in range(12)))
    ok(meta.bring(portal.url, meta.batch(meta.message(ANN, body="hello"))))
    [sent] = eventually(lambda: meta.to(ANN))
    assert sent["text"]["body"].endswith("12. Choice 11")
    ok(meta.bring(portal.url, meta.batch(meta.message(ANN, body="12"))))
    eventually(lambda: len(relay.calls) == 2)
    assert relay.calls[1]["text"] == "Choice 11"


def test_photos_pins_and_what_else_comes(portal: Portal, meta: MetaDouble, relay: RelayDouble, engine: Engine) -> None:
    ok(meta.bring(portal.url, meta.batch(meta.photo(ANN, picture(), caption="this one"))))
    eventually(lambda: len(relay.calls) == 1)
    assert (relay.calls[0]["text"], len(relay.calls[0]["metadata"]["media"])) == ("this one", 1)
    place = {"latitude": 42.3651, "longitude": -71.1042, "name": "Park", "address": "12 Main St"}
    ok(meta.bring(portal.url, meta.batch(meta.message(ANN, "location", **place))))
    eventually(lambda: len(relay.calls) == 2)
    assert relay.calls[1]["text"] == "12 Main St"
    assert relay.calls[1]["metadata"]["location"] == {"lat": 42.3651, "lon": -71.1042}
    ok(meta.bring(portal.url, meta.batch(meta.message(ANN, "reaction", message_id="x", emoji="👍"))))
    ok(meta.bring(portal.url, meta.batch(meta.message(ANN, "audio", id="123", mime_type="audio/ogg; codecs=opus"))))
    eventually(lambda: any("could not take" in json.dumps(sent) for sent in meta.to(ANN)))
    ok(meta.bring(portal.url, meta.batch(meta.photo(ANN, b"no picture", caption="broken"))))
    eventually(lambda: len(relay.calls) == 3)
    assert "media" not in relay.calls[2]["metadata"]
    assert [turn.text for turn in turns(engine)] == ["this one", "12 Main St", "", "broken"]


def test_a_media_id_that_is_an_address_is_not_called(portal: Portal, meta: MetaDouble, relay: RelayDouble) -> None:
    odd = meta.message(ANN, "image", id="../../evil?x=", mime_type="image/jpeg", caption="look")
    ok(meta.bring(portal.url, meta.batch(odd)))
    eventually(lambda: relay.calls)
    assert not any(method == "GET" for method, _ in meta.requests)


@pytest.mark.parametrize("mood", ["away", "busy"])
def test_what_meta_surely_did_not_take_is_sent_again(portal: Portal, meta: MetaDouble, mood: str) -> None:
    meta.moods = [mood]
    ok(meta.bring(portal.url, meta.batch(meta.message(ANN, body="hello"))))
    eventually(lambda: meta.to(ANN))
    assert len(meta.to(ANN)) == 1


@pytest.mark.parametrize(("mood", "taken"), [("cut", 1), ("fault", 1), ("deaf", 0)])
def test_what_meta_may_have_taken_is_not_sent_again_but_left_to_a_person(
    portal: Portal, meta: MetaDouble, engine: Engine, mood: str, taken: int
) -> None:
    meta.moods = [mood]
    ok(meta.bring(portal.url, meta.batch(meta.message(ANN, body="hello"))))
    eventually(lambda: queue(engine) and queue(engine)[0].state == "failed")
    ok(meta.bring(portal.url, meta.batch(meta.message(ANN, body="are you there?"))))
    eventually(lambda: [row.state for row in queue(engine)] == ["failed", "sent"])
    assert queue(engine)[0].last_error.startswith("unsure")
    assert len(meta.to(ANN)) == taken + 1
    with writing(engine) as session:
        assert outgoing.retry(session, queue(engine)[0].id, now())
    eventually(lambda: [row.state for row in queue(engine)] == ["sent", "sent"])
    assert len(meta.to(ANN)) == taken + 2


@pytest.mark.parametrize("late", [False, True], ids=["in_time", "late"])
def test_news_from_meta_end_the_doubt(
    engine: Engine, relay: RelayDouble, twilio: TwilioDouble, meta: MetaDouble, late: bool
) -> None:
    patience = replace(PROMPT, news_s=0.0 if late else 3600.0)
    with phone_portal(engine, relay, twilio, phone_lines=Lines(meta=meta.account()), sending=patience) as portal:
        meta.moods = ["cut"]
        ok(meta.bring(portal.url, meta.batch(meta.message(ANN, body="hello"))))
        eventually(lambda: queue(engine) and queue(engine)[0].last_error.startswith("unsure"))
        assert queue(engine)[0].state == ("failed" if late else "waiting")
        [sent] = meta.to(ANN)
        ok(meta.bring(portal.url, meta.batch(statuses=[meta.status(sent["id"], "delivered", ANN)])))
        [row] = queue(engine)
        assert (row.state, row.provider_id, row.fate, row.last_error) == ("sent", sent["id"], "delivered", "")
        ok(meta.bring(portal.url, meta.batch(statuses=[meta.status(sent["id"], "read", ANN)])))
        ok(meta.bring(portal.url, meta.batch(meta.message(ANN, body="and now?"))))
        eventually(lambda: [row.state for row in queue(engine)] == ["sent", "sent"])
    assert queue(engine)[0].fate == "read"
    assert len(meta.to(ANN)) == 2


def test_the_second_part_goes_once_when_the_first_was_in_doubt(
    engine: Engine, relay: RelayDouble, twilio: TwilioDouble, meta: MetaDouble
) -> None:
    relay.answer = lambda _turn: [{"text": "First. " * 200}, {"text": "Second. " * 100}]
    with phone_portal(
        engine, relay, twilio, phone_lines=Lines(meta=meta.account()), sending=replace(PROMPT, news_s=3600.0)
    ) as portal:
        meta.moods = ["cut"]
        ok(meta.bring(portal.url, meta.batch(meta.message(ANN, body="tell me all"))))
        eventually(lambda: queue(engine) and queue(engine)[0].last_error.startswith("unsure"))
        [first] = meta.to(ANN)
        ok(meta.bring(portal.url, meta.batch(statuses=[meta.status(first["id"], "sent", ANN)])))
        eventually(lambda: queue(engine)[0].state == "sent")
    assert len(meta.to(ANN)) == 2
    assert queue(engine)[0].parts == 2


def test_news_that_name_something_else_change_nothing(portal: Portal, meta: MetaDouble, engine: Engine) -> None:
    ok(meta.bring(portal.url, meta.batch(meta.message(ANN, body="hello"))))
    eventually(lambda: queue(engine) and queue(engine)[0].state == "sent")
    [before] = queue(engine)
    for name in ("", "#", "nothing#1/1", f"{before.key}#0/1", f"{before.key}#2/1", f"{before.key}#٢/٢", "#1/1", "a#1"):
        odd = {**meta.status("wamid.other", "failed", ANN, 131000), "biz_opaque_callback_data": name}
        ok(meta.bring(portal.url, meta.batch(statuses=[odd])))
    ok(meta.bring(portal.url, meta.batch(statuses=[{**meta.status("x", "sent", ANN), "biz_opaque_callback_data": 7}])))
    [after] = queue(engine)
    assert (after.state, after.provider_id, after.fate) == ("sent", before.provider_id, "")


# --- the 24-hour window -----------------------------------------------------------------------------------------------

NEWS = [{"text": "Your report SR-104217 is done."}]
TEMPLATE = {"name": "status", "values": ["SR-104217", "done"]}


def silent_for(engine: Engine, hours: float) -> str:
    with Session(engine.execution_options(writes=True)) as session, session.begin():
        whom = session.scalars(select(Correspondent)).one()
        whom.heard_at = now() - timedelta(hours=hours)
        return whom.sender


def tell(engine: Engine, key: str, sender: str, template: Any = None) -> None:
    with writing(engine) as session:
        assert outgoing.enqueue(
            session, key=key, sender=sender, messages=NEWS, at=now(), kind=outgoing.REPLY, template=template
        )


def test_within_24_hours_news_are_free_text_and_afterwards_a_template(
    portal: Portal, meta: MetaDouble, engine: Engine
) -> None:
    ok(meta.bring(portal.url, meta.batch(meta.message(ANN, body="hello"))))
    eventually(lambda: meta.to(ANN))
    tell(engine, "one", silent_for(engine, 23), TEMPLATE)
    eventually(lambda: len(meta.to(ANN)) == 2)
    assert meta.to(ANN)[1]["text"]["body"] == NEWS[0]["text"]
    meta.closed.add(ANN.removeprefix("+"))
    tell(engine, "two", silent_for(engine, 25), TEMPLATE)
    eventually(lambda: len(meta.to(ANN)) == 3)
    assert meta.to(ANN)[2]["template"] == {
        "name": "city_status",
        "language": {"code": "en_US"},
        "components": [
            {"type": "body", "parameters": [{"type": "text", "text": "SR-104217"}, {"type": "text", "text": "done"}]}
        ],
    }


def test_without_a_template_it_waits_for_a_person(portal: Portal, meta: MetaDouble, engine: Engine) -> None:
    ok(meta.bring(portal.url, meta.batch(meta.message(ANN, body="hello"))))
    eventually(lambda: meta.to(ANN))
    sender = silent_for(engine, 25)
    tell(engine, "one", sender)
    tell(engine, "two", sender, {"name": "unknown", "values": []})
    eventually(lambda: [row.state for row in queue(engine)][1:] == ["failed", "failed"])
    assert len(meta.to(ANN)) == 1


def test_a_window_that_meta_finds_closed_is_answered_with_the_template(
    portal: Portal, meta: MetaDouble, engine: Engine
) -> None:
    ok(meta.bring(portal.url, meta.batch(meta.message(ANN, body="hello"))))
    eventually(lambda: meta.to(ANN))
    meta.closed.add(ANN.removeprefix("+"))
    sender = silent_for(engine, 1)
    tell(engine, "at once", sender, TEMPLATE)
    eventually(lambda: len(meta.to(ANN)) == 2)
    assert meta.to(ANN)[1]["type"] == "template"
    meta.closed.clear()
    tell(engine, "later", sender, TEMPLATE)
    eventually(lambda: len(meta.to(ANN)) == 3)
    eventually(lambda: queue(engine)[-1].state == "sent")
    late = meta.status(meta.to(ANN)[2]["id"], "failed", ANN, 131047)
    ok(meta.bring(portal.url, meta.batch(statuses=[late])))
    eventually(lambda: len(meta.to(ANN)) == 4)
    assert meta.to(ANN)[3]["type"] == "template"


def test_news_of_messages_are_kept(portal: Portal, meta: MetaDouble, engine: Engine) -> None:
    ok(meta.bring(portal.url, meta.batch(meta.message(ANN, body="hello"))))
    [sent] = eventually(lambda: meta.to(ANN))
    eventually(lambda: queue(engine)[0].state == "sent")
    ok(meta.bring(portal.url, meta.batch(statuses=[meta.status(sent["id"], "read", ANN)])))
    assert queue(engine)[0].fate == "read"


def test_stop_on_whatsapp_is_confirmed_by_us_and_cancel_is_a_word(
    portal: Portal, meta: MetaDouble, relay: RelayDouble
) -> None:
    ok(meta.bring(portal.url, meta.batch(meta.message(ANN, body="cancel"))))
    eventually(lambda: len(meta.to(ANN)) == 1)
    assert relay.calls[0]["text"] == "cancel"
    ok(meta.bring(portal.url, meta.batch(meta.message(ANN, body="stop"))))
    eventually(lambda: len(meta.to(ANN)) == 2)
    assert "no more texts" in meta.to(ANN)[1]["text"]["body"]
    ok(meta.bring(portal.url, meta.batch(meta.message(ANN, body="hello?"))))
    ok(meta.bring(portal.url, meta.batch(meta.message(ANN, body="start"))))
    eventually(lambda: len(meta.to(ANN)) == 3)
    assert "again" in meta.to(ANN)[2]["text"]["body"]
    assert len(relay.calls) == 1


def test_the_access_token_is_in_no_log(portal: Portal, meta: MetaDouble, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", "city311")
    meta.moods = ["away", "busy"]
    ok(meta.bring(portal.url, meta.batch(meta.message(ANN, body="hello"))))
    eventually(lambda: meta.to(ANN))
    assert ACCESS not in caplog.text
    assert ANN.removeprefix("+") not in caplog.text
