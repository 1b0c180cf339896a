"""When a report will be seen to: the time the city gives itself, and nothing beyond it."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from city311.city.calendar import due
from city311.city.model import Clock, Service
from city311.intake.acts import Utterance, asks
from city311.intake.phrases import Phrase, Say, own, pack
from city311.intake.reading import contains
from city311.intake.setting import Setting
from city311.intake.state import State
from city311.intake.turn import Turn, ask_next
from city311.language.dates import day_words, time_words


def promise(service: Service, by: datetime | None, zone: ZoneInfo, language: str) -> Phrase:
    """By when the city means to be done.

    Args:
        service: what is reported.
        by: that moment; None where the service has no such time.
        zone: the city's time zone.
        language: of the words.
    """
    unit = service.sla.unit
    if by is None:
        key = {Clock.STATUTORY: "utter_due_statutory", Clock.REDIRECT: "utter_due_redirect"}.get(unit, "utter_due_none")
        return own(key)
    moment = by.astimezone(zone)
    day = day_words(moment.date(), language)
    if unit is Clock.HOURS:
        return own("utter_due_hours", date=day, time=time_words(moment, language))
    key = {Clock.BUSINESS_DAYS: "utter_due_business_days", Clock.SAME_DAY: "utter_due_same_day"}.get(
        unit, "utter_due_days"
    )
    return own(key, date=day)


def hear_how_soon(setting: Setting, state: State, heard: Utterance) -> Turn | None:
    """ "How long will it take?" in the middle of a report: what happens once it is sent, and by when. None for other
    messages, and for questions about a report that was sent before."""
    service = setting.service(state)
    lexicon = setting.lexicon
    asked = contains(heard.text, lexicon.how_soon) and asks(heard, lexicon)
    if service is None or not asked or heard.entity("request_number") or contains(heard.text, lexicon.sent_before):
        return None
    by = due(service.sla, setting.now, setting.pack.calendar, setting.pack.city.timezone)
    says = [
        Say(own("utter_once_sent", next_step=pack(service.next_step))),
        Say(promise(service, by, setting.pack.city.timezone, setting.language)),
    ]
    return ask_next(setting, Turn(state, says))
