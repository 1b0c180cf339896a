"""The actions with real surroundings: the city pack, a database, a system of record over HTTP; only Rasa is played."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from contract.open311_connector.georeport_double import KEY, Double
from played_rasa import Rasa
from sent_reports import report

from actions import afterwards, answers, clarify, intake, offers, requests, safety
from actions.surroundings import Surroundings
from city311 import settings
from city311.city import Pack, load_pack
from city311.connectors.breaker import Breaker
from city311.connectors.open311 import Open311
from city311.requests import Photos, Requests
from city311.store.base import open_engine
from city311.store.candidates import Candidates
from city311.store.files import open_files


@pytest.fixture(scope="session")
def pack() -> Pack:
    return load_pack(settings.HOUSE / "cities" / "riverbend")


@pytest.fixture
def server() -> Iterator[Double]:
    """A system of record that takes our numbers, as the embedded desk does."""
    with Double() as double:
        double.switches.own_numbers = True
        yield double


@pytest.fixture
def here(
    pack: Pack, server: Double, migrated_sqlite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Surroundings]:
    path = tmp_path / "city311.db"
    path.write_bytes(migrated_sqlite.read_bytes())
    engine = open_engine(f"sqlite:///{path}")
    config = replace(pack.workorders, url=server.url, timeout_s=2.0)
    connector = Open311(config, KEY, zone=pack.city.timezone, breaker=Breaker(failures=1000, pause_s=60))
    made = Surroundings(
        pack=pack,
        requests=Requests(pack, engine, connector),
        candidates=Candidates(engine),
        photos=Photos(engine, open_files(str(tmp_path / "photos"))),
        public_url="https://311.example",
        zone=pack.city.timezone,
    )
    for module in (afterwards, answers, clarify, intake, offers, requests, safety):
        monkeypatch.setattr(module, "surroundings", lambda: made)
    yield made
    made.requests.close()
    engine.dispose()


_numbers = itertools.count(1)


@pytest.fixture
def rasa(here: Surroundings) -> Rasa:
    return Rasa(here, sender=f"web-{next(_numbers)}")


@pytest.fixture
def conversations(here: Surroundings) -> Callable[..., Rasa]:
    return lambda **options: Rasa(here, **{"sender": f"web-{next(_numbers)}", **options})


@pytest.fixture
def filed(rasa):
    """A report of this conversation; its number."""
    return report(rasa)


@pytest.fixture
def closed(server, filed):
    """A report of this conversation that was closed an hour ago."""
    at = datetime.now(timezone.utc) - timedelta(hours=1)
    server.rows[0].update(status="closed", status_notes="Filled.", updated_datetime=at)
    return filed


@pytest.fixture
def elsewhere(here, server, pack, monkeypatch):
    """A system of record of somebody else's: own ids, and further ``updates`` or none."""

    def become(*, updates):
        server.switches.own_numbers = False
        config = replace(pack.workorders, url=server.url, timeout_s=2.0, own_numbers=False, updates=updates)
        system = Open311(config, KEY, zone=pack.city.timezone, breaker=Breaker(failures=1000, pause_s=60))
        monkeypatch.setattr(here.requests, "_system", system)
        monkeypatch.setattr(here.requests, "_delivery", replace(here.requests._delivery, system=system))

    return become
