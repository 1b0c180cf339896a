"""Sessions of the web channel: whose conversation is shown to whom."""

from __future__ import annotations

import httpx
from doubles.chatting import history, send, stored
from doubles.portal import EAGER, SECRETS, UNHURRIED, Portal
from doubles.relay import RelayDouble
from itsdangerous import URLSafeTimedSerializer
from sqlalchemy import Engine

from city311.channels.sessions import Sessions


def test_the_session_cookie_is_closed_to_scripts_and_other_sites(portal: Portal) -> None:
    with portal.client() as client:
        response = client.post("/channels/web/session", json={})
        cookie = response.headers["Set-Cookie"]
        assert response.json()["session"] == "new"
        assert "httponly" in cookie.lower()
        assert "samesite=lax" in cookie.lower()
        assert "secure" not in cookie.lower()
        assert response.headers["Cache-Control"] == "no-store"
        assert client.post("/channels/web/session", json={}).json()["session"] == "resumed"


def test_in_production_the_cookie_travels_over_https_only(engine: Engine, relay: RelayDouble) -> None:
    with (
        Portal(engine, relay.port, profile="production", pace=UNHURRIED, timing=EAGER) as portal,
        portal.client() as client,
    ):
        cookie = client.post("/channels/web/session", json={}).headers["Set-Cookie"]
        assert cookie.startswith("__Host-")
        assert "; secure" in cookie.lower()
        assert "path=/" in cookie.lower()
        assert "domain" not in cookie.lower()


def test_a_forged_cookie_or_sender_opens_nobodys_conversation(
    page: httpx.Client, portal: Portal, engine: Engine
) -> None:
    send(page, "a", "hello")
    [turn] = stored(engine)
    for cookie in (turn.sender, f'"{turn.sender}"', "e30.aaaa.bbbb", "default"):
        with portal.client() as other:
            other.headers["Cookie"] = f"city311_session={cookie}"
            assert history(other) == []
            body = {"id": "a", "text": "hi", "sender": turn.sender, "sender_id": turn.sender}
            reply = other.post(f"/channels/web/messages?sender={turn.sender}", json=body)
            assert reply.json()["session"] == "new"
            assert reply.headers["Set-Cookie"]
    assert len({turn.sender for turn in stored(engine)}) == 5
    assert len(history(page)) == 1


def test_long_histories_come_in_parts(page: httpx.Client) -> None:
    for n in range(103):
        send(page, f"m{n}", f"message {n}")
    latest = page.get("/channels/web/messages").json()
    assert latest["more"] is True
    assert [turn["seq"] for turn in latest["turns"]] == list(range(4, 104))
    assert [turn["seq"] for turn in history(page, after=0)] == list(range(1, 101))
    assert [turn["seq"] for turn in history(page, after=100)] == [101, 102, 103]


def test_a_cookie_that_another_city_signed_opens_nothing(page: httpx.Client, portal: Portal) -> None:
    send(page, "a", "hello")
    mine = page.cookies["city311_session"]
    sender = Sessions(SECRETS["CITY311_SESSION_SECRET"]).open(mine).sender
    foreign = URLSafeTimedSerializer("another secret", salt="city311.channels.web.session").dumps(sender)
    for cookie, turns in ((mine, 1), (foreign, 0), (mine[:-2], 0), (mine.swapcase(), 0)):
        with portal.client() as other:
            other.headers["Cookie"] = f"city311_session={cookie}"
            assert len(history(other)) == turns


def test_erasing_one_conversation_leaves_the_others(page: httpx.Client, portal: Portal) -> None:
    send(page, "a", "hello")
    with portal.client() as other:
        send(other, "a", "hello, too")
        assert other.post("/channels/web/erase", json={}).json()["session"] == "new"
        assert history(other) == []
    assert [turn["text"] for turn in history(page)] == ["hello"]
