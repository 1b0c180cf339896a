"""On SMS no question may need a word that carriers take for STOP, START or HELP."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from city311.channels.keywords import RESERVED
from city311.city import load_pack
from city311.intake.lexicon import lexicon

HOUSE = Path(__file__).parents[3]
RESPONSES = yaml.safe_load((HOUSE / "domain.yml").read_text(encoding="utf-8"))["responses"]
_MEANT = ("utter_first_text", "utter_texts_", "utter_receipt_why")
"""These tell how to stop and start."""


def on_sms(key: str) -> list[str]:
    variants = RESPONSES[key]
    own = [one["text"] for one in variants if one.get("channel") == "sms"]
    return own or [one["text"] for one in variants if "channel" not in one]


def asked_for(text: str) -> set[str]:
    """The words that a text tells residents to say: those in quotation marks, and those after "reply"."""
    quoted = re.findall(r"[\"“]([^\"”]+)[\"”]", text)
    replied = re.findall(r"\b[Rr]eply (?:with )?([A-Za-z0-9]+)", text)
    return {re.sub(r"[^A-Z]", "", words.upper()) for words in (*quoted, *replied)}


@pytest.mark.parametrize("key", [key for key in RESPONSES if not key.startswith(_MEANT)])
def test_no_response_asks_for_such_a_word(key: str) -> None:
    for text in on_sms(key):
        assert not asked_for(text) & RESERVED, text


def test_no_question_of_the_city_asks_for_such_a_word() -> None:
    pack = load_pack(HOUSE / "cities" / "riverbend")
    for service in pack.services.values():
        for question in service.questions:
            for text in (question.ask, question.explain):
                assert not asked_for(text) & RESERVED, (service.code, question.code)


def test_the_first_text_says_who_writes_and_how_to_stop() -> None:
    [text] = on_sms("utter_first_text")
    assert "automated assistant" in text
    assert {"STOP"} <= asked_for(text)


def test_what_is_offered_instead_is_understood() -> None:
    assert "never mind" in lexicon("en").cancel
    assert "skip" in lexicon("en").skip
