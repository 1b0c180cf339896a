"""The command ``city311``: what an operator, a city admin and the crew do from a shell."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from city311.city import PackError, Problem, load_pack
from city311.city.model import Pack
from city311.cli import afterwards as _afterwards  # noqa: F401 - adds commands to desk.requests
from city311.cli import desk, messages, places
from city311.cli.understanding import understanding
from city311.places import problems as place_problems
from city311.run import start, training
from city311.settings import MissingSetting, Settings, load

app = typer.Typer(
    help="City311: the 311 assistant that a city runs itself.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)
app.add_typer(desk.requests, name="requests")
app.add_typer(desk.keys, name="keys")
app.add_typer(desk.db, name="db")
app.add_typer(places.places, name="places")
app.add_typer(messages.messages, name="messages")
app.add_typer(understanding, name="understanding")

City = Annotated[Path | None, typer.Option(help="Folder of the city pack. Default: the variable CITY, else Riverbend.")]


@app.command("run")
def run(
    city: City = None,
    train: Annotated[bool, typer.Option(help="Train a model first if anything it depends on has changed.")] = True,
) -> None:
    """Start everything: database, model, dialogue, actions and portal. Ctrl-C stops it all."""
    raise typer.Exit(start.run(_settings(city), train=train))


@app.command("train")
def train_model(
    city: City = None,
    force: Annotated[bool, typer.Option("--force", help="Train even if nothing has changed.")] = False,
) -> None:
    """Train the model of a city pack, if anything it depends on has changed. Prints its path."""
    try:
        model = training.train(_settings(city), force=force, console=Console(stderr=True, highlight=False))
    except PackError as error:
        _show(error.problems)
        raise typer.Exit(2) from error
    except training.TrainingFailed as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    typer.echo(str(model))


@app.command("check")
def check(
    folder: Annotated[
        Path | None, typer.Argument(help="Folder of the city pack. Default: the variable CITY, else Riverbend.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the problems as JSON, for scripts.")] = False,
) -> None:
    """Check a city pack: every problem with its file, line and remedy."""
    pack, problems = _loaded(_settings(folder).city)
    if as_json:
        rows = [{**vars(problem), "file": str(problem.file)} for problem in problems]
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=2))
    elif problems:
        _show(problems)
    if problems or pack is None:
        raise typer.Exit(1)
    if not as_json:
        questions = sum(len(service.questions) for service in pack.services.values())
        typer.echo(
            f"{pack.city.name}: {len(pack.services)} services with {questions} questions, "
            f"{len(pack.departments)} departments, languages {', '.join(pack.city.languages)}. No problems."
        )


def _loaded(folder: Path) -> tuple[Pack | None, list[Problem]]:
    try:
        pack = load_pack(folder)
    except PackError as error:
        return None, error.problems
    return pack, place_problems(pack)


def _show(problems: list[Problem]) -> None:
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    for problem in problems:
        console.print(f"{problem.file}:{problem.line}: {problem.where}", style="bold", markup=False)
        console.print(f"  {problem.message} {problem.remedy}", markup=False)
    console.print(f"{len(problems)} problem(s) found." if problems else "No problems.", style="red")


def _settings(city: Path | None) -> Settings:
    environment = dict(os.environ)
    if city is not None:
        # A path from the shell is meant from where the shell is.
        environment["CITY"] = str(city.resolve())
    try:
        return load(environment)
    except MissingSetting as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error
