"""What the engine needs to know of its surroundings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from city311.city.model import Pack, Service
from city311.city.places import Responsible
from city311.intake.definition import PHOTO, Step, service_request
from city311.intake.lexicon import Lexicon
from city311.intake.phrases import Phrase
from city311.intake.state import Alike, State
from city311.places import Finding, Outside, Place, Point


class PlaceFinder(Protocol):
    """Where things are. :class:`city311.places.Places` is one."""

    def find(self, text: str) -> Finding:
        """What words for a place mean."""

    def at(self, point: Point) -> Place | Outside:
        """What lies at a point."""

    def whose(self, place: Place, service: Service) -> Responsible | None:
        """Who looks after a place instead of the city; None for the city."""


@dataclass(frozen=True)
class Setting:
    """Surroundings of one turn.

    Attributes:
        pack: the city pack.
        lexicon: small words of the resident's language.
        language: its code.
        now: this moment in the city's zone.
        words_of: a phrase in the resident's words; recognises a pressed button.
        places: finds places on the map; None where the city has no map, and then words are all.
        takes_photos: whether the channel can carry one.
        alike: finds reports that are probably about the same thing; never fails.
        taken_at: where the photo of that id was taken, ``(lat, lon)`` in WGS 84 degrees, as its camera says; None where
            it does not. Never fails.
    """

    pack: Pack
    lexicon: Lexicon
    language: str
    now: datetime
    words_of: Callable[[Phrase], str]
    takes_photos: bool = False
    places: PlaceFinder | None = None
    alike: Callable[[State], list[Alike]] = lambda _state: []
    taken_at: Callable[[str], tuple[float, float] | None] = lambda _photo: None

    def service(self, state: State) -> Service | None:
        """The service of a conversation; None while unknown, or when the pack no longer has it."""
        return self.pack.services.get(state.service)

    def asks(self, state: State, code: str) -> bool:
        """Whether the service itself has a question of that code, such as a description of its own."""
        service = self.service(state)
        return service is not None and any(question.code == code for question in service.questions)

    def steps(self, state: State) -> tuple[Step, ...]:
        """The steps that apply, given the answers so far; none while the service is unknown."""
        steps = {step.code: step for step in self.every_step(state)}
        return tuple(step for step in steps.values() if _applies(step, steps, state))

    def every_step(self, state: State) -> tuple[Step, ...]:
        """The steps of the service, also those that no answer has called for yet."""
        service = self.service(state)
        if service is None:
            return ()
        steps = service_request(service, told=state.told, invites_photos=self.takes_photos and not state.photos)
        return (*steps, PHOTO) if state.photos or state.asking == PHOTO.code else steps

    def step(self, state: State, code: str) -> Step | None:
        """The step of that code, if it applies."""
        return next((step for step in self.steps(state) if step.code == code), None)


def _applies(step: Step, steps: Mapping[str, Step], state: State) -> bool:
    if step.only_if is None:
        return True
    code, values = step.only_if
    answer = state.answers.get(code)
    # An answer to a question that no longer applies counts for nothing. The pack has no circles: a condition names an
    # earlier question.
    return answer is not None and answer.value in values and code in steps and _applies(steps[code], steps, state)
