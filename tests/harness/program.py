"""`city311 run` as some tests need it: with a model that is trained in seconds, or with restarts that wait for nothing.

``python -m harness.program [--house FOLDER] [--restart-at-once]``. FOLDER gets configuration, a few of the examples,
all of the city pack's own, and the model made of them.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from city311.run.start import run
from city311.run.supervisor import Patience
from city311.settings import HOUSE, load

EXAMPLES = ("conversation/plain.yml", "requests.yml", "danger/plain.yml")
"""Files of data/nlu/en: what every conversation needs."""
WHOLE = ("config.yml", "domain.yml", "city311", "data/rules")
AT_ONCE = Patience(first_pause_s=0.2, longest_pause_s=0.2, deaths=1000)


def furnish(folder: Path) -> None:
    """Puts into ``folder`` what a training reads, as links."""
    for name in (*WHOLE, *(f"data/nlu/en/{file}" for file in EXAMPLES)):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).symlink_to(HOUSE / name)


def main() -> int:
    """Exit status of the program."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--house", type=Path, default=HOUSE)
    parser.add_argument("--restart-at-once", action="store_true")
    chosen = parser.parse_args()
    if not chosen.house.exists():
        furnish(chosen.house)
    return run(load(), house=chosen.house, patience=AT_ONCE if chosen.restart_at_once else Patience())


if __name__ == "__main__":
    sys.exit(main())
