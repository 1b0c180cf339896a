"""The chat speaks the language of the page, and the page the one that was chosen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import httpx
import pytest
from doubles.portal import EAGER, RELAY_SECRET, UNHURRIED, Portal, tiny_pack
from doubles.relay import RelayDouble
from sqlalchemy import Engine

from city311.settings import HOUSE


@pytest.fixture
def page(engine: Engine) -> Iterator[tuple[httpx.Client, RelayDouble]]:
    """A page of a city that speaks Spanish, and English too."""
    pack = tiny_pack(HOUSE / "tests" / "packs" / "puerto_claro")
    pack = replace(pack, city=replace(pack.city, languages=("es", "fr", "en")))
    with (
        RelayDouble(RELAY_SECRET) as relay,
        Portal(engine, relay.port, pack=pack, pace=UNHURRIED, timing=EAGER, domain=HOUSE / "domain.yml") as portal,
        portal.client() as client,
    ):
        yield client, relay


def said(client: httpx.Client, text: str, language: str) -> str:
    body = {"id": f"m-{language}-{len(text)}", "text": text, "language": language}
    return str(client.post("/channels/web/messages", json=body).json()["messages"][0]["text"])


def test_messages_that_need_no_dialogue_are_in_the_language_of_the_page(page: tuple[httpx.Client, RelayDouble]) -> None:
    client, relay = page
    assert said(client, "", "es") == "Me llegó un mensaje vacío. Escriba qué necesita."
    assert said(client, "", "en").startswith("I got an empty message")
    assert said(client, "a" * 1001, "fr").startswith("Ese mensaje es demasiado largo")
    said(client, "hola", "es")
    said(client, "bonjour", "fr")
    said(client, "hello", "en")
    assert [call["metadata"]["language"] for call in relay.calls] == ["es", "es", "en"]


def test_the_page_keeps_the_language_that_was_chosen(page: tuple[httpx.Client, RelayDouble]) -> None:
    client, _ = page
    first = client.get("/", headers={"accept-language": "fr,en;q=0.1"})
    assert '<html lang="en" dir="ltr"' in first.text
    assert 'href="?lang=es" lang="es"' in first.text
    assert "lang=fr" not in first.text
    assert "set-cookie" not in first.headers
    spanish = client.get("/?lang=es", headers={"accept-language": "en"})
    assert '<html lang="es"' in spanish.text
    assert ">Enviar<" in spanish.text
    assert "HttpOnly" in spanish.headers["set-cookie"]
    assert "set-cookie" not in client.get("/?lang=fr").headers
    for address in ("/", "/embedded", "/plain"):
        again = client.get(address, headers={"accept-language": "en"}).text
        assert '<html lang="es"' in again, address
        assert 'href="?lang=en" lang="en"' in again, address
