"""Training data as City311 keeps it: fine labels, and what the city pack adds of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml
from rasa.graph_components.validators import default_recipe_validator
from rasa.shared.constants import LATEST_TRAINING_DATA_FORMAT_VERSION
from rasa.shared.data import get_data_files, is_nlu_file
from rasa.shared.importers.rasa import RasaFileImporter
from rasa.shared.importers.utils import training_data_from_paths
from rasa.shared.nlu.training_data.formats.rasa_yaml import RasaYAMLReader
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
        data = _read([path for path in spoken if path.parent.name != CALIBRATION], language)
        kept = [_with_label(message) for message in data.training_examples]
        for message in _read([path for path in spoken if path.parent.name == CALIBRATION], language).training_examples:
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
        return self  # nothing changes an example


def _read(paths: Sequence[Path], language: str) -> TrainingData:
    """The examples of files.

    Rasa reads each file twice in pure Python, once to look for mistakes. A file that holds examples and nothing else
    is read once, in C; any other goes Rasa's own way, which tells what is wrong with it.
    """
    reader = RasaYAMLReader()
    others = []
    for path in paths:
        if (blocks := _plain_blocks(path)) is None:
            others.append(str(path))
        else:
            reader.filename = str(path)
            reader._parse_nlu(blocks)
    examples, synonyms = reader.training_examples, reader.entity_synonyms
    if not others:
        return TrainingData(examples, synonyms)
    rest = training_data_from_paths(others, language)
    return TrainingData(
        [*examples, *rest.training_examples],
        {**synonyms, **rest.entity_synonyms},
        rest.regex_features,
        rest.lookup_tables,
        rest.responses,
    )


def _plain_blocks(path: Path) -> list[dict[str, str]] | None:
    """What a file holds, if that is ``intent`` and ``examples`` and nothing else, in the version that Rasa expects."""
    try:
        content = yaml.load(path.read_bytes(), Loader=yaml.CSafeLoader)  # it is the safe one, in C
    except (yaml.YAMLError, UnicodeDecodeError):
        return None
    if not isinstance(content, dict) or content.keys() != {"version", "nlu"}:
        return None
    blocks = content["nlu"]
    plain = isinstance(blocks, list) and all(
        isinstance(block, dict)
        and block.keys() == {"intent", "examples"}
        and all(isinstance(value, str) and value.strip() for value in block.values())
        for block in blocks
    )
    return blocks if plain and content["version"] == LATEST_TRAINING_DATA_FORMAT_VERSION else None


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
