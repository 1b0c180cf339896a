"""Open311's answers as bytes: JSON, and the XML that maps to it by the standard's Spark convention."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from xml.etree import ElementTree  # builds only; nothing is parsed here

CONTENT_TYPES = {"json": "application/json; charset=utf-8", "xml": "text/xml; charset=utf-8"}

_CHILDREN = {
    "services": "service",
    "attributes": "attribute",
    "values": "value",
    "service_requests": "request",
    "service_request_updates": "request_update",
    "errors": "error",
    "endpoints": "endpoint",
    "formats": "format",
    "notes": "note",
    "media_urls": "media_url",
}
"""Name of a list → name of each of its elements."""

Value = None | bool | int | float | str | Sequence["Value"] | Mapping[str, "Value"]


def render(form: str, root: str, value: Value) -> bytes:
    """``value`` in ``json`` or ``xml``; ``root`` names the outermost element, which JSON leaves out."""
    if form == "json":
        return json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    element = ElementTree.Element(root)
    _fill(element, value)
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(element, encoding="unicode").encode()


def _fill(element: ElementTree.Element, value: Value) -> None:
    if value is None:
        return
    if isinstance(value, bool):
        element.text = "true" if value else "false"
    elif isinstance(value, (str, int, float)):
        element.text = str(value)
    elif isinstance(value, Mapping):
        for name, child in value.items():
            _fill(ElementTree.SubElement(element, name), child)
    else:
        for child in value:
            _fill(ElementTree.SubElement(element, _CHILDREN[element.tag]), child)
