"""Bad weather on a line: webhooks that come twice, out of order and at once, a dialogue and a provider that fail.

One place says what is injected and what must hold, for the contract test and for the bench.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import httpx
from doubles.phones import PUBLIC
from doubles.portal import Portal
from doubles.relay import RelayDouble
from doubles.twilio import TwilioDouble
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from city311.channels.trust import trusted
from city311.store.outgoing import OutgoingMessage
from city311.store.turns import Turn


@dataclass(frozen=True)
class Damage:
    """What was injected, and what came of it. All four of the last must be 0."""

    messages: int
    webhooks: int
    reordered: int
    relay_failures: int
    sending_failures: int
    seconds: float
    lost_turns: int
    doubled_turns: int
    lost_answers: int
    doubled_answers: int


def storm(
    engine: Engine,
    portal: Portal,
    relay: RelayDouble,
    twilio: TwilioDouble,
    *,
    residents: int,
    each: int,
    seed: int = 311,
    wait_s: float = 300.0,
) -> Damage:
    """Bring ``residents`` × ``each`` messages, most of them several times, and wait until all is quiet."""
    rng = random.Random(seed)  # noqa: S311 - the same weather each time
    forms = [
        twilio.message(f"+1617555{resident:04d}", f"message {resident} {number}")
        for resident in range(residents)
        for number in range(each)
    ]
    brought = [form for form in forms for _ in range(rng.choice((1, 2, 2, 3, 4)))]
    in_order = list(brought)
    rng.shuffle(brought)
    twilio.moods = rng.choices(("well", "away", "cut", "fault", "busy"), (80, 10, 5, 5, 0.3), k=2 * len(forms))
    failing = sum(mood != "well" for mood in twilio.moods)
    over = threading.Event()

    def weather() -> None:
        while not over.wait(rng.uniform(0.05, 0.3)):
            relay.mode = rng.choice(("answer", "answer", "answer", "unavailable", "cut"))
        relay.mode = "answer"

    began = time.monotonic()
    changing = threading.Thread(target=weather, daemon=True)
    changing.start()
    with (
        ThreadPoolExecutor(16) as pool,
        httpx.Client(verify=trusted(), limits=httpx.Limits(max_connections=16)) as client,
    ):

        def bring(form: dict[str, str]) -> None:
            while True:  # as Twilio does: again until it is taken
                try:
                    if twilio.bring(portal.url, form, public_url=PUBLIC, client=client).status_code == 200:
                        return
                except httpx.TransportError:
                    time.sleep(0.05)

        list(pool.map(bring, brought))
    over.set()
    changing.join()
    _until_quiet(engine, len(forms), wait_s)
    seconds = time.monotonic() - began

    wanted = {form["Body"] for form in forms}
    with Session(engine) as session:
        stored = Counter(session.scalars(select(Turn.text)))
    relayed = Counter(text for texts in relay.order.values() for text in texts)
    bodies = (one["body"].partition("You said: ") for one in twilio.sent)
    answered = Counter(said for _, mark, said in bodies if mark)  # not what tells of a late answer
    return Damage(
        messages=len(forms),
        webhooks=len(brought),
        reordered=sum(one is not other for one, other in zip(brought, in_order, strict=True)),
        relay_failures=len(relay.calls) - len(relay.done),
        sending_failures=failing - sum(mood != "well" for mood in twilio.moods),
        seconds=seconds,
        lost_turns=len(wanted - set(stored)) + len(wanted - set(relayed)),
        doubled_turns=sum((stored - Counter(wanted)).values()) + sum((relayed - Counter(wanted)).values()),
        lost_answers=len(wanted - set(answered)),
        doubled_answers=sum((answered - Counter(wanted)).values()),
    )


def _until_quiet(engine: Engine, messages: int, wait_s: float) -> None:
    until = time.monotonic() + wait_s
    while time.monotonic() < until:
        with Session(engine) as session:
            settled = session.scalar(
                select(func.count())
                .select_from(OutgoingMessage)
                .where(OutgoingMessage.state.in_(("sent", "failed")), OutgoingMessage.key.startswith("turn:"))
            )
        if settled == messages:
            return
        time.sleep(0.1)
    raise AssertionError(f"{settled} of {messages} answers had gone after {wait_s} s")
