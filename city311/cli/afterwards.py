"""``city311 requests kept`` and ``settle``: what residents said about a sent request, and no system could take."""

from __future__ import annotations

import getpass
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from city311.cli.desk import AsJson, Number, explained, print_json, requests, safe, when
from city311.requests import desk, parse
from city311.requests.afterwards import kept, settle


@requests.command("kept")
def list_kept(as_json: AsJson = False) -> None:
    """List what residents said about requests that were sent, and the system of record did not take: for a person."""
    with explained() as engine:
        rows = kept(engine)
    if as_json:
        print_json(
            [{**vars(row), "said_at": row.said_at.isoformat(), "media_urls": list(row.media_urls)} for row in rows]
        )
        return
    if not rows:
        typer.echo("Nothing waits for a person.")
        return
    table = Table("Number", "Wish", "Said", "Words", "Last error", box=None, pad_edge=False)
    for row in rows:
        words = "\n".join(part for part in (row.text, *row.media_urls) if part)
        table.add_row(*(safe(cell) for cell in (row.number, row.kind, when(row.said_at), words, row.last_error)))
    Console().print(table)


@requests.command("settle")
def settle_kept(
    number: Number,
    by: Annotated[str | None, typer.Option(help="Who did it. Default: your login name.")] = None,
) -> None:
    """Mark what was kept about a request as done: you have told the department."""
    with explained() as engine:
        canonical = parse(number) or number
        count = settle(engine, canonical, by or getpass.getuser())
        if not count:
            raise desk.DeskError(f"Nothing about {number} was kept. `city311 requests kept` lists what was.")
    typer.echo(f"{canonical}: {count} done.")
