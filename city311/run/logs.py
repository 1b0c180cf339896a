"""Log files of the processes."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

ROTATE_BYTES = 5_000_000
_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_LINE_BYTES = 4096


def rotate(log: Path, limit: int = ROTATE_BYTES) -> None:
    """Put a log of more than ``limit`` bytes aside as ``<name>.1``, in place of the one there."""
    with contextlib.suppress(FileNotFoundError):
        if log.stat().st_size > limit:
            log.replace(log.with_name(log.name + ".1"))


def tail(log: Path, count: int) -> str:
    """The last ``count`` lines that say something: no colours, no empty lines; of a progress bar its last state."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - count * _LINE_BYTES))
            text = file.read().decode("utf-8", "replace")
    except FileNotFoundError:
        return ""
    lines = (_ANSI.sub("", line).rstrip() for line in text.splitlines())
    return "\n".join([line for line in lines if line][-count:])
