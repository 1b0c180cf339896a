"""Ends process groups when the process that started them is gone, however it went (kill -9 included).

A program of its own, started by `city311.run.tether`. Standard input tells it ``+<group>`` and ``-<group>``, one a
line; the end of input means that the starter has gone. Then the groups that are left get SIGTERM and, after the
seconds in the first argument, SIGKILL.
"""

import contextlib
import os
import signal
import sys
import time


def _send(groups: set[int], number: int) -> set[int]:
    """Signal the groups; those that are still there."""
    left = set()
    for group in groups:
        with contextlib.suppress(OSError):
            os.killpg(group, number)
            left.add(group)
    return left


def main(grace_s: float) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    groups: set[int] = set()
    for line in sys.stdin:
        group = int(line[1:])
        if line[0] == "+":
            groups.add(group)
        else:
            groups.discard(group)
    left = _send(groups, signal.SIGTERM)
    until = time.monotonic() + grace_s
    while left and time.monotonic() < until:
        time.sleep(0.1)
        left = _send(left, 0)
    _send(left, signal.SIGKILL)


if __name__ == "__main__":
    main(float(sys.argv[1]))
