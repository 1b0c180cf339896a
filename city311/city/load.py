"""Loads a city pack and says everything that is wrong with it: file, line, remedy."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, time
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import holidays
import jsonschema

from city311.city.model import (
    Calendar,
    Choice,
    City,
    Clock,
    Danger,
    Department,
    DuplicateRule,
    GeocoderConfig,
    Location,
    LocationType,
    OnlyIf,
    Pack,
    Question,
    QuestionType,
    Service,
    Sla,
    StateRule,
    WorkOrders,
)
from city311.city.places import known_kinds, place_names, unknown_names
from city311.city.routes import routes, wrong_routes
from city311.city.yaml_lines import Document, Path_, YamlProblem, read

_SCHEMAS = Path(__file__).parent / "schemas"
_FILES = ("city", "departments", "services", "calendar", "connectors", "places")
_OPTIONAL = ("connectors", "places")
_FOLDERS = {"places": "places"}
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_YES_NO = ("yes", "no")
_RESERVED = ("service", "location", "review", "change")
"""Codes that every report uses itself; ``description`` and ``contact`` it has too, and a service may word them."""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong in a pack. ``line`` counts from 1; ``where`` is a path (``services.pothole.sla``)."""

    file: Path
    line: int
    where: str
    message: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.where}: {self.message} {self.remedy}"


class PackError(ValueError):
    """The pack cannot be used; ``problems`` says why."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


def load_pack(folder: Path) -> Pack:
    """The pack in ``folder``.

    Raises:
        PackError: with every problem found, not just the first.
    """
    problems: list[Problem] = []
    documents = {name: document for name in _FILES if (document := _document(folder, name, problems)) is not None}
    if problems:
        raise PackError(problems)
    problems = list(_cross_checks(folder, documents))
    if problems:
        raise PackError(problems)
    return _build(folder, {name: document.data for name, document in documents.items()})


def _path(folder: Path, name: str) -> Path:
    return folder / _FOLDERS.get(name, "") / f"{name}.yml"


def _document(folder: Path, name: str, problems: list[Problem]) -> Document | None:
    path = _path(folder, name)
    if not path.is_file():
        if name in _OPTIONAL:
            return Document({}, {})
        remedy = (
            "Write it (docs/city-admin.md shows one)." if folder.is_dir() else "Set CITY to the folder of a city pack."
        )
        problems.append(Problem(path, 1, name, "The file is missing.", remedy))
        return None
    try:
        document = read(path)
    except YamlProblem as problem:
        problems.append(Problem(path, problem.line, name, f"The file {problem}.", "Correct the YAML at this line."))
        return None
    errors = sorted(
        _validator(name).iter_errors(document.data), key=lambda error: [str(part) for part in error.absolute_path]
    )
    for error in errors:
        problems.extend(_explain(path, document, error))
    return document if not errors else None


@cache
def _validator(name: str) -> Any:
    schema = json.loads((_SCHEMAS / f"{name}.schema.json").read_text(encoding="utf-8"))
    return jsonschema.Draft202012Validator(schema)


def _explain(path: Path, document: Document, error: Any) -> Iterator[Problem]:
    at: Path_ = tuple(error.absolute_path)
    where = ".".join(str(part) for part in at) or path.stem
    line = document.line(at)
    value, rule = error.instance, error.validator_value
    if "propertyNames" in error.absolute_schema_path:
        line, where = document.line((*at, value)), f"{where}.{value}"
        yield Problem(path, line, where, f"{value!r} is no name that can stand here.", f"It must match {rule}.")
        return
    shown = json.dumps(value, ensure_ascii=False, default=str)
    shown = shown if len(shown) <= 60 else shown[:57] + "..."
    if (
        error.validator == "additionalProperties"
        and isinstance(value, dict)
        and error.schema.get("additionalProperties") is False
    ):
        known = list(error.schema.get("properties", {}))
        for key in value:
            if key not in known:
                yield Problem(
                    path,
                    document.line((*at, key)),
                    f"{where}.{key}",
                    f"There is no setting {key!r} here.",
                    _nearest(key, known),
                )
        return
    if error.validator == "required":
        # One error comes for each that is missing, and each holds the whole list.
        key = next(key for key in rule if error.message.startswith(repr(key)))
        yield Problem(path, line, where, f"{key!r} is missing.", f"Add {key!r}.")
        return
    if error.validator == "enum":
        yield Problem(
            path, line, where, f"{shown} is not known here.", _nearest(str(value), [str(item) for item in rule])
        )
        return
    if error.validator == "type":
        remedy = "Put it in quotes." if rule == "string" and isinstance(value, int | float | bool) else ""
        remedy = remedy or f"Write a value of type {rule}."
        yield Problem(path, line, where, f"{shown} has the wrong type.", remedy)
        return
    if error.validator == "pattern":
        yield Problem(path, line, where, f"{shown} has the wrong form.", f"It must match {rule}.")
        return
    if error.validator == "not":
        yield Problem(path, line, where, "This setting makes no sense together with the others here.", "Take it out.")
        return
    message = f"{shown} does not fit here." if error.validator == "anyOf" else f"{error.message}."
    yield Problem(path, line, where, message, error.schema.get("description", "See docs/city-admin.md."))


def _nearest(word: str, known: list[str]) -> str:
    close = difflib.get_close_matches(word, known, n=1)
    return f"Did you mean {close[0]!r}?" if close else f"Use one of: {', '.join(known)}."


def _cross_checks(folder: Path, documents: Mapping[str, Document]) -> Iterator[Problem]:
    def problem(name: str, at: Path_, message: str, remedy: str) -> Problem:
        where = ".".join(str(part) for part in at)
        return Problem(_path(folder, name), documents[name].line(at), where, message, remedy)

    city = documents["city"].data
    try:
        ZoneInfo(city["timezone"])
    except (ZoneInfoNotFoundError, ValueError, OSError):
        yield problem(
            "city",
            ("timezone",),
            f"{city['timezone']!r} is no time zone.",
            "Use an IANA name such as America/New_York.",
        )
    calendar = documents["calendar"].data
    yield from _calendar_checks(calendar, problem)
    departments, groups = documents["departments"].data, documents["services"].data["groups"]
    services = documents["services"].data["services"]
    fallback = city.get("catch_all_service")
    if fallback and fallback not in services:
        yield problem(
            "city", ("catch_all_service",), f"There is no service {fallback!r}.", _nearest(fallback, list(services))
        )
    for index, danger in enumerate(city.get("dangers", ())):
        if danger["safety"] not in city["safety"]:
            yield problem(
                "city",
                ("dangers", index, "safety"),
                f"There is no safety text {danger['safety']!r}.",
                _nearest(danger["safety"], list(city["safety"])),
            )
    for topic, code in city.get("offices", {}).items():
        if code not in departments:
            yield problem(
                "city", ("offices", topic), f"There is no department {code!r}.", _nearest(code, list(departments))
            )
    names: dict[str, str] = {}
    for code, service in services.items():
        at: Path_ = ("services", code)
        if service["department"] not in departments:
            yield problem(
                "services",
                (*at, "department"),
                f"There is no department {service['department']!r}.",
                _nearest(service["department"], list(departments)),
            )
        if service["group"] not in groups:
            yield problem(
                "services",
                (*at, "group"),
                f"There is no group {service['group']!r}.",
                _nearest(service["group"], list(groups)),
            )
        name = _source(service["name"], city["languages"][0]).casefold()
        if name in names:
            yield problem(
                "services", (*at, "name"), f"{names[name]!r} has the same name.", "Give each service a name of its own."
            )
        names[name] = code
        yield from _question_checks(at, service.get("questions", []), city["safety"], problem)
        asset = service.get("duplicate", {}).get("asset")
        questions = [question["code"] for question in service.get("questions", [])]
        if asset and asset not in questions:
            yield problem(
                "services",
                (*at, "duplicate", "asset"),
                f"This service has no question {asset!r}.",
                _nearest(asset, questions or ["(none)"]),
            )
    kinds = known_kinds(folder, documents["places"].data)
    for code, service in services.items():
        for where, kind, word, known in wrong_routes(("services", code), service, departments, kinds):
            yield problem("services", where, f"There is no {kind} {word!r}.", _nearest(word, known or ["(none)"]))
    for where, kind, word, known in unknown_names(documents["places"].data, departments, groups, services):
        said = f"There is no {kind} {word!r}." if word else "A rule that refers needs a department."
        yield problem("places", where, said, _nearest(word, known))


def _calendar_checks(calendar: Mapping[str, Any], problem: Any) -> Iterator[Problem]:
    country = calendar["country"]
    if country:
        supported = holidays.list_supported_countries()
        if country not in supported:
            yield problem(
                "calendar",
                ("country",),
                f"{country!r} is not a country of the holidays library.",
                "Use an ISO code such as US, or an empty string for none.",
            )
        elif calendar.get("subdivision") and calendar["subdivision"] not in supported[country]:
            yield problem(
                "calendar",
                ("subdivision",),
                f"{country} has no part {calendar['subdivision']!r}.",
                _nearest(calendar["subdivision"], list(supported[country])),
            )
    for key in ("extra", "open_on"):
        for index, text in enumerate(calendar.get(key, [])):
            try:
                date.fromisoformat(text)
            except ValueError:
                yield problem(
                    "calendar",
                    (key, text if key == "extra" else index),
                    f"{text!r} is no day.",
                    "Write year-month-day, such as 2026-12-24.",
                )
    starts, ends = calendar.get("day_starts", "08:00"), calendar.get("day_ends", "17:00")
    if starts >= ends:
        at = ("day_ends",) if "day_ends" in calendar else ("day_starts",)
        yield problem("calendar", at, f"The day ends at {ends} and starts at {starts}.", "Let it end after it starts.")
    if len(calendar.get("weekend", [])) == len(_WEEKDAYS):
        yield problem("calendar", ("weekend",), "Every day is a weekend.", "Leave at least one working day.")


def _question_checks(
    at: Path_, questions: list[dict[str, Any]], safety: Mapping[str, Any], problem: Any
) -> Iterator[Problem]:
    seen: dict[str, list[str]] = {}
    types: dict[str, str] = {}
    labels: set[str] = set()
    for index, question in enumerate(questions):
        here: Path_ = (*at, "questions", index)
        answers = (
            list(_YES_NO)
            if question["type"] == "yes_no"
            else [choice["code"] for choice in question.get("choices", [])]
        )
        if question["code"] in seen:
            yield problem(
                "services",
                (*here, "code"),
                f"The question {question['code']!r} stands twice.",
                "Give each question a code of its own.",
            )
        if question["code"] in _RESERVED:
            yield problem(
                "services",
                (*here, "code"),
                f"{question['code']!r} is a name that every report uses itself.",
                "Choose another code.",
            )
        if question["code"] in ("description", "contact") and question["type"] != "text":
            yield problem(
                "services",
                (*here, "type"),
                f"{question['code']!r} words a question that every report asks, which takes text.",
                "Write type: text, or choose another code.",
            )
        for number, answer in enumerate(answers):
            if answer in answers[:number]:
                yield problem(
                    "services",
                    (*here, "choices", number, "code"),
                    f"Two choices have the same code {answer!r}.",
                    "Give each choice a code of its own.",
                )
        label = json.dumps(question["label"], sort_keys=True).casefold()
        if label in labels:
            yield problem(
                "services",
                (*here, "label"),
                f"The label {question['label']!r} stands twice.",
                "Give each question a label of its own.",
            )
        labels.add(label)
        for answer, key in question.get("stop", {}).items():
            if answer not in answers:
                yield problem(
                    "services",
                    (*here, "stop", answer),
                    f"{answer!r} is no answer of this question.",
                    _nearest(answer, answers),
                )
            if key not in safety:
                yield problem(
                    "services",
                    (*here, "stop", answer),
                    f"city.yml has no safety text {key!r}.",
                    _nearest(key, list(safety)),
                )
        if condition := question.get("only_if"):
            if question["type"] == "notice":
                yield problem(
                    "services",
                    (*here, "only_if"),
                    "A notice is told to everybody.",
                    "Take only_if out, or put the words into the question's explain.",
                )
            if types.get(condition["code"]) in ("notice", "photo"):
                yield problem(
                    "services",
                    (*here, "only_if", "code"),
                    f"{condition['code']!r} is a {types[condition['code']]}, which gives no answer to go by.",
                    "Name a question of another type.",
                )
            elif condition["code"] not in seen:
                yield problem(
                    "services",
                    (*here, "only_if", "code"),
                    f"No earlier question is called {condition['code']!r}.",
                    _nearest(condition["code"], list(seen) or ["(none)"]),
                )
            else:
                for value in condition["is"]:
                    if seen[condition["code"]] and value not in seen[condition["code"]]:
                        yield problem(
                            "services",
                            (*here, "only_if", "is"),
                            f"{value!r} is no answer of {condition['code']!r}.",
                            _nearest(value, seen[condition["code"]]),
                        )
        seen[question["code"]] = answers
        types[question["code"]] = question["type"]


def _source(text: Any, language: str) -> str:
    """The source words of a text: the string, or its English, or the city's first language, or the first one given."""
    if isinstance(text, str):
        return text
    return str(text.get("en") or text.get(language) or next(iter(text.values())))


class _Words:
    """Turns the pack's texts into source strings and gathers their translations."""

    def __init__(self, language: str) -> None:
        self.language = language
        self.translations: dict[str, dict[str, str]] = {}

    def __call__(self, text: Any) -> str:
        source = _source(text, self.language)
        if isinstance(text, dict):
            for language, words in text.items():
                self.translations.setdefault(language, {})[source] = words
        return source


def _build(folder: Path, data: Mapping[str, Any]) -> Pack:
    words = _Words(data["city"]["languages"][0])
    departments = {
        code: Department(
            code,
            words(entry["name"]),
            entry.get("phone", ""),
            words(entry["after_hours"]) if "after_hours" in entry else "",
        )
        for code, entry in data["departments"].items()
    }
    groups = {code: words(text) for code, text in data["services"]["groups"].items()}
    services = {code: _service(code, entry, departments, words) for code, entry in data["services"]["services"].items()}
    city = data["city"]
    return Pack(
        folder=folder,
        city=City(
            code=city["code"],
            name=words(city["name"]),
            phone=city["phone"],
            website=city.get("website", ""),
            timezone=ZoneInfo(city["timezone"]),
            languages=tuple(city["languages"]),
            hours=words(city["hours"]),
            emergency_phone=city["emergency_phone"],
            safety={key: words(text) for key, text in city["safety"].items()},
            catch_all_service=city.get("catch_all_service", ""),
            quiet_from=time.fromisoformat(city.get("quiet_hours", {}).get("from", "21:00")),
            quiet_until=time.fromisoformat(city.get("quiet_hours", {}).get("until", "08:00")),
            reopen_days=city.get("reopen_days", 30),
            dangers=tuple(Danger(tuple(each["words"]), each["safety"]) for each in city.get("dangers", ())),
            offices={topic: departments[code] for topic, code in city.get("offices", {}).items()},
        ),
        departments=departments,
        groups=groups,
        services=services,
        calendar=_calendar(data["calendar"]),
        workorders=_workorders(data["connectors"].get("workorders", {})),
        geocoder=GeocoderConfig(**data["connectors"]["geocode"]) if "geocode" in data["connectors"] else None,
        places=place_names(data["places"], words) if data["places"] else None,
        translations=words.translations,
    )


_IN_PUBLIC = (LocationType.POINT.value, LocationType.ASSET.value)
"""Places of things in the street, whose photos show no home unless by accident."""


def _service(code: str, entry: Mapping[str, Any], departments: Mapping[str, Department], words: _Words) -> Service:
    place, duplicate = entry["location"], entry.get("duplicate")
    return Service(
        code=code,
        name=words(entry["name"]),
        group=entry["group"],
        department=departments[entry["department"]],
        description=words(entry["description"]),
        keywords=tuple(words(text) for text in entry.get("keywords", ())),
        sla=Sla(Clock(entry["sla"]["unit"]), entry["sla"].get("amount", 0)),
        next_step=words(entry["next_step"]),
        location=Location(
            LocationType(place["type"]), words(place["ask"]) if "ask" in place else "", tuple(place.get("replaces", ()))
        ),
        priority=entry["priority"],
        questions=tuple(_question(question, words) for question in entry.get("questions", ())),
        duplicate=DuplicateRule(**{"show_photo": place["type"] in _IN_PUBLIC, **duplicate}) if duplicate else None,
        routes=routes(entry.get("routes", ())),
    )


def _question(entry: Mapping[str, Any], words: _Words) -> Question:
    condition = entry.get("only_if")
    return Question(
        code=entry["code"],
        label=words(entry["label"]),
        ask=words(entry["ask"]),
        type=QuestionType(entry["type"]),
        required=entry["required"],
        explain=words(entry["explain"]) if "explain" in entry else "",
        choices=tuple(
            Choice(choice["code"], words(choice["say"]), tuple(words(text) for text in choice.get("also", ())))
            for choice in entry.get("choices", ())
        ),
        stop=dict(entry.get("stop", {})),
        unknown=entry.get("unknown", True),
        format=entry.get("format", ""),
        only_if=OnlyIf(condition["code"], tuple(condition["is"])) if condition else None,
        when=entry.get("when", "past"),
    )


def _calendar(entry: Mapping[str, Any]) -> Calendar:
    return Calendar(
        country=entry["country"],
        subdivision=entry.get("subdivision", ""),
        weekend=frozenset(_WEEKDAYS.index(day) for day in entry.get("weekend", ("saturday", "sunday"))),
        extra={date.fromisoformat(day): name for day, name in entry.get("extra", {}).items()},
        open_on=frozenset(date.fromisoformat(day) for day in entry.get("open_on", ())),
        day_starts=time.fromisoformat(entry.get("day_starts", "08:00")),
        day_ends=time.fromisoformat(entry.get("day_ends", "17:00")),
    )


def _workorders(entry: Mapping[str, Any]) -> WorkOrders:
    embedded = not entry.get("url") and not entry.get("discovery_url")
    rules = tuple(
        StateRule(rule["state"], tuple(rule.get("status", ())), tuple(rule.get("notes", ())))
        for rule in entry.get("states", ())
    )
    ours = {"own_numbers": embedded, "extensions": embedded, "lists_changes": embedded, "updates": embedded}
    return WorkOrders(**{**ours, **entry, "states": rules})
