"""The Rasa component that finds entities: places by a trained model, everything else by its form."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.extractors.extractor import EntityExtractorMixin
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from city311.dialogue.nlu.encoding import encoder_for
from city311.dialogue.nlu.labels import OUT_OF_SCOPE, is_learnt
from city311.dialogue.nlu.patterns import Found, find
from city311.dialogue.nlu.places import Pieces, PlaceFinder, PlaceModel, train
from city311.dialogue.nlu.reading import PIECES
from city311.dialogue.nlu.recent import Recent

LOCATION = "location"
_CALLED_A_PLATE = re.compile(r"\b(?:plates?|tags?)\W*(?:no\.?|number|is)?\W*$", re.I)
_MAY_BE_IN_A_PLACE = ("date", "amount", "language", "plate")
_SURELY = 0.8


@DefaultV1Recipe.register([DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR], is_trainable=True)
class Entities(GraphComponent, EntityExtractorMixin):
    """Adds ``location``, ``request_number``, ``account_number``, ``permit_number``, ``amount``, ``date``, ``phone``,
    ``email``, ``plate`` and ``language`` to a message's entities."""

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """``phone_region``: country whose numbers are written without a prefix. ``encoder``: as in Understanding."""
        return {"phone_region": "US", "encoder": ""}

    @staticmethod
    def required_packages() -> list[str]:
        """Python packages that must be there."""
        return ["onnxruntime", "tokenizers", "scipy", "phonenumbers"]

    def __init__(
        self,
        config: Mapping[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        places: PlaceFinder | None = None,
    ) -> None:
        self._config = {**self.get_default_config(), **config}
        self._model_storage = model_storage
        self._resource = resource
        self._places = places
        self._recent = Recent()

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,  # noqa: ARG003
    ) -> Entities:
        """An untrained component."""
        return cls(config, model_storage, resource)

    def train(self, training_data: TrainingData) -> Resource:
        """Learn places from the examples annotated with ``location``; without any, none will be found."""
        examples = []
        for message in training_data.training_examples:
            if message.get("text") and message.get("intent") and is_learnt(message):
                entities = message.get("entities") or []
                spans = [(one["start"], one["end"]) for one in entities if one["entity"] == LOCATION]
                examples.append((message.get("text"), spans))
        if not any(spans for _, spans in examples):
            return self._resource
        encoder = encoder_for(self._config["encoder"])
        model = train(examples, encoder)
        self._places = PlaceFinder(model, encoder)
        with self._model_storage.write_to(self._resource) as folder:
            model.save(Path(folder))
        return self._resource

    @classmethod
    def load(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,  # noqa: ARG003
        **kwargs: Any,  # noqa: ARG003
    ) -> Entities:
        """The trained component. Raises EncoderError when the model was trained with another encoder."""
        try:
            with model_storage.read_from(resource) as folder:
                model = PlaceModel.load(Path(folder))
        except ValueError:  # nothing was stored: no example had a place
            return cls(config, model_storage, resource)
        encoder = encoder_for({**cls.get_default_config(), **config}["encoder"])
        return cls(config, model_storage, resource, PlaceFinder(model, encoder))

    def process(self, messages: list[Message]) -> list[Message]:
        """Find each message's entities."""
        for message in messages:
            self._recent.process(message, self._add)
        return messages

    def _add(self, message: Message) -> None:
        text = str(message.get("text") or "")
        if text.strip():
            found = self._find(text, message.get(PIECES))
            if _is_surely_outside(message):
                found = [one for one in found if one["entity"] != LOCATION]
            entities = [*message.get("entities", []), *found]
            message.set("entities", entities, add_to_output=True)

    def _find(self, text: str, pieces: Pieces | None) -> list[dict[str, Any]]:
        formed = find(text, self._config["phone_region"])
        found: list[dict[str, Any]] = [
            {"entity": one.entity, "start": one.start, "end": one.end, "value": one.value} for one in formed
        ]
        places = self._places.find(text, pieces) if self._places else []
        taken = [(one.start, one.end) for one in formed if one.entity not in _MAY_BE_IN_A_PLACE or _is_money(text, one)]
        for start, end, sure in _apart_from(_behind_plates(text, places, formed), taken):
            found = [one for one in found if one["end"] <= start or one["start"] >= end]
            found.append(
                {"entity": LOCATION, "start": start, "end": end, "value": text[start:end], "confidence_entity": sure}
            )
        found.sort(key=lambda one: one["start"])
        return self.add_extractor_name(found)


def _is_surely_outside(message: Message) -> bool:
    """Whether it is about nothing that a city does: the cinema in it is no place to send a crew."""
    intent = message.get("intent") or {}
    return intent.get("name") == OUT_OF_SCOPE and float(intent.get("confidence") or 0.0) >= _SURELY


def _is_money(text: str, one: Found) -> bool:
    """Whether it has a sign of a currency; the 5 of "the 5 dollar store" has none."""
    return any(unicodedata.category(character) == "Sc" for character in text[one.start : one.end])


def _apart_from(
    places: Sequence[tuple[int, int, float]], taken: Sequence[tuple[int, int]]
) -> list[tuple[int, int, float]]:
    return [place for place in places if all(place[1] <= start or place[0] >= end for start, end in taken)]


def _behind_plates(
    text: str, places: Sequence[tuple[int, int, float]], formed: Sequence[Found]
) -> list[tuple[int, int, float]]:
    """Places that are more than a plate, without the plates in them that are called so: "plate 5BX 871, 1042 Larch"."""
    result = []
    plates = [one for one in formed if one.entity == "plate"]
    called = [one for one in plates if _CALLED_A_PLATE.search(text, 0, one.start)]
    for start, end, sure in places:
        if any(one.start <= start and end <= one.end for one in plates):
            continue
        plate = next((one for one in called if start < one.end and one.start < end), None)
        if plate:
            start = end - len(text[plate.end : end].lstrip(" ,.;")) if plate.end < end else end
        if start < end:
            result.append((start, end, sure))
    return result
