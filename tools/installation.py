# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""An Odoo that is ready to run: its code, its Python, its PostgreSQL, its configuration."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable
from pathlib import Path

from .addons import repo_addons
from .cluster import Cluster
from .common import REPO, Problem, digest, side_by_side, write_if_changed
from .databases import Databases
from .odoo_source import find_odoo, odoo_home
from .postgres import existing_server
from .process import error_line, run_logged
from .python_envs import make_venv, python_env, site_packages
from .state import State

REQUIREMENTS = REPO / "requirements"
ODOO_PINS = REQUIREMENTS / "odoo-19.txt"
TEST_PINS = REQUIREMENTS / "dev.txt"
ADDON_PINS = REQUIREMENTS / "addons.txt"


class Odoo:
    """Runs Odoo; what is missing for that is fetched when the object is made."""

    def __init__(self, state: State, db_url: str | None = None, start: bool = True) -> None:
        self.state = state
        state.prepare()
        external = existing_server(db_url)
        self.home = odoo_home(state)
        _home, self.venv = side_by_side(
            lambda: find_odoo(state),
            lambda: make_venv(state, "venv", [ODOO_PINS, TEST_PINS], [ADDON_PINS], pth=self.home),
        )
        self.python = self.venv / "bin" / "python"
        self.cluster = Cluster(state, self.venv)
        self.server = external or (self.cluster.start() if start else self.cluster.server)
        self.addons = repo_addons()
        self.conf = self._write_conf()
        self.databases = Databases(self.python, self.env, state.filestores, self.server.maintenance)

    @property
    def env(self) -> dict[str, str]:
        """Environment for Odoo's processes."""
        env = {key: value for key, value in python_env().items() if not key.startswith("PG")}
        folders = [str(self.venv / "bin"), env.get("PATH", ""), str(self.state.bin)]
        if self.server.private:
            folders.append(str(self.cluster.bin))
        return {**env, **self.server.env(), "PATH": os.pathsep.join(folders)}

    def _write_conf(self) -> Path:
        server = self.server
        options = {
            "data_dir": self.state.data,
            "db_host": server.host,
            "db_port": server.port,
            "db_user": server.user,
            "db_sslmode": server.sslmode,
            "http_interface": "127.0.0.1",
            "bin_path": self.state.bin,
            "screenshots": self.state.screenshots,
        }
        if server.password:
            options["db_password"] = server.password
        if server.private:
            options["pg_path"] = self.cluster.bin
        if self.addons:
            options["addons_path"] = REPO
        text = "[options]\n" + "".join(f"{key} = {value}\n" for key, value in options.items())
        path = self.state.root / "conf" / f"odoo-{digest(str(REPO), text)}.conf"
        write_if_changed(path, text)
        path.chmod(0o600)
        return path

    def need_modules(self, names: Iterable[str]) -> None:
        """Raise a Problem for modules that do not exist: Odoo would leave them out silently."""
        packages = site_packages(self.venv) / "odoo" / "addons"
        places = (self.home / "odoo" / "addons", self.home / "addons", packages)
        missing = [
            name
            for name in sorted(names)
            if not any((place / name / "__manifest__.py").exists() for place in places)
        ]
        if missing:
            raise Problem(
                f"there is no module {', '.join(missing)}: those of this repository are "
                f"{', '.join(sorted(self.addons))}"
            )

    def command(self, *arguments: str) -> list[str]:
        """Command line of Odoo: the sub-command (shell, ...) comes first, then the configuration."""
        first = [arguments[0]] if arguments and not arguments[0].startswith("-") else []
        rest = arguments[len(first) :]
        return [str(self.python), "-m", "odoo", *first, "-c", str(self.conf), *rest]

    def call(self, name: str, *arguments: str, stdin: str | None = None) -> None:
        """Run Odoo for a step of this tool; errors in its log are failures."""
        log = self.state.logs / f"{name}.log"
        try:
            run_logged(
                self.command(*arguments),
                log,
                env=self.env,
                cwd=self.state.root,
                stdin=stdin,
                progress=stdin is None,
            )
        except subprocess.CalledProcessError as error:
            raise Problem(f"Odoo failed ({error_line(log)}): the log is {log}") from error
        wrong = [
            line
            for line in log.read_text(errors="replace").splitlines()
            if re.search(r" (ERROR|CRITICAL) ", line)
        ]
        if wrong:
            raise Problem(f"Odoo reports errors ({wrong[0][:300]}): the log is {log}")

    def install(self, database: str, modules: Iterable[str], demo: bool, log: str) -> None:
        """Install modules into a database, which is made if necessary."""
        options = ["--with-demo"] if demo else []
        names = ",".join(sorted(modules))
        self.call(log, "-d", database, "-i", names, *options, "--stop-after-init", "--no-http")

    def upgrade(self, database: str) -> None:
        """Update the addons of this repository in a database, and install those it lacks."""
        names = set(self.addons)
        rows = self.databases.sql(
            "SELECT name FROM ir_module_module WHERE state = 'installed'", database=database
        )
        present = {row[0] for row in rows}
        arguments = []
        for option, chosen in (("-u", present & names), ("-i", names - present)):
            if chosen:
                arguments += [option, ",".join(sorted(chosen))]
        if arguments:
            log = f"upgrade-{database}"
            self.call(log, "-d", database, *arguments, "--stop-after-init", "--no-http")
