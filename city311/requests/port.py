"""What this capability asks of a system of record. :mod:`city311.connectors.open311` is one."""

from __future__ import annotations

from collections.abc import Container, Sequence
from datetime import datetime
from typing import Protocol

from city311.connectors.model import Followup, Receipt, RemoteRequest, Submission


class WorkOrderSystem(Protocol):
    """A system of record for service requests; errors are those of :mod:`city311.connectors.model`. Budgets are
    seconds.
    """

    @property
    def own_numbers(self) -> bool:
        """Whether it takes our number, so that sending again makes nothing twice."""

    def create(self, submission: Submission, *, budget_s: float) -> Receipt:
        """Hand over; raises Unclear when it may or may not have been taken."""

    def find(
        self, submission: Submission, since: datetime, *, taken: Container[str] = (), budget_s: float | None = None
    ) -> Receipt | None:
        """Whether it has what was sent at or after ``since``. Ids in ``taken`` are other requests'."""

    def status(self, request_id: str, *, budget_s: float) -> RemoteRequest | None:
        """The request as it is there now; None where it is unknown."""

    @property
    def lists_changes(self) -> bool:
        """Whether it can be asked for what changed since a moment."""

    def changed(self, since: datetime, *, budget_s: float) -> Sequence[RemoteRequest]:
        """Requests that changed at or after ``since``."""

    def several(self, request_ids: Sequence[str], *, budget_s: float) -> Sequence[RemoteRequest]:
        """The requests of those ids, as far as it knows them."""

    @property
    def takes_followups(self) -> bool:
        """Whether more can be said about a request that it has."""

    @property
    def obeys_followups(self) -> bool:
        """Whether it closes what its reporter takes back, and opens again what they say is not fixed."""

    def follow_up(self, followup: Followup, *, budget_s: float) -> None:
        """Hand over what a resident says about a request; raises Unclear when it may or may not have been taken."""

    def resolve_token(self, token: str, *, budget_s: float | None = None) -> str | None:
        """The id that a token became; None while there is none."""
