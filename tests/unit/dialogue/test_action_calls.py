"""Calls to the action server: little is sent, over one connection, in time; what comes back is checked as Rasa does."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from action_double import SECRET, ActionDouble
from harness.ports import free_port
from rasa.core.actions.action import RemoteAction
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, ActiveLoop, Event, SlotSet, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.utils.endpoints import ClientResponseError, EndpointConfig

from city311 import settings
from city311.dialogue import action_calls

# -- the kept validator


def verdict(validate: Any, result: Any) -> bool:
    try:
        validate(result)
    except jsonschema.ValidationError:
        return False
    return True


@pytest.mark.parametrize(
    ("result", "good"),
    [
        ({"events": [], "responses": []}, True),
        ({}, True),
        ({"events": [{"event": "slot", "name": "intake", "value": {"a": [1]}, "timestamp": None}]}, True),
        ({"events": [{"event": "action_execution_rejected", "name": "intake_form"}]}, True),
        ({"events": [{"event": "active_loop", "name": None}]}, True),
        ({"responses": [{"text": "hello", "buttons": [{"title": "a", "payload": "b"}]}]}, True),
        (None, False),
        ([], False),
        ("<html>", False),
        ({"events": "none"}, False),
        ({"events": [{"event": "slot"}]}, False),
        ({"events": [{"event": "no such event"}]}, False),
        ({"events": [{"name": "intake"}]}, False),
        ({"responses": ["hello"]}, False),
        ({"responses": {"text": "hello"}}, False),
    ],
)
def test_the_kept_validator_gives_the_verdict_of_the_schema(result, good):
    schema = RemoteAction.action_response_format_spec()
    action = RemoteAction("action_x", None)
    assert verdict(lambda it: jsonschema.validate(it, schema), result) is good
    assert verdict(action._validate_action_result, result) is good


# Every kind of event that Rasa knows, each once right and in ways that are wrong; the two verdicts must always agree.
def spoiled() -> list[Any]:
    schema = RemoteAction.action_response_format_spec()["properties"]["events"]["items"]
    values = [None, True, 0, 1.5, "text", [], {}, ["text"], {"a": 1}]
    found: list[Any] = []
    for branch in schema["oneOf"]:
        kind = branch["properties"]["event"].get("const")
        whole = {"event": kind, **dict.fromkeys(branch.get("required", []), "text")}
        found += [{"event": kind}, whole]
        for name in {*schema["properties"], *branch["properties"]}:
            found += [{**whole, name: value} for value in values]
    return [{"events": [event], "responses": []} for event in found]


def test_the_short_way_to_a_verdict_is_the_verdict_of_the_schema():
    validator = jsonschema.validators.validator_for({})(RemoteAction.action_response_format_spec())
    action = RemoteAction("action_x", None)
    results = spoiled()
    verdicts = [verdict(action._validate_action_result, result) for result in results]
    assert verdicts == [validator.is_valid(result) for result in results]
    assert any(verdicts) and not all(verdicts)


def test_most_results_take_the_short_way():
    slots = [{"event": "slot", "timestamp": None, "name": "intake", "value": {"a": [1]}}]
    loop = [{"event": "active_loop", "timestamp": None, "name": None}]
    assert action_calls._is_plainly_right({"events": slots + loop, "responses": [{"text": "hello"}]})


# -- the call to the action server


@pytest.fixture
def port(monkeypatch):
    free = free_port()
    monkeypatch.setenv("CITY311_ACTIONS_PORT", str(free))
    return free


@pytest.fixture
def server(port):
    with ActionDouble(port) as double:
        yield double


@pytest.fixture
def endpoint(port):
    """What endpoints.yml says, for a server on another port."""
    return EndpointConfig(url="http://127.0.0.1:1/webhook")


@pytest.fixture(scope="module")
def domain():
    return Domain.load(str(settings.HOUSE / "domain.yml"))


def long_conversation(domain: Domain, turns: int) -> DialogueStateTracker:
    events: list[Event] = []
    for turn in range(turns):
        events += [ActionExecuted("action_listen"), UserUttered(f"message {turn}"), SlotSet("intake", {"turn": turn})]
    return DialogueStateTracker.from_events("somebody", events, slots=domain.slots)


def run(action: RemoteAction, tracker: DialogueStateTracker, domain: Domain, times: int = 1) -> list[Any]:
    async def calls():
        results = []
        try:
            for _ in range(times):
                results.append(await action.run(None, None, tracker, domain))
        finally:
            if action.action_endpoint is not None and action.action_endpoint._client is not None:
                await action.action_endpoint._client.close()
        return results

    return asyncio.run(calls())


def test_only_the_last_events_are_sent(server, endpoint, domain):
    run(RemoteAction("action_check_status", endpoint), long_conversation(domain, 200), domain)
    (call,) = server.calls
    assert len(call["tracker"]["events"]) == action_calls.LAST_EVENTS < 600
    assert call["tracker"]["events"][-1]["value"] == {"turn": 199}
    assert call["tracker"]["latest_message"]["text"] == "message 199"
    assert call["tracker"]["slots"]["intake"] == {"turn": 199}
    assert call["sender_id"] == call["tracker"]["sender_id"] == "somebody"
    assert call["next_action"] == "action_check_status"
    assert call["domain"] == {} and call["version"].startswith("3.6.")


def test_a_short_conversation_is_sent_whole(server, endpoint, domain):
    tracker = long_conversation(domain, 3)
    run(RemoteAction("action_check_status", endpoint), tracker, domain)
    sent = server.calls[0]["tracker"]
    assert [event["event"] for event in sent["events"]] == ["action", "user", "slot"] * 3
    original = tracker.current_state()
    assert {name: sent[name] for name in ("slots", "active_loop", "paused")} == {
        name: original[name] for name in ("slots", "active_loop", "paused")
    }


def test_the_call_carries_our_secret_to_our_port(server, endpoint, domain):
    (events,) = run(RemoteAction("action_check_status", endpoint), long_conversation(domain, 1), domain)
    assert events[0].text == "action_check_status says so."
    assert server.headers[0]["x-city311-secret"] == SECRET
    assert server.headers[0]["content-type"] == "application/json"


def test_one_connection_is_kept_for_all_actions(server, endpoint, domain):
    tracker = long_conversation(domain, 1)
    first, second = (RemoteAction(name, endpoint) for name in ("action_check_status", "action_list_requests"))
    assert first.action_endpoint is second.action_endpoint

    async def calls():
        for _ in range(3):
            await first.run(None, None, tracker, domain)
            await second.run(None, None, tracker, domain)
        await first.action_endpoint._client.close()

    asyncio.run(calls())
    assert len(server.calls) == 6
    assert len(server.connections) == 1


def test_trap_02_an_action_is_given_up_in_time(server, endpoint, domain, monkeypatch):
    from rasa.core.lock_store import LOCK_LIFETIME

    assert action_calls.ACTION_TIMEOUT_S <= 8.0 < LOCK_LIFETIME / 5
    monkeypatch.setattr(action_calls, "ACTION_TIMEOUT_S", 0.3)
    server.failures["action_check_status"] = "hang"
    with pytest.raises(asyncio.TimeoutError):
        run(RemoteAction("action_check_status", endpoint), long_conversation(domain, 1), domain)
    assert server.arrived.is_set()
    assert not server.release.is_set()


def test_trap_02_rasas_own_timeout_does_not_lengthen_it(endpoint):
    """Rasa passes 300 s with every call."""
    client = action_calls.ActionsEndpoint(endpoint)

    async def limit():
        session = client._session()
        try:
            return session.timeout.total
        finally:
            await session.close()

    assert asyncio.run(limit()) == action_calls.ACTION_TIMEOUT_S


def test_an_error_of_the_server_is_an_error(server, endpoint, domain):
    from rasa.shared.exceptions import RasaException

    server.failures["action_check_status"] = "fault"
    with pytest.raises(RasaException) as caught:
        run(RemoteAction("action_check_status", endpoint), long_conversation(domain, 1), domain)
    assert isinstance(caught.value.__cause__, ClientResponseError)
    assert caught.value.__cause__.status == 500


def test_without_an_endpoint_an_action_cannot_be_run(domain):
    from rasa.shared.exceptions import RasaException

    with pytest.raises(RasaException):
        run(RemoteAction("action_check_status", None), long_conversation(domain, 1), domain)


def test_a_missing_secret_is_named(endpoint, monkeypatch, tmp_path):
    monkeypatch.setenv("CITY311_DATA", str(tmp_path))
    monkeypatch.delenv("CITY311_ACTIONS_SECRET")
    with pytest.raises(settings.MissingSetting, match="CITY311_ACTIONS_SECRET"):
        action_calls.ActionsEndpoint(endpoint)


def test_the_endpoint_in_the_house_is_on_loopback():
    endpoint = EndpointConfig(url="http://127.0.0.1:5055/webhook")
    assert "http://127.0.0.1:" in action_calls.ActionsEndpoint(endpoint).url
    assert "url: http://127.0.0.1:5055/webhook" in Path(settings.HOUSE / "endpoints.yml").read_text(encoding="utf-8")


def test_of_earlier_messages_only_the_meaning_is_sent(server, endpoint, domain):
    parsed = {"text": "a", "intent": {"name": "inform"}, "entities": [], "intent_ranking": [{"name": "inform"}] * 10}
    said = [UserUttered("a", {"name": "inform"}, [], dict(parsed)) for _ in range(2)]
    tracker = DialogueStateTracker.from_events("somebody", said, slots=domain.slots)
    run(RemoteAction("action_check_status", endpoint), tracker, domain)
    earlier, last = (event["parse_data"] for event in server.calls[0]["tracker"]["events"])
    assert set(earlier) == {"text", "intent", "entities"}
    assert last["intent_ranking"] == parsed["intent_ranking"]
    assert tracker.events[0].parse_data["intent_ranking"] == parsed["intent_ranking"]


def test_the_state_is_what_rasa_sends_but_for_the_words_that_opened_the_form(server, endpoint, domain):
    tracker = long_conversation(domain, 2)
    tracker.latest_message.parse_data["intent_ranking"] = [{"name": "inform"}] * 10
    tracker.update(ActiveLoop("intake_form"), domain)
    run(RemoteAction("action_check_status", endpoint), tracker, domain)
    sent, original = server.calls[0]["tracker"], tracker.current_state()
    assert set(sent) == set(original)
    same = set(original) - {"events", "active_loop"}
    assert {name: sent[name] for name in same} == {name: original[name] for name in same}
    assert set(sent["active_loop"]) == set(original["active_loop"])
    assert "intent_ranking" not in sent["active_loop"].pop("trigger_message")
    assert original["active_loop"].pop("trigger_message")["intent_ranking"]
    assert sent["active_loop"] == original["active_loop"]
    assert tracker.active_loop.name == "intake_form"
