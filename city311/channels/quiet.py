"""Quiet hours: when nobody is to be woken by news."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo


@dataclass(frozen=True)
class Quiet:
    """From ``starts`` to ``ends``, in the city's own time, perhaps across midnight. The same moment twice: never."""

    starts: time
    ends: time
    zone: ZoneInfo

    def until(self, at: datetime) -> datetime | None:
        """When it is over, in UTC, if ``at`` is within; else None."""
        here = at.astimezone(self.zone)
        clock = here.time().replace(tzinfo=None)
        if self.starts <= self.ends:
            within = self.starts <= clock < self.ends
        else:
            within = clock >= self.starts or clock < self.ends
        if not within:
            return None
        day = here.date() if clock < self.ends else here.date() + timedelta(days=1)
        return datetime.combine(day, self.ends, self.zone).astimezone(timezone.utc)
