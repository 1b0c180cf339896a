"""What short texts were taken for lately: the words of buttons and the like come again and again."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from rasa.shared.nlu.training_data.message import Message

from city311.dialogue.nlu.reading import PIECES

SIZE = 500
LONGEST = 40
"""Characters."""


class Recent:
    """Runs a component's work on a message, or repeats what it made of the same text before.

    The work must depend on the text alone. Texts with digits or an at sign are not remembered: they may be somebody's
    telephone number or address. ``PIECES``, which only save the next component some work, are not repeated.
    """

    def __init__(self) -> None:
        self._made: OrderedDict[str, str] = OrderedDict()

    def process(self, message: Message, work: Callable[[Message], None]) -> None:
        """Does ``work`` on ``message``, or sets what it set for that text."""
        text = message.get("text")
        if not _may_be_kept(text) or message.get("entities"):
            work(message)
            return
        made = self._made.get(text)
        if made is not None:
            self._made.move_to_end(text)
            for name, value in json.loads(made).items():
                message.set(name, value, add_to_output=True)
            return
        before = dict(message.data)
        work(message)
        new = {name: value for name, value in message.data.items() if before.get(name) is not value and name != PIECES}
        if new.keys() <= message.output_properties:
            self._made[text] = json.dumps(new)
            if len(self._made) > SIZE:
                self._made.popitem(last=False)


def _may_be_kept(text: Any) -> bool:
    if not isinstance(text, str) or len(text) > LONGEST:
        return False
    return not any(character.isdigit() or character == "@" for character in text)
