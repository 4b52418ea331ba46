# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The command line of ``./run``."""

from __future__ import annotations

import argparse
import shlex
import signal
import sys
from collections.abc import Callable, Sequence

from .bench import COPIES, ONCE, PHASES, command_bench
from .checks import command_lint
from .common import Problem
from .database_commands import (
    command_db,
    command_drop,
    command_import_sales,
    command_kpi_table,
    command_odoo,
    command_pot,
    command_psql,
    command_shell,
    command_stop,
)
from .demo import command_demo, command_screenshots
from .packaging import command_lock, command_readme, command_wheel
from .scale import SIZES, command_scale
from .testing import command_test

REST = {"rest": "arguments"}  # further arguments are passed on


class Commands:
    """Adds commands to a parser."""

    def __init__(self, parser: argparse.ArgumentParser) -> None:
        self.parsers = parser.add_subparsers(dest="command", required=True, metavar="command")

    def add(self, name: str, function: Callable, text: str, **defaults) -> argparse.ArgumentParser:
        sub = self.parsers.add_parser(name, help=text, description=text)
        sub.set_defaults(function=function, **defaults)
        sub.add_argument(
            "--db-url",
            help="PostgreSQL to use: postgresql://user:password@host:5432/ (or PGHOST, ...)",
        )
        return sub


def build_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="./run",
        description="Demo, tests, databases, lint and wheels of the addons in this repository.",
        epilog="The state folder is .odoo, or the one that CRM_KPI_STATE names; remove it to start from nothing.",
    )
    commands = Commands(parser)
    _add_main_commands(commands)
    _add_database_commands(commands)
    _add_maintenance_commands(commands)
    return parser


def _add_main_commands(commands: Commands) -> None:
    text = "run the tests; further arguments go to pytest"
    sub = commands.add("test", command_test, text, **REST)
    sub.add_argument("--modules", help="with only these modules, separated by commas")
    text = "only fetch and make what the tests need"
    sub.add_argument("--prepare", action="store_true", help=text)
    sub = commands.add("demo", command_demo, "serve a demo database with all addons")
    sub.add_argument("--port", type=int, default=8069)
    text = "address to listen on; 0.0.0.0 for other machines"
    sub.add_argument("--host", default="127.0.0.1", help=text)
    sub.add_argument("--fresh", action="store_true", help="start with a new demo database")
    text = "check Python, XML, JavaScript, translations and generated files"
    sub = commands.add("lint", command_lint, text)
    sub.add_argument("--fix", action="store_true", help="correct what the tools can correct")


def _add_database_commands(commands: Commands) -> None:
    text = "Odoo's shell on a database (reads standard input)"
    sub = commands.add("shell", command_shell, text)
    sub.add_argument("name", nargs="?", metavar="DB", help="default: the demo database")
    sub = commands.add("db", command_db, "make a new database from the template")
    sub.add_argument("name", metavar="NAME")
    sub.add_argument("--no-demo", action="store_true", help="without demo data")
    sub.add_argument("--modules", help="install only these modules, separated by commas")
    sub.add_argument("--fresh", action="store_true", help="replace a database of that name")
    sub = commands.add("drop", command_drop, "drop databases")
    sub.add_argument("names", nargs="+", metavar="NAME")
    text = "Odoo's own command line: ./run odoo -d DB -u crm_kpi --stop-after-init"
    commands.add("odoo", command_odoo, text, **REST)
    commands.add("psql", command_psql, "psql on the server in use: ./run psql DB", **REST)
    text = "load the public CRM sales data set into a database"
    sub = commands.add("import-sales", command_import_sales, text)
    text = "folder with sales_pipeline.csv and the other files"
    sub.add_argument("folder", metavar="FOLDER", help=text)
    text = "made without demo data if it does not exist"
    sub.add_argument("name", metavar="DB", help=text)
    text = "make a large database of generated records, to measure speed"
    sub = commands.add("scale", command_scale, text)
    sub.add_argument("name", metavar="DB", help="made if it does not exist")
    for name, number in SIZES.items():
        text = f"number of {name} (default: {number:,})"
        sub.add_argument(f"--{name}", type=int, metavar="N", default=number, help=text)
    text = "replace a database that this command made"
    sub.add_argument("--fresh", action="store_true", help=text)
    commands.add("stop", command_stop, "stop the private PostgreSQL")


def _add_maintenance_commands(commands: Commands) -> None:
    text = "measure speed on generated databases and write docs/benchmark.md"
    sub = commands.add("bench", command_bench, text)
    text = "with 50,000, 200,000 and 1,000,000 leads and orders: hours"
    sub.add_argument("--full", action="store_true", help=text)
    text = "only these numbers of leads and orders; the other figures of the last run are kept"
    sub.add_argument("--sizes", type=int, nargs="+", metavar="N", help=text)
    for name in ("reps", "customers"):
        sub.add_argument(f"--{name}", type=int, metavar="N", help=f"another number of {name}")
    text = "only these phases; the other figures of the last run are kept"
    names = (*PHASES, *COPIES, *ONCE)
    sub.add_argument("--phases", nargs="+", choices=names, help=text)
    commands.add("wheel", command_wheel, "build a wheel of each addon into dist/")
    commands.add("kpi-table", command_kpi_table, "write the lists of shipped KPIs again")
    commands.add("pot", command_pot, "write the translation templates of the addons again")
    commands.add("readme", command_readme, "write the addons' README.rst and index.html again")
    commands.add("lock", command_lock, "write the lock files in requirements/ again")
    text = "make the pictures of docs/ again"
    sub = commands.add("screenshots", command_screenshots, text)
    sub.add_argument("name", nargs="?", metavar="DB", help="default: the demo database")


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Parse the command line; arguments that a command does not know go on to pytest, Odoo or psql."""
    parser = build_parser()
    options, rest = parser.parse_known_args(arguments)
    if getattr(options, "rest", None):
        options.arguments = [item for item in rest if item != "--"]
    elif rest:
        parser.error(f"unknown: {shlex.join(rest)}")
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; an expected failure is reported in one line."""
    options = parse(sys.argv[1:] if arguments is None else arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        return options.function(options)
    except Problem as problem:
        print(f"run: {problem}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
