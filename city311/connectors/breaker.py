"""A circuit breaker: stop calling a system that keeps failing, and let one call at a time find out whether it is back.

Own code, because the kept libraries hold their lock while the guarded call runs (pybreaker) and so let one slow call
block every other resident's.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Breaker:
    """Thread-safe. Opens after ``failures`` in a row; after ``pause_s`` seconds one trial call may pass.

    Every call for which :meth:`admit` answered True ends with exactly one of :meth:`succeeded`, :meth:`failed` or
    :meth:`abandoned`.
    """

    def __init__(self, failures: int, pause_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = failures
        self._pause_s = pause_s
        self._clock = clock
        self._lock = threading.Lock()
        self._in_a_row = 0
        self._opened_at: float | None = None
        self._trial = False

    def admit(self) -> bool:
        """Whether a call may be made now."""
        with self._lock:
            if self._opened_at is None:
                return True
            if self._trial or self._clock() - self._opened_at < self._pause_s:
                return False
            self._trial = True
            return True

    def succeeded(self) -> None:
        """The system answered (a refusal is an answer)."""
        with self._lock:
            self._in_a_row = 0
            self._opened_at = None
            self._trial = False

    def failed(self) -> None:
        """The system did not answer, or only with a fault of its own."""
        with self._lock:
            self._in_a_row += 1
            if self._trial or self._in_a_row >= self._limit:
                self._opened_at = self._clock()
            self._trial = False

    def abandoned(self) -> None:
        """The call ended without telling anything about the system; a trial may be made anew."""
        with self._lock:
            self._trial = False

    def wait_s(self) -> float:
        """Seconds until a trial may pass; 0 when closed."""
        with self._lock:
            if self._opened_at is None:
                return 0.0
            return max(0.0, self._pause_s - (self._clock() - self._opened_at))
