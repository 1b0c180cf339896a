"""Rasa's command line on our project with Rasa left as it is: ``python -m bench.without_fixes run …``."""

from __future__ import annotations

OFF = (
    "everything in city311/dialogue/fixes.py, speed.py, action_calls.py (Rasa sends the whole history and domain, "
    "checks results by its own schema, opens a connection a call, replays the history for every action)",
    "trackers kept between turns and events stored in one statement (city311/dialogue/tracker_store.py)",
    "modules loaded only when used (city311/dialogue/later.py)",
)
"""What is off here. What stays: our pipeline, words, rules, forms and actions, SQLite in WAL mode."""


def main() -> None:
    """Rasa's own main, after our modules were told that their work is done."""
    import rasa.__main__  # before anything of ours: with all that Rasa imports
    from rasa.core.processor import MessageProcessor
    from rasa.core.tracker_store import SQLTrackerStore

    MessageProcessor.handle_message.city311 = True  # fixes.apply() takes itself for done
    from city311.dialogue.tracker_store import TrackerStore

    for name in ("retrieve", "save"):
        setattr(TrackerStore, name, getattr(SQLTrackerStore, name))
    rasa.__main__.main()


if __name__ == "__main__":
    main()
