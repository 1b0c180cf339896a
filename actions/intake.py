"""The guided conversation: each message goes to city311/intake, and what it ends in is filed here."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import replace
from datetime import datetime
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import ActionExecutionRejected, ActiveLoop, EventType, FollowupAction, SlotSet
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.types import DomainDict

from actions.offering import is_new_message, offering, remember
from actions.speaking import language, say
from actions.surroundings import Surroundings, surroundings
from actions.which import made_before
from city311.intake import (
    ANONYMOUS,
    AS_WRITTEN,
    GIVEN,
    SKIPPED,
    UNKNOWN,
    Card,
    CardLine,
    Other,
    Outcome,
    Phrase,
    Say,
    Setting,
    Spot,
    State,
    Turn,
    Utterance,
    afterwards,
    description,
    from_slot,
    hear,
    is_unsure,
    label_of,
    own,
    pack,
    promise,
    resume,
    start,
    unclear,
    utterance,
)
from city311.language.dates import day_words
from city311.requests import Draft, Filed, Made
from city311.store.candidates import NONE_OF_THESE

FORM = "intake_form"
_NOT_ANSWERS = ("location", "contact", "description", "photo")
"""Steps that have fields of their own in a service request."""
ASKED_WHAT_THERE = "utter_ask_what_there"
_ASKED_WHAT_THERE = (ASKED_WHAT_THERE, "utter_ask_what_there_pin")
"""Said after a place alone; the report that follows is about that place."""
_OF_ONE_REPORT = ("intake", "answer", "service", "location", "photos", "requested_slot")


class ValidateIntakeForm(Action):
    """Takes one message into the guided conversation and says what comes next, in one call a turn."""

    def name(self) -> str:
        return f"validate_{FORM}"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, _domain: DomainDict) -> list[EventType]:
        here = surroundings()
        setting = here.setting(
            language(tracker, here), tracker.get_latest_input_channel() or "", sender=tracker.sender_id
        )
        slot = tracker.get_slot("intake")
        state = from_slot(slot)
        if slot is not None and state is None:
            # Not a state of this version: better an honest start than a guess.
            say(dispatcher, tracker, here, [Say(own("utter_intake_lost"))])
            return [SlotSet("intake", None), SlotSet("answer", None), SlotSet("requested_slot", None), ActiveLoop(None)]
        heard = utterance(tracker.latest_message)
        if state is None and is_unsure(setting, heard):
            # Perhaps it is no report at all: asked first, by action_finish_intake.
            return [SlotSet("offer", unclear(setting, heard).to_slot()), SlotSet("requested_slot", None)]
        if state is not None and is_new_message(tracker, FORM) and _known(tracker).get("aside"):
            # The answer to a question about another report, which was asked in the middle of this one.
            return [SlotSet("answer", None), ActionExecutionRejected(FORM)]
        choice = _open_choice(state)
        earlier = await made_before(tracker, here) if state is None or state.ended else None
        turn = await asyncio.to_thread(_turn, setting, state, tracker, _place_of(earlier))
        if choice is not None:
            await _remember_choice(here, *choice, turn.state, setting.language)
        if turn.outcome is Outcome.DIGRESS:
            return [SlotSet("intake", turn.state.to_slot()), SlotSet("answer", None), ActionExecutionRejected(FORM)]
        say(dispatcher, tracker, here, turn.says, about=_about(here, turn))
        place = turn.state.answers.get("location")
        return [
            SlotSet("intake", turn.state.to_slot()),
            SlotSet("answer", None),
            SlotSet("service", turn.state.service or None),
            SlotSet("location", place.value if place else None),
            *([SlotSet("photos", None)] if tracker.get_slot("photos") else []),
            SlotSet("requested_slot", None if turn.outcome is Outcome.END else "answer"),
        ]


def _about(here: Surroundings, turn: Turn) -> Phrase | None:
    """The service that the report is about, while it is not ended."""
    service = here.pack.services.get(turn.state.service)
    return pack(service.name) if service is not None and turn.outcome is Outcome.ASK else None


def _turn(setting: Setting, state: State | None, tracker: Tracker, before: Spot | None) -> Turn:
    heard = utterance(tracker.latest_message)
    if state is None or state.ended:
        known = _known(tracker)
        later = [Other(**other) for other in known.get("later") or ()]
        said = _with_photos(_with_place(heard, tracker), tracker)
        contact = str(known.get("contact") or "")
        return start(setting, said, uuid.uuid4().hex, contact=contact, later=later, before=before)
    if not is_new_message(tracker, FORM):
        return resume(setting, state)
    return hear(setting, state, heard)


def _place_of(made: Made | None) -> Spot | None:
    """Where a report is that was made before; None for no place."""
    if made is None or not made.address:
        return None
    if made.lat is None or made.long is None:
        return Spot(made.address, AS_WRITTEN)
    return Spot(made.address, made.kind, made.lat, made.long)


def _known(tracker: Tracker) -> dict[str, Any]:
    """What is known besides a message that an offer made of its answer (actions/offers.py)."""
    return (tracker.latest_message or {}).get("known") or {}


def _open_choice(state: State | None) -> tuple[str, list[str]] | None:
    """The words about which the kind of problem is being asked, and the kinds on buttons; None where it is not."""
    if state is None or state.asking != "service" or not state.candidates:
        return None
    return state.remarks[-1] if state.service and state.remarks else state.first, list(state.candidates)


async def _remember_choice(here: Surroundings, text: str, kinds: list[str], after: State, spoken: str) -> None:
    """Keeps which of the kinds of problems offered on buttons was chosen, for who trains the model."""
    offered = [label_of(code) for code in kinds]
    if after.asking != "service" and after.service in kinds:
        await remember(here, text, offered, label_of(after.service), spoken)
    elif after.asking == "service" and not set(after.candidates) & set(kinds):
        await remember(here, text, offered, NONE_OF_THESE, spoken)


def _with_place(heard: Utterance, tracker: Tracker) -> Utterance:
    """The first words of a report, with the place that was named just before them."""
    place = tracker.get_slot("location")
    said = next((event for event in reversed(tracker.events) if event.get("event") == "bot"), {})
    asked = (said.get("metadata") or {}).get("utter_action") in _ASKED_WHAT_THERE
    if not place or not asked or heard.entity("location"):
        return heard
    return replace(heard, entities={**heard.entities, "location": [place]})


def _with_photos(heard: Utterance, tracker: Tracker) -> Utterance:
    """The first words of a report, with the photos that came before them."""
    before = tracker.get_slot("photos") or []
    return replace(heard, photos=[*before, *heard.photos]) if before else heard


class ActionFinishIntake(Action):
    """Says how the conversation ended, having done it: only here, with a number in hand, is a report confirmed."""

    def name(self) -> str:
        return "action_finish_intake"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, _domain: DomainDict) -> list[EventType]:
        here = surroundings()
        state = from_slot(tracker.get_slot("intake"))
        if state is None and tracker.get_slot("offer"):
            return [SlotSet("requested_slot", None), FollowupAction("offer_form")]
        number: list[EventType] = []
        setting = here.setting(language(tracker, here))
        also = afterwards(setting, state) if state is not None and state.ended != "restarted" else None
        if state is not None and state.ended == "submit":
            draft = _draft(here, here.setting(language(tracker, here)), state, tracker)
            filed = await asyncio.to_thread(
                here.requests.submit, draft, key=f"{tracker.sender_id}:{state.form}", budget_s=4.0
            )
            say(dispatcher, tracker, here, _receipt(here, draft, filed, language(tracker, here)))
            number = [SlotSet("last_request", filed.number)]
        elif state is not None and state.ended == "followed":
            channel = tracker.get_latest_input_channel() or ""
            new = await asyncio.to_thread(here.requests.follow, state.follows, tracker.sender_id, channel)
            key = "utter_followed" if new else "utter_followed_already"
            say(dispatcher, tracker, here, [Say(own(key, number=state.follows))])
            number = [SlotSet("last_request", state.follows)]
        elif state is not None and state.ended == "stopped":
            say(dispatcher, tracker, here, [Say(pack(here.pack.city.safety[state.safety]))])
        elif state is not None and state.ended == "restarted":
            say(dispatcher, tracker, here, [Say(own("utter_restarted"))])
        elif state is not None:
            say(dispatcher, tracker, here, [Say(own("utter_cancelled"))])
        if state is not None and state.photos:
            await asyncio.to_thread(here.photos.forget_positions, tracker.sender_id, state.photos)
        # Nothing of this report may turn up in the next one.
        return [
            *(SlotSet(name, None) for name in _OF_ONE_REPORT),
            *number,
            *(offering(also) if also is not None else []),
        ]


def _draft(here: Surroundings, setting: Setting, state: State, tracker: Tracker) -> Draft:
    place = state.answers.get("location")
    contact = state.answers.get("contact")
    reach = contact.value.split(", ") if contact is not None and contact.value != ANONYMOUS else []
    answers: dict[str, list[str]] = {}
    said: dict[str, str] = {}
    extra: list[str] = []
    for step in setting.steps(state):
        answer = state.answers.get(step.code)
        if answer is None or answer.status == SKIPPED or step.code in _NOT_ANSWERS:
            continue
        answers[step.code] = [answer.value if answer.status == GIVEN else UNKNOWN]
        if answer.said and answer.said != answer.value:
            said[step.code] = answer.said
            extra.append(here.words(own("utter_review_line", label=step.label, value=answer.said), setting.language))
    where = state.spot if place is not None and state.spot.label == place.value else Spot()
    if place is not None and place.said:
        label = own("utter_label_location")
        extra.append(here.words(own("utter_review_line", label=label, value=place.said), setting.language))
    if where.kind == AS_WRITTEN:
        extra.append(here.words(own("utter_place_unchecked_note"), setting.language))
    found = bool(where.kind) and where.kind != AS_WRITTEN
    photos = here.photos.of(tracker.sender_id, state.photos)
    if setting.asks(state, "description"):
        answers["description"] = [description(state)]
    return Draft(
        service_code=state.service,
        address=place.value if place else "",
        lat=where.lat if found else None,
        long=where.lon if found else None,
        place=_place_facts(where) if where.kind else {},
        description="\n".join([description(state), *extra]),
        answers=answers,
        answers_said=said,
        phone=next((part for part in reach if "@" not in part), ""),
        email=next((part for part in reach if "@" in part), ""),
        reporter=tracker.sender_id,
        photos=[photo.id for photo in photos],
        media_urls=[f"{here.public_url}{photo.link}" for photo in photos],
        channel=tracker.get_latest_input_channel() or "",
    )


def _place_facts(spot: Spot) -> dict[str, str]:
    """What is known of the place, for staff and for finding the same report again."""
    facts = {
        **spot.areas,
        "kind": spot.kind,
        "landmark": spot.landmark,
        "landmark_kind": spot.landmark_kind,
        "asset": spot.asset,
        "asset_owner": spot.asset_owner,
        "asset_description": spot.asset_description,
        "responsible": spot.rule,
    }
    return {name: value for name, value in facts.items() if value}


def _receipt(here: Surroundings, draft: Draft, filed: Filed, spoken: str) -> list[Say]:
    department = pack(filed.department.name)
    card = Card(
        "receipt",
        (
            CardLine(own("utter_label_number"), filed.number),
            CardLine(own("utter_label_service"), pack(filed.service.name)),
            *([CardLine(own("utter_label_location"), draft.address)] if draft.address else []),
            CardLine(own("utter_label_department"), department),
            CardLine(own("utter_label_filed"), day_words(datetime.now(here.zone).date(), spoken)),
        ),
    )
    phone = filed.department.phone or here.pack.city.phone
    if filed.refused is not None:
        key = "utter_submitted_refused"
        return [Say(own(key, number=filed.number, department=department, department_phone=phone), card=card)]
    if not filed.passed_on:
        first = own("utter_submitted_waiting", number=filed.number, department=department)
    else:
        first = own("utter_submitted", number=filed.number)
    return [
        Say(first, card=card),
        Say(own("utter_goes_to", department=department, next_step=pack(filed.service.next_step))),
        *([Say(pack(filed.after_hours))] if filed.after_hours else []),
        Say(promise(filed.service, filed.due, here.zone, spoken)),
        Say(own("utter_ask_status_any_time", number=filed.number)),
    ]
