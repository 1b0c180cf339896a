"""One HTTP exchange with a system of record: bounded in time and size, careful about redirects, clear about what was
sent.

No exception and no log line here holds a form field: the API key travels in the form and nowhere else.
"""

from __future__ import annotations

import ipaddress
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import SplitResult, urlencode, urljoin, urlsplit

import requests
import urllib3.exceptions
from requests.adapters import HTTPAdapter

Form = Sequence[tuple[str, str]]

LARGEST_ANSWER = 8_000_000
"""Bytes; a city's whole service list is well under one million."""

_MOST_REDIRECTS = 3
_USER_AGENT = "City311 (Open311 GeoReport v2 client)"
_DEFAULT_PORTS = {"http": 80, "https": 443}


class NotReached(Exception):
    """Nothing was sent: name not found, connection refused, no connection in time, a certificate that does not hold."""


class Lost(Exception):
    """It was sent, or may have been, and no whole answer came."""


class Elsewhere(Exception):
    """The server points to another place that must not be followed. The message says which and what to do."""


@dataclass(frozen=True)
class Answer:
    """A whole answer. ``retry_after_s`` is the server's wish in seconds; ``url`` is where it came from after
    redirects.
    """

    status: int
    body: bytes
    charset: str | None
    retry_after_s: float | None
    url: str


def open_session(url: str) -> requests.Session:
    """A session for the server at ``url``: no cookies, no .netrc, the environment's proxies except for loopback."""
    session = requests.Session()
    session.headers.update({"User-Agent": _USER_AGENT, "Accept-Encoding": "identity"})
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.trust_env = not _is_loopback(urlsplit(url).hostname or "")
    session.auth = lambda prepared: prepared  # else requests looks into .netrc
    adapter = HTTPAdapter(pool_connections=4, pool_maxsize=32, max_retries=0)
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    return session


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def get(session: requests.Session, url: str, query: Form, *, timeout_s: float, deadline: float) -> Answer:
    """GET ``url``. Follows redirects to the same host.

    Args:
        timeout_s: longest wait for a connection or for the next bytes.
        deadline: when to give up, on :func:`time.monotonic`.

    Raises:
        NotReached, Lost, Elsewhere
    """
    for _ in range(_MOST_REDIRECTS + 1):
        answer, location = _exchange(session, "GET", url, query, None, timeout_s, timeout_s, deadline)
        if location is None:
            return answer
        url, query = _same_place(url, location), ()
    raise Elsewhere(f"{_bare(url)} redirects in a circle; check the url in connectors.yml.")


def post(session: requests.Session, url: str, form: Form, *, connect_s: float, deadline: float) -> Answer:
    """POST ``form`` to ``url``, waiting for the answer until ``deadline``: cutting it short would only make it unclear.

    A redirect is followed with the form only where it surely means "send it there instead": same host, same file name.
    After a 303, or a 302 to anywhere else, the request may have been taken.

    Raises:
        NotReached, Lost, Elsewhere
    """
    name = urlsplit(url).path.rpartition("/")[2]
    for _ in range(_MOST_REDIRECTS + 1):
        answer, location = _exchange(session, "POST", url, (), form, connect_s, None, deadline)
        if location is None:
            return answer
        same_file = urlsplit(location).path.rstrip("/").rpartition("/")[2] == name
        if answer.status == 303 or (answer.status == 302 and not same_file):
            raise Lost(f"{_bare(url)} answered {answer.status} without a receipt")
        url = _same_place(url, location)
    raise Elsewhere(f"{_bare(url)} redirects in a circle; check the url in connectors.yml.")


def _exchange(
    session: requests.Session,
    method: str,
    url: str,
    query: Form,
    form: Form | None,
    connect_s: float,
    read_s: float | None,
    deadline: float,
) -> tuple[Answer, str | None]:
    left = deadline - time.monotonic()
    if left <= 0:
        raise NotReached("no time left to call the server")
    place = _bare(url)
    headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"} if form is not None else {}
    try:
        prepared = session.prepare_request(
            requests.Request(method, url, params=list(query), data=_encoded(form), headers=headers)
        )
        around: dict[str, Any] = dict(session.merge_environment_settings(prepared.url, {}, True, None, None))
        # Not session.send(): it reads a redirect's whole body and follows its address so far, also when told not to.
        response = session.get_adapter(url).send(
            prepared, timeout=(min(connect_s, left), left if read_s is None else min(read_s, left)), **around
        )
    except requests.exceptions.ConnectTimeout as error:
        raise NotReached(f"no connection to {place} in time") from error
    except requests.exceptions.ConnectionError as error:
        if _never_connected(error):
            raise NotReached(f"no connection to {place}") from error
        raise Lost(f"{place} cut the connection") from error
    except requests.exceptions.Timeout as error:
        raise Lost(f"{place} did not answer in time") from error
    except (
        requests.exceptions.InvalidURL,
        requests.exceptions.MissingSchema,
        requests.exceptions.InvalidSchema,
    ) as error:
        raise NotReached(f"{place} is no usable address; check the url in connectors.yml") from error
    except requests.exceptions.RequestException as error:
        raise Lost(f"the exchange with {place} failed") from error
    try:
        location = response.headers.get("Location") if response.status_code in (301, 302, 303, 307, 308) else None
        body = b"" if location else _body(response, place, deadline)
        answer = Answer(
            status=response.status_code,
            body=body,
            charset=response.encoding,
            retry_after_s=_retry_after(response.headers.get("Retry-After")),
            url=url,
        )
        return answer, _target(url, location) if location else None
    finally:
        response.close()


def _target(url: str, location: str) -> str:
    try:
        target = urljoin(url, location)
        urlsplit(target).port  # noqa: B018 - reading it checks it
    except ValueError as error:
        raise Elsewhere(f"{_bare(url)} redirects to something that is no address.") from error
    return target


def _encoded(form: Form | None) -> bytes | None:
    if form is None:
        return None
    return urlencode(list(form), encoding="utf-8", errors="replace").encode("ascii")


def _body(response: requests.Response, place: str, deadline: float) -> bytes:
    parts: list[bytes] = []
    size = 0
    try:
        while part := response.raw.read1(65536, decode_content=True):
            size += len(part)
            if size > LARGEST_ANSWER:
                raise Lost(f"the answer of {place} is longer than {LARGEST_ANSWER} bytes")
            if time.monotonic() > deadline:
                raise Lost(f"{place} did not answer in time")
            parts.append(part)
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise Lost(f"{place} cut its answer short") from error
    expected = response.headers.get("Content-Length", "")
    if expected.isdecimal() and "Content-Encoding" not in response.headers and size < int(expected):
        raise Lost(f"{place} cut its answer short")
    return b"".join(parts)


def _never_connected(error: BaseException) -> bool:
    seen: BaseException | None = error
    for _ in range(6):
        if isinstance(seen, (urllib3.exceptions.NewConnectionError, ssl.SSLCertVerificationError)):
            return True
        inner = getattr(seen, "reason", None) or (seen.args[0] if seen is not None and seen.args else None)
        seen = inner if isinstance(inner, BaseException) else getattr(seen, "__cause__", None)
        if seen is None:
            return False
    return False


def _same_place(url: str, location: str) -> str:
    here, there = urlsplit(url), urlsplit(location)
    same_host = there.hostname == here.hostname
    same_origin = same_host and there.scheme == here.scheme and _port(there) == _port(here)
    upgraded = same_host and here.scheme == "http" and there.scheme == "https"
    if not (same_origin or upgraded):
        raise Elsewhere(
            f"{_bare(url)} redirects to {_bare(location)}, another place, which is not followed; "
            "if that is right, put it as url into connectors.yml."
        )
    return location


def _port(parts: SplitResult) -> int | None:
    return parts.port or _DEFAULT_PORTS.get(parts.scheme)


def _bare(url: str) -> str:
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{host}{port}{parts.path}"


def _retry_after(value: str | None) -> float | None:
    if not value:
        return None
    if value.strip().isdecimal():
        return float(min(int(value), 86_400))
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return max(0.0, (moment - datetime.now(timezone.utc)).total_seconds())
