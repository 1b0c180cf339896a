"""Which report a message is about: the one that it names, or one of the resident's own."""

from __future__ import annotations

import asyncio

from rasa_sdk import Tracker
from rasa_sdk.events import EventType, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.offering import offering
from actions.speaking import language, say
from actions.surroundings import Surroundings
from city311.intake import Mine, Say, meant, own, utterance, which
from city311.requests import Made, Reported

_MOST_LOOKED_AT = 50
_TURNS = 4
"""Messages after which what is said is no longer about the last report of itself."""
_OPEN_ONES = frozenset({"add_to_request", "withdraw_request", "correct_answer"})
_CLOSED_ONES = frozenset({"reopen_request"})


async def which_report(
    dispatcher: CollectingDispatcher, tracker: Tracker, here: Surroundings, wish: str
) -> str | list[EventType]:
    """The number of the report that the message names or means; else the events of the question which one.

    "It" is the report that was spoken of last in this conversation. Never anybody else's, unless its number is named.

    Args:
        wish: the intent of what is to be done with it, which is done when the question is answered.
    """
    heard = utterance(tracker.latest_message)
    if number := heard.entity("request_number"):
        return number
    setting = here.setting(language(tracker, here), tracker.get_latest_input_channel() or "")
    theirs = await asyncio.to_thread(here.requests.of_reporter, tracker.sender_id, _MOST_LOOKED_AT)
    mine = [_mine(here, one) for one in theirs]
    found = meant(setting, heard, mine)
    last = str(tracker.get_slot("last_request") or "")
    if last and not found.named and (wish == "check_status" or spoken_of_lately(tracker)):
        return last
    fitting = _fitting(found.reports, wish) or _fitting(mine, wish)
    if len(fitting) == 1 and found.reports:
        return fitting[0].number
    if not mine and last:
        return last
    if not mine and wish == "check_status":  # a number alone is a question about it anyway
        say(dispatcher, tracker, here, [Say(own("utter_ask_request_number"))])
        return []
    ask = "utter_ask_which_report" if found.reports else "utter_ask_which_other" if mine else "utter_ask_number_of_it"
    return offering(which(setting, heard, fitting, wish, ask))


def spoken_of_lately(tracker: Tracker) -> bool:
    """Whether the last report was filed or spoken of within the events that the action server is given: some turns."""
    return any(
        event.get("event") == "slot" and event.get("name") == "last_request" and event.get("value")
        for event in tracker.events
    )


def just_spoken_of(tracker: Tracker) -> str:
    """The number of the report that was filed or spoken of in the last turns, with no other report begun since; empty
    where there is none.
    """
    turns = 0
    for event in reversed(tracker.events):
        kind, name = event.get("event"), event.get("name")
        turns += kind == "user"
        if turns > _TURNS or (turns and kind == "active_loop" and name == "intake_form"):
            break
        if kind == "slot" and name == "last_request":
            return str(event.get("value") or "")
    return ""


async def made_before(tracker: Tracker, here: Surroundings) -> Made | None:
    """The report that this resident made in the last turns; None where there is none."""
    number = just_spoken_of(tracker)
    return await asyncio.to_thread(here.requests.made, number, tracker.sender_id) if number else None


async def spoken_of(tracker: Tracker, here: Surroundings, number: str) -> list[EventType]:
    """Makes a report the one that "it" means, where they made or follow it."""
    mine = await asyncio.to_thread(here.requests.may_add, number, tracker.sender_id)
    return [SlotSet("last_request", number)] if mine else []


def _fitting(reports: list[Mine] | tuple[Mine, ...], wish: str) -> list[Mine]:
    """Those with which that can be done, as far as is known; all of them where it is none."""
    if wish in _OPEN_ONES:
        return [one for one in reports if one.is_open] or list(reports)
    if wish in _CLOSED_ONES:
        return [one for one in reports if not one.is_open] or list(reports)
    return list(reports)


def _mine(here: Surroundings, one: Reported) -> Mine:
    day = one.requested_at.astimezone(here.zone).date()
    return Mine(one.number, one.service_code, one.service_name, one.address, day, one.is_open)
