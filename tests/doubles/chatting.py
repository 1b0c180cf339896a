"""Residents at the web channel, and what there is of their turns in the database."""

from __future__ import annotations

from typing import Any

import httpx
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from city311.store.turns import Turn

JSON = {"Content-Type": "application/json"}


def send(page: httpx.Client, message_id: str, text: str) -> dict[str, Any]:
    response = page.post("/channels/web/messages", json={"id": message_id, "text": text})
    assert response.status_code == 200, response.text
    return response.json()


def history(page: httpx.Client, after: int | None = None) -> list[dict[str, Any]]:
    response = page.get("/channels/web/messages", params={} if after is None else {"after": after})
    assert response.status_code == 200, response.text
    return response.json()["turns"]


def said(turn: dict[str, Any]) -> str:
    return "\n".join(message["text"] for message in turn["messages"])


def stored(engine: Engine) -> list[Turn]:
    with Session(engine) as session:
        return list(session.scalars(select(Turn).order_by(Turn.sender, Turn.seq)))
