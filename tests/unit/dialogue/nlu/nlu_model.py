"""Components trained, stored and loaded again, as Rasa does it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from rasa.engine.graph import ExecutionContext, GraphSchema
from rasa.engine.storage.local_model_storage import LocalModelStorage
from rasa.engine.storage.resource import Resource
from rasa.shared.nlu.training_data.message import Message

from city311.dialogue.nlu.entities import Entities
from city311.dialogue.nlu.importer import CityDataImporter
from city311.dialogue.nlu.understanding import Understanding

HOUSE = Path(__file__).resolve().parents[4]
Parse = Callable[[str], dict[str, Any]]


def trained(folder: Path, importer: CityDataImporter, settings: dict[str, Any]) -> list[Any]:
    """Both components, trained, stored and loaded again."""
    folder.mkdir(exist_ok=True)
    storage = LocalModelStorage.create(folder)
    context = ExecutionContext(GraphSchema({}))
    data = importer.get_nlu_data("en")
    loaded = []
    for kind, config in ((Understanding, settings), (Entities, {})):
        resource = Resource(kind.__name__)
        kind.create({**kind.get_default_config(), **config}, storage, resource, context).train(data)
        loaded.append(kind.load({**kind.get_default_config(), **config}, storage, resource, context))
    return loaded


def parser(components: list[Any]) -> Parse:
    def parse(text: str) -> dict[str, Any]:
        message = Message.build(text)
        for component in components:
            component.process([message])
        return message.as_dict(only_output_properties=True)

    return parse
