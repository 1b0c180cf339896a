"""What actions share that make an offer or take the answer to one."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from rasa_sdk import Tracker
from rasa_sdk.events import EventType, FollowupAction, SlotSet
from sqlalchemy.exc import SQLAlchemyError

from actions.surroundings import Surroundings
from city311.intake import Offer, own
from city311.requests.desk_privacy import redact

FORM = "offer_form"
_log = logging.getLogger(__name__)


def offering(offer: Offer) -> list[EventType]:
    """The events with which an action makes an offer after what it said itself."""
    return [SlotSet("offer", offer.to_slot()), FollowupAction(FORM)]


def is_new_message(tracker: Tracker, form: str) -> bool:
    """Whether a form was called for the message itself, and not by an action or after a digression was answered.

    Rasa puts the form's own name last before it validates; what was done before that tells.
    """
    done = [str(event.get("name")) for event in tracker.events if event.get("event") == "action"]
    if done and done[-1] == form:
        done.pop()
    return not done or done[-1] == "action_listen"


async def remember(here: Surroundings, text: str, offered: Sequence[str], chosen: str, spoken: str) -> None:
    """Keeps a choice for who trains the model, without contacts and without who made it.

    A database that is down costs the candidate, not the conversation.
    """
    clean = redact(text, mark=here.words(own("utter_value_removed"), spoken))
    try:
        await asyncio.to_thread(here.candidates.add, clean, offered, chosen, spoken)
    except SQLAlchemyError as error:
        _log.warning("A candidate for training could not be kept: %s", type(error).__name__)
