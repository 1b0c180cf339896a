"""Recognising our own request among a server's, and the circuit breaker that guards the way there."""

import contextlib
from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from city311.connectors import answers
from city311.connectors.breaker import Breaker
from city311.connectors.matching import essence, is_ours, marked, metres_between
from city311.connectors.model import Submission

NOW = datetime.now(timezone.utc)
WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=6000)


@given(WORDS)
def test_marked_always_fits_and_always_ends_with_the_number(words):
    sent = marked(words, "SR-104217")
    assert len(sent) <= 4000 and sent.endswith("(SR-104217)")


@given(WORDS)
def test_what_we_sent_is_ours_and_nobody_elses(words):
    mine = Submission("SR-104217", "x", "", None, None, words, NOW)
    other = Submission("SR-104225", "x", "", None, None, words, NOW)
    row = {
        "service_request_id": "1",
        "service_code": "x",
        "description": marked(words, "SR-104217"),
        "requested_datetime": NOW.isoformat(),
    }
    assert is_ours(row, mine, NOW, timezone.utc, ())
    assert not is_ours(row, other, NOW, timezone.utc, ())


def test_a_number_that_the_resident_mentions_is_not_the_mark():
    mine = Submission("SR-104217", "x", "", None, None, "Same as (SR-104225), still there", NOW)
    row = {"service_request_id": "1", "service_code": "x", "description": marked(mine.description, mine.number)}
    assert is_ours(row, mine, NOW, timezone.utc, ())


@pytest.mark.parametrize(
    "theirs",
    [
        "Deep hole &amp; water near l&#39;&eacute;cole",
        "Deep hole &amp;amp; water near l’école",
        "<p>Deep hole & water<br/>near l'école</p>",
        "deep  HOLE & water\r\nnear l'école",
    ],
)
def test_essence_sees_through_what_servers_do(theirs):
    assert essence(theirs) == essence("Deep hole & water near l'école")


def test_metres():
    assert metres_between(42.3712345, -71.0954321, 42.3712345, -71.0954321) == 0
    assert 110 < metres_between(42.371, -71.095, 42.372, -71.095) < 112
    assert metres_between(0, 179.9999, 0, -179.9999) < 30


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_called_unreadable(body):
    for start in (b"", b"<", b"{", b"["):
        with contextlib.suppress(answers.Unreadable):
            answers.records(answers.read(start + body), "requests")
        code, description = answers.error(start + body)
        assert isinstance(code, str) and len(description) <= 300


@given(st.text(max_size=60))
def test_any_text_is_a_moment_with_a_zone_or_none(said):
    moment = answers.instant(said, timezone.utc)
    assert moment is None or moment.tzinfo is not None


def breaker(clock):
    return Breaker(failures=3, pause_s=10, clock=lambda: clock[0])


def test_the_breaker_opens_after_failures_in_a_row_only():
    guard = breaker([0.0])
    for _ in range(5):
        guard.failed()
        guard.failed()
        guard.succeeded()
        assert guard.admit()
    for _ in range(3):
        guard.failed()
    assert not guard.admit() and guard.wait_s() == 10


def test_half_open_lets_one_trial_through():
    clock = [0.0]
    guard = breaker(clock)
    for _ in range(3):
        guard.failed()
    clock[0] = 10.0
    assert guard.admit() and not guard.admit()
    guard.failed()
    assert not guard.admit() and guard.wait_s() == 10
    clock[0] = 20.0
    assert guard.admit()
    guard.abandoned()
    assert guard.admit()
    guard.succeeded()
    assert guard.admit() and guard.admit() and guard.wait_s() == 0
