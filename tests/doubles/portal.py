"""A real portal for tests: in a thread of this process, or as processes of their own that can be killed.

Run as a module it is one portal process: ``python -m doubles.portal PORT DIALOGUE_PORT DATABASE_URL LEASE_S RELAY_S``.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import uvicorn
from harness import asking, python
from harness.app import Served, listener
from harness.ports import free_port
from sqlalchemy import Engine

from city311 import settings as installation
from city311.channels.trust import trusted
from city311.channels.turns import Timing
from city311.city.model import Calendar, City, Pack, WorkOrders
from city311.portal.app import create_app
from city311.settings import Settings
from city311.store.base import open_engine
from city311.store.turns import Pace

DOMAIN = Path(__file__).parent / "domain.yml"
SECRETS = {name: f"test-{name.lower()}" for name in installation.SECRETS}
RELAY_SECRET = SECRETS["CITY311_RELAY_SECRET"]

APOLOGY_RETRY = "I kept your message"
APOLOGY = "I could not answer. Please call Millbrook at 555-010-0311"
TOO_LONG = "too long"
EMPTY = "empty message"
TOO_FAST = "faster than I can read"
"""Parts of the sentences in domain.yml."""

EAGER = Timing(answer_within_s=60, lease_s=30, first_retry_s=0.05, longest_retry_s=0.1, give_up_s=600, look_s=0.05)
"""Tries again soon, so that a test waits for what happens and not for a clock."""
PATIENT = Timing(answer_within_s=60, lease_s=30, first_retry_s=600, longest_retry_s=600, give_up_s=3600, look_s=0.05)
"""Does not try again by itself within a test."""
UNHURRIED = Pace(per_minute=6000, burst=6000)


def tiny_pack(folder: Path = Path("nowhere")) -> Pack:
    """A city with nothing but a name; ``folder`` may hold the places of one."""
    city = City(
        code="millbrook",
        name="Millbrook",
        phone="555-010-0311",
        website="https://millbrook.example",
        timezone=ZoneInfo("America/Chicago"),
        languages=("en",),
        hours="Monday to Friday, 8 to 5",
        emergency_phone="911",
        safety=MappingProxyType({"emergency": "Call 911.", "self_harm": "Call 988."}),
    )
    return Pack(folder, city, {}, {}, {}, Calendar("US"), WorkOrders())


def settings_for(
    *,
    port: int,
    dialogue_port: int,
    database_url: str,
    photos_url: str,
    profile: str = "development",
    public_url: str = "",
) -> Settings:
    return installation.load(
        {
            "CITY311_PROFILE": profile,
            "CITY311_PORTAL_PORT": str(port),
            "CITY311_DIALOGUE_PORT": str(dialogue_port),
            "CITY311_ACTIONS_PORT": str(free_port()),
            "CITY311_DATABASE_URL": database_url,
            "CITY311_PHOTOS_URL": photos_url,
            "CITY311_PUBLIC_URL": public_url,
            **SECRETS,
        }
    )


class Portal:
    """The portal under uvicorn in a thread of this process."""

    def __init__(
        self,
        engine: Engine,
        dialogue_port: int,
        *,
        profile: str = "development",
        public_url: str = "",
        pack: Pack | None = None,
        embed_origins: tuple[str, ...] = (),
        **options: Any,
    ) -> None:
        self._photos = tempfile.TemporaryDirectory()
        at = listener()
        self.port = at.getsockname()[1]
        settings = settings_for(
            port=self.port,
            dialogue_port=dialogue_port,
            database_url="sqlite://",
            photos_url=self._photos.name,
            profile=profile,
            public_url=public_url,
        )
        settings = replace(settings, embed_origins=embed_origins)
        app = create_app(settings, pack or tiny_pack(), engine, **{"domain": DOMAIN, **options})
        self._served = Served(app, at, timeout_graceful_shutdown=1)
        self.url = self._served.url

    def __enter__(self) -> Portal:
        self._served.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._served.__exit__()
        self._photos.cleanup()

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=90, verify=trusted())


class PortalProcess:
    """The portal as a process of its own."""

    def __init__(
        self, dialogue_port: int, database_url: str, *, lease_s: float = 60.0, relay_timeout_s: float = 30.0
    ) -> None:
        """``lease_s``: after how long another process goes on with what this one had when it was killed."""
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._arguments = [
            sys.executable,
            "-m",  # as a script its own folder would come first, where twilio.py is a double
            "doubles.portal",
            str(self.port),
            str(dialogue_port),
            database_url,
            str(lease_s),
            str(relay_timeout_s),
        ]

    def __enter__(self) -> PortalProcess:
        self.process = subprocess.Popen(self._arguments, env=python.environment())
        until = time.monotonic() + 180
        while time.monotonic() < until:
            if self.process.poll() is not None:
                raise RuntimeError(f"the portal ended with {self.process.returncode}")
            try:
                asking.get(f"{self.url}/robots.txt")
                return self
            except httpx.TransportError:
                time.sleep(0.05)
        raise RuntimeError("the portal did not answer within three minutes")

    def __exit__(self, *_: object) -> None:
        self.kill()

    def kill(self) -> None:
        """As ``kill -9``."""
        self.process.kill()
        self.process.wait()

    def client(self, cookies: httpx.Cookies | None = None) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=90, verify=trusted(), cookies=cookies)


def main(port: int, dialogue_port: int, database_url: str, lease_s: float, relay_timeout_s: float) -> None:
    photos = tempfile.mkdtemp()
    settings = settings_for(port=port, dialogue_port=dialogue_port, database_url=database_url, photos_url=photos)
    app = create_app(
        settings,
        tiny_pack(),
        open_engine(database_url),
        domain=DOMAIN,
        pace=Pace(per_minute=6000, burst=6000),
        timing=Timing(answer_within_s=60, lease_s=lease_s, first_retry_s=0.1, longest_retry_s=0.2, look_s=0.1),
        relay_timeout_s=relay_timeout_s,
    )
    uvicorn.run(app, port=port, log_level="warning")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], float(sys.argv[4]), float(sys.argv[5]))
