"""The map on which a resident points at a place: its outlines and streets come from the city pack, offline."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Mapping
from functools import cache
from typing import Any

import anyio.to_thread
from fastapi import APIRouter, Request
from fastapi.responses import Response
from shapely.geometry import mapping
from xstatic.pkg import leaflet

from city311.city.model import Pack
from city311.places import source

LEAFLET = leaflet.BASE_DIR
"""Folder of Leaflet's own files, from its package."""
LEAFLET_ADDRESS = f"/static/leaflet-{leaflet.VERSION}"


def has_map(pack: Pack) -> bool:
    """Whether the pack says where the city is."""
    return (pack.folder / source.FOLDER / "boundary.geojson").is_file()


def map_router(pack: Pack) -> APIRouter:
    """``/map.json``: boundary, areas and streets as Leaflet draws them; WGS 84 degrees, latitude first."""
    router = APIRouter(include_in_schema=False)

    @cache
    def drawn() -> tuple[bytes, str]:
        document = json.dumps(_drawing(pack), ensure_ascii=False, separators=(",", ":")).encode()
        return gzip.compress(document, mtime=0), f'"{hashlib.sha256(document).hexdigest()[:20]}"'

    @router.get("/map.json")
    async def outlines(request: Request) -> Response:
        body, tag = await anyio.to_thread.run_sync(drawn)
        headers = {"ETag": tag, "Cache-Control": "public, max-age=3600"}
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return Response(body, headers={**headers, "Content-Encoding": "gzip"}, media_type="application/json")

    return router


def _drawing(pack: Pack) -> Mapping[str, Any]:
    lists = source.read(pack)
    areas = lists.areas.get("district") or next(iter(lists.areas.values()), {})
    streets: dict[str, list[list[list[float]]]] = {}
    for line in lists.lines:
        streets.setdefault(line.street, []).append([[point.lat, point.lon] for point in line.points])
    return {
        "boundary": mapping(lists.boundary) if lists.boundary is not None else None,
        "areas": [mapping(shape) for shape in areas.values()],
        "streets": streets,
    }
