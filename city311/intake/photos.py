"""Photos that come while a report is being made: at any point, with words or without."""

from __future__ import annotations

from collections.abc import Sequence

from city311.intake.definition import PHOTO
from city311.intake.phrases import Say, own
from city311.intake.state import Answer, State

MOST = 5
"""Photos that go with one report."""


def keep_photos(state: State, photos: Sequence[str]) -> list[Say]:
    """Adds ``photos`` (their ids) to the report, and says so. Those that are one too many are left out, and told."""
    if not photos:
        return []
    new = [one for one in dict.fromkeys(photos) if one not in state.photos]
    room = MOST - len(state.photos)
    state.photos.extend(new[:room])
    note_photos(state)
    if len(new) > room:
        return [Say(own("utter_photos_full", most=str(MOST)))]
    return [Say(own("utter_photo_kept" if len(new) == 1 else "utter_photos_kept"))] if new else []


def note_photos(state: State) -> None:
    """Makes the photos a line of the read-back."""
    if state.photos:
        state.answers[PHOTO.code] = Answer(str(len(state.photos)), asked=False)
