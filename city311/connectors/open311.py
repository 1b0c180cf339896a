"""A client for any Open311 GeoReport v2 server (https://wiki.open311.org/GeoReport_v2/), and for the embedded desk.

What is tried again, and when: reading, whenever it failed for now; writing, only when the server surely did not take it
(not reached, 429), or when it takes our own number and so makes nothing twice. Anything else that goes wrong with a
write is :class:`~city311.connectors.model.Unclear`, and the caller looks with :meth:`Open311.find` before it sends
again.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Container, Sequence
from datetime import datetime, timezone, tzinfo
from typing import NoReturn, TypeVar
from urllib.parse import quote, urlsplit

import requests
import structlog
import tenacity

from city311.city.model import WorkOrders
from city311.connectors import answers, transport
from city311.connectors import open311_answers as reading
from city311.connectors.answers import Record, text
from city311.connectors.breaker import Breaker
from city311.connectors.matching import SLACK, is_ours
from city311.connectors.model import (
    Followup,
    Receipt,
    RemoteDefinition,
    RemoteRequest,
    RemoteService,
    Submission,
    SystemRefused,
    SystemUnavailable,
    Unclear,
)
from city311.connectors.open311_forms import followup_form, request_form, utc
from city311.connectors.transport import Answer, Elsewhere, Form, Lost, NotReached

_ATTEMPTS = 3
_FIRST_PAUSE_S = 0.25
_LONGEST_PAUSE_S = 2.0
_BREAKER_FAILURES = 5
_BREAKER_PAUSE_S = 15.0
_DISCOVERY_HOLDS_S = 3600.0
_PAGE_SIZE = 200
_MOST_PAGES = 10
_CHANGED_PAGES = 100
_IDS_AT_ONCE = 50
_PASSING = frozenset({408, 425, 429})

log = structlog.get_logger(__name__)
T = TypeVar("T")


class Open311:
    """One GeoReport v2 endpoint. Safe to share between threads."""

    def __init__(
        self,
        config: WorkOrders,
        api_key: str,
        *,
        session: requests.Session | None = None,
        zone: tzinfo = timezone.utc,
        breaker: Breaker | None = None,
    ) -> None:
        """
        Args:
            config: the city's ``connectors.yml``; ``url`` or ``discovery_url`` is set.
            api_key: sent as a form field with POSTs, and nowhere else.
            session: instead of one made for this server.
            zone: what times without zone are meant in (the city's).
            breaker: instead of one that opens after 5 failures in a row for 15 seconds.

        Raises:
            ValueError: neither address is given, or one is no HTTP address, or the format is neither json nor xml.
        """
        given = config.discovery_url or config.url
        if urlsplit(given).scheme not in ("http", "https") or not urlsplit(given).hostname:
            raise ValueError(f"workorders: url is {given!r}; give an http(s) url or discovery_url in connectors.yml.")
        if config.format not in ("json", "xml"):
            raise ValueError(f"workorders: format is {config.format!r}; it must be json or xml (connectors.yml).")
        self._config = config
        self._api_key = api_key
        self._session = session or transport.open_session(given)
        self._zone = zone
        self._breaker = breaker or Breaker(_BREAKER_FAILURES, _BREAKER_PAUSE_S)
        self._found: tuple[str, str, float] | None = None

    @property
    def own_numbers(self) -> bool:
        """Whether the server takes our number, so that sending a request again makes nothing twice."""
        return self._config.own_numbers

    def services(self) -> list[RemoteService]:
        """The server's service list.

        Raises:
            SystemUnavailable, SystemRefused
        """
        rows = self._get("/services", (), self._deadline(None), "services")
        return [service for row in rows if (service := reading.service(row))]

    def service_definition(self, code: str) -> RemoteDefinition:
        """The server's questions for service ``code``; without any where the service has none.

        Raises:
            SystemUnavailable, SystemRefused (404: no such service)
        """
        rows = self._get(f"/services/{_segment(code)}", (), self._deadline(None), "service_definition")
        row = rows[0] if rows else {}
        attributes = [reading.attribute(item) for item in answers.records(row.get("attributes"), "attributes")]
        return RemoteDefinition(
            service_code=text(row, "service_code") or code,
            attributes=tuple(sorted((item for item in attributes if item.code), key=lambda item: item.order)),
        )

    def create(self, submission: Submission, *, budget_s: float) -> Receipt:
        """Hand ``submission`` over.

        Returns:
            What the server gave; neither id nor token from a blackbox service.

        Raises:
            SystemUnavailable: it surely was not taken; try later.
            SystemRefused: it will not be taken as it is.
            Unclear: it may have been taken; :meth:`find` it before sending it again.
        """
        deadline = self._deadline(budget_s)
        form = request_form(submission, self._config, self._api_key)

        def once() -> Receipt:
            base, extension = self._endpoint(deadline)
            return reading.receipt(self._exchange("POST", f"{base}/requests.{extension}", form, deadline))

        again = (SystemUnavailable, Unclear) if self.own_numbers else (SystemUnavailable,)
        return _persist(once, again, deadline)

    def find(
        self, submission: Submission, since: datetime, *, taken: Container[str] = (), budget_s: float | None = None
    ) -> Receipt | None:
        """Look whether the server has ``submission``, sent at or after ``since``; None where it does not list it.

        Args:
            taken: ids that are known to belong to other requests of ours.

        Raises:
            SystemUnavailable, SystemRefused
        """
        deadline = self._deadline(budget_s)
        if self.own_numbers:
            found = self._status(submission.number, deadline)
            return Receipt(service_request_id=found.id) if found else None
        window = (
            ("service_code", submission.service_code),
            ("start_date", utc(since - SLACK)),
            ("end_date", utc(datetime.now(timezone.utc) + SLACK)),
            ("page_size", str(_PAGE_SIZE)),
        )
        seen: set[str] = set()
        for page in range(1, _MOST_PAGES + 1):
            query = window if page == 1 else (*window, ("page", str(page)))
            try:
                rows = self._get("/requests", query, deadline, "requests")
            except SystemRefused as refused:
                if refused.status != 400 or page > 1:
                    raise
                rows = self._get("/requests", window[:1], deadline, "requests")  # a server that minds our filters
            for row in rows:
                if is_ours(row, submission, since, self._zone, taken):
                    identity, token = reading.name_of(row)
                    return Receipt(identity, token, text(row, "service_notice"))
            ids = {text(row, "service_request_id") or "" for row in rows}
            if not ids - seen:  # also a server without paging
                return None
            seen |= ids
        return None

    def status(self, request_id: str, *, budget_s: float) -> RemoteRequest | None:
        """The request as it is there now; None where the server does not know it.

        Raises:
            SystemUnavailable, SystemRefused
        """
        return self._status(request_id, self._deadline(budget_s))

    @property
    def lists_changes(self) -> bool:
        """Whether it takes ``updated_after``."""
        return self._config.lists_changes

    def changed(self, since: datetime, *, budget_s: float) -> list[RemoteRequest]:
        """Requests that changed at or after ``since``.

        Raises:
            SystemUnavailable, SystemRefused: also when not every page came: what is missing must not count as seen.
        """
        deadline = self._deadline(budget_s)
        found: dict[str, RemoteRequest] = {}
        for page in range(1, _CHANGED_PAGES + 1):
            window = (("updated_after", utc(since)), ("page", str(page)), ("page_size", str(_PAGE_SIZE)))
            rows = self._listed(window, deadline)
            new = {one.id: one for one in rows if one.id not in found}
            found |= new
            if len(rows) < _PAGE_SIZE or not new:  # a server without pages gives the same again
                return list(found.values())
        raise SystemUnavailable(f"more than {_CHANGED_PAGES * _PAGE_SIZE} requests changed")

    def several(self, request_ids: Sequence[str], *, budget_s: float) -> list[RemoteRequest]:
        """The requests of those ids, as far as the server knows them.

        Raises:
            SystemUnavailable, SystemRefused
        """
        deadline = self._deadline(budget_s)
        found: list[RemoteRequest] = []
        for start in range(0, len(request_ids), _IDS_AT_ONCE):
            some = ",".join(request_ids[start : start + _IDS_AT_ONCE])
            found += self._listed((("service_request_id", some),), deadline)
        wanted = set(request_ids)
        return [one for one in found if one.id in wanted]

    def _listed(self, fields: Form, deadline: float) -> list[RemoteRequest]:
        rows = self._get("/requests", fields, deadline, "requests")
        named = ((row, answers.identity(row, "service_request_id")) for row in rows)
        return [reading.request(row, identity, self._zone) for row, identity in named if identity]

    def resolve_token(self, token: str, *, budget_s: float | None = None) -> str | None:
        """The id that ``token`` became; None while there is none.

        Raises:
            SystemUnavailable, SystemRefused
        """
        try:
            rows = self._get(f"/tokens/{_segment(token)}", (), self._deadline(budget_s), "requests")
        except SystemRefused as refused:
            if refused.status == 404:
                return None
            raise
        said = (answers.identity(row, "service_request_id") for row in rows if text(row, "token") in (token, None))
        return next((identity for identity in said if identity), None)

    @property
    def takes_followups(self) -> bool:
        """Whether it takes ``servicerequestupdates``."""
        return self._config.updates

    @property
    def obeys_followups(self) -> bool:
        """Whether their ``status`` closes and opens a request: the embedded desk does."""
        return self._config.updates and self.own_numbers

    def follow_up(self, followup: Followup, *, budget_s: float) -> None:
        """Hand over what a resident says about a request, as FixMyStreet's extension has it.

        Raises:
            SystemUnavailable: it surely was not taken; try later.
            SystemRefused: it will not be taken as it is.
            Unclear: it may have been taken; the embedded desk makes nothing twice.
        """
        deadline = self._deadline(budget_s)
        form = followup_form(followup, self._config, self._api_key)

        def once() -> None:
            base, extension = self._endpoint(deadline)
            answer = self._exchange("POST", f"{base}/servicerequestupdates.{extension}", form, deadline)
            if answer.body.strip():
                try:
                    reading.rows(answer, "requests")  # some servers answer 200 with an error inside
                except SystemUnavailable as error:
                    raise Unclear(str(error)) from error

        again = (SystemUnavailable, Unclear) if self.obeys_followups else (SystemUnavailable,)
        _persist(once, again, deadline)

    # -- one call

    def _status(self, request_id: str, deadline: float) -> RemoteRequest | None:
        for path, query in (
            (f"/requests/{_segment(request_id)}", ()),
            ("/requests", (("service_request_id", request_id),)),  # servers without the single request
        ):
            try:
                rows = self._get(path, query, deadline, "requests")
            except SystemRefused as refused:
                if refused.status == 404:
                    continue
                raise
            alone = len(rows) == 1 and not query
            for row in rows:
                identity = text(row, "service_request_id")
                if identity == request_id or (identity is None and alone and text(row, "status")):
                    return reading.request(row, request_id, self._zone)
        return None

    def _get(self, path: str, query: Form, deadline: float, kind: str) -> list[Record]:
        def once() -> list[Record]:
            base, extension = self._endpoint(deadline)
            answer = self._exchange("GET", f"{base}{path}.{extension}", (*self._always(), *query), deadline)
            return reading.rows(answer, kind)

        return _persist(once, (SystemUnavailable,), deadline)

    def _exchange(self, method: str, url: str, fields: Form, deadline: float) -> Answer:
        """One guarded exchange; an answer of the server's that is no error of its own."""
        if time.monotonic() >= deadline:
            raise SystemUnavailable("no time left to call the system of record")
        if not self._breaker.admit():
            raise SystemUnavailable(
                "the system of record keeps failing and is left alone for a moment",
                retry_after_s=self._breaker.wait_s(),
            )
        try:
            if method == "POST":
                answer = transport.post(self._session, url, fields, connect_s=self._config.timeout_s, deadline=deadline)
            else:
                answer = transport.get(self._session, url, fields, timeout_s=self._config.timeout_s, deadline=deadline)
        except NotReached as error:
            self._breaker.failed()
            raise SystemUnavailable(str(error)) from error
        except Lost as error:
            self._breaker.failed()
            _out_of_reach(method, str(error), error)
        except Elsewhere as error:
            self._breaker.abandoned()
            raise SystemRefused(str(error), status=0) from error
        except BaseException:
            self._breaker.abandoned()
            raise
        return self._judged(method, url, answer)

    def _judged(self, method: str, url: str, answer: Answer) -> Answer:
        place = f"{method} {urlsplit(url).path} answered {answer.status}"
        if answer.status in _PASSING:
            self._breaker.abandoned()
            if answer.status == 408 and method == "POST":
                raise Unclear(place)
            raise SystemUnavailable(place, retry_after_s=answer.retry_after_s)
        if answer.status >= 500:
            self._breaker.failed()
            # a gateway's 502 or 504 says nothing about what stands behind it, and a 500 may come after the write
            _out_of_reach(method, place, None, answer.retry_after_s)
        self._breaker.succeeded()
        if not 200 <= answer.status < 300:
            code, description = answers.error(answer.body, answer.charset)
            raise SystemRefused(place, status=answer.status, code=code or str(answer.status), description=description)
        return answer

    def _deadline(self, budget_s: float | None) -> float:
        return time.monotonic() + (self._config.timeout_s * _ATTEMPTS if budget_s is None else budget_s)

    def _always(self) -> Form:
        fields = []
        if self._config.jurisdiction_id:
            fields.append(("jurisdiction_id", self._config.jurisdiction_id))
        if self._config.extensions:
            fields.append(("extensions", "true"))
        return fields

    # -- where the server is

    def _endpoint(self, deadline: float) -> tuple[str, str]:
        """(base URL without slash at its end, json or xml)."""
        if not self._config.discovery_url:
            return self._config.url.rstrip("/"), self._config.format
        found = self._found
        if found and time.monotonic() - found[2] < _DISCOVERY_HOLDS_S:
            return found[0], found[1]
        try:
            base, extension = self._discover(deadline)
        except (SystemUnavailable, SystemRefused):
            if found:  # an old address is better than none
                return found[0], found[1]
            raise
        self._found = (base, extension, time.monotonic())
        return base, extension

    def _discover(self, deadline: float) -> tuple[str, str]:
        given = self._config.discovery_url.rstrip("/")
        whole = given.endswith((".json", ".xml"))
        problem: Exception | None = None
        for url in (given,) if whole else (f"{given}/discovery.json", f"{given}/discovery.xml"):
            try:
                # reading is all that happens here, whatever the outer call is about
                answer = self._exchange("GET", url, (), deadline)
                return reading.endpoint(answer, self._config.format)
            except (SystemRefused, SystemUnavailable) as error:
                problem = error
        raise SystemUnavailable(f"service discovery at {given} gave no GeoReport v2 endpoint: {problem}") from problem


def _persist(call: Callable[[], T], again: tuple[type[Exception], ...], deadline: float) -> T:
    """``call``, tried again after ``again`` while time and attempts last, with full jitter or as long as the server
    asks.
    """

    def pause(state: tenacity.RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked = error.retry_after_s if isinstance(error, SystemUnavailable) else None
        if asked is not None:
            return asked
        return random.uniform(0, min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2**state.attempt_number))  # noqa: S311

    return tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(again),
        stop=tenacity.stop_after_attempt(_ATTEMPTS) | tenacity.stop_before_delay(max(0.0, deadline - time.monotonic())),
        wait=pause,
        reraise=True,
    )(call)


def _out_of_reach(method: str, message: str, cause: Exception | None, retry_after_s: float | None = None) -> NoReturn:
    if method == "POST":
        raise Unclear(message) from cause
    raise SystemUnavailable(message, retry_after_s=retry_after_s) from cause


def _segment(value: str) -> str:
    return quote(value, safe="")
