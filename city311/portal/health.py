"""Whether the installation's parts answer: ``GET /healthz``. Tells states only, never an address or an error text."""

from __future__ import annotations

import asyncio
import logging
import time

import anyio.to_thread
import httpx
from fastapi import APIRouter
from fastapi.responses import JSONResponse
from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from city311.channels.trust import trusted
from city311.settings import Settings

log = logging.getLogger(__name__)

OK = "ok"
DOWN = "unavailable"
_TIMEOUT_S = 2.0
_FRESH_S = 1.0  # a result is good for that long, so that asking often costs the other processes nothing


class Health:
    """Asks database, dialogue and actions, all at once and each for two seconds at most."""

    def __init__(self, settings: Settings, engine: Engine) -> None:
        self._engine = engine
        self._dialogue = f"{settings.dialogue_url}/webhooks/relay/health"
        self._actions = f"{settings.actions_url}/health"
        self._actions_secret = settings.secret("CITY311_ACTIONS_SECRET")
        self._client = httpx.AsyncClient(timeout=_TIMEOUT_S, trust_env=False, verify=trusted(environment=False))
        self._asking = asyncio.Lock()
        self._known: tuple[float, dict[str, str]] | None = None

    async def close(self) -> None:
        """Let go of the connections."""
        await self._client.aclose()

    async def components(self) -> dict[str, str]:
        """Component → ``ok`` or ``unavailable``, at most a second old."""
        async with self._asking:
            if self._known is None or time.monotonic() - self._known[0] > _FRESH_S:
                database, dialogue, actions = await asyncio.gather(
                    self._database(),
                    self._answers(self._dialogue, {}),
                    self._answers(self._actions, {"X-City311-Secret": self._actions_secret}),
                )
                self._known = (
                    time.monotonic(),
                    {"portal": OK, "database": database, "dialogue": dialogue, "actions": actions},
                )
            return self._known[1]

    async def _answers(self, url: str, headers: dict[str, str]) -> str:
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                response = await self._client.get(url, headers=headers)
        except (httpx.HTTPError, TimeoutError):
            return DOWN
        return OK if response.status_code == 200 else DOWN

    async def _database(self) -> str:
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                await anyio.to_thread.run_sync(self._select, abandon_on_cancel=True)
        except (SQLAlchemyError, TimeoutError) as error:
            log.error("the database does not answer: %s", type(error).__name__)
            return DOWN
        return OK

    def _select(self) -> None:
        with self._engine.connect() as connection:
            connection.execute(text("SELECT 1 FROM turns LIMIT 1"))


def health_router(health: Health) -> APIRouter:
    """``GET /healthz``: 200 when every part answers, 503 when one does not."""
    router = APIRouter()

    @router.get("/healthz", tags=["operation"], summary="State of this installation's parts")
    async def healthz() -> JSONResponse:
        components = await health.components()
        well = all(state == OK for state in components.values())
        return JSONResponse(
            {"status": OK if well else "degraded", "components": components},
            status_code=200 if well else 503,
            headers={"Cache-Control": "no-store"},
        )

    return router
