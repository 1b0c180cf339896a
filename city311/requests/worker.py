"""The thread that does, beside the residents' turns, what waits in the database."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import structlog

log = structlog.get_logger(__name__)

_LONGEST_PAUSE_AFTER_A_FAILURE_S = 1.0


class Worker:
    """A daemon thread that does its rounds again and again. Any number may run, in any number of processes."""

    def __init__(self, name: str, rounds: Sequence[Callable[[], int]], poll_s: float) -> None:
        """``rounds``: what to do each time; each is safe to repeat. ``poll_s``: seconds between two times; :meth:`wake`
        makes it look at once.
        """
        self._name = name
        self._rounds = rounds
        self._poll_s = poll_s
        self._awake = threading.Event()
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start; does nothing when it runs."""
        if self._thread is not None and self._thread.is_alive():
            return
        self._ending.clear()
        self._thread = threading.Thread(target=self._run, name=f"city311-{self._name}", daemon=True)
        self._thread.start()

    def stop(self, timeout_s: float = 20.0) -> None:
        """End after what is being done now, and wait for that."""
        self._ending.set()
        self._awake.set()
        if self._thread is not None:
            self._thread.join(timeout_s)

    def wake(self) -> None:
        """Look now."""
        self._awake.set()

    def _run(self) -> None:
        while not self._ending.is_set():
            self._awake.clear()
            for do in self._rounds:
                try:
                    do()
                except Exception as error:
                    # the database is away, say: it comes back, and this thread must be there then
                    log.error("worker.failed", worker=self._name, error=type(error).__name__)
                    self._ending.wait(min(_LONGEST_PAUSE_AFTER_A_FAILURE_S, self._poll_s))
            self._awake.wait(self._poll_s)
