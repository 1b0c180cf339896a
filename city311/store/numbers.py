"""Service request numbers: ``SR-`` + a serial + one check digit.

The check digit is Damm's (H. M. Damm, "Total anti-symmetrische Quasigruppen", Marburg 2004): it catches every
single wrong digit and every swap of two neighbours, the slips people make when they read a number out.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime

from sqlalchemy import DDL, Identity, Integer, event, insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from city311.store.base import Base, Instant, now

FIRST_SERIAL = 10_000
"""With its check digit the first number has six digits."""

_PREFIX = "SR-"
_LONGEST = 9
"""More digits than this, without ``SR``, are something else: a telephone or an account number."""

_SOMETHING_ELSE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{3}[ -][0-9]{4}")
"""A date or a local telephone number: no mistyped request number."""

_QUASIGROUP = (
    (0, 3, 1, 7, 5, 9, 8, 6, 4, 2),
    (7, 0, 9, 2, 1, 5, 4, 8, 6, 3),
    (4, 2, 0, 6, 8, 7, 1, 3, 5, 9),
    (1, 7, 5, 0, 9, 8, 3, 4, 2, 6),
    (6, 1, 2, 3, 0, 4, 5, 9, 7, 8),
    (3, 6, 7, 4, 2, 0, 9, 5, 8, 1),
    (5, 8, 6, 9, 7, 2, 0, 1, 3, 4),
    (8, 9, 4, 5, 3, 6, 2, 0, 1, 7),
    (9, 4, 3, 8, 6, 1, 7, 2, 0, 5),
    (2, 5, 8, 1, 4, 3, 6, 7, 9, 0),
)

_SHAPE = re.compile(r"(?P<prefix>S\.? ?R\.?)?[ #:.-]*(?P<digits>[0-9](?:[ -]{0,3}[0-9])*)", re.IGNORECASE)


class RequestNumber(Base):
    """The sequence. One row a number that was given out; numbers are never given out twice, even after a rollback
    on PostgreSQL or a deleted row on SQLite."""

    __tablename__ = "request_numbers"
    __table_args__ = ({"sqlite_autoincrement": True},)

    serial: Mapped[int] = mapped_column(Integer, Identity(start=FIRST_SERIAL), primary_key=True)
    allocated_at: Mapped[datetime] = mapped_column(Instant, nullable=False)


# SQLite's way of saying where a sequence starts: the serial before the first.
_SQLITE_START = DDL("INSERT INTO sqlite_sequence (name, seq) VALUES ('request_numbers', 9999)")  # type: ignore[no-untyped-call]
event.listen(RequestNumber.__table__, "after_create", _SQLITE_START.execute_if(dialect="sqlite"))


def allocate(session: Session) -> str:
    """The next number, in the session's transaction (which must be a writing one)."""
    serial = session.scalar(insert(RequestNumber).values(allocated_at=now()).returning(RequestNumber.serial))
    if serial is None:
        raise RuntimeError("The database gave no serial for a request number; is table request_numbers there?")
    return make(serial)


def make(serial: int) -> str:
    """The number of ``serial``, e.g. ``SR-100003`` for 10000.

    Raises:
        ValueError: the serial is below :data:`FIRST_SERIAL`.
    """
    if serial < FIRST_SERIAL:
        raise ValueError(f"serial is {serial}; numbers start at {FIRST_SERIAL}.")
    return f"{_PREFIX}{serial}{_damm(str(serial))}"


def parse(text: str) -> str | None:
    """The canonical number in ``text`` if it is one and its check digit is right, else None.

    Takes what people type and phones dictate: ``sr104215``, ``SR 104 215``, ``#104215``, full-width or Arabic digits.
    """
    digits = _digits(text)
    return f"{_PREFIX}{digits}" if digits and _is_right(digits) else None


def is_mistyped(text: str) -> bool:
    """Whether ``text`` looks like a request number but is none: a digit is wrong, swapped, missing or too much."""
    digits = _digits(text)
    return digits is not None and not _is_right(digits) and not _SOMETHING_ELSE.fullmatch(_plain(text).strip())


def _is_right(digits: str) -> bool:
    return len(digits) > len(str(FIRST_SERIAL)) and digits[0] != "0" and _damm(digits) == 0


def _digits(text: str) -> str | None:
    """The digits of a text in the shape of a number. Without ``SR`` it must have a number's length to be one."""
    match = _SHAPE.fullmatch(_plain(text).strip(" .,;:!?\"'()[]"))
    if not match:
        return None
    digits = re.sub(r"[^0-9]", "", match["digits"])
    shortest = 3 if match["prefix"] else len(str(FIRST_SERIAL)) + 1
    return digits if shortest <= len(digits) <= _LONGEST else None


def _plain(text: str) -> str:
    """Compatibility forms, dashes and blanks of every script as their ASCII counterparts."""
    return "".join(_ascii(character) for character in unicodedata.normalize("NFKC", text[:80]))


def _ascii(character: str) -> str:
    kind = unicodedata.category(character)
    if kind == "Nd":
        return str(unicodedata.decimal(character))
    if kind == "Pd" or character == "\N{MINUS SIGN}":
        return "-"
    if kind == "Cf":  # directional marks around a number in right-to-left text
        return ""
    return " " if character.isspace() else character


def _damm(digits: str) -> int:
    interim = 0
    for digit in digits:
        interim = _QUASIGROUP[interim][int(digit)]
    return interim
