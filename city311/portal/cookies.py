"""The web channel's session, as a cookie of requests and responses."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse, Response

from city311.channels.sessions import Session, Sessions
from city311.portal.pages import LANGUAGE_COOKIE

_YEAR = timedelta(days=365)


class SessionCookies:
    """Reads the session from a request, and puts it into the answer when it is new or renewed."""

    def __init__(self, sessions: Sessions, *, secure: bool, framed: bool = False) -> None:
        """``secure``: the cookie travels over HTTPS only. ``framed``: pages of other sites may show the chat."""
        self._sessions = sessions
        self._secure = secure
        self._framed = framed and secure
        self._name = "__Host-city311" if secure else "city311_session"

    def open(self, request: Request) -> Session:
        """The session that the request's cookie names, or a new one."""
        return self._sessions.open(request.cookies.get(self._name))

    def fresh(self) -> Session:
        """A session that nobody has used yet."""
        return self._sessions.open(None)

    def answer(self, body: Any, session: Session, status: int = 200, headers: dict[str, str] | None = None) -> Response:
        """``body`` as JSON that nobody may cache."""
        response = JSONResponse(body, status_code=status, headers={"Cache-Control": "no-store", **(headers or {})})
        self.put(response, session)
        return response

    def put(self, response: Response, session: Session) -> None:
        """Gives ``response`` the cookie of ``session``, where it is new or renewed."""
        if not session.cookie:
            return
        self._set(response, self._name, session.cookie, self._sessions.lasts)

    def keep_language(self, response: Response, language: str) -> None:
        """Has the browser remember the language that a reader chose."""
        self._set(response, LANGUAGE_COOKIE, language, _YEAR)

    def _set(self, response: Response, name: str, value: str, lasts: timedelta) -> None:
        response.set_cookie(
            name,
            value,
            max_age=int(lasts.total_seconds()),
            httponly=True,
            # Into a frame on another site's page only a cookie without "lax" travels. "Partitioned" keeps it apart
            # for each such site, and whatever changes something checks by itself where a request comes from.
            samesite="none" if self._framed else "lax",
            secure=self._secure,
            path="/",
        )
        if self._framed:
            *others, (header, cookie) = response.raw_headers
            response.raw_headers = [*others, (header, cookie + b"; Partitioned")]


def named(body: Mapping[str, Any], session: Session) -> dict[str, Any]:
    """``body`` with a name for the session's conversation, which tells two apart and gives nothing away."""
    digest = hashlib.sha256(f"city311.conversation:{session.sender}".encode()).hexdigest()
    return {**body, "conversation": digest[:16]}
