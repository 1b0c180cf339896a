"""Offers: a question with a button for each thing that can be done next; what is chosen is done as if it were said.

The choices of residents about unclear messages are kept, without who made them, for a person who trains the model.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import (
    ActionExecuted,
    ActionExecutionRejected,
    ActiveLoop,
    EventType,
    FollowupAction,
    SlotSet,
    UserUttered,
)
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.types import DomainDict

from actions.intake import FORM as INTAKE_FORM
from actions.offering import FORM, is_new_message, offering, remember
from actions.speaking import language, say
from actions.surroundings import surroundings
from city311.intake import (
    LOST,
    NO_DANGER,
    SURE,
    TELL,
    UNSURE,
    WISHES,
    Offer,
    Reply,
    ask_offer,
    ask_wish,
    from_slot,
    hear_offer,
    hear_wish,
    next_offer,
    offer_in,
    service_in,
    utterance,
)
from city311.store.candidates import NONE_OF_THESE


class ValidateOfferForm(Action):
    """Asks what is offered, and takes the answer."""

    def name(self) -> str:
        return f"validate_{FORM}"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, _domain: DomainDict) -> list[EventType]:
        here = surroundings()
        spoken = language(tracker, here)
        setting = here.setting(spoken, tracker.get_latest_input_channel() or "")
        offer = offer_in(tracker.get_slot("offer"))
        heard = utterance(tracker.latest_message)
        if offer is None or any(service_in(label) not in (*here.pack.services, "") for label in offer.labels):
            # Not an offer of this version: the message is taken for itself.
            left = Offer(LOST, reply=Reply.LEFT)
            return [SlotSet("offer", left.to_slot()), SlotSet("choice", None), SlotSet("requested_slot", None)]
        if not is_new_message(tracker, FORM):
            asked = ask_wish(offer) if offer.kind in WISHES else ask_offer(setting, offer, heard)
            say(dispatcher, tracker, here, asked)
            return [SlotSet("choice", None), SlotSet("requested_slot", "choice")]
        answered = (hear_wish if offer.kind in WISHES else hear_offer)(setting, offer, heard)
        if answered.settled and offer.kind in (UNSURE, LOST, NO_DANGER) and offer.labels:
            await remember(here, offer.text, offer.labels, answered.label or NONE_OF_THESE, spoken)
        if answered.reply is Reply.DANGER:
            return [SlotSet("offer", answered.offer.to_slot()), SlotSet("choice", None), ActionExecutionRejected(FORM)]
        say(dispatcher, tracker, here, answered.says)
        asking = answered.reply is Reply.AGAIN
        ended = replace(answered.offer, reply=answered.reply, chosen=answered.label)
        return [
            SlotSet("offer", ended.to_slot()),
            SlotSet("choice", None),
            SlotSet("requested_slot", "choice" if asking else None),
        ]


class ActionTakeOffer(Action):
    """Goes on with what was chosen, as if the resident had just said it clearly; or with what they said instead."""

    def name(self) -> str:
        return "action_take_offer"

    async def run(self, _dispatcher: CollectingDispatcher, tracker: Tracker, _domain: DomainDict) -> list[EventType]:
        offer = offer_in(tracker.get_slot("offer"))
        done: list[EventType] = [SlotSet(name, None) for name in ("offer", "choice", "requested_slot")]
        in_a_report = from_slot(tracker.get_slot("intake")) is not None
        if in_a_report:  # which goes on now
            done += [ActiveLoop(INTAKE_FORM), SlotSet("requested_slot", "answer")]
        if offer is None or offer.reply == Reply.REFUSED:
            waiting = next_offer(offer) if offer is not None else None
            if waiting is not None:
                return [*done, *offering(waiting)]
            return [*done, FollowupAction(INTAKE_FORM)] if in_a_report else done
        message = dict(tracker.latest_message or {})
        if offer.reply == Reply.CHOSEN and offer.kind in WISHES:
            message = _as_wished(offer, message.get("metadata") or {})
        elif offer.reply == Reply.CHOSEN:
            message = _as_said(offer, message.get("metadata") or {})
        channel = tracker.get_latest_input_channel()
        return [
            *done,
            ActionExecuted("action_listen"),
            UserUttered(str(message.get("text") or ""), message, None, channel),
        ]


def _as_said(offer: Offer, metadata: dict[str, Any]) -> dict[str, Any]:
    """The chosen meaning, as the language understanding would give it."""
    service = service_in(offer.chosen)
    intent = {"name": "report" if service else offer.chosen, "confidence": 1.0}
    return {
        "text": offer.text,
        "intent": intent,
        "intent_ranking": [intent],
        "entities": [{"entity": name, "value": value} for name, values in offer.entities.items() for value in values],
        "service_ranking": [{"code": service, "confidence": 1.0}] if service else [],
        "metadata": metadata,
        "known": {"contact": offer.contact, "later": [vars(other) for other in offer.rest]},
    }


def _as_wished(offer: Offer, metadata: dict[str, Any]) -> dict[str, Any]:
    """What is wished for a sent report, as if it had been said with its number; the photos are those of then."""
    intent = {"name": offer.wish, "confidence": 1.0}
    entities = {**offer.entities, "request_number": [offer.chosen]}
    return {
        "text": offer.text,
        "intent": intent,
        "intent_ranking": [intent],
        "entities": [{"entity": name, "value": value} for name, values in entities.items() for value in values],
        "service_ranking": [],
        "metadata": {**metadata, "media": list(offer.photos)},
        "known": {"sure": offer.kind == SURE, "told": offer.kind == TELL, "aside": True},
    }
