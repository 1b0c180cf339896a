"""Secrets of an installation: made once in development, demanded in production."""

from __future__ import annotations

import os
import secrets
import tempfile
from dataclasses import replace
from pathlib import Path

from city311.settings import SECRETS, MissingSetting, Settings


def ensure(settings: Settings) -> Settings:
    """The settings with every secret of `SECRETS` in them.

    In the development profile, secrets that neither the environment nor ``development.env`` has are made and kept
    there (mode 600), so that ``rasa shell``, the tests and the next start use the same ones.

    Raises:
        MissingSetting: in production, with the names of all that are missing.
    """
    missing = [name for name in SECRETS if not settings.secrets.get(name)]
    if not missing:
        return settings
    if settings.is_production:
        raise MissingSetting(
            f"{', '.join(missing)}: not in the environment, and in production no secret is made up. Set each to a "
            "random value of its own, for example the output of: "
            "python3 -c 'import secrets; print(secrets.token_urlsafe(32))'"
        )
    made = {name: secrets.token_urlsafe(32) for name in missing}
    _add(settings.data / "development.env", made)
    return replace(settings, secrets={**settings.secrets, **made})


def _add(path: Path, values: dict[str, str]) -> None:
    """Append ``NAME=value`` lines to the file, all of them or, if interrupted, none."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    kept = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    kept = [line for line in kept if line.partition("=")[0] not in values]
    lines = [*kept, *(f"{name}={value}" for name, value in values.items())]
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mode 600
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
