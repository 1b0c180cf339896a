"""Puts something of ours in the place of something of Rasa's."""

from __future__ import annotations

from typing import Any


def replace(owner: Any, name: str, replacement: Any) -> None:
    """``owner.name`` is ``replacement`` from now on; the attribute ``city311`` says so to the tests."""
    getattr(replacement, "__func__", replacement).city311 = True
    setattr(owner, name, replacement)
