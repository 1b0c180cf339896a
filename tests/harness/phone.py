"""A resident with a phone: writes by SMS (Twilio's double) or by WhatsApp (Meta's), and reads the answers."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from doubles.meta import MetaDouble
from doubles.twilio import SID, TOKEN, TwilioDouble, picture

from harness.resident import Heard
from harness.stack import Stack

_CHOICE = re.compile(r"^(\d+)\. (.+)$", re.MULTILINE)
_ANSWERED_S = 60
SMS, WHATSAPP = "sms", "whatsapp"


@dataclass
class Lines:
    """The providers' doubles that a stack is connected to."""

    twilio: TwilioDouble
    meta: MetaDouble

    def settings(self) -> dict[str, str]:
        """Environment variables of a stack that uses them."""
        meta = self.meta.account()
        return {
            "CITY311_TWILIO_ACCOUNT_SID": SID,
            "CITY311_TWILIO_AUTH_TOKEN": TOKEN,
            "CITY311_TWILIO_SMS_FROM": self.twilio.account().sms,
            "CITY311_TWILIO_URL": self.twilio.url,
            "CITY311_META_PHONE_NUMBER_ID": meta.phone_number_id,
            "CITY311_META_ACCESS_TOKEN": meta.access_token,
            "CITY311_META_APP_SECRET": meta.app_secret,
            "CITY311_META_VERIFY_TOKEN": meta.verify_token,
            "CITY311_META_URL": self.meta.url,
            "CITY311_TEXTS_PER_SENDER": "1000/minute",
        }


@contextmanager
def lines() -> Iterator[Lines]:
    """Both doubles, running."""
    with TwilioDouble() as twilio, MetaDouble() as meta:
        yield Lines(twilio, meta)


@dataclass
class Phone:
    """One phone, writing on one channel."""

    stack: Stack
    name: str
    channel: str
    lines: Lines
    number: str = field(default_factory=lambda: f"+1617555{secrets.randbelow(9000) + 1000}")
    last: Heard = field(default_factory=lambda: Heard([]))
    read: int = 0

    def say(self, text: str) -> Heard:
        """Sends a message, and waits until everything that it leads to has been sent."""
        if self.channel == SMS:
            return self._brought(self.lines.twilio.message(self.number, text))
        return self._brought(self.lines.meta.message(self.number, body=text))

    def press(self, title: str) -> Heard:
        """Answers by the number of that choice, or presses the button."""
        if self.channel == SMS:
            numbers = {choice: number for number, choice in _CHOICE.findall(self.last.text)}
            return self.say(numbers.get(title, title))
        reply = {"type": "button_reply", "button_reply": {"id": title, "title": title[:20]}}
        return self._brought(self.lines.meta.message(self.number, "interactive", **reply))

    def photo(self, words: str, content: bytes | None = None) -> Heard:
        """Sends a photo."""
        content = content or picture()
        if self.channel == SMS:
            return self._brought(self.lines.twilio.photo(self.number, words, content=content))
        return self._brought(self.lines.meta.photo(self.number, content, **({"caption": words} if words else {})))

    def pin(self, lat: float, lon: float) -> Heard:
        """Shares a position; SMS knows none."""
        assert self.channel == WHATSAPP
        return self._brought(self.lines.meta.message(self.number, "location", latitude=lat, longitude=lon))

    def next_text(self) -> str:
        """What comes to this phone without its asking."""
        end = time.monotonic() + _ANSWERED_S
        while len(self._got()) == self.read:
            assert time.monotonic() < end, f"nothing comes to {self.name} within {_ANSWERED_S} s"
            time.sleep(0.1)
        self.read += 1
        return str(self._got()[self.read - 1]["text"])

    def history(self) -> list[dict[str, Any]]:
        """All turns of this phone on this channel, oldest first."""
        return self.stack.rows(
            "SELECT turns.id AS turn, turns.text FROM turns JOIN correspondents USING (sender) "
            "WHERE number = :number AND correspondents.channel = :channel ORDER BY seq",
            number=self.number,
            channel=self.channel,
        )

    def days_pass(self, days: int) -> None:
        """Whatever this phone wrote was so many days earlier."""
        for turn in self.history():
            self.stack.change(
                "UPDATE turns SET received_at = datetime(received_at, :back) || '.000000' WHERE id = :id",
                back=f"-{days} days",
                id=turn["turn"],
            )

    def _brought(self, message: dict[str, Any]) -> Heard:
        if self.channel == SMS:
            response = self.lines.twilio.bring(self.stack.portal, message)
        else:
            response = self.lines.meta.bring(self.stack.portal, self.lines.meta.batch(message))
        assert response.status_code == 200, response.text
        end = time.monotonic() + _ANSWERED_S
        while self._under_way():
            assert time.monotonic() < end, f"no answer to {self.name} within {_ANSWERED_S} s"
            time.sleep(0.1)
        got = self._got()
        self.last, self.read = Heard(got[self.read :]), len(got)
        return self.last

    def _under_way(self) -> bool:
        """Whether something is still to be answered or sent: a message is stored before its webhook is answered."""
        whom = "JOIN correspondents USING (sender) WHERE number = :number AND correspondents.channel = :channel"
        waiting = self.stack.rows(
            f"SELECT turns.id FROM turns {whom} AND state = 'waiting' UNION ALL "  # noqa: S608 - our own words
            f"SELECT key FROM outgoing_messages {whom} AND state IN ('waiting', 'sending')",
            number=self.number,
            channel=self.channel,
        )
        return bool(waiting)

    def _got(self) -> list[dict[str, Any]]:
        """What this phone has received, in the shape of the web channel's messages."""
        if self.channel == SMS:
            texts = self.lines.twilio.texts(self.number)
            return [
                {"text": text, "buttons": [{"title": title} for _, title in _CHOICE.findall(text)]} for text in texts
            ]
        return [_shown(body) for body in self.lines.meta.to(self.number)]


def _shown(body: dict[str, Any]) -> dict[str, Any]:
    if body["type"] != "interactive":
        text = body["text"]["body"]
        return {"text": text, "buttons": [{"title": title} for _, title in _CHOICE.findall(text)]}
    part = body["interactive"]
    if part["type"] == "button":
        titles = [button["reply"]["title"] for button in part["action"]["buttons"]]
    else:
        titles = [row.get("description") or row["title"] for s in part["action"]["sections"] for row in s["rows"]]
    return {"text": part["body"]["text"], "buttons": [{"title": title} for title in titles]}
