"""Text as features see it: case, quotes, stretched letters and digits evened out."""

from __future__ import annotations

import re
import unicodedata

_STRETCHED = re.compile(r"(.)\1{2,}")
_DIGIT = re.compile(r"\d")
_SPACE = re.compile(r"\s+")
_QUOTES = str.maketrans("‘’‛“”´`", "'''\"\"''")


def even_out(text: str) -> str:
    """``text`` in lower case, with compatible characters unified and runs of space as one."""
    return _SPACE.sub(" ", unicodedata.normalize("NFKC", text).translate(_QUOTES).lower()).strip()


def normalise(text: str) -> str:
    """``text`` evened out, with "soooo" as "soo" and every digit as 0."""
    return _DIGIT.sub("0", _STRETCHED.sub(r"\1\1", even_out(text)))
