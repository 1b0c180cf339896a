"""The fixes that make Rasa faster change nothing but the time: same verdicts, same classes, same outputs."""

from __future__ import annotations

import _abc
import ast
import importlib.util
import threading
from pathlib import Path
from typing import Any, ClassVar

import pytest
import rasa.engine.runner.dask as dask_runner
import rasa.shared.utils.common as common
from rasa.core.actions.forms import FormAction
from rasa.core.channels.channel import UserMessage
from rasa.core.policies.memoization import MemoizationPolicy
from rasa.core.policies.rule_policy import RulePolicy
from rasa.engine.constants import PLACEHOLDER_MESSAGE, PLACEHOLDER_TRACKER
from rasa.engine.exceptions import GraphComponentException, GraphRunError
from rasa.engine.graph import ExecutionContext, GraphComponent, GraphSchema, SchemaNode
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import (
    ActionExecuted,
    ActionExecutionRejected,
    ActiveLoop,
    AllSlotsReset,
    BotUttered,
    ConversationPaused,
    ConversationResumed,
    DefinePrevUserUtteredFeaturization,
    Event,
    FollowupAction,
    LoopInterrupted,
    Restarted,
    SessionStarted,
    SlotSet,
    UserUtteranceReverted,
    UserUttered,
)
from rasa.shared.core.trackers import DialogueStateTracker

from city311 import settings
from city311.dialogue import speed


@pytest.fixture(scope="module")
def domain():
    return Domain.load(str(settings.HOUSE / "domain.yml"))


# -- events


def test_the_class_of_an_event_is_the_one_that_rasa_finds():
    for cls in common.all_subclasses(Event):
        assert Event.resolve_by_type(cls.type_name) is Event.resolve_by_type(cls.type_name)
        assert Event.resolve_by_type(cls.type_name).type_name == cls.type_name
    with pytest.raises(ValueError, match="no such event"):
        Event.resolve_by_type("no such event")
    assert Event.resolve_by_type("no such event", SlotSet) is SlotSet


def test_an_event_that_is_defined_later_is_found():
    assert Event.resolve_by_type("coined", SlotSet) is SlotSet

    class Coined(SlotSet):
        type_name = "coined"

    assert Event.resolve_by_type("coined") is Coined
    assert isinstance(Coined("a"), SlotSet) and isinstance(Coined("a"), Event)
    assert not isinstance(Coined("a"), UserUttered)


def test_nothing_is_an_event_but_by_inheritance():
    """A class could be registered with an abstract base class; then ``isinstance`` as a plain class would differ."""
    for cls in [Event, *common.all_subclasses(Event)]:
        assert type(cls) is speed._PlainMeta
        registered, *_caches = _abc._get_dump(cls)
        assert not registered


# -- the planned graph


def original_module(name: str) -> Any:
    """A fresh copy of one of Rasa's modules, as it is without the fixes."""
    spec = importlib.util.find_spec(name)
    copy = importlib.util.spec_from_file_location(f"untouched_{name.replace('.', '_')}", spec.origin)
    module = importlib.util.module_from_spec(copy)
    copy.loader.exec_module(module)
    return module


class Number(GraphComponent):
    """Gives a number, or the sum of what it needs, and says when it is asked."""

    asked: ClassVar[list[str]] = []

    def __init__(self, name: str, number: int) -> None:
        self.name, self.number = name, number

    @classmethod
    def create(cls, config: Any, model_storage: Any, resource: Any, execution_context: Any) -> Number:
        return cls(execution_context.node_name, config["number"])

    def give(self) -> int:
        self.asked.append(self.name)
        return self.number

    def add(self, left: int, right: int) -> int:
        self.asked.append(self.name)
        return left + right + self.number


def node(number: int, targets: bool = False, **needs: str) -> SchemaNode:
    return SchemaNode(
        needs=needs,
        uses=Number,
        constructor_name="create",
        fn="add" if needs else "give",
        config={"number": number},
        eager=True,
        is_target=targets,
    )


@pytest.fixture
def graph():
    schema = GraphSchema(
        {
            "sum": node(100, True, left="two", right="given"),
            "two": node(1000, left="one", right="one"),
            "one": node(1),
            "other": node(7, True),
        }
    )
    Number.asked.clear()
    return dask_runner.DaskGraphRunner(schema, None, ExecutionContext(schema))


@pytest.mark.parametrize("targets", [None, ["sum"], ["other"], ["two", "sum"], ["one"]])
def test_the_planned_graph_gives_the_outputs_of_dask(graph, targets):
    original = original_module("rasa.engine.runner.dask").DaskGraphRunner.run
    wanted = original(graph, {"given": 40}, targets)
    asked = sorted(Number.asked)
    for _again in range(2):  # planned, then from the plan
        Number.asked.clear()
        assert graph.run({"given": 40}, targets) == wanted
        assert sorted(Number.asked) == asked, "each node once, and none that is not needed"


class Trained(GraphComponent):
    """A node of a training: it waits until as many of its kind are at work as the configuration says."""

    meeting: ClassVar[threading.Barrier]

    def __init__(self, fails: bool) -> None:
        self.fails = fails

    @classmethod
    def create(cls, config: Any, model_storage: Any, resource: Any, execution_context: Any) -> Trained:
        return cls(config.get("fails", False))

    def train(self) -> str:
        if self.fails:
            raise ValueError("no examples")
        self.meeting.wait(timeout=30)
        return "done"


def training_of(**configs: dict[str, Any]) -> Any:
    nodes = {
        name: SchemaNode(
            needs={}, uses=Trained, constructor_name="create", fn="train", config=config, eager=False, is_target=True
        )
        for name, config in configs.items()
    }
    schema = GraphSchema(nodes)
    return dask_runner.DaskGraphRunner(schema, None, ExecutionContext(schema))


def test_what_does_not_wait_for_each_other_is_trained_side_by_side():
    Trained.meeting = threading.Barrier(2)  # one after the other would wait for ever
    assert training_of(words={}, places={}).run() == {"words": "done", "places": "done"}


def test_a_training_that_fails_says_why():
    Trained.meeting = threading.Barrier(1)
    with pytest.raises(GraphComponentException) as caught:
        training_of(words={}, places={"fails": True}).run()
    assert "no examples" in repr(caught.value.__cause__)


def test_the_planned_graph_takes_new_inputs_each_time(graph):
    assert graph.run({"given": 1}, ["sum"]) == {"sum": 1103}
    assert graph.run({"given": 2}, ["sum"]) == {"sum": 1104}


def test_an_input_that_is_named_like_a_node_is_an_error(graph):
    with pytest.raises(GraphRunError):
        graph.run({"given": 1, "one": 1}, ["sum"])


def test_the_planned_graph_gives_the_outputs_of_dask_on_the_model(agent):
    original = original_module("rasa.engine.runner.dask").DaskGraphRunner.run
    runner, metadata = agent.processor.graph_runner, agent.processor.model_metadata

    def inputs():
        tracker = DialogueStateTracker.from_events(
            "somebody",
            [ActionExecuted("action_listen"), UserUttered("zgreet", {"name": "greet", "confidence": 1.0})],
            slots=agent.domain.slots,
        )
        return {PLACEHOLDER_MESSAGE: [UserMessage("zcheck_status of it", message_id="1")], PLACEHOLDER_TRACKER: tracker}

    def plain(results):
        parsed = results[metadata.nlu_target][0].as_dict()
        prediction = results[metadata.core_target]
        return parsed, prediction.probabilities, prediction.policy_name

    targets = [metadata.nlu_target, metadata.core_target]
    parsed, probabilities, policy = plain(runner.run(inputs(), targets))
    assert parsed["intent"]["name"] == "check_status" and max(probabilities) == 1.0
    assert (parsed, probabilities, policy) == plain(original(runner, inputs(), targets))


# -- what is copied


@pytest.mark.parametrize("module", ["core.processor", "core.actions.forms", "core.policies.rule_policy"])
def test_deep_copies_are_made_for_debug_logs_only(module):
    """``speed.py`` hands the logged thing itself to logs; no other use of ``copy`` may be there."""
    path = importlib.util.find_spec(f"rasa.{module}").origin
    tree = ast.parse(Path(path).read_text(encoding="utf-8"))
    logged = {
        id(node)
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and getattr(call.func, "attr", "") == "debug"
        for node in ast.walk(call)
    }
    uses = [node for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id == "copy"]
    assert uses
    assert all(id(node) in logged for node in uses)


def test_deep_copies_of_the_memory_are_for_debug_logs_only():
    path = importlib.util.find_spec("rasa.core.policies.memoization").origin
    text = Path(path).read_text(encoding="utf-8")
    assert text.count("copy.") == text.count("states=copy.deepcopy(")


def conversation_of_many_kinds(domain: Domain) -> list[Event]:
    said = UserUttered("a pothole", {"name": "report", "confidence": 1.0}, input_channel="web")
    return [
        ActionExecuted("action_session_start"),
        SessionStarted(),
        ActionExecuted("action_listen"),
        said,
        DefinePrevUserUtteredFeaturization(False),
        ActionExecuted("intake_form", "RulePolicy", 1.0),
        ActiveLoop("intake_form"),
        SlotSet("intake", {"asked": 1}),
        BotUttered("Where?"),
        ActionExecuted("action_listen"),
        UserUttered("/restart", {"name": "restart"}),
        ActionExecutionRejected("intake_form"),
        LoopInterrupted(True),
        FollowupAction("action_check_status"),
        ActionExecuted("action_check_status"),
        UserUtteranceReverted(),
        ConversationPaused(),
        ConversationResumed(),
        AllSlotsReset(),
        SlotSet("last_request", "SR-104217"),
        FollowupAction("action_listen"),
        Restarted(),
        ActionExecuted("action_listen"),
        ActiveLoop(None),
    ]


def state(tracker: DialogueStateTracker) -> dict[str, Any]:
    plain = {**vars(tracker), "slots": {name: vars(slot) for name, slot in tracker.slots.items()}}
    return {name: value for name, value in plain.items() if name != "city311_stored"}


def test_a_copied_tracker_is_the_replayed_one(domain):
    original = original_module("rasa.shared.core.trackers").DialogueStateTracker.copy
    tracker = DialogueStateTracker("somebody", domain.slots)
    tracker.model_id, tracker.assistant_id = "model", "city311"
    for event in conversation_of_many_kinds(domain):
        tracker.update(event, domain)
        copied, replayed = tracker.copy(), original(tracker)
        assert state(copied) == state(replayed), event
        assert copied.current_state() == replayed.current_state()


def test_a_follow_up_that_was_taken_away_is_as_in_a_replay(domain):
    tracker = DialogueStateTracker.from_events("somebody", [FollowupAction("action_listen")], slots=domain.slots)
    tracker.clear_followup_action()
    assert tracker.copy().followup_action == "action_listen"


def test_a_copied_tracker_leaves_the_original_alone(domain):
    tracker = DialogueStateTracker.from_events("somebody", conversation_of_many_kinds(domain), slots=domain.slots)
    tracker.update(ActiveLoop("intake_form"))
    before = state(tracker), len(tracker.events)
    copied = tracker.copy()
    copied.update_with_events([SlotSet("intake", 1), LoopInterrupted(True), UserUttered("a"), Restarted()], domain)
    assert (state(tracker), len(tracker.events)) == before
    assert not tracker.active_loop.is_interrupted and tracker.get_slot("intake") is None


def test_the_tracker_of_a_form_is_the_replayed_one(domain):
    original = original_module("rasa.core.actions.forms").FormAction._temporary_tracker
    form = FormAction("intake_form", None)
    tracker = DialogueStateTracker("somebody", domain.slots)
    additional = [SlotSet("answer", "yes"), SlotSet("intake", {"a": 1})]
    for event in conversation_of_many_kinds(domain):
        tracker.update(event, domain)
        made = form._temporary_tracker(tracker, additional, domain)
        assert timeless(made) == timeless(original(form, tracker, additional, domain)), event
        assert state(tracker) == state(tracker.copy())


def timeless(tracker: DialogueStateTracker) -> tuple[Any, ...]:
    events = [{**event.as_dict(), "timestamp": 0} for event in tracker.events]
    plain = tracker.current_state()
    return events, {**plain, "latest_event_time": 0}, [vars(slot) for slot in tracker.slots.values()]


def test_a_domain_is_empty_when_rasa_says_so(domain):
    others = [Domain.from_dict(content) for content in ({}, {"intents": ["greet"]}, {"actions": ["a"]})]
    for each in (domain, *others):
        assert each.is_empty() == (each.as_dict() == Domain.empty().as_dict())


# -- policies


def test_a_memory_without_stories_says_what_it_says_when_asked(agent, domain):
    memory = component(agent, MemoizationPolicy)
    assert not memory.lookup
    untouched = original_module("rasa.core.policies.memoization").MemoizationPolicy.predict_action_probabilities
    tracker = DialogueStateTracker.from_events("somebody", conversation_of_many_kinds(domain)[:4], slots=domain.slots)
    assert memory.predict_action_probabilities(tracker, domain) == untouched(memory, tracker, domain)


def test_a_memory_with_stories_is_asked(agent, domain, monkeypatch):
    memory = component(agent, MemoizationPolicy)
    monkeypatch.setattr(memory, "lookup", {"x": "action_listen"})
    asked = []
    monkeypatch.setattr(memory, "recall", lambda *args, **kwargs: asked.append(args))
    memory.predict_action_probabilities(DialogueStateTracker("somebody", domain.slots), domain)
    assert asked


def component(agent: Any, kind: type) -> Any:
    nodes = agent.processor.graph_runner._instantiated_nodes.values()
    (found,) = (each._component for each in nodes if type(each._component) is kind)
    return found


def test_rules_predict_what_they_predict_with_the_text_tried(agent, domain):
    """At every step of a conversation, in a form and out of it, right after a message and later."""
    rules = component(agent, RulePolicy)
    assert not speed._some_rule_takes_text(rules)
    untouched = original_module("rasa.core.policies.rule_policy").RulePolicy._find_action_from_rules
    tracker = DialogueStateTracker("somebody", domain.slots)
    for event in conversation_of_many_kinds(domain):
        tracker.update(event, domain)
        action, _source, returning = untouched(rules, tracker, domain, use_text_for_last_user_input=True)
        assert (action, returning) == (None, False)
        assert rules._find_action_from_rules(tracker, domain, True) == (None, None, False)
        ours = rules._find_action_from_rules(tracker, domain, False)
        assert ours == untouched(rules, tracker, domain, False)


def test_the_rules_that_match_are_kept_for_the_same_ending_only(agent, domain):
    rules = component(agent, RulePolicy)
    rules.__dict__.pop("_city311_keys", None)
    untouched = original_module("rasa.core.policies.rule_policy").RulePolicy._get_possible_keys
    tracker = DialogueStateTracker("somebody", domain.slots)
    for _ in range(2):
        for event in conversation_of_many_kinds(domain):
            tracker.update(event, domain)
            states = rules._prediction_states(tracker, domain)
            for lookup in (rules.lookup["rules"], rules.lookup["rules_for_loop_unhappy_path"]):
                for ending in (states, states[-1:], states[1:], []):
                    expected = untouched(rules, lookup, ending)
                    assert rules._get_possible_keys(lookup, ending) == expected
                    assert rules._get_possible_keys(lookup, ending) == expected  # now from what was kept
    kept = [kept for _lookup, _longest, kept in rules._city311_keys.values()]
    assert all(1 < len(each) < 60 for each in kept)


def test_what_matches_is_not_kept_for_ever(agent, monkeypatch):
    monkeypatch.setattr(speed, "_KEPT_KEYS", 3)
    rules = component(agent, RulePolicy)
    for number in range(10):
        rules._get_possible_keys(rules.lookup["rules"], [{"slots": {"service": f"number {number}"}}])
        assert len(rules._city311_keys[id(rules.lookup["rules"])][2]) <= 1_000
    assert len(rules._city311_keys[id(rules.lookup["rules"])][2]) <= 3


def test_a_state_that_cannot_be_a_key_is_looked_at_as_rasa_does(agent):
    rules = component(agent, RulePolicy)
    states = [{"slots": {"service": ["a", "list"]}}]
    untouched = original_module("rasa.core.policies.rule_policy").RulePolicy._get_possible_keys
    assert rules._get_possible_keys(rules.lookup["rules"], states) == untouched(rules, rules.lookup["rules"], states)


@pytest.mark.parametrize(
    ("rule", "takes"),
    [
        ([{"prev_action": {"action_name": "action_listen"}, "user": {"intent": "greet"}}], False),
        ([{"prev_action": {"action_name": "utter_greet"}}], False),
        ([{"prev_action": {"action_name": "action_listen"}, "user": {"text": "hello"}}], True),
        ([{"prev_action": {"action_name": "action_listen"}}], True),
        ([{"prev_action": {"action_text": "Hello!"}}], True),
        ([{"user": {"intent": "greet"}}, {"active_loop": {"name": "should_not_be_set"}}], True),
        ([], True),
    ],
)
def test_a_rule_that_may_match_text_is_tried_on_it(rule, takes):
    assert speed._takes_text(rule) is takes


# -- loading


def test_the_schema_of_the_training_is_read_when_looked_at(small_model, tmp_path):
    from rasa.engine.storage.local_model_storage import LocalModelStorage

    metadata = LocalModelStorage.metadata_from_archive(small_model)
    assert vars(metadata.train_schema).keys() == {"_description"}
    assert "train_RulePolicy1" in "".join(metadata.train_schema.nodes)
    assert metadata.as_dict()["train_schema"]["nodes"].keys() == metadata.train_schema.nodes.keys()
    assert metadata.predict_schema.nodes
