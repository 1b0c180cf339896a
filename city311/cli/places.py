"""``city311 places``: try what the installation makes of a place, and make its gazetteer beforehand."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from typing import Annotated, Any

import typer

from city311.city import PackError, load_pack
from city311.places import Place, Places, ensure, open_places
from city311.settings import MissingSetting, load

places = typer.Typer(help="The city's places: addresses, corners, landmarks, poles.", no_args_is_help=True)


@places.command("build")
def build() -> None:
    """Make the gazetteer of the city pack, if anything it is made from has changed. Prints its path."""
    try:
        installation = load()
        pack = load_pack(installation.city)
        typer.echo(str(ensure(pack, installation.data, lambda step: typer.echo(step, err=True))))
    except (PackError, MissingSetting) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error


@places.command("find")
def find(
    words: Annotated[list[str], typer.Argument(help="A place in a resident's words, or latitude, longitude.")],
) -> None:
    """Print as JSON what a place is taken for."""
    typer.echo(json.dumps(_plain(_open().find(" ".join(words))), ensure_ascii=False, indent=2))


def _open() -> Places:
    try:
        installation = load()
        pack = load_pack(installation.city)
        key = os.environ.get(pack.geocoder.api_key_setting, "") if pack.geocoder else ""
        opened = open_places(pack, installation.data, key)
    except (PackError, MissingSetting) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error
    if opened is None:
        typer.echo(f"The city pack {pack.folder} has no places/places.yml; places are taken as residents word them.")
        raise typer.Exit(1)
    return opened


def _plain(found: Any) -> dict[str, Any]:
    kind = type(found).__name__.lower()
    if isinstance(found, Place):
        return {"result": kind, **asdict(found), "kind": found.kind.value}
    if hasattr(found, "candidates"):
        return {"result": kind, "candidates": [_plain(each) for each in found.candidates]}
    return {"result": kind, **asdict(found)}
