# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""How to reach PostgreSQL: the server that the user names."""

from __future__ import annotations

import os
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlsplit

from .common import Problem


@dataclass(frozen=True)
class Server:
    """Address of a PostgreSQL server; ``maintenance`` is the database to connect to for CREATE DATABASE."""

    host: str
    port: str = "5432"
    user: str = "odoo"
    password: str = ""
    sslmode: str = "prefer"
    maintenance: str = "postgres"
    private: bool = False

    def env(self) -> dict[str, str]:
        """libpq's environment variables."""
        values = {
            "PGHOST": self.host,
            "PGPORT": self.port,
            "PGUSER": self.user,
            "PGPASSWORD": self.password,
            "PGSSLMODE": self.sslmode,
        }
        return {key: value for key, value in values.items() if value}


def existing_server(url: str | None) -> Server | None:
    """The server of an URL or of PGHOST and its companions; None: use the private one."""
    url = url or os.environ.get("CRM_KPI_DB_URL")
    if url:
        server = _from_url(url)
    elif os.environ.get("PGHOST"):
        server = _from_environment()
    else:
        return None
    if not server.user or server.user == "postgres":
        raise Problem(
            "Odoo does not work as PostgreSQL user 'postgres': name another one (createuser --createdb odoo)"
        )
    return server


def _from_url(url: str) -> Server:
    parts = urlsplit(url)
    if parts.scheme not in ("postgres", "postgresql"):
        raise Problem(
            f"--db-url {url!r} is not a PostgreSQL address: write postgresql://user:password@host:5432/"
        )
    query = dict(parse_qsl(parts.query))
    return Server(
        host=query.get("host") or unquote(parts.hostname or ""),
        port=str(parts.port or query.get("port") or "5432"),
        user=unquote(parts.username or query.get("user") or ""),
        password=unquote(parts.password or ""),
        sslmode=query.get("sslmode", "prefer"),
        maintenance=unquote(parts.path.strip("/")) or "postgres",
    )


def _from_environment() -> Server:
    get = os.environ.get
    return Server(
        host=get("PGHOST", ""),
        port=get("PGPORT", "5432"),
        user=get("PGUSER", ""),
        password=get("PGPASSWORD", ""),
        sslmode=get("PGSSLMODE", "prefer"),
        maintenance=get("PGDATABASE", "postgres"),
    )
