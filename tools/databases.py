# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Databases with their attachments: SQL, copy, drop. It needs no PostgreSQL client on the PATH."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

from .common import Problem, remove

# Runs in Odoo's Python environment, which has psycopg2; this tool's own Python may not.
SQL_HELPER = """
import json, sys, psycopg2
database, statements = json.load(sys.stdin)
try:
    connection = psycopg2.connect(dbname=database)
except psycopg2.OperationalError as error:
    sys.exit(str(error).strip().splitlines()[0])
connection.autocommit = True
rows = []
with connection.cursor() as cursor:
    for statement, values in statements:
        try:
            cursor.execute(statement, values or None)
        except psycopg2.Error as error:
            sys.exit(str(error).strip().splitlines()[0])
        rows = cursor.fetchall() if cursor.description else []
print(json.dumps(rows, default=str))
"""


def quoted(name: str) -> str:
    """A database name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


class Databases:
    """The databases of one PostgreSQL server, with their attachments in `filestores`."""

    def __init__(
        self, python: Path, env: dict[str, str], filestores: Path, maintenance: str
    ) -> None:
        self.python = python
        self.env = env
        self.filestores = filestores
        self.maintenance = maintenance

    def sql(self, *statements: str | tuple[str, list], database: str | None = None) -> list[list]:
        """Run statements (outside a transaction) and return the rows of the last one."""
        pairs = [(item, []) if isinstance(item, str) else item for item in statements]
        done = subprocess.run(
            [str(self.python), "-c", SQL_HELPER],
            input=json.dumps([database or self.maintenance, pairs]),
            capture_output=True,
            text=True,
            env=self.env,
            check=False,
        )
        if done.returncode:
            raise Problem(f"PostgreSQL: {(done.stderr.strip().splitlines() or ['no answer'])[-1]}")
        return json.loads(done.stdout)

    def names(self) -> list[str]:
        """Names of all databases except PostgreSQL's own."""
        rows = self.sql(
            "SELECT datname FROM pg_database WHERE datname NOT LIKE 'template_' AND datname <> 'postgres'"
        )
        return sorted(row[0] for row in rows)

    def exists(self, name: str) -> bool:
        """Whether there is a database of this name."""
        return bool(self.sql(("SELECT 1 FROM pg_database WHERE datname = %s", [name])))

    def need(self, name: str) -> None:
        """Raise a Problem that lists the databases if there is none of this name."""
        if not self.exists(name):
            internal = ("tpl_", "build_", "test_")
            there = [item for item in self.names() if not item.startswith(internal)]
            raise Problem(
                f"there is no database {name} (there are: {', '.join(there) or 'none'}): ./run db {name}"
            )

    def filestore(self, name: str) -> Path:
        """Folder of a database's attachments."""
        return self.filestores / name

    def drop(self, name: str) -> None:
        """Drop a database with its attachments; connected clients are disconnected."""
        if self.exists(name):
            self.sql(
                f"ALTER DATABASE {quoted(name)} IS_TEMPLATE false",
                f"DROP DATABASE {quoted(name)} WITH (FORCE)",
            )
        remove(self.filestore(name))

    def copy(self, source: str, target: str) -> None:
        """Copy a database. Attachments are never rewritten, so hard links to their files are enough."""
        self.sql(f"CREATE DATABASE {quoted(target)} TEMPLATE {quoted(source)}")
        remove(self.filestore(target))
        if self.filestore(source).exists():
            shutil.copytree(self.filestore(source), self.filestore(target), copy_function=os.link)
