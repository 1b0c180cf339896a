"""Messages by phone: what duplicates, reorders and failures do, and how many messages a second are taken and answered.

``.venv/bin/python -m bench.messages`` runs the portal against doubles of Twilio and of the dialogue (so that the
channel is measured and not Rasa), on SQLite as shipped, with more than 1,000 repeated
or reordered webhooks, and prints the figures.
"""

from __future__ import annotations

import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HOUSE = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(HOUSE / "tests"))

import httpx  # noqa: E402
from doubles.phones import PUBLIC, phone_portal  # noqa: E402
from doubles.portal import RELAY_SECRET  # noqa: E402
from doubles.relay import RelayDouble  # noqa: E402
from doubles.storm import storm  # noqa: E402
from doubles.twilio import TwilioDouble  # noqa: E402

from city311.store import migrate  # noqa: E402
from city311.store.base import open_engine  # noqa: E402

CLIENTS = 20
MESSAGES = 1_000


def main() -> None:
    """Bad weather first, then fair."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/city311.db"
        migrate.upgrade(url)
        engine = open_engine(url)
        with (
            RelayDouble(RELAY_SECRET) as relay,
            TwilioDouble() as twilio,
            phone_portal(engine, relay, twilio) as portal,
        ):
            damage = storm(engine, portal, relay, twilio, residents=100, each=10)
            for name, value in vars(damage).items():
                shown = f"{value:.1f}" if name == "seconds" else str(value)
                print(f"{name.replace(chr(95), chr(32)):24}{shown:>12}")
            relay.mode, twilio.moods, twilio.mood = "answer", [], "well"
            twilio.sent.clear()
            _fair(portal.url, twilio)
        engine.dispose()


def _fair(portal: str, twilio: TwilioDouble) -> None:
    forms = [twilio.message(f"+1618555{n % 200:04d}", f"message {n}") for n in range(MESSAGES)]
    took: list[float] = []
    with ThreadPoolExecutor(CLIENTS) as pool, httpx.Client(limits=httpx.Limits(max_connections=CLIENTS)) as client:

        def bring(form: dict[str, str]) -> None:
            began = time.perf_counter()
            twilio.bring(portal, form, public_url=PUBLIC, client=client).raise_for_status()
            took.append(time.perf_counter() - began)

        began = time.perf_counter()
        list(pool.map(bring, forms))
        taken = time.perf_counter() - began
        while len(twilio.sent) < MESSAGES:
            time.sleep(0.02)
        answered = time.perf_counter() - began
    took.sort()
    print(f"{'taken a second':24}{MESSAGES / taken:>12.0f}")
    print(f"{'taken, p50 ms':24}{took[len(took) // 2] * 1000:>12.1f}")
    print(f"{'taken, p95 ms':24}{took[int(len(took) * 0.95)] * 1000:>12.1f}")
    print(f"{'answered a second':24}{MESSAGES / answered:>12.0f}")


if __name__ == "__main__":
    main()
