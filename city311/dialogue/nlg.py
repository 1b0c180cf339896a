"""The bot's words: domain responses with the city's facts filled in, safely."""

from __future__ import annotations

from typing import Any

from rasa.core.nlg.response import TemplatedNaturalLanguageGenerator
from rasa.shared.core.domain import Domain
from rasa.utils.endpoints import EndpointConfig

from city311.dialogue.city_pack import city_pack
from city311.language.responses import city_values, fill_all, spoken_language


class CityNlg(TemplatedNaturalLanguageGenerator):
    """Rasa's own templated generator; values are filled in once and never looked at again.

    (Rasa's interpolator gives the template back unfilled when a value contains ``0[``.)
    """

    def __init__(self, endpoint_config: EndpointConfig | None = None, domain: Domain | None = None) -> None:
        super().__init__(domain.responses if domain is not None else {})
        self.endpoint_config = endpoint_config
        pack = city_pack()
        self._city = city_values(pack, spoken_language(pack))

    def _fill_response(
        self, response: dict[str, Any], filled_slots: dict[str, Any] | None = None, **kwargs: Any
    ) -> dict[str, Any]:
        values = {
            **{name: value for name, value in (filled_slots or {}).items() if isinstance(value, str)},
            **{name: str(value) for name, value in kwargs.items() if isinstance(value, (str, int, float))},
            **self._city,
        }
        return {key: fill_all(part, values) for key, part in response.items()}
