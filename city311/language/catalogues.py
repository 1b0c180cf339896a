"""Catalogues: what the bot and its pages say, in other languages. gettext's ``.po`` files, read as they are.

``locales/<language>/LC_MESSAGES/city311.po`` in this house, and the same in a city pack, which comes first. A text is
looked up by its English words, those of ``domain.yml`` and those in ``_("…")`` of the templates alike.
"""

from __future__ import annotations

import functools
import gettext
import io
import itertools
from collections.abc import Sequence
from pathlib import Path

from babel import Locale, UnknownLocaleError
from babel.messages.mofile import write_mo
from babel.messages.pofile import PoFileError, read_po

from city311 import settings
from city311.city.model import Pack

SOURCE_LANGUAGE = "en"
"""Language of ``domain.yml`` and of the templates; it needs no catalogue."""


class CatalogueError(Exception):
    """A catalogue cannot be read; the message says which and why."""


def spoken_languages(pack: Pack) -> tuple[str, ...]:
    """The languages that the city has and a resident can be answered in, the city's first one first; at least one.

    A language without a catalogue is not offered: half a conversation in it would help nobody.
    """
    offered = (code for code in pack.city.languages if code == SOURCE_LANGUAGE or catalogue(pack, code) is not None)
    return tuple(offered) or (SOURCE_LANGUAGE,)


def spoken_language(pack: Pack, asked: str = "") -> str:
    """The language to speak with a resident: ``asked`` if it is offered, else the first that is."""
    offered = spoken_languages(pack)
    return asked if asked in offered else offered[0]


def catalogue(pack: Pack, language: str) -> gettext.NullTranslations | None:
    """The texts of that language for that city; None where there are none."""
    return read_catalogue(language, folders_of(pack))


def folders_of(pack: Pack) -> tuple[Path, ...]:
    """Where catalogues for that city lie, the city's own first."""
    return (pack.folder / "locales", settings.HOUSE / "locales")


@functools.cache
def read_catalogue(language: str, folders: Sequence[Path]) -> gettext.NullTranslations | None:
    """The texts of that language in these folders, the first folder's before the next one's.

    Raises:
        CatalogueError: one cannot be read.
    """
    found: list[gettext.GNUTranslations] = []
    for folder in folders:
        path = folder / language.replace("-", "_") / "LC_MESSAGES" / "city311.po"
        if path.is_file():
            found.append(_read(path, language))
    for one, following in itertools.pairwise(found):
        one.add_fallback(following)
    return found[0] if found else None


@functools.cache
def own_name(code: str) -> str:
    """What a language calls itself: ``Español`` for ``es``."""
    return name_in(code, code)


def name_in(code: str, language: str) -> str:
    """What ``language`` calls the language ``code``; the code itself where nobody knows."""
    try:
        name = Locale.parse(code, sep="-").get_display_name(language.replace("-", "_"))
    except (UnknownLocaleError, ValueError):
        return code
    return f"{name[0].upper()}{name[1:]}" if name else code


def _read(path: Path, language: str) -> gettext.GNUTranslations:
    try:
        with path.open("rb") as file:
            texts = read_po(file, locale=language.replace("-", "_"), abort_invalid=True)
    except (OSError, UnicodeError, ValueError, PoFileError, UnknownLocaleError) as error:
        raise CatalogueError(f"{path} cannot be read ({error}).") from error
    compiled = io.BytesIO()
    write_mo(compiled, texts)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)
