"""Which department a request goes to: the city pack's rules on place, asset, answers and time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from city311.city.calendar import closing
from city311.city.model import Department, Pack, Service
from city311.store.ledger import ServiceRequest


def department(
    pack: Pack, service: Service, place: Mapping[str, str], answers: Mapping[str, Sequence[str]], at: datetime
) -> Department:
    """The department for a request made at ``at``: that of a referral, else of the first route that fits, else the
    service's own.

    Args:
        pack: the city.
        service: what is reported.
        place: what is known of the place; ``responsible`` is the code of the rule it is referred by.
        answers: question code → answer codes.
        at: an aware moment.
    """
    rules = pack.places.responsible if pack.places is not None else ()
    referred = next((rule.department for rule in rules if rule.code == place.get("responsible")), "")
    if referred in pack.departments:
        return pack.departments[referred]
    is_open = is_office_open(pack, at)
    code = next((route.department for route in service.routes if route.fits(place, answers, is_open=is_open)), "")
    return pack.departments.get(code, service.department)


def is_office_open(pack: Pack, at: datetime) -> bool:
    """Whether the city works at that moment."""
    return closing(at, pack.calendar, pack.city.timezone) is not None


def department_of(row: ServiceRequest, pack: Pack) -> Department | None:
    """The department that a request was given to when it was made; None where the pack has it no more."""
    return pack.departments.get(str(row.submission.get("department", "")))
