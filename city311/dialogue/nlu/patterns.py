"""Entities that have a form of their own: numbers, addresses of the electronic kind, amounts, dates, languages."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import phonenumbers

from city311.dialogue.nlu.days import days
from city311.dialogue.nlu.words import any_of, words

_DEFAULT_REGION = "US"
_WORDS = words()


@dataclass(frozen=True)
class Found:
    """One entity in a text. ``value`` is its usual written form."""

    entity: str
    start: int
    end: int
    value: str


_Finder = Callable[[str], Iterator[Found]]


def find(text: str, phone_region: str = _DEFAULT_REGION) -> list[Found]:
    """All entities of ``text`` by their form, in order; where two overlap, the more specific kind wins."""
    found: list[Found] = []
    phones: _Finder = partial(_phones, region=phone_region)
    for finder in (*_BEFORE_PHONES, phones, *_AFTER_PHONES):
        for one in finder(text):
            if all(one.end <= other.start or one.start >= other.end for other in found):
                found.append(one)
    return sorted(found, key=lambda one: one.start)


_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}(?<![.-])")
_REQUEST = re.compile(r"\bsr(?:\s*(?:number|no|num|#)\.?)?\s*[-–#:]?\s*(\d{5,8})\b", re.I)
_BARE_REQUEST = re.compile(
    r"(?:(?:#|\b(?:request|ticket|case|report|reference|ref|complaint)s?\b(?:\s+(?:number|no|num|id|is|was))*\.?"
    r"\s*[:#]?\s*(?:is\s+)?)(?P<named>\d{5,6})\b|(?<![\w$.,/@-])(?P<alone>\d{6})(?![\w/@-]|[.,]\d))",
    re.I,
)
_ACCOUNT = re.compile(
    r"\b(?:acc(?:oun)?t|acct)\b\.?(?:\s+(?:number|no|num|is|for)\b\.?)*\s*[:#]?\s*"
    r"(?P<number>(?:[A-Z]{1,3}-?)?\d(?:[\d -]{2,14})\d)(?!\w)",
    re.I,
)
_LONE_ACCOUNT = re.compile(r"(?<![\w$.,/@#+-])(?:\d{7,12}|\d{2,6}(?:-\d{2,6}){1,2})(?![\w/@-]|[.,]\d)")
_PERMIT = re.compile(
    r"\b(?:[A-Z]{2,5}-\d{4}-\d{2,6}|\d{2,4}-[A-Z]{1,6}-\d{2,6}|[A-Z]{1,5}-?(?:\d{2,4}-)?\d{4,7})\b(?!-)"
)
_PERMIT_NAMED = re.compile(
    r"\b(?:permit|application|licen[cs]e)\b(?:\s+(?:number|no|num|is|#))*\.?\s*[:#]?\s*"
    r"(?P<number>(?=[A-Z]{0,6}-?\d)(?=(?:[A-Z-]*\d){3})[A-Z0-9]{1,10}(?:-[A-Z0-9]{2,8}){0,3})\b",
    re.I,
)
_PLATE_NAMED = re.compile(
    r"\b(?:plates?|tags?|licen[cs]e(?:\s+plate)?|reg(?:istration)?)\b"
    r"(?:[\s,:#-]+(?:number|no\.?|num|is|it'?s|its|was|says|reads|ends\s+in|on\s+it|of|#))*[\s,:#-]+"
    r"(?P<plate>(?=[A-Z]{0,4}[ -]?\d|[A-Z]{1,4}\d)"
    r"(?:\d[ -][A-Z]{2,3}[ -]\d{2,4}|[A-Z0-9]{1,4}(?:[ -]?[A-Z0-9]{2,4})?))\b",
    re.I,
)
_NO_ORDINAL = r"(?!\d+(?:ST|ND|RD|TH)\b)"
_PLATE = re.compile(
    rf"\b(?!FY\d)(?!{any_of(word.upper() for word in _WORDS['no_plate'])}\b)"
    r"(?=[A-Z0-9 -]*[A-Z])(?:\d[ -]?[A-Z]{2,3}[ -]?\d{2,4}|[A-Z]{3}[ -]?\d{3,4}|\d{1,4}[ -]?[A-Z]{3}[ -]\d{2}"
    r"|\d{1,4}[ -]?[A-Z]{3}\d{0,3}"
    rf"|(?=(?:\d*[A-Z]){{2}})(?=(?:[A-Z]*\d){{2}})[A-Z0-9]{{5,8}}"
    rf"|(?=\d?[ -]?(?:\d*[A-Z]){{2}}|[A-Z]{{1,3}}\d){_NO_ORDINAL}(?=[A-Z]*\d)[A-Z0-9]{{2,4}}[ -]"
    rf"{_NO_ORDINAL}(?=[A-Z]*\d)[A-Z0-9]{{2,4}}"
    r")\b"
)
_WORDS_FOR_MONEY = any_of(_WORDS["money"])
_AMOUNT = re.compile(
    r"\$\s?\d[\d,]*(?:\.\d{1,2})?(?:\s?[kK]\b)?"
    r"|\b\d[\d,]*(?:\.\d{1,2})?\s?(?:dollars?|dollers?|bucks|bux|usd|euros?|cents)\b"
    r"|(?<![\w.$-])\d[\d,]*(?:\.\d{2})?\$(?!\d)"
    r"|(?<![\w.$:/-])(?<!at )\d{1,3}(?:,\d{3}|\d)*\.\d{2}"
    r"(?![\w.:/%]|\s?(?:am|pm|mi|miles?|inch|inches|ft|feet|lbs?|acres?|%)\b)"
    rf"|\b{_WORDS_FOR_MONEY}(?:[\s-]+{_WORDS_FOR_MONEY}){{0,3}}\s+(?:dollars|bucks)\b",
    re.I,
)
_OTHER_NUMBER = re.compile(
    rf"\b{any_of(_WORDS['other_numbers'])}s?"
    r"\s*(?:number|no\.?|num|is|#)*\s*[:#]?\s*$",
    re.I,
)
"""Before a number that is no account."""
_CODE_OF_LANGUAGE = {name: code for code, names in words("languages").items() for name in names}
_LANGUAGE = re.compile(rf"(?<!\w){any_of(_CODE_OF_LANGUAGE)}(?!\w|\s+{any_of(_WORDS['no_language'])})", re.I)


def _emails(text: str) -> Iterator[Found]:
    for match in _EMAIL.finditer(text):
        yield Found("email", match.start(), match.end(), match.group().lower())


def _requests(text: str) -> Iterator[Found]:
    for match in _REQUEST.finditer(text):
        yield Found("request_number", match.start(), match.end(), f"SR-{match.group(1)}")


def _bare_requests(text: str) -> Iterator[Found]:
    for match in _BARE_REQUEST.finditer(text):
        group = "named" if match.group("named") else "alone"
        start = match.start() if match.group().startswith("#") else match.start(group)
        yield Found("request_number", start, match.end(group), f"SR-{match.group(group)}")


def _phones(text: str, region: str) -> Iterator[Found]:
    for match in phonenumbers.PhoneNumberMatcher(text, region, leniency=phonenumbers.Leniency.POSSIBLE):
        digits = sum(character.isdigit() for character in match.raw_string)
        # Seven digits in a row are an account more often than a telephone.
        if digits < 10 and not re.fullmatch(r"\d{3}[-. ]\d{4}", match.raw_string):
            continue
        if digits > 10 and not match.raw_string.lstrip("(").startswith(("+", "1", "0")):
            continue
        value = match.raw_string
        if digits >= 10:
            value = phonenumbers.format_number(match.number, phonenumbers.PhoneNumberFormat.E164)
        yield Found("phone", match.start, match.end, value)


def _accounts(text: str) -> Iterator[Found]:
    for match in _ACCOUNT.finditer(text):
        yield Found("account_number", match.start("number"), match.end("number"), match.group("number").strip())


def _lone_accounts(text: str) -> Iterator[Found]:
    for match in _LONE_ACCOUNT.finditer(text):
        digits = sum(character.isdigit() for character in match.group())
        if digits >= 6 and not _OTHER_NUMBER.search(text, 0, match.start()):
            yield Found("account_number", match.start(), match.end(), match.group())


def _permits(text: str) -> Iterator[Found]:
    for match in _PERMIT_NAMED.finditer(text):
        yield Found("permit_number", match.start("number"), match.end("number"), match.group("number").upper())
    for match in _PERMIT.finditer(text):
        if "-" in match.group():
            yield Found("permit_number", match.start(), match.end(), match.group())


def _named_plates(text: str) -> Iterator[Found]:
    for match in _PLATE_NAMED.finditer(text):
        plate = match.group("plate")
        if sum(character.isdigit() for character in plate) and len(plate) >= 4:
            yield Found("plate", match.start("plate"), match.end("plate"), re.sub(r"[ -]", "", plate).upper())


def _plates(text: str) -> Iterator[Found]:
    shouted = text.isupper()  # then any three letters look like part of a plate
    for match in _PLATE.finditer(text):
        if shouted and " " in match.group():
            continue
        yield Found("plate", match.start(), match.end(), re.sub(r"[ -]", "", match.group()))


def _amounts(text: str) -> Iterator[Found]:
    for match in _AMOUNT.finditer(text):
        yield Found("amount", match.start(), match.end(), match.group())


def _days(text: str) -> Iterator[Found]:
    for start, end in days(text):
        yield Found("date", start, end, text[start:end])


def _languages(text: str) -> Iterator[Found]:
    for match in _LANGUAGE.finditer(text):
        yield Found("language", match.start(), match.end(), _CODE_OF_LANGUAGE[match.group().lower()])


_BEFORE_PHONES: tuple[_Finder, ...] = (_emails, _requests, _accounts, _named_plates, _permits)
_AFTER_PHONES: tuple[_Finder, ...] = (_bare_requests, _amounts, _days, _plates, _lone_accounts, _languages)
