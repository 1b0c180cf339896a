"""E-mail, by any mail server that takes SMTP."""

from __future__ import annotations

import contextlib
import hashlib
import smtplib
import ssl
from dataclasses import dataclass, field
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate

import anyio.to_thread

from city311.channels.providers import Envelope, MaybeTaken, NotAllowed, NotTaken, Part

NAME = "smtp"
SECURITIES = ("starttls", "tls", "none")


@dataclass(frozen=True)
class Account:
    """A mail server and the address that we write from. ``security``: one of :data:`SECURITIES`."""

    host: str
    address: str
    port: int = 587
    security: str = "starttls"
    user: str = ""
    password: str = field(default="", repr=False)


class Mail:
    """Sends through one mail server.

    A message whose sending was cut off is sent again under the same Message-ID, by which mail programs know it as one.
    """

    interactive = False
    windowed = False

    def __init__(self, account: Account, city: str, *, timeout_s: float = 20.0) -> None:
        """``city``: its name, shown as the sender's."""
        self._account = account
        self._city = city
        self._timeout_s = timeout_s

    async def send(self, part: Part, envelope: Envelope) -> str:
        """See :class:`city311.channels.providers.Provider`."""
        return await anyio.to_thread.run_sync(self._send, self._message(part, envelope))

    async def find(self, part: Part, envelope: Envelope, since: datetime) -> str | None:  # noqa: ARG002
        """A mail server cannot be asked; the same message again does no harm."""
        return None

    async def close(self) -> None:
        """Nothing is kept open."""

    def _message(self, part: Part, envelope: Envelope) -> EmailMessage:
        name, _, domain = self._account.address.rpartition("@")
        message = EmailMessage(policy=SMTP)
        try:
            message["From"] = Address(self._city, name, domain)
            message["To"] = Address(addr_spec=envelope.number)
            message["Subject"] = part.subject
        except (ValueError, IndexError):
            # a line break in an address or a subject would begin another header
            raise NotAllowed("not_an_address") from None
        message["Date"] = formatdate(localtime=False)
        message["Message-ID"] = f"<{hashlib.sha256(envelope.reference.encode()).hexdigest()[:32]}@{domain}>"
        if part.stop_link:
            message["List-Unsubscribe"] = f"<{part.stop_link}>"
            message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(part.text)
        return message

    def _send(self, message: EmailMessage) -> str:
        try:
            server = self._open()
        except smtplib.SMTPAuthenticationError as error:
            raise NotTaken(f"{error.smtp_code} wrong_credentials", 60.0) from None
        except (smtplib.SMTPException, OSError) as error:
            raise NotTaken(type(error).__name__) from None
        try:
            self._hand_over(server, message)
        finally:
            with contextlib.suppress(smtplib.SMTPException, OSError):
                server.quit()
        return str(message["Message-ID"])

    def _open(self) -> smtplib.SMTP:
        account, context = self._account, ssl.create_default_context()
        server: smtplib.SMTP
        if account.security == "tls":
            server = smtplib.SMTP_SSL(account.host, account.port, timeout=self._timeout_s, context=context)
        else:
            server = smtplib.SMTP(account.host, account.port, timeout=self._timeout_s)
        try:
            if account.security == "starttls":
                server.starttls(context=context)
            if account.user:
                server.login(account.user, account.password)
            else:
                server.ehlo_or_helo_if_needed()
        except BaseException:
            server.close()
            raise
        return server

    def _hand_over(self, server: smtplib.SMTP, message: EmailMessage) -> None:
        try:
            for code, _ in (server.mail(self._account.address), server.rcpt(message["To"].addresses[0].addr_spec)):
                _check(code)
        except (smtplib.SMTPException, OSError) as error:
            raise NotTaken(type(error).__name__) from None
        try:
            code, _ = server.data(message.as_bytes())
        except smtplib.SMTPDataError as error:
            code = error.smtp_code
        except (smtplib.SMTPException, OSError) as error:
            raise MaybeTaken(type(error).__name__) from None
        _check(code)


def _check(code: int) -> None:
    if 400 <= code < 500:
        raise NotTaken(str(code))
    if code >= 500:
        raise NotAllowed(str(code))
