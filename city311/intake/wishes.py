"""Questions about what is to be done with a report that was sent: which one, whether really, what to add.

Each is an offer: its answer is then done as if the resident had said it clearly, with the number. Pure; knows no Rasa.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from city311.intake.acts import CANCEL, DANGER, DIGRESSIONS, SKIP, Utterance, act
from city311.intake.offers import Answered, Offer, Reply
from city311.intake.people import person
from city311.intake.phrases import Phrase, Say, own, pack
from city311.intake.reading import Candidate, is_one_of, pick, words, yes_or_no
from city311.intake.setting import Setting
from city311.intake.which import Mine, meant
from city311.language.dates import day_words

WHICH, SURE, TELL = "which", "sure", "tell"
"""Kinds of offer: which report is meant; whether it is really to be done; what is to be told about it."""
WISHES = frozenset({WHICH, SURE, TELL})

_MOST_SHOWN = 5
_MISSES_TO_A_PERSON = 2
_MOST_WORDS_OF_A_CHOICE = 8
_SURELY_ELSE = 0.7
_MAY_BE_NAMED = 3
"""So many of the likeliest services may be what a wish calls its report by ("my pothole report")."""
_ANSWERS = frozenset({"nlu_fallback", "out_of_scope", "affirm", "deny", "inform", "dont_know", "repeat", ""})
_MAY_BE_TOLD = frozenset({"add_to_request", "reopen_request", "give_feedback", "abuse", "thank", "out_of_scope"})
"""Digressions that are as likely words for the crew."""
_ELSE = DIGRESSIONS - _MAY_BE_TOLD


def which(setting: Setting, heard: Utterance, reports: Sequence[Mine], wish: str, ask: str) -> Offer:
    """The question which report ``wish`` is about. ``ask``: the response that asks; without reports, for a number."""
    shown = [_shown(setting, report) for report in reports[:_MOST_SHOWN]]
    return Offer(
        WHICH,
        [each["number"] for each in shown],
        heard.text.strip(),
        {name: list(values) for name, values in heard.entities.items() if name not in ("service", "request_number")},
        wish=wish,
        ask=ask,
        reports=shown,
        photos=list(heard.photos),
    )


def sure(heard: Utterance, number: str, service: str, wish: str, ask: str) -> Offer:
    """The question whether ``wish`` is really meant for report ``number`` of that service (its name)."""
    about = {"number": number, "name": service}
    return Offer(SURE, [number], heard.text.strip(), wish=wish, ask=ask, reports=[about])


def tell(number: str, wish: str, ask: str) -> Offer:
    """The question what is to be told about report ``number``."""
    return Offer(TELL, [number], wish=wish, ask=ask, reports=[{"number": number}])


def ask_wish(offer: Offer) -> list[Say]:
    """The words of the question."""
    if offer.quiet:
        return [Say(own("utter_offer_kept"))]
    values = {name: pack(said) if name == "name" else said for name, said in (offer.reports or [{}])[0].items()}
    if offer.kind == WHICH:
        return [Say(own(offer.ask), _buttons(offer))]
    return [Say(own(offer.ask, number=values.get("number", ""), service=values.get("name", "")), _buttons(offer))]


def hear_wish(setting: Setting, offer: Offer, heard: Utterance) -> Answered:
    """What a message to the question means."""
    if heard.intent in DANGER:
        return Answered(Reply.DANGER, replace(offer, quiet=True))
    offer = replace(offer, quiet=False)
    if offer.kind == TELL:
        return _told(setting, offer, heard)
    return _which(setting, offer, heard) if offer.kind == WHICH else _sure(setting, offer, heard)


def told(setting: Setting, heard: Utterance) -> str:
    """What a message tells about a report besides which one it is about; empty where it only announces it."""
    opening, colon, rest = heard.text.partition(":")
    if colon and words(rest) and not _telling(setting, heard, opening):
        return rest.strip()
    return heard.text.strip() if _telling(setting, heard, heard.text) else ""


def _telling(setting: Setting, heard: Utterance, text: str) -> bool:
    named = [value for name in ("request_number", "date") for value in heard.entities.get(name, ())]
    services = (setting.pack.services.get(code) for code, _share in heard.services[:_MAY_BE_NAMED])
    named += [said for service in services if service is not None for said in (service.name, *service.keywords)]
    small = {word for value in named for word in words(setting.pack.say(value, setting.language))}
    return bool(set(words(text)) - small - setting.lexicon.around_an_addition)


def _buttons(offer: Offer) -> tuple[Phrase, ...]:
    if offer.kind == TELL:
        return ()
    if offer.kind == SURE:
        return (own("utter_button_take_back"), own("utter_button_keep"))
    titles = [_title(report) for report in offer.reports]
    return (*titles, own("utter_button_something_else")) if titles else ()


def _title(report: dict[str, str]) -> Phrase:
    service = pack(report.get("name", ""))
    number, date_said = report.get("number", ""), report.get("date", "")
    if place := report.get("address"):
        return own("utter_button_report", service=service, place=place, date=date_said, number=number)
    return own("utter_button_report_placeless", service=service, date=date_said, number=number)


def _shown(setting: Setting, report: Mine) -> dict[str, str]:
    return {
        "number": report.number,
        "service": report.service,
        "name": report.name,
        "address": report.address,
        "day": report.day.isoformat(),
        "date": day_words(report.day, setting.language),
    }


def _of(report: dict[str, str]) -> Mine:
    day = date.fromisoformat(report["day"])
    return Mine(report["number"], report["service"], report["name"], report["address"], day)


def _which(setting: Setting, offer: Offer, heard: Utterance) -> Answered:
    number = heard.entity("request_number")
    short = len(words(heard.text)) <= _MOST_WORDS_OF_A_CHOICE
    shown = _buttons(offer)
    options = [
        Candidate(report["number"], (setting.words_of(title), report["number"], report.get("address", "")))
        for title, report in zip(shown, offer.reports, strict=False)
    ]
    picked = pick(heard.text, options, setting.lexicon) if options else None
    if picked is not None and len(picked.codes) == 1 and (picked.exact or short):
        return Answered(Reply.CHOSEN, offer, label=picked.codes[0], settled=True)
    if number and (heard.intent in ("inform", "check_status", offer.wish) or short):
        return Answered(Reply.CHOSEN, offer, label=number, settled=True)
    if shown and (is_one_of(heard.text, setting.lexicon.something_else) or _presses(setting, heard, shown[-1])):
        return Answered(Reply.REFUSED, offer, [Say(own("utter_which_by_number"))], settled=True)
    if offer.reports and short:
        found = meant(setting, heard, [_of(report) for report in offer.reports])
        if found.named and len(found.reports) == 1:
            return Answered(Reply.CHOSEN, offer, label=found.reports[0].number, settled=True)
    if act(heard, setting.lexicon) == CANCEL:
        return Answered(Reply.REFUSED, offer, [Say(own("utter_anything_else"))], settled=True)
    if heard.intent not in _ANSWERS or not offer.reports:
        return Answered(Reply.LEFT, offer)
    return _missed(setting, offer)


def _sure(setting: Setting, offer: Offer, heard: Utterance) -> Answered:
    yes, no = _buttons(offer)
    verdict = yes_or_no(heard.text, setting.lexicon)
    again = heard.intent == offer.wish and heard.confidence >= _SURELY_ELSE and verdict != "no"
    if again or _presses(setting, heard, yes) or (verdict == "yes" and not _presses(setting, heard, no)):
        return Answered(Reply.CHOSEN, offer, label=offer.labels[0], settled=True)
    if verdict == "no" or _presses(setting, heard, no) or act(heard, setting.lexicon) == CANCEL:
        return Answered(Reply.REFUSED, offer, [Say(own("utter_kept_as_it_is", number=offer.labels[0]))], settled=True)
    if heard.intent not in _ANSWERS:
        return Answered(Reply.LEFT, offer)
    return _missed(setting, offer)


def _told(setting: Setting, offer: Offer, heard: Utterance) -> Answered:
    if not heard.photos:
        if act(heard, setting.lexicon) in (CANCEL, SKIP) or is_one_of(heard.text, setting.lexicon.no):
            return Answered(Reply.REFUSED, offer, [Say(own("utter_anything_else"))], settled=True)
        if heard.intent in _ELSE and heard.confidence >= _SURELY_ELSE:
            return Answered(Reply.LEFT, offer)
        if is_one_of(heard.text, setting.lexicon.yes):
            return _missed(setting, offer)
    return Answered(
        Reply.CHOSEN,
        replace(offer, text=heard.text.strip(), photos=list(heard.photos)),
        label=offer.labels[0],
        settled=True,
    )


def _missed(setting: Setting, offer: Offer) -> Answered:
    offer = replace(offer, misses=offer.misses + 1)
    if offer.misses >= _MISSES_TO_A_PERSON:
        return Answered(Reply.REFUSED, offer, person(setting, "utter_person_instead"), settled=True)
    return Answered(Reply.AGAIN, offer, ask_wish(offer))


def _presses(setting: Setting, heard: Utterance, button: Phrase) -> bool:
    return words(heard.text) == words(setting.words_of(button))
