"""What passes between this installation and a geocoder elsewhere, and one careful way to ask it.

Addresses are personal data: none stands in a log line or an error message. A geocoder only ever helps, so nothing here
waits long: one repetition, a breaker, and the caller's budget.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import structlog

from city311.city.model import GeocoderConfig
from city311.connectors import transport
from city311.connectors.breaker import Breaker
from city311.connectors.model import SystemRefused, SystemUnavailable
from city311.connectors.transport import Elsewhere, Form, Lost, NotReached

_ATTEMPTS = 2
_PAUSE_S = 0.15
_BREAKER_FAILURES, _BREAKER_PAUSE_S = 4, 30.0
_PASSING = frozenset({408, 425, 429})
_USER_AGENT = "City311 geocoding client"

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Match:
    """A place that a geocoder found. WGS 84 degrees; ``score`` 0 to 1 as far as the geocoder tells; ``exact`` means a
    house or a crossing and not the middle of a street or town.
    """

    lat: float
    lon: float
    label: str
    score: float
    exact: bool
    street: str = ""
    zip: str = ""


@dataclass(frozen=True)
class Around:
    """Where to look: the city's extent in degrees, west, south, east, north."""

    west: float
    south: float
    east: float
    north: float


class Remote:
    """What the geocoders elsewhere have in common. Safe to share between threads."""

    def __init__(
        self, config: GeocoderConfig, around: Around | None, api_key: str = "", *, breaker: Breaker | None = None
    ) -> None:
        """
        Raises:
            ValueError: the url is no HTTP address.
        """
        if urlsplit(config.url).scheme not in ("http", "https") or not urlsplit(config.url).hostname:
            raise ValueError(f"geocode: url is {config.url!r}; give an http(s) url in connectors.yml.")
        self._config = config
        self._around = around
        self._api_key = api_key
        self._session = transport.open_session(config.url)
        # Public geocoders turn away clients that do not say who they are.
        self._session.headers.update({"User-Agent": _USER_AGENT, **self._headers()})
        self._breaker = breaker or Breaker(_BREAKER_FAILURES, _BREAKER_PAUSE_S)

    def _headers(self) -> Mapping[str, str]:
        """What this kind of geocoder wants in every request beside the usual."""
        return {}

    def _ask(self, path: str, query: Form, *, budget_s: float) -> Any:
        """The answer's JSON.

        Raises:
            SystemUnavailable: no answer for now.
            SystemRefused: it says no to this question.
        """
        deadline = time.monotonic() + budget_s
        if not self._breaker.admit():
            raise SystemUnavailable("the geocoder has failed several times and is left alone for now")
        try:
            answer = self._tried(path, query, deadline)
        except SystemRefused:
            self._breaker.succeeded()
            raise
        except SystemUnavailable as error:
            self._breaker.failed()
            log.warning("geocoder unavailable", kind=self._config.kind, reason=str(error))
            raise
        except BaseException:
            self._breaker.abandoned()
            raise
        self._breaker.succeeded()
        return answer

    def _tried(self, path: str, query: Form, deadline: float) -> Any:
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return self._once(path, query, deadline)
            except SystemUnavailable:
                if attempt == _ATTEMPTS or time.monotonic() + _PAUSE_S >= deadline:
                    raise
                time.sleep(_PAUSE_S)
        raise AssertionError("unreachable")

    def _once(self, path: str, query: Form, deadline: float) -> Any:
        url = f"{self._config.url.rstrip('/')}{path}"
        try:
            answer = transport.get(self._session, url, query, timeout_s=self._config.timeout_s, deadline=deadline)
        except (NotReached, Lost) as error:
            # Their messages name host and path, never the query.
            raise SystemUnavailable(str(error)) from None
        except Elsewhere as error:
            raise SystemRefused(str(error), status=302) from None
        if answer.status >= 500 or answer.status in _PASSING:
            raise SystemUnavailable(f"status {answer.status}", retry_after_s=answer.retry_after_s)
        if answer.status >= 400:
            raise SystemRefused(f"status {answer.status}", status=answer.status)
        try:
            return json.loads(answer.body)
        except (ValueError, RecursionError):
            raise SystemUnavailable("the answer is no JSON") from None


def number(value: Any) -> float | None:
    """A finite number from a number or a string; None for anything else."""
    try:
        found = float(value)
    except (TypeError, ValueError):
        return None
    return found if abs(found) < 1e6 else None


def record(value: Any) -> Mapping[str, Any]:
    """A JSON object, or an empty one."""
    return value if isinstance(value, dict) else {}


def rows(value: Any) -> Sequence[Mapping[str, Any]]:
    """The objects of a JSON list, or none."""
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def words(value: Any) -> str:
    """Text of a field, on one line; empty for what is none."""
    return " ".join(str(value).split())[:200] if isinstance(value, str | int) else ""
