"""Twilio's wire formats: SMS, MMS and WhatsApp in and out (https://www.twilio.com/docs/messaging)."""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import aiohttp
import httpx
from starlette.datastructures import ImmutableMultiDict
from twilio.base.exceptions import TwilioException, TwilioRestException, TwilioServiceException
from twilio.http import AsyncHttpClient
from twilio.http.response import Response
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from city311.channels.keywords import carrier_answers
from city311.channels.media import Located
from city311.channels.providers import (
    CannotTell,
    Envelope,
    MaybeTaken,
    NotAllowed,
    NotTaken,
    OptedOut,
    Part,
    WindowClosed,
)
from city311.channels.received import SMS, WHATSAPP, Fate, Forged, Media, Received, Unreadable, is_number, position
from city311.channels.trust import proxy_of, trusted

NAME = "twilio"
API = "https://api.twilio.com"
MEDIA_HOSTS = ("api.twilio.com", "mms.twiliocdn.com", "media.twiliocdn.com", "s3-external-1.amazonaws.com")
"""Where media lie: the API redirects to a short-lived address at the others."""

_MOST_MEDIA = 10
_FIELDS = 200
_WHATSAPP = "whatsapp:"
_OPTED_OUT = 21610
_WINDOW_CLOSED = 63016
_BUSY = (20429, 30001, 63018, 14107)  # too many requests, queue overflow, rate limits
_ENDED = ("failed", "undelivered", "canceled")


@dataclass(frozen=True)
class Account:
    """A Twilio account and our senders in it.

    Attributes:
        sms, whatsapp: a number in E.164, or for SMS the id of a messaging service (``MG…``); empty: not used.
        carrier_answers: Twilio itself answers STOP, START and HELP, as it does unless that was switched off.
        templates: our name of a template → its ``ContentSid``.
        url: another address of the API, for tests.
    """

    sid: str
    token: str = field(repr=False)
    sms: str = ""
    whatsapp: str = ""
    carrier_answers: bool = True
    templates: Mapping[str, str] = field(default_factory=dict)
    url: str = API


def read(account: Account, channel: str, url: str, body: bytes, signature: str) -> Received | Fate | None:
    """The message or the news in a webhook's body. None: nothing for us (a short code wrote, or another account).

    Args:
        url: the address as Twilio called it, which is part of what it signed.

    Raises:
        Forged: the signature does not fit.
        Unreadable: something that Twilio always sends is missing.
    """
    try:
        pairs = parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=_FIELDS)
    except ValueError:
        raise Forged("the body is no form") from None
    form = ImmutableMultiDict(pairs)
    if not signature or not RequestValidator(account.token).validate(url, form, signature):
        raise Forged("the signature does not fit")
    sid = form.get("MessageSid") or form.get("SmsSid") or ""
    if not sid or len(sid) > 64:
        raise Unreadable("MessageSid is missing")
    if form.get("AccountSid") != account.sid:
        return None
    if "MessageStatus" in form:
        state = form["MessageStatus"][:24]
        return Fate(sid, state, failed=state in _ENDED, code=form.get("ErrorCode", "")[:12])
    return _message(account, channel, sid, form)


def _message(account: Account, channel: str, sid: str, form: ImmutableMultiDict[str, str]) -> Received | None:
    number, line = form.get("From", ""), form.get("To", "")
    if number.startswith(_WHATSAPP) != (channel == WHATSAPP):
        raise Unreadable("From is of another channel")
    number, line = number.removeprefix(_WHATSAPP), line.removeprefix(_WHATSAPP)
    if not is_number(number) or number == line:
        return None
    text, asked = form.get("Body", ""), form.get("OptOutType", "").lower()
    button = form.get("ButtonPayload", "")
    count = form.get("NumMedia", "0")
    media = tuple(
        Media(form[f"MediaUrl{n}"], form.get(f"MediaContentType{n}", "")[:100])
        for n in range(min(int(count) if count.isascii() and count.isdecimal() else 0, _MOST_MEDIA))
        if form.get(f"MediaUrl{n}")
    )
    return Received(
        channel=channel,
        provider=NAME,
        id=sid,
        number=number,
        # a messaging service answers for all its numbers; a plain account from the number that was written to
        line=(account.sms or line) if channel == SMS else (account.whatsapp or line),
        text=button or text,
        media=media,
        position=position(form.get("Latitude"), form.get("Longitude")),
        address=form.get("Address", "") or form.get("Label", ""),
        asked=asked if asked in ("stop", "start", "help") else "",
        carrier_keyword=channel == SMS
        and account.carrier_answers
        and (bool(form.get("OptOutType")) or carrier_answers(text)),
    )


class Twilio:
    """Sends through one account."""

    interactive = False
    windowed = True

    def __init__(self, account: Account, *, status_url: str, timeout_s: float = 15.0) -> None:
        """``status_url``: where Twilio tells what became of a message; ``{channel}`` in it is filled in."""
        self._account = account
        self._status_url = status_url
        self._http = _Http(account.url, timeout_s)
        self._client = Client(account.sid, account.token, http_client=self._http)

    async def send(self, part: Part, envelope: Envelope) -> str:
        """See :class:`city311.channels.providers.Provider`."""
        address = _WHATSAPP if envelope.channel == WHATSAPP else ""
        sender: dict[str, Any] = {"from_": address + envelope.line}
        if envelope.line.startswith("MG"):
            sender = {"messaging_service_sid": envelope.line}
        content: dict[str, Any] = {"body": part.text}
        if part.template:
            sid = self._account.templates.get(part.template)
            if sid is None:
                raise NotAllowed(f"no template {part.template!r} is set up")
            values = {str(number): value for number, value in enumerate(part.values, 1)}
            content = {"content_sid": sid, "content_variables": json.dumps(values, ensure_ascii=False)}
        try:
            message = await self._client.messages.create_async(
                to=address + envelope.number,
                status_callback=self._status_url.replace("{channel}", envelope.channel),
                **sender,
                **content,
            )
        except (TwilioRestException, TwilioServiceException) as error:
            raise _failure(error, self._http.retry_after()) from None
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise NotTaken(type(error).__name__) from None
        except (aiohttp.ClientError, TimeoutError, OSError, TwilioException, ValueError) as error:
            raise MaybeTaken(type(error).__name__) from None
        if not message.sid:
            raise MaybeTaken("an answer without a sid")
        return str(message.sid)

    async def find(self, part: Part, envelope: Envelope, since: datetime) -> str | None:
        """See :class:`city311.channels.providers.Provider`."""
        address = _WHATSAPP if envelope.channel == WHATSAPP else ""
        if part.template:
            # Twilio lists the text that it made of the template, which we do not know
            raise CannotTell("no answer from Twilio to a template", news=False)
        try:
            found = await self._client.messages.list_async(
                to=address + envelope.number, date_sent_after=since - timedelta(days=1), limit=50
            )
        except (TwilioException, aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise NotTaken(f"cannot look for it ({type(error).__name__})") from None
        # the filter knows only days; Twilio's moments are whole seconds of its own clock
        earliest = since - timedelta(seconds=2)
        same = (
            one.sid
            for one in found
            if one.body == part.text and one.date_created is not None and one.date_created >= earliest
        )
        return next((sid for sid in same if sid), None)

    async def close(self) -> None:
        """Let go of the connections."""
        await self._http.close()


def _failure(error: TwilioRestException | TwilioServiceException, wait_s: float | None) -> Exception:
    status = int(error.status)
    code = int(error.code) if str(error.code).isdecimal() else 0
    if code == _OPTED_OUT:
        return OptedOut(str(code))
    if code == _WINDOW_CLOSED:
        return WindowClosed(str(code))
    if status == 429 or code in _BUSY or status == 503:
        return NotTaken(f"{status} {code}", wait_s)
    if status in (401, 403):
        # of the account, not of the message: an operator mends it, and the message should go then
        return NotTaken(f"{status} {code} wrong_credentials", 60.0)
    if status >= 500 or status == 408:
        return MaybeTaken(f"{status} {code}")
    return NotAllowed(f"{status} {code}")


class MediaSource:
    """Where Twilio keeps what residents attach."""

    def __init__(self, account: Account) -> None:
        own = urlsplit(account.url)
        self._own = own.netloc if account.url != API else ""
        basic = base64.b64encode(f"{account.sid}:{account.token}".encode()).decode()
        self._headers = {"Authorization": f"Basic {basic}"}
        self._prefix = f"{account.url.rstrip('/')}/2010-04-01/Accounts/{account.sid}/"

    async def locate(self, reference: str, client: httpx.AsyncClient) -> Located:  # noqa: ARG002 - the address is known
        """See :class:`city311.channels.media.Source`."""
        return Located(
            reference,
            headers=self._headers,
            credentials_for=(self._prefix,),
            hosts=MEDIA_HOSTS,
            own=self._own,
        )


class _Http(AsyncHttpClient):  # type: ignore[misc]
    """Twilio's client over aiohttp, which tells a refused connection from a lost answer, and logs no numbers."""

    def __init__(self, base: str, timeout_s: float) -> None:
        super().__init__(logging.getLogger(__name__), is_async=True, timeout=timeout_s)
        self._base = base.rstrip("/")
        self._trusted = trusted()  # reading them takes long, and would else delay the first message
        self._session: aiohttp.ClientSession | None = None
        self._wait_s: ContextVar[float | None] = ContextVar("wait_s", default=None)

    def retry_after(self) -> float | None:
        """Seconds that the last refusal in this task asked us to wait."""
        return self._wait_s.get()

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def request(
        self,
        method: str,
        uri: str,
        params: dict[str, Any] | None = None,
        data: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,  # noqa: ARG002 - Twilio's signature; ours is the session's
        allow_redirects: bool = False,  # noqa: ARG002 - Twilio's signature
    ) -> Response:
        if self._session is None:  # here, because it belongs to the event loop that runs now
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(ssl=self._trusted),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=self.timeout, sock_connect=self.timeout / 2),
                # not by trust_env, which looks for a netrc file in a thread before each call
                proxy=proxy_of(self._base),
            )
        async with self._session.request(
            method,
            uri.replace(API, self._base, 1),
            params=params,
            data=urlencode(data).encode() if data else None,
            headers={**(headers or {}), **({"Authorization": aiohttp.encode_basic_auth(*auth)} if auth else {})},
            allow_redirects=False,
        ) as response:
            wait = response.headers.get("retry-after", "")
            self._wait_s.set(float(wait) if response.status in (429, 503) and wait.isdecimal() else None)
            return Response(response.status, await response.text(), response.headers)
