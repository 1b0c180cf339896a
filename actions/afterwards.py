"""What a resident wants done with a report that was sent: add to it, take it back, open it again, follow it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

from rasa_sdk import Action, Tracker
from rasa_sdk.events import EventType, SlotSet
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.types import DomainDict

from actions.offering import offering
from actions.requests import status_of, told_status
from actions.speaking import language, say
from actions.surroundings import Surroundings, surroundings
from actions.which import just_spoken_of, made_before, spoken_of, which_report
from city311.intake import (
    DANGER,
    MAYBE_DANGER,
    NEXT,
    Offer,
    Say,
    Utterance,
    danger_chance,
    is_unsure,
    label_of,
    more_or_new,
    own,
    pack,
    sure,
    tell,
    tells_more,
    told,
    unclear,
    utterance,
)
from city311.requests import Afterwards, Became, Kind, Reopened, Status, Words, phone

_BUDGET_S = 3.5


class ActionChangeSent(Action):
    """Does what is wished for the report that is named or meant, or asks which one; says what became of it."""

    def name(self) -> str:
        return "action_change_sent"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, _domain: DomainDict) -> list[EventType]:
        here = surroundings()
        heard = utterance(tracker.latest_message)
        setting = here.setting(language(tracker, here), tracker.get_latest_input_channel() or "")
        if not tracker.active_loop.get("name") and is_unsure(setting, heard):
            return offering(unclear(setting, heard))
        wish = heard.intent
        if wish == "follow_request" and not (heard.entity("request_number") or tracker.get_slot("last_request")):
            say(dispatcher, tracker, here, [Say(own("utter_ask_follow_number"))])
            return []
        found = await which_report(dispatcher, tracker, here, wish)
        if isinstance(found, list):
            return found
        status = await status_of(here, found, tracker.sender_id)
        if status.kind in (Kind.MISTYPED, Kind.UNKNOWN):
            say(dispatcher, tracker, here, told_status(here, status, language(tracker, here)))
            return []
        done = _Wish(dispatcher, tracker, here, heard, status)
        events = await _DOES.get(wish, _Wish.adds)(done)
        return events or await spoken_of(tracker, here, status.number)


class ActionCancel(Action):
    """With nothing to cancel: asks whether the report just sent is to be taken back, else says that nothing is open."""

    def name(self) -> str:
        return "action_cancel"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, _domain: DomainDict) -> list[EventType]:
        here = surroundings()
        heard = utterance(tracker.latest_message)
        made = await made_before(tracker, here)
        number = made.number if made is not None else ""
        if not number and dict(heard.intents).get(_TAKES_BACK, 0.0) >= _PERHAPS_TAKES_BACK:
            found = await which_report(dispatcher, tracker, here, _TAKES_BACK)
            if isinstance(found, list):
                return found
            number = found
        if number:
            status = await status_of(here, number, tracker.sender_id)
            if status.kind not in (Kind.MISTYPED, Kind.UNKNOWN):
                return await _Wish(dispatcher, tracker, here, heard, status).withdraws()
        say(dispatcher, tracker, here, [Say(own("utter_nothing_open"))])
        return []


_TAKES_BACK = "withdraw_request"
_PERHAPS_TAKES_BACK = 0.1
"""Chance from which "cancel" may mean a report that was sent."""


class _Wish:
    """One wish about one report that is there."""

    def __init__(
        self,
        dispatcher: CollectingDispatcher,
        tracker: Tracker,
        here: Surroundings,
        heard: Utterance,
        status: Status,
    ) -> None:
        self.dispatcher, self.tracker, self.here, self.heard, self.status = dispatcher, tracker, here, heard, status
        self.number, self.sender = status.number, str(tracker.sender_id)
        self.known = (tracker.latest_message or {}).get("known") or {}

    def says(self, *keys: str, **values: str) -> None:
        """Utters responses about this report."""
        service = pack(self.status.service_name or self.number)
        given = {"number": self.number, "department_phone": phone(self.here.pack, self.status), **values}
        says = [Say(own(key, service=service, **given)) for key in keys]
        say(self.dispatcher, self.tracker, self.here, says)

    def closed(self, key: str) -> None:
        """Says that it is closed, and what can be done then."""
        service = pack(self.status.service_name or self.number)
        says = [Say(own(key, number=self.number, service=service))]
        if self.status.can_reopen:
            again = own("utter_button_reopen", number=self.number)
            says.append(Say(own("utter_status_can_reopen", number=self.number), (again,)))
        say(self.dispatcher, self.tracker, self.here, says)

    def words(self, text: str) -> Words:
        """What is said, with its photos, by this resident."""
        photos = self.here.photos.of(self.sender, list(self.heard.photos))
        links = [f"{self.here.public_url}{photo.link}" for photo in photos]
        return Words(self.sender, text, [photo.id for photo in photos], links)

    async def adds(self) -> list[EventType]:
        """Words and photos for the crew."""
        setting = self.here.setting(language(self.tracker, self.here))
        corrects = self.heard.intent == "correct_answer"
        text = self.heard.text if self.known.get("told") or corrects else told(setting, self.heard)
        if not await asyncio.to_thread(self.here.requests.came_from_here, self.number):
            return self.elsewhere()
        if not await asyncio.to_thread(self.here.requests.may_add, self.number, self.sender):
            self.says("utter_not_yours_to_add")
            return []
        if not text and not self.heard.photos:
            return offering(tell(self.number, "add_to_request", "utter_ask_what_to_add"))
        await add(self, text, opening=("utter_already_sent",) if corrects else ())
        return []

    def elsewhere(self) -> list[EventType]:
        """A report that the system of record has from somebody else: no words can be added, but a new one made."""
        if self.status.kind is Kind.UNAVAILABLE:
            self.says("utter_status_unavailable")
            return []
        self.says("utter_cannot_add_elsewhere")
        code = self.status.service_code or ""
        if code not in self.here.pack.services or self.tracker.active_loop.get("name"):
            return []
        return offering(Offer(NEXT, [label_of(code)], self.heard.text.strip()))

    async def withdraws(self) -> list[EventType]:
        """Asks first; a report of somebody else's that they follow is only unfollowed."""
        requests = self.here.requests
        if await asyncio.to_thread(requests.unfollow, self.number, self.sender):
            self.says("utter_unfollowed")
            return []
        taken_back = await asyncio.to_thread(requests.withdrawn, self.number, self.sender)
        if taken_back is not None:
            self.says("utter_withdrawn_already")
            return []
        if not await asyncio.to_thread(requests.may_withdraw, self.number, self.sender):
            self.says("utter_not_yours")
            return []
        if not await asyncio.to_thread(requests.is_open, self.number, budget_s=_BUDGET_S / 2):
            self.closed("utter_cannot_take_back_closed")
            return []
        if self.known.get("sure"):
            done = await asyncio.to_thread(
                requests.withdraw, self.number, self.words(self.heard.text), note=self._note(), budget_s=_BUDGET_S
            )
            self._taken_back(done)
            return []
        others = await asyncio.to_thread(requests.others, self.number, self.sender)
        ask = "utter_ask_leave" if others else "utter_ask_take_back" if requests.obeys else "utter_ask_take_back_told"
        service = self.status.service_name or self.number
        return offering(sure(self.heard, self.number, service, "withdraw_request", ask))

    def _note(self) -> Callable[[bool, int], str]:
        spoken = self.here.pack.city.languages[0]

        def note(leaves: bool, others: int) -> str:
            key = "utter_remark_left" if leaves else "utter_remark_taken_back"
            return self.here.words(own(key, number=self.number, others=str(others)), spoken)

        return note

    def _taken_back(self, done: Afterwards) -> None:
        if done.became is Became.CLOSED:
            self.closed("utter_cannot_take_back_closed")
        elif done.became is Became.NOT_THEIRS:
            self.says("utter_not_yours")
        elif done.again:
            self.says("utter_withdrawn_already")
        elif done.others:
            self.says("utter_left")
        elif done.became is Became.KEPT:
            self.says("utter_take_back_kept")
        elif done.became is Became.WAITING:
            self.says("utter_take_back_waiting")
        else:
            self.says("utter_taken_back" if self.here.requests.obeys else "utter_take_back_told")

    async def reopens(self) -> list[EventType]:
        """Opens it again, where the resident named the number themselves: a guess must make no request."""
        if self.status.kind is Kind.UNAVAILABLE:
            self.says("utter_status_unavailable")
            return []
        if not self.status.can_reopen:
            self.says("utter_cannot_reopen_this")
            return []
        if not self.heard.entity("request_number"):
            again = own("utter_button_reopen", number=self.number)
            asked = Say(own("utter_status_can_reopen", number=self.number), (again,))
            say(self.dispatcher, self.tracker, self.here, [asked])
            return []
        note = self.here.words(own("utter_remark_still_there", number=self.number), self.here.pack.city.languages[0])
        done: Reopened | None = await asyncio.to_thread(
            self.here.requests.reopen,
            self.number,
            self.words(self.heard.text),
            channel=self.tracker.get_latest_input_channel() or "",
            note=note,
            budget_s=_BUDGET_S,
        )
        if done is None:  # somebody opened it meanwhile
            self.says("utter_cannot_reopen_this")
            return []
        key = "utter_reopened_here" if done.number == self.number else "utter_reopened"
        self.says(key if done.passed_on else f"{key}_waiting", new=done.number)
        return [SlotSet("last_request", done.number)]

    async def follows(self) -> list[EventType]:
        """Has them told what becomes of it."""
        channel = self.tracker.get_latest_input_channel() or ""
        new = await asyncio.to_thread(self.here.requests.follow, self.number, self.sender, channel)
        self.says("utter_following" if new else "utter_following_already")
        return []


_DOES = {
    "add_to_request": _Wish.adds,
    "correct_answer": _Wish.adds,
    "withdraw_request": _Wish.withdraws,
    "reopen_request": _Wish.reopens,
    "follow_request": _Wish.follows,
}


async def add(wish: _Wish, text: str, opening: tuple[str, ...] = (), ending: tuple[str, ...] = ()) -> None:
    """Adds and says what became of it, between what else is said about the report."""
    done = await asyncio.to_thread(wish.here.requests.add, wish.number, wish.words(text), budget_s=_BUDGET_S)
    if done.became is Became.CLOSED:
        wish.closed("utter_cannot_add_closed")
        return
    if done.became is Became.NOT_THEIRS:
        wish.says("utter_not_yours_to_add")
        return
    if done.became is Became.TOO_MANY:
        wish.says("utter_add_too_many")
        return
    key = {Became.KEPT: "utter_added_kept", Became.WAITING: "utter_added_waiting"}.get(done.became, "utter_added")
    wish.says(*opening, "utter_added_already" if done.again and done.became is Became.PASSED_ON else key, *ending)


async def add_more(
    dispatcher: CollectingDispatcher, tracker: Tracker, here: Surroundings, heard: Utterance
) -> list[EventType] | None:
    """Adds words that go on about the report that was filed or spoken of a moment ago, or asks where they may as well
    be a new problem; None where they are something else, or there is no such report.
    """
    setting = here.setting(language(tracker, here), tracker.get_latest_input_channel() or "")
    number = just_spoken_of(tracker)
    if not number or heard.pin is not None or not tells_more(setting, heard):
        return None
    if not await asyncio.to_thread(here.requests.may_add, number, tracker.sender_id):
        return None
    made = await asyncio.to_thread(here.requests.made, number, tracker.sender_id)
    doubt = more_or_new(setting, heard, made.service_code if made is not None else "")
    if doubt is not None:
        return offering(doubt)
    if danger_chance(heard) >= MAYBE_DANGER or heard.intent in DANGER:
        say(dispatcher, tracker, here, [Say(own("utter_if_danger"))])
    status = await status_of(here, number, tracker.sender_id)
    wish = _Wish(dispatcher, tracker, here, replace(heard, intent="add_to_request"), status)
    await add(wish, heard.text, ending=("utter_more_of_something_else",))
    return [SlotSet("last_request", number)]


class ActionFeedback(Action):
    """Thanks for a word about the service; what rather goes on about the report just made is added to it."""

    def name(self) -> str:
        return "action_feedback"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, _domain: DomainDict) -> list[EventType]:
        here = surroundings()
        more = await add_more(dispatcher, tracker, here, utterance(tracker.latest_message))
        if more is None:
            say(dispatcher, tracker, here, [Say(own("utter_feedback"))])
        return more or []


async def add_photo(
    dispatcher: CollectingDispatcher, tracker: Tracker, here: Surroundings, heard: Utterance
) -> list[EventType] | None:
    """Adds a photo without words to the report that was just spoken of; None where there is none to which it can go."""
    number = str(tracker.get_slot("last_request") or "")
    if not number or not await asyncio.to_thread(here.requests.may_add, number, tracker.sender_id):
        return None
    if not await asyncio.to_thread(here.requests.is_open, number, budget_s=_BUDGET_S / 2):
        return None
    status = await status_of(here, number, tracker.sender_id)
    wish = _Wish(dispatcher, tracker, here, replace(heard, intent="add_to_request"), status)
    await add(wish, "", ending=("utter_photo_of_something_else",))
    return [SlotSet("last_request", number)]
