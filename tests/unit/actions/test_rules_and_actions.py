"""Rules, domain, engine and actions speak of the same things."""

from __future__ import annotations

import yaml
from rasa_sdk.executor import ActionExecutor

from city311 import settings
from city311.intake.acts import DANGER, DIGRESSIONS


def document(path):
    return yaml.safe_load((settings.HOUSE / path).read_text(encoding="utf-8"))


DOMAIN = document("domain.yml")


def answered_in_the_form():
    return {rule["steps"][0]["intent"] for rule in document("data/rules/digressions.yml")["rules"]}


def test_every_digression_of_the_engine_has_a_rule():
    assert answered_in_the_form() == DIGRESSIONS | DANGER


def test_the_engine_knows_only_intents_of_the_domain():
    assert set(DOMAIN["intents"]) >= DIGRESSIONS | DANGER


def test_danger_is_what_the_form_never_takes_for_an_answer():
    (mapping,) = DOMAIN["slots"]["answer"]["mappings"]
    assert set(mapping["not_intent"]) == DANGER


def test_the_action_server_has_every_action_of_the_domain_and_no_other():
    executor = ActionExecutor()
    executor.register_package("actions")
    assert {item.name for item in executor.list_actions()} == set(DOMAIN["actions"])


def test_every_action_of_a_rule_is_there():
    rules = [
        rule
        for name in ("conversation", "digressions", "intake")
        for rule in document(f"data/rules/{name}.yml")["rules"]
    ]
    used = {step["action"] for rule in rules for step in rule["steps"] if "action" in step}
    assert used <= set(DOMAIN["actions"]) | set(DOMAIN["responses"]) | set(DOMAIN["forms"])
