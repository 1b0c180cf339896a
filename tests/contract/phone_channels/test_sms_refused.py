"""SMS that is forged, played back or misshapen."""

from __future__ import annotations

import httpx
import pytest
from doubles.phones import PUBLIC, eventually
from doubles.portal import Portal
from doubles.relay import RelayDouble
from doubles.texts import ANN, BEN, bring, queue, settled, turns, write
from doubles.twilio import OURS, TwilioDouble
from harness import asking
from sqlalchemy import Engine

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
WEBHOOK = "/channels/sms/twilio"


def test_what_is_not_signed_is_refused(portal: Portal, twilio: TwilioDouble, engine: Engine) -> None:
    form = twilio.message(ANN, "hello")
    assert bring(twilio, portal, form, token="another token").status_code == 403
    assert twilio.bring(portal.url, form, public_url="https://elsewhere.example").status_code == 403
    body = "Body=hello&From=%2B16175550177&MessageSid=SM1"
    assert asking.post(portal.url + WEBHOOK, content=body, headers=FORM).status_code == 403
    assert asking.post(portal.url + WEBHOOK, content=b"\xff\xfe", headers=FORM).status_code == 403
    for signature in ("", "AAAA", "ünïcode".encode().decode("latin-1"), "=" * 5000):
        headers = {**FORM, "X-Twilio-Signature": signature.encode("latin-1")}
        assert asking.post(portal.url + WEBHOOK, content=body, headers=headers).status_code == 403
    assert turns(engine) == queue(engine) == []


def test_a_signature_does_not_fit_other_words(portal: Portal, twilio: TwilioDouble, engine: Engine) -> None:
    from urllib.parse import urlencode

    from twilio.request_validator import RequestValidator

    form = twilio.message(ANN, "hello")
    signature = RequestValidator("0123456789abcdef0123456789abcdef").compute_signature(PUBLIC + WEBHOOK, form)
    for changed in ({**form, "Body": "other"}, {**form, "From": BEN}, {**form, "Extra": "1"}):
        headers = {**FORM, "X-Twilio-Signature": signature}
        answer = asking.post(portal.url + WEBHOOK, content=urlencode(changed), headers=headers)
        assert answer.status_code == 403
    assert turns(engine) == []


def test_a_signed_message_that_is_played_back_is_the_same_turn(
    portal: Portal, twilio: TwilioDouble, relay: RelayDouble, engine: Engine
) -> None:
    form = twilio.message(ANN, "hello")
    for _ in range(5):
        assert bring(twilio, portal, form).status_code == 200
    eventually(lambda: settled(engine) and twilio.texts(ANN))
    assert len(turns(engine)) == len(relay.calls) == len(twilio.texts(ANN)) == 1


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        (b"Body=x", {"Content-Type": "application/json"}, 415),
        (b"Body=x", {}, 415),
        (b"Body=" + b"x" * 70_000, FORM, 413),
        (b"&".join(b"a%d=1" % n for n in range(300)), FORM, 403),
    ],
)
def test_wrong_bodies_are_refused(
    portal: Portal, engine: Engine, content: bytes, headers: dict[str, str], status: int
) -> None:
    assert asking.post(portal.url + WEBHOOK, content=content, headers=headers).status_code == status
    assert turns(engine) == []


def test_a_body_of_ten_megabytes_without_a_length_is_cut_off(portal: Portal) -> None:
    def chunks():
        for _ in range(160):
            yield b"x" * 65_536

    try:
        status = asking.post(portal.url + WEBHOOK, content=chunks(), headers=FORM, timeout=30).status_code
    except httpx.TransportError:
        return  # the portal closed the connection under the flood
    assert status == 413


def test_short_codes_other_accounts_and_ourselves_are_not_talked_to(
    portal: Portal, twilio: TwilioDouble, engine: Engine
) -> None:
    write(twilio, portal, "22395", "Your code is 1234")
    write(twilio, portal, ANN, "hello", AccountSid="AC" + "9" * 32)
    write(twilio, portal, OURS, "an echo")
    assert turns(engine) == []
    assert bring(twilio, portal, twilio.message(f"whatsapp:{ANN}", "hello")).status_code == 400
    assert bring(twilio, portal, twilio.message(ANN, "hello", MessageSid="", SmsSid="")).status_code == 400


def test_a_line_that_is_not_set_up_does_not_exist(engine: Engine, relay: RelayDouble, twilio: TwilioDouble) -> None:
    with Portal(engine, relay.port, public_url=PUBLIC) as portal:
        for path in ("sms/twilio", "whatsapp/twilio", "whatsapp/meta", "whatsapp/2chat/token", "sms/twilio/status"):
            assert asking.post(f"{portal.url}/channels/{path}").status_code == 404
        assert asking.get(f"{portal.url}/channels/whatsapp/meta").status_code == 404
