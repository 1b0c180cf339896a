"""The link in an e-mail by which its reader ends all e-mail from us, without signing in anywhere."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from itsdangerous import BadData, URLSafeSerializer
from sqlalchemy import Engine

from city311.store import correspondents
from city311.store.base import now, writing
from city311.store.correspondents import OPTED_OUT, Correspondent


class Stopping:
    """``secret`` signs the links, so that nobody can stop another's e-mail by guessing."""

    def __init__(self, engine: Engine, secret: str, public_url: str, *, clock: Callable[[], datetime] = now) -> None:
        self._engine = engine
        self._signer = URLSafeSerializer(secret, salt="city311.channels.stopping")
        self.public_url = public_url
        self._clock = clock

    def link(self, sender: str) -> str:
        """Where the reader who has that sender id can stop."""
        return f"{self.public_url}/stop/{self._signer.dumps(sender)}"

    def reader(self, token: str) -> str | None:
        """The sender id that a link was made for; None for what is no such link."""
        try:
            sender = self._signer.loads(token) if len(token) <= 256 and token.isascii() else None
        except BadData:
            return None
        return sender if isinstance(sender, str) else None

    def stop(self, sender: str) -> None:
        """No more messages to that reader. Stopping again changes nothing."""
        at = self._clock()
        with writing(self._engine) as session:
            known = session.get(Correspondent, sender) is not None
            if known and not correspondents.has_opted_out(session, sender):
                source = f"link:{sender[-40:]}:{at.timestamp():.6f}"
                correspondents.record(session, sender, OPTED_OUT, "link", source, at)
