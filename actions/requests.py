"""Where a request stands, and which ones this conversation made."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timezone

from rasa_sdk import Action, Tracker
from rasa_sdk.events import EventType
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.types import DomainDict

from actions.speaking import language, say
from actions.surroundings import Surroundings, surroundings
from actions.which import spoken_of, which_report
from city311.intake import Phrase, Say, own, pack
from city311.language.dates import day_words
from city311.requests import Kind, Sentence, Status, how_it_stands, phone

_MOST_LISTED = 5
_LONGEST_NUMBER = 64


class ActionCheckStatus(Action):
    """Tells where a request stands, asking the system of record at this moment."""

    def name(self) -> str:
        return "action_check_status"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, _domain: DomainDict) -> list[EventType]:
        return await tell_status(dispatcher, tracker, surroundings())


async def tell_status(dispatcher: CollectingDispatcher, tracker: Tracker, here: Surroundings) -> list[EventType]:
    """The status of the report that the message names or means; asks where it may be several, or none."""
    spoken = language(tracker, here)
    found = await which_report(dispatcher, tracker, here, "check_status")
    if isinstance(found, list):
        return found
    status = await status_of(here, found, tracker.sender_id)
    says = told_status(here, status, spoken)
    if status.parent:  # what became of a duplicate is what becomes of the report that it repeats
        parent = await status_of(here, status.parent)
        if parent.kind is Kind.FOUND and not parent.parent:
            says += [Say(own("utter_status_parent", number=parent.number)), *told_status(here, parent, spoken)]
    say(dispatcher, tracker, here, says)
    return await spoken_of(tracker, here, status.number)


async def status_of(here: Surroundings, said: str, asker: str = "") -> Status:
    """How things stand with a number; what can be none is named as it was said."""
    status = await asyncio.to_thread(here.requests.status, said, asker=asker, budget_s=4.0)
    return status if status.number else replace(status, number=said[:_LONGEST_NUMBER])


def told_status(here: Surroundings, status: Status, spoken: str) -> list[Say]:
    number = status.number
    if status.kind is Kind.MISTYPED:
        return [Say(own("utter_status_mistyped", number=number))]
    if status.kind is Kind.UNKNOWN:
        return [Say(own("utter_status_unknown", number=number))]
    service = pack(status.service_name or number)
    since = _day(here, status.requested_at, spoken)
    if status.kind is Kind.WAITING:
        key = "utter_status_refused" if status.refused else "utter_status_waiting"
        return [Say(own(key, number=number, service=service, date=since))]
    if status.kind is Kind.NOT_SHOWN:
        whom = phone(here.pack, status)
        return [Say(own("utter_status_not_shown", number=number, service=service, date=since, department_phone=whom))]
    if status.kind is Kind.UNAVAILABLE:
        return [Say(own("utter_status_unavailable", number=number))]
    stands = how_it_stands(here.pack, status, spoken, datetime.now(timezone.utc))
    return [Say(own(each.key, **each.values), _buttons(each)) for each in stands]


def _buttons(sentence: Sentence) -> tuple[Phrase, ...]:
    return (own(sentence.button, **sentence.values),) if sentence.button else ()


def _day(here: Surroundings, moment: datetime | None, spoken: str) -> str:
    return day_words(moment.astimezone(here.zone).date(), spoken) if moment is not None else ""


class ActionListRequests(Action):
    """Lists what this conversation has reported."""

    def name(self) -> str:
        return "action_list_requests"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, _domain: DomainDict) -> list[EventType]:
        here = surroundings()
        spoken = language(tracker, here)
        mine = await asyncio.to_thread(here.requests.of_reporter, tracker.sender_id, _MOST_LISTED)
        followed = await asyncio.to_thread(here.requests.followed_by, tracker.sender_id, _MOST_LISTED)
        also = [Say(own("utter_list_followed", numbers=", ".join(followed)))] if followed else []
        if not mine:
            say(dispatcher, tracker, here, also or [Say(own("utter_list_none"))])
            return []
        lines = [
            own(
                "utter_list_line",
                number=each.number,
                service=pack(each.service_name),
                date=_day(here, each.requested_at, spoken),
            )
            for each in mine
        ]
        say(dispatcher, tracker, here, [Say(own("utter_list_intro")), *(Say(line) for line in lines), *also])
        return []
