"""A phone is written to in the language that its owner chose, and that is remembered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import write_po
from doubles.phones import PUBLIC, eventually, phone_portal
from doubles.portal import Portal, tiny_pack
from doubles.relay import RelayDouble
from doubles.twilio import TwilioDouble
from sqlalchemy import Engine

ANN = "+16175550177"
SPANISH = {
    "From now on I write to you in {language}.": "Desde ahora le escribo en {language}.",
    "I speak several languages. To choose one, reply with its name: {languages}.": "Elija: {languages}.",
    "I got an empty message. Please type what you need, like \"there is a pothole on Main Street\".": "Vacío.",
    "The whole text: {link}": "Todo el texto: {link}",
}  # fmt: skip


@pytest.fixture
def portal(engine: Engine, relay: RelayDouble, twilio: TwilioDouble, tmp_path: Path) -> Iterator[Portal]:
    """Of a city with English, Spanish and French, of which French has no translation yet."""
    made = Catalog(locale="es")
    for source, text in SPANISH.items():
        made.add(source, text)
    path = tmp_path / "locales" / "es" / "LC_MESSAGES" / "city311.po"
    path.parent.mkdir(parents=True)
    with path.open("wb") as file:
        write_po(file, made)
    pack = tiny_pack(tmp_path)
    pack = replace(pack, city=replace(pack.city, languages=("en", "fr", "es")))
    with phone_portal(engine, relay, twilio, pack=pack) as running:
        yield running


def write(twilio: TwilioDouble, portal: Portal, text: str) -> str:
    """The next text that the phone gets."""
    before = len(twilio.texts(ANN))
    assert twilio.bring(portal.url, twilio.message(ANN, text), public_url=PUBLIC).status_code == 200
    return str(eventually(lambda: twilio.texts(ANN)[before:])[0])


def test_a_language_is_offered_chosen_and_kept(portal: Portal, twilio: TwilioDouble, relay: RelayDouble) -> None:
    assert "reply with its name: English, Español." in write(twilio, portal, "a pothole")
    assert relay.calls[-1]["metadata"]["language"] == "en"
    assert write(twilio, portal, "LANGUAGE").endswith("English, Español.")
    assert write(twilio, portal, "espanol") == "Desde ahora le escribo en Español."
    assert write(twilio, portal, "un bache") == "You said: un bache"
    assert relay.calls[-1]["metadata"]["language"] == "es"
    assert write(twilio, portal, "\u200b") == "Vacío."
    assert write(twilio, portal, "idioma") == "Elija: English, Español."
    relay.answer = lambda _turn: [{"text": "Mucho texto. " * 60}]
    assert "Todo el texto: https://" in write(twilio, portal, "todo")
    write(twilio, portal, "French")
    assert relay.calls[-1]["text"] == "French", "it is not offered, so it is a message like any other"
    assert write(twilio, portal, "inglés") == "From now on I write to you in English."
    assert len(relay.calls) == 4


def test_with_one_language_its_name_is_a_message(engine: Engine, relay: RelayDouble, twilio: TwilioDouble) -> None:
    with phone_portal(engine, relay, twilio) as portal:
        assert write(twilio, portal, "English").endswith("You said: English")
        assert write(twilio, portal, "language") == "You said: language"
