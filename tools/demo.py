# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A demo database and its server, and the pictures of the documentation made from it."""

from __future__ import annotations

import argparse
import contextlib
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from .addons import tree_hash
from .browser import find_chromium, need_chromium
from .common import REPO, Problem, digest, port_is_free, step
from .databases import quoted
from .installation import Odoo
from .process import error_line
from .state import State, state_folder
from .templates import Templates


def demo_database(state: State) -> str:
    """Name of the demo database: check-outs that share a state folder have one each."""
    return "demo" if REPO in state.root.parents else f"demo_{digest(str(REPO))[:6]}"


def demo_logins(odoo: Odoo, name: str) -> list[tuple[str, str]]:
    """Logins and names of the administrator and of the users in the addons' demo data."""
    rows = odoo.databases.sql(
        (
            """
            SELECT u.login, p.name
              FROM res_users u
              JOIN res_partner p ON p.id = u.partner_id
              JOIN ir_model_data d ON d.model = 'res.users' AND d.res_id = u.id
             WHERE u.active AND d.module = ANY(%s)
             GROUP BY u.id, u.login, p.name
             ORDER BY u.id
            """,
            [sorted(odoo.addons)],
        ),
        database=name,
    )
    return [("admin", "Administrator"), *((login, person) for login, person in rows)]


def prepare_demo(odoo: Odoo, name: str, fresh: bool) -> None:
    """Prepare a demo database with the current code: copy the template, or update it if the code has changed."""
    databases = odoo.databases
    tree = tree_hash(REPO / addon for addon in odoo.addons)
    if fresh:
        databases.drop(name)
    if not databases.exists(name):
        databases.copy(Templates(odoo).get(web=True), name)
    else:
        # The comment on the database holds the hash of the code that it was made with.
        (row,) = databases.sql(
            (
                "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s",
                [name],
            )
        )
        if row[0] == tree:
            return
        with step(f"upgrading {name} to the current code"):
            odoo.upgrade(name)
    databases.sql((f"COMMENT ON DATABASE {quoted(name)} IS %s", [tree]))


def wait_for_server(server: subprocess.Popen, url: str, log: Path) -> None:
    """Wait until the server answers; raise a Problem with the reason when it ends."""
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise Problem(f"the server ended ({error_line(log)}): the log is {log}")
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}/web/login", timeout=60):
            return
        time.sleep(0.2)
    raise Problem(f"the server does not answer at {url}: the log is {log}")


@contextlib.contextmanager
def served(
    odoo: Odoo, name: str, host: str, port: int
) -> Iterator[tuple[subprocess.Popen, str, Path]]:
    """Serve a database while the block runs."""
    log = odoo.state.logs / f"{name}.log"
    log.unlink(missing_ok=True)
    arguments = ["-d", name, "--db-filter", f"^{name}$", "--http-port", str(port)]
    arguments += ["--http-interface", host, "--logfile", str(log)]
    url = f"http://localhost:{port}"
    with subprocess.Popen(odoo.command(*arguments), env=odoo.env, cwd=odoo.state.root) as server:
        try:
            wait_for_server(server, url, log)
            yield server, url, log
        finally:
            server.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                server.wait(20)
            server.kill()


def command_demo(options: argparse.Namespace) -> int:
    """Serve a demo database with all addons until Ctrl-C."""
    if not port_is_free(options.port, options.host):
        raise Problem(f"port {options.port} is in use: ./run demo --port {options.port + 1}")
    odoo = Odoo(state_folder(), options.db_url)
    name = demo_database(odoo.state)
    prepare_demo(odoo, name, options.fresh)
    with served(odoo, name, options.host, options.port) as (server, url, log):
        print(f"\nOdoo answers at {url}    (Ctrl-C ends it; its log: {log})")
        for login, person in demo_logins(odoo, name):
            print(f"    {f'{login} / {login}':<26}{person}", flush=True)
        try:
            return server.wait()
        except KeyboardInterrupt:
            return 0


def command_screenshots(options: argparse.Namespace) -> int:
    """Make the pictures of the documentation from the demo database."""
    state = state_folder()
    odoo = Odoo(state, options.db_url)
    need_chromium(state)
    chromium = find_chromium(state)
    if not chromium:
        raise Problem("pictures need Chromium: apt install chromium fonts-liberation")
    name = options.name or demo_database(state)
    if options.name:
        odoo.databases.need(name)
    else:
        prepare_demo(odoo, name, fresh=False)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with served(odoo, name, "127.0.0.1", port) as (_server, url, _log):
        command = [odoo.python, REPO / "tools" / "screenshots.py", url, REPO / "docs", chromium]
        return subprocess.run([str(part) for part in command], check=False).returncode
