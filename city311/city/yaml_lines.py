"""YAML read as plain data that remembers the line of every value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

Path_ = tuple[str | int, ...]

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NULL, _BOOL, _INT, _FLOAT = (f"tag:yaml.org,2002:{kind}" for kind in ("null", "bool", "int", "float"))


class YamlProblem(ValueError):
    """A file that is no YAML, or has the same key twice. ``line`` counts from 1."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


@dataclass(frozen=True)
class Document:
    """``data`` of a file and, for each path into it, its line (from 1)."""

    data: Any
    lines: Mapping[Path_, int]

    def line(self, path: Path_) -> int:
        """The line of ``path``, or of the nearest thing around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def read(path: Path) -> Document:
    """The file's data and lines. Only YAML's plain types; yes/no/on/off stay words.

    Raises:
        YamlProblem: it is not valid YAML, or not UTF-8, or a key stands twice in one map.
        OSError: it cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as problem:
        raise YamlProblem(f"is not UTF-8 text (byte {problem.start})", 1) from problem
    try:
        node = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        raise YamlProblem(str(problem.problem or "is not valid YAML"), mark.line + 1 if mark else 1) from problem
    except yaml.YAMLError as problem:
        raise YamlProblem(f"is not valid YAML ({problem})", 1) from problem
    lines: dict[Path_, int] = {}
    return Document(_value(node, (), lines) if node is not None else None, lines)


def _value(node: yaml.Node, path: Path_, lines: dict[Path_, int]) -> Any:
    lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value)
            if key in result:
                raise YamlProblem(f"has the key {key!r} twice", key_node.start_mark.line + 1)
            lines[(*path, key)] = key_node.start_mark.line + 1
            result[key] = _value(value_node, (*path, key), lines)
        return result
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, (*path, index), lines) for index, item in enumerate(node.value)]
    return _scalar(node)


def _scalar(node: yaml.Node) -> Any:
    text = str(node.value)
    if node.tag == _NULL:
        return None
    if node.tag == _BOOL and text.lower() in ("true", "false"):
        return text.lower() == "true"
    if node.tag == _INT and text.lstrip("+-").isdecimal():
        return int(text)
    if node.tag == _FLOAT:
        try:
            return float(text)
        except ValueError:
            return text
    return text
