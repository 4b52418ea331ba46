# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from dateutil.relativedelta import relativedelta

from odoo import api, fields, models

#: Days after which runs are deleted.
KEPT_DAYS = 30


class CrmKpiRun(models.Model):
    """A run of the scheduled refresh: what was due, what was done, and how long it took.

    ``refresh.run_log`` writes it, and *Health* shows it.
    """

    _name = "crm.kpi.run"
    _description = "Run of the KPI Refresh"
    _log_access = False
    _order = "id desc"
    _rec_name = "date"

    kind = fields.Selection(
        [("refresh", "Refresh"), ("second", "Second worker")], required=True, readonly=True
    )
    state = fields.Selection(
        [
            ("running", "Running"),
            ("done", "Finished"),
            ("stopped", "To be continued"),
            ("history", "Reads the history"),
            ("killed", "Interrupted"),
        ],
        required=True,
        readonly=True,
        default="running",
        help="To be continued: its time was over, the next run goes on. Interrupted: the server was "
        "stopped meanwhile.",
    )
    date = fields.Datetime("Start", required=True, readonly=True)
    seconds = fields.Float(readonly=True)
    step_count = fields.Integer("Steps due", readonly=True)
    done_count = fields.Integer("Steps done", readonly=True)
    computed_count = fields.Integer(
        "KPIs computed", readonly=True, help="Number of KPIs in periods that were due."
    )
    written_count = fields.Integer("Values written", readonly=True)
    failed_count = fields.Integer("Failed steps", readonly=True)
    steps = fields.Json(readonly=True, help="The slowest steps, and those that failed.")

    _running_idx = models.Index("(kind) WHERE state = 'running'")

    @api.autovacuum
    def _gc_runs(self):
        before = fields.Datetime.now() - relativedelta(days=KEPT_DAYS)
        self.search([("date", "<", before)]).unlink()
