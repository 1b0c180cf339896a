"""Every address that takes a body: of another kind, far too large, or senseless, it is refused in good order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from doubles.mail import MailDouble
from doubles.meta import MetaDouble
from doubles.phones import GENEROUS, PROMPT, PUBLIC
from doubles.portal import EAGER, RELAY_SECRET, UNHURRIED, Portal
from doubles.relay import RelayDouble
from doubles.twilio import TwilioDouble
from doubles.twochat import TOKEN, TwoChatDouble
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from city311.channels.configuration import Lines
from city311.store.outgoing import OutgoingMessage
from city311.store.turns import Turn

JSON, FORM, FILE = "application/json", "application/x-www-form-urlencoded", "application/octet-stream"

KINDS = (JSON, FORM, FILE, "text/plain", "multipart/form-data; boundary=x", "x" * 5000, "")
LARGE = 10_000_000
TAKES = {
    **{f"/channels/web/{name}": JSON for name in ("session", "messages", "erase", "phone", "phone/code", "receipt")},
    "/channels/web/photos": FILE,
    "/plain": FORM,
    **{f"/channels/{channel}/twilio{end}": FORM for channel in ("sms", "whatsapp") for end in ("", "/status")},
    "/channels/whatsapp/meta": JSON,
    f"/channels/whatsapp/2chat/{TOKEN}": JSON,
    "/hooks/workorders": JSON,
    **{f"/open311/v2/{name}.{{form}}": FORM for name in ("requests", "servicerequestupdates")},
}
"""What each address takes. ``/stop`` reads no body."""
UNSIGNED = "/hooks/workorders"
"""Looks at the signature, which covers the body, and not at its kind."""


@pytest.fixture
def page(
    engine: Engine, twilio: TwilioDouble, meta: MetaDouble, twochat: TwoChatDouble, mail: MailDouble
) -> Iterator[httpx.Client]:
    """A portal with all that there can be."""
    lines = Lines(
        twilio=twilio.account(whatsapp="+16175550131"),
        meta=meta.account(),
        twochat=twochat.account(),
        mail=mail.account(),
        rates=GENEROUS,
    )
    options: dict[str, Any] = {"phone_lines": lines, "sending": PROMPT, "pace": UNHURRIED, "timing": EAGER}
    with (
        RelayDouble(RELAY_SECRET) as relay,
        Portal(engine, relay.port, public_url=PUBLIC, **options) as portal,
        portal.client() as client,
    ):
        yield client
        assert relay.calls == []
        assert client.get("/robots.txt").status_code == 200
    with Session(engine) as session:
        for table in (Turn, OutgoingMessage):
            assert session.scalar(select(func.count()).select_from(table)) == 0


def post(page: httpx.Client, path: str, content: Any, kind: str) -> httpx.Response:
    return page.post(path.format(form="json"), content=content, headers={"Content-Type": kind} if kind else {})


def test_the_list_is_whole(page: httpx.Client) -> None:
    paths = page.get("/openapi.json").json()["paths"]
    documented = {path for path, methods in paths.items() if "post" in methods}
    assert documented - set(TAKES) == set()


def test_another_kind_of_body_is_refused(page: httpx.Client) -> None:
    for path, taken in TAKES.items():
        for kind in KINDS:
            if kind == taken or path == "/channels/web/photos":
                continue
            answer = post(page, path, b'{"a": 1}', kind)
            assert answer.status_code == refusal(path, kind), (path, kind[:40])
            assert "Traceback" not in answer.text


def refusal(path: str, kind: str) -> int:
    if path.startswith("/open311"):
        # the standard's own statuses: a body without a kind is read as a form, which lacks the key
        return 403 if not kind else 400
    return 403 if path == UNSIGNED else 415


def test_ten_megabytes_are_not_read(page: httpx.Client) -> None:
    def in_pieces() -> Iterator[bytes]:
        for _ in range(LARGE // 65_536):
            yield b"x" * 65_536

    for path, kind in TAKES.items():
        # a photo may be that large; this is none
        wanted = 415 if path == "/channels/web/photos" else 413
        assert post(page, path, b"x" * LARGE, kind).status_code == wanted, path
        try:
            answer = post(page, path, in_pieces(), kind)
        except httpx.TransportError:
            continue  # the connection was closed under the flood
        assert answer.status_code == wanted, path


SENSELESS = [b"", b"\x00", b"\xff\xfe", b"[" * 60_000, b"%", b"&" * 60_000, b"=&=", b'{"a":', b"null", b"\xed\xa0\x80"]


def test_senseless_bodies_are_refused(page: httpx.Client) -> None:
    for path, kind in TAKES.items():
        for content in SENSELESS:
            if path in ("/channels/web/session", "/channels/web/erase") and content == b"null":
                continue  # nothing is read of theirs
            answer = post(page, path, content, kind)
            assert 400 <= answer.status_code < 500, (path, content[:10], answer.status_code)
            assert "Traceback" not in answer.text
