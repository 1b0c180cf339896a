"""``python -m city311``: the command line."""

from city311.cli import app

app()
