"""The action server: rasa-sdk's own, on loopback, behind a shared secret, silent about what it was sent.

Run with ``python -m actions.server``.
"""

from __future__ import annotations

import gc
import hmac
import logging
from typing import Any

from rasa_sdk.endpoint import create_app
from rasa_sdk.executor import ActionExecutor
from sanic import Sanic
from sanic.request import Request
from sanic.response import HTTPResponse, json

from actions.surroundings import surroundings
from city311 import settings
from city311.intake.days import day

logger = logging.getLogger(__name__)

_PACKAGE = "actions"


def app() -> Sanic:
    """rasa-sdk's application with our door in front of it and the delivery worker behind it."""
    secret = settings.load().secret("CITY311_ACTIONS_SECRET").encode()
    executor = ActionExecutor()
    executor.register_package(_PACKAGE)
    server = create_app(executor, cors_origins=[])

    @server.on_request
    async def guard(request: Request) -> HTTPResponse | None:
        shown = request.headers.get("X-City311-Secret", "").encode("utf-8", "surrogateescape")
        if not hmac.compare_digest(shown, secret):
            return json({"error": "wrong secret"}, status=401)
        return None

    @server.on_response
    async def silence(_request: Request, response: HTTPResponse) -> HTTPResponse | None:
        # rasa-sdk answers an error with its text and with the whole request, which holds what a resident wrote.
        if response.status >= 500:
            return json({"error": "the action failed; the log of the action server says why"}, status=500)
        return None

    @server.after_server_start
    async def begin(app: Sanic, _loop: Any) -> None:
        requests = surroundings().requests
        app.ctx.workers = (requests.worker(), requests.updates_worker())
        for worker in app.ctx.workers:
            worker.start()
        gc.collect()
        gc.freeze()  # what stays is left out of garbage collections

    @server.before_server_stop
    async def end(app: Sanic, _loop: Any) -> None:
        for worker in app.ctx.workers:
            worker.stop()

    return server


def warm_up() -> None:
    """Makes what actions work with, and loads what libraries would else load for the first resident.

    Raises:
        PackError, MissingSetting: the installation is not complete; it shows now, not at the first message.
    """
    here = surroundings()
    for language in here.pack.city.languages:
        setting = here.setting(language)
        day("last Monday", setting.now, language, setting.lexicon)


def main() -> None:
    """Serves until it is told to stop."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    warm_up()
    app().run(host="127.0.0.1", port=settings.load().actions_port, single_process=True, access_log=False, motd=False)


if __name__ == "__main__":
    main()
