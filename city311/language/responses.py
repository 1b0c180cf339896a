"""The bot's own sentences, read from the ``responses`` of Rasa's domain.

The portal's channels must sometimes speak without Rasa (an empty message, a dialogue process that is down). They
take their words from here, so that a resident meets one voice and a city edits its sentences in one place.
"""

from __future__ import annotations

import copy
import functools
import gettext
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from city311 import settings
from city311.city.model import TOPICS, Pack
from city311.language.catalogues import (
    catalogue,
    folders_of,
    own_name,
    read_catalogue,
    spoken_language,
    spoken_languages,
)

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
        self._texts: gettext.NullTranslations = gettext.NullTranslations()
        self._languages: dict[str, Responses] = {}
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
                    return fill(translated(text, self._texts), {**(values or {}), **self._values})
        raise DomainError(f"{self._domain}: responses: {key} has no text for every channel. Add one.")

    def in_language(self, language: str) -> Responses:
        """The same sentences in another language; these where they are not in that one."""
        return self._languages.get(language, self)

    def add_language(self, language: str, texts: gettext.NullTranslations, values: Mapping[str, str]) -> None:
        """Say them in ``language``, too: in the words of ``texts``, with the city's facts in it."""
        other = copy.copy(self)
        other._texts, other._values = texts, dict(values)
        self._languages[language] = other


def translated(text: str, texts: gettext.NullTranslations) -> str:
    """A text of the domain in the language of ``texts``; itself where that has no words for it."""
    return texts.gettext(text) if text else text  # gettext answers nothing with the catalogue's header


def fill(text: str, values: Mapping[str, str]) -> str:
    """``text`` with its placeholders filled. One pass only: what was filled in is never looked at again. An unknown
    placeholder stays readable."""
    return _PLACEHOLDER.sub(lambda found: values.get(found.group(1), found.group(0)), text)


def fill_all(part: Any, values: Mapping[str, str], texts: gettext.NullTranslations) -> Any:
    """A response (text, list or map of them) with every text translated and filled."""
    if isinstance(part, str):
        return fill(translated(part, texts), values)
    if isinstance(part, list):
        return [fill_all(each, values, texts) for each in part]
    if isinstance(part, dict):
        return {key: fill_all(each, values, texts) for key, each in part.items()}
    return part


def city_values(pack: Pack, language: str) -> dict[str, str]:
    """The city's facts that every response may name."""
    city = pack.city
    return {
        "city_name": pack.say(city.name, language),
        "city_phone": city.phone,
        "city_hours": pack.say(city.hours, language),
        "emergency_phone": city.emergency_phone,
        "languages": ", ".join(own_name(code) for code in spoken_languages(pack)),
        **{f"{topic}_phone": _phone_for(pack, topic) for topic in TOPICS},
    }


def _phone_for(pack: Pack, topic: str) -> str:
    office = pack.city.offices.get(topic)
    return (office.phone if office is not None else "") or pack.city.phone


def city_responses(pack: Pack, domain: Path, *, needed: Iterable[str] = ()) -> Responses:
    """The sentences of ``domain`` for a city, in its first language; ``in_language`` has those in its others.

    Raises:
        DomainError: see :class:`Responses`.
    """
    first = Responses(domain, city_values(pack, spoken_language(pack)), needed=needed)
    for language in spoken_languages(pack):
        texts = catalogue(pack, language) or gettext.NullTranslations()
        first.add_language(language, texts, city_values(pack, language))
    return first.in_language(spoken_language(pack))


@functools.cache
def _responses(
    domain: Path, language: str, folders: tuple[Path, ...], values: tuple[tuple[str, str], ...]
) -> Responses:
    first = Responses(domain, {})
    first.add_language(language, read_catalogue(language, folders) or gettext.NullTranslations(), dict(values))
    return first.in_language(language)


def responses(pack: Pack, language: str) -> Responses:
    """The sentences of this house's domain.yml for a city, in the language nearest to the one asked for; read once."""
    spoken = spoken_language(pack, language)
    values = tuple(city_values(pack, spoken).items())
    return _responses(settings.HOUSE / "domain.yml", spoken, folders_of(pack), values)


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
