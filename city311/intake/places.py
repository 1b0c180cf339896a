"""Whether a crew could find a place from its words; says nothing of where it is on a map."""

from __future__ import annotations

import re
from collections.abc import Iterable

from city311.city.model import LocationType
from city311.intake.lexicon import Lexicon
from city311.intake.reading import has_letters_or_digits, is_duration, is_one_of, plain, words

_NUMBER = re.compile(
    r"^\W*(?:(?:number|no|num|house|house number)\b\W*)?#?\s*(\d{1,6}[a-z]?(?:\s*1/2)?)\b(.*)$",
    re.IGNORECASE | re.DOTALL,
)
_LONGEST_OPENING = 4


def is_vague(text: str, lexicon: Lexicon) -> bool:
    """Nothing a crew could go to: "here", "my street", an emoji."""
    if not has_letters_or_digits(text):
        return True
    if all(word in lexicon.vague_words for word in words(text)) or is_duration(text, lexicon):
        return True
    told = [word for word in words(text) if word not in lexicon.around_a_place]
    return not told or is_one_of(" ".join(told), lexicon.vague_places) or is_one_of(text, lexicon.vague_places)


def told(marked: Iterable[str], lexicon: Lexicon) -> str:
    """Of the places named in one message, the one a crew finds best; an empty string where there is none.

    "My mother's house" and "77 Brattle Street": the latter.
    """

    def worth(place: str) -> tuple[bool, bool, bool, int]:
        words_ = set(words(place))
        numbered = any(letter.isdigit() for letter in place)
        return (not is_vague(place, lexicon), numbered, bool(lexicon.street_types & words_), len(place))

    return max(marked, key=worth, default="")


def needs_detail(text: str, kind: LocationType, lexicon: Lexicon) -> bool:
    """A street and nothing else: where along it? An address service also needs a house number."""
    told = words(without_opening(text, lexicon))
    has_number = any(any(letter.isdigit() for letter in word) and not _is_ordinal(word) for word in told)
    if kind is LocationType.ADDRESS:
        return not has_number and bool(lexicon.street_types.intersection(told))
    if has_number or lexicon.place_details.intersection(told[1:]):
        return False
    return bool(told) and told[-1] in lexicon.street_types


def without_opening(text: str, lexicon: Lexicon) -> str:
    """The place without "it's on" and the like before it and "please" after it."""
    told = text.split()
    while told:
        count = next(
            (
                count
                for count in range(min(_LONGEST_OPENING, len(told) - 1), 0, -1)
                if plain(" ".join(told[:count])).strip(" .,;!") in lexicon.before_place
            ),
            0,
        )
        if not count:
            break
        told = told[count:]
    while len(told) > 1 and any(
        plain(" ".join(told[-count:])).strip(" .,;!") in lexicon.after_place for count in (1, 2) if len(told) > count
    ):
        told = told[:-1] if plain(told[-1]).strip(" .,;!") in lexicon.after_place else told[:-2]
    return " ".join(told).strip(" .,;!") or text.strip()


def joined(street: str, detail: str, lexicon: Lexicon) -> str:
    """A street and the detail given afterwards, as one place."""
    detail = without_opening(detail, lexicon)
    small = lexicon.street_types | lexicon.articles | lexicon.place_details
    if (set(words(street)) & set(words(detail))) - small:
        return detail
    found = _NUMBER.match(detail)
    if found and not found.group(2).strip(" .,;!"):
        return f"{found.group(1)} {street}"
    return f"{street}, {detail}"


def _is_ordinal(word: str) -> bool:
    return bool(re.fullmatch(r"\d+(?:st|nd|rd|th)", plain(word)))
