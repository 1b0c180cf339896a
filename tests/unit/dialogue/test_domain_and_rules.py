"""Domain and rules: every intent is answered, the form takes only what it should, nothing stays behind."""

from __future__ import annotations

import asyncio

import pytest
import yaml
from action_double import FORM
from rasa.cli.utils import validate_files
from rasa.core.actions.action import ActionExtractSlots
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, ActiveLoop, SlotSet, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.importers.importer import TrainingDataImporter
from small_bot import HOUSE


def document(path):
    return yaml.safe_load((HOUSE / path).read_text(encoding="utf-8"))


DOMAIN = document("domain.yml")
RULES = [rule for path in (HOUSE / "data" / "rules").glob("*.yml") for rule in document(path)["rules"]]


@pytest.fixture(scope="module")
def domain():
    return Domain.load(str(HOUSE / "domain.yml"))


def intents_of(loop):
    """Intents that a rule answers while the active loop is ``loop``."""
    return [
        step["intent"]
        for rule in RULES
        if {"active_loop": loop} in rule.get("condition", [])
        for step in rule["steps"]
        if "intent" in step
    ]


def test_every_intent_has_a_rule_outside_the_form():
    assert set(DOMAIN["intents"]) - set(intents_of(None)) == set()


def test_what_is_not_understood_has_one_too():
    """The core fallback would run its action again and again within one turn."""
    assert "nlu_fallback" in intents_of(None)


def test_no_intent_has_two_rules_for_one_place():
    for loop in (None, FORM):
        intents = intents_of(loop)
        assert sorted(set(intents)) == sorted(intents)


def test_every_digression_comes_back_to_the_form():
    for rule in RULES:
        if {"active_loop": FORM} not in rule.get("condition", []) or "intent" not in rule["steps"][0]:
            continue
        intent, answer, *back = rule["steps"]
        assert intent["intent"] in DOMAIN["intents"]
        assert set(answer) == {"action"} and answer["action"] != FORM
        assert back == [{"action": FORM}, {"active_loop": FORM}]


def test_a_rule_confirms_nothing_by_itself():
    """Trap 1: "your report is in" is said by the action that sent it."""
    said = {step["action"] for rule in RULES for step in rule["steps"] if "action" in step}
    assert not [action for action in said if action.startswith(("utter_submitted", "utter_goes_to", "utter_status"))]


@pytest.mark.parametrize("intent", [*DOMAIN["intents"], "nlu_fallback"])
def test_every_intent_is_answered_once(conversation, actions, intent):
    text = "qwertz" if intent == "nlu_fallback" else f"z{intent} please"
    messages = conversation.says(text, strict=True)
    assert len(messages) == 1 and messages[0]
    assert [call["next_action"] for call in actions.calls] in ([], [conversation_action(conversation)])


def conversation_action(conversation):
    done = [event.action_name for event in conversation.stored().events if event.type_name == "action"]
    done = [name for name in done if name not in ("action_listen", "action_session_start")]
    return f"validate_{FORM}" if done == [FORM] else done[0]


@pytest.mark.parametrize("intent", intents_of(FORM))
def test_every_digression_is_answered_and_the_form_goes_on(conversation, actions, intent):
    conversation.says("zreport a pothole")
    answer, question = conversation.says(f"z{intent} please", strict=True)
    assert answer != question == "Question 1?"
    assert conversation.says("on Hampshire Street", strict=True) == ["Question 2?"]
    assert conversation.stored().get_slot("intake") == {"answers": ["zreport a pothole", "on Hampshire Street"]}


# -- trap 11: what the form takes


def extracted(domain, intent, *before):
    events = [ActionExecuted("action_listen"), *before, UserUttered("some words", {"name": intent, "confidence": 1.0})]
    tracker = DialogueStateTracker.from_events("somebody", events, slots=domain.slots)
    found = asyncio.run(ActionExtractSlots(None).run(None, None, tracker, domain))
    return {event.key: event.value for event in found}


OPEN = (ActiveLoop(FORM), SlotSet("requested_slot", "answer"))


def test_trap_11_the_form_takes_words_only_while_it_asks(domain):
    assert extracted(domain, "inform", *OPEN) == {"answer": "some words"}
    assert extracted(domain, "inform") == {}
    assert extracted(domain, "inform", ActiveLoop(FORM)) == {}
    assert extracted(domain, "inform", SlotSet("requested_slot", "answer")) == {}


@pytest.mark.parametrize("intent", ["emergency", "self_harm"])
def test_trap_11_danger_is_never_an_answer(domain, intent):
    assert extracted(domain, intent, *OPEN) == {}


def test_trap_11_every_mapping_from_text_has_conditions_and_exceptions():
    for name, slot in DOMAIN["slots"].items():
        for mapping in slot["mappings"]:
            if mapping["type"] == "from_text":
                assert mapping["not_intent"], name
                assert all({"active_loop", "requested_slot"} <= set(each) for each in mapping["conditions"]), name


def test_no_slot_costs_a_call_a_turn_or_swallows_a_failure():
    """Trap 12; and Rasa swallows the failure of an action that a mapping names."""
    for name, slot in DOMAIN["slots"].items():
        assert not [mapping for mapping in slot["mappings"] if "action" in mapping], name
    assert "action_validate_slot_mappings" not in DOMAIN["actions"]


# -- trap 10: what stays behind


def test_trap_10_the_next_report_begins_with_nothing(conversation, actions):
    actions.answers_needed = 2
    conversation.says("zreport a pothole")
    assert conversation.says("on Hampshire Street")[-1] == "Filed with ['zreport a pothole', 'on Hampshire Street']."
    assert conversation.says("zreport a street light") == ["Question 1?"]
    assert conversation.stored().get_slot("intake") == {"answers": ["zreport a street light"]}
    assert conversation.says("on Oak Street")[-1] == "Filed with ['zreport a street light', 'on Oak Street']."


def test_rasa_data_validate_fails_on_no_warning(monkeypatch):
    """What ``rasa data validate --fail-on-warnings`` does; it ends the program when it finds something."""
    monkeypatch.chdir(HOUSE)
    validate_files(
        fail_on_warnings=True,
        max_history=None,
        importer=TrainingDataImporter.load_from_config("config.yml", "domain.yml", ["data"]),
    )
