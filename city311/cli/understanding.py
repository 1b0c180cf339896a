"""``city311 understanding``: what residents chose where the assistant was unsure, for who trains the model."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from city311.cli.training_texts import Chosen, nlu_yaml
from city311.settings import load
from city311.store import migrate
from city311.store.base import open_engine
from city311.store.candidates import NONE_OF_THESE, Candidate, Candidates

understanding = typer.Typer(
    help="What residents chose where the assistant was unsure what they meant. Nothing here is trained by itself: "
    "a person looks at each example and puts the good ones into data/nlu.",
    no_args_is_help=True,
)
_FORMS = ("table", "json", "nlu")


@understanding.command("candidates")
def candidates(
    form: Annotated[
        str, typer.Option("--as", help="table, json, or nlu: examples in Rasa's YAML, to review and copy to data/nlu.")
    ] = "table",
    out: Annotated[Path | None, typer.Option(help="Write to this file, not to the terminal.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="At most so many, the newest.")] = 1_000,
) -> None:
    """List what residents chose, newest first. Phone numbers and e-mail addresses were taken out before storing."""
    if form not in _FORMS:
        raise typer.BadParameter(f"{form!r} is none of {', '.join(_FORMS)}.", param_hint="--as")
    found = _store().all(limit=limit)
    if form == "table" and out is None:
        _show(found)
        return
    text = _as_json(found) if form == "json" else nlu_yaml([Chosen(one.text, one.offered, one.chosen) for one in found])
    if out is None:
        typer.echo(text, nl=False)
        return
    out.write_text(text, encoding="utf-8")
    typer.echo(f"{len(found)} written to {out}.", err=True)


@understanding.command("forget")
def forget(ids: Annotated[list[int], typer.Argument(help="Ids as the table shows them.")]) -> None:
    """Delete candidates that were reviewed. All of them go by themselves after 180 days."""
    typer.echo(f"{_store().forget(ids)} deleted.")


def _store() -> Candidates:
    url = load().database_url
    migrate.upgrade(url)
    return Candidates(open_engine(url))


def _as_json(found: Sequence[Candidate]) -> str:
    rows = [
        {
            "id": one.id,
            "at": one.at.isoformat(),
            "language": one.language,
            "text": one.text,
            "offered": list(one.offered),
            "chosen": one.chosen or None,
        }
        for one in found
    ]
    return json.dumps(rows, ensure_ascii=False, indent=2) + "\n"


def _show(found: Sequence[Candidate]) -> None:
    if not found:
        typer.echo("No candidates.")
        return
    table = Table("id", "at", "said", "offered", "chosen")
    for one in found:
        chosen = one.chosen if one.chosen != NONE_OF_THESE else "(none of these)"
        said = Text("".join(letter if letter.isprintable() else " " for letter in one.text))
        table.add_row(str(one.id), f"{one.at:%Y-%m-%d %H:%M}", said, ", ".join(one.offered), chosen)
    Console(soft_wrap=False).print(table)
