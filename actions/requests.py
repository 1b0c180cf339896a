"""Where a request stands, and which ones this conversation made."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timezone

from rasa_sdk import Action, Tracker
from rasa_sdk.events import EventType, SlotSet
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.types import DomainDict

from actions.offering import offering
from actions.speaking import language, say
from actions.surroundings import Surroundings, surroundings
from city311.intake import Phrase, Say, Utterance, is_unsure, own, pack, unclear, utterance
from city311.language.dates import day_words
from city311.requests import Kind, Sentence, Status, how_it_stands, phone

_WITHOUT_NUMBER = {"reopen_request": "utter_cannot_reopen", "follow_request": "utter_ask_follow_number"}
_MOST_LISTED = 5
_LONGEST_NUMBER = 64


class ActionCheckStatus(Action):
    """Tells where a request stands, asking the system of record at this moment."""

    def name(self) -> str:
        return "action_check_status"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, _domain: DomainDict) -> list[EventType]:
        here = surroundings()
        await tell_status(dispatcher, tracker, here)
        return []


async def tell_status(dispatcher: CollectingDispatcher, tracker: Tracker, here: Surroundings) -> None:
    """The status of the number in the message, else of the last report made here, else asks for a number."""
    spoken = language(tracker, here)
    number = utterance(tracker.latest_message).entity("request_number") or tracker.get_slot("last_request") or ""
    if not number:
        mine = await asyncio.to_thread(here.requests.of_reporter, tracker.sender_id, 1)
        number = mine[0].number if mine else ""
    if not number:
        say(dispatcher, tracker, here, [Say(own("utter_ask_request_number"))])
        return
    status = await _status(here, number, tracker.sender_id)
    says = _told(here, status, spoken)
    if status.parent:  # what became of a duplicate is what becomes of the report that it repeats
        parent = await _status(here, status.parent)
        if parent.kind is Kind.FOUND and not parent.parent:
            says += [Say(own("utter_status_parent", number=parent.number)), *_told(here, parent, spoken)]
    say(dispatcher, tracker, here, says)


async def _status(here: Surroundings, said: str, asker: str = "") -> Status:
    """How things stand with a number; what can be none is named as it was said."""
    status = await asyncio.to_thread(here.requests.status, said, asker=asker, budget_s=4.0)
    return status if status.number else replace(status, number=said[:_LONGEST_NUMBER])


def _told(here: Surroundings, status: Status, spoken: str) -> list[Say]:
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


class ActionChangeSent(Action):
    """Says honestly that a report which was sent can't be changed here, and whom to call."""

    def name(self) -> str:
        return "action_change_sent"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, _domain: DomainDict) -> list[EventType]:
        here = surroundings()
        heard = utterance(tracker.latest_message)
        number = heard.entity("request_number") or tracker.get_slot("last_request")
        setting = here.setting(language(tracker, here), tracker.get_latest_input_channel() or "")
        if not tracker.active_loop.get("name") and is_unsure(setting, heard):
            return offering(unclear(setting, heard))
        if not number:
            key = _WITHOUT_NUMBER.get(heard.intent, "utter_cannot_change_request")
            say(dispatcher, tracker, here, [Say(own(key))])
            return []
        status = await _status(here, number, tracker.sender_id)
        if status.kind in (Kind.MISTYPED, Kind.UNKNOWN):
            say(dispatcher, tracker, here, _told(here, status, language(tracker, here)))
            return []
        if heard.intent == "follow_request":
            return await _follow(dispatcher, tracker, here, status)
        if heard.intent == "withdraw_request" and await asyncio.to_thread(
            here.requests.unfollow, status.number, tracker.sender_id
        ):
            say(dispatcher, tracker, here, [Say(own("utter_unfollowed", number=status.number))])
            return []
        reopens = heard.intent == "reopen_request"
        if reopens and status.can_reopen:
            return await _reopen(dispatcher, tracker, here, status, heard)
        key = "utter_cannot_reopen_this" if reopens else "utter_cannot_change_this_request"
        say(dispatcher, tracker, here, [Say(own(key, number=status.number, department_phone=phone(here.pack, status)))])
        return []


async def _follow(
    dispatcher: CollectingDispatcher, tracker: Tracker, here: Surroundings, status: Status
) -> list[EventType]:
    channel = tracker.get_latest_input_channel() or ""
    new = await asyncio.to_thread(here.requests.follow, status.number, tracker.sender_id, channel)
    key = "utter_following" if new else "utter_following_already"
    say(dispatcher, tracker, here, [Say(own(key, number=status.number))])
    return [SlotSet("last_request", status.number)]


async def _reopen(
    dispatcher: CollectingDispatcher, tracker: Tracker, here: Surroundings, status: Status, heard: Utterance
) -> list[EventType]:
    """Files it again, where the resident named the number themselves: a guess must make no request."""
    spoken = language(tracker, here)
    if not heard.entity("request_number"):
        again = own("utter_button_reopen", number=status.number)
        say(dispatcher, tracker, here, [Say(own("utter_status_can_reopen", number=status.number), (again,))])
        return []
    note = here.words(own("utter_remark_still_there", number=status.number), spoken)
    filed = await asyncio.to_thread(
        here.requests.reopen,
        status.number,
        asker=tracker.sender_id,
        channel=tracker.get_latest_input_channel() or "",
        why=f"{note}\n{heard.text}",
        budget_s=4.0,
    )
    if filed is None:  # somebody opened it meanwhile
        key = "utter_cannot_reopen_this"
        say(dispatcher, tracker, here, [Say(own(key, number=status.number, department_phone=phone(here.pack, status)))])
        return []
    key = "utter_reopened" if filed.passed_on else "utter_reopened_waiting"
    say(dispatcher, tracker, here, [Say(own(key, number=status.number, new=filed.number))])
    return [SlotSet("last_request", filed.number)]
