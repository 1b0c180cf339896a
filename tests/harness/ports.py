"""Free ports for servers that a test starts, in either environment."""

from __future__ import annotations

import os
import random
import re
import socket
from collections.abc import Iterator

_FIRST, _LAST = 20_000, 32_000
"""Below the ports that systems give to outgoing connections: nothing takes one between asking and listening."""
_MOST_WORKERS = 8


def _places() -> Iterator[int]:
    """This process's share of the ports, round and round, from anywhere: workers beside it have other shares."""
    each = (_LAST - _FIRST) // _MOST_WORKERS
    worker = int(re.sub(r"\D", "", os.environ.get("PYTEST_XDIST_WORKER", "")) or 0) % _MOST_WORKERS
    at = random.SystemRandom().randrange(each)
    while True:
        yield _FIRST + worker * each + at
        at = (at + 1) % each


_untried = _places()


def free_port() -> int:
    """A loopback port that nothing listens on, and that no other call gives soon."""
    for port in _untried:
        with socket.socket() as listener:
            try:
                listener.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("unreachable")
