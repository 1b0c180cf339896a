"""Calls to the action server, in less time: the last events instead of the whole history, one kept connection, and
results that are checked without compiling their schema for every call.
"""

from __future__ import annotations

import asyncio
import functools
import json
from collections.abc import Mapping
from typing import Any

import aiohttp
import jsonschema
import rasa.core.actions.action as actions
from rasa.shared.core.events import Event, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker, EventVerbosity
from rasa.utils.endpoints import ClientResponseError, EndpointConfig

from city311 import settings
from city311.dialogue.replacing import replace

ACTION_TIMEOUT_S = 8.0
"""Seconds an action may take: well below the 60 s for which Rasa locks a conversation."""
LAST_EVENTS = 40
"""Events of a conversation that the action server is sent."""
_OF_EARLIER_MESSAGES = ("text", "intent", "entities")
"""What the action server is told of the understanding of messages before the last."""


def apply() -> None:
    """Puts them in place."""
    replace(actions.RemoteAction, "_validate_action_result", _validate_action_result)
    replace(actions.RemoteAction, "_action_call_format", _action_call_format)
    replace(actions.RemoteAction, "__init__", _remote_action)


# ---- what an action may answer --------------------------------------------------------------------------------------

_PYTHON_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
    "object": (dict,),
    "array": (list,),
}
_Types = dict[str, tuple[type, ...]]


@functools.cache
def _result_validator() -> Any:
    schema = actions.RemoteAction.action_response_format_spec()
    return jsonschema.validators.validator_for(schema)(schema)


@functools.cache
def _plain_events() -> dict[str, tuple[tuple[str, ...], _Types]]:
    """Event type → its required keys and the types of its others, for those whose schema says no more than that.

    ``oneOf`` can only be the one branch whose ``const`` is the type of the event.
    """
    items = actions.RemoteAction.action_response_format_spec()["properties"]["events"]["items"]
    of_all = _plain_types(items["properties"])
    found: dict[str, tuple[tuple[str, ...], _Types]] = {}
    names = [branch["properties"]["event"].get("const") for branch in items["oneOf"]]
    for name, branch in zip(names, items["oneOf"], strict=True):
        types = _plain_types({key: value for key, value in branch["properties"].items() if key != "event"})
        says_more = set(branch) - {"properties", "required"}
        if of_all is not None and types is not None and not says_more and names.count(name) == 1:
            found[name] = (tuple(branch.get("required", ())), {**of_all, **types})
    return found


def _plain_types(properties: dict[str, Any]) -> _Types | None:
    types: _Types = {}
    for name, schema in properties.items():
        if not schema:
            continue
        wanted = schema.get("type")
        wanted = [wanted] if isinstance(wanted, str) else wanted
        if set(schema) != {"type"} or any(each not in _PYTHON_TYPES for each in wanted):
            return None
        types[name] = tuple(python for each in wanted for python in _PYTHON_TYPES[each])
    return types


def _is_plainly_right(result: Any) -> bool:
    """Whether a result is surely of the schema. False says nothing."""
    if type(result) is not dict:
        return False
    events, responses = result.get("events", []), result.get("responses", [])
    if type(events) is not list or type(responses) is not list or any(type(each) is not dict for each in responses):
        return False
    plain = _plain_events()
    for event in events:
        known = plain.get(str(event.get("event"))) if type(event) is dict else None
        if known is None:
            return False
        required, types = known
        if any(name not in event for name in required):
            return False
        if any(name in event and type(event[name]) not in allowed for name, allowed in types.items()):
            return False
    return True


def _validate_action_result(_self: Any, result: dict[str, Any]) -> bool:
    if _is_plainly_right(result):
        return True
    error = jsonschema.exceptions.best_match(_result_validator().iter_errors(result))
    if error is not None:
        raise error
    return True


# ---- what an action is told -----------------------------------------------------------------------------------------


def _action_call_format(self: Any, tracker: DialogueStateTracker, _domain: Any) -> dict[str, Any]:
    # What tracker.current_state gives, but for a deep copy of the message that opened the form.
    loop, tracker.active_loop = tracker.active_loop, None
    try:
        state = tracker.current_state(EventVerbosity.NONE)
    finally:
        tracker.active_loop = loop
    if loop is not None:
        state["active_loop"] = {**vars(loop), "trigger_message": _meaning(loop.trigger_message)}
    events = list(tracker.events)[-LAST_EVENTS:]
    state["events"] = [_told(event, tracker.latest_message) for event in events]
    # An empty domain, because none of our actions reads it and rasa-sdk 3.21 insists on one.
    return {
        "next_action": self._name,
        "sender_id": tracker.sender_id,
        "tracker": state,
        "version": _version(),
        "domain": {},
    }


def _told(event: Event, last: UserUttered | None) -> dict[str, Any]:
    told: dict[str, Any] = event.as_dict()
    if isinstance(event, UserUttered) and event is not last and told.get("parse_data"):
        told["parse_data"] = _meaning(told["parse_data"])
    return told


def _meaning(parsed: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return {name: parsed[name] for name in _OF_EARLIER_MESSAGES if name in parsed} if parsed is not None else None


@functools.cache
def _version() -> str:
    import rasa

    return str(rasa.__version__)


class ActionsEndpoint(EndpointConfig):
    """The action server: our port, our shared secret, one kept connection, ``ACTION_TIMEOUT_S``."""

    def __init__(self, original: EndpointConfig) -> None:
        ours = settings.load()
        super().__init__(
            url=f"{ours.actions_url}/webhook",
            headers={"X-City311-Secret": ours.secret("CITY311_ACTIONS_SECRET")},
            **original.kwargs,
        )
        self._client: aiohttp.ClientSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def request(
        self,
        method: str = "post",
        subpath: str | None = None,  # noqa: ARG002 - Rasa's signature
        content_type: str | None = "application/json",
        compress: bool = False,
        **kwargs: Any,
    ) -> Any:
        """One call; see :class:`EndpointConfig`."""
        kwargs.pop("timeout", None)
        async with self._session().request(
            method,
            self.url,
            data=json.dumps(kwargs.pop("json")),
            headers={**self.headers, "Content-Type": content_type or "application/json"},
            compress=compress,
        ) as response:
            if response.status >= 400:
                raise ClientResponseError(response.status, response.reason, await response.content.read())
            return await response.json()

    def _session(self) -> aiohttp.ClientSession:
        loop = asyncio.get_running_loop()
        if self._client is None or self._client.closed or self._loop is not loop:
            self._client = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ACTION_TIMEOUT_S))
            self._loop = loop
        return self._client


_endpoints: dict[int, ActionsEndpoint] = {}


def _remote_action(self: Any, name: str, action_endpoint: EndpointConfig | None) -> None:
    self._name = name
    self.action_endpoint = action_endpoint
    if action_endpoint is not None and not isinstance(action_endpoint, ActionsEndpoint):
        if id(action_endpoint) not in _endpoints:
            _endpoints[id(action_endpoint)] = ActionsEndpoint(action_endpoint)
        self.action_endpoint = _endpoints[id(action_endpoint)]
