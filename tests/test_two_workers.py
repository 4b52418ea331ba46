# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Two scheduled actions share a long refresh: two processes of Odoo that commit."""

import json
import subprocess

import pytest
from own_server import copy_database, odoo_command, own_cluster, sql, until

from odoo.tests import BaseCase, tagged

#: Records, and a refresh that has to compute everything.
PREPARE = """
from odoo.addons.crm_kpi_demo.scale import generate
generate(env, leads=400, orders=400, tickets=0, reps=8, customers=60)
env["crm.kpi.backfill"].search([]).unlink()
env.cr.execute("TRUNCATE crm_kpi_value, crm_kpi_computation")
env.cr.execute("UPDATE crm_kpi SET next_try = NULL")
env.cr.commit()
"""
#: Notes the sources that the process has computed.
NOTE = """
import json
from pathlib import Path
from odoo.addons.crm_kpi.refresh import refresh, steps
computed = []
class Noted(steps.Aggregates):
    def refresh(self, *args, **kwargs):
        written = super().refresh(*args, **kwargs)
        if written:
            computed.append(self.source.code)
        return written
steps.Aggregates = Noted
"""
FIRST = f"""{NOTE}
refresh.SECONDS_ALONE = 0  # it calls for help at its first source
env["crm.kpi"]._cron_refresh()
env.cr.commit()
Path(OUTPUT).write_text(json.dumps(computed))
"""
SECOND = f"""{NOTE}
import time
call = [("cron_id", "=", env.ref("crm_kpi.ir_cron_second").id)]
env["ir.cron.trigger"].search(call).unlink()
env.cr.commit()
Path(OUTPUT).write_text("ready")
while not env["ir.cron.trigger"].search_count(call):
    env.cr.rollback()
    time.sleep(0.01)
env["crm.kpi"]._cron_second()
env.cr.commit()
Path(OUTPUT).write_text(json.dumps(computed))
"""
#: Compute everything again: number of cells that differ.
AGAIN = """
from pathlib import Path
env.cr.execute("UPDATE crm_kpi_computation SET fingerprint = NULL")
Path(OUTPUT).write_text(str(int(env["crm.kpi"]._refresh())))
"""


@tagged("post_install", "-at_install")
class TestTwoWorkers(BaseCase):
    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path):
        self.folder = tmp_path

    def setUp(self):
        super().setUp()
        self.cluster = own_cluster(self.folder / "server")
        self.addCleanup(self.cluster.stop)
        self.cluster.start()
        copy_database(self.cluster)

    def start(self, name, script):
        """Run a script in Odoo's shell, in a process of its own."""
        output, log = self.folder / name, (self.folder / f"{name}.log").open("w")
        process = subprocess.Popen(
            [*odoo_command(self.cluster, self.folder, "shell"), "--no-http"],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            text=True,
        )
        self.addCleanup(log.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        process.stdin.write(f"OUTPUT = {str(output)!r}\n{script}")
        process.stdin.close()
        return process, output

    def run_script(self, name, script):
        process, output = self.start(name, script)
        self.assertEqual(process.wait(), 0, (self.folder / f"{name}.log").read_text())
        return output.read_text() if output.exists() else ""

    def test_no_source_is_computed_twice(self):
        self.run_script("prepare", PREPARE)
        second, output = self.start("second", SECOND)
        until(output.exists, "the second process")
        first_sources = json.loads(self.run_script("first", FIRST))
        self.assertEqual(second.wait(), 0, (self.folder / "second.log").read_text())
        second_sources = json.loads(output.read_text())
        self.assertTrue(first_sources)
        self.assertTrue(second_sources)
        self.assertFalse(set(first_sources) & set(second_sources))
        revisions = sql(
            self.cluster,
            """SELECT DISTINCT computation.revision
                 FROM crm_kpi_computation computation
                 JOIN crm_kpi kpi ON kpi.id = computation.kpi_id""",
        )
        self.assertEqual(revisions, "1")
        self.assertGreater(int(sql(self.cluster, "SELECT count(*) FROM crm_kpi_value")), 10_000)
        self.assertEqual(self.run_script("again", AGAIN), "0")
