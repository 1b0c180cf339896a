"""A GeoReport v2 server over HTTP on a free loopback port, with a switch for every way in which real servers differ."""

from __future__ import annotations

import html
import json
import socket
import threading
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

from harness.http import Handler, Server

KEY = "the-right-key"
GEOREPORT = "http://wiki.open311.org/GeoReport_v2"

XML_LISTS = {
    "services": "service",
    "service_requests": "request",
    "service_request_updates": "request_update",
    "errors": "error",
    "attributes": "attribute",
    "values": "value",
    "endpoints": "endpoint",
    "formats": "format",
}


@dataclass
class Switches:
    """How this server differs. The defaults follow the standard."""

    formats: tuple[str, ...] = ("json", "xml")
    numeric_ids: bool = False
    flow: str = "id"  # id, token, blackbox
    token_ready: bool = False
    single_object: bool = False
    error_shape: str = "array"  # array, object, string, text, html
    errors_with_200: bool = False
    content_type: str = ""
    answer_gate: threading.Event | None = None  # POSTs are stored, then wait here before they are answered
    before_gate: threading.Event | None = None  # POSTs wait here before they are stored
    get_delay_s: float = 0.0
    drip: bool = False
    cut_before: int = 0  # so many POSTs lose their connection before the write
    cut_after: int = 0  # and so many after it
    cut_gets: int = 0
    fail: int = 0  # so many answers are `fail_status` without doing anything
    fail_after: int = 0  # so many POSTs are stored and answered with `fail_status`
    fail_status: int = 503
    retry_after: str = ""
    fail_methods: tuple[str, ...] = ("GET", "POST")
    redirect_status: int = 0
    redirect_to: str = ""  # format string with {path}
    redirect_prefix: str = "/old"
    dates: str = "iso"  # iso, no_zone, rfc2822, slashed, spaced, epoch, nonsense
    empty_as: str = "empty"  # empty, null, absent
    extra_fields: bool = False
    text_coordinates: bool = False
    answer_raw: bytes | None = None  # every answer is these bytes
    post_raw: bytes | None = None  # POSTs are stored and answered with these bytes
    bom: bool = False
    dtd: bool = False
    huge: bool = False
    ignore_paging: bool = True
    ignore_filters: bool = False
    no_single_request: bool = False
    truncate_description: int = 0
    escape_description: bool = False
    hide_description: bool = False
    duplicates: bool = False
    own_numbers: bool = False
    status_words: str = ""
    refuse: bool = False
    refuse_filters: bool = False
    takes_updates: bool = True
    endpoints: list[dict[str, Any]] | None = None


@dataclass
class Call:
    method: str
    path: str
    query: dict[str, list[str]]
    form: dict[str, list[str]]
    headers: dict[str, str]


@dataclass
class Double:
    """``with Double() as server``: ``server.url`` is the base URL, ``server.rows`` what it stored."""

    switches: Switches = field(default_factory=Switches)
    rows: list[dict[str, Any]] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock)
    stored: threading.Event = field(default_factory=threading.Event)
    arrived: threading.Event = field(default_factory=threading.Event)
    tokens: dict[str, str] = field(default_factory=dict)
    updates: list[dict[str, Any]] = field(default_factory=list)

    def __enter__(self) -> Double:
        double = self

        class GeoReport(_GeoReport):
            server_double = double

        self._server = Server(GeoReport).__enter__()
        self.port = self._server.port
        return self

    def __exit__(self, *_: object) -> None:
        for gate in (self.switches.answer_gate, self.switches.before_gate):
            if gate:
                gate.set()
        self._server.__exit__()

    @property
    def root(self) -> str:
        return self._server.url

    @property
    def url(self) -> str:
        return f"{self.root}/open311/v2"

    def posts(self) -> list[Call]:
        with self.lock:
            return [call for call in self.calls if call.method == "POST"]

    def add(self, **values: Any) -> dict[str, Any]:
        """Put a request there as another client would have."""
        with self.lock:
            row = {
                "service_request_id": str(293944 + len(self.rows)),
                "status": "open",
                "status_notes": "",
                "service_name": "",
                "service_code": "",
                "description": "",
                "agency_responsible": "",
                "requested_datetime": datetime.now(timezone.utc),
                "updated_datetime": datetime.now(timezone.utc),
                "expected_datetime": None,
                "address": "",
                "lat": "",
                "long": "",
                **values,
            }
            self.rows.append(row)
            return row


class _GeoReport(Handler):
    server_double: Double

    def do_GET(self) -> None:
        self._serve("GET")

    def do_POST(self) -> None:
        self._serve("POST")

    def _serve(self, method: str) -> None:
        double, how = self.server_double, self.server_double.switches
        parts = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        form = parse_qs(self.rfile.read(length).decode("ascii"), keep_blank_values=True) if length else {}
        call = Call(method, parts.path, parse_qs(parts.query), form, dict(self.headers.items()))
        with double.lock:
            double.calls.append(call)
        double.arrived.set()
        path = parts.path
        if how.redirect_status and path.startswith(how.redirect_prefix):
            location = how.redirect_to.format(path=path, rest=path.removeprefix(how.redirect_prefix), root=double.root)
            return self._send(how.redirect_status, b"", "text/plain", {"Location": location})
        with double.lock:
            if how.fail and method in how.fail_methods:
                how.fail -= 1
                extra = {"Retry-After": how.retry_after} if how.retry_after else {}
                return self._send(how.fail_status, b"<html><body>Busy</body></html>", "text/html", extra)
            if method == "GET" and how.cut_gets:
                how.cut_gets -= 1
                return self._cut()
        if method == "GET" and how.get_delay_s:
            time.sleep(how.get_delay_s)
        if how.answer_raw is not None:
            return self._send(200, how.answer_raw, how.content_type or "application/json")
        name, _, extension = path.rpartition(".")
        if extension not in how.formats:
            return self._send(404, b"<html><body>Not found</body></html>", "text/html")
        self.extension = extension
        if name == "/open311/discovery":
            return self._answer(self._discovery(), "discovery")
        if not name.startswith("/open311/v2/"):
            return self._error(404, "no such resource")
        resource = name.removeprefix("/open311/v2/").split("/")
        if method == "POST" and resource == ["requests"]:
            return self._create(form)
        if method == "POST" and resource == ["servicerequestupdates"] and how.takes_updates:
            return self._update(form)
        if method == "GET":
            return self._read(resource, call.query)
        return self._error(404, "no such resource")

    # -- the standard's resources

    def _read(self, resource: list[str], query: dict[str, list[str]]) -> None:
        double, how = self.server_double, self.server_double.switches
        first, second = resource[0], unquote(resource[1]) if len(resource) > 1 else None
        if first == "services" and second is None:
            return self._answer(SERVICES, "services", "service")
        if first == "services":
            if second != "pothole":
                return self._error(404, "service_code provided was not found")
            return self._answer(DEFINITION, "service_definition")
        if first == "tokens" and second is not None:
            if second not in double.tokens:
                return self._error(404, "token was not found")
            row = {"token": second}
            if how.token_ready:
                row["service_request_id"] = double.tokens[second]
            return self._answer([row], "service_requests", "request")
        if first != "requests" or (second is not None and how.no_single_request):
            return self._error(404, "no such resource")
        with double.lock:
            rows = list(double.rows)
        if second is not None:
            rows = [row for row in rows if row["service_request_id"] == second]
            if not rows:
                return self._error(404, "service_request_id was not found")
        elif how.refuse_filters and set(query) - {"service_code"}:
            return self._error(400, "unknown parameter")
        elif not how.ignore_filters:
            rows = _filtered(rows, query)
        if not how.ignore_paging and second is None:
            size = min(int(query.get("page_size", ["50"])[0]), 50)
            page = int(query.get("page", ["1"])[0])
            rows = rows[(page - 1) * size : page * size]
        shown = [self._shown(row) for row in rows]
        if how.duplicates:
            shown = [row for row in shown for _ in range(2)]
        return self._answer(shown, "service_requests", "request")

    def _create(self, form: dict[str, list[str]]) -> None:
        double, how = self.server_double, self.server_double.switches
        given = {name: values[0] for name, values in form.items()}
        if given.get("api_key") != KEY:
            return self._error(403, "Missing or invalid api_key")
        if how.refuse or not given.get("service_code"):
            return self._error(400, "service_code was not provided")
        with double.lock:
            cut = how.cut_before > 0
            how.cut_before -= cut
        if cut:
            return self._cut()
        if how.before_gate:
            how.before_gate.wait(30)
        with double.lock:
            receipt = self._store(given, form)
            cut, fail = how.cut_after > 0, how.fail_after > 0
            how.cut_after -= cut
            how.fail_after -= fail
        double.stored.set()
        if how.answer_gate:
            how.answer_gate.wait(30)
        if cut:
            return self._cut()
        if fail:
            return self._send(how.fail_status, b"<html><body>Bad gateway</body></html>", "text/html")
        if how.post_raw is not None:
            return self._send(200, how.post_raw, how.content_type or "text/html")
        return self._answer([receipt], "service_requests", "request", 201)

    def _update(self, form: dict[str, list[str]]) -> None:
        """As the embedded desk: the same id again changes nothing; status opens and closes."""
        double, how = self.server_double, self.server_double.switches
        given = {name: values[0] for name, values in form.items()}
        if given.get("api_key") != KEY:
            return self._error(403, "Missing or invalid api_key")
        with double.lock:
            if how.cut_before:
                how.cut_before -= 1
                return self._cut()
            rows = [row for row in double.rows if row["service_request_id"] == given["service_request_id"]]
            if not rows:
                return self._error(404, "service_request_id was not found")
            if given["update_id"] not in [one["update_id"] for one in double.updates]:
                double.updates.append({**given, "media_urls": form.get("media_url", [])})
                if how.own_numbers and given.get("status"):
                    state = {"CLOSED": "withdrawn", "OPEN": "reopened"}[given["status"]]
                    rows[0].update(status=given["status"].lower(), extended_attributes={"state": state})
                    rows[0]["updated_datetime"] = datetime.now(timezone.utc)
            if how.cut_after:
                how.cut_after -= 1
                return self._cut()
        return self._answer([{"update_id": given["update_id"]}], "service_request_updates", "request_update")

    def _store(self, given: dict[str, str], form: dict[str, list[str]]) -> dict[str, Any]:
        double, how = self.server_double, self.server_double.switches
        own = given.get("service_request_id") if how.own_numbers else None
        first = next((row for row in double.rows if own and row["service_request_id"] == own), None)
        description = given.get("description", "")
        if how.truncate_description:
            description = description[: how.truncate_description] + "..."
        if how.escape_description:
            description = html.escape(description).replace("\n", "<br />")
        row = first or double.add(
            **({"service_request_id": own} if own else {}),
            service_code=given["service_code"],
            description=description,
            address=given.get("address_string", ""),
            lat=given.get("lat", ""),
            long=given.get("long", ""),
            form=form,
        )
        identity = row["service_request_id"]
        notice = "A crew will look <b>soon</b>"
        if how.flow == "token":
            double.tokens[f"token-{identity}"] = identity
            return {"token": f"token-{identity}", "service_notice": notice, "account_id": ""}
        if how.flow == "blackbox":
            return {"service_notice": notice, "account_id": ""}
        return {"service_request_id": self._id(identity), "service_notice": notice, "account_id": ""}

    def _shown(self, row: dict[str, Any]) -> dict[str, Any]:
        how = self.server_double.switches
        shown = {name: value for name, value in row.items() if name != "form"}
        shown["service_request_id"] = self._id(row["service_request_id"])
        for name in ("requested_datetime", "updated_datetime", "expected_datetime"):
            shown[name] = _dated(row[name], how.dates) if row[name] else ""
        for name in ("lat", "long"):
            if shown[name] and not how.text_coordinates:
                shown[name] = float(shown[name])
        if how.hide_description:
            shown["description"] = ""
        if how.status_words:
            shown["status"] = how.status_words
        if how.extra_fields:
            shown |= {"_links": {"self": "x"}, "votes": 3, "flags": [1, 2], "zipcode": None, "nested": [{"a": None}]}
        return shown

    def _id(self, identity: str) -> str | int:
        return int(identity) if self.server_double.switches.numeric_ids and identity.isdecimal() else identity

    def _discovery(self) -> dict[str, Any]:
        double = self.server_double
        endpoints = double.switches.endpoints
        if endpoints is None:
            endpoints = [
                {
                    "specification": "http://wiki.open311.org/GeoReport_v1",
                    "url": f"{double.root}/v1",
                    "type": "production",
                },
                {"specification": GEOREPORT, "url": f"{double.root}/test/v2/", "type": "test", "formats": ["text/xml"]},
                {
                    "specification": GEOREPORT + "/",
                    "url": f"{double.url}/",
                    "changeset": "2026-01-01T00:00:00Z",
                    "type": "production",
                    "formats": ["text/xml", "application/json"],
                },
            ]
        return {"changeset": "2026-01-01T00:00:00Z", "contact": "x", "key_service": "y", "endpoints": endpoints}

    # -- how it is written

    def _answer(self, value: Any, root: str, item: str = "", status: int = 200) -> None:
        how = self.server_double.switches
        if isinstance(value, list):
            value = [_emptied(row, how.empty_as) for row in value]
        if self.extension == "json":
            if how.single_object and isinstance(value, list) and len(value) == 1:
                value = value[0]
            body = json.dumps(value).encode()
            if how.huge:
                body = json.dumps([{"service_request_id": "1", "description": "x" * 9_000_000}]).encode()
            kind = "application/json; charset=utf-8"
        else:
            if how.single_object and isinstance(value, list) and len(value) == 1:
                root, value = item, value[0]
            inside = _xml(value, root)
            head = '<?xml version="1.0" encoding="utf-8"?>'
            if how.dtd:
                head += '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>'
                inside = inside.replace("<status>", "<status>&b;", 1)
            body = (head + inside).encode()
            kind = "text/xml; charset=utf-8"
        if how.bom:
            body = b"\xef\xbb\xbf" + body
        self._send(status, body, how.content_type or kind)

    def _error(self, status: int, description: str) -> None:
        how = self.server_double.switches
        shape, xml = how.error_shape, getattr(self, "extension", "json") == "xml"
        one: dict[str, Any] = {"code": status, "description": description}
        if shape == "html":
            page = f"<!DOCTYPE html><html><head><title>Oh</title></head><body><p>{description}</p></body></html>"
            body, kind = page.encode(), "text/html"
        elif shape == "text":
            body, kind = description.encode(), "text/plain"
        elif xml:
            body, kind = f"<errors>{_xml(one, 'error')}</errors>".encode(), "text/xml"
        elif shape == "object":
            body, kind = json.dumps(one).encode(), "application/json"
        elif shape == "string":
            body, kind = json.dumps({"error": description}).encode(), "application/json"
        else:
            body, kind = json.dumps([one]).encode(), "application/json"
        self._send(200 if how.errors_with_200 else status, body, how.content_type or kind)

    def _send(self, status: int, body: bytes, kind: str, extra: dict[str, str] | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in (extra or {}).items():
            self.send_header(name, value)
        self.end_headers()
        if self.server_double.switches.drip:
            for byte in body:
                self.wfile.write(bytes([byte]))
                self.wfile.flush()
                time.sleep(0.05)
        else:
            self.wfile.write(body)

    def _cut(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)


def _filtered(rows: list[dict[str, Any]], query: dict[str, list[str]]) -> list[dict[str, Any]]:
    if "service_request_id" in query:
        wanted = query["service_request_id"][0].split(",")
        return [row for row in rows if row["service_request_id"] in wanted]
    if "service_code" in query:
        rows = [row for row in rows if row["service_code"] in query["service_code"][0].split(",")]
    if "start_date" in query:
        rows = [row for row in rows if row["requested_datetime"] >= datetime.fromisoformat(query["start_date"][0])]
    if "end_date" in query:
        rows = [row for row in rows if row["requested_datetime"] <= datetime.fromisoformat(query["end_date"][0])]
    return rows


def _dated(moment: datetime, style: str) -> str | int:
    local = moment.astimezone(timezone(timedelta(hours=-5)))
    return {
        "iso": moment.isoformat(),
        "no_zone": local.strftime("%Y-%m-%dT%H:%M:%S"),
        "rfc2822": format_datetime(moment),
        "slashed": moment.strftime("%Y/%m/%d %H:%M:%S +0000"),
        "spaced": moment.strftime("%Y-%m-%d %H:%M:%S UTC"),
        "epoch": int(moment.timestamp()),
        "nonsense": moment.strftime("%d/%m/%Y"),
    }[style]


def _emptied(row: Any, how: str) -> Any:
    if not isinstance(row, dict) or how == "empty":
        return row
    if how == "null":
        return {name: None if value == "" else value for name, value in row.items()}
    return {name: value for name, value in row.items() if value not in ("", None)}


def _xml(value: Any, name: str) -> str:
    if isinstance(value, list):
        item = XML_LISTS.get(name, "item")
        return f"<{name}>{''.join(_xml(entry, item) for entry in value)}</{name}>"
    if isinstance(value, dict):
        return f"<{name}>{''.join(_xml(inner, key.lstrip('_')) for key, inner in value.items())}</{name}>"
    if value is None:
        return f"<{name}/>"
    said = "true" if value is True else "false" if value is False else str(value)
    return f"<{name}>{escape(said)}</{name}>"


SERVICES: list[dict[str, Any]] = [
    {
        "service_code": "pothole",
        "service_name": "Pothole",
        "description": "A hole in the street",
        "metadata": True,
        "type": "realtime",
        "keywords": "hole, street,,",
        "group": "Streets",
    },
    {
        "service_code": 7,
        "service_name": "Cans left out",
        "description": "",
        "metadata": False,
        "type": "batch",
        "keywords": "",
        "group": "",
    },
]

DEFINITION: dict[str, Any] = {
    "service_code": "pothole",
    "attributes": [
        {
            "variable": True,
            "code": "where",
            "datatype": "singlevaluelist",
            "required": True,
            "datatype_description": "",
            "order": 2,
            "description": "Where is it?",
            "values": [{"key": 1, "name": "Bike lane"}, {"key": "lane", "name": "Traffic lane"}],
        },
        {"variable": False, "code": "hint", "datatype": "text", "required": False, "order": 1, "description": "Mind"},
    ],
}
