"""What the web channel refuses: with a clear error, and nothing is stored."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from doubles.chatting import JSON, stored
from doubles.portal import Portal
from doubles.relay import RelayDouble
from sqlalchemy import Engine, text

from city311.store.turns import Turn

WRONG_BODIES = [
    (b"", 400),
    (b"{", 400),
    (b"\xff\xfe", 400),
    (b"[" * 60_000, 400),
    (b"9" * 60_000, 400),
    (b"null", 422),
    (b"[]", 422),
    (b'"text"', 422),
    (b"12", 422),
    (b"NaN", 422),
    (b"{}", 422),
    (b'{"id": "a"}', 422),
    (b'{"text": "a"}', 422),
    (b'{"id": 5, "text": "a"}', 422),
    (b'{"id": "a", "text": 5}', 422),
    (b'{"id": "a", "text": null}', 422),
    (b'{"id": "a", "text": true}', 422),
    (b'{"id": "a", "text": ["a"]}', 422),
    (b'{"id": "a", "text": {"a": 1}}', 422),
    (b'{"id": "", "text": "a"}', 422),
    (b'{"id": "a b", "text": "a"}', 422),
    (b'{"id": "\\u0000", "text": "a"}', 422),
    (b'{"id": "\\ud800", "text": "a"}', 422),
    (b'{"id": "' + b"a" * 65 + b'", "text": "a"}', 422),
    (b'{"id": "a", "text": "' + b"a" * 70_000 + b'"}', 413),
]


def test_wrong_bodies_get_a_clear_error(page: httpx.Client, relay: RelayDouble, engine: Engine) -> None:
    for content, status in WRONG_BODIES:
        response = page.post("/channels/web/messages", content=content, headers=JSON)
        assert response.status_code == status, content[:80]
        assert_clear(response)
    assert relay.calls == stored(engine) == []


def assert_clear(response: httpx.Response) -> None:
    problem = response.json()
    assert set(problem) == {"error", "remedy"}
    assert all(problem.values())
    assert "Traceback" not in response.text


def test_a_body_without_a_declared_length_is_cut_off_too(page: httpx.Client) -> None:
    def endless() -> Any:
        for _ in range(100):
            yield b" " * 1024

    response = page.post("/channels/web/messages", content=endless(), headers=JSON)
    assert response.status_code == 413


WRONG_SEQUENCE_NUMBERS = ["-1", "x", "1.5", "", "99999999999999999999", "2147483648", "٣", "1;drop"]


def test_a_wrong_sequence_number_gets_a_clear_error(page: httpx.Client) -> None:
    for after in WRONG_SEQUENCE_NUMBERS:
        response = page.get("/channels/web/messages", params={"after": after})
        assert response.status_code == 422, after
        assert_clear(response)


FROM_ELSEWHERE = [
    ({"Content-Type": "text/plain"}, 415),
    ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
    ({**JSON, "Origin": "https://evil.example"}, 403),
    ({**JSON, "Origin": "null"}, 403),
    ({**JSON, "Sec-Fetch-Site": "cross-site"}, 403),
    ({**JSON, "Sec-Fetch-Site": "same-site"}, 403),
    ({**JSON, "Sec-Fetch-Site": "cross-site", "Origin": "http://127.0.0.1"}, 403),
]


def test_other_sites_cannot_write(page: httpx.Client, engine: Engine) -> None:
    for headers, status in FROM_ELSEWHERE:
        for path in ("/channels/web/session", "/channels/web/messages"):
            response = page.post(path, content=b'{"id": "a", "text": "hello"}', headers=headers)
            assert response.status_code == status, headers
            assert_clear(response)
    assert stored(engine) == []


def test_the_page_itself_can_write(page: httpx.Client, portal: Portal) -> None:
    for number, headers in enumerate(({"Origin": portal.url}, {"Sec-Fetch-Site": "same-origin"})):
        response = page.post("/channels/web/messages", json={"id": f"m{number}", "text": "hi"}, headers=headers)
        assert response.status_code == 200


def test_wrong_addresses_get_a_clear_error(page: httpx.Client) -> None:
    for method, path, status in (
        ("GET", "/channels/web/session", 405),
        ("DELETE", "/channels/web/messages", 405),
        ("GET", "/nowhere", 404),
    ):
        response = page.request(method, path)
        assert response.status_code == status, path
        assert_clear(response)


def test_a_database_that_fails_is_a_clear_error_and_the_message_is_not_confirmed(
    page: httpx.Client, engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    with engine.begin() as connection:
        # Renamed, not dropped: what drops it locks the tables it refers to as well, and the portal may hold those.
        connection.execute(text(f"ALTER TABLE {Turn.__tablename__} RENAME TO lost"))
    response = page.post("/channels/web/messages", json={"id": "a", "text": "the secret of the river"})
    assert response.status_code == 503
    assert set(response.json()) == {"error", "remedy"}
    assert "river" not in caplog.text
