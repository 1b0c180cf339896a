"""Empty databases on PostgreSQL: each a schema of its own, made anew only where none can be made empty again."""

from __future__ import annotations

import uuid
from typing import Any

import psycopg
from psycopg.sql import SQL, Identifier
from sqlalchemy import Engine, event

from city311.store import migrate

SERVER = "postgresql://postgres@127.0.0.1:5432/test"
_SEARCH_PATH = "?options=-csearch_path%3D"
_LARGEST = 4_000_000
"""Bytes of a schema that is used again: emptying it leaves its pages behind."""
_SHAPE = """
SELECT 'relation', c.relname, c.relkind::text, coalesce(a.attname, ''),
    coalesce((SELECT typname::text FROM pg_type WHERE oid = a.atttypid), '')
FROM pg_class c LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
WHERE c.relnamespace = %(schema)s::regnamespace
UNION ALL
SELECT 'constraint', conname, contype::text, '', '' FROM pg_constraint WHERE connamespace = %(schema)s::regnamespace
UNION ALL
SELECT 'trigger', t.tgname, '', '', '' FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
WHERE c.relnamespace = %(schema)s::regnamespace AND NOT t.tgisinternal
ORDER BY 1, 2, 3, 4, 5
"""
_SIZE = """
SELECT coalesce(sum(pg_total_relation_size(oid)), 0) FROM pg_class
WHERE relnamespace = %(schema)s::regnamespace AND relkind = 'r'
"""

Connection = psycopg.Connection[Any]


class Unreachable(Exception):
    """There is no such server."""


def create() -> str:
    """URL of a new, empty schema. :func:`drop` it."""
    schema = _name()
    with _connect() as connection:
        connection.execute(SQL("CREATE SCHEMA {}").format(Identifier(schema)))
    return f"{SERVER}{_SEARCH_PATH}{schema}"


def drop(url: str) -> None:
    """Remove it with all that is in it."""
    with _connect() as connection:
        connection.execute(SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(Identifier(_schema(url))))


class Migrated:
    """Schemas with the newest tables, one at a time. Making one takes twenty times as long as emptying one.

    Every time it has another name: what a test has left running finds nothing any more.
    """

    def __init__(self) -> None:
        self._idle: str | None = None
        self._left: list[str] = []
        self._statements: list[bytes] = []
        self._shape: list[Any] = []
        self._sequences: dict[str, tuple[int, bool]] = {}
        self._has_rows = False

    def take(self) -> str:
        """URL of an empty one. :meth:`give_back` it."""
        if self._idle is None:
            url = create()
            self._migrate(url)
            return url
        schema = _name()
        with _connect() as connection:
            connection.execute(SQL("ALTER SCHEMA {} RENAME TO {}").format(Identifier(self._idle), Identifier(schema)))
        self._idle = None
        return f"{SERVER}{_SEARCH_PATH}{schema}"

    def give_back(self, url: str) -> None:
        """Empties it for the next test. One that is large or was changed is dropped."""
        schema = _schema(url)
        if not self._is_usable(schema):
            drop(url)
            return
        parked = _name()
        try:
            with _connect() as connection, connection.transaction():
                connection.execute("SET LOCAL lock_timeout = '10s'")
                connection.execute("SET LOCAL session_replication_role = replica")  # in any order
                connection.execute(SQL("SET LOCAL search_path = {}").format(Identifier(schema)))
                for table in _relations(self._shape, "r"):
                    if table != "alembic_version":
                        connection.execute(SQL("DELETE FROM {}").format(Identifier(table)))
                for name, (value, is_called) in self._sequences.items():
                    connection.execute("SELECT setval(%s::regclass, %s, %s)", (name, value, is_called))
                connection.execute(SQL("ALTER SCHEMA {} RENAME TO {}").format(Identifier(schema), Identifier(parked)))
        except psycopg.errors.LockNotAvailable:
            self._left.append(url)  # the test has left a transaction open
            return
        self._idle = parked

    def close(self) -> None:
        """Drops what is left."""
        if self._idle is not None:
            self._left.append(f"{SERVER}{_SEARCH_PATH}{self._idle}")
        for url in self._left:
            drop(url)

    def _migrate(self, url: str) -> None:
        if self._statements:
            # What the first migration did, said again at once, takes a third of the time.
            with psycopg.connect(url) as connection:
                connection.execute(b";\n".join(self._statements))
            return
        seen: list[tuple[str, Any]] = []

        def remember(_connection, _cursor, statement: str, parameters: object, _context, _many) -> None:
            seen.append((statement, parameters))

        event.listen(Engine, "before_cursor_execute", remember)
        try:
            migrate.upgrade(url)
        finally:
            event.remove(Engine, "before_cursor_execute", remember)
        with psycopg.connect(url, cursor_factory=psycopg.ClientCursor) as connection:
            cursor = connection.cursor()
            for statement, parameters in seen:
                if not statement.lstrip().upper().startswith("SELECT"):
                    self._statements.append(cursor.mogrify(statement, parameters or None).encode())
        with psycopg.connect(url) as connection:
            self._shape = connection.execute(_SHAPE, {"schema": _schema(url)}).fetchall()
            for name in _relations(self._shape, "S"):
                row = connection.execute(SQL("SELECT last_value, is_called FROM {}").format(Identifier(name)))
                self._sequences[name] = row.fetchone()  # type: ignore[assignment]
            self._has_rows = any(
                connection.execute(SQL("SELECT 1 FROM {} LIMIT 1").format(Identifier(name))).fetchone()
                for name in _relations(self._shape, "r")
                if name != "alembic_version"
            )

    def _is_usable(self, schema: str) -> bool:
        """Whether it is as the migration made it, but for rows, and small."""
        if self._has_rows or self._idle is not None:
            return False
        with _connect() as connection:
            there = connection.execute("SELECT to_regnamespace(%s) IS NOT NULL", (schema,)).fetchone()
            if there is None or not there[0]:
                return False
            (size,) = connection.execute(_SIZE, {"schema": schema}).fetchone()  # type: ignore[misc]
            return size < _LARGEST and connection.execute(_SHAPE, {"schema": schema}).fetchall() == self._shape


def _connect() -> Connection:
    try:
        return psycopg.connect(SERVER, autocommit=True)
    except psycopg.OperationalError as error:
        raise Unreachable(str(error)) from None


def _name() -> str:
    return f"city311_{uuid.uuid4().hex}"


def _schema(url: str) -> str:
    return url.rpartition("%3D")[2]


def _relations(shape: list[Any], kind: str) -> list[str]:
    return sorted({row[1] for row in shape if row[0] == "relation" and row[2] == kind})
