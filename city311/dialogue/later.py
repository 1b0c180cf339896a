"""Modules of Rasa that are loaded only when somebody uses them.

``rasa.utils.train_utils`` is imported with every extractor and every policy, for their training; with it comes
TensorFlow, which is more than half of the memory and start-up time of a process whose components never train. Here
the import gives an empty module that fills itself at the first look into it, so that nothing can go missing.

It must be in place before Rasa is imported: ``python -m city311.dialogue`` is Rasa's command line with it.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import sys
import threading
from collections.abc import Sequence
from types import ModuleType
from typing import Any

NAMES = frozenset({"rasa.utils.train_utils"})

_lock = threading.RLock()


class _Later(ModuleType):
    def __getattr__(self, name: str) -> Any:
        # Import machinery and inspection look for names like __path__, which say nothing about use.
        if name.startswith("__"):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        with _lock:
            if type(self) is _Later and not self.__dict__.get("__city311_loading__"):
                self.__dict__["__city311_loading__"] = True
                assert isinstance(self.__loader__, _Loader)  # noqa: S101 - nothing else makes this class
                self.__loader__.original.exec_module(self)
                self.__class__ = ModuleType  # type: ignore[assignment]
        return object.__getattribute__(self, name)


class _Loader(importlib.abc.Loader):
    def __init__(self, original: importlib.abc.Loader) -> None:
        self.original = original

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        return _Later(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        pass


class _Finder(importlib.abc.MetaPathFinder):
    def find_spec(
        self,
        name: str,
        path: Sequence[str] | None = None,
        target: ModuleType | None = None,
    ) -> importlib.machinery.ModuleSpec | None:
        if name not in NAMES:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader)
        return spec


def install() -> None:
    """From now on; what is already imported stays as it is. Doing it twice changes nothing."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
