"""What the Open311 server shows: requests, services, service definitions, discovery.

Field names are the standard's. What a reader must never get is left out here.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from functools import partial

from city311.city.model import Pack, Question, QuestionType, Service
from city311.language.catalogues import spoken_language
from city311.language.responses import Responses, responses
from city311.portal.open311_xml import Value
from city311.requests.desk_privacy import redact
from city311.requests.desk_rules import asked, values_of
from city311.requests.states import State
from city311.store.base import now
from city311.store.desk import DeskRequest

_SPECIFICATION = "http://wiki.open311.org/GeoReport_v2"

ZipOf = Callable[[float, float], str]
"""The ZIP code of a latitude and longitude (WGS 84 degrees); an empty string where none is known."""


def request(pack: Pack, row: DeskRequest, extensions: bool, zip_of: ZipOf) -> dict[str, Value]:
    """One request as anyone may read it; ``extensions`` adds its state and history."""
    when = partial(_w3c, pack)
    public = partial(redact, mark=_words(pack).say("utter_value_removed"))
    name = f"{row.first_name} {row.last_name}".strip()
    zipcode = zip_of(row.lat, row.long) if row.lat is not None and row.long is not None else ""
    shown: dict[str, Value] = {
        "service_request_id": row.number,
        "status": "open" if State(row.state).is_open else "closed",
        "status_notes": row.status_notes or None,
        "service_name": row.service_name,
        "service_code": row.service_code,
        "description": public(row.description, name) or None,
        "agency_responsible": row.agency,
        "service_notice": row.service_notice or None,
        "requested_datetime": when(row.requested_at),
        "updated_datetime": when(row.updated_at),
        "expected_datetime": when(row.expected_at),
        "address": public(row.address, name) or None,
        "address_id": row.address_id or None,
        "zipcode": zipcode or None,
        "lat": row.lat,
        "long": row.long,
        "media_url": row.media_urls[0] if row.media_urls else None,
    }
    if extensions:
        shown["extended_attributes"] = {
            "state": row.state,
            "state_since": when(row.state_since),
            "evidence": row.evidence or None,
            "duplicate_of": row.duplicate_of or None,
        }
        shown["notes"] = [
            {"datetime": when(note.at), "description": note.note or None, "type": note.state} for note in row.notes
        ]
    return shown


def _words(pack: Pack) -> Responses:
    return responses(pack, spoken_language(pack))


def _w3c(pack: Pack, at: datetime | None) -> str | None:
    return at.astimezone(pack.city.timezone).isoformat(timespec="seconds") if at is not None else None


def service_entry(pack: Pack, service: Service) -> dict[str, Value]:
    """One entry of the service list."""
    return {
        "service_code": service.code,
        "service_name": service.name,
        "description": service.description or None,
        "metadata": any(question.type is not QuestionType.NOTICE for question in asked(service)),
        "type": "realtime",
        "keywords": ", ".join(service.keywords) or None,
        "group": pack.groups.get(service.group, service.group),
    }


def definition(pack: Pack, service: Service) -> dict[str, Value]:
    """A service's questions. Photos are no attributes; a notice is one without input."""
    attributes = [_attribute(pack, question, order) for order, question in enumerate(asked(service), start=1)]
    return {"service_code": service.code, "attributes": attributes}


def _attribute(pack: Pack, question: Question, order: int) -> dict[str, Value]:
    datatype = _datatype(question)
    shown: dict[str, Value] = {
        "variable": question.type is not QuestionType.NOTICE,
        "code": question.code,
        "datatype": datatype,
        "required": question.required and question.only_if is None and question.type is not QuestionType.NOTICE,
        "datatype_description": question.explain or None,
        "order": order,
        "description": question.ask,
    }
    if datatype == "singlevaluelist":
        shown["values"] = [{"key": key, "name": _name(pack, question, key)} for key in values_of(question)]
    return shown


def _name(pack: Pack, question: Question, value: str) -> str:
    if question.type is QuestionType.YES_NO:
        return _words(pack).say(f"utter_button_{value}")
    return next(choice.say for choice in question.choices if choice.code == value)


def _datatype(question: Question) -> str:
    if question.type in (QuestionType.CHOICE, QuestionType.YES_NO):
        return "singlevaluelist"
    if question.type is QuestionType.NUMBER:
        return "number"
    if question.type is QuestionType.DATE:
        return "datetime"
    return "string" if question.format else "text"


def discovery(pack: Pack, base_url: str, changed: str) -> dict[str, Value]:
    """The discovery document (https://wiki.open311.org/Service_Discovery/); ``changed`` is its :func:`changeset`."""
    city = pack.city
    contact = ", ".join(part for part in (city.name, city.phone, city.website) if part)
    return {
        "changeset": changed,
        "contact": contact,
        "key_service": _words(pack).say("utter_api_key", values={"contact": contact}),
        "endpoints": [
            {
                "specification": _SPECIFICATION,
                "url": base_url,
                "changeset": changed,
                "type": "production",
                "formats": ["text/xml", "application/json"],
            }
        ],
    }


def changeset(pack: Pack) -> str:
    """When the pack's files were last changed; the start of this process where it has none."""
    times = [file.stat().st_mtime for file in pack.folder.glob("*.yml")] if pack.folder.is_dir() else []
    newest = datetime.fromtimestamp(max(times), timezone.utc) if times else now()
    return newest.isoformat(timespec="seconds")
