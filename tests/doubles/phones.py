"""A portal with phone lines, for tests: its doubles of the providers answer at once, and so does it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from doubles.portal import EAGER, UNHURRIED, Portal
from doubles.relay import RelayDouble
from doubles.twilio import TwilioDouble
from sqlalchemy import Engine

from city311.channels.configuration import Lines
from city311.channels.limits import Rates
from city311.channels.outgoing import Pace

PROMPT = Pace(
    look_s=0.05,
    lease_s=20,
    first_retry_s=0.05,
    longest_retry_s=0.1,
    settle_s=0.05,
    news_s=0.3,
    per_second={"sms": 1000.0, "whatsapp": 1000.0},
)
"""Sends and tries again at once, so that a test waits for what happens and not for a clock."""
GENEROUS = Rates(per_sender="10000/minute", overall="100000/minute")
PUBLIC = "https://city.example"


def eventually(check: Callable[[], Any]) -> Any:
    until = time.monotonic() + 120
    while True:
        if found := check():
            return found
        assert time.monotonic() < until, "it did not happen within two minutes"
        time.sleep(0.02)


def phone_portal(engine: Engine, relay: RelayDouble, twilio: TwilioDouble, **changes: Any) -> Portal:
    lines = Lines(twilio=twilio.account(whatsapp="+16175550131", **changes.pop("account", {})), rates=GENEROUS)
    options = {"phone_lines": lines, "pace": UNHURRIED, "timing": EAGER, "sending": PROMPT, "relay_timeout_s": 20}
    return Portal(engine, relay.port, public_url=PUBLIC, **{**options, **changes})
