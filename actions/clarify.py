"""What to make of a message that is not understood, or says only a place or a number."""

from __future__ import annotations

from rasa_sdk import Action, Tracker
from rasa_sdk.events import EventType, FollowupAction, SlotSet
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.types import DomainDict

from actions.afterwards import add_more, add_photo
from actions.intake import ASKED_WHAT_THERE, FORM
from actions.offering import FORM as OFFER_FORM
from actions.offering import offering
from actions.requests import tell_status
from actions.speaking import language, say
from actions.surroundings import Surroundings, surroundings
from actions.which import spoken_of_lately
from city311.intake import Say, State, own, perhaps_a_report, put_pin, unclear, utterance

LISTEN = "action_listen"


class ActionClarify(Action):
    """More about the report just made is added; a number → its status; a place alone → what is wrong there; something
    like a problem → a report; else asks what is meant, with the likeliest meanings on buttons."""

    def name(self) -> str:
        return "action_clarify"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, _domain: DomainDict) -> list[EventType]:
        here = surroundings()
        heard = utterance(tracker.latest_message)
        if heard.photos and not heard.text:
            before = tracker.get_slot("photos")
            if not before and spoken_of_lately(tracker):
                added = await add_photo(dispatcher, tracker, here, heard)
                if added is not None:
                    return [*added, FollowupAction(LISTEN)]
            say(dispatcher, tracker, here, [Say(own("utter_photo_first"))])
            photos = [*(tracker.get_slot("photos") or []), *heard.photos]
            return [SlotSet("photos", photos), FollowupAction(LISTEN)]
        if heard.pin and not heard.text:
            return self._pin_first(dispatcher, tracker, here, heard.pin)
        more = await add_more(dispatcher, tracker, here, heard)
        if more is not None:
            asks = any(event.get("name") == OFFER_FORM for event in more)
            return more if asks else [*more, FollowupAction(LISTEN)]
        place = heard.entity("location")
        if heard.entity("request_number"):
            told = await tell_status(dispatcher, tracker, here)
            # Without a rule for this turn, Rasa would call its fallback again and again.
            return [*told, FollowupAction(LISTEN)]
        if place and heard.intent == "inform":
            say(dispatcher, tracker, here, [Say(own(ASKED_WHAT_THERE, place=place))])
            return [SlotSet("location", place), FollowupAction(LISTEN)]
        setting = here.setting(language(tracker, here), tracker.get_latest_input_channel() or "")
        if perhaps_a_report(setting, heard):
            return [FollowupAction(FORM)]
        return offering(unclear(setting, heard))

    def _pin_first(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, here: Surroundings, pin: tuple[float, float]
    ) -> list[EventType]:
        """A position before it is said what is wrong there."""
        state = State(form="")
        says = put_pin(here.setting(language(tracker, here)), state, *pin)
        place = state.answers.get("location")
        if place is not None:
            says = [Say(own("utter_ask_what_there_pin", place=place.value))]
        say(dispatcher, tracker, here, says)
        return [SlotSet("location", f"{pin[0]:.6f}, {pin[1]:.6f}" if place else None), FollowupAction(LISTEN)]
