"""What an operator or a city admin can set or type stands in the documentation."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import typer
from click import Command, Group

from city311.cli import app
from city311.settings import HOUSE

OPERATOR = (HOUSE / "docs" / "operator.md").read_text(encoding="utf-8")
CITY_ADMIN = (HOUSE / "docs" / "city-admin.md").read_text(encoding="utf-8")
DOCS = "\n".join(path.read_text(encoding="utf-8") for path in sorted((HOUSE / "docs").glob("*.md")))
_VARIABLE = re.compile(r"\b(?:CITY311_[A-Z0-9_]*[A-Z0-9])\b")
_FOR_TESTS = frozenset({"CITY311_CHROMIUM", "CITY311_SCREENSHOTS"})


def variables() -> dict[str, str]:
    """Each environment variable that the program reads → a file that names it."""
    files = [path for folder in ("city311", "actions", "deploy") for path in sorted((HOUSE / folder).rglob("*.py"))]
    found: dict[str, str] = {"CITY": "city311/settings.py"}
    for path in files:
        for name in _VARIABLE.findall(path.read_text(encoding="utf-8")):
            found.setdefault(name, path.relative_to(HOUSE).as_posix())
    return {name: file for name, file in found.items() if name not in _FOR_TESTS}


@pytest.mark.parametrize("name", sorted(variables()))
def test_each_variable_is_documented_for_operators(name: str) -> None:
    assert f"`{name}`" in OPERATOR, f"{variables()[name]} reads {name}; docs/operator.md does not have it"


def test_each_documented_variable_is_read() -> None:
    assert set(re.findall(r"^\| `(CITY311_\w+)`", OPERATOR, re.MULTILINE)) <= set(variables())


def commands(command: Command, words: str) -> Iterator[str]:
    """``city311 requests list`` and all the others."""
    if isinstance(command, Group):
        for name, inner in command.commands.items():
            yield from commands(inner, f"{words} {name}")
    else:
        yield words


@pytest.mark.parametrize("command", list(commands(typer.main.get_command(app), "city311")))
def test_each_command_is_documented(command: str) -> None:
    assert re.search(rf"\b{command}\b", DOCS), f"no file in docs/ names `{command}`"


def settings_of(schema: Any) -> Iterator[str]:
    """Names of all properties, however deep."""
    if isinstance(schema, dict):
        for name, value in schema.items():
            if name == "properties" and isinstance(value, dict):
                yield from value
            yield from settings_of(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from settings_of(value)


@pytest.mark.parametrize("schema", sorted((HOUSE / "city311/city/schemas").glob("*.json")), ids=lambda path: path.name)
def test_each_setting_of_a_city_pack_is_documented(schema: Any) -> None:
    names = set(settings_of(json.loads(schema.read_text(encoding="utf-8"))))
    assert names
    missing = sorted(name for name in names if not re.search(rf"(?<![\w]){re.escape(name)}(?![\w])", CITY_ADMIN))
    assert missing == []


PACKAGES = sorted(path.parent.name for path in (HOUSE / "city311").glob("*/__init__.py"))


def test_the_maps_of_the_house_show_every_part_and_no_other() -> None:
    readme = (HOUSE / "README.md").read_text(encoding="utf-8")
    plan = readme.split("## Map of the house")[1].split("```")[1]
    inside = plan.split("city311/ ", 1)[1].split("\nweb/")[0]
    shown = {name for line in inside.splitlines()[1:] for name in re.findall(r"\b(\w+)/", line[:20])}
    assert shown == set(PACKAGES)
    developer = (HOUSE / "docs" / "developer.md").read_text(encoding="utf-8")
    assert set(re.findall(r"`city311/(\w+)/`", developer)) >= set(PACKAGES)
    for name in re.findall(r"^(\S+)/ ", plan, re.MULTILINE):
        assert (HOUSE / name).is_dir(), name


def test_each_target_of_make_that_the_docs_name_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (HOUSE / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    texts = DOCS + (HOUSE / "README.md").read_text(encoding="utf-8")
    assert set(re.findall(r"(?:`|^)make ([a-z][a-z-]*)", texts, re.MULTILINE)) <= targets


def test_each_link_inside_the_documentation_leads_somewhere() -> None:
    broken = []
    for path in [HOUSE / "README.md", HOUSE / "CONTRIBUTING.md", *sorted((HOUSE / "docs").rglob("*.md"))]:
        prose = re.sub(r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
        for file, anchor in re.findall(r"\]\(([^)#\s]*)(?:#([^)\s]*))?\)", prose):
            if file.startswith(("http", "mailto")):
                continue
            target = (path.parent / file) if file else path
            if not target.exists() or (anchor and anchor not in anchors(target)):
                broken.append(f"{path.name}: {file}#{anchor}")
    assert broken == []


def anchors(path: Any) -> set[str]:
    """Anchors that GitHub gives the headings of a Markdown file."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
