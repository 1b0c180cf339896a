from __future__ import annotations

from collections.abc import Iterator

import pytest
from doubles.phones import phone_portal
from doubles.portal import RELAY_SECRET, Portal
from doubles.relay import RelayDouble
from doubles.twilio import TwilioDouble
from sqlalchemy import Engine


@pytest.fixture
def relay() -> Iterator[RelayDouble]:
    with RelayDouble(RELAY_SECRET) as double:
        yield double


@pytest.fixture
def portal(engine: Engine, relay: RelayDouble, twilio: TwilioDouble) -> Iterator[Portal]:
    """A portal with a line for SMS and one for WhatsApp, both through Twilio, that is public as ``PUBLIC``."""
    with phone_portal(engine, relay, twilio) as running:
        yield running
