"""A conversation with the engine alone: what a resident writes, as the language understanding would hand it over."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from city311.city import Pack, load_pack
from city311.intake import Outcome, Phrase, Say, Setting, State, Turn, Utterance, from_slot, hear, resume, start
from city311.intake.lexicon import lexicon
from city311.language.responses import responses

HOUSE = Path(__file__).parents[3]
RIVERBEND = load_pack(HOUSE / "cities" / "riverbend")
PUERTO_CLARO = load_pack(HOUSE / "tests" / "packs" / "puerto_claro")
SUNDAY = datetime(2026, 11, 22, 10, 0, tzinfo=ZoneInfo("America/New_York"))


def setting(pack: Pack = RIVERBEND, language: str = "en", now: datetime = SUNDAY) -> Setting:
    def words(phrase: Phrase | str) -> str:
        if isinstance(phrase, str):
            return phrase
        if not phrase.key:
            return pack.say(phrase.text, language)
        values = {name: words(value) for name, value in phrase.values.items()}
        return responses(pack, language).say(phrase.key, values=values)

    return Setting(pack=pack, lexicon=lexicon(language), language=language, now=now, words_of=words)


class Talk:
    """One conversation. Every turn goes through the slot's JSON, as it does in Rasa's tracker."""

    def __init__(self, here: Setting | None = None) -> None:
        self.here = here or setting()
        self.turn: Turn | None = None
        self.digressed = False

    def begin(
        self,
        text: str = "please help",
        *,
        service: str = "",
        services: Sequence[tuple[str, float]] = (),
        also: Sequence[tuple[str, str]] = (),
        **entities: str | Sequence[str],
    ) -> Talk:
        heard = Utterance(text, "report", 0.9, _entities(entities), services, also=also)
        self.turn = start(self.here, heard, "form-1", service=service)
        return self

    def say(
        self,
        text: str,
        intent: str = "",
        confidence: float = 0.9,
        *,
        services: Sequence[tuple[str, float]] = (),
        **entities: str | Sequence[str],
    ) -> Talk:
        """One message; after a digression the conversation is taken up again at once."""
        heard = Utterance(text, intent, confidence if intent else 0.0, _entities(entities), services)
        self.turn = hear(self.here, self.stored(), heard)
        self.digressed = self.turn.outcome is Outcome.DIGRESS
        if self.digressed:
            self.turn = resume(self.here, self.stored())
        return self

    def stored(self) -> State:
        """The state as it comes back from the tracker."""
        state = from_slot(json.loads(json.dumps(self.state.to_slot())))
        assert state == self.state
        return state

    @property
    def last(self) -> Turn:
        assert self.turn is not None
        return self.turn

    @property
    def state(self) -> State:
        return self.last.state

    @property
    def asking(self) -> str:
        return self.state.asking

    @property
    def ended(self) -> str:
        return self.state.ended if self.last.outcome is Outcome.END else ""

    @property
    def keys(self) -> list[str]:
        """Names of the responses that were said; a text of the pack is "pack"."""
        return [say.phrase.key or "pack" for say in self.last.says]

    @property
    def text(self) -> str:
        """All that was said in the last turn."""
        return "\n".join(self.words(say) for say in self.last.says)

    @property
    def buttons(self) -> list[str]:
        return [self.here.words_of(button) for button in self.last.says[-1].buttons]

    def words(self, say: Say) -> str:
        return self.here.words_of(say.phrase)

    def value(self, code: str) -> str | None:
        answer = self.state.answers.get(code)
        return answer.value if answer else None

    def status(self, code: str) -> str | None:
        answer = self.state.answers.get(code)
        return answer.status if answer else None

    @property
    def reviewing(self) -> bool:
        return bool(self.last.says) and self.last.says[-1].phrase.key == "utter_ask_review"


def _entities(entities: Mapping[str, str | Sequence[str]]) -> dict[str, list[str]]:
    return {name: [value] if isinstance(value, str) else list(value) for name, value in entities.items()}


def pothole() -> Talk:
    """A pothole that is reported with its place; the part of the street is asked."""
    return Talk().begin(
        "there is a pothole on Hampshire Street near Inman Square",
        service="pothole",
        location="Hampshire Street near Inman Square",
    )


def reviewed_pothole() -> Talk:
    """The same, up to the read-back."""
    talk = pothole().say("crosswalk").say("skip").say("anonymous")
    assert talk.reviewing
    return talk


def trash() -> Talk:
    """Missed trash, with its address: the day is asked."""
    return Talk().begin("missed trash", service="missed_trash").say("22 Prospect St")


def at(service: str, code: str, *given: str) -> Talk:
    """A conversation about ``service`` that has come to the question ``code`` after the answers ``given``."""
    talk = Talk().begin("please help", service=service)
    for text in given:
        talk.say(text)
    assert talk.asking == code, (talk.asking, talk.text)
    return talk
