# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Commands that make, use or drop a database."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

from .common import REPO, Problem
from .demo import demo_database
from .installation import Odoo
from .process import hand_over
from .state import state_folder
from .templates import Templates

SHELL = ("--no-http", "--log-level=warn")


def module_names(text: str | None) -> list[str] | None:
    """The names in a comma-separated list; None if there are none: all addons."""
    return [name.strip() for name in (text or "").split(",") if name.strip()] or None


def command_db(options: argparse.Namespace) -> int:
    """Make a new database from the template."""
    odoo = Odoo(state_folder(), options.db_url)
    if odoo.databases.exists(options.name):
        if not options.fresh:
            raise Problem(
                f"database {options.name} exists: choose another name, or replace it with --fresh"
            )
        odoo.databases.drop(options.name)
    template = Templates(odoo).get(module_names(options.modules), demo=not options.no_demo)
    odoo.databases.copy(template, options.name)
    print(options.name)
    return 0


def command_drop(options: argparse.Namespace) -> int:
    """Drop databases with their attachments."""
    databases = Odoo(state_folder(), options.db_url).databases
    for name in options.names:
        databases.need(name)
        databases.drop(name)
    return 0


def command_shell(options: argparse.Namespace) -> int:
    """Start Odoo's shell; it reads standard input."""
    odoo = Odoo(state_folder(), options.db_url)
    name = options.name or demo_database(odoo.state)
    odoo.databases.need(name)
    hand_over(odoo.command("shell", "-d", name, *SHELL), odoo.env)


def command_odoo(options: argparse.Namespace) -> int:
    """Run Odoo's own command line with the configuration made here."""
    odoo = Odoo(state_folder(), options.db_url)
    hand_over(odoo.command(*options.arguments), odoo.env)


def command_psql(options: argparse.Namespace) -> int:
    """Start psql on a database."""
    odoo = Odoo(state_folder(), options.db_url)
    hand_over([str(odoo.cluster.bin / "psql"), *options.arguments], odoo.env)


def command_stop(options: argparse.Namespace) -> int:
    """Stop the private PostgreSQL."""
    Odoo(state_folder(), options.db_url, start=False).cluster.stop()
    return 0


def command_import_sales(options: argparse.Namespace) -> int:
    """Load the public sales data set into a database (made if necessary) with tools/import_sales.py."""
    folder, script = Path(options.folder).resolve(), REPO / "tools" / "import_sales.py"
    if not (folder / "sales_pipeline.csv").is_file():
        there = "holds no sales_pipeline.csv" if folder.is_dir() else "is not there"
        raise Problem(f"{folder} {there}: name the folder of the unpacked data set")
    odoo = Odoo(state_folder(), options.db_url)
    if not odoo.databases.exists(options.name):
        odoo.databases.copy(Templates(odoo).get(demo=False), options.name)
    command = odoo.command("shell", "-d", options.name, *SHELL)
    env = {**odoo.env, "CRM_KPI_IMPORT_FOLDER": str(folder)}
    with script.open() as source:
        return subprocess.run(command, stdin=source, env=env, cwd=REPO, check=False).returncode


def command_pot(options: argparse.Namespace) -> int:
    """Write the translation templates again, from a copy of the template with all addons."""
    odoo = Odoo(state_folder(), options.db_url)
    database = f"test_{os.getpid()}_pot"
    script = f"import sys; sys.path.insert(0, {str(REPO / 'tools')!r}); import pot; pot.write(env)"
    command = odoo.command("shell", "-d", database, *SHELL)
    try:
        odoo.databases.copy(Templates(odoo).get(demo=False), database)
        done = subprocess.run(command, input=script, text=True, env=odoo.env, check=False)
        return done.returncode
    finally:
        odoo.databases.drop(database)


def command_kpi_table(options: argparse.Namespace) -> int:
    """Write the tables of shipped KPIs again from the data files."""
    scripts = [REPO / "tools" / name for name in ("kpi_table.py", "kpi_optional.py")]
    return max(
        subprocess.run([sys.executable, script], check=False).returncode
        for script in scripts
        if script.exists()
    )
