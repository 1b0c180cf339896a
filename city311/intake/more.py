"""What is said in the turns after a report was sent: more about it, or something else. Pure; knows no Rasa."""

from __future__ import annotations

from itertools import dropwhile

from city311.intake.acts import SURE_DANGER, Utterance, act, asks
from city311.intake.asides import is_bare_place
from city311.intake.choosing import clear_service
from city311.intake.lexicon import Lexicon
from city311.intake.meanings import REPORT, RIVAL, label_of, perhaps_a_report
from city311.intake.offers import UNSURE, Offer
from city311.intake.reading import agrees, is_one_of, starts_with, words
from city311.intake.setting import Setting

_FEWEST_WORDS = 2
_SURE_OF_FEEDBACK = 0.8
"""Confidence from which a word about the service is one, however it opens."""
_TOLD = 0.5
_SAY_LITTLE = frozenset({"nlu_fallback", "out_of_scope", "dont_know", ""})
"""Intents of a message that may well be more about a report, where it opens like that."""


def tells_more(setting: Setting, heard: Utterance) -> bool:
    """Whether words that come soon after a report was sent tell more about it: "forgot to say it's behind the shed",
    "it's on the left side", "and it smells". A word about the service, a question, a thank-you, a new problem and a
    place alone do not.
    """
    lexicon = setting.lexicon
    told = words(heard.text)
    small = lexicon.yes | lexicon.no | lexicon.skip | lexicon.acknowledgements
    if len(told) < _FEWEST_WORDS or heard.entity("request_number") or asks(heard, lexicon) or heard.is_noise:
        return False
    if act(heard, lexicon) or agrees(heard.text, lexicon) or is_one_of(heard.text, small):
        return False
    announced, goes_on, it = _openings(heard.text, lexicon)
    if heard.intent == "inform" and heard.confidence >= _TOLD:
        return it or announced or not is_bare_place(setting, heard)
    if heard.intent == "give_feedback":
        return announced and heard.confidence < _SURE_OF_FEEDBACK
    if heard.intent == "emergency":
        return heard.confidence < SURE_DANGER and (announced or goes_on or it)
    if heard.intent in _SAY_LITTLE and not is_bare_place(setting, heard):
        return announced or (goes_on and not perhaps_a_report(setting, heard))
    return False


def more_or_new(setting: Setting, heard: Utterance, service: str) -> Offer | None:
    """The question whether words are more about the report that was sent, of ``service``, or another problem; None
    where they are hardly another one.
    """
    code = clear_service(setting, heard)
    if not code or code in (service, setting.pack.city.catch_all_service):
        return None
    if dict(heard.intents).get(REPORT, 0.0) < RIVAL or _openings(heard.text, setting.lexicon)[0]:
        return None
    entities = {name: list(values) for name, values in heard.entities.items() if name == "location"}
    return Offer(UNSURE, ["add_to_request", label_of(code)], heard.text.strip(), entities)


def _openings(text: str, lexicon: Lexicon) -> tuple[bool, bool, bool]:
    """Whether a text announces that it adds something, goes on from something, speaks of "it"."""
    small = (lexicon.fillers | lexicon.objection) - lexicon.speaks_of_it
    rest = " ".join(dropwhile(lambda word: word in small, words(text)))
    goes_on = starts_with(text, lexicon.goes_on) or starts_with(rest, lexicon.goes_on)
    return starts_with(rest, lexicon.announces), goes_on, starts_with(rest, lexicon.speaks_of_it)
