"""What is sent to an Open311 GeoReport v2 server, as fields of a form."""

from __future__ import annotations

from datetime import datetime, timezone

from city311.city.model import WorkOrders
from city311.connectors.matching import marked
from city311.connectors.model import Followup, Submission
from city311.connectors.transport import Form


def request_form(submission: Submission, config: WorkOrders, api_key: str) -> Form:
    """A request, as the fields of a POST."""
    own = config.own_numbers
    fields = [
        ("api_key", api_key),
        ("jurisdiction_id", config.jurisdiction_id),
        ("service_code", submission.service_code),
        ("service_request_id", submission.number if own else ""),
        ("lat", _degrees(submission.lat) if submission.long is not None else ""),
        ("long", _degrees(submission.long) if submission.lat is not None else ""),
        ("address_string", submission.address),
        ("description", submission.description if own else _for_others(submission)),
        ("first_name", submission.first_name),
        ("last_name", submission.last_name),
        ("email", submission.email),
        ("phone", submission.phone),
        ("agency_responsible", submission.agency if own else ""),
    ]
    # The standard knows one photo; our own desk takes them all.
    fields.extend(("media_url", address) for address in submission.media_urls[: None if own else 1])
    for code, values in submission.attributes.items():
        name = f"attribute[{code}]" if len(values) == 1 else f"attribute[{code}][]"
        fields.extend((name, value) for value in values)
    return [(name, value) for name, value in fields if value]


def followup_form(followup: Followup, config: WorkOrders, api_key: str) -> Form:
    """What is said about a request afterwards, as the fields of a POST."""
    # The extension wants a status always; our own desk takes words alone for no wish to open it again.
    status = followup.status or ("" if config.updates and config.own_numbers else "open")
    fields = [
        ("api_key", api_key),
        ("jurisdiction_id", config.jurisdiction_id),
        ("service_request_id", followup.request_id),
        ("update_id", followup.key),
        ("updated_datetime", utc(followup.said_at)),
        ("status", status.upper()),
        ("description", followup.text),
        *(("media_url", address) for address in followup.media_urls),
    ]
    return [(name, value) for name, value in fields if value]


def _for_others(submission: Submission) -> str:
    """The description with our number, and the addresses of the photos that the standard's one field does not hold."""
    return marked("\n".join([submission.description, *submission.media_urls[1:]]), submission.number)


def _degrees(value: float | None) -> str:
    return "" if value is None else f"{value:.7f}".rstrip("0").rstrip(".")


def utc(moment: datetime) -> str:
    """A moment as GeoReport v2 writes it."""
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
