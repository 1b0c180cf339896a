"""Danger: what to do now, in the city's own approved words."""

from __future__ import annotations

from rasa_sdk import Action, Tracker
from rasa_sdk.events import EventType
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.types import DomainDict

from actions.afterwards import add_more
from actions.offering import offering
from actions.speaking import language, say
from actions.surroundings import surroundings
from city311.city.dangers import safety_for
from city311.intake import SURE_DANGER, Say, beside_danger, pack, utterance


class ActionSafety(Action):
    """Says what to do now in such a danger; files nothing."""

    def name(self) -> str:
        return "action_safety"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, _domain: DomainDict) -> list[EventType]:
        here = surroundings()
        heard = utterance(tracker.latest_message)
        if not tracker.active_loop.get("name") and heard.confidence < SURE_DANGER:
            # "And it's getting worse", right after a report: the way to help, and what was said counts all the same.
            more = await add_more(dispatcher, tracker, here, heard)
            if more is not None:
                return more
        key = safety_for(here.pack.city, heard.intent, heard.text)
        say(dispatcher, tracker, here, [Say(pack(here.pack.city.safety[key]))])
        if tracker.active_loop.get("name"):
            return []
        # What else was told in the same message is kept, and waits until there is time for it.
        also = beside_danger(here.setting(language(tracker, here)), heard)
        return offering(also) if also is not None else []
