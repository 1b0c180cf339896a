"""A small model with the real domain, rules and policies, and an action server double; trained once a session."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from action_double import SECRET, ActionDouble
from harness.ports import free_port
from rasa.core.agent import Agent
from small_bot import HOUSE, RELAY_SECRET, Conversation

from city311 import settings


@pytest.fixture(scope="session", autouse=True)
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Settings of an installation of its own: data folder, ports, secrets."""
    data = tmp_path_factory.mktemp("data")
    changes = {
        "CITY311_PROFILE": "development",
        "CITY311_DATA": str(data),
        "CITY311_ACTIONS_PORT": str(free_port()),
        "CITY311_ACTIONS_SECRET": SECRET,
        "CITY311_RELAY_SECRET": RELAY_SECRET,
        "RASA_TELEMETRY_ENABLED": "false",
        "SQLALCHEMY_SILENCE_UBER_WARNING": "1",
        "CUDA_VISIBLE_DEVICES": "-1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name in ("CITY", "CITY311_TRACKER_URL", "CITY311_DATABASE_URL"):
            patch.delenv(name, raising=False)
        for name, value in changes.items():
            patch.setenv(name, value)
        yield data


@pytest.fixture(scope="session")
def small_model(tmp_path_factory: pytest.TempPathFactory, installation: Path) -> Path:
    """The real domain, rules and policies. An intent is understood when its name stands in a message after a z."""
    from rasa.model_training import train

    folder = tmp_path_factory.mktemp("model")
    domain = yaml.safe_load((HOUSE / "domain.yml").read_text(encoding="utf-8"))
    config = yaml.safe_load((HOUSE / "config.yml").read_text(encoding="utf-8"))
    examples = [{"intent": intent, "examples": f"- z{intent}\n- zz{intent}\n"} for intent in domain["intents"]]
    own = {
        "recipe": config["recipe"],
        "assistant_id": config["assistant_id"],
        "language": config["language"],
        "pipeline": [{"name": "KeywordIntentClassifier"}, {"name": "FallbackClassifier", "threshold": 0.3}],
        "policies": config["policies"],
    }
    (folder / "config.yml").write_text(yaml.safe_dump(own), encoding="utf-8")
    (folder / "nlu.yml").write_text(yaml.safe_dump({"version": "3.1", "nlu": examples}), encoding="utf-8")
    trained = train(
        domain=str(HOUSE / "domain.yml"),
        config=str(folder / "config.yml"),
        training_files=[str(folder / "nlu.yml"), str(HOUSE / "data" / "rules")],
        output=str(folder / "models"),
        fixed_model_name="small",
    )
    assert trained.code == 0 and trained.model is not None
    return Path(trained.model)


@pytest.fixture(scope="session")
def _agent(small_model: Path) -> Agent:
    """Wired as ``rasa run`` does it, from the endpoints.yml of the house."""
    from rasa.core.agent import load_agent
    from rasa.core.utils import AvailableEndpoints

    endpoints = AvailableEndpoints.read_endpoints(str(HOUSE / "endpoints.yml"))
    agent = asyncio.run(load_agent(model_path=str(small_model), endpoints=endpoints))
    assert agent.is_ready()
    return agent


@pytest.fixture
def actions(installation: Path) -> Iterator[ActionDouble]:
    with ActionDouble(settings.load().actions_port) as server:
        yield server


@pytest.fixture
def agent(_agent: Agent) -> Agent:
    return _agent


@pytest.fixture
def conversation(agent: Agent, actions: ActionDouble) -> Conversation:
    return Conversation(agent)


@pytest.fixture
def conversations(agent: Agent, actions: ActionDouble) -> Callable[..., Conversation]:
    return lambda **options: Conversation(agent, **options)


@pytest.fixture(scope="session")
def sorry() -> str:
    """The start of ``utter_apology``, which holds no placeholder."""
    domain = yaml.safe_load((HOUSE / "domain.yml").read_text(encoding="utf-8"))
    return str(domain["responses"]["utter_apology"][0]["text"]).split(",")[0]
