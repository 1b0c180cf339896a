"""Ways to somebody who has not written to us from there: a number or an address that they typed in a chat."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

import phonenumbers
from sqlalchemy.orm import Session

from city311.channels import mail
from city311.channels.received import EMAIL, SMS, sender_id
from city311.intake import emails
from city311.store import correspondents
from city311.store.correspondents import Heard

_LONGEST = 254


class TooOften(Exception):
    """Another one may be asked for in ``wait_s`` seconds."""

    def __init__(self, wait_s: float) -> None:
        super().__init__("too_often")
        self.wait_s = wait_s


@dataclass(frozen=True)
class Way:
    """A number in E.164, or an address of the ``channel``."""

    channel: str
    address: str


@dataclass(frozen=True)
class Reach:
    """What this installation can send to.

    Attributes:
        country: ISO code of where numbers without "+" are dialled.
        look: tells the sending side that the queue has grown.
        texts_by, texts_from: provider and line of SMS; empty where there is none.
        mail_from: the address that e-mail comes from; empty where there is none.
    """

    secret: str = field(repr=False)
    country: str
    look: Callable[[], None]
    texts_by: str = ""
    texts_from: str = ""
    mail_from: str = ""

    @property
    def channels(self) -> tuple[str, ...]:
        """``email`` and ``sms``, those that there are."""
        return tuple(name for name, line in ((EMAIL, self.mail_from), (SMS, self.texts_from)) if line)

    def way(self, text: str) -> Way | None:
        """The e-mail address or phone number that somebody typed; None when it is neither, or cannot be reached."""
        typed = text.strip()
        if len(typed) > _LONGEST:
            return None
        if "@" in typed:
            return Way(EMAIL, typed) if self.mail_from and emails(typed) == [typed] else None
        number = self.number(typed)
        return Way(SMS, number) if number is not None else None

    def number(self, text: str) -> str | None:
        """The phone number that somebody typed, in E.164; None when it is none that can be texted."""
        try:
            number = phonenumbers.parse(text[:40], self.country or None)
        except phonenumbers.NumberParseException:
            return None
        if not self.texts_from or not phonenumbers.is_valid_number(number) or number.extension:
            return None
        return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))

    def introduced(self, session: Session, way: Way, at: datetime) -> str:
        """The sender id of whoever is there, known from now on."""
        by, line = (mail.NAME, self.mail_from) if way.channel == EMAIL else (self.texts_by, self.texts_from)
        sender = sender_id(self.secret, way.channel, way.address)
        correspondents.introduce(session, Heard(sender, way.channel, way.address, by, line), at)
        return sender
