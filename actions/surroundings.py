"""What the actions work with, made once a process: city pack, database, system of record, words."""

from __future__ import annotations

import functools
import os
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy.exc import SQLAlchemyError

from city311 import settings
from city311.city import Pack, load_pack
from city311.connectors.open311 import Open311
from city311.intake import AS_WRITTEN, GIVEN, Alike, Setting, State
from city311.intake.lexicon import lexicon
from city311.intake.phrases import Phrase
from city311.language.responses import responses
from city311.places import Places, open_places
from city311.requests import Draft, Likely, Photos, Requests
from city311.requests import State as Stage
from city311.store.base import now, open_engine
from city311.store.candidates import Candidates
from city311.store.files import open_files

log = structlog.get_logger(__name__)

THAT_DRAW = frozenset({"web"})
"""Channels that show progress, cards, pictures and inputs beside the words."""
_IN_WORK = frozenset({Stage.SCHEDULED, Stage.IN_PROGRESS})
_WITH_PHOTOS = frozenset({"web", "sms", "whatsapp"})
"""Channels that can carry a photo."""


@dataclass(frozen=True)
class Surroundings:
    """The parts of this installation that actions use. ``public_url``: the portal's address for people. ``places`` is
    None where the city pack has none."""

    pack: Pack
    requests: Requests
    photos: Photos
    candidates: Candidates
    public_url: str
    zone: ZoneInfo
    places: Places | None = None

    def words(self, phrase: Phrase | str, language: str) -> str:
        """A phrase in the resident's words."""
        if isinstance(phrase, str):
            return phrase
        if not phrase.key:
            return self.pack.say(phrase.text, language)
        values = {name: self.words(value, language) for name, value in phrase.values.items()}
        return responses(self.pack, language).say(phrase.key, values=values)

    def alike(self, state: State, viewer: str = "") -> list[Alike]:
        """Reports that are probably about what a conversation is about; none when they cannot be looked for.

        Args:
            viewer: sender id of a resident whose channel can show a picture.
        """
        answers = {code: [answer.value] for code, answer in state.answers.items() if answer.status == GIVEN}
        place = answers.pop("location", [""])[0]
        on_map = state.spot.label == place and state.spot.kind not in ("", AS_WRITTEN)
        lat, long = (state.spot.lat, state.spot.lon) if on_map else (None, None)
        try:
            found = self.requests.likely_duplicates(
                Draft(state.service, address=place, lat=lat, long=long, answers=answers)
            )
        except SQLAlchemyError as error:  # a report is more important than the question whether it is the first
            log.error("duplicates.not_looked_for", error=type(error).__name__)
            return []
        return [self._shown(one, viewer) for one in found]

    def _shown(self, one: Likely, viewer: str) -> Alike:
        state = Stage(one.state)
        stage = "closed" if not state.is_open else "in_work" if state in _IN_WORK else "open"
        return Alike(
            reference=one.reference,
            address=one.address,
            metres=round(one.distance_m) if one.distance_m is not None else -1,
            day=one.requested_at.astimezone(self.zone).date().isoformat(),
            state=stage,
            photo=self._photo_of(one, viewer),
        )

    def _photo_of(self, one: Likely, viewer: str) -> str:
        service = self.pack.services.get(one.service_code)
        if not viewer or service is None or service.duplicate is None or not service.duplicate.show_photo:
            return ""
        try:
            return self.photos.show(one.reference, viewer, now())
        except SQLAlchemyError as error:  # the question can be asked without it
            log.error("duplicates.no_photo", error=type(error).__name__)
            return ""

    def _taken_at(self, photo: str, owner: str) -> tuple[float, float] | None:
        try:
            return self.photos.taken_at(owner, photo)
        except SQLAlchemyError as error:  # the place is asked for all the same
            log.error("photos.no_position", error=type(error).__name__)
            return None

    def setting(self, language: str, channel: str = "", sender: str = "") -> Setting:
        """The engine's surroundings for one turn of ``sender``, in ``language``, on Rasa's ``input_channel``."""
        viewer = sender if channel in THAT_DRAW else ""
        return Setting(
            pack=self.pack,
            lexicon=lexicon(language),
            language=language,
            now=datetime.now(self.zone),
            words_of=lambda phrase: self.words(phrase, language),
            takes_photos=channel in _WITH_PHOTOS,
            places=self.places,
            alike=partial(self.alike, viewer=viewer),
            taken_at=partial(self._taken_at, owner=sender),
        )


@functools.cache
def surroundings() -> Surroundings:
    """This process's surroundings.

    Raises:
        PackError, MissingSetting: the installation is not complete; the message says what is missing.
    """
    installation = settings.load()
    pack = load_pack(installation.city)
    config = pack.workorders
    if not config.url and not config.discovery_url:
        config = replace(config, url=f"{installation.portal_url}/open311/v2")
    connector = Open311(config, _api_key(config.api_key_setting, installation), zone=pack.city.timezone)
    engine = open_engine(installation.database_url)
    return Surroundings(
        pack=pack,
        requests=Requests(pack, engine, connector),
        photos=Photos(engine, open_files(installation.photos_url)),
        candidates=Candidates(engine),
        public_url=installation.public_url,
        zone=pack.city.timezone,
        places=open_places(pack, installation.data, _geocoder_key(pack)),
    )


def _geocoder_key(pack: Pack) -> str:
    name = pack.geocoder.api_key_setting if pack.geocoder is not None else ""
    return os.environ.get(name, "") if name else ""


def _api_key(name: str, installation: settings.Settings) -> str:
    """The key of the system of record: one of our own settings, or a variable that connectors.yml names."""
    return installation.secret(name) if name in settings.SECRETS else os.environ.get(name, "")
