"""Short texts are understood once."""

from __future__ import annotations

import pytest
from rasa.shared.nlu.training_data.message import Message

from city311.dialogue.nlu import recent
from city311.dialogue.nlu.recent import Recent


class Work:
    """Sets what a component would; counts how often it was asked."""

    def __init__(self):
        self.asked = []

    def __call__(self, message):
        text = message.get("text")
        self.asked.append(text)
        message.set("intent", {"name": text.upper()}, add_to_output=True)
        message.set("entities", [*message.get("entities", []), {"entity": "word", "value": text}], add_to_output=True)


def understood(known, work, text, **more):
    message = Message({"text": text, **more})
    known.process(message, work)
    return message.as_dict(only_output_properties=True)


def test_a_text_that_comes_again_is_understood_the_same():
    known, work = Recent(), Work()
    first, second = understood(known, work, "skip"), understood(known, work, "skip")
    assert first == second == {"intent": {"name": "SKIP"}, "entities": [{"entity": "word", "value": "skip"}], **first}
    assert work.asked == ["skip"]


def test_nobody_can_change_what_is_remembered():
    known, work = Recent(), Work()
    understood(known, work, "skip")
    understood(known, work, "skip")["entities"].append("changed")
    assert len(understood(known, work, "skip")["entities"]) == 1


@pytest.mark.parametrize("text", ["617-555-0123", "me@example.org", "SR-104217", "a" * 41, "\u0661\u0662"])
def test_numbers_addresses_and_long_texts_are_not_remembered(text):
    known, work = Recent(), Work()
    assert understood(known, work, text) == understood(known, work, text)
    assert work.asked == [text, text]
    assert not known._made


def test_a_message_in_which_something_was_found_before_is_looked_at():
    known, work = Recent(), Work()
    understood(known, work, "skip")
    answer = understood(known, work, "skip", entities=[{"entity": "service"}])
    assert [one["entity"] for one in answer["entities"]] == ["service", "word"]
    assert len(understood(known, work, "skip")["entities"]) == 1


def test_only_so_many_are_remembered(monkeypatch):
    monkeypatch.setattr(recent, "SIZE", 2)
    known, work = Recent(), Work()
    for text in ("yes", "no", "yes", "skip", "yes", "no"):
        understood(known, work, text)
    assert work.asked == ["yes", "no", "skip", "no"]
