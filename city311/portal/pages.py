"""Pages that people see: their templates, their language, and how a reader wants them to look."""

from __future__ import annotations

import gettext
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from babel import Locale
from fastapi import Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from city311.city.model import City, Pack
from city311.language.catalogues import catalogue, own_name, spoken_languages

DISPLAY_COOKIE = "city311_display"
LANGUAGE_COOKIE = "city311_language"
SIZES = ("usual", "large", "largest")
COLORS = ("device", "light", "dark", "contrast")


@dataclass(frozen=True)
class Map:
    """Where Leaflet is, and the address of the map's tiles with their credit; both empty: outlines and streets only."""

    leaflet: str
    tiles: str = ""
    credit: str = ""


@dataclass(frozen=True)
class Page:
    """What every template gets as ``page``.

    Attributes:
        direction: ``ltr`` or ``rtl``.
        languages: code and own name of each language that the city offers.
        size, colors: as the reader chose them (``SIZES``, ``COLORS``).
        static: address of the folder of scripts and styles.
        modules: the scripts that a page needs at once.
        map: None where the city has none.
        reaches: by what a receipt can be sent: ``email``, ``sms``.
        message_id: id for the message that a form on this page may send.
        draft: text that stands in the message box.
        embedded: shown inside a page of another site.
    """

    city: City
    city_name: str
    language: str
    direction: str
    languages: tuple[tuple[str, str], ...]
    size: str
    colors: str
    static: str
    modules: tuple[str, ...]
    map: Map | None
    message_id: str
    reaches: tuple[str, ...] = ()
    draft: str = ""
    embedded: bool = False


class Pages:
    """The templates in one folder, for one city."""

    def __init__(
        self, folder: Path, pack: Pack, *, static: str, map_: Map | None, reaches: tuple[str, ...] = ()
    ) -> None:
        """``static``: address below which ``folder/static`` is served. ``reaches``: see :class:`Page`."""
        self._reaches = reaches
        self._pack = pack
        self._static = static
        self._map = map_
        self._modules = tuple(sorted(path.name for path in (folder / "static").glob("*.js") if path.name not in _LATER))
        self._environments = _environments(folder, pack)

    @property
    def languages(self) -> tuple[str, ...]:
        """Codes of the languages that pages come in, the city's own first."""
        return tuple(self._environments)

    def page(self, request: Request) -> Page:
        """What a page for this request is made of."""
        language = self.language(request)
        size, _, colors = request.cookies.get(DISPLAY_COOKIE, "").partition(".")
        return Page(
            city=self._pack.city,
            city_name=self._pack.say(self._pack.city.name, language),
            language=language,
            direction=Locale.parse(language, sep="-").text_direction,
            languages=tuple((code, own_name(code)) for code in self._environments),
            size=size if size in SIZES else SIZES[0],
            colors=colors if colors in COLORS else COLORS[0],
            static=self._static,
            modules=self._modules,
            map=self._map,
            message_id=secrets.token_hex(16),
            reaches=self._reaches,
        )

    def language(self, request: Request) -> str:
        """The language asked for in the address, else the one chosen before, else the first of the browser's that the
        city offers, else the city's own."""
        asked = [request.query_params.get("lang", ""), request.cookies.get(LANGUAGE_COOKIE, "")]
        ranked = (part.partition(";q=") for part in request.headers.get("accept-language", "")[:200].split(","))
        asked += [code.strip() for code, _, _ in sorted(ranked, key=lambda part: -_share(part[2]))]
        for code in asked:
            for known in (code, code.partition("-")[0]):
                if known in self._environments:
                    return known
        return next(iter(self._environments))

    def chosen(self, request: Request) -> str:
        """The language that the reader asks for in the address; empty where it is none of ours."""
        asked = request.query_params.get("lang", "")
        return asked if asked in self._environments else ""

    def render(self, name: str, page: Page, **values: Any) -> str:
        """The template ``name`` with ``page`` and ``values``."""
        return self._environments[page.language].get_template(name).render(page=page, **values)

    def embedded(self, request: Request) -> Page:
        """The same for a page inside a frame of another site."""
        return replace(self.page(request), embedded=True)


_LATER = ("widget.js", "worker.js", "map.js")
"""Scripts that the chat page does not need at once."""


def version_of(folder: Path) -> str:
    """A short name for the present content of ``folder``: another content has another name."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]


def _environments(folder: Path, pack: Pack) -> Mapping[str, Environment]:
    """A Jinja environment for each language that residents can be answered in."""
    made: dict[str, Environment] = {}
    for language in spoken_languages(pack):
        environment = Environment(
            loader=FileSystemLoader(folder),
            autoescape=True,
            undefined=StrictUndefined,
            extensions=["jinja2.ext.i18n"],
            trim_blocks=True,
            lstrip_blocks=True,
        )
        texts = catalogue(pack, language) or gettext.NullTranslations()
        environment.install_gettext_translations(texts, newstyle=True)  # type: ignore[attr-defined]
        made[language] = environment
    return made


def _share(text: str) -> float:
    try:
        return float(text or "1")
    except ValueError:
        return 0.0
