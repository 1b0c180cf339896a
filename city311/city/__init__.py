"""The city pack: what one municipality edits, loaded and validated."""

from city311.city.load import PackError, Problem, load_pack
from city311.city.model import Pack

__all__ = ["Pack", "PackError", "Problem", "load_pack"]
