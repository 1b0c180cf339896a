"""The bot's words: facts of the city filled in, values of residents exactly as they were typed."""

from __future__ import annotations

import asyncio

import pytest
import yaml
from rasa.core.nlg.generator import NaturalLanguageGenerator
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import UserUttered
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.utils.endpoints import EndpointConfig, read_endpoint_config
from small_bot import HOUSE

from city311 import settings
from city311.city import load_pack
from city311.dialogue.nlg import CityNlg


@pytest.fixture(scope="module")
def city():
    return load_pack(settings.load().city).city


def generator(**responses):
    document = {"version": "3.1", "responses": responses}
    return CityNlg(None, Domain.from_yaml(yaml.safe_dump(document)))


def say(nlg, key, *, slots=None, channel="collector", **values):
    return nlg.generate_from_slots(key, slots or {}, channel, **values)


@pytest.fixture(scope="module")
def echo():
    return generator(
        utter_echo=[
            {"text": "You said {value}. Call {city_phone}.", "buttons": [{"title": "{value}", "payload": "x"}]}
        ],
        utter_two=[{"text": "{label}: {value}"}],
        utter_nobody=[{"text": "This is {nobody} and {0} and {} and { value }."}],
        utter_slot=[{"text": "About {last_request}: {intake}"}],
        utter_channels=[{"text": "for all"}, {"text": "for sms", "channel": "sms"}],
    )


TYPED = [
    "0[", "{0[}", "{", "}", "{}", "{{", "}}", "{{value}}", "{value}", "{city_phone}", "{0}", "{value.__class__}",
    "{value[0]}", "{!r}", "{value!r:>99}", "%s", "$value", "\\n", "a\nb", "<b>", "{nobody}", "100 %", "мост", "🕳️",
]  # fmt: skip


@pytest.mark.parametrize("typed", TYPED)
def test_what_was_typed_comes_out_as_typed(echo, city, typed):
    said = say(echo, "utter_echo", value=typed)
    assert said["text"] == f"You said {typed}. Call {city.phone}."
    assert said["buttons"] == [{"title": typed, "payload": "x"}]


@pytest.mark.parametrize("typed", TYPED)
def test_a_value_does_not_reach_into_another(echo, typed):
    assert say(echo, "utter_two", label=typed, value="plain")["text"] == f"{typed}: plain"
    assert say(echo, "utter_two", label="{value}", value=typed)["text"] == f"{{value}}: {typed}"


def test_a_value_cannot_stand_in_for_a_fact_of_the_city(echo, city):
    said = say(echo, "utter_echo", value="x", city_phone="900-PREMIUM", slots={"city_phone": "900-PREMIUM"})
    assert said["text"] == f"You said x. Call {city.phone}."


def test_unknown_placeholders_stay_readable(echo):
    assert say(echo, "utter_nobody")["text"] == "This is {nobody} and {0} and {} and { value }."


def test_slots_of_text_are_filled_and_states_are_not(echo):
    said = say(echo, "utter_slot", slots={"last_request": "SR-104217", "intake": {"form": "1"}})
    assert said["text"] == "About SR-104217: {intake}"


def test_numbers_are_values_too(echo):
    assert say(echo, "utter_two", label=3, value=0.5)["text"] == "3: 0.5"


def test_a_response_for_the_channel_comes_first(echo):
    assert say(echo, "utter_channels", channel="sms")["text"] == "for sms"
    assert say(echo, "utter_channels", channel="web")["text"] == "for all"


def test_the_template_is_not_filled_for_good(echo):
    say(echo, "utter_two", label="a", value="b")
    assert say(echo, "utter_two", label="c", value="d")["text"] == "c: d"


def test_an_unknown_response_is_none(echo):
    assert say(echo, "utter_no_such_key") is None


# -- the house's own


@pytest.fixture(scope="module")
def house():
    """Made as Rasa makes it: from endpoints.yml and the domain."""
    endpoint = read_endpoint_config(str(HOUSE / "endpoints.yml"), endpoint_type="nlg")
    assert isinstance(endpoint, EndpointConfig)
    return NaturalLanguageGenerator.create(endpoint, Domain.load(str(HOUSE / "domain.yml")))


def test_endpoints_yml_names_this_generator(house):
    assert type(house) is CityNlg


def test_the_facts_of_the_city_are_filled_in(house, city):
    tracker = DialogueStateTracker.from_events("somebody", [])
    said = asyncio.run(house.generate("utter_person", tracker, "collector"))["text"]
    assert city.phone in said and city.hours in said
    assert city.emergency_phone in say(house, "utter_greet")["text"]


def test_no_response_that_takes_no_value_is_left_with_a_placeholder(house):
    for name in ("apology", "greet", "abuse", "out_of_scope", "cannot_see_bills", "thank"):
        assert "{" not in say(house, f"utter_{name}")["text"], name


def test_a_response_comes_in_the_language_of_the_message(house, monkeypatch):
    monkeypatch.setattr("city311.dialogue.nlg.city_pack", lambda: load_pack(HOUSE / "tests/packs/puerto_claro"))
    nlg = generator(utter_skip=[{"text": "Skip", "buttons": [{"title": "Yes", "payload": "Yes"}]}])

    def said(**metadata):
        tracker = DialogueStateTracker.from_events("somebody", [UserUttered("hello", metadata=metadata)])
        return asyncio.run(nlg.generate("utter_skip", tracker, "web"))

    assert said(language="en")["text"] == "Skip"
    assert said(language="es") == {"text": "Omitir", "buttons": [{"title": "Sí", "payload": "Sí"}]}
    assert said(language="fr")["text"] == said()["text"] == "Omitir"
