"""Whether a message in a guided conversation is something else, which is answered before the conversation goes on."""

from __future__ import annotations

from city311.intake.acts import DIGRESSIONS, Utterance, asks
from city311.intake.reading import words
from city311.intake.setting import Setting
from city311.intake.state import State
from city311.intake.which import names_a_sent_one

_SMALL_TALK = frozenset({"greet", "goodbye", "thank", "abuse", "out_of_scope", "give_feedback"})

_ABOUT_A_SENT_REPORT = frozenset(
    {"check_status", "add_to_request", "withdraw_request", "reopen_request", "follow_request"}
)
_SURELY_ANOTHER = 0.85
"""Confidence from which words without a question and a number are about another report, one that was sent."""

_PLAINLY_ANOTHER = 0.7
_PLAIN_REQUESTS = frozenset(
    {"check_status", "list_requests", "talk_to_person", "change_language", "bot_challenge", "capabilities", "privacy"}
)
"""Digressions that are one even where free words are asked and nothing in them is a question. The others may well be
an answer: "the police budget of last year" to "which records?"."""


def digresses(setting: Setting, state: State, heard: Utterance, *, own_words: bool) -> bool:
    """Whether a message that might be an answer is rather something else that the bot can answer at once.

    Args:
        setting: surroundings.
        state: the report that is being made.
        heard: the message.
        own_words: the open step takes free words; then the message must look much less like an answer.
    """
    if heard.intent not in DIGRESSIONS:
        return False
    about_another = heard.intent in _ABOUT_A_SENT_REPORT
    named = about_another and names_a_sent_one(setting, heard, state.service)
    asked = asks(heard, setting.lexicon) or bool(heard.entity("request_number"))
    told = len(words(heard.text))
    if about_another and not (asked or named) and heard.confidence < _SURELY_ANOTHER:
        # "It's been there for two months and nobody cares" is about this report.
        return False
    if heard.intent == "add_to_request" and not named:
        # So is "tell them to hurry".
        return False
    if heard.intent in _SMALL_TALK:
        # Noise and half-words are no matter of their own: the question is explained and asked again.
        enough = heard.intent != "out_of_scope" or (told >= 3 and asked)
        return enough and heard.confidence >= (0.7 if own_words else 0.5) and told <= (4 if own_words else 12)
    if own_words:
        return heard.confidence >= (0.5 if asked else 0.85) and (asked or named or heard.intent in _PLAIN_REQUESTS)
    return heard.confidence >= (0.3 if asked else 0.5)


def is_about_another(setting: Setting, state: State, heard: Utterance) -> bool:
    """Whether a message is plainly about a report that was sent and no choice, whatever words of one it holds: "add to
    my other report" does not choose "other".
    """
    sure = heard.intent in _ABOUT_A_SENT_REPORT and heard.confidence >= _PLAINLY_ANOTHER
    return sure and names_a_sent_one(setting, heard, state.service)
