"""Rasa's originals that the modules of fixes replace or rely on still read as they did when it was written.

When one of these tests fails, Rasa has changed: read the new source beside the fix, mend the fix, then put the new
hash here.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
from pathlib import Path

import pytest

from city311.dialogue import action_calls, fixes, speed

MODULES = (fixes, speed, action_calls)

REPLACED = {
    "rasa/shared/core/events.py": {
        "Event.resolve_by_type": ("ffabe9999fc8f7f3", "_resolved_once keeps its answer"),
    },
    "rasa/shared/core/domain.py": {
        "Domain.is_empty": ("95485f444497dba7", "is a domain with responses still not empty?"),
    },
    "rasa/core/actions/forms.py": {
        "FormAction._temporary_tracker": ("01ff5ba740924b1c", "_temporary_tracker must give the same tracker"),
    },
    "rasa/core/actions/action.py": {
        "RemoteAction._validate_action_result": ("24da0f6bdeb2d44f", "the kept validator must give the same verdict"),
        "RemoteAction._action_call_format": (
            "b8da18ca9f78d3ae",
            "does the action server need anything new in the call?",
        ),
        "RemoteAction.__init__": ("0b752523d35d79fc", "are there new attributes that _remote_action must set?"),
        "ActionSessionStart.run": ("3dea5a4ece46286f", "what else is carried into a new session?"),
    },
    "rasa/shared/core/trackers.py": {
        "DialogueStateTracker.copy": ("ee85e538659b5a76", "_copy_of_tracker must give the same tracker"),
    },
    "rasa/core/policies/memoization.py": {
        "MemoizationPolicy.predict_action_probabilities": (
            "908211e3fe735f9d",
            "without a lookup: still the default predictions?",
        ),
    },
    "rasa/core/policies/rule_policy.py": {
        "RulePolicy._get_possible_keys": (
            "ae2257980a444fb0",
            "does a rule still look back no further than its length?",
        ),
        "RulePolicy._find_action_from_rules": (
            "9a6c28d7af23def6",
            "without a match: still nothing, and not returning?",
        ),
    },
    "rasa/engine/storage/storage.py": {
        "ModelMetadata.from_dict": ("503a1d15d6b3d371", "is there anything new to leave for later?"),
    },
    "rasa/engine/runner/dask.py": {
        "DaskGraphRunner.run": ("ce0438b9b8e79330", "_run_graph must give the same outputs"),
    },
    "rasa/core/processor.py": {
        "MessageProcessor._run_action": (
            "787be209d2dd5571",
            "is a failure of an action still swallowed, and only here?",
        ),
        "MessageProcessor._run_prediction_loop": ("008710b6abefaadf", "may a turn still end without a message?"),
        "MessageProcessor.handle_message": ("a96904e7796d7bf9", "is the tracker still saved last, and once?"),
        "MessageProcessor._has_session_expired": (
            "43037aef2d706f9b",
            "who else asks it, and what does a new session do?",
        ),
    },
    "rasa/core/tracker_store.py": {
        "FailSafeTrackerStore.retrieve": ("3a893008fbafc668", "is an outage still swallowed?"),
        "FailSafeTrackerStore.retrieve_full_tracker": ("c28129b7554aa28b", "is an outage still swallowed?"),
        "FailSafeTrackerStore.save": ("d181047ec2fddedc", "is an outage still swallowed?"),
    },
    "rasa/utils/log_utils.py": {
        "_anonymizer": (
            "9e202278c624458c",
            "are there new keys with residents' words? _WORDS_OF_RESIDENTS must have them",
        ),
    },
}
"""File → name → (hash of its source, what to check again)."""

RELIED_ON = {
    "rasa/shared/core/events.py": {
        "SessionStarted.apply_to": ("e1505c84124ae207", "does the start of a session still reset all state?"),
    },
    "rasa/core/actions/action.py": {
        "RemoteAction.run": (
            "b530fc5a6789c82f",
            "does it still call request(json=…) and raise what _Watched must see?",
        ),
        "RemoteAction.action_response_format_spec": ("6f492274727ebb10", "the kept validator is built from it once"),
        "ActionExtractSlots._run_custom_action": (
            "078d2771589cb222",
            "it swallows failures, so that no slot of the domain may have a custom mapping with an action",
        ),
    },
    "rasa/shared/core/slots.py": {"Slot": ("40a124b18dbfb4e1", "is a slot still copied by its __dict__?")},
    "rasa/shared/core/trackers.py": {
        "DialogueStateTracker.current_state": (
            "653e065543ece9c9",
            "what does the action server get beside the active loop?",
        ),
        "TrackerActiveLoop": ("d34c0a8cf0d3c770", "what does the action server get of the active loop?"),
        "DialogueStateTracker.__init__": (
            "174966138a5c0aa0",
            "has a tracker new state, that a copy must have of its own?",
        ),
        "DialogueStateTracker.init_copy": ("cfd7129f08dcee1b", "what does a copy start with?"),
        "DialogueStateTracker.travel_back_in_time": ("ac5dbfd3e3bc2df3", "the copy that _copy_of_tracker stands for"),
        "DialogueStateTracker.update": ("50024c8a1cd4ce3b", "what else happens when events are replayed?"),
        "DialogueStateTracker._reset": ("1a89c371fc75f21c", "TrackerStore keeps what follows the start of a session"),
    },
    "rasa/core/policies/rule_policy.py": {
        "RulePolicy._rule_key_to_state": ("53eeee28fa493b17", "the length of a rule"),
        "RulePolicy._predict": (
            "d0f079b86973bf96",
            "is the source of a prediction from text used only where there is one?",
        ),
        "RulePolicy._does_rule_match_state": ("3b6c9846238775c3", "_takes_text says which rules may pass it"),
        "RulePolicy._is_rule_applicable": ("c60740c10d00a4cf", "_takes_text says which rules may pass it"),
    },
    "rasa/engine/storage/storage.py": {"ModelMetadata": ("853649f4b1aeaad7", "who looks at train_schema?")},
    "rasa/engine/graph.py": {
        "GraphNode.__call__": ("89e0bd700fc331a5", "_run_graph hands each node (name, value) pairs, or the bare name"),
        "GraphSchema.minimal_graph_schema": ("6159296cd62fe3dd", "_plan is made from it"),
    },
    "rasa/core/processor.py": {
        "MessageProcessor._log_action_on_tracker": ("184a11987def2cd4", "_Watched stands in for the action here"),
        "MessageProcessor._send_bot_messages": ("a02b63be94a13f7b", "the apology is sent with it"),
        "MessageProcessor.log_message": ("1209f3e2d08b0ac6", "does it still save nothing before the turn is done?"),
    },
    "rasa/core/agent.py": {
        "Agent.handle_message": ("05c7d977a721e664", "is the conversation still locked around the whole turn?"),
    },
    "rasa/core/tracker_store.py": {
        "SQLTrackerStore.__init__": ("7c89f1231aac70a1", "TrackerStore goes past it: what does it set?"),
        "SQLTrackerStore.save": ("ded301e08f4c708e", "one transaction a turn, the same columns as in _row"),
        "SQLTrackerStore._retrieve": ("78c7e08ac30924b6", "TrackerStore keeps what this would read"),
        "SQLTrackerStore._event_query": ("6484d8ac7d14284b", "TrackerStore keeps what this would read"),
        "TrackerStore.get_or_create_tracker": (
            "a96c9a4f4c279dd1",
            "is a new tracker saved, empty, before its first event?",
        ),
        "SQLTrackerStore._additional_events": (
            "5ad906f458419020",
            "it counts, so that two turns at once would lose events",
        ),
    },
    "rasa/core/channels/channel.py": {
        "OutputChannel.send_response": ("8d89a41e92bf82ed", "the relay's answer replaces it"),
        "CollectingOutputChannel": ("bad673edfc96f970", "the relay's answer is one"),
    },
    "rasa/core/nlg/response.py": {
        "TemplatedNaturalLanguageGenerator._fill_response": ("d2cf76443c4ae963", "CityNlg replaces it"),
        "TemplatedNaturalLanguageGenerator.generate_from_slots": ("c143f5710d4f083f", "the apology is made with it"),
    },
    "rasa/utils/endpoints.py": {
        "EndpointConfig.__init__": ("98fc23d8a60f7730", "ActionsEndpoint is one"),
        "EndpointConfig.request": ("bc49eb77a158ac1e", "ActionsEndpoint replaces it"),
    },
}
"""What is left in place, but a fix only works while it does what it did."""

_PACKAGES = Path(importlib.util.find_spec("rasa").origin).parent.parent


def source(file: str, name: str) -> str:
    """The source of a function, method or class, from the file: in memory it is replaced."""
    text = (_PACKAGES / file).read_text(encoding="utf-8")
    node: ast.AST = ast.parse(text)
    for part in name.split("."):
        (node,) = (each for each in node.body if getattr(each, "name", "") == part)  # type: ignore[attr-defined]
    segment = ast.get_source_segment(text, node)
    assert segment
    return segment


def hash_of(file: str, name: str) -> str:
    return hashlib.sha256(source(file, name).encode()).hexdigest()[:16]


@pytest.mark.parametrize(
    ("file", "name", "known", "check"),
    [
        pytest.param(file, name, known, check, id=name)
        for table in (REPLACED, RELIED_ON)
        for file, names in table.items()
        for name, (known, check) in names.items()
    ],
)
def test_the_original_is_the_one_we_read(file, name, known, check):
    found = hash_of(file, name)
    assert found == known, f"{name} in {file} has changed (its hash is now {found}). Check again: {check}"


def test_every_replacement_is_guarded():
    """Each replace(…, "name", …) in the modules of fixes has its original in the table above, and is in force."""
    calls = [
        node
        for module in MODULES
        for node in ast.walk(ast.parse(Path(module.__file__).read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "replace"
    ]
    replaced = sorted(call.args[1].value for call in calls)
    # The module ``copy`` in four of Rasa's modules: tests/unit/dialogue/test_speed.py looks at its uses there.
    replaced.remove("copy")
    guarded = sorted(name.split(".")[-1] for names in REPLACED.values() for name in names)
    assert replaced == guarded
    for file, names in REPLACED.items():
        module = importlib.import_module(file.removesuffix(".py").replace("/", "."))
        for name in names:
            attribute = module
            for part in name.split("."):
                attribute = getattr(attribute, part)
            assert getattr(attribute, "city311", False), f"{name} is not replaced"


def test_doing_it_twice_changes_nothing():
    from rasa.core.processor import MessageProcessor

    before = MessageProcessor.handle_message, MessageProcessor._run_action
    fixes.apply()
    assert before == (MessageProcessor.handle_message, MessageProcessor._run_action)


def test_nobody_keeps_the_original_under_another_name():
    """``from … import …`` would keep the original: Rasa has no such line."""
    users = [
        path
        for path in (_PACKAGES / "rasa").rglob("*.py")
        if "import _anonymizer" in (text := path.read_text(encoding="utf-8"))
        or ("import FailSafeTrackerStore" in text and path.name != "agent.py")
    ]
    assert users == []


def test_the_keys_that_rasa_itself_calls_private_are_left_out_of_logs():
    body = ast.parse(source("rasa/utils/log_utils.py", "_anonymizer")).body[0]
    (keys,) = (ast.literal_eval(node) for node in ast.walk(body) if isinstance(node, ast.List))
    assert len(keys) > 20
    assert set(keys) <= fixes._WORDS_OF_RESIDENTS
