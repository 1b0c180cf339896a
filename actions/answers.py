"""What is asked for that this assistant can't do yet: said honestly, with whom to call."""

from __future__ import annotations

from rasa_sdk import Action, Tracker
from rasa_sdk.events import EventType
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.types import DomainDict

from actions.offering import offering
from actions.speaking import language, say
from actions.surroundings import surroundings
from city311.intake import Say, is_unsure, may_report, own, person, unclear, utterance

_NOT_YET = {
    "ask_question": "utter_cannot_answer_questions",
    "search_records": "utter_cannot_search_records",
    "crisis_info": "utter_cannot_inform_crisis",
    "view_bill": "utter_cannot_see_bills",
    "pay_bill": "utter_cannot_take_payments",
    "dispute_bill": "utter_cannot_dispute_bills",
    "payment_plan": "utter_cannot_plan_payments",
    "permit_status": "utter_cannot_see_permits",
    "apply_permit": "utter_cannot_take_permits",
    "apply_license": "utter_cannot_take_licenses",
    "benefits_screening": "utter_cannot_screen_benefits",
    "fund_balance": "utter_cannot_see_funds",
}
_ABOUT_A_PROBLEM = frozenset({"ask_question", "dispute_bill"})
"""Of these, the ones after which a report of the same matter may help."""


class ActionNotYet(Action):
    """Says what can't be done here yet and who can; asks back first where something else may have been meant."""

    def name(self) -> str:
        return "action_not_yet"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, _domain: DomainDict) -> list[EventType]:
        here = surroundings()
        setting = here.setting(language(tracker, here), tracker.get_latest_input_channel() or "")
        heard = utterance(tracker.latest_message)
        alone = not tracker.active_loop.get("name")
        if alone and is_unsure(setting, heard):
            return offering(unclear(setting, heard))
        say(dispatcher, tracker, here, [Say(own(_NOT_YET.get(heard.intent, "utter_cannot_answer_questions")))])
        follow = may_report(setting, heard) if alone and heard.intent in _ABOUT_A_PROBLEM else None
        return offering(follow) if follow is not None else []


class ActionPerson(Action):
    """Gives the way to a person, and whether somebody is there now."""

    def name(self) -> str:
        return "action_person"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, _domain: DomainDict) -> list[EventType]:
        here = surroundings()
        setting = here.setting(language(tracker, here), tracker.get_latest_input_channel() or "")
        say(dispatcher, tracker, here, person(setting))
        return []
