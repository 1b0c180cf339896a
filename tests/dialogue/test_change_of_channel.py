"""A resident changes from the phone to the web: with a code from the phone, the chat finds what was reported there."""

from __future__ import annotations

import re

import pytest
import requests
from harness.phone import SMS, Phone
from harness.resident import Resident
from harness.stack import Stack


def post(resident: Resident, path: str, **body: str) -> requests.Response:
    return resident.http.post(f"{resident.stack.portal}/channels/web/{path}", json=body, timeout=30)


@pytest.mark.stack
def test_a_chat_that_shows_the_phone_finds_its_reports(stack: Stack) -> None:
    phone, chat = Phone(stack, "ana", SMS, stack.lines), Resident(stack)
    phone.say("pothole at 22 Prospect St, in the bike lane")
    phone.say("skip")
    phone.press("Stay anonymous")
    number = re.findall(r"SR-\d{6,}", phone.press("Yes, send it").text)[0]
    assert number not in chat.say("any news on my report?").text
    assert post(chat, "phone", number=phone.number).status_code == 200
    [code] = re.findall(r"\b\d{6}\b", phone.next_text())
    assert post(chat, "phone/code", code=code).status_code == 200
    assert number in chat.say("any news on my report?").text
    assert number not in Resident(stack).say("any news on my report?").text
