"""Training data as City311 keeps it: fine labels, and what the city pack adds of its own."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rasa.graph_components.validators import default_recipe_validator
from rasa.shared.data import get_data_files, is_nlu_file
from rasa.shared.importers.rasa import RasaFileImporter
from rasa.shared.importers.utils import training_data_from_paths
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData
from rasa.shared.utils.common import cached_method

from city311 import settings
from city311.city.load import load_pack
from city311.city.model import Service
from city311.dialogue.nlu.entities import Entities
from city311.dialogue.nlu.labels import CALIBRATION, PROPERTY, REPORT, SEPARATOR, label_of

# Rasa warns of annotations that "no extractor" learns from, by a fixed list of its own extractors. It belongs here, in
# what only training loads, because that list brings TensorFlow.
default_recipe_validator.TRAINABLE_EXTRACTORS.append(Entities)


class CityDataImporter(RasaFileImporter):
    """Rasa's file importer, plus what a city pack says about language.

    ``report/<code>`` becomes the intent ``report`` with the label kept beside it, so that Rasa asks for no canned
    response a service. The pack adds its own examples (``<pack>/nlu/<language>/``), and the names and keywords of its
    services. Examples of services that a city does not offer stay: they teach what its own services are not. What lies
    in a folder ``calibration`` is marked: nobody learns it.
    """

    @cached_method  # Rasa asks for the domain with it, and then for it
    def get_nlu_data(self, language: str | None = "en") -> TrainingData:
        """All examples, each with its fine label as the property ``fine_label``."""
        language = language or "en"
        city = settings.load().city
        own = city / "nlu" / language
        own_files = get_data_files([str(own)], is_nlu_file) if own.is_dir() else []
        files = {Path(path).resolve() for path in (*self._nlu_files, *own_files)}
        spoken = sorted(path for path in files if _language_of(path) in (None, language))
        learnt = [str(path) for path in spoken if path.parent.name != CALIBRATION]
        data = training_data_from_paths(learnt, language)
        kept = [_with_label(message) for message in data.training_examples]
        apart = [str(path) for path in spoken if path.parent.name == CALIBRATION]
        for message in training_data_from_paths(apart, language).training_examples if apart else []:
            marked = _with_label(message)
            marked.set(CALIBRATION, True)
            kept.append(marked)
        taken = {str(message.get("text", "")).casefold() for message in kept}
        for service in load_pack(city).services.values():
            kept.extend(_own_words(service, taken))
        return TrainingData(kept, data.entity_synonyms, data.regex_features, data.lookup_tables, data.responses)


class _Example(Message):
    """A message that costs little to copy and to look up: Rasa does both many times while it merges what it read."""

    def __hash__(self) -> int:
        return hash((self.get("text"), self.get("intent")))

    def __deepcopy__(self, memo: dict[int, Any]) -> _Example:
        data = {key: value if isinstance(value, str) else copy.deepcopy(value) for key, value in self.data.items()}
        copied = type(self)(data, set(self.output_properties), self.time, list(self.features))
        copied._cached_fingerprint = self._cached_fingerprint
        return copied


def _language_of(path: Path) -> str | None:
    folders = path.parts[:-1]
    after = [folders[index + 1] for index in range(len(folders) - 1) if folders[index] == "nlu"]
    return after[-1] if after else None


def _with_label(message: Message) -> Message:
    label = label_of(message)
    data = {key: value for key, value in message.data.items() if key != "intent_response_key"}
    if label is not None:
        data[PROPERTY] = label
    return _Example(data, set(message.output_properties), message.time, message.features)


def _own_words(service: Service, taken: set[str]) -> Iterator[Message]:
    for words in (service.name, *service.keywords):
        if words.casefold() not in taken:
            taken.add(words.casefold())
            yield _Example({"text": words, "intent": REPORT, PROPERTY: f"{REPORT}{SEPARATOR}{service.code}"})
