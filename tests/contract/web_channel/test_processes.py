"""Two portal processes on one database, and portal processes that are killed."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from doubles.portal import RELAY_SECRET, PortalProcess
from doubles.relay import RelayDouble, slow
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from city311.store.turns import Turn

pytestmark = pytest.mark.faults


def turns(engine: Engine) -> list[Turn]:
    with Session(engine) as session:
        return list(session.scalars(select(Turn).order_by(Turn.seq)))


def test_two_portals_keep_one_residents_order(engine: Engine, database_url: str) -> None:
    with (
        RelayDouble(RELAY_SECRET, slow(0.01)) as relay,
        PortalProcess(relay.port, database_url) as one,
        PortalProcess(relay.port, database_url) as two,
        one.client() as first,
    ):
        first.post("/channels/web/session", json={})
        # the cookie's port is not part of it, but httpx keeps cookies by host
        with two.client(first.cookies) as second, ThreadPoolExecutor(8) as pool:

            def send(number: int) -> str:
                page = (first, second)[number % 2]
                # every message goes to both, as from a page that got no answer in time
                other = (second, first)[number % 2]
                body = {"id": f"m{number}", "text": f"message {number}"}
                replies = [to.post("/channels/web/messages", json=body).json() for to in (page, other)]
                assert replies[0]["turn"] == replies[1]["turn"]
                assert {reply["state"] for reply in replies} == {"answered"}
                return str(replies[0]["messages"][0]["text"])

            answers = list(pool.map(send, range(24)))
    stored = turns(engine)
    assert answers == [f"You said: message {n}" for n in range(24)]
    assert [turn.seq for turn in stored] == list(range(1, 25))
    assert relay.order[stored[0].sender] == [turn.text for turn in stored]
    assert relay.overlaps == 0
    assert len(relay.calls) == 24


@pytest.mark.parametrize("moment", ["before the relay did the turn", "after the relay did the turn"])
def test_a_killed_portal_loses_and_doubles_nothing(engine: Engine, database_url: str, moment: str) -> None:
    with RelayDouble(RELAY_SECRET) as relay:
        relay.mode = "hang"
        with (
            PortalProcess(relay.port, database_url, lease_s=3) as portal,
            portal.client() as page,
            ThreadPoolExecutor(2) as pool,
        ):
            page.post("/channels/web/session", json={})
            cookies = page.cookies
            sent = [
                pool.submit(page.post, "/channels/web/messages", json={"id": f"m{n}", "text": f"message {n}"})
                for n in range(2)
            ]
            wait_for(lambda: len(relay.calls) == 1 and len(turns(engine)) == 2)
            if moment.startswith("before"):
                portal.kill()
                relay.release.set()
            else:
                # the double does the turn, and the portal is dead before it can store the answer
                portal.process.send_signal(19)
                relay.release.set()
                wait_for(lambda: len(relay.done) == 1)
                portal.kill()
            relay.mode = "answer"
            for future in sent:
                with pytest.raises(httpx.TransportError):
                    future.result(60)
        assert {turn.state for turn in turns(engine)} == {"waiting"}
        with PortalProcess(relay.port, database_url) as portal, portal.client(cookies) as page:
            wait_for(lambda: {t["state"] for t in page.get("/channels/web/messages").json()["turns"]} == {"answered"})
            shown = page.get("/channels/web/messages").json()["turns"]
            assert [turn["messages"][0]["text"] for turn in shown] == [f"You said: {turn['text']}" for turn in shown]
            again = page.post("/channels/web/messages", json={"id": "m0", "text": "message 0"}).json()
            assert again["turn"] in {turn["turn"] for turn in shown}
        assert len(turns(engine)) == len(relay.done) == 2
        retries = [call["metadata"]["retry"] for call in relay.calls if call["metadata"]["turn"] == shown[0]["turn"]]
        assert retries[0] is False
        assert all(retries[1:])
        assert len(retries) >= 2


def wait_for(check: object) -> None:
    until = time.monotonic() + 120
    while not check():  # type: ignore[operator]
        assert time.monotonic() < until, "it did not happen within two minutes"
        time.sleep(0.02)
