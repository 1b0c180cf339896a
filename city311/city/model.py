"""What a city pack says, as plain data. Loaded by :mod:`city311.city.load`; nothing here knows Riverbend.

Runs in both environments, so: standard library only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, time
from enum import Enum
from pathlib import Path
from zoneinfo import ZoneInfo

from city311.city.places import PlaceNames
from city311.city.routes import Route

Text = str
"""Words for people in the pack's source language; `Pack.say` finds their translation."""


class Clock(str, Enum):
    """How an SLA counts. ``amount`` goes with the first three only."""

    HOURS = "hours"
    DAYS = "days"
    BUSINESS_DAYS = "business_days"
    SAME_DAY = "same_day"
    STATUTORY = "statutory"
    REDIRECT = "redirect"
    NONE = "none"


class QuestionType(str, Enum):
    """What kind of answer a question takes. ``notice`` is told, not asked."""

    CHOICE = "choice"
    YES_NO = "yes_no"
    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    PHOTO = "photo"
    NOTICE = "notice"


class LocationType(str, Enum):
    """What kind of place a service needs."""

    POINT = "point"
    ADDRESS = "address"
    ASSET = "asset"
    NONE = "none"


@dataclass(frozen=True)
class Sla:
    """The time a department aims at. ``amount`` counts in ``unit``."""

    unit: Clock
    amount: int = 0


@dataclass(frozen=True)
class Choice:
    """One possible answer. ``say`` stands on the button; ``also`` lists other words residents use for it."""

    code: str
    say: Text
    also: tuple[Text, ...] = ()


@dataclass(frozen=True)
class OnlyIf:
    """Ask only when the answer to the question ``code`` is among ``values``."""

    code: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Question:
    """One question of a guided conversation (a service's own, a permit's, …).

    Attributes:
        code: name of the answer; the Open311 attribute code.
        label: short noun phrase for the read-back and for "change the …".
        ask: the question in a resident's words.
        explain: what is meant or why it is asked.
        choices: for ``choice``; ``yes_no`` has its own two.
        stop: answer code (``yes``, ``no`` or a choice) → key of ``City.safety``: that answer ends the
            conversation with that text and files nothing.
        unknown: whether "I don't know" is taken for an answer when required.
        format: known shape of a text: plate, account_number, permit_number, phone, citation.
        only_if: ask only after that answer.
        when: ``past`` or ``future``: on which side of today the day of a ``date`` lies.
    """

    code: str
    label: Text
    ask: Text
    type: QuestionType
    required: bool
    explain: Text = ""
    choices: tuple[Choice, ...] = ()
    stop: Mapping[str, str] = field(default_factory=dict)
    unknown: bool = True
    format: str = ""
    only_if: OnlyIf | None = None
    when: str = "past"


@dataclass(frozen=True)
class Location:
    """How a service asks for its place. ``replaces`` names service questions that this one answers."""

    type: LocationType
    ask: Text = ""
    replaces: tuple[str, ...] = ()


@dataclass(frozen=True)
class DuplicateRule:
    """When two requests may be the same thing: within ``radius_m`` metres, or the ``same`` address or asset.

    Attributes:
        same: ``address``, ``address_and_unit`` or ``asset``; empty where only the distance counts.
        asset: the question whose answer is the asset's number.
        open_days: a report that is open for longer is not the same any more.
        closed_days: for so long a closed report may still be meant.
        show_photo: whether who is asked sees a small photo of the earlier report.
    """

    radius_m: float = 0.0
    same: str = ""
    asset: str = ""
    open_days: float = 365.0
    closed_days: float = 7.0
    show_photo: bool = False


@dataclass(frozen=True)
class Department:
    """Who does the work. ``phone`` is what a resident may call; ``name`` is Open311's ``agency_responsible``.
    ``after_hours`` says what happens to an urgent report while the office is closed, and who is on call.
    """

    code: str
    name: Text
    phone: str = ""
    after_hours: Text = ""


@dataclass(frozen=True)
class Service:
    """One thing a resident can report or ask for."""

    code: str
    name: Text
    group: str
    department: Department
    description: Text
    keywords: tuple[Text, ...]
    sla: Sla
    next_step: Text
    location: Location
    priority: str
    questions: tuple[Question, ...] = ()
    duplicate: DuplicateRule | None = None
    routes: tuple[Route, ...] = ()

    @property
    def is_urgent(self) -> bool:
        """Whether somebody looks at it before the office opens."""
        return self.priority in ("urgent", "emergency")


@dataclass(frozen=True)
class Calendar:
    """Working days. ``weekend`` holds weekday numbers (Monday is 0); holidays come from the holidays library
    (``country``/``subdivision``) plus ``extra`` less ``open_on``."""

    country: str
    subdivision: str = ""
    weekend: frozenset[int] = frozenset({5, 6})
    extra: Mapping[date, str] = field(default_factory=dict)
    open_on: frozenset[date] = frozenset()
    day_starts: time = time(8, 0)
    day_ends: time = time(17, 0)


@dataclass(frozen=True)
class StateRule:
    """What a system of record's words mean. ``status`` holds words of its status or state, ``notes`` phrases in its
    notes; where both are given both must fit. ``state`` is a value of :class:`city311.requests.states.State`.
    """

    state: str
    status: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class WorkOrders:
    """Which system of record takes service requests (``connectors.yml``, port ``workorders``).

    Attributes:
        kind: connector module; ``open311``.
        url: Open311 base URL; empty means the embedded desk of this installation.
        discovery_url: service discovery document, instead of ``url``.
        jurisdiction_id: sent with every call when not empty.
        format: ``json`` or ``xml``.
        api_key_setting: name of the environment variable that holds the key.
        own_numbers: the server takes our number as ``service_request_id`` and answers a repeated POST with the
            first result (the embedded desk does).
        extensions: ask for the ``extensions=true`` fields.
        lists_changes: it takes ``updated_after``, so that what changed can be asked for.
        updates: it takes ``POST servicerequestupdates``: additions, withdrawals and reopenings.
        look_every_s: seconds between two looks at what changed.
        states: the first rule that fits says the state of a request.
        timeout_s: seconds for one call.
    """

    kind: str = "open311"
    url: str = ""
    discovery_url: str = ""
    jurisdiction_id: str = ""
    format: str = "json"
    api_key_setting: str = "CITY311_OPEN311_API_KEY"
    own_numbers: bool = False
    extensions: bool = False
    lists_changes: bool = False
    updates: bool = False
    look_every_s: float = 60.0
    states: tuple[StateRule, ...] = ()
    timeout_s: float = 3.0


TOPICS = ("bills", "permits", "licenses", "benefits", "records", "funds")
"""What residents ask for that a department of its own answers by phone."""


@dataclass(frozen=True)
class Danger:
    """A kind of danger. ``words``: any of them in a cry for help tells it; ``safety``: key of what to do now."""

    words: tuple[str, ...]
    safety: str


@dataclass(frozen=True)
class GeocoderConfig:
    """Which geocoder helps the city's own lists of places (``connectors.yml``, port ``geocode``).

    Attributes:
        kind: connector module: ``nominatim``, ``pelias``, ``census`` or ``arcgis``.
        order: ``after`` asks it for what the lists do not have; ``only`` asks nothing else for words.
        locality: town and state, added to an address where the geocoder takes no bounds.
        country: ISO code.
        api_key_setting: name of the environment variable that holds the key; empty where none is needed.
        least_score: from 0 to 1; below it a match is offered, not taken.
        timeout_s: seconds for one call.
    """

    kind: str
    url: str
    order: str = "after"
    locality: str = ""
    country: str = ""
    api_key_setting: str = ""
    least_score: float = 0.8
    timeout_s: float = 1.5


@dataclass(frozen=True)
class City:
    """The municipality (``city.yml``).

    Attributes:
        phone: the number beside "311" that a resident can always call.
        languages: language codes, the city's first language first.
        safety: key → text that ends a conversation when there is danger; ``emergency`` and ``self_harm`` always exist.
        catch_all_service: service offered when nothing else fits; empty for none.
        quiet_from, quiet_until: local time between which no news are sent to phones; the same twice: never quiet.
        reopen_days: for so many days after it was closed a resident may have a request opened again.
        dangers: kinds of danger that have a safety text of their own, in the order in which they are looked for.
        offices: topic (:data:`TOPICS`) → department whose phone is given for it; the city's phone for the others.
    """

    code: str
    name: Text
    phone: str
    website: str
    timezone: ZoneInfo
    languages: tuple[str, ...]
    hours: Text
    emergency_phone: str
    safety: Mapping[str, Text]
    catch_all_service: str = ""
    quiet_from: time = time(21, 0)
    quiet_until: time = time(8, 0)
    reopen_days: int = 30
    dangers: tuple[Danger, ...] = ()
    offices: Mapping[str, Department] = field(default_factory=dict)


@dataclass(frozen=True)
class Pack:
    """A whole, valid city pack.

    ``places`` is None where the city has no list of its places: then a place is taken as the resident words it.
    ``translations`` maps language → source text → text, from ``{en: …, es: …}`` values of the pack itself.
    """

    folder: Path
    city: City
    departments: Mapping[str, Department]
    groups: Mapping[str, Text]
    services: Mapping[str, Service]
    calendar: Calendar
    workorders: WorkOrders
    places: PlaceNames | None = None
    geocoder: GeocoderConfig | None = None
    translations: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def say(self, text: Text, language: str) -> str:
        """``text`` in ``language``; itself where the pack has no translation."""
        return self.translations.get(language, {}).get(text, text)
