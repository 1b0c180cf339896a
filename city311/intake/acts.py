"""What a message does in a guided conversation besides answering: cancel, go back, ask something else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from city311.intake.lexicon import Lexicon
from city311.intake.reading import contains, has_letters_or_digits, is_one_of, puts_a_question, starts_with, words

DANGER = frozenset({"emergency", "self_harm"})
"""Intents that come before everything."""
SURE_DANGER = 0.5
"""Confidence from which danger stops everything else; below, the way to help is said first."""

DIGRESSIONS = frozenset(
    {
        "check_status", "list_requests", "add_to_request", "withdraw_request", "reopen_request", "follow_request",
        "ask_question", "search_records", "crisis_info", "view_bill", "pay_bill", "dispute_bill", "payment_plan",
        "permit_status", "apply_permit", "apply_license", "benefits_screening", "fund_balance", "sign_in", "privacy",
        "talk_to_person", "give_feedback", "change_language", "capabilities", "bot_challenge",
        "greet", "goodbye", "thank", "abuse", "out_of_scope",
    }
)  # fmt: skip
"""Intents that are answered in the middle of a guided conversation, which then goes on where it was.
data/rules/digressions.yml has a rule for each."""

_MOST_WORDS_OF_AN_ACT = 8

CANCEL, RESTART, BACK, SKIP, UNKNOWN, REPEAT = "cancel", "start_over", "go_back", "skip", "dont_know", "repeat"


@dataclass(frozen=True)
class Utterance:
    """One message as the language understanding sees it.

    Attributes:
        text: the resident's words, screened.
        intent: name of the intent, empty when it is not understood.
        confidence: 0 to 1.
        entities: entity name → values in order.
        services: (service code, confidence), best first.
        intents: (intent, confidence), best first.
        also: (service code, words) of other problems in the same message.
        photos: ids of the photos that came with it.
        pin: a shared position, latitude and longitude in WGS 84 degrees.
    """

    text: str
    intent: str = ""
    confidence: float = 0.0
    entities: Mapping[str, Sequence[str]] = field(default_factory=dict)
    services: Sequence[tuple[str, float]] = ()
    intents: Sequence[tuple[str, float]] = ()
    also: Sequence[tuple[str, str]] = ()
    photos: Sequence[str] = ()
    pin: tuple[float, float] | None = None

    def entity(self, name: str) -> str:
        """The first value of an entity, or an empty string."""
        values = self.entities.get(name, ())
        return values[0] if values else ""

    @property
    def is_noise(self) -> bool:
        """Not understood, and likelier nothing at all (fingers on the keyboard) than anything else."""
        return self.intent == "nlu_fallback" and bool(self.intents) and self.intents[0][0] == "out_of_scope"


def utterance(message: Mapping[str, Any]) -> Utterance:
    """From Rasa's parse of a message (``tracker.latest_message``)."""
    intent = message.get("intent") or {}
    entities: dict[str, list[str]] = {}
    for entity in message.get("entities") or ():
        entities.setdefault(str(entity.get("entity")), []).append(str(entity.get("value")))
    ranking = message.get("service_ranking") or ()
    photos = tuple(str(one) for one in (message.get("metadata") or {}).get("media") or ())
    pin = _pin((message.get("metadata") or {}).get("location"))
    text = str(message.get("text") or "")
    return Utterance(
        # A photo or a pin without a word comes as a mark, because Rasa takes no empty message.
        text="" if (photos or pin) and not has_letters_or_digits(text) else text,
        intent=str(intent.get("name") or ""),
        confidence=float(intent.get("confidence") or 0.0),
        entities=entities,
        services=tuple((str(row["code"]), float(row["confidence"])) for row in ranking),
        intents=tuple((str(row["name"]), float(row["confidence"])) for row in message.get("intent_ranking") or ()),
        also=tuple((str(row["code"]), str(row["text"])) for row in message.get("also") or ()),
        photos=photos,
        pin=pin,
    )


def _pin(given: Any) -> tuple[float, float] | None:
    """The position in a message's metadata; None where it is none on earth."""
    try:
        lat, lon = float(given["lat"]), float(given["lon"])
    except (TypeError, KeyError, ValueError):
        return None
    return (lat, lon) if abs(lat) <= 90 and abs(lon) <= 180 else None


def act(heard: Utterance, lexicon: Lexicon, *, answers: bool = False) -> str:
    """Which of cancel, start_over, go_back, skip, dont_know, repeat a message is; empty for none of them.

    Set phrases count always; the classifier only for short messages it is fairly sure of, so that an answer such
    as "the cancelled bus stop" stays an answer.

    Args:
        heard: the message.
        lexicon: set phrases of its language.
        answers: the message also reads as an answer ("idk maybe the bike lane"): then the classifier must be surer,
            and its skip, "I don't know" and "what do you mean" do not count.
    """
    for name, phrases in (
        (CANCEL, lexicon.cancel),
        (RESTART, lexicon.restart),
        (BACK, lexicon.back),
        (UNKNOWN, lexicon.unknown),
        (SKIP, lexicon.skip),
        (REPEAT, lexicon.repeat),
    ):
        if is_one_of(heard.text, phrases):
            return name
    if _cancels(heard, lexicon):
        return CANCEL
    counted = (CANCEL, RESTART, BACK) if answers else (CANCEL, RESTART, BACK, SKIP, UNKNOWN, REPEAT)
    if (
        heard.intent in counted
        and heard.confidence >= (0.85 if answers else 0.6)
        and len(words(heard.text)) <= _MOST_WORDS_OF_AN_ACT
    ):
        return heard.intent
    return ""


def _cancels(heard: Utterance, lexicon: Lexicon) -> bool:
    """ "Never mind, cancel my report": what is under way, as long as no sent report is named."""
    names_another = bool(heard.entity("request_number")) or contains(heard.text, lexicon.sent_ones)
    ends = heard.intent in (CANCEL, "withdraw_request") and not names_another
    return ends and starts_with(heard.text, lexicon.cancel) and len(words(heard.text)) <= _MOST_WORDS_OF_AN_ACT


def asks(heard: Utterance, lexicon: Lexicon) -> bool:
    """Whether a message is put as a question, with or without its mark."""
    return puts_a_question(heard.text, lexicon)
