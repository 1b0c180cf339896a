"""The bot's words: domain responses with the city's facts filled in, safely."""

from __future__ import annotations

import gettext
from typing import Any

from rasa.core.nlg.response import TemplatedNaturalLanguageGenerator
from rasa.shared.core.domain import Domain
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.utils.endpoints import EndpointConfig

from city311.dialogue.city_pack import city_pack
from city311.language.catalogues import catalogue, spoken_language, spoken_languages
from city311.language.responses import city_values, fill_all

_LANGUAGE = "spoken-language"
"""Goes along with a response's values; no placeholder can be called so."""


class CityNlg(TemplatedNaturalLanguageGenerator):
    """Rasa's own templated generator, in the language of the conversation.

    Values are filled in once and never looked at again.

    (Rasa's interpolator gives the template back unfilled when a value contains ``0[``.)
    """

    def __init__(self, endpoint_config: EndpointConfig | None = None, domain: Domain | None = None) -> None:
        super().__init__(domain.responses if domain is not None else {})
        self.endpoint_config = endpoint_config
        pack = city_pack()
        self._pack = pack
        self._city = {language: city_values(pack, language) for language in spoken_languages(pack)}
        self._texts = {
            language: catalogue(pack, language) or gettext.NullTranslations() for language in spoken_languages(pack)
        }

    async def generate(
        self, utter_action: str, tracker: DialogueStateTracker, output_channel: str, **kwargs: Any
    ) -> dict[str, Any] | None:
        """The response in the language that came with the resident's last message, if it is offered."""
        said = tracker.latest_message.metadata if tracker.latest_message is not None else None
        asked = str((said or {}).get("language") or "")
        spoken = {_LANGUAGE: spoken_language(self._pack, asked)}
        response: dict[str, Any] | None = await super().generate(
            utter_action, tracker, output_channel, **kwargs, **spoken
        )
        return response

    def _fill_response(
        self, response: dict[str, Any], filled_slots: dict[str, Any] | None = None, **kwargs: Any
    ) -> dict[str, Any]:
        language = str(kwargs.pop(_LANGUAGE, "")) or spoken_language(self._pack)
        values = {
            **{name: value for name, value in (filled_slots or {}).items() if isinstance(value, str)},
            **{name: str(value) for name, value in kwargs.items() if isinstance(value, (str, int, float))},
            **self._city[language],
        }
        return {key: fill_all(part, values, self._texts[language]) for key, part in response.items()}
