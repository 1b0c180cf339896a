"""The way to a person: the city's number, its hours, and whether somebody is there now."""

from __future__ import annotations

from city311.city.calendar import closing, next_opening
from city311.intake.phrases import Say, own
from city311.intake.setting import Setting
from city311.language.dates import day_words, time_words


def person(setting: Setting, key: str = "utter_person") -> list[Say]:
    """Whom to call, and whether they answer at this moment by the city's calendar.

    Args:
        setting: surroundings.
        key: response that gives the number and the hours.
    """
    calendar, zone = setting.pack.calendar, setting.pack.city.timezone
    until = closing(setting.now, calendar, zone)
    if until is not None:
        return [Say(own(key)), Say(own("utter_person_open", time=time_words(until, setting.language)))]
    opens = next_opening(setting.now, calendar, zone)
    day, time = day_words(opens.date(), setting.language), time_words(opens, setting.language)
    return [Say(own(key)), Say(own("utter_person_closed", date=day, time=time))]
