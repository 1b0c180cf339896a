"""A mail server for tests: takes mail over SMTP, or refuses it, or says nothing after it took it."""

from __future__ import annotations

from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any, cast

from aiosmtpd.controller import Controller

from city311.channels.mail import Account

OURS = "311@millbrook.example"


class _Server(Controller):
    """On a port that the system chooses."""

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


class MailDouble:
    """``taken``: the messages it has. ``moods``: what becomes of the next ones: a reply such as ``451 later``, or
    ``cut`` (takes it, then closes the connection); afterwards all is well."""

    def __init__(self) -> None:
        self.taken: list[EmailMessage] = []
        self.moods: list[str] = []
        self._server = _Server(self, hostname="127.0.0.1", port=0)

    def __enter__(self) -> MailDouble:
        self._server.start()
        self.port = int(self._server.port)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()

    def account(self, **changes: Any) -> Account:
        return Account(**{"host": "127.0.0.1", "port": self.port, "address": OURS, "security": "none", **changes})

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        mood = self.moods.pop(0) if self.moods else "250 taken"
        if mood[0] in "45":
            return mood
        assert envelope.rcpt_tos, "without a recipient"
        message = cast(EmailMessage, message_from_bytes(envelope.content, policy=default))
        assert [str(message["To"])] == envelope.rcpt_tos
        self.taken.append(message)
        if mood == "cut":
            server.transport.close()
        return mood
