"""``city311 requests``, ``city311 keys`` and ``city311 db``: the embedded desk and its database, from a shell."""

from __future__ import annotations

import getpass
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from city311.requests import desk, parse
from city311.requests.delivery import retry, undelivered
from city311.requests.follow import affected
from city311.requests.states import State
from city311.settings import load
from city311.store import keys as api_keys
from city311.store import migrate
from city311.store.base import now, open_engine
from city311.store.desk import DeskRequest

requests = typer.Typer(
    help="The crew's side of the embedded desk: see service requests and say what is being done. "
    "Residents read the state and the note when they ask about their request.",
    no_args_is_help=True,
)
keys = typer.Typer(help="API keys of the Open311 server: who may create requests.", no_args_is_help=True)
db = typer.Typer(help="The database.", no_args_is_help=True)
_OF_A_REMARK = ("said_at", "status", "text", "media_urls")
_STATES = ", ".join(state.value for state in desk.DESK_STATES)
# Marks that reverse the order of what a terminal shows: they could make a line lie about itself.
_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]")

Number = Annotated[str, typer.Argument(help="Request number, e.g. SR-104215; blanks, dashes and SR may be left out.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]


@requests.command("list")
def list_requests(
    state: Annotated[
        list[str] | None, typer.Option(help=f"open, closed, or one of {_STATES}. May be repeated.")
    ] = None,
    service: Annotated[list[str] | None, typer.Option(help="Service code, e.g. pothole. May be repeated.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List service requests, newest first."""
    with explained() as engine:
        wanted = desk.Filter(states=desk.states(state or ()), services=service or ())
        rows = desk.search(engine, wanted, limit=limit)
        people = affected(engine, [row.number for row in rows])
    if as_json:
        print_json([{**_brief(row), "people": people[row.number]} for row in rows])
        return
    if not rows:
        typer.echo("No requests match.")
        return
    table = Table("Number", "State", "People", "Service", "Address", "Received", "Due", box=None, pad_edge=False)
    table.columns[0].no_wrap = table.columns[1].no_wrap = True
    for row in rows:
        place = row.address or row.address_id or _place(row)
        told = (row.number, row.state, str(people[row.number]), row.service_name, place)
        table.add_row(*(safe(cell) for cell in (*told, when(row.requested_at), when(row.expected_at))))
    Console().print(table)


@requests.command("show")
def show_request(number: Number, as_json: AsJson = False) -> None:
    """Show everything about one request, the resident's contact included. For the crew's eyes only."""
    with explained() as engine:
        row = desk.show(engine, number)
        people = affected(engine, [row.number])[row.number]
        remarks = desk.remarks(engine, row.number)
    if as_json:
        told_later = [{name: _plain(getattr(one, name)) for name in _OF_A_REMARK} for one in remarks]
        print_json({**_full(row), "people": people, "remarks": told_later})
        return
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    lines = {
        "Number": row.number,
        "Service": f"{row.service_name} ({row.service_code})",
        "State": f"{row.state}, since {when(row.state_since)}",
        "Note": row.status_notes,
        "Evidence": row.evidence,
        "Duplicate of": row.duplicate_of,
        "Department": row.agency,
        "People": str(people),
        "Received": when(row.requested_at),
        "Due": when(row.expected_at),
        "Address": " ".join(part for part in (row.address, row.address_id and f"[{row.address_id}]") if part),
        "Position": _place(row),
        "Description": row.description,
        **{f"· {code}": answer for code, answer in row.attributes.items()},
        "Photos": "\n".join(row.media_urls),
        "Name": f"{row.first_name} {row.last_name}".strip(),
        "Telephone": row.phone,
        "E-mail": row.email,
        "Account": row.account_id,
        "Device": row.device_id,
    }
    for name, value in lines.items():
        if value:
            table.add_row(safe(name), safe(value))
    for note in row.notes:
        said = f": {note.note}" if note.note else ""
        table.add_row("History", safe(f"{when(note.at)}  {note.state}{said}  ({note.by})"))
    for remark in remarks:
        wish = {"open": " (open it again)", "closed": " (take it back)"}.get(remark.status, "")
        told = "\n".join(part for part in (remark.text, *remark.media_urls) if part)
        table.add_row("Resident", safe(f"{when(remark.said_at)}{wish}  {told}"))
    Console().print(table)


@requests.command("update")
def update_request(
    number: Number,
    state: Annotated[str | None, typer.Option(help=f"New state: {_STATES}. Left out, it stays.")] = None,
    note: Annotated[
        str, typer.Option(help="What residents are told, e.g. 'Crew comes Tuesday'. No names, please.")
    ] = "",
    evidence: Annotated[
        str, typer.Option(help="With done: address of a photo or document that shows it. Residents can open it.")
    ] = "",
    duplicate_of: Annotated[
        str, typer.Option("--of", help="With duplicate: number of the request that it repeats.")
    ] = "",
    by: Annotated[str | None, typer.Option(help="Who does this. Default: your login name.")] = None,
) -> None:
    """Change a request's state, tell residents a note, or both.

    A change of state without a note takes the former note away. The history keeps both. A request that is done without
    a note or evidence is told to residents as closed without an explanation.
    """
    with explained() as engine:
        row = desk.update(
            engine,
            number,
            state=state,
            note=note,
            evidence=evidence,
            duplicate_of=duplicate_of,
            by=by or getpass.getuser(),
        )
    typer.echo(f"{row.number} is {row.state}.")
    if row.state == State.DONE.value and not row.status_notes and not row.evidence:
        typer.echo("Residents read that nobody said what was done. Add --note or --evidence.")
    typer.echo(f"Residents read: {row.status_notes}" if row.status_notes else "Residents read no note.")


@requests.command("undelivered")
def list_undelivered(as_json: AsJson = False) -> None:
    """List requests that the system of record does not have yet. Refused ones wait for a person."""
    with explained() as engine:
        rows = undelivered(engine)
    if as_json:
        print_json([{name: _plain(value) for name, value in vars(row).items()} for row in rows])
        return
    if not rows:
        typer.echo("Everything was passed on.")
        return
    table = Table("Number", "Service", "Since", "Attempts", "Refused", "Last error", box=None, pad_edge=False)
    for row in rows:
        refused = "yes" if row.refused else "no"
        cells = (row.number, row.service_code, when(row.created_at), str(row.attempts), refused, row.last_error)
        table.add_row(*(safe(cell) for cell in cells))
    Console().print(table)


@requests.command("retry")
def retry_request(number: Number) -> None:
    """Have a refused request, and what was said about it later, passed on again, once what was wrong is mended."""
    with explained() as engine:
        canonical = parse(number) or number
        if not retry(engine, canonical, now()):
            raise desk.DeskError(
                f"Nothing about {number} was refused. `city311 requests undelivered` and `kept` list what was."
            )
    typer.echo(f"{canonical} will be passed on again.")


@keys.command("create")
def create_key(
    label: Annotated[str, typer.Option(help="Whose key it is, e.g. 'FixMyStreet'.")],
    own_numbers: Annotated[
        bool, typer.Option("--own-numbers", help="Its holder brings numbers of this city's sequence (our own actions).")
    ] = False,
) -> None:
    """Make a key and print it, once: only its hash is kept."""
    with explained() as engine:
        key = api_keys.create_key(engine, label, own_numbers=own_numbers)
    typer.echo(key)
    typer.echo("Keep it now: it cannot be shown again.", err=True)


@keys.command("list")
def list_keys(as_json: AsJson = False) -> None:
    """List the keys, without the keys themselves."""
    with explained() as engine:
        rows = api_keys.list_keys(engine)
    if as_json:
        fields = ("id", "label", "own_numbers", "created_at", "revoked_at")
        print_json([{field: _plain(getattr(row, field)) for field in fields} for row in rows])
        return
    table = Table("Id", "Label", "Own numbers", "Created", "Revoked", box=None, pad_edge=False)
    for row in rows:
        own = "yes" if row.own_numbers else "no"
        table.add_row(str(row.id), safe(row.label), own, when(row.created_at), when(row.revoked_at))
    Console().print(table)


@keys.command("revoke")
def revoke_key(
    key_id: Annotated[int, typer.Argument(metavar="ID", help="The key's id, from `city311 keys list`.")],
) -> None:
    """Stop a key from working, at once and for good."""
    with explained() as engine:
        row = api_keys.revoke_key(engine, key_id)
        if row is None:
            raise desk.DeskError(f"There is no key {key_id}. `city311 keys list` shows their ids.")
    typer.echo(f"Key {row.id} ({row.label}) no longer works.")


@db.command("upgrade")
def upgrade_database() -> None:
    """Make the database, or bring it to this version's schema. Safe to repeat."""
    url = load().database_url
    try:
        migrate.upgrade(url)
    except DBAPIError as error:
        _fail(f"The database cannot be reached: {_reason(error)} Check CITY311_DATABASE_URL.")
    typer.echo("The database is up to date.")


@contextmanager
def explained() -> Iterator[Engine]:
    """The database; what goes wrong in the block becomes one line on stderr and exit code 1."""
    engine = open_engine(load().database_url)
    try:
        if not migrate.is_current(engine):
            _fail("The database is new or of another version. Run `city311 db upgrade` first.")
        yield engine
    except desk.DeskError as error:
        _fail(str(error))
    except DBAPIError as error:
        _fail(f"The database does not answer: {_reason(error)} Check CITY311_DATABASE_URL.")
    finally:
        engine.dispose()


def _fail(message: str) -> None:
    typer.echo(message, err=True)
    raise typer.Exit(1)


def _reason(error: DBAPIError) -> str:
    """The driver's first line; ``error`` itself would add a link to documentation."""
    return str(error.orig).strip().partition("\n")[0].rstrip(".") + "."


def _brief(row: DeskRequest) -> dict[str, Any]:
    fields = ("number", "state", "service_code", "service_name", "address", "lat", "long")
    moments = ("requested_at", "updated_at", "expected_at")
    return {field: _plain(getattr(row, field)) for field in fields + moments}


def _full(row: DeskRequest) -> dict[str, Any]:
    columns = [column.key for column in DeskRequest.__table__.columns if column.key != "api_key_id"]
    history = [{"at": _plain(note.at), "state": note.state, "note": note.note, "by": note.by} for note in row.notes]
    return {**{name: _plain(getattr(row, name)) for name in columns}, "notes": history}


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def print_json(value: Any) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2))


def _place(row: DeskRequest) -> str:
    return f"{row.lat}, {row.long}" if row.lat is not None and row.long is not None else ""


def when(at: datetime | None) -> str:
    return at.astimezone().strftime("%Y-%m-%d %H:%M %Z") if at is not None else ""


def safe(words: str) -> Text:
    """Words as they are: no markup, no reversed lines."""
    return Text(_BIDI.sub(lambda mark: f"\\u{ord(mark[0]):04x}", words))
