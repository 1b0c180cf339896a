"""A town of a few streets, written as a city pack: two Park Streets, a pole, a library, a state road."""

from __future__ import annotations

import shutil
from pathlib import Path

PUERTO_CLARO = Path(__file__).parents[2] / "packs" / "puerto_claro"

NAMES = """
source: invented for the tests
city_names: [Smallville]
states: [ZZ]
aliases: {Grand: Grand Boulevard Rd}
kinds: {library: [library]}
neighbors:
  next: {name: Nextown, phone: 555-0100}
responsible:
  state:
    name: The state
    tell: The state looks after this road.
    action: tell
    streets: [Route Rd]
  power:
    name: The power company
    tell: The power company looks after this light.
    action: refer
    department: public_works
    assets: {owners: [Power]}
outside: {tell: That is outside Smallville.}
"""
ADDRESSES = """number	street	lat	lon
2	Park St	40.001000	-70.001000
12	Park St	40.001000	-70.002000
20	Park St	40.001000	-70.003000
2	Park Ave	40.004000	-70.001000
6-10	Park Ave	40.004000	-70.002000
12	Park St N	40.009000	-70.009000
15	Harper St	40.002000	-70.004000
15	Harbor St	40.003000	-70.004000
7	Route Rd	40.005000	-70.001000
12 1/2	Elm St	40.006000	-70.001000
12	Elm St	40.006100	-70.001000
"""
LINES = """street	left_from	left_to	right_from	right_to	line
Park St	1	99	2	98	40.001000 -70.000000, 40.001000 -70.010000
Route Rd	1	49	2	50	40.005000 -70.000000, 40.001000 -70.000000
Elm St	101	199	0	0	40.006000 -70.000000, 40.006000 -70.010000
Grand Boulevard Rd	0	0	0	0	40.007000 -70.000000, 40.007000 -70.010000
"""
INTERSECTIONS = """streets	lat	lon
Elm St & Park St	40.001000	-70.005000
Harper St & Park Ave	40.004000	-70.003000
"""
LANDMARKS = """name	kind	also	at	radius_m
Town Library	library	The Books	12 Park St	30
Green Field	park		40.002500 -70.006000	120
"""
ASSETS = """id	kind	street	owner	description	lat	lon
44-71	street_light	Park St	City	Cobra	40.001100	-70.001500
9	street_light	Park Ave	Power	Flood	40.004100	-70.001500
"""


def square(name: str, south: float, west: float, north: float, east: float) -> str:
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    shape = '{"type": "Feature", "properties": {"name": "%s"}, "geometry": {"type": "Polygon", "coordinates": [%s]}}'
    return shape % (name, ring)


def collection(*features: str) -> str:
    return '{"type": "FeatureCollection", "features": [' + ",\n".join(features) + "]}\n"


def write(folder: Path) -> Path:
    """The pack in ``folder``."""
    shutil.copytree(PUERTO_CLARO, folder)
    places = folder / "places"
    (places / "areas").mkdir(parents=True)
    (places / "places.yml").write_text(NAMES.replace("public_works", department(folder)), encoding="utf-8")
    for name, text in (
        ("addresses", ADDRESSES),
        ("street_lines", LINES),
        ("intersections", INTERSECTIONS),
        ("landmarks", LANDMARKS),
        ("assets", ASSETS),
    ):
        (places / f"{name}.tsv").write_text(text, encoding="utf-8")
    (places / "boundary.geojson").write_text(collection(square("town", 40.0, -70.01, 40.01, -69.999)), encoding="utf-8")
    halves = square("South", 40.0, -70.01, 40.0045, -69.999), square("North", 40.0045, -70.01, 40.01, -69.999)
    for layer in ("neighborhood", "district"):
        (places / "areas" / f"{layer}.geojson").write_text(collection(*halves), encoding="utf-8")
    return folder


def department(folder: Path) -> str:
    return (folder / "departments.yml").read_text(encoding="utf-8").split(":")[0].strip().splitlines()[-1]
