"""Who may show the chat in a frame, and what the browser is given besides the page."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from doubles.portal import DOMAIN, settings_for, tiny_pack
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from city311 import settings as installation
from city311.portal.app import create_app
from city311.settings import MissingSetting

SITES = ("https://www.millbrook.example", "https://parks.millbrook.example:8443")


@pytest.fixture
def framed(engine: Engine, tmp_path: Path) -> Iterator[TestClient]:
    settings = replace(
        settings_for(
            port=8000, dialogue_port=1, database_url="sqlite://", photos_url=tmp_path.as_uri(), profile="production"
        ),
        embed_origins=SITES,
    )
    with TestClient(create_app(settings, tiny_pack(), engine, domain=DOMAIN), base_url="https://testserver") as client:
        yield client


def test_no_other_site_frames_the_chat_unless_it_is_named(page: httpx.Client, framed: TestClient) -> None:
    for address in ("/", "/embedded", "/plain", "/no/such"):
        assert "frame-ancestors 'self'" in page.get(address).headers["Content-Security-Policy"] + ";"
        assert "frame-ancestors 'self';" in page.get(address).headers["Content-Security-Policy"] + ";"
    named = framed.get("/embedded").headers["Content-Security-Policy"]
    assert named.endswith(f"frame-ancestors 'self' {SITES[0]} {SITES[1]}")
    assert framed.get("/").headers["Content-Security-Policy"].endswith("frame-ancestors 'self'")


def test_the_cookie_travels_into_a_frame_only_where_sites_are_named(page: httpx.Client, framed: TestClient) -> None:
    own = page.post("/channels/web/session", json={}, headers={"Cookie": ""}).headers["Set-Cookie"]
    assert "SameSite=lax" in own and "Partitioned" not in own
    there = framed.post("/channels/web/session", json={}).headers["Set-Cookie"]
    assert there.startswith("__Host-city311=")
    for part in ("HttpOnly", "SameSite=none", "Secure", "Partitioned"):
        assert part in there


def test_a_frame_changes_nothing_about_where_a_message_may_come_from(framed: TestClient) -> None:
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": SITES[0]}):
        refused = framed.post("/channels/web/messages", json={"id": "1", "text": "x"}, headers=headers)
        assert refused.status_code == 403
        form = framed.post("/plain", data={"id": "1", "text": "x"}, headers=headers)
        assert form.status_code == 403
    assert "access-control-allow-origin" not in framed.get("/embedded", headers={"Origin": SITES[0]}).headers


def test_sites_are_named_as_origins() -> None:
    for wrong in ("*", "www.millbrook.example", "https://a.example/path", "javascript:x", "https://a.example;x"):
        with pytest.raises(MissingSetting, match="CITY311_EMBED_ORIGINS"):
            installation.load({"CITY311_EMBED_ORIGINS": wrong})
    assert installation.load({"CITY311_EMBED_ORIGINS": " ".join(SITES)}).embed_origins == SITES


def test_the_app_can_be_installed(page: httpx.Client) -> None:
    response = page.get("/manifest.webmanifest")
    assert response.headers["Content-Type"].startswith("application/manifest+json")
    manifest = json.loads(response.text)
    assert manifest["name"] == "Millbrook 311"
    assert manifest["display"] == "standalone"
    for icon in manifest["icons"]:
        assert page.get(icon["src"]).headers["Content-Type"] == icon["type"]
    worker = page.get("/worker.js")
    assert worker.headers["Content-Type"].startswith("text/javascript")
    assert worker.headers["Cache-Control"] == "no-cache"


def test_the_script_for_other_sites_brings_its_words(page: httpx.Client) -> None:
    script = page.get("/widget.js")
    assert script.headers["Content-Type"].startswith("text/javascript")
    assert 'const words = {"close": "Close the chat"' in script.text
    assert "Chat with Millbrook 311" in script.text


def test_scripts_are_kept_in_production_only_as_long_as_they_are_the_same(
    page: httpx.Client, framed: TestClient
) -> None:
    def address(html: str) -> str:
        return html.split('<link rel="stylesheet" href="')[1].split('"')[0]

    lasting = framed.get(address(framed.get("/").text))
    assert lasting.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert lasting.headers["Content-Encoding"] == "gzip"
    assert page.get(address(page.get("/").text)).headers["Cache-Control"] == "no-cache"
    assert framed.get("/static/000000000000/chat.css").status_code == 404


def test_the_page_is_drawn_as_its_reader_chose(page: httpx.Client) -> None:
    chosen = page.get("/", headers={"Cookie": "city311_display=large.contrast"}).text
    assert 'data-size="large" data-colors="contrast"' in chosen
    for wrong in ('"><script>', "huge.pink", "large.light.dark", ""):
        odd = page.get("/", headers={"Cookie": f"city311_display={wrong}"}).text
        assert "<script>" not in odd
        assert 'data-colors="device"' in odd
