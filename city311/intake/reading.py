"""Reads a resident's answer: which choice, yes or no, how many, whom to call."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import phonenumbers

from city311.intake.lexicon import Lexicon

_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*|[&@#👍👎👌✅✔❌🙏🤷]")
_EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})+")
_PICKED = re.compile(r"^\W*(?:#|no\.?|number|option|choice|answer)?\s*(\d{1,3})\s*(?:st|nd|rd|th)?\W*$", re.IGNORECASE)
# A number that stands alone or with a unit ("3ft"): no part of a request number, a fraction, a date or "3rd".
_NUMBER = re.compile(
    r"(?<![\w.,/-])(\d{1,3}(?:,\d{3})+|\d{1,9})(\.\d{1,3})?(?!(?:st|nd|rd|th)\b)(?=[a-z°]{0,6}(?![\w.,/]|[.,]\d)|[.,](?!\d))",
    re.IGNORECASE,
)
_PLATE = re.compile(r"\b(?=[A-Z0-9 -]*\d)(?=[A-Z0-9 -]{2,10}\b)[A-Z0-9]{1,8}(?:[ -]?[A-Z0-9]{1,6})?\b")
_CODE = re.compile(r"(?=[\w-]*\d)[A-Za-z0-9][A-Za-z0-9-]{2,30}")

_DIGITS = re.compile(r"(?<![\w+])\+?\d(?:[ ().-]{0,2}\d){6,14}(?!\w)")
_CLAUSES = re.compile(r"[,;\n]")
_ORDINAL = re.compile(r"(\d{1,3})(?:st|nd|rd|th)?")
_LIKE_A_WORD, _LIKE_THE_WHOLE = 0.84, 0.8
_MOST_WORDS_OF_A_WISH = 12
_FEWEST_LETTERS = 5
"""From how many letters on a word is looked for with typing mistakes."""


def plain(text: str) -> str:
    """Lower case, one kind of apostrophe and space, no accents of form (NFKC)."""
    text = unicodedata.normalize("NFKC", text).casefold().replace("’", "'").replace("‘", "'")
    return re.sub(r"\s+", " ", text).strip()


def words(text: str) -> list[str]:
    """The words of a text, plain."""
    return _WORD.findall(plain(text))


def is_one_of(text: str, phrases: frozenset[str]) -> bool:
    """Whether the whole text is one of the phrases, give or take punctuation and a "please"."""
    told = words(text)
    trimmed = [word for word in told if word not in ("please", "thanks", "thx")]
    return bool(told) and (" ".join(told) in phrases or " ".join(trimmed) in phrases)


def starts_with(text: str, phrases: frozenset[str]) -> bool:
    """Whether the text begins with one of the phrases, as whole words."""
    told = words(text)
    return any(" ".join(told[:count]) in phrases for count in range(1, min(len(told), 6) + 1))


def puts_a_question(text: str, lexicon: Lexicon) -> bool:
    """Whether a text is put as a question, with or without its mark."""
    return text.rstrip().endswith("?") or starts_with(text, lexicon.questions)


def contains(text: str, phrases: frozenset[str]) -> bool:
    """Whether one of the phrases stands in the text, as whole words."""
    told = f" {' '.join(words(text))} "
    return any(f" {phrase} " in told for phrase in phrases)


@dataclass(frozen=True)
class Candidate:
    """Something that can be picked: a code and every way to say it, the words on its button first."""

    code: str
    sayings: tuple[str, ...]


@dataclass(frozen=True)
class Picked:
    """What a text picks among candidates. More than one code: the resident must say which."""

    codes: tuple[str, ...] = ()
    exact: bool = False
    """The text is the choice and nothing else (a button, a number, its words)."""


def pick(text: str, candidates: Sequence[Candidate], lexicon: Lexicon) -> Picked:
    """Which candidate the text means: its number, its place in the list, its words, or words close to them."""
    told = words(text)
    if not told:
        return Picked()
    if code := exactly(text, candidates):
        return Picked((code,), exact=True)
    at = position(text, len(candidates), lexicon)
    if at is not None:
        return Picked((candidates[at].code,), exact=True)
    found = mentioned(text, candidates, lexicon)
    if found or denies(text, candidates, lexicon):
        return Picked(found)
    return _close(told, candidates, lexicon)


def exactly(text: str, candidates: Sequence[Candidate]) -> str:
    """Code of the candidate that a text names in so many words, or an empty string. Digits are a place in the list."""
    told = words(text)
    if not told or _PICKED.match(unicodedata.normalize("NFKC", text)):
        return ""
    return next((each.code for each in candidates if any(words(saying) == told for saying in each.sayings)), "")


def mentioned(text: str, candidates: Sequence[Candidate], lexicon: Lexicon) -> tuple[str, ...]:
    """The candidates whose words stand in the text and are not denied ("not the crosswalk")."""
    return _stated(_hits(words(text), candidates, lexicon), words(text), lexicon)


def denies(text: str, candidates: Sequence[Candidate], lexicon: Lexicon) -> bool:
    """Whether the text names a candidate only to say that it is not that one."""
    told = words(text)
    hits = _hits(told, candidates, lexicon)
    return bool(hits) and not _stated(hits, told, lexicon)


_Hit = tuple[int, int, str]
"""First word, the word after the last, code of the candidate."""


def _hits(told: list[str], candidates: Sequence[Candidate], lexicon: Lexicon) -> list[_Hit]:
    hits = [
        (start, start + len(wanted), candidate.code)
        for candidate in candidates
        for saying in candidate.sayings
        if (wanted := words(saying))
        for start in range(len(told) - len(wanted) + 1)
        if _same(told[start : start + len(wanted)], wanted, lexicon)
    ]
    # A longer saying hides a shorter one inside it: "parking lane" is not "lane".
    return [
        hit
        for hit in hits
        if not any(
            other[0] <= hit[0] and hit[1] <= other[1] and other[1] - other[0] > hit[1] - hit[0] for other in hits
        )
    ]


def _stated(hits: list[_Hit], told: list[str], lexicon: Lexicon) -> tuple[str, ...]:
    return tuple(dict.fromkeys(code for start, _, code in sorted(hits) if not _denied(told, start, lexicon)))


def _denied(told: list[str], start: int, lexicon: Lexicon) -> bool:
    before = start - 1
    while before >= 0 and told[before] in lexicon.articles and told[before] not in lexicon.negation:
        before -= 1
    return before >= 0 and (
        told[before] in lexicon.negation or " ".join(told[max(before - 1, 0) : before + 1]) in lexicon.negation
    )


def _same(told: list[str], wanted: list[str], lexicon: Lexicon) -> bool:
    return all(
        a == b
        or (len(b) > 3 and (a in (b + "s", b + "es") or b in (a + "s", a + "es")))
        or _stem(a, lexicon) == _stem(b, lexicon)
        for a, b in zip(told, wanted, strict=True)
    )


def _stem(word: str, lexicon: Lexicon) -> str:
    """A word without its ending, if enough is left of it."""
    ending = max((each for each in lexicon.endings if word.endswith(each)), key=len, default="")
    rest = word.removesuffix(ending)
    return rest if len(rest) >= _FEWEST_LETTERS - 1 else word


def _close(told: list[str], candidates: Sequence[Candidate], lexicon: Lexicon) -> Picked:
    """The one candidate that the text comes close to: as a whole, or in one place of it ("its the croswalk")."""
    scores: dict[str, float] = {}
    denied: set[str] = set()
    for candidate in candidates:
        for saying in candidate.sayings:
            wanted = words(saying)
            score = _likeness(told, wanted) if len(told) <= 4 else 0.0
            scores[candidate.code] = max(scores.get(candidate.code, 0.0), score if score >= _LIKE_THE_WHOLE else 0.0)
            if len("".join(wanted)) < _FEWEST_LETTERS:
                continue
            for start in range(len(told) - len(wanted) + 1):
                part = _likeness(told[start : start + len(wanted)], wanted)
                if part >= _LIKE_A_WORD and _denied(told, start, lexicon):
                    denied.add(candidate.code)
                elif part >= _LIKE_A_WORD:
                    scores[candidate.code] = max(scores[candidate.code], part)
    likely = [code for code, score in scores.items() if score > 0 and code not in denied]
    ranked = sorted(likely, key=lambda code: -scores[code]) or _telling(told, candidates, lexicon)
    if ranked and (len(ranked) == 1 or scores[ranked[1]] < scores[ranked[0]] - 0.1):
        return Picked((ranked[0],))
    return Picked()


def _telling(told: list[str], candidates: Sequence[Candidate], lexicon: Lexicon) -> list[str]:
    """The candidate that a word or two point to, as no other has them: "the curb one" of several lanes."""
    small = lexicon.around_a_position | lexicon.articles
    rest = {word for word in told if word not in small}
    if not 0 < len(rest) <= 2 or rest & lexicon.negation:
        return []
    having = {
        word: {
            each.code for each in candidates if any(_same([word], [other], lexicon) for other in words(each.sayings[0]))
        }
        for word in rest
    }
    common = set.intersection(*having.values())
    return list(common) if any(len(codes) == 1 for codes in having.values()) else []


def _likeness(one: list[str], other: list[str]) -> float:
    return difflib.SequenceMatcher(None, " ".join(one), " ".join(other)).ratio()


def position(text: str, count: int, lexicon: Lexicon) -> int | None:
    """Which of ``count`` things in a list a text means ("2", "the second", "number two", "the last one"), from 0."""
    found = _PICKED.match(unicodedata.normalize("NFKC", text))
    if found:
        number = int(found.group(1))
        return number - 1 if 1 <= number <= count else None
    told = words(text)
    if is_one_of(text, lexicon.last):
        return count - 1
    rest = [word for word in told if word not in lexicon.around_a_position]
    if not rest and told.count(lexicon.cardinals[0]) == 1:
        return 0
    if len(rest) != 1:
        return None
    if rest[0] in lexicon.last:
        return count - 1
    digits = _ORDINAL.fullmatch(rest[0])
    for index in (
        lexicon.ordinals.index(rest[0]) if rest[0] in lexicon.ordinals else None,
        lexicon.cardinals.index(rest[0]) if rest[0] in lexicon.cardinals else None,
        int(digits.group(1)) - 1 if digits else None,
    ):
        if index is not None and 0 <= index < count:
            return index
    return None


def yes_or_no(text: str, lexicon: Lexicon) -> str | None:
    """``yes``, ``no`` or None. "Not sure" is neither."""
    told = _without_fillers(words(text), lexicon)
    opening = " ".join(told)
    if starts_with(text, lexicon.unknown) or starts_with(opening, lexicon.unknown):
        return None
    # "I guess so" is a yes although "I guess" alone says nothing.
    return _verdict(words(text), lexicon) or _verdict(told, lexicon)


def _verdict(told: list[str], lexicon: Lexicon) -> str | None:
    best: tuple[int, str] = (0, "")
    for answer, phrases in (("yes", lexicon.yes), ("no", lexicon.no)):
        for count in range(1, min(len(told), 6) + 1):
            phrase = " ".join(told[:count])
            beside = len(told) - count
            if phrase in lexicon.alone and beside > (len(phrase) > 1):
                continue
            if phrase in phrases and count > best[0]:
                best = (count, answer)
    count, answer = best
    if answer == "yes" and count > 1 and told[count : count + 1] and told[count] in (*lexicon.negation, "no", "none"):
        return "no"  # "I am" is a yes, "I am not hurt" is not
    return answer or None


def agrees(text: str, lexicon: Lexicon) -> bool:
    """Whether a text is a yes and nothing but a yes, so that "ok but the street is wrong" sends nothing."""
    told, agreed = words(text), False
    while told:
        for count in range(min(len(told), 6), 0, -1):
            phrase = " ".join(told[:count])
            if phrase in lexicon.agree or phrase in lexicon.fillers:
                agreed = agreed or phrase in lexicon.agree
                told = told[count:]
                break
        else:
            return False
    return agreed


def asks_to_send(text: str, lexicon: Lexicon) -> bool:
    """Whether a text asks to send the report, and says nothing else: "ok, just send it"."""
    small = lexicon.agree | lexicon.fillers | lexicon.acknowledgements
    told, asked = words(text), False
    while told:
        for count in range(min(len(told), 6), 0, -1):
            phrase = " ".join(told[:count])
            if phrase in lexicon.send or phrase in small:
                # "Go ahead" says yes to what was asked.
                asked = asked or (phrase in lexicon.send and phrase not in lexicon.yes)
                told = told[count:]
                break
        else:
            return False
    return asked


def _without_fillers(told: list[str], lexicon: Lexicon) -> list[str]:
    while told:
        for count in (2, 1):
            if " ".join(told[:count]) in lexicon.fillers:
                told = told[count:]
                break
        else:
            return told
    return told


def number(text: str, lexicon: Lexicon) -> str | None:
    """The number a text gives, as digits; number words count too. None where there is none."""
    found = _NUMBER.search(unicodedata.normalize("NFKC", text))
    if found:
        return found.group(1).replace(",", "") + (found.group(2) or "")
    told = words(text)
    for start in range(len(told)):
        value, used = _number_phrase(told[start:], lexicon)
        # "none" gives a number, "I know of none" and "the big one" don't.
        points = start > 1 and told[start] == lexicon.cardinals[0] and told[start - 2] in lexicon.articles
        if not used or (value == 0 and start) or (used == 1 and points):
            continue
        return str(value)
    return None


def _number_phrase(told: list[str], lexicon: Lexicon) -> tuple[int, int]:
    """(value, words used) of the number words that a list opens with: "twenty five" is 25, "two hundred" 200."""
    total, used = 0, 0
    while used < len(told):
        for span in (3, 2, 1):
            phrase = " ".join(told[used : used + span])
            if phrase in lexicon.numbers and len(told[used : used + span]) == span:
                break
        else:
            return total, used
        value = lexicon.numbers[phrase]
        if used and value >= 100 and 0 < total < 10:
            total *= value
        elif not used or (total >= 20 and total % 10 == 0 and 0 < value < 10) or (total >= 100 and value < 100):
            total += value
        else:
            return total, used
        used += span
    return total, used


def emails(text: str) -> list[str]:
    """The e-mail addresses in a text."""
    return [found.group(0).rstrip(".") for found in _EMAIL.finditer(text)]


def phones(text: str, country: str, *, strictly: bool = False) -> list[str]:
    """The phone numbers in a text, in international form (+1617…).

    Args:
        text: where to look.
        country: ISO code of where numbers without "+" are dialled; where it is empty such numbers stay as typed.
        strictly: only numbers that can exist, so that an account number is not taken for one.
    """
    leniency = phonenumbers.Leniency.VALID if strictly else phonenumbers.Leniency.POSSIBLE
    # With its area code: the part after it is no number that staff could call back.
    found = [
        phonenumbers.format_number(match.number, phonenumbers.PhoneNumberFormat.E164)
        for match in phonenumbers.PhoneNumberMatcher(text, country or None, leniency=leniency)
        if phonenumbers.is_possible_number_with_reason(match.number) == phonenumbers.ValidationResult.IS_POSSIBLE
    ]
    if found or country or strictly:
        return found
    return [match.group(0).strip() for match in _DIGITS.finditer(text)]


def without_contacts(text: str, country: str) -> str:
    """A text less its e-mail addresses and phone numbers, and less the clause that each of them stands in."""
    clauses = [clause for clause in _CLAUSES.split(text) if clause.strip()]
    kept = [clause for clause in clauses if not _contact_spans(clause, country)]
    if kept:
        return text if len(kept) == len(clauses) else ", ".join(clause.strip() for clause in kept)
    for start, end in sorted(_contact_spans(text, country), reverse=True):
        text = text[:start] + text[end:]
    return text.strip()


def _contact_spans(text: str, country: str) -> list[tuple[int, int]]:
    numbers = phonenumbers.PhoneNumberMatcher(text, country or None, leniency=phonenumbers.Leniency.VALID)
    return [found.span() for found in _EMAIL.finditer(text)] + [(found.start, found.end) for found in numbers]


def shaped(text: str, form: str, country: str, lexicon: Lexicon) -> str | None:
    """The part of a text that has the shape ``form`` (plate, account_number, permit_number, citation, phone)."""
    if form == "phone":
        found_phones = phones(text, country)
        return found_phones[0] if found_phones else None
    if form == "plate":
        return _plate(text, lexicon)
    found = _CODE.search(unicodedata.normalize("NFKC", text))
    return found.group(0) if found else None


def _plate(text: str, lexicon: Lexicon) -> str | None:
    told = [word.strip(".,;:!?\"'()") for word in unicodedata.normalize("NFKC", text).split()]
    parts = [word for word in told if word]
    compact = "".join(parts).replace("-", "")
    if len(parts) == 1 and 2 <= len(compact) <= 8 and compact.isalnum() and any(map(str.isdigit, compact)):
        return parts[0].upper()
    # "it is 4AB 123" is "4AB 123", "its abc 1234" is "ABC 1234"
    said = " ".join(_code_or_blank(parts, index, lexicon) for index in range(len(parts)))
    found = [match.group(0).strip() for match in _PLATE.finditer(said)]
    return max(found, key=len) if found else None


def _code_or_blank(parts: list[str], index: int, lexicon: Lexicon) -> str:
    """A word upper-cased where it may belong to a plate, else a mark that parts."""
    word = parts[index]
    if any(letter.isdigit() for letter in word):
        return word.upper()
    beside = parts[index + 1 : index + 2] + (parts[index - 1 : index] if index else [])
    small = lexicon.around_a_position | lexicon.articles | lexicon.before_place
    if len(word) > 1 and word.isupper() and word.isalpha():
        return word if any(any(map(str.isdigit, other)) for other in beside) or len(parts) == 1 else "."
    if 2 <= len(word) <= 3 and word.isalpha() and word.casefold() not in small and any(map(str.isdecimal, beside)):
        return word.upper()
    return "."


def withholds_details(text: str, lexicon: Lexicon) -> bool:
    """Whether a text says that its writer's name or number is to stay out of it: "I don't want to give my name"."""
    told = words(text)
    return (
        len(told) <= _MOST_WORDS_OF_A_WISH
        and contains(text, lexicon.own_details)
        and not lexicon.withholding.isdisjoint(told)
        and not puts_a_question(text, lexicon)
    )


def is_duration(text: str, lexicon: Lexicon) -> bool:
    """Whether a text says how long or since when, and nothing else: "3 days", "since monday"."""
    told = words(text)
    rest = [
        word for word in told if word not in lexicon.durations and word not in lexicon.numbers and not word.isdecimal()
    ]
    small = lexicon.articles | lexicon.fillers | lexicon.around_a_position
    return any(word in lexicon.durations for word in told) and not set(rest) - small


def has_letters_or_digits(text: str) -> bool:
    """Whether there is anything to read: not just emoji or punctuation."""
    return any(letter.isalnum() for letter in text)
