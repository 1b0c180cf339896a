"""The bot's own sentences, read from the ``responses`` of Rasa's domain.

The portal's channels must sometimes speak without Rasa (an empty message, a dialogue process that is down). They
take their words from here, so that a resident meets one voice and a city edits its sentences in one place.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from city311 import settings
from city311.city.model import TOPICS, Pack

LANGUAGES = ("en",)
"""Languages that the bot's own sentences are in, that of domain.yml first."""

_PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")


class DomainError(Exception):
    """The domain cannot be read, or a response that is needed is not in it; the message says file and remedy."""


class Responses:
    """Sentences of one domain with the city's facts filled in."""

    def __init__(self, domain: Path, values: Mapping[str, str], *, needed: Iterable[str] = ()) -> None:
        """Read ``domain`` (a file, or a folder of domain files as Rasa allows).

        Args:
            domain: path of ``domain.yml`` or of a folder.
            values: placeholder name → text. Values are data: braces in them are not filled again.
            needed: keys that have to be there.

        Raises:
            DomainError: unreadable, not a domain, or a needed key is missing.
        """
        self._domain = domain
        self._values = dict(values)
        self._variants = _read(domain)
        missing = sorted(set(needed) - set(self._variants))
        if missing:
            raise DomainError(f"{domain}: responses: {', '.join(missing)} missing. Add each with at least one text.")

    def say(self, key: str, *, channel: str = "", values: Mapping[str, str] | None = None) -> str:
        """The first text of ``key``; one written for ``channel`` (as Rasa's ``channel:``) comes before one for all.

        Args:
            key: name of the response.
            channel: name of the channel.
            values: what to fill in besides the city's facts.

        Raises:
            DomainError: there is no text under that key for this channel.
        """
        for wanted in (channel, ""):
            for variant_channel, text in self._variants.get(key, ()):
                if variant_channel == wanted:
                    return fill(text, {**(values or {}), **self._values})
        raise DomainError(f"{self._domain}: responses: {key} has no text for every channel. Add one.")


def fill(text: str, values: Mapping[str, str]) -> str:
    """``text`` with its placeholders filled. One pass only: what was filled in is never looked at again. An unknown
    placeholder stays readable."""
    return _PLACEHOLDER.sub(lambda found: values.get(found.group(1), found.group(0)), text)


def fill_all(part: Any, values: Mapping[str, str]) -> Any:
    """A response (text, list or map of them) with every text filled."""
    if isinstance(part, str):
        return fill(part, values)
    if isinstance(part, list):
        return [fill_all(each, values) for each in part]
    if isinstance(part, dict):
        return {key: fill_all(each, values) for key, each in part.items()}
    return part


def spoken_language(pack: Pack, asked: str = "") -> str:
    """The language to speak with a resident: ``asked`` if the city and the bot both have it, else the city's first one
    that the bot has too, else the bot's own. A conversation in two languages at once would help nobody.
    """
    both = [language for language in pack.city.languages if language in LANGUAGES]
    return asked if asked in both else next(iter(both), LANGUAGES[0])


def city_values(pack: Pack, language: str) -> dict[str, str]:
    """The city's facts that every response may name."""
    city = pack.city
    return {
        "city_name": pack.say(city.name, language),
        "city_phone": city.phone,
        "city_hours": pack.say(city.hours, language),
        "emergency_phone": city.emergency_phone,
        **{f"{topic}_phone": _phone_for(pack, topic) for topic in TOPICS},
    }


def _phone_for(pack: Pack, topic: str) -> str:
    office = pack.city.offices.get(topic)
    return (office.phone if office is not None else "") or pack.city.phone


@functools.cache
def _responses(domain: Path, values: tuple[tuple[str, str], ...]) -> Responses:
    return Responses(domain, dict(values))


def responses(pack: Pack, language: str) -> Responses:
    """The sentences of this house's domain.yml for a city, read once."""
    return _responses(settings.HOUSE / "domain.yml", tuple(city_values(pack, language).items()))


def _read(domain: Path) -> dict[str, tuple[tuple[str, str], ...]]:
    files = sorted([*domain.rglob("*.yml"), *domain.rglob("*.yaml")]) if domain.is_dir() else [domain]
    found: dict[str, tuple[tuple[str, str], ...]] = {}
    for file in files:
        try:
            document = yaml.safe_load(file.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise DomainError(f"{file} cannot be read ({error}). It is Rasa's domain file.") from error
        except yaml.YAMLError as error:
            raise DomainError(f"{file} is not valid YAML: {error}") from error
        responses = document.get("responses") if isinstance(document, dict) else None
        if responses is None:
            continue
        if not isinstance(responses, dict):
            raise DomainError(f"{file}: responses must map a key to a list of texts.")
        for key, variants in responses.items():
            if not isinstance(variants, list):
                raise DomainError(f"{file}: responses: {key} must be a list that starts with '- text:'.")
            found[str(key)] = tuple(
                (str(variant.get("channel") or ""), variant["text"])
                for variant in variants
                if isinstance(variant, dict) and isinstance(variant.get("text"), str)
            )
    return found
