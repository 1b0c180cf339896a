"""In which language a page comes, and which way it runs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import write_po
from doubles.portal import tiny_pack
from fastapi import Request

from city311.portal.app import PAGES
from city311.portal.pages import Pages


def catalogue(folder: Path, language: str, **texts: str) -> None:
    made = Catalog(locale=language)
    for source, text in texts.items():
        made.add(source, text)
    path = folder / "locales" / language / "LC_MESSAGES" / "city311.po"
    path.parent.mkdir(parents=True)
    with path.open("wb") as file:
        write_po(file, made)


@pytest.fixture
def pages(tmp_path: Path) -> Pages:
    """Pages of a city with English, Arabic and Spanish, of which Spanish has no translation yet."""
    catalogue(tmp_path, "ar", Send="إرسال")
    pack = tiny_pack(tmp_path)
    pack = replace(pack, city=replace(pack.city, languages=("en", "ar", "es")))
    return Pages(PAGES, pack, static="/static/x", map_=None)


def asking(query: str = "", accept: str = "", cookie: str = "") -> Request:
    headers = [(b"accept-language", accept.encode())] if accept else []
    headers += [(b"cookie", f"city311_language={cookie}".encode())] if cookie else []
    return Request({"type": "http", "query_string": query.encode(), "headers": headers})


@pytest.mark.parametrize(
    ("query", "accept", "language"),
    [
        ("", "", "en"),
        ("lang=ar", "", "ar"),
        ("lang=ar", "en", "ar"),
        ("", "ar-EG,ar;q=0.9,en;q=0.8", "ar"),
        ("", "fr;q=0.9,ar;q=0.5,en;q=0.1", "ar"),
        ("", "en;q=0.1,ar;q=0.2", "ar"),
        ("lang=es", "es", "en"),
        ("lang=../../etc", ";q=;q,,*;q=x", "en"),
        ("", "ar;q=nonsense,en", "en"),
    ],
)
def test_a_page_comes_in_a_language_that_the_city_really_has(
    pages: Pages, query: str, accept: str, language: str
) -> None:
    assert pages.language(asking(query, accept)) == language


@pytest.mark.parametrize(
    ("query", "cookie", "language"),
    [("", "ar", "ar"), ("lang=en", "ar", "en"), ("", "es", "en"), ("", "../x", "en"), ("lang=es", "ar", "ar")],
)
def test_the_language_that_was_chosen_before_comes_before_the_browsers(
    pages: Pages, query: str, cookie: str, language: str
) -> None:
    assert pages.language(asking(query, "en", cookie)) == language


def test_an_arabic_page_runs_right_to_left_and_offers_both_languages(pages: Pages) -> None:
    html = pages.render("chat.html", pages.page(asking("lang=ar")))
    assert '<html lang="ar" dir="rtl"' in html
    assert "<span>إرسال</span>" in html
    assert 'href="?lang=en" lang="en"' in html
    assert 'lang="ar" hreflang="ar" aria-current="true">العربية</a>' in html
    assert "lang=es" not in html


def test_with_one_language_nothing_is_offered(tmp_path: Path) -> None:
    page = Pages(PAGES, tiny_pack(tmp_path), static="/static/x", map_=None)
    html = page.render("chat.html", page.page(asking()))
    assert '<html lang="en" dir="ltr"' in html
    assert "hreflang" not in html
