# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Boards are read from a replica of the database: two PostgreSQL servers, and an Odoo between them.

The second server streams from the first one and is read-only. Its log has every statement.
"""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from http.cookiejar import CookieJar
from pathlib import Path

import pytest

from odoo.tests import BaseCase, get_db_name, tagged
from odoo.tools import config

from tools.cluster import Cluster
from tools.state import State

#: Seconds to wait for a server or for the replication.
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


class Servers:
    """A PostgreSQL server with a copy of the database of the tests, and its hot standby."""

    def __init__(self, folder):
        self.primary, self.standby = (
            Cluster(State(folder / name), Path(sys.prefix)) for name in ("primary", "standby")
        )
        for cluster in (self.primary, self.standby):
            cluster.state.prepare()

    def start(self):
        self.primary.start()
        self._copy_database()
        self._log_statements(self.primary)
        data = self.standby.home / "data"
        self.standby.home.mkdir(parents=True, exist_ok=True)
        server = self.primary.server
        base = [self.primary.bin / "pg_basebackup", "-R", "-D", data, "--checkpoint=fast"]
        address = ["-h", server.host, "-p", server.port, "-U", "odoo"]
        subprocess.run([*base, "--no-sync", *address], check=True, capture_output=True)
        with (data / "postgresql.conf").open("a") as conf:
            conf.write(f"unix_socket_directories = '{self.standby.socket_folder}'\n")
        self.standby.start()

    def stop(self):
        for cluster in (self.standby, self.primary):
            cluster.stop()

    def _copy_database(self):
        server, names = self.primary.server, ("host", "port", "user", "password")
        values = {f"PG{name.upper()}": config[f"db_{name}"] for name in names}
        source = {name: str(value) for name, value in values.items() if value}
        target = ["-h", server.host, "-p", server.port, "-U", "odoo"]
        subprocess.run([self.primary.bin / "createdb", *target, DATABASE], check=True)
        dump = subprocess.Popen(
            [self.primary.bin / "pg_dump", "--no-owner", get_db_name()],
            env={**os.environ, **source},
            stdout=subprocess.PIPE,
        )
        load = [self.primary.bin / "psql", *target, "-q", "-v", "ON_ERROR_STOP=1", "-o", os.devnull]
        subprocess.run([*load, DATABASE], stdin=dump.stdout, check=True)
        assert dump.wait() == 0

    def _log_statements(self, cluster):
        self.sql(cluster, "ALTER SYSTEM SET log_statement = 'all'")
        self.sql(cluster, "SELECT pg_reload_conf()")

    def sql(self, cluster, statement):
        server = cluster.server
        command = [cluster.bin / "psql", "-h", server.host, "-p", server.port, "-U", "odoo", "-Atc"]
        done = subprocess.run(
            [*command, statement, DATABASE], check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def wait_for_replication(self):
        position = self.sql(self.primary, "SELECT pg_current_wal_insert_lsn()")
        replayed = f"SELECT pg_last_wal_replay_lsn() >= '{position}'"
        until(lambda: self.sql(self.standby, replayed) == "t", "replication")

    def logged(self, cluster):
        """Statements since the last call."""
        log = cluster.home / "postgresql.log"
        text = log.read_text(errors="replace")
        start, cluster.log_position = getattr(cluster, "log_position", 0), len(text)
        return text[start:]


class Client:
    """A user of Odoo, by JSON-RPC."""

    def __init__(self, url):
        self.url = url
        self.opener = urllib.request.build_opener(
            urllib.request.HTTPCookieProcessor(CookieJar()), urllib.request.ProxyHandler({})
        )

    def answers(self):
        try:
            return self.opener.open(f"{self.url}/web/health", timeout=10).status == 200
        except (urllib.error.URLError, OSError):
            return False

    def rpc(self, path, **params):
        body = json.dumps({"jsonrpc": "2.0", "method": "call", "params": params}).encode()
        request = urllib.request.Request(
            f"{self.url}{path}", body, {"Content-Type": "application/json"}
        )
        with self.opener.open(request, timeout=PATIENCE) as response:
            answer = json.load(response)
        assert "error" not in answer, answer
        return answer.get("result")

    def call(self, model, method, *args):
        path = f"/web/dataset/call_kw/{model}/{method}"
        return self.rpc(path, model=model, method=method, args=list(args), kwargs={})


@tagged("post_install", "-at_install")
class TestReplica(BaseCase):
    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path):
        self.folder = tmp_path

    def setUp(self):
        super().setUp()
        self.servers = Servers(self.folder)
        self.addCleanup(self.servers.stop)
        self.servers.start()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        primary, standby = self.servers.primary.server, self.servers.standby.server
        options = {
            "config": self.folder / "odoo.conf",
            "addons-path": ",".join(config["addons_path"]),
            "data-dir": self.folder / "data",
            "database": DATABASE,
            "db_host": primary.host,
            "db_port": primary.port,
            "db_user": "odoo",
            "db_replica_host": standby.host,
            "db_replica_port": standby.port,
            "http-interface": "127.0.0.1",
            "http-port": self.port,
            "max-cron-threads": 0,
            "logfile": self.folder / "odoo.log",
        }
        (self.folder / "odoo.conf").write_text("[options]\n")
        odoo = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "odoo",
                *(f"--{name}={value}" for name, value in options.items()),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.addCleanup(odoo.wait)
        self.addCleanup(odoo.kill)
        self.client = Client(f"http://127.0.0.1:{self.port}")
        until(self.client.answers, "Odoo")

    def test_boards_are_read_from_the_replica(self):
        servers, client = self.servers, self.client
        client.rpc("/web/session/authenticate", db=DATABASE, login="admin", password="admin")
        kpi_ids = client.call("crm.kpi", "search", [["code", "=", "new_leads"]])
        lead = {"name": "Lead", "type": "lead"}
        client.call("crm.lead", "create", [lead, lead])
        client.call("crm.kpi", "action_refresh", kpi_ids)
        servers.wait_for_replication()
        for cluster in (servers.primary, servers.standby):
            servers.logged(cluster)
        for method, *arguments in (
            ("get_board",),
            ("get_detail", kpi_ids[0]),
            ("get_explanation", kpi_ids[0]),
            ("get_leaderboard", kpi_ids[0]),
        ):
            with self.subTest(method=method):
                result = client.call("crm.kpi.board", method, *arguments)
                self.assertIn("crm_kpi", servers.logged(servers.standby))
                self.assertNotIn("crm_kpi", servers.logged(servers.primary))
                if method == "get_detail":
                    self.assertEqual(result["card"]["value"], 2)
        log = (self.folder / "odoo.log").read_text()
        self.assertNotIn("falling back to read-write", log)
        self.assertNotIn("read-only transaction", log)
