"""What Rasa does around the actions, played: conversations in which only the understanding is given by the test."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions import intake, offers
from actions.surroundings import Surroundings
from city311.language.responses import responses

FORM, OFFER_FORM = "intake_form", "offer_form"


@dataclass
class Rasa:
    """What Rasa does around the actions in one conversation: events, slots, the open form."""

    here: Surroundings
    sender: str = "web-1"
    channel: str = "web"
    metadata: dict[str, Any] = field(default_factory=dict)
    slots: dict[str, Any] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    loop: str | None = None
    message: dict[str, Any] = field(default_factory=dict)
    said: list[dict[str, Any]] = field(default_factory=list)

    def hears(
        self,
        text: str,
        intent: str = "inform",
        *,
        confidence: float = 0.95,
        service: Any = (),
        intents: Sequence[tuple[str, float]] = (),
        also: Sequence[tuple[str, str]] = (),
        **entities: str,
    ) -> None:
        """A message comes in, understood like this."""
        ranking = [(service, 0.9)] if isinstance(service, str) else service
        self.message = {
            "text": text,
            "intent": {"name": intent, "confidence": confidence},
            "entities": [{"entity": name, "value": value} for name, value in entities.items()],
            "service_ranking": [{"code": code, "confidence": share} for code, share in ranking],
            "intent_ranking": [{"name": name, "confidence": share} for name, share in intents],
            "also": [{"code": code, "confidence": 0.9, "text": words} for code, words in also],
            "metadata": self.metadata,
        }
        self.events += [
            {"event": "action", "name": "action_listen"},
            {"event": "user", "text": text, "input_channel": self.channel, "parse_data": self.message},
        ]

    def runs(self, action: Action) -> list[dict[str, Any]]:
        """Runs ``action`` and takes in what it returned, which is given back."""
        form = action.name().removeprefix("validate_")
        before = [{"event": "action", "name": form}] if form != action.name() else []
        tracker = Tracker(
            self.sender, dict(self.slots), self.message, [*self.events, *before], False, None, {"name": self.loop}, ""
        )
        dispatcher = CollectingDispatcher()
        events = asyncio.run(action.run(dispatcher, tracker, {}))
        self.said = dispatcher.messages
        for event in events:
            if event["event"] == "slot":
                self.slots[event["name"]] = event["value"]
            if event["event"] == "user":
                self.message = {**event["parse_data"], "text": event["text"]}
        self.events += [{"event": "action", "name": form}, *events]
        return events

    def form(self) -> list[dict[str, Any]]:
        """Runs the form's one action."""
        self.loop = FORM
        return self.runs(intake.ValidateIntakeForm())

    def says(self, text: str, intent: str = "inform", **options: Any) -> list[str]:
        """One message in the form; the words of the answer."""
        self.hears(text, intent, **options)
        self.form()
        return self.words()

    def is_offered(self) -> list[str]:
        """The form of offers is called by an action; the words of the offer."""
        self.loop = OFFER_FORM
        self.runs(offers.ValidateOfferForm())
        return self.words()

    def answers(self, text: str, intent: str = "nlu_fallback", **options: Any) -> list[dict[str, Any]]:
        """One message to an offer; the events of what takes it, empty while it is asked again."""
        self.hears(text, intent, **options)
        self.loop = OFFER_FORM
        self.runs(offers.ValidateOfferForm())
        if self.slots["requested_slot"] is not None:
            return []
        self.loop = None
        return self.runs(offers.ActionTakeOffer())

    def buttons(self) -> list[str]:
        return [button["title"] for message in self.said for button in message.get("buttons") or ()]

    def finishes(self) -> list[str]:
        self.loop = None
        self.runs(intake.ActionFinishIntake())
        return self.words()

    def spoken(self) -> list[str]:
        """Keys of the sentences said last; empty for a text of the pack."""
        return [message.get("response") or "" for message in self.said]

    def words(self) -> list[str]:
        return [self._words(message) for message in self.said]

    def _words(self, message: dict[str, Any]) -> str:
        key = message.get("response")
        if not key:
            return str(message["text"])
        own = {name: value for name, value in message.items() if isinstance(value, str)}
        said = responses(self.here.pack, "en").say(key, values=own)
        assert "{" not in said or "{" in "".join(own.values()), f"{key} is not filled: {said}"
        return said


def answer_all(rasa: Rasa, answers: dict[str, str], otherwise: str = "skip") -> None:
    """Answers each open question by its code until the form has none."""
    for _ in range(20):
        asking = rasa.slots["intake"]["asking"]
        if rasa.slots["requested_slot"] is None:
            return
        rasa.says(answers.get(asking, otherwise), "affirm" if asking == "review" else "inform")
    raise AssertionError(f"the form does not end: {rasa.slots['intake']}")


POTHOLE = {
    "location": "22 Prospect Street",
    "where": "Bike lane",
    "description": "It is deep.",
    "contact": "617-555-0199 and ana@example.org",
    "review": "Yes, send it",
}


def report_pothole(rasa: Rasa, **changes: str) -> None:
    """A whole report up to the yes; ``finishes`` then files it."""
    rasa.says("There is a huge pothole", "report", service="pothole")
    answer_all(rasa, {**POTHOLE, **changes})
    assert rasa.slots["intake"]["ended"] == "submit"
