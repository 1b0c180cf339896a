"""What tests of sent reports share: reports that are there, and wishes about them."""

from __future__ import annotations

import io

from PIL import Image
from played_rasa import OFFER_FORM, report_pothole

from actions.afterwards import ActionChangeSent
from actions.offers import ActionTakeOffer, ValidateOfferForm
from actions.requests import ActionCheckStatus


def photograph():
    target = io.BytesIO()
    Image.new("RGB", (40, 30), "red").save(target, "JPEG")
    return target.getvalue()


def report(rasa, **changes):
    report_pothole(rasa, **changes)
    rasa.finishes()
    return rasa.slots["last_request"]


def wish(rasa, intent, text="please", **entities):
    """A wish is said; the keys of the answer, of the question where one is asked."""
    rasa.hears(text, intent, **entities)
    events = rasa.runs(ActionChangeSent())
    if any(event.get("name") == "offer_form" for event in events):
        rasa.is_offered()
    return rasa.spoken()


def then(rasa, text, intent="nlu_fallback", **options):
    """The answer to a question, and what is done then; the keys of what is said."""
    rasa.hears(text, intent, **options)
    rasa.loop = OFFER_FORM
    rasa.runs(ValidateOfferForm())
    answered = rasa.spoken()
    if rasa.slots["requested_slot"] is not None:
        return answered
    rasa.loop = None
    if not any(event["event"] == "user" for event in rasa.runs(ActionTakeOffer())):
        return answered
    action = ActionCheckStatus() if rasa.message["intent"]["name"] == "check_status" else ActionChangeSent()
    events = rasa.runs(action)
    if any(event.get("name") == "offer_form" for event in events):
        rasa.is_offered()
    return rasa.spoken()


def take_back(rasa, number, text="it is gone"):
    wish(rasa, "withdraw_request", text, request_number=number)
    return then(rasa, "Yes, take it back", "affirm")


def engine_of(rasa):
    return rasa.here.requests._engine


def three(rasa):
    """Three reports at different places; their numbers, the oldest first."""
    return [report(rasa, location=place) for place in ("22 Prospect Street", "14 Lake Street", "9 Oak Street")]


def forget_which_was_last(rasa):
    rasa.slots["last_request"] = None
    rasa.events.clear()
