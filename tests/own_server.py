# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A PostgreSQL server of one test, with a copy of the database of the tests: what processes of their
own commit there does not reach other tests."""

import os
import subprocess
import sys
import time
from pathlib import Path

from odoo.tests import get_db_name
from odoo.tools import config

from tools.cluster import Cluster
from tools.state import State

#: Seconds to wait for a server or another process.
PATIENCE = 120
DATABASE = "board"


def until(condition, what):
    """Wait for a condition; return its result."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if result := condition():
            return result
        time.sleep(0.2)
    raise TimeoutError(what)


def own_cluster(folder):
    """A server that is not started yet, with its files in a folder."""
    cluster = Cluster(State(folder), Path(sys.prefix))
    cluster.state.prepare()
    return cluster


def copy_database(cluster):
    """Copy the database of the tests to a server."""
    server, names = cluster.server, ("host", "port", "user", "password")
    values = {f"PG{name.upper()}": config[f"db_{name}"] for name in names}
    source = {name: str(value) for name, value in values.items() if value}
    target = ["-h", server.host, "-p", server.port, "-U", "odoo"]
    subprocess.run([cluster.bin / "createdb", *target, DATABASE], check=True)
    dump = subprocess.Popen(
        [cluster.bin / "pg_dump", "--no-owner", get_db_name()],
        env={**os.environ, **source},
        stdout=subprocess.PIPE,
    )
    load = [cluster.bin / "psql", *target, "-q", "-v", "ON_ERROR_STOP=1", "-o", os.devnull]
    subprocess.run([*load, DATABASE], stdin=dump.stdout, check=True)
    assert dump.wait() == 0


def sql(cluster, statement):
    """The result of a statement as text."""
    server = cluster.server
    command = [cluster.bin / "psql", "-h", server.host, "-p", server.port, "-U", "odoo", "-Atc"]
    done = subprocess.run(
        [*command, statement, DATABASE], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def odoo_command(cluster, folder, *command, **options):
    """The command line of Odoo for the copy.

    :param command: of Odoo, such as ``shell``
    """
    options = {
        "config": folder / "odoo.conf",
        "addons-path": ",".join(config["addons_path"]),
        "data-dir": folder / "data",
        "database": DATABASE,
        "db_host": cluster.server.host,
        "db_port": cluster.server.port,
        "db_user": "odoo",
        "max-cron-threads": 0,
        **options,
    }
    (folder / "odoo.conf").write_text("[options]\n")
    texts = (f"--{name}={value}" for name, value in options.items())
    return [sys.executable, "-m", "odoo", *command, *texts]
