"""A real Chromium on the real portal, which talks to a double of the dialogue process."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from axe_playwright_python.sync_playwright import Axe
from doubles.conversation import small_conversation
from doubles.portal import EAGER, RELAY_SECRET, UNHURRIED, Portal
from doubles.relay import RelayDouble
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from city311.settings import HOUSE
from city311.store.base import open_engine

CHROMIUM = Path(os.environ.get("CITY311_CHROMIUM", "/usr/bin/chromium"))
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE_MS = 30_000
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.is_file():
        pytest.skip(f"no Chromium at {CHROMIUM}; set CITY311_CHROMIUM to one")
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture
def relay() -> Iterator[RelayDouble]:
    with RelayDouble(RELAY_SECRET, small_conversation) as double:
        yield double


@pytest.fixture
def portal(relay: RelayDouble, tmp_path: Path, migrated_sqlite: Path) -> Iterator[Portal]:
    with a_portal(relay, tmp_path, migrated_sqlite) as running:
        yield running


@contextmanager
def a_portal(relay: RelayDouble, folder: Path, empty: Path, **options: Any) -> Iterator[Portal]:
    """A portal with a database in ``folder``, a copy of ``empty``."""
    folder.mkdir(exist_ok=True)
    database = folder / "city311.db"
    shutil.copy(empty, database)
    engine = open_engine(f"sqlite:///{database}")
    with Portal(engine, relay.port, pace=UNHURRIED, timing=EAGER, relay_timeout_s=20, **options) as running:
        yield running
    engine.dispose()


@pytest.fixture
def portal_with(relay: RelayDouble, tmp_path: Path, migrated_sqlite: Path) -> Iterator[Callable[..., Portal]]:
    """Makes a portal with other options."""
    with ExitStack() as open_ones:
        yield lambda **options: open_ones.enter_context(
            a_portal(relay, tmp_path / uuid4().hex, migrated_sqlite, **options)
        )


class Chat:
    """The chat page as a resident uses it."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        self.complaints: list[str] = []
        page.on("pageerror", lambda error: self.complaints.append(f"{error}"))
        page.on("console", lambda line: self.complaints.append(line.text) if line.type == "error" else None)

    def open(self) -> Chat:
        self.page.goto(self.url)
        self.is_ready()
        return self

    def is_ready(self) -> None:
        self.page.locator("#log[aria-live=polite]").wait_for()

    @property
    def input(self) -> Any:
        return self.page.get_by_label("Your message")

    def say(self, text: str) -> None:
        self.input.fill(text)
        self.input.press("Enter")

    def sees(self, text: str) -> None:
        self.page.locator("#log").get_by_text(text).last.wait_for()

    def bubbles(self) -> list[str]:
        return self.page.locator(".bubble").all_inner_texts()

    def has_focus(self) -> bool:
        return bool(self.page.evaluate("document.activeElement.id === 'text'"))

    def scrolls_sideways(self) -> bool:
        return bool(
            self.page.evaluate(
                """() => [document.documentElement, document.querySelector('#log')]
                    .some((area) => area.scrollWidth > area.clientWidth)"""
            )
        )


@pytest.fixture
def chat_on() -> type[Chat]:
    """Makes a chat of a page and the address of a portal."""
    return Chat


@pytest.fixture
def new_chat(browser: Browser, portal: Portal) -> Iterator[Callable[..., Chat]]:
    """Makes a chat in a browser profile of its own. ``allowed``: errors on the console that are part of the test."""
    made: list[tuple[BrowserContext, Chat, tuple[str, ...]]] = []

    def make(
        *, allowed: tuple[str, ...] = (), context: BrowserContext | None = None, url: str = "", **profile: Any
    ) -> Chat:
        # a worker would answer before a test's own routes do
        own = context or browser.new_context(**{"service_workers": "block", **profile})
        chat = Chat(own.new_page(), url or portal.url)
        chat.page.set_default_timeout(PATIENCE_MS)
        made.append((own, chat, allowed))
        return chat

    yield make
    for own, chat, allowed in made:
        own.close()
        unexpected = [line for line in chat.complaints if not any(part in line for part in allowed)]
        assert not unexpected


@pytest.fixture
def chat(new_chat: Callable[..., Chat]) -> Chat:
    return new_chat(viewport={"width": 1100, "height": 800}).open()


@pytest.fixture
def accessible() -> Callable[[Chat], None]:
    """Asserts that axe finds nothing to complain about."""
    axe = Axe()

    def check(chat: Chat) -> None:
        found = axe.run(chat.page, options=RULES)
        assert found.violations_count == 0, found.generate_report()

    return check


@pytest.fixture
def picture() -> Callable[[Chat, str], None]:
    """Writes docs/images/<name>.png when CITY311_SCREENSHOTS=1."""

    def write(chat: Chat, name: str) -> None:
        if os.environ.get("CITY311_SCREENSHOTS") == "1":
            chat.page.screenshot(path=HOUSE / "docs" / "images" / f"{name}.png", animations="disabled")

    return write
