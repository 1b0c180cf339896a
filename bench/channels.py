"""The web chat and text messages, to the stored answer, against the REST channel of Rasa's stock project in one run.

``.venv/bin/python -m bench.channels`` prints for 1 and 20 residents: milliseconds of a turn (p50, p95), messages a
second, and CPU time a message. A web turn ends when the page has its answer, which is stored by then. A text message
comes as a signed webhook of Twilio's; its turn ends when the answer is found in the database, and with it the message
to the resident in the queue. Messages a second and CPU time include bringing all the answers to the provider, which is
a double outside of what is measured, on a line without a pace of its own. The stock project stores nothing on disk and
has one process; its bot calls no actions.
"""

from __future__ import annotations

import http.client
import itertools
import json
import math
import sqlite3
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from twilio.request_validator import RequestValidator

from bench.projects import HOUSE, OURS, Project, check, loads, options, stock, stock_project, take_turns

sys.path.insert(0, str(HOUSE / "tests"))

from doubles.twilio import OURS as LINE
from doubles.twilio import SID, TOKEN, TwilioDouble
from harness.ports import free_port
from harness.stack import Stack, running

_PUBLIC = "https://city.example"
_WEBHOOK = "/channels/sms/twilio"
_LOOK_S = 0.002
_LONGEST_S = 60.0


def line(double: TwilioDouble) -> dict[str, str]:
    """Settings of a stack with a line at that double, and with no limit or pace that the load could meet."""
    return {
        "CITY311_TWILIO_SMS_FROM": LINE,
        "CITY311_TWILIO_ACCOUNT_SID": SID,
        "CITY311_TWILIO_AUTH_TOKEN": TOKEN,
        "CITY311_TWILIO_URL": double.url,
        "CITY311_PUBLIC_URL": _PUBLIC,
        "CITY311_TEXTS_OVERALL": "1000000/minute",
        "CITY311_SMS_PER_SECOND": "10000",
    }


class WebClient:
    """A resident at the chat page."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)

    def begin(self) -> None:
        """A new session."""
        self._cookie = ""
        self._post("session", {})

    def send(self, text: str) -> float:
        """See :class:`bench.projects.Resident`."""
        began = time.perf_counter()
        turn = self._post("messages", {"id": uuid.uuid4().hex, "text": text})
        took = (time.perf_counter() - began) * 1000
        if turn.get("state") != "answered":
            raise SystemExit(f"No answer to {text!r}: {turn}")
        check(text, turn["messages"])
        return took

    def _post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        headers = {"Content-Type": "application/json", **({"Cookie": self._cookie} if self._cookie else {})}
        self._connection.request("POST", f"/channels/web/{path}", json.dumps(body), headers)
        response = self._connection.getresponse()
        content = response.read()
        if cookie := response.getheader("set-cookie"):
            self._cookie = cookie.partition(";")[0]
        return dict(json.loads(content))


class Answers:
    """Looks into the database for answers to text messages: one look for all residents who wait."""

    def __init__(self, database: Path) -> None:
        self._database = database
        self._last = 0
        self._awaited: dict[str, tuple[threading.Event, list[Any]]] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Answers:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def await_(self, client_id: str) -> tuple[threading.Event, list[Any]]:
        """What is set when the answer to that message is stored, and the messages it then holds."""
        return self._awaited.setdefault(client_id, (threading.Event(), []))

    def all_sent(self) -> None:
        """Waits until the queue of messages to residents is empty."""
        connection = sqlite3.connect(self._database, timeout=10)
        until = time.monotonic() + _LONGEST_S
        while connection.execute("SELECT count(*) FROM outgoing_messages WHERE state <> 'sent'").fetchone() != (0,):
            if time.monotonic() > until:
                raise SystemExit("Answers by text were not sent.")
            time.sleep(_LOOK_S)
        connection.close()

    def _look(self) -> None:
        connection = sqlite3.connect(self._database, timeout=10)
        while not self._over.wait(_LOOK_S):
            found = connection.execute(
                "SELECT o.id, t.client_id, t.messages FROM outgoing_messages o JOIN turns t ON t.id = substr(o.key, 6)"
                " WHERE o.id > ? ORDER BY o.id",
                (self._last,),
            ).fetchall()
            for self._last, client_id, messages in found:
                if (awaited := self._awaited.pop(client_id, None)) is not None:
                    awaited[1].extend(json.loads(messages))
                    awaited[0].set()
        connection.close()


class SmsClient:
    """A resident who texts; every conversation is another phone's."""

    _numbers = itertools.count(2_000_000)

    def __init__(self, port: int, answers: Answers) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        self._answers = answers
        self._validator = RequestValidator(TOKEN)

    def begin(self) -> None:
        """A new phone."""
        self._number = f"+1617{next(self._numbers)}"

    def send(self, text: str) -> float:
        """See :class:`bench.projects.Resident`."""
        sid = f"SM{uuid.uuid4().hex}"
        form = {"MessageSid": sid, "AccountSid": SID, "From": self._number, "To": LINE, "Body": text, "NumMedia": "0"}
        headers = {
            "Content-Type": "application/x-www-form-urlencoded; charset=utf-8",
            "X-Twilio-Signature": self._validator.compute_signature(_PUBLIC + _WEBHOOK, form),
        }
        stored, messages = self._answers.await_(f"twilio:{sid}")
        began = time.perf_counter()
        self._connection.request("POST", _WEBHOOK, urlencode(form), headers)
        response = self._connection.getresponse()
        response.read()
        if response.status != 200 or not stored.wait(_LONGEST_S):
            raise SystemExit(f"No answer to {text!r} by text: status {response.status}")
        took = (time.perf_counter() - began) * 1000
        check(text, messages)
        return took


def projects(running_projects: ExitStack, stack: Stack) -> list[Project]:
    """Web chat and text messages of a running stack that was started with :func:`line`."""
    dialogue, actions, portal = (stack.process(each) for each in ("dialogue", "actions", "portal"))
    answers = running_projects.enter_context(Answers(stack.data / "city311.db"))
    port = stack.ports["PORTAL"]
    return [
        Project("web chat", lambda: WebClient(port), OURS, math.nan, dialogue, [actions, portal]),
        Project(
            "texts", lambda: SmsClient(port, answers), OURS, math.nan, dialogue, [actions, portal], answers.all_sent
        ),
    ]


def show(measured: list[Project]) -> None:
    """Prints them; the last is what the others are compared with."""
    print(f"\nTo the stored answer:{'':25}" + "".join(f"{each.name:>19}" for each in measured) + f"{'ratios':>16}")
    for title, values in loads(measured):
        ratios = "".join(f"{value / values[-1]:>9.2f}" for value in values[:-1])
        print(f"{title:46}" + "".join(f"{value:>19.1f}" for value in values) + ratios)


def main() -> None:
    """Starts both, measures them in turns, and prints them."""
    chosen = options(__doc__).parse_args()
    stock_project()
    with tempfile.TemporaryDirectory() as name, TwilioDouble() as double, ExitStack() as running_projects:
        stack = running_projects.enter_context(running(Path(name) / "data", **line(double)))
        measured = projects(running_projects, stack)
        measured.append(stock(running_projects, free_port()))
        take_turns(measured, chosen.seconds, chosen.rounds)
    show(measured)


if __name__ == "__main__":
    main()
