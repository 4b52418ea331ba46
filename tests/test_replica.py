# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Boards are read from a replica of the database: two PostgreSQL servers, and an Odoo between them.

The second server streams from the first one and is read-only. Its log has every statement.
"""

import json
import socket
import subprocess
import urllib.error
import urllib.request
from http.cookiejar import CookieJar

import pytest
from own_server import DATABASE, PATIENCE, copy_database, odoo_command, own_cluster, sql, until

from odoo.tests import BaseCase, tagged


class Servers:
    """A PostgreSQL server with a copy of the database of the tests, and its hot standby."""

    def __init__(self, folder):
        self.primary, self.standby = (own_cluster(folder / name) for name in ("primary", "standby"))

    def start(self):
        self.primary.start()
        copy_database(self.primary)
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

    def _log_statements(self, cluster):
        sql(cluster, "ALTER SYSTEM SET log_statement = 'all'")
        sql(cluster, "SELECT pg_reload_conf()")

    def wait_for_replication(self):
        position = sql(self.primary, "SELECT pg_current_wal_insert_lsn()")
        replayed = f"SELECT pg_last_wal_replay_lsn() >= '{position}'"
        until(lambda: sql(self.standby, replayed) == "t", "replication")

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
        standby = self.servers.standby.server
        command = odoo_command(
            self.servers.primary,
            self.folder,
            **{
                "db_replica_host": standby.host,
                "db_replica_port": standby.port,
                "http-interface": "127.0.0.1",
                "http-port": self.port,
                "logfile": self.folder / "odoo.log",
            },
        )
        odoo = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
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
        for model, method, *arguments in (
            ("crm.kpi.board", "get_board"),
            ("crm.kpi.board", "get_detail", kpi_ids[0]),
            ("crm.kpi.board", "get_explanation", kpi_ids[0]),
            ("crm.kpi.board", "get_leaderboard", kpi_ids[0]),
            ("crm.kpi", "get_preview", kpi_ids[0], {}),
            ("crm.kpi", "get_definition", kpi_ids[0]),
        ):
            with self.subTest(method=method):
                result = client.call(model, method, *arguments)
                self.assertIn("crm_kpi", servers.logged(servers.standby))
                self.assertNotIn("crm_kpi", servers.logged(servers.primary))
                if method == "get_detail":
                    self.assertEqual(result["card"]["value"], 2)
                if method == "get_preview":
                    self.assertEqual(result["periods"][-1]["value_text"], "2")
        log = (self.folder / "odoo.log").read_text()
        self.assertNotIn("falling back to read-write", log)
        self.assertNotIn("read-only transaction", log)
