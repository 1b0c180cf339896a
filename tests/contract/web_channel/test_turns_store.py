"""What the turns' tables promise, with moments that the test chooses. Both databases."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from sqlalchemy import Engine

from city311.store.turns import ANSWERED, WAITING, Accepted, Busy, Claim, Incoming, Pace, TooMany, Turns

START = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
LEASE = timedelta(seconds=15)
HELLO = [{"text": "hello", "buttons": []}]


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def accept(turns: Turns, client_id: str, at: datetime = START, *, sender: str = "web-a") -> Accepted:
    accepted = turns.accept(Incoming(sender, client_id, "web", "en", f"text {client_id}"), Pace(), at)
    assert isinstance(accepted, Accepted)
    return accepted


def claimed(turns: Turns, at: datetime, *, due_only: bool = False) -> Claim:
    claim = turns.claim("web-a", at, due_only=due_only)
    assert isinstance(claim, Claim)
    return claim


def test_the_first_turn_comes_with_its_claim_and_the_next_one_waits_for_it(engine: Engine) -> None:
    turns = Turns(engine, lease=LEASE)
    first, second = accept(turns, "1"), accept(turns, "2")
    assert first.claim is not None
    assert second.claim is None
    assert turns.claim("web-a", after(1), due_only=False) == Busy()
    view, following = turns.answer(first.claim, HELLO, after(2))
    assert (view.state, view.messages) == (ANSWERED, HELLO)
    assert following is not None
    assert following.turn.client_id == "2"
    assert turns.answer(following, HELLO, after(3))[1] is None
    assert turns.claim("web-a", after(4), due_only=False) is None
    assert accept(turns, "3", after(5)).claim is not None


def test_a_claim_that_ran_out_goes_to_another_process_as_a_retry(engine: Engine) -> None:
    turns = Turns(engine, lease=LEASE)
    dead = accept(turns, "1").claim
    assert dead is not None
    assert turns.due(after(14), 10) == []
    assert turns.due(after(15), 10) == ["web-a"]
    heir = claimed(turns, after(15), due_only=True)
    assert (dead.attempt, heir.attempt) == (1, 2)
    accept(turns, "2", after(16))
    # the first process was only slow: its answer counts, but the conversation is no longer its own
    assert turns.answer(dead, HELLO, after(17))[1] is None
    view, following = turns.answer(heir, [{"text": "other"}], after(18))
    assert view.messages == HELLO
    assert following is not None
    assert following.turn.client_id == "2"


def test_a_failed_turn_is_due_again_when_it_says_so(engine: Engine) -> None:
    turns = Turns(engine, lease=LEASE)
    claim = accept(turns, "1").claim
    assert claim is not None
    accept(turns, "2")
    turns.fail(claim, not_before=after(30))
    assert turns.due(after(29), 10) == []
    assert turns.claim("web-a", after(29), due_only=True) is None
    assert turns.due(after(30), 10) == ["web-a"]
    assert claimed(turns, after(10)).turn.client_id == "1"  # somebody is waiting in front of the page
    views, more = turns.history("web-a", after=None, limit=10)
    assert [(view.client_id, view.state, view.delayed) for view in views] == [
        ("1", WAITING, True),
        ("2", WAITING, True),
    ]
    assert not more


def test_due_conversations_are_those_that_wait_longest(engine: Engine) -> None:
    turns = Turns(engine, lease=LEASE)
    for number in range(5):
        accept(turns, "1", after(number), sender=f"web-{number}")
    answered = turns.claim("web-2", after(60), due_only=True)
    assert isinstance(answered, Claim)
    turns.answer(answered, HELLO, after(61))
    assert turns.due(after(60), 3) == ["web-0", "web-1", "web-3"]


def test_the_pace_allows_a_burst_and_then_a_steady_flow(engine: Engine) -> None:
    turns, pace = Turns(engine, lease=LEASE), Pace(per_minute=6, burst=2)

    def send(client_id: str, seconds: float) -> float:
        got = turns.accept(Incoming("web-a", client_id, "web", "en", "x"), pace, after(seconds))
        return got.wait_s if isinstance(got, TooMany) else 0.0

    assert [send("1", 0), send("2", 0)] == [0, 0]
    assert send("3", 0) == 10
    assert abs(send("3", 4) - 6) < 0.01
    assert send("1", 4) == 0  # a repeat costs nothing
    assert send("3", 10) == 0
    assert send("4", 10) > 0
    assert [send("4", 600), send("5", 600)] == [0, 0]
    assert send("6", 600) > 0


def test_a_clock_that_goes_back_gives_no_messages_away(engine: Engine) -> None:
    turns, pace = Turns(engine, lease=LEASE), Pace(per_minute=60, burst=1)
    assert isinstance(turns.accept(Incoming("web-a", "1", "web", "en", "x"), pace, after(100)), Accepted)
    assert isinstance(turns.accept(Incoming("web-a", "2", "web", "en", "x"), pace, after(0)), TooMany)
