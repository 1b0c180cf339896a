"""The three processes: what each one runs and what each one may know."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from city311.settings import HOUSE, Settings

SERVICES_PYTHON = HOUSE / ".venv" / "bin" / "python"
DIALOGUE_PYTHON = HOUSE / ".venv-dialogue" / "bin" / "python"

_DIALOGUE_SECRETS = ("CITY311_RELAY_SECRET", "CITY311_ACTIONS_SECRET")
# Rasa's process may see a variable only if its name is one of these or begins like one of those: it holds
# credentials of no backend, and a variable nobody thought of may be one.
_DIALOGUE_MAY_SEE = frozenset(
    (
        *("PATH", "HOME", "USER", "LANG", "LANGUAGE", "TZ", "TMPDIR", "TERM", "CITY", "LD_LIBRARY_PATH"),
        *("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "LOG_LEVEL", "LOG_LEVEL_LIBRARIES"),
        *("COMPRESS_ACTION_SERVER_REQUEST", "CUDA_VISIBLE_DEVICES"),
    )
)
_DIALOGUE_MAY_SEE_PREFIXES = (
    *("CITY311_", "LC_", "PYTHON", "SSL_"),
    *("RASA_", "SANIC_", "TF_", "OMP_", "OPENBLAS_", "MKL_"),
)
_LOOKS_SECRET = ("SECRET", "KEY", "TOKEN", "PASSWORD", "PASSWD", "CREDENTIAL")


@dataclass(frozen=True)
class Process:
    """One process to keep running. ``environment`` is all it gets, secrets included."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(repr=False)
    cwd: Path = HOUSE


def stack(settings: Settings, model: Path) -> list[Process]:
    """Actions, dialogue and portal, in the order in which they start; they stop in the opposite one."""
    services = services_environment(settings)
    credentials = "deploy/credentials.yml" if settings.is_production else "credentials.yml"
    # fmt: off
    rasa = (
        str(DIALOGUE_PYTHON), "-m", "city311.dialogue", "run",
        "--model", str(model),
        "--endpoints", "endpoints.yml",
        "--credentials", credentials,
        "-i", "127.0.0.1",
        "-p", str(settings.dialogue_port),
    )
    uvicorn = (
        str(SERVICES_PYTHON), "-m", "uvicorn", "city311.portal.app:app_from_environment", "--factory",
        "--host", settings.portal_host,
        "--port", str(settings.portal_port),
        "--no-access-log",
        "--timeout-graceful-shutdown", "8",
    )
    # fmt: on
    return [
        Process("actions", (str(SERVICES_PYTHON), "-m", "actions.server"), services),
        Process("dialogue", rasa, dialogue_environment(settings)),
        Process("portal", uvicorn, services),
    ]


def services_environment(settings: Settings, inherited: Mapping[str, str] | None = None) -> dict[str, str]:
    """Environment of actions and portal: this process's own, the settings, every secret."""
    own = dict(os.environ if inherited is None else inherited)
    return {**own, **_settings(settings), "CITY311_DATABASE_URL": settings.database_url, **settings.secrets}


def dialogue_environment(settings: Settings, inherited: Mapping[str, str] | None = None) -> dict[str, str]:
    """Environment of Rasa's process: no credentials of any backend, neither ours nor what the operator's shell has.

    Of the secrets it gets the two that it shares with portal and actions. (In the development profile, code in
    that process could still read ``var/development.env``; in production there is no such file.)
    """
    return {
        "LOG_LEVEL": "WARNING",
        "OPENBLAS_NUM_THREADS": "1",  # one message is too little work for two threads: they wait for each other
        **_rasa_environment(settings, inherited),
        "CITY311_TRACKER_URL": settings.tracker_url,
        **{name: settings.secrets[name] for name in _DIALOGUE_SECRETS if settings.secrets.get(name)},
    }


def training_environment(settings: Settings, inherited: Mapping[str, str] | None = None) -> dict[str, str]:
    """Environment for training: as the dialogue process's, without any secret. Rasa says what it is doing.

    Large arrays lie in huge pages (where glibc knows how): a virtual machine takes long over every page that is new.
    """
    return {"LOG_LEVEL": "INFO", "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1", **_rasa_environment(settings, inherited)}


def _rasa_environment(settings: Settings, inherited: Mapping[str, str] | None) -> dict[str, str]:
    own = os.environ if inherited is None else inherited
    return {
        "CUDA_VISIBLE_DEVICES": "-1",
        **{name: value for name, value in own.items() if _dialogue_may_see(name)},
        **_settings(settings),
        "RASA_TELEMETRY_ENABLED": "false",
        "SQLALCHEMY_SILENCE_UBER_WARNING": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }


def _dialogue_may_see(name: str) -> bool:
    if name in ("CITY311_DATABASE_URL", "CITY311_TRACKER_URL") or any(part in name for part in _LOOKS_SECRET):
        return False
    return name in _DIALOGUE_MAY_SEE or name.startswith(_DIALOGUE_MAY_SEE_PREFIXES)


def _settings(settings: Settings) -> dict[str, str]:
    return {
        "CITY": str(settings.city),
        "CITY311_PROFILE": settings.profile,
        "CITY311_DATA": str(settings.data),
        "CITY311_PORTAL_HOST": settings.portal_host,
        "CITY311_PORTAL_PORT": str(settings.portal_port),
        "CITY311_DIALOGUE_PORT": str(settings.dialogue_port),
        "CITY311_ACTIONS_PORT": str(settings.actions_port),
        "PYTHONUNBUFFERED": "1",  # a log that lags is no help
    }
