"""The guided conversation: what to ask next, and what an answer means. Pure; knows no Rasa."""

from city311.intake.acts import DANGER, SURE_DANGER, Utterance, utterance
from city311.intake.answers import ANONYMOUS
from city311.intake.asking import description
from city311.intake.engine import hear, resume, start
from city311.intake.meanings import MAYBE_DANGER, danger_chance, is_unsure, label_of, perhaps_a_report, service_in
from city311.intake.more import more_or_new, tells_more
from city311.intake.offers import (
    LOST,
    NEXT,
    NO_DANGER,
    UNSURE,
    Offer,
    Reply,
    afterwards,
    ask_offer,
    beside_danger,
    hear_offer,
    may_report,
    next_offer,
    offer_in,
    unclear,
)
from city311.intake.people import person
from city311.intake.phrases import Card, CardLine, Phrase, Say, own, pack
from city311.intake.placing import AS_WRITTEN, put_pin
from city311.intake.promising import promise
from city311.intake.reading import emails
from city311.intake.setting import Setting
from city311.intake.state import GIVEN, SKIPPED, UNKNOWN, Alike, Other, Spot, State, from_slot
from city311.intake.turn import Outcome, Turn
from city311.intake.which import Mine, meant
from city311.intake.wishes import SURE, TELL, WISHES, ask_wish, hear_wish, sure, tell, told, which

__all__ = [
    "ANONYMOUS",
    "AS_WRITTEN",
    "DANGER",
    "GIVEN",
    "LOST",
    "MAYBE_DANGER",
    "NEXT",
    "NO_DANGER",
    "SKIPPED",
    "SURE",
    "SURE_DANGER",
    "TELL",
    "UNKNOWN",
    "UNSURE",
    "WISHES",
    "Alike",
    "Card",
    "CardLine",
    "Mine",
    "Offer",
    "Other",
    "Outcome",
    "Phrase",
    "Reply",
    "Say",
    "Setting",
    "Spot",
    "State",
    "Turn",
    "Utterance",
    "afterwards",
    "ask_offer",
    "ask_wish",
    "beside_danger",
    "danger_chance",
    "description",
    "emails",
    "from_slot",
    "hear",
    "hear_offer",
    "hear_wish",
    "is_unsure",
    "label_of",
    "may_report",
    "meant",
    "more_or_new",
    "next_offer",
    "offer_in",
    "own",
    "pack",
    "perhaps_a_report",
    "person",
    "promise",
    "put_pin",
    "resume",
    "service_in",
    "start",
    "sure",
    "tell",
    "tells_more",
    "told",
    "unclear",
    "utterance",
    "which",
]
