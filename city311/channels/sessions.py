"""Sessions of residents: the server makes the sender id, signs it, and believes nothing else."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from itsdangerous import BadData, URLSafeTimedSerializer

_SENDER = re.compile(r"web-[A-Za-z0-9_-]{24}")


@dataclass(frozen=True)
class Session:
    """Who is writing. ``cookie`` is the value to set, or empty when the one that came is good for longer."""

    sender: str
    is_new: bool
    cookie: str = ""


class Sessions:
    """Makes and reads signed session cookies of the web channel."""

    def __init__(
        self, secret: str, *, lasts: timedelta = timedelta(days=7), renewed: timedelta = timedelta(days=1)
    ) -> None:
        """``lasts``: a cookie of that age is no longer taken. ``renewed``: from that age on a fresh one is given."""
        self.lasts = lasts
        self._renewed = renewed
        self._signer = URLSafeTimedSerializer(secret, salt="city311.channels.web.session")

    def open(self, cookie: str | None) -> Session:
        """The session that ``cookie`` names; a new one when there is none, or it is forged, expired or not ours."""
        sender, signed_at = self._read(cookie or "")
        if not sender:
            sender = f"web-{secrets.token_urlsafe(18)}"
            return Session(sender, is_new=True, cookie=self._signer.dumps(sender))
        old = datetime.now(timezone.utc) - signed_at > self._renewed
        return Session(sender, is_new=False, cookie=self._signer.dumps(sender) if old else "")

    def _read(self, cookie: str) -> tuple[str, datetime]:
        nobody = ("", datetime.min.replace(tzinfo=timezone.utc))
        if not cookie or len(cookie) > 512 or not cookie.isascii():
            return nobody
        try:
            sender, signed_at = self._signer.loads(
                cookie, max_age=int(self.lasts.total_seconds()), return_timestamp=True
            )
        except BadData:
            return nobody
        if not isinstance(sender, str) or not _SENDER.fullmatch(sender):
            return nobody
        return sender, signed_at
