from __future__ import annotations

from datetime import timedelta

import pytest
from itsdangerous import URLSafeTimedSerializer

from city311.channels.sessions import Sessions

SECRET = "a secret for tests"


def test_a_cookie_names_the_same_sender_again() -> None:
    sessions = Sessions(SECRET)
    first = sessions.open(None)
    again = sessions.open(first.cookie)
    assert first.is_new
    assert first.sender.startswith("web-")
    assert (again.sender, again.is_new, again.cookie) == (first.sender, False, "")


def test_senders_are_not_guessable_or_repeated() -> None:
    senders = {Sessions(SECRET).open(None).sender for _ in range(200)}
    assert len(senders) == 200
    assert min(map(len, senders)) >= 24


def test_an_old_cookie_is_renewed_and_an_expired_one_is_a_new_session() -> None:
    first = Sessions(SECRET).open(None)
    renewed = Sessions(SECRET, renewed=timedelta(seconds=-1)).open(first.cookie)
    expired = Sessions(SECRET, lasts=timedelta(seconds=-1)).open(first.cookie)
    assert renewed.sender == first.sender
    assert renewed.cookie
    assert expired.is_new
    assert expired.sender != first.sender


def signed(value: object, *, secret: str = SECRET, salt: str = "city311.channels.web.session") -> str:
    made = URLSafeTimedSerializer(secret, salt=salt).dumps(value)
    return made if isinstance(made, str) else made.decode()


@pytest.mark.parametrize(
    "cookie",
    [
        "",
        "nonsense",
        "a.b.c",
        "\x00\udc80",
        "é" * 40,
        "x" * 100_000,
        signed("web-" + "a" * 24, secret="another"),
        signed("web-" + "a" * 24, salt="another"),
        signed("default"),
        signed({"sender": "web-" + "a" * 24}),
        signed(None),
        signed("sms-" + "a" * 24),
    ],
    # signatures change with the time, and names of tests must not
    ids=lambda cookie: f"{len(cookie)} characters",
)
def test_a_forged_cookie_is_a_new_session(cookie: str) -> None:
    session = Sessions(SECRET).open(cookie)
    assert session.is_new
    assert session.cookie
