"""What the embedded desk takes for a service request: fields, place and answers, checked against the city pack.

Nothing here knows HTTP; :class:`Refused` carries everything that is wrong, in the terms of Open311 GeoReport v2.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from urllib.parse import urlsplit

from city311.city.model import LocationType, Pack, Question, QuestionType, Service

DESCRIPTION_LIMIT = 4000
"""Characters, as the standard says."""

UNKNOWN = "unknown"
"""The answer of someone who does not know, where the question allows that."""

_LIMITS = {
    "address_string": 500,
    "address_id": 200,
    "email": 254,
    "first_name": 200,
    "last_name": 200,
    "phone": 60,
    "device_id": 200,
    "account_id": 200,
    "description": DESCRIPTION_LIMIT,
}
_SHORT_ANSWER = 255
_URL_LIMIT = 2000
_MEDIA_LIMIT = 10
_DECIMAL = re.compile(r"[+-]?(?:[0-9]{1,15}(?:\.[0-9]{0,20})?|\.[0-9]{1,20})")
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
"""What XML 1.0 cannot carry, and the C1 controls, which do things to a terminal."""


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a call. ``status`` is the HTTP status the standard gives it: 400, 403 or 404."""

    status: int
    description: str


class Refused(Exception):
    """The desk does not do what was asked; ``problems`` is never empty and repeats nothing a resident wrote."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("; ".join(problem.description for problem in problems))
        self.problems = problems


@dataclass(frozen=True)
class Report:
    """A checked service request. Texts are empty where nothing was given; ``attributes`` maps code to answer."""

    service: Service
    address: str
    address_id: str
    lat: float | None
    long: float | None
    description: str
    attributes: Mapping[str, str]
    media_urls: tuple[str, ...]
    first_name: str
    last_name: str
    email: str
    phone: str
    device_id: str
    account_id: str
    agency: str = ""


def clean(name: str, text: str) -> str:
    """``text`` without blanks around it and with plain line ends.

    Raises:
        Refused: it has characters that XML or a database cannot hold; ``name`` says which parameter.
    """
    if _UNPRINTABLE.search(text):
        raise Refused(Problem(400, f"{name} has control characters or other characters that are not allowed in XML."))
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


def check(
    pack: Pack, fields: Mapping[str, str], attributes: Mapping[str, Sequence[str]], media_urls: Sequence[str]
) -> Report:
    """The report that cleaned parameters make.

    Args:
        pack: the city, with its services and their questions.
        fields: the standard's parameters by their names (``service_code``, ``lat``, …); empty equals absent.
        attributes: answers by question code; empty values equal absent.
        media_urls: addresses of photos.

    Raises:
        Refused: with everything that is wrong.
    """
    code = fields.get("service_code", "")
    if not code:
        raise Refused(Problem(400, "service_code was not provided."))
    service = pack.services.get(code)
    if service is None:
        raise Refused(Problem(404, "service_code was not found; GET services lists the codes."))
    wrong = [
        *_lengths(fields),
        *_place(service, fields),
        *check_media(media_urls),
        *_answers(pack, service, attributes),
    ]
    if wrong:
        raise Refused(*wrong)
    return Report(
        service=service,
        address=fields.get("address_string", ""),
        address_id=fields.get("address_id", ""),
        lat=_degrees(fields.get("lat", ""), 90),
        long=_degrees(fields.get("long", ""), 180),
        description=fields.get("description", ""),
        attributes={name: values[0] for name, given in attributes.items() if (values := _given(given))},
        media_urls=tuple(media_urls),
        first_name=fields.get("first_name", ""),
        last_name=fields.get("last_name", ""),
        email=fields.get("email", ""),
        phone=fields.get("phone", ""),
        device_id=fields.get("device_id", ""),
        account_id=fields.get("account_id", ""),
        agency=fields.get("agency_responsible", ""),
    )


def asked(service: Service) -> list[Question]:
    """The questions a client sees, in order: without photos (``media_url``) and what the location already answers."""
    return [
        question
        for question in service.questions
        if question.type is not QuestionType.PHOTO and question.code not in service.location.replaces
    ]


def values_of(question: Question) -> list[str]:
    """Every value a ``choice`` or ``yes_no`` question takes."""
    return ["yes", "no"] if question.type is QuestionType.YES_NO else [choice.code for choice in question.choices]


def _lengths(fields: Mapping[str, str]) -> Iterable[Problem]:
    for name, limit in _LIMITS.items():
        if len(fields.get(name, "")) > limit:
            yield Problem(400, f"{name} is longer than {limit} characters.")


def _place(service: Service, fields: Mapping[str, str]) -> Iterable[Problem]:
    lat, long = fields.get("lat", ""), fields.get("long", "")
    if bool(lat) != bool(long):
        yield Problem(400, "lat and long must be provided together.")
    if lat and _degrees(lat, 90) is None:
        yield Problem(400, "lat must be a decimal number from -90 to 90 (WGS84).")
    if long and _degrees(long, 180) is None:
        yield Problem(400, "long must be a decimal number from -180 to 180 (WGS84).")
    somewhere = lat or long or fields.get("address_string") or fields.get("address_id")
    if not somewhere and service.location.type is not LocationType.NONE:
        yield Problem(400, "A location was not provided: lat and long, or address_string, or address_id.")


def _degrees(text: str, limit: int) -> float | None:
    if not _DECIMAL.fullmatch(text):
        return None
    value = float(text)
    return value if -limit <= value <= limit else None


def check_media(urls: Sequence[str]) -> Iterable[Problem]:
    """What is wrong with addresses of photos."""
    if len(urls) > _MEDIA_LIMIT:
        yield Problem(400, f"media_url was provided more than {_MEDIA_LIMIT} times.")
    if not all(is_web_address(url) for url in urls):
        yield Problem(400, f"media_url must be an http or https URL of at most {_URL_LIMIT} characters.")


def is_web_address(url: str) -> bool:
    """Whether it is an http or https address without blanks, quotes or a user's name in it."""
    if len(url) > _URL_LIMIT or re.search(r"[\s<>\"\\]", url):
        return False
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:
        return False


def _answers(pack: Pack, service: Service, attributes: Mapping[str, Sequence[str]]) -> Iterable[Problem]:
    questions = {
        question.code: question
        for question in service.questions
        if question.type not in (QuestionType.PHOTO, QuestionType.NOTICE)
    }
    given = {code: values for code, raw in attributes.items() if (values := _given(raw))}
    for code, values in given.items():
        if code not in questions:
            name = f"attribute[{code}]" if re.fullmatch(r"[\w-]{1,60}", code) else "An attribute"
            yield Problem(400, f"{name} is unknown; GET services/{service.code} lists this service's attributes.")
            continue
        question = questions[code]
        if len(values) > 1:
            yield Problem(400, f"attribute[{code}] takes one value.")
        elif (emergency := question.stop.get(values[0])) is not None:
            yield Problem(400, pack.city.safety[emergency])
        elif (complaint := _complaint(question, values[0])) is not None:
            yield Problem(400, f"attribute[{code}] {complaint}")
    for question in asked(service):
        if question.code in questions and question.code not in given and _is_required(question, given):
            yield Problem(400, f"attribute[{question.code}] was not provided; this service requires it.")


def _given(values: Sequence[str]) -> list[str]:
    """Values without empty ones and repetitions."""
    return list(dict.fromkeys(value for value in values if value))


def _is_required(question: Question, given: Mapping[str, Sequence[str]]) -> bool:
    if not question.required:
        return False
    condition = question.only_if
    return condition is None or any(value in condition.values for value in given.get(condition.code, ()))


def _complaint(question: Question, value: str) -> str | None:
    if value == UNKNOWN and question.unknown:
        return None
    return _CHECKS[question.type](question, value)


def _check_list(question: Question, value: str) -> str | None:
    keys = values_of(question)
    return None if value in keys else f"must be one of: {', '.join(keys)}."


def _check_text(question: Question, value: str) -> str | None:
    if not question.format:
        return None if len(value) <= DESCRIPTION_LIMIT else f"is longer than {DESCRIPTION_LIMIT} characters."
    if "\n" in value:
        return "must be a single line."
    return None if len(value) <= _SHORT_ANSWER else f"is longer than {_SHORT_ANSWER} characters."


def _check_number(_question: Question, value: str) -> str | None:
    return None if _DECIMAL.fullmatch(value) else "must be a decimal number such as 12 or 3.5."


def _check_date(_question: Question, value: str) -> str | None:
    try:
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
            date.fromisoformat(value)
            return None
        if datetime.fromisoformat(value).tzinfo is not None:
            return None
    except ValueError:
        pass
    return "must be a date such as 2026-01-31, or a date and time with a zone such as 2026-01-31T08:00:00-05:00."


_CHECKS: Mapping[QuestionType, Callable[[Question, str], str | None]] = {
    QuestionType.CHOICE: _check_list,
    QuestionType.YES_NO: _check_list,
    QuestionType.TEXT: _check_text,
    QuestionType.NUMBER: _check_number,
    QuestionType.DATE: _check_date,
}
