"""The embedded desk over the wire: an Open311 GeoReport v2 server (https://wiki.open311.org/GeoReport_v2/).

Every resource ends in ``.json`` or ``.xml``: ``discovery``, ``services``, ``services/<code>``, ``requests`` (GET and
POST), ``requests/<id>``, ``tokens/<token>``, and ``servicerequestupdates`` (POST). All services are ``realtime``, so
there never is a token to ask for. Only POST needs an ``api_key``. Readers never get names, telephone numbers, e-mail
addresses, devices, accounts or answers; descriptions and addresses come with telephone numbers and e-mail addresses
taken out.

Beyond the standard:

* POST ``service_request_id``: the caller's own number, taken from the sequence this installation shares with it; only
  for keys made with ``own_numbers``. A repeated POST with the same key and number answers as the first did and
  makes nothing.
* POST ``agency_responsible``: the name of the department it is for, where the client knows; only for those keys.
* POST ``media_url`` may be repeated; readers get the first.
* POST refuses, with the city's safety text, an answer that says there is danger now (``stop`` in the city pack): such a
  report must not wait in a desk.
* GET ``page`` and ``page_size`` (1 to 500); ``updated_after`` and ``updated_before``, which lift the 90 days' limit
  where no ``start_date`` or ``end_date`` is given; ``extensions=true`` adds ``extended_attributes`` (``state``,
  ``state_since``) and ``notes`` (``datetime``, ``description``, ``type``: the state from then on).
* POST ``servicerequestupdates``, as FixMyStreet's extension has it (https://github.com/mysociety/fixmystreet/wiki):
  what a resident says about a request that is there, with ``service_request_id``, ``update_id`` (the caller's own;
  repeated, it changes nothing), ``updated_datetime``, ``description``, ``media_url`` (may be repeated) and ``status``:
  ``open`` has a closed request opened again, ``closed`` takes an open one back, left out it stays. Only for the key
  that made the request, and for keys made with ``own_numbers``. Readers never get these.
* Where a question of the pack allows it, the answer ``unknown`` is taken for any attribute.
* An attribute that is asked only after a certain answer is ``required=false`` in the definition, and required after
  that answer.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog
from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute
from sqlalchemy import Engine
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import QueryParams

from city311.city.model import Pack
from city311.portal import open311_views as views
from city311.portal.bodies import TooLarge, body_of
from city311.portal.open311_form import Form, listed, moment, read_form, whole_number
from city311.portal.open311_xml import CONTENT_TYPES, Value, render
from city311.requests import desk
from city311.requests.desk_remarks import check_remark, take
from city311.requests.desk_rules import Problem, Refused, check, clean
from city311.store import numbers
from city311.store.base import now
from city311.store.desk import ApiKey
from city311.store.keys import find_key

BODY_LIMIT = 1_000_000
"""Bytes of a POST."""

_SPAN = timedelta(days=90)
_ROWS = 1000
_PAGE = 100
_LONGEST_PAGE = 500
_IDS = 500
_RESOURCES = re.compile(
    r"(?:discovery|services(?:/[^/]+)?|requests(?:/[^/]+)?|tokens/[^/]+|servicerequestupdates)\.(?:json|xml)"
)

_log = structlog.get_logger(__name__)


def open311_router(
    pack: Pack, engine: Engine, base_url: str, zip_of: views.ZipOf = lambda _lat, _long: ""
) -> APIRouter:
    """The server's routes, without a prefix.

    Args:
        pack: whose services are offered.
        engine: database with the newest schema.
        base_url: public address where the router is mounted, e.g. ``https://311.example.org/open311/v2``;
            discovery hands it out.
        zip_of: finds the ``zipcode`` of a request.
    """
    router = APIRouter(tags=["Open311 GeoReport v2"], route_class=_StandardErrors)
    changeset = views.changeset(pack)

    async def posted(request: Request, work: Callable[[Pack, Engine, QueryParams, str, bytes], Value]) -> Value:
        body, content_type = await _body(request), request.headers.get("content-type", "")
        return await run_in_threadpool(work, pack, engine, request.query_params, content_type, body)

    @router.get("/discovery.{form}")
    def discovery(form: str) -> Response:
        """Where this server is and what it speaks."""
        return _answer(form, "discovery", views.discovery(pack, base_url.rstrip("/"), changeset))

    @router.get("/services.{form}")
    def services(request: Request, form: str) -> Response:
        """What can be requested."""
        _query(pack, request.query_params)
        return _answer(form, "services", [views.service_entry(pack, service) for service in pack.services.values()])

    @router.get("/services/{service_code}.{form}")
    def service_definition(request: Request, service_code: str, form: str) -> Response:
        """The questions of one service."""
        _query(pack, request.query_params)
        service = pack.services.get(service_code)
        if service is None:
            raise Refused(Problem(404, "service_code was not found; GET services lists the codes."))
        return _answer(form, "service_definition", views.definition(pack, service))

    @router.get("/requests.{form}")
    def service_requests(request: Request, form: str) -> Response:
        """Requests that match, newest first."""
        query = _query(pack, request.query_params)
        return _answer(form, "service_requests", _found(pack, engine, query, zip_of))

    @router.post("/requests.{form}")
    async def create(request: Request, form: str) -> Response:
        """Make a request."""
        return _answer(form, "service_requests", await posted(request, _create))

    @router.post("/servicerequestupdates.{form}")
    async def update(request: Request, form: str) -> Response:
        """Add to a request, take it back, or have it opened again."""
        return _answer(form, "service_request_updates", await posted(request, _update))

    @router.get("/requests/{service_request_id}.{form}")
    def service_request(request: Request, service_request_id: str, form: str) -> Response:
        """One request."""
        query = _query(pack, request.query_params)
        found = desk.find(engine, service_request_id)
        if found is None:
            raise Refused(Problem(404, "service_request_id was not found."))
        return _answer(form, "service_requests", [views.request(pack, found, _wants_extensions(query), zip_of)])

    @router.get("/tokens/{token}.{form}")
    def token_of(request: Request) -> Response:
        """Always 404: a request has its number at once."""
        _query(pack, request.query_params)
        raise Refused(Problem(404, "token was not found; this server gives a service_request_id at once."))

    @router.api_route(
        "/{rest:path}", methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"], include_in_schema=False
    )
    def nothing(request: Request, rest: str) -> Response:
        if _RESOURCES.fullmatch(rest):
            answer = _errors(rest.rpartition(".")[2], Problem(405, f"{request.method} is not offered here."))
            posts = {"requests": "GET, POST", "servicerequestupdates": "POST"}
            answer.headers["Allow"] = posts.get(rest.rpartition(".")[0], "GET")
            return answer
        raise Refused(Problem(404, "There is nothing here; GET discovery.json says where to start."))

    return router


class _StandardErrors(APIRoute):
    """Every failure of these routes leaves in the standard's format, and none with a stack trace."""

    def get_route_handler(self) -> Callable[[Request], Awaitable[Response]]:  # type: ignore[override]
        handle = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            form = "xml" if request.url.path.endswith(".xml") else "json"
            if request.path_params.get("form", form) != form:
                return _errors(form, Problem(404, "There is nothing here; formats are json and xml."))
            try:
                for name, value in request.path_params.items():
                    clean(name, value)
                return await handle(request)
            except Refused as refusal:
                return _errors(form, *refusal.problems)
            except Exception as error:
                # The message of an error may hold what a resident wrote: only its kind and place are kept.
                frames = traceback.extract_tb(error.__traceback__)[-5:]
                places = " < ".join(f"{frame.filename}:{frame.lineno}" for frame in reversed(frames))
                _log.error("open311.failed", method=request.method, error=type(error).__name__, at=places)
                return _errors(form, Problem(500, "The server failed; nothing is known to be stored. Try again later."))

        return guarded


def _answer(form: str, root: str, value: Value, status: int = 200) -> Response:
    headers = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
    return Response(render(form, root, value), status, headers, CONTENT_TYPES[form])


def _errors(form: str, *problems: Problem) -> Response:
    body: list[Value] = [{"code": problem.status, "description": problem.description} for problem in problems]
    return _answer(form, "errors", body, max(problem.status for problem in problems))


async def _body(request: Request) -> bytes:
    try:
        return await body_of(request, BODY_LIMIT)
    except TooLarge:
        raise Refused(Problem(413, f"The body is larger than {BODY_LIMIT} bytes.")) from None


def _query(pack: Pack, query: QueryParams) -> QueryParams:
    """The query, its texts checked and its jurisdiction ours."""
    for name, value in query.multi_items():
        clean("A parameter", name)
        clean("A parameter", value)
    _check_jurisdiction(pack, query.get("jurisdiction_id", ""))
    return query


def _check_jurisdiction(pack: Pack, jurisdiction: str) -> None:
    if jurisdiction and jurisdiction != pack.city.code:
        raise Refused(Problem(404, f"jurisdiction_id was not found; this server is for {pack.city.code}."))


def _form(pack: Pack, engine: Engine, query: QueryParams, content_type: str, body: bytes) -> tuple[Form, ApiKey]:
    """What was posted, and whose key it came with."""
    _query(pack, query)
    form = read_form(content_type, body)
    _check_jurisdiction(pack, form.fields.get("jurisdiction_id", ""))
    key = find_key(engine, form.fields.get("api_key", ""))
    if key is None:
        raise Refused(Problem(403, "api_key was not provided or is not valid."))
    return form, key


def _update(pack: Pack, engine: Engine, query: QueryParams, content_type: str, body: bytes) -> Value:
    form, key = _form(pack, engine, query, content_type, body)
    said_at = moment("updated_datetime", form.fields.get("updated_datetime", ""))
    remark = check_remark(form.fields, form.media_urls, said_at)
    take(engine, key, form.fields.get("service_request_id", ""), remark)
    return [{"update_id": remark.update_id}]


def _create(pack: Pack, engine: Engine, query: QueryParams, content_type: str, body: bytes) -> Value:
    form, key = _form(pack, engine, query, content_type, body)
    own_number = _own_number(key, form.fields.get("service_request_id", ""))
    # Before anything is checked: a repetition must get the first answer, whatever has changed since.
    created = desk.already_created(engine, key, own_number) if own_number is not None else None
    if created is None:
        report = check(pack, form.fields, form.attributes, form.media_urls)
        created = desk.create(engine, pack, key, report, own_number)
    return [{"service_request_id": created.number, "service_notice": created.service_notice}]


def _own_number(key: ApiKey, text: str) -> str | None:
    if not text:
        return None
    if not key.own_numbers:
        raise Refused(Problem(403, "This api_key may not bring its own service_request_id."))
    number = numbers.parse(text)
    if number is None:
        raise Refused(Problem(400, "service_request_id is not one of this server's numbers."))
    return number


def _found(pack: Pack, engine: Engine, query: QueryParams, zip_of: views.ZipOf) -> Value:
    ids = listed(query.getlist("service_request_id"))
    if len(ids) > _IDS:
        raise Refused(Problem(400, f"service_request_id lists more than {_IDS} ids."))
    if ids:
        wanted, limit, offset = desk.Filter(text_ids=ids), _IDS, 0
    else:
        wanted = _filter(query)
        paged = bool(query.get("page") or query.get("page_size"))
        page = whole_number("page", query.get("page", ""), default=1, highest=1_000_000)
        size = whole_number("page_size", query.get("page_size", ""), default=_PAGE, highest=_LONGEST_PAGE)
        limit, offset = (size, (page - 1) * size) if paged else (_ROWS, 0)
    extensions = _wants_extensions(query)
    rows = desk.search(engine, wanted, limit=limit, offset=offset)
    return [views.request(pack, row, extensions, zip_of) for row in rows]


def _filter(query: QueryParams) -> desk.Filter:
    statuses = listed(query.getlist("status"))
    if not set(statuses) <= {"open", "closed"}:
        raise Refused(Problem(400, "status must be open, closed or both with a comma between."))
    updated_from = moment("updated_after", query.get("updated_after", ""))
    updated_to = moment("updated_before", query.get("updated_before", ""))
    first = moment("start_date", query.get("start_date", ""))
    last = moment("end_date", query.get("end_date", ""))
    if first and last and not timedelta(0) <= last - first <= _SPAN:
        raise Refused(Problem(400, "end_date must be after start_date, by at most 90 days."))
    if first and not last:
        last = first + _SPAN
    elif last and not first:
        first = last - _SPAN
    elif not first and not updated_from and not updated_to:
        first = now() - _SPAN
    return desk.Filter(
        states=desk.states(statuses),
        services=listed(query.getlist("service_code")),
        requested_from=first,
        requested_to=last,
        updated_from=updated_from,
        updated_to=updated_to,
    )


def _wants_extensions(query: QueryParams) -> bool:
    return query.get("extensions", "").strip().lower() == "true"
