"""Entities that have a form of their own: numbers, addresses of the electronic kind, amounts, dates, languages."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import phonenumbers

_DEFAULT_REGION = "US"


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
    r"\b(?!FY\d)(?!(?:RTE|HWY|APT|BUS|BOX|LOT|DUE|AGE|THE|FOR|AND|ACT|TAX|ROW|FEE|WAS|PAY|GOT|ALL|BIN|VAN|CAR|EXT)\b)"
    r"(?=[A-Z0-9 -]*[A-Z])(?:\d[ -]?[A-Z]{2,3}[ -]?\d{2,4}|[A-Z]{3}[ -]?\d{3,4}|\d{1,4}[ -]?[A-Z]{3}[ -]\d{2}"
    r"|\d{1,4}[ -]?[A-Z]{3}\d{0,3}"
    rf"|(?=(?:\d*[A-Z]){{2}})(?=(?:[A-Z]*\d){{2}})[A-Z0-9]{{5,8}}"
    rf"|(?=\d?[ -]?(?:\d*[A-Z]){{2}}|[A-Z]{{1,3}}\d){_NO_ORDINAL}(?=[A-Z]*\d)[A-Z0-9]{{2,4}}[ -]"
    rf"{_NO_ORDINAL}(?=[A-Z]*\d)[A-Z0-9]{{2,4}}"
    r")\b"
)
_WORDS_FOR_MONEY = (
    r"(?:one|two|three|four|five|six|seven|eight|nine|ten|twelve|fifteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|"
    r"ninety|a|hundred|thousand|a\s+hundred)"
)
_AMOUNT = re.compile(
    r"\$\s?\d[\d,]*(?:\.\d{1,2})?(?:\s?[kK]\b)?"
    r"|\b\d[\d,]*(?:\.\d{1,2})?\s?(?:dollars?|dollers?|bucks|bux|usd|euros?|cents)\b"
    r"|(?<![\w.$-])\d[\d,]*(?:\.\d{2})?\$(?!\d)"
    r"|(?<![\w.$:/-])(?<!at )\d{1,3}(?:,\d{3}|\d)*\.\d{2}"
    r"(?![\w.:/%]|\s?(?:am|pm|mi|miles?|inch|inches|ft|feet|lbs?|acres?|%)\b)"
    rf"|\b{_WORDS_FOR_MONEY}(?:[\s-]+{_WORDS_FOR_MONEY}){{0,3}}\s+(?:dollars|bucks)\b",
    re.I,
)
_MONTH = (
    r"(?:jan(?:uary)?|feb(?:r?uary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|"
    r"nov(?:ember)?|dec(?:ember)?)"
)
_LONG_MONTH = r"(?:january|feb(?:r?uary)|april|june|july|august|september|october|november|december)"
_DAY = (
    r"(?:mon(?:day)?s?|tue(?:s(?:day)?)?s?|wed(?:nesday)?s?|thu(?:rs?(?:day)?)?s?|fri(?:day)?s?|sat(?:urday)?s?|"
    r"sun(?:day)?s?)"
)
_LONG_DAY = (
    r"(?:monday|tues?day|teusday|tuseday|wednesday|wensday|wendsday|wednsday|wedsday|thurs?day|thrusday|friday|firday|"
    r"satur?day|satuday|sunday)s?"
)
_NEAR_DAY = (
    r"(?:yesterday|yesturday|yesteday|yday|tomorrow|tomorow|tommorow|tommorrow|tmrw|2morrow|today|2day|tonight|tonite|"
    r"2nite)"
)
_COUNT = r"(?:\d{1,3}|an?|one|two|three|four|five|six|seven|eight|nine|ten|a\s+couple(?:\s+of)?|a\s+few|couple|few)"
_UNIT = r"(?:day|week|wk|month|year|yr|night|hour)s?"
_ORDINAL = r"(?:\d{1,2}(?:st|nd|rd|th)|first|second|third|fourth|fifth|tenth|fifteenth|last)"
_NO_STREET = r"(?!\s+(?:st|street|ave?|avenue|rd|road|floor|fl|ward|district|time|one|house|light|pole)\b)"
_HOLIDAY = (
    r"(?:thanksgiving|christmas(?:\s+eve)?|xmas|labor\s+day|memorial\s+day|new\s+year'?s(?:\s+(?:day|eve))?|easter|"
    r"halloween|independence\s+day|(?:the\s+)?(?:4th|fourth)\s+of\s+july|columbus\s+day|indigenous\s+peoples?'?s?\s+day|"
    r"veterans?'?\s+day|juneteenth|presidents?'?\s+day|patriots?'?\s+day|mlk\s+day|martin\s+luther\s+king\s+day|"
    r"mother'?s\s+day|father'?s\s+day|valentine'?s(?:\s+day)?|good\s+friday)"
)
_DATE = re.compile(
    r"\b(?:"
    r"\d{4}-\d{2}-\d{2}"
    r"|(?:0?[1-9]|1[0-2])/(?:[12]\d|3[01]|0?[1-9])(?:/(?:\d{4}|\d{2}))?(?!/)"
    r"|(?:0?[1-9]|1[0-2])-(?:[12]\d|3[01]|0?[1-9])-(?:20)?\d{2}(?!-)"
    rf"|{_HOLIDAY}"
    rf"|(?:week\s+of\s+)?{_MONTH}\.?\s+\d{{1,2}}(?:st|nd|rd|th)?\b(?:,?\s+\d{{4}})?(?!\w)"
    rf"|(?:the\s+)?\d{{1,2}}(?:st|nd|rd|th)?\s+(?:of\s+)?{_MONTH}(?:\s+\d{{4}})?"
    rf"|(?:the\s+)?{_ORDINAL}\s+of\s+(?:the\s+|next\s+|this\s+)?month"
    r"|(?:the\s+)?(?:end|beginning|middle)\s+of\s+(?:the\s+|next\s+|this\s+)?(?:month|week|year)"
    r"|the\s+day\s+(?:before\s+yesterday|after\s+tomorrow)"
    rf"|(?:last|next|this|this\s+past|past)\s+(?:{_LONG_DAY}|{_DAY}|{_MONTH}|week(?:end)?|month|year|night|morning|"
    r"afternoon|evening|spring|summer|fall|autumn|winter)"
    rf"|{_COUNT}\s+{_UNIT}\s+(?:ago|back|from\s+now)"
    rf"|in\s+{_COUNT}\s+(?:day|week|month|year)s?"
    rf"|{_NEAR_DAY}|{_LONG_DAY}"
    rf"|{_LONG_MONTH}(?:\s+(?:of\s+)?(?:\d{{4}}|last\s+year))?"
    rf"|(?<=in )(?:{_MONTH}|(?:spring|summer|fall|autumn|winter))(?:\s+\d{{4}})?"
    rf"|(?:(?<=since )|(?<=for )|(?<=from )|(?<=until )|(?<=till )|(?<=during )|(?<=before )|(?<=after )|(?<=by ))"
    rf"(?:{_MONTH}|20\d\d)(?=\s*(?:$|[.,!?;]|and\b|but\b|we\b|when\b|bill\b|twice\b|again\b|to\b|until\b|now\b|i\b))"
    rf"|(?<=on )(?:{_DAY})(?=\s*(?:$|[.,!?;]|and\b|but\b|at\b|when\b))"
    r"|(?<=in )20\d\d|(?:mar|march|may)(?=(?:'s)?\s+(?:bill|statement|payment|charges?))"
    rf"|(?<=on )the\s+\d{{1,2}}(?:st|nd|rd|th){_NO_STREET}|(?<=since )the\s+\d{{1,2}}(?:st|nd|rd|th){_NO_STREET}"
    r"|the\s+\d{1,2}(?:st|nd|rd|th)(?=\s*(?:$|[.,!?;]|and\b|if\b|but\b|when\b))"
    r")(?!\w|-\w)",
    re.I,
)
_NOTHING_SINCE = re.compile(
    r"(?:n't|nt|\bnot|\bnever|\bno one|\bnobody|\bsecond|\bthird|\bfirst|\btimes?)\b[^.!?]*$", re.I
)
"""Before "in two weeks": it is a length of time then, not a day to come."""
_OTHER_NUMBER = re.compile(
    r"\b(?:citation|ticket|badge|case|invoice|confirmation|tracking|check|pole|stop|meter|hydrant|bus|route|zip)s?"
    r"\s*(?:number|no\.?|num|is|#)*\s*[:#]?\s*$",
    re.I,
)
"""Before a number that is no account."""
_LANGUAGES = {
    "en": ("english", "inglés", "ingles"),
    "es": ("spanish", "español", "espanol", "castellano"),
    "pt": ("portuguese", "português", "portugues"),
    "fr": ("french", "français", "francais"),
    "ht": ("haitian creole", "haitian", "creole", "kreyòl ayisyen", "kreyòl", "kreyol"),
    "kea": ("cape verdean creole", "cape verdean", "kriolu"),
    "zh": ("mandarin chinese", "mandarin", "chinese", "中文", "普通话", "普通話"),
    "yue": ("cantonese", "廣東話", "粤语"),
    "vi": ("vietnamese", "tiếng việt", "tieng viet"),
    "ko": ("korean", "한국어"),
    "ja": ("japanese", "日本語"),
    "ru": ("russian", "русский", "по-русски"),
    "uk": ("ukrainian", "українська"),
    "pl": ("polish", "polski"),
    "it": ("italian", "italiano"),
    "de": ("german", "deutsch"),
    "ar": ("arabic", "العربية", "عربي"),
    "fa": ("farsi", "persian", "فارسی"),
    "ur": ("urdu", "اردو"),
    "hi": ("hindi", "हिन्दी", "हिंदी"),
    "bn": ("bengali", "bangla", "বাংলা"),
    "ne": ("nepali", "नेपाली"),
    "pa": ("punjabi", "ਪੰਜਾਬੀ"),
    "gu": ("gujarati", "ગુજરાતી"),
    "ta": ("tamil", "தமிழ்"),
    "am": ("amharic", "አማርኛ"),
    "so": ("somali", "soomaali"),
    "sw": ("swahili", "kiswahili"),
    "tl": ("tagalog", "filipino"),
    "tr": ("turkish", "türkçe"),
    "el": ("greek", "ελληνικά"),
    "he": ("hebrew", "עברית"),
    "km": ("khmer", "cambodian", "ខ្មែរ"),
    "hy": ("armenian", "հայերեն"),
    "ase": ("american sign language", "asl"),
}
"""Language code → the names residents write, in English and in the language itself."""

_CODE_OF_LANGUAGE = {name: code for code, names in _LANGUAGES.items() for name in names}
_LANGUAGE = re.compile(
    r"(?<!\w)(?:"
    + "|".join(sorted(map(re.escape, _CODE_OF_LANGUAGE), key=len, reverse=True))
    + r")(?!\w|\s+(?:shepherd|place|food|restaurant|church))",
    re.I,
)


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


def _dates(text: str) -> Iterator[Found]:
    for match in _DATE.finditer(text):
        if match.group().lower().startswith("in ") and _NOTHING_SINCE.search(text, 0, match.start()):
            continue
        yield Found("date", match.start(), match.end(), match.group())


def _languages(text: str) -> Iterator[Found]:
    for match in _LANGUAGE.finditer(text):
        yield Found("language", match.start(), match.end(), _CODE_OF_LANGUAGE[match.group().lower()])


_BEFORE_PHONES: tuple[_Finder, ...] = (_emails, _requests, _accounts, _named_plates, _permits)
_AFTER_PHONES: tuple[_Finder, ...] = (_bare_requests, _amounts, _dates, _plates, _lone_accounts, _languages)
