"""News about a report stands in the conversation when the resident returns, on every page, and looks like no answer."""

from __future__ import annotations

from datetime import datetime, timezone

import httpx
from sqlalchemy import Engine, select

from city311.city import load_pack
from city311.requests.status import Kind, Status
from city311.requests.tell import Teller, facts_of
from city311.settings import HOUSE
from city311.store.base import now, reading, writing
from city311.store.turns import Turn
from city311.store.updates import Update


def test_news_is_there_on_return(page: httpx.Client, engine: Engine) -> None:
    page.post("/channels/web/messages", json={"id": "m1", "text": "hello"})
    with reading(engine) as session:
        sender = session.scalars(select(Turn.sender)).one()
    at = datetime(2026, 11, 20, 15, tzinfo=timezone.utc)
    status = Status(Kind.FOUND, "SR-100003", "Pothole", state="done", since=at, notes="Filled <b>well</b>.")
    with writing(engine) as session:
        facts = facts_of(status, "", can_reopen=True)
        session.add(Update(key="1", recipient=sender, reference="SR-100003", facts=facts, created_at=now()))
    teller = Teller(load_pack(HOUSE / "cities" / "riverbend"), engine, now)
    assert [teller.tell_waiting(), teller.tell_waiting()] == [1, 0]

    _, news = page.get("/channels/web/messages").json()["turns"]
    assert (news["text"], news["id"][:7], news["state"]) == ("", "update-", "answered")
    texts = [message["text"] for message in news["messages"]]
    assert "SR-100003" in texts[0] and "is done" in texts[1] and "Filled" in texts[2]
    assert news["messages"][-1]["buttons"] == [{"title": "Reopen SR-100003", "payload": "Reopen SR-100003"}]

    plain = page.get("/plain").text
    assert "Filled &lt;b&gt;well&lt;/b&gt;." in plain and "Photos" not in plain
    assert plain.count('class="message own"') == 1
    assert page.post("/channels/web/messages", json={"id": "m2", "text": "thanks"}).json()["seq"] == 3
