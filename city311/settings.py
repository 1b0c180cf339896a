"""Settings of one installation, read from the environment.

Secrets come from the environment only. In the development profile `city311 run` makes them once and keeps
them in ``var/development.env`` (mode 600), which this module reads where the environment is silent, so that
``rasa shell`` and the tests meet the same secrets as the running stack.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

HOUSE = Path(__file__).resolve().parent.parent
"""The folder that holds domain.yml, config.yml and the rest."""

SECRETS = (
    "CITY311_RELAY_SECRET",
    "CITY311_ACTIONS_SECRET",
    "CITY311_SESSION_SECRET",
    "CITY311_OPEN311_API_KEY",
    "CITY311_SENDER_SECRET",
)
"""Every secret an installation needs; production refuses to start without them."""

_SHORTEST_DAYS, _LONGEST_DAYS = 8, 36_500


class MissingSetting(RuntimeError):
    """A setting that has no sensible default is not in the environment."""


@dataclass(frozen=True)
class Settings:
    """One installation's settings. Ports are on loopback; times are seconds."""

    profile: str
    """``development`` or ``production``."""
    city: Path
    """Folder of the city pack."""
    data: Path
    """Folder for databases, logs and other things that are not code (``var/``)."""
    database_url: str
    """SQLAlchemy URL of actions' and portal's database."""
    tracker_url: str
    """SQLAlchemy URL of Rasa's tracker store."""
    photos_url: str
    """Where photos are kept: a folder, or a bucket of an S3-compatible store (see city311/store/files.py)."""
    portal_host: str
    portal_port: int
    dialogue_port: int
    actions_port: int
    public_url: str
    """Address of the portal as residents and other systems see it, without a slash at the end."""
    embed_origins: tuple[str, ...]
    """Origins (``https://www.example.gov``) of the city's own sites whose pages may show the chat in a frame."""
    map_tiles: str
    """Address of the map's tiles with ``{z}``, ``{x}`` and ``{y}``; empty: outlines and streets of the pack only."""
    map_credit: str
    """Whom to thank for the tiles."""
    keep_chats: timedelta
    """How long conversations are kept after their last message."""
    secrets: Mapping[str, str] = field(repr=False)
    hook_secret: str = field(default="", repr=False)
    """Signs what a system of record tells us; without one nothing is taken."""

    @property
    def portal_url(self) -> str:
        return f"http://127.0.0.1:{self.portal_port}"

    @property
    def dialogue_url(self) -> str:
        return f"http://127.0.0.1:{self.dialogue_port}"

    @property
    def actions_url(self) -> str:
        return f"http://127.0.0.1:{self.actions_port}"

    @property
    def is_production(self) -> bool:
        return self.profile == "production"

    def secret(self, name: str) -> str:
        """The secret of that name.

        Raises:
            MissingSetting: it is not set; the message says how to set it.
        """
        value = self.secrets.get(name, "")
        if not value:
            raise MissingSetting(
                f"{name} is not set. Put it into the environment, or start once with `make run`, "
                f"which makes development secrets in {self.data / 'development.env'}."
            )
        return value


def load(environment: Mapping[str, str] | None = None) -> Settings:
    """Settings from ``environment`` (default: the process's own).

    Raises:
        MissingSetting: a value cannot be read as what it should be.
    """
    env = os.environ if environment is None else environment
    profile = env.get("CITY311_PROFILE", "development")
    if profile not in ("development", "production"):
        raise MissingSetting(f"CITY311_PROFILE is {profile!r}; it must be development or production.")
    data = Path(env.get("CITY311_DATA", "var"))
    if not data.is_absolute():
        data = HOUSE / data
    city = Path(env.get("CITY", "cities/riverbend"))
    if not city.is_absolute():
        city = HOUSE / city
    kept = _kept_secrets(data / "development.env") if profile == "development" else {}
    return Settings(
        profile=profile,
        city=city,
        data=data,
        database_url=env.get("CITY311_DATABASE_URL", f"sqlite:///{data / 'city311.db'}"),
        tracker_url=env.get("CITY311_TRACKER_URL", f"sqlite:///{data / 'dialogue.db'}"),
        photos_url=env.get("CITY311_PHOTOS_URL") or str(data / "photos"),
        portal_host=env.get("CITY311_PORTAL_HOST", "127.0.0.1"),
        portal_port=_port(env, "CITY311_PORTAL_PORT", 8000),
        dialogue_port=_port(env, "CITY311_DIALOGUE_PORT", 5005),
        actions_port=_port(env, "CITY311_ACTIONS_PORT", 5055),
        public_url=_address(env),
        embed_origins=_origins(env),
        map_tiles=_tiles(env),
        map_credit=env.get("CITY311_MAP_CREDIT", ""),
        keep_chats=timedelta(days=_days(env)),
        hook_secret=env.get("CITY311_HOOK_SECRET", ""),
        secrets={name: env.get(name) or kept.get(name, "") for name in SECRETS},
    )


def _port(env: Mapping[str, str], name: str, default: int) -> int:
    text = env.get(name, str(default))
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise MissingSetting(f"{name} is {text!r}; it must be a port number from 1 to 65535.")
    return int(text)


def _days(env: Mapping[str, str]) -> int:
    text = env.get("CITY311_KEEP_CHATS_DAYS", "90")
    if not text.isascii() or not text.isdecimal() or not _SHORTEST_DAYS <= int(text) <= _LONGEST_DAYS:
        raise MissingSetting(
            f"CITY311_KEEP_CHATS_DAYS is {text!r}; it must be a number of days from {_SHORTEST_DAYS} "
            f"to {_LONGEST_DAYS}: a chat session lives for seven days."
        )
    return int(text)


def _address(env: Mapping[str, str]) -> str:
    address = env.get("CITY311_PUBLIC_URL", "").rstrip("/")
    if not address:
        return f"http://127.0.0.1:{_port(env, 'CITY311_PORTAL_PORT', 8000)}"
    if not address.startswith(("http://", "https://")):
        raise MissingSetting(f"CITY311_PUBLIC_URL is {address!r}; it must start with https:// or http://.")
    return address


_ORIGIN = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?")


def _origins(env: Mapping[str, str]) -> tuple[str, ...]:
    origins = tuple(env.get("CITY311_EMBED_ORIGINS", "").split())
    for origin in origins:
        if not _ORIGIN.fullmatch(origin):
            raise MissingSetting(
                f"CITY311_EMBED_ORIGINS holds {origin!r}; name each site as https://www.example.gov, "
                "without a path, with spaces between them."
            )
    return origins


_TILES = re.compile(r"https://[A-Za-z0-9.-]+(:[0-9]{1,5})?/[^\s;,'\"]*")


def _tiles(env: Mapping[str, str]) -> str:
    tiles = env.get("CITY311_MAP_TILES", "")
    if tiles and not (_TILES.fullmatch(tiles) and all(part in tiles for part in ("{z}", "{x}", "{y}"))):
        raise MissingSetting(
            f"CITY311_MAP_TILES is {tiles!r}; it must look like https://tiles.example.gov/{{z}}/{{x}}/{{y}}.png."
        )
    return tiles


def _kept_secrets(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    lines = (line.partition("=") for line in path.read_text(encoding="utf-8").splitlines())
    return {name: value for name, equals, value in lines if equals}
