"""``city311 messages``: text messages to residents that could not be sent, and what became of the others."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy import func, select

from city311.cli.desk import AsJson, explained, print_json, safe, when
from city311.requests import desk
from city311.store import outgoing
from city311.store.base import now, reading, writing
from city311.store.correspondents import Correspondent
from city311.store.outgoing import FAILED, OutgoingMessage

messages = typer.Typer(
    help="Text messages to residents: what waits, what failed and why, and sending it again.", no_args_is_help=True
)
_STATES = (outgoing.WAITING, outgoing.SENDING, outgoing.SENT, outgoing.WITHHELD, FAILED)


@messages.command("count")
def count_messages(as_json: AsJson = False) -> None:
    """Count the messages in each state."""
    with explained() as engine, reading(engine) as session:
        rows = session.execute(select(OutgoingMessage.state, func.count()).group_by(OutgoingMessage.state)).all()
    counts: Counter[str] = Counter()
    for state, number in rows:
        counts[state] = number
    if as_json:
        print_json({state: counts[state] for state in _STATES})
        return
    for state in _STATES:
        typer.echo(f"{state:10}{counts[state]:8}")


@messages.command("list")
def list_messages(
    state: Annotated[str, typer.Option(help=f"One of {', '.join(_STATES)}.")] = FAILED,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List messages, newest first: by default those that failed and wait for a person. Numbers are shortened."""
    with explained() as engine:
        if state not in _STATES:
            raise desk.DeskError(f"There is no state {state!r}. Use one of: {', '.join(_STATES)}.")
        with reading(engine) as session:
            query = (
                select(OutgoingMessage, Correspondent)
                .join(Correspondent, Correspondent.sender == OutgoingMessage.sender)
                .where(OutgoingMessage.state == state)
                .order_by(OutgoingMessage.id.desc())
                .limit(limit)
            )
            rows = [_row(message, whom) for message, whom in session.execute(query).all()]
    if as_json:
        print_json(rows)
        return
    if not rows:
        typer.echo(f"No message is {state}.")
        return
    table = Table("Id", "Message", "Channel", "To", "Made", "Attempts", "Why", box=None, pad_edge=False)
    for row in rows:
        cells = ("id", "key", "channel", "to", "made", "attempts", "why")
        table.add_row(*(safe(str(row[name])) for name in cells))
    Console().print(table)


@messages.command("retry")
def retry_message(
    message_id: Annotated[int, typer.Argument(metavar="ID", help="From `city311 messages list`.")],
) -> None:
    """Have a failed message sent again, once what was wrong is mended."""
    with explained() as engine:
        with writing(engine) as session:
            again = outgoing.retry(session, message_id, now())
        if not again:
            raise desk.DeskError(f"No failed message has the id {message_id}. `city311 messages list` shows them.")
    typer.echo(f"Message {message_id} will be sent again.")


def _row(message: OutgoingMessage, whom: Correspondent) -> dict[str, Any]:
    return {
        "id": message.id,
        "key": message.key,
        "channel": f"{whom.channel} by {whom.provider}",
        "to": f"…{whom.number[-4:]}",
        "made": when(message.created_at),
        "attempts": message.attempts,
        "why": message.last_error or message.fate,
    }
