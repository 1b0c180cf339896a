from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import httpx
import pytest
from doubles.portal import RELAY_SECRET, SECRETS, settings_for
from doubles.relay import RelayDouble
from fastapi import FastAPI
from harness.http import Handler, Server
from harness.ports import free_port
from sqlalchemy import Engine

from city311.portal.health import Health, health_router
from city311.store.base import open_engine


@contextmanager
def actions(port: int) -> Iterator[None]:
    """An action server's ``/health`` that wants the secret."""

    class Actions(Handler):
        def do_GET(self) -> None:
            allowed = self.headers.get("X-City311-Secret") == SECRETS["CITY311_ACTIONS_SECRET"]
            self.reply(200 if allowed and self.path == "/health" else 401)

    with Server(Actions, port):
        yield


def asked(engine: Engine, dialogue_port: int, actions_port: int) -> tuple[int, dict[str, object], str]:
    settings = settings_for(
        port=free_port(), dialogue_port=dialogue_port, database_url="sqlite://", photos_url="not-asked-here"
    )
    app = FastAPI()
    health = Health(replace(settings, actions_port=actions_port), engine)
    app.include_router(health_router(health))

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://portal") as client:
            answer = await client.get("/healthz")
        await health.close()
        return answer

    response = asyncio.run(ask())
    return response.status_code, response.json(), response.text


def test_all_is_well(engine: Engine) -> None:
    port = free_port()
    with RelayDouble(RELAY_SECRET) as relay, actions(port):
        status, body, _ = asked(engine, relay.port, port)
    assert status == 200
    assert body == {
        "status": "ok",
        "components": {"portal": "ok", "database": "ok", "dialogue": "ok", "actions": "ok"},
    }


@pytest.mark.parametrize("down", ["dialogue", "actions", "database"])
def test_one_part_down_is_told_without_an_address_or_a_secret(engine: Engine, down: str) -> None:
    port, nobody = free_port(), free_port()
    unmigrated = open_engine("sqlite://")
    with RelayDouble(RELAY_SECRET) as relay, actions(port):
        status, body, text = asked(
            unmigrated if down == "database" else engine,
            nobody if down == "dialogue" else relay.port,
            nobody if down == "actions" else port,
        )
    expected = {"portal": "ok", "database": "ok", "dialogue": "ok", "actions": "ok", down: "unavailable"}
    assert status == 503
    assert body == {"status": "degraded", "components": expected}
    assert "127.0.0.1" not in text
    assert str(nobody) not in text
    assert not any(secret in text for secret in SECRETS.values())
