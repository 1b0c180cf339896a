"""From a resident's words to the answer of one step."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from city311.intake import places
from city311.intake.acts import Utterance
from city311.intake.days import day, weekday_named
from city311.intake.definition import Kind, Step
from city311.intake.phrases import Phrase, own, pack
from city311.intake.reading import (
    Candidate,
    agrees,
    contains,
    denies,
    emails,
    exactly,
    has_letters_or_digits,
    is_duration,
    is_one_of,
    mentioned,
    number,
    phones,
    pick,
    puts_a_question,
    shaped,
    starts_with,
    withholds_details,
    without_contacts,
    words,
    yes_or_no,
)
from city311.intake.setting import Setting
from city311.intake.state import SKIPPED, UNKNOWN, Answer, State
from city311.language.dates import day_words

ANONYMOUS = "anonymous"
_OTHER = "other"
_NO_OTHER = frozenset({"affirm", "deny", "repeat", "dont_know", "skip", "out_of_scope", "abuse", "add_to_request"})
"""Intents whose words are no answer of their own to a choice that has an "other"."""
_OTHER_MATTER = 0.7
_WORDS_OF_A_PLAIN_CHOICE = 4
_OTHER_SERVICE = 0.55
_SOME_OTHER_ACT = 0.5
_FEWEST_WEEKDAYS = 5
_MISSES_TO_ANY_PLACE = 2
_MOST_PLACE_WORDS = 30
_SHORT_PLACE_WORDS = 12
"""Up to here a message that answers "where?" is the place as it stands; "by the fire station" needs its "by"."""


@dataclass(frozen=True)
class Read:
    """What a message says to a step. ``answer`` is None when it says nothing that can be used.

    Attributes:
        sure: a button, a number, a set phrase: taken before anything else the message might mean.
        weak: words that fit no choice, taken for "something else" if the message means nothing else.
        which: option codes among which the resident must choose.
        place: a place that still lacks its detail.
    """

    answer: Answer | None = None
    sure: bool = False
    weak: bool = False
    which: tuple[str, ...] = ()
    place: str = ""


def candidates(setting: Setting, step: Step) -> list[Candidate]:
    """A step's options as things that can be picked."""
    return [
        Candidate(
            option.code,
            (
                setting.words_of(option.say),
                option.code.replace("_", " "),
                *option.also,
                *(setting.words_of(pack(word)) for word in option.also),
            ),
        )
        for option in step.options
    ]


def read(setting: Setting, state: State, step: Step, heard: Utterance) -> Read:
    """The answer that a message gives to ``step``."""
    text = heard.text.strip()
    if step.kind is Kind.YES_NO:
        return _yes_no(setting, step, heard)
    if not has_letters_or_digits(text):
        return Read()
    if step.kind is Kind.CHOICE:
        return _choice(setting, state, step, heard)
    if step.kind is Kind.NUMBER:
        value = number(text, setting.lexicon)
        return Read(_answer(_in_days(setting, step, value, text), text)) if value is not None else Read()
    if step.kind is Kind.DATE:
        value = day(
            text,
            setting.now,
            setting.language,
            setting.lexicon,
            country=setting.pack.calendar.country,
            ahead=step.ahead,
        )
        return Read(_answer(value, text)) if value is not None else Read()
    if step.kind is Kind.PLACE:
        return _place(setting, state, step, heard)
    if step.kind is Kind.CONTACT:
        return _contact(setting, text)
    if step.kind is Kind.PHOTO:
        return Read()  # words are no photo
    if agrees(text, setting.lexicon):
        return Read()  # "Is there anything else?" – "yes" – so what is it?
    if step.format:
        if heard.entity("amount") and not heard.entity(step.format) and not state.misses:
            return Read()  # "it was 400 dollars" is no account number
        value = shaped(text, step.format, setting.pack.calendar.country, setting.lexicon)
        if value is None:
            return Read(Answer(text)) if state.misses else Read()
        return Read(Answer(value))
    return Read(Answer(text))


def _answer(value: str, said: str) -> Answer:
    return Answer(value, said if said != value else "")


def _in_days(setting: Setting, step: Step, value: str, text: str) -> str:
    """A number as the question counts it: "2 weeks" are 14 where days are asked."""
    units = setting.lexicon.days_in
    asked = any(units.get(word) == 1 for word in words(setting.words_of(step.ask)))
    told = next((units[word] for word in words(text) if word in units), 1)
    return str(int(value) * told) if asked and told > 1 and value.isdecimal() else value


def has_none(setting: Setting, step: Step, heard: Utterance) -> bool:
    """Whether a message says that there is nothing to answer: "no" where more could be added, "no plate"."""
    if step.kind in (Kind.DESCRIPTION, Kind.PHOTO) or (step.kind is Kind.TEXT and not step.required):
        declines = heard.intent == "deny" and heard.confidence >= 0.5 and len(words(heard.text)) <= 4
        return declines or any(
            is_one_of(heard.text, phrases) for phrases in (setting.lexicon.no, setting.lexicon.absent)
        )
    if not step.required and step.kind in (Kind.CHOICE, Kind.NUMBER, Kind.DATE):
        return is_one_of(heard.text, setting.lexicon.no)
    none = setting.lexicon.absent | (setting.lexicon.no if step.unknown else frozenset())
    return step.kind is Kind.TEXT and bool(step.format) and is_one_of(heard.text, none)


def _choice(setting: Setting, state: State, step: Step, heard: Utterance) -> Read:
    text = heard.text.strip()
    options = candidates(setting, step)
    picked = pick(text, options, setting.lexicon)
    if len(picked.codes) == 1:
        code = picked.codes[0]
        # The rest of a longer answer ("all cracked and sticking up") may help the crew.
        longer = len(words(text)) > _WORDS_OF_A_PLAIN_CHOICE
        said = text if not picked.exact and (code == _OTHER or longer) else ""
        return Read(Answer(code, said), sure=picked.exact)
    if len(picked.codes) > 1:
        return Read(which=picked.codes)
    if weekday := _weekday(setting, step, text):
        return Read(Answer(weekday, text))
    if is_one_of(text, setting.lexicon.several):
        return Read(which=tuple(option.code for option in step.options))
    if not any(option.code == _OTHER for option in step.options):
        return Read()
    if is_one_of(text, setting.lexicon.something_else) and not is_one_of(text, setting.lexicon.no):
        return Read(Answer(_OTHER), sure=True)
    empty = heard.intent in _NO_OTHER or heard.is_noise
    asks = puts_a_question(text, setting.lexicon) or empty
    another = (
        heard.intent == "report"
        and heard.confidence >= _OTHER_MATTER
        and bool(heard.services)
        and heard.services[0][0] != state.service
        and heard.services[0][1] >= _OTHER_SERVICE
    )
    if (
        asks
        or another
        or len(words(text)) < 2
        or is_duration(text, setting.lexicon)
        or starts_with(text, setting.lexicon.unknown)
        or denies(text, options, setting.lexicon)
        or yes_or_no(text, setting.lexicon)
    ):
        return Read()
    return Read(Answer(_OTHER, text), weak=True)


def _weekday(setting: Setting, step: Step, text: str) -> str:
    """The choice that is the weekday of a day told otherwise: "yesterday" to "your trash day?". Else empty."""
    named = {
        number: option.code
        for option in step.options
        if (number := weekday_named(setting.words_of(option.say), setting.language)) is not None
    }
    if len(named) < _FEWEST_WEEKDAYS:
        return ""
    told = day(text, setting.now, setting.language, setting.lexicon, country=setting.pack.calendar.country)
    return named.get(date.fromisoformat(told).weekday(), "") if told is not None else ""


def _yes_no(setting: Setting, step: Step, heard: Utterance) -> Read:
    picked = pick(heard.text, candidates(setting, step), setting.lexicon)
    if picked.exact:
        return Read(Answer(picked.codes[0]), sure=True)
    value = yes_or_no(heard.text, setting.lexicon)
    told = words(heard.text)
    if step.stop and set(told) <= setting.lexicon.acknowledgements:
        return Read()  # "ok thanks" does not say that somebody is in danger
    if value is None and told and heard.intent in ("affirm", "deny") and heard.confidence >= 0.5:
        value = "yes" if heard.intent == "affirm" else "no"
    if value is None:
        return Read()
    return Read(Answer(value, heard.text.strip() if len(told) > 3 else ""), sure=len(told) <= 2)


def _place(setting: Setting, state: State, step: Step, heard: Utterance) -> Read:
    text = heard.text.strip()
    if agrees(text, setting.lexicon) or is_one_of(text, setting.lexicon.no):
        return Read()
    if heard.intent in ("affirm", "deny") and not heard.entity("location") and len(words(text)) <= 3:
        return Read()
    marked = places.told(heard.entities.get("location", ()), setting.lexicon)
    if state.place and not marked and _no_detail(setting, state, text):
        return Read()
    if state.place and not (marked and contains(text, setting.lexicon.correction)):
        detail = _without_contact(setting, text)
        if marked and len(words(detail)) > _SHORT_PLACE_WORDS:
            detail = marked
        return Read(Answer(places.joined(state.place, detail, setting.lexicon)))
    place = marked if state.place else _place_words(setting, heard)
    if not marked and state.misses < _MISSES_TO_ANY_PLACE and _names_no_place(setting, state, heard, place):
        return Read()
    if places.is_vague(place, setting.lexicon) or len(words(place)) > _MOST_PLACE_WORDS:
        return Read()
    if not state.detailed and places.needs_detail(place, step.place, setting.lexicon):
        street = marked if marked and places.needs_detail(marked, step.place, setting.lexicon) else place
        return Read(place=places.without_opening(street, setting.lexicon))
    return Read(Answer(place))


def _names_no_place(setting: Setting, state: State, heard: Utterance, text: str) -> bool:
    """Words that the language understanding takes for no place, with nothing in them that places have: likelier an
    answer to another question ("furniture") or no answer ("ok then report one"). Said again, they are taken."""
    told = words(text)
    if setting.lexicon.street_types.intersection(told):
        return False
    if setting.lexicon.never_a_place.intersection(told):
        return True
    if any(any(letter.isdigit() for letter in word) for word in told):
        return bool(setting.lexicon.durations.intersection(told))
    others = [other for other in setting.steps(state) if other.kind is Kind.CHOICE]
    of_another = any(mentioned(text, candidates(setting, other), setting.lexicon) for other in others)
    details = setting.lexicon.place_details.intersection(told)
    if of_another and state.tried and not details - setting.lexicon.joining:
        return True  # "a couch and tires" to "did you mean 210 Columbia Street?"
    if details:
        return False
    if heard.intent not in ("", "inform", "nlu_fallback", "out_of_scope") and heard.confidence >= _SOME_OTHER_ACT:
        return True
    return of_another and len(told) <= 2 and not state.misses


def _no_detail(setting: Setting, state: State, text: str) -> bool:
    """Words that say nothing of where along a street: "all of them", "since monday", a choice of another question."""
    told = set(words(text))
    others = [other for other in setting.steps(state) if other.kind is Kind.CHOICE]
    if any(exactly(text, candidates(setting, other)) for other in others):
        return True
    return (
        is_one_of(text, setting.lexicon.several)
        or is_duration(text, setting.lexicon)
        or bool(setting.lexicon.never_a_place & told)
    ) and not setting.lexicon.street_types & told


def only_contact(setting: Setting, text: str) -> str:
    """The phone number or e-mail address that is all a message holds; an empty string where there is more or none."""
    value = contact_in(setting, text, strictly=True)
    rest = without_contacts(text, setting.pack.calendar.country) if value else text
    return value if value and not words(rest) else ""


def _place_words(setting: Setting, heard: Utterance) -> str:
    """The place in a message: all of a short one, else what was marked as a location."""
    marked = places.told(heard.entities.get("location", ()), setting.lexicon)
    whole = places.without_opening(_without_contact(setting, heard.text), setting.lexicon)
    return whole if not marked or len(words(heard.text)) <= 12 else marked


def _without_contact(setting: Setting, text: str) -> str:
    """A text less e-mail addresses and phone numbers: a place is public, they are not."""
    return without_contacts(text, setting.pack.calendar.country) or text


def _contact(setting: Setting, text: str) -> Read:
    value = contact_in(setting, text)
    if value:
        return Read(Answer(value), sure=True)
    anonymous = is_one_of(text, setting.lexicon.anonymous) or withholds_details(text, setting.lexicon)
    if anonymous or "anonym" in text.casefold():
        return Read(Answer(ANONYMOUS), sure=True)
    return Read()


def contact_in(setting: Setting, text: str, *, strictly: bool = False) -> str:
    """The e-mail address and the phone number in a text, parted by a comma and a space.

    Args:
        setting: surroundings; the city's country tells how a number without "+" is dialled.
        text: where to look.
        strictly: only phone numbers that can exist.
    """
    return ", ".join([*emails(text)[:1], *phones(text, setting.pack.calendar.country, strictly=strictly)[:1]])


def prefill(setting: Setting, state: State, heard: Utterance, *, besides: str = "") -> None:
    """Takes from a message what it says to steps that are still open, besides the one it answered.

    Only what is plain: a marked place, a phone number or e-mail, a choice named in so many words.
    """
    if setting.service(state) is None:
        _keep(setting, state, heard)
    besides_places, things_of_places = _without_places(heard), _things_of_places(setting, heard)
    for step in setting.steps(state):
        if step.code in state.answers or step.code == besides:
            continue
        if step.kind is Kind.CHOICE:
            answer = _plain_choice(setting, step, besides_places) or _plain_choice(setting, step, things_of_places)
        else:
            answer = _plain_answer(setting, state, step, heard)
        if answer is not None:
            answer.asked = False
            state.answers[step.code] = answer


def _keep(setting: Setting, state: State, heard: Utterance) -> None:
    """Keeps a place and a contact that are told before it is clear what is reported."""
    place = places.told(heard.entities.get("location", ()), setting.lexicon)
    if place and not places.is_vague(place, setting.lexicon):
        state.answers["location"] = Answer(place, asked=False)
    if contact := contact_in(setting, heard.text, strictly=True):
        state.answers["contact"] = Answer(contact, asked=False)


def _plain_answer(setting: Setting, state: State, step: Step, heard: Utterance) -> Answer | None:
    if step.kind is Kind.PLACE:
        place = places.told(heard.entities.get("location", ()), setting.lexicon)
        if not place or places.is_vague(place, setting.lexicon):
            return None
        if places.needs_detail(place, step.place, setting.lexicon) and not state.detailed:
            state.place = place
            return None
        return Answer(place)
    if step.kind is Kind.CONTACT:
        value = contact_in(setting, heard.text, strictly=True)
        return Answer(value) if value else None
    if step.kind is Kind.TEXT and step.format and (value := heard.entity(step.format)):
        return Answer(value)
    return None


def _plain_choice(setting: Setting, step: Step, text: str) -> Answer | None:
    codes = mentioned(text, candidates(setting, step), setting.lexicon)
    return Answer(codes[0]) if len(codes) == 1 and codes[0] != _OTHER else None


def _without_places(heard: Utterance) -> str:
    """A message less the places in it: "Prospect Street" says nothing about what blocks the street."""
    text = heard.text
    for place in sorted(heard.entities.get("location", ()), key=len, reverse=True):
        text = re.sub(re.escape(place), " , ", text, flags=re.IGNORECASE)
    return text


def _things_of_places(setting: Setting, heard: Utterance) -> str:
    """What stands in the places: the wall in "the wall of the school on Wall Street", nothing in "Wall Street".

    "The bike lane" is a thing, too: a street's name has no article.
    """
    lexicon = setting.lexicon
    things = []
    for place in heard.entities.get("location", ()):
        told = words(place)
        end = next((index for index, word in enumerate(told) if word in lexicon.after_a_thing), 0)
        thing = [word for word in told[:end] if word not in lexicon.articles]
        articled = bool(told) and told[0] in lexicon.articles
        small = lexicon.place_details if articled else lexicon.street_types | lexicon.place_details
        if 0 < len(thing) <= _WORDS_OF_A_THING and not any(word in small or not word.isalpha() for word in thing):
            things.append(" ".join(thing))
    return ", ".join(things)


_WORDS_OF_A_THING = 3


def blank(step: Step, status: str) -> Answer | None:
    """The answer of a resident who skips a step or does not know; None where one must be given."""
    if not step.required or step.kind is Kind.CONTACT:
        return Answer(ANONYMOUS) if step.kind is Kind.CONTACT else Answer("", status=SKIPPED)
    if status == UNKNOWN and step.unknown:
        return Answer("unknown", status=UNKNOWN)
    return None


def value_phrase(setting: Setting, step: Step, answer: Answer) -> Phrase | str:
    """An answer in words, for the read-back."""
    if answer.status == UNKNOWN:
        return own("utter_value_unknown")
    if step.kind is Kind.CONTACT and answer.value == ANONYMOUS:
        return own("utter_value_anonymous")
    if step.kind in (Kind.CHOICE, Kind.YES_NO):
        option = next((option for option in step.options if option.code == answer.value), None)
        if option is None:
            return answer.said or answer.value
        if answer.value == _OTHER and answer.said:
            return answer.said
        return option.say
    if step.kind is Kind.PHOTO:
        return own("utter_value_photos", count=answer.value)
    if step.kind is Kind.DATE:
        return own("utter_value_date", date=day_words(date.fromisoformat(answer.value), setting.language))
    return answer.value
