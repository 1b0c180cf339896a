"""The same turns in less time. Nothing here changes what Rasa does; each replacement says why it may be left out.

- The class of an event is looked for once, and ``isinstance`` asks it as a plain class: Rasa's events are abstract base
  classes, which makes the question several times as slow, and a turn asks it a thousand times.
- The graph is planned once for each set of targets. In a training, what does not wait for each other runs side by side.
- What is deeply copied only for debug logs, which drop it anyway, is not copied.
- A tracker is copied as it stands, instead of replaying its whole history for every action.
- A policy that remembers nothing is not asked; rules are not tried on text when none of them can match it; and which
  rules match the last turns is kept for the next time that they look the same.
- Whether a domain is empty is seen from its responses, or beside an empty one that is made once.
- The schema of the training, which names every component of Rasa's, is read when somebody looks at it.
"""

from __future__ import annotations

import copy
import dataclasses
import functools
import graphlib
from abc import ABCMeta
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from types import SimpleNamespace
from typing import Any

import rasa.core.actions.forms as forms
import rasa.core.policies.memoization as memoization
import rasa.core.policies.rule_policy as rule_policy
import rasa.core.processor as processing
import rasa.engine.runner.dask as runner
import rasa.engine.storage.storage as storage
from rasa.engine.graph import GraphSchema
from rasa.shared.core.constants import ACTION_LISTEN_NAME, PREVIOUS_ACTION, REQUESTED_SLOT, SHOULD_NOT_BE_SET, USER
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import (
    ActionExecuted,
    Event,
    FollowupAction,
    Restarted,
    SlotSet,
)
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.nlu.constants import ACTION_NAME, INTENT

from city311.dialogue.replacing import replace


def apply() -> None:
    """Puts them in place."""
    _as_plain_classes(Event)
    replace(Event, "resolve_by_type", staticmethod(_resolved_once(Event.resolve_by_type)))
    replace(runner.DaskGraphRunner, "run", _run_graph)
    for module in (processing, forms, rule_policy, memoization):
        replace(module, "copy", SimpleNamespace(deepcopy=lambda logged: logged))
    replace(DialogueStateTracker, "copy", _copy_of_tracker(DialogueStateTracker.copy))
    form = forms.FormAction
    replace(form, "_temporary_tracker", _temporary_tracker(form._temporary_tracker))
    replace(Domain, "is_empty", _is_empty(Domain.empty().as_dict()))
    memory = memoization.MemoizationPolicy
    replace(memory, "predict_action_probabilities", _remembered(memory.predict_action_probabilities))
    rules = rule_policy.RulePolicy
    replace(rules, "_find_action_from_rules", _rules_that_can_match(rules._find_action_from_rules))
    replace(rules, "_get_possible_keys", _kept_keys(rules._get_possible_keys))
    metadata = storage.ModelMetadata
    replace(metadata, "from_dict", classmethod(_metadata_without_training(metadata.from_dict)))


# ---- events and graph -----------------------------------------------------------------------------------------------


class _PlainMeta(ABCMeta):
    __instancecheck__ = type.__instancecheck__


def _as_plain_classes(parent: Any) -> None:
    parent.__class__ = _PlainMeta  # classes to come have it from their parent
    for child in parent.__subclasses__():
        _as_plain_classes(child)


def _resolved_once(original: Callable[..., Any]) -> Callable[..., Any]:
    kept: dict[str, Any] = {}

    def resolve_by_type(type_name: str, default: Any = None) -> Any:
        if type_name not in kept:
            found = original(type_name, default)
            if found is default:
                return default
            kept[type_name] = found
        return kept[type_name]

    return resolve_by_type


def _run_graph(self: Any, inputs: dict[str, Any] | None = None, targets: list[str] | None = None) -> dict[str, Any]:
    wanted = tuple(targets or self._graph_schema.target_names)
    plans = self.__dict__.setdefault("_city311_plans", {})
    if wanted not in plans:
        plans[wanted] = _Plan.of(self._graph_schema.minimal_graph_schema(list(wanted)))
    plan = plans[wanted]
    results: dict[str, Any] = {name: (name, value) for name, value in (inputs or {}).items()}
    if clash := next((name for name in plan.order if name in results), None):
        raise runner.GraphRunError(f"Input value {clash!r} clashes with a node name.")

    def run(name: str) -> None:
        results[name] = self._instantiated_nodes[name](*(results.get(need, need) for need in plan.needs[name]))

    if plan.trains:
        _run_side_by_side(plan.graph, run)
    else:
        for name in plan.order:
            run(name)
    return {name: results[name][1] for name in wanted}


@dataclasses.dataclass(frozen=True)
class _Plan:
    """``needs`` are what each node is given, ``graph`` those of them that are nodes."""

    needs: Mapping[str, tuple[str, ...]]
    graph: Mapping[str, list[str]]
    order: tuple[str, ...]
    trains: bool

    @classmethod
    def of(cls, schema: Any) -> _Plan:
        needs = {name: tuple(node.needs.values()) for name, node in schema.nodes.items()}
        graph = {name: [need for need in wanted if need in needs] for name, wanted in needs.items()}
        trains = any(node.fn == "train" for node in schema.nodes.values())
        return cls(needs, graph, tuple(graphlib.TopologicalSorter(graph).static_order()), trains)


_SIDE_BY_SIDE = 2


def _run_side_by_side(graph: Mapping[str, list[str]], run: Callable[[str], None]) -> None:
    """Run every node after those that it needs. The first error ends it, once what is under way has ended."""
    sorter = graphlib.TopologicalSorter(graph)
    sorter.prepare()
    running: dict[Future[None], str] = {}
    with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
        try:
            while sorter.is_active():
                running.update({pool.submit(run, name): name for name in sorter.get_ready()})
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    future.result()
                    sorter.done(running.pop(future))
        finally:
            pool.shutdown(cancel_futures=True)


# ---- trackers -------------------------------------------------------------------------------------------------------


def _copy_of_tracker(original: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def copied(self: DialogueStateTracker) -> DialogueStateTracker:
        # Events are the same objects in Rasa's copy; its state is what replaying them gives, which is what stands here
        # already. The one exception: the processor takes a follow-up action away without an event.
        if type(self) is not DialogueStateTracker or type(self.slots) is not dict or _lost_followup(self):
            return original(self)
        twin = _twin(self)
        twin.events = self.events.copy()
        twin.slots = {name: _twin(slot) for name, slot in self.slots.items()}
        twin.active_loop = dataclasses.replace(self.active_loop) if self.active_loop else None
        twin.sender_source = twin.model_id = twin.assistant_id = None
        return twin

    return copied


def _twin(thing: Any) -> Any:
    """What ``copy.copy`` makes of an object without slots or a way of its own, in a fraction of the time."""
    twin = object.__new__(type(thing))
    twin.__dict__.update(thing.__dict__)
    return twin


def _lost_followup(tracker: DialogueStateTracker) -> bool:
    for event in reversed(tracker.events):
        if isinstance(event, FollowupAction):
            return tracker.followup_action != event.action_name
        if isinstance(event, ActionExecuted):
            return False
    return False


def _temporary_tracker(original: Callable[..., Any]) -> Callable[..., Any]:
    def temporary_tracker(self: Any, current: DialogueStateTracker, additional: list[Event], domain: Domain) -> Any:
        # Rasa replays the events since the last restart on new slots, which is the tracker as it stands.
        if any(type(event) is Restarted for event in current.events):
            return original(self, current, additional, domain)
        twin = current.copy()
        wanted = SlotSet(REQUESTED_SLOT, self.get_slot_to_fill(current))
        for event in (wanted, ActionExecuted(self.name()), *additional):
            twin.update(event)
        return twin

    return temporary_tracker


def _is_empty(empty: dict[str, Any]) -> Callable[[Any], bool]:
    # Rasa makes an empty domain for every comparison, which is for every message.
    return lambda self: not self.responses and self.as_dict() == empty


# ---- policies -------------------------------------------------------------------------------------------------------


def _remembered(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)  # Rasa checks the signature of a component
    def predict_action_probabilities(self: Any, tracker: Any, domain: Any, *args: Any, **kwargs: Any) -> Any:
        if self.lookup:
            return original(self, tracker, domain, *args, **kwargs)
        return self._prediction(self._default_predictions(domain))

    return predict_action_probabilities


def _rules_that_can_match(original: Callable[..., Any]) -> Callable[..., Any]:
    def find_action_from_rules(self: Any, tracker: Any, domain: Any, use_text_for_last_user_input: bool) -> Any:
        # Rasa tries the rules on the text first and on the intent then.
        if use_text_for_last_user_input and not _some_rule_takes_text(self):
            return None, None, False
        return original(self, tracker, domain, use_text_for_last_user_input)

    return find_action_from_rules


def _some_rule_takes_text(policy: Any) -> bool:
    known = policy.__dict__.get("_city311_takes_text")
    if known is None or known[0] is not policy.lookup:
        keys = {
            key
            for name in (rule_policy.RULES, rule_policy.RULES_FOR_LOOP_UNHAPPY_PATH)
            for key in policy.lookup.get(name, {})
        }
        known = policy.lookup, any(_takes_text(policy._rule_key_to_state(key)) for key in keys)
        policy._city311_takes_text = known
    return bool(known[1])


def _takes_text(rule: list[Mapping[str, Any]]) -> bool:
    """Whether a rule may match right after a message whose intent is not looked at."""
    if not rule:
        return True
    before = rule[-1].get(PREVIOUS_ACTION) or {}
    intent = (rule[-1].get(USER) or {}).get(INTENT)
    wants_other_action = bool(before) and before.get(ACTION_NAME) not in (None, ACTION_LISTEN_NAME)
    wants_intent = bool(intent) and intent != SHOULD_NOT_BE_SET
    return not wants_other_action and not wants_intent


_KEPT_KEYS = 1_000
"""Endings of conversations for which the rules that match are kept."""


def _kept_keys(original: Callable[..., Any]) -> Callable[..., Any]:
    def get_possible_keys(self: Any, lookup: dict[str, str], states: list[Any]) -> Any:
        # No rule looks further back than its own length: what was before makes no difference.
        longest, kept = _keys_of(self, lookup)
        last = states[-longest:]
        try:
            ending = tuple(map(DialogueStateTracker.freeze_current_state, last))
            found = kept.get(ending)
        except TypeError:  # a slot's value that cannot be a key
            return original(self, lookup, states)
        if found is None:
            if len(kept) >= _KEPT_KEYS:
                kept.clear()
            found = kept[ending] = frozenset(original(self, lookup, last))
        return set(found)

    return get_possible_keys


def _keys_of(policy: Any, lookup: dict[str, str]) -> tuple[int, dict[Any, frozenset[str]]]:
    of_policy = policy.__dict__.setdefault("_city311_keys", {})
    known = of_policy.get(id(lookup))
    if known is None or known[0] is not lookup:
        longest = max((len(policy._rule_key_to_state(key)) for key in lookup), default=0)
        known = of_policy[id(lookup)] = lookup, max(longest, 1), {}
    return known[1], known[2]


# ---- loading --------------------------------------------------------------------------------------------------------


class _LaterSchema:
    """A graph schema that is made of its description at the first look."""

    def __init__(self, description: dict[str, Any]) -> None:
        self._description = description

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "_description":
            raise AttributeError(name)
        schema = GraphSchema.from_dict(copy.deepcopy(self._description))
        self.__dict__.update(schema.__dict__)
        return getattr(schema, name)


def _metadata_without_training(original: Callable[[dict[str, Any]], Any]) -> Callable[[Any, dict[str, Any]], Any]:
    def from_dict(_cls: Any, serialized: dict[str, Any]) -> Any:
        metadata = original({**serialized, "train_schema": {"nodes": {}}})
        metadata.train_schema = _LaterSchema(serialized["train_schema"])
        return metadata

    return from_dict
