from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from doubles.portal import EAGER, RELAY_SECRET, UNHURRIED, Portal
from doubles.relay import RelayDouble
from sqlalchemy import Engine


@pytest.fixture
def relay() -> Iterator[RelayDouble]:
    with RelayDouble(RELAY_SECRET) as double:
        yield double


@pytest.fixture
def portal(engine: Engine, relay: RelayDouble) -> Iterator[Portal]:
    with Portal(engine, relay.port, pace=UNHURRIED, timing=EAGER, relay_timeout_s=20) as running:
        yield running


@pytest.fixture
def page(portal: Portal) -> Iterator[httpx.Client]:
    """A client with an open session, as the chat page is."""
    with portal.client() as client:
        client.post("/channels/web/session", json={})
        yield client
