"""Reads the desk's XML back into what JSON would have said, with every leaf as text (XML has no other kind)."""

from __future__ import annotations

from typing import Any

from defusedxml import ElementTree

LISTS = {"services", "attributes", "values", "service_requests", "errors", "endpoints", "formats", "notes"}


def from_xml(content: bytes) -> Any:
    return _value(ElementTree.fromstring(content))


def as_text(value: Any) -> Any:
    """A JSON value with its leaves as XML shows them; None and "" are both an empty element."""
    if isinstance(value, dict):
        return {name: as_text(child) for name, child in value.items()}
    if isinstance(value, list):
        return [as_text(child) for child in value]
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def _value(element: Any) -> Any:
    if element.tag in LISTS:
        return [_value(child) for child in element]
    if len(element):
        return {child.tag: _value(child) for child in element}
    return element.text or ""
