# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from dataclasses import asdict

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ...board import health

#: What can fail, and the model of the records that fail.
KINDS = [
    ("kpi", "KPI"),
    ("formula", "Formula"),
    ("check", "Check"),
    ("refresh", "Refresh"),
    ("segment", "Segment"),
    ("mailing", "Scheduled report"),
    ("alert", "Alert"),
    ("history", "History"),
]
MODELS = {
    "kpi": "crm.kpi",
    "formula": "crm.kpi",
    "check": "crm.kpi",
    "segment": "crm.kpi.segment",
    "mailing": "crm.kpi.mailing",
    "alert": "crm.kpi.alert",
}


class CrmKpiHealth(models.Model):
    """What does not work at present: one row per failure, read from where it is noted."""

    _name = "crm.kpi.health"
    _description = "KPI Health"
    _auto = False
    _order = "date, id"
    _depends = {
        "crm.kpi": [
            "name", "last_error", "failed_since", "next_try", "company_id", "active", "state",
            "component_ids", "group_ids",
        ],
        "crm.kpi.check": [
            "kpi_id", "name", "company_id", "result", "message", "run_date",
        ],
        "crm.kpi.failure": ["title", "error", "date", "company_id"],
        "crm.kpi.segment": ["name", "last_error", "set_id", "active"],
        "crm.kpi.segment.set": ["company_id", "active"],
        "crm.kpi.mailing": [
            "name", "last_error", "failed_since", "next_date", "company_id", "active",
        ],
        "crm.kpi.alert": ["kpi_id", "last_error", "failed_since", "company_id"],
        "crm.kpi.backfill": ["name", "error", "failed_since"],
    }  # fmt: skip

    kind = fields.Selection(KINDS, "Type", readonly=True)
    res_id = fields.Integer("Record", readonly=True)
    name = fields.Char("What failed", readonly=True)
    company_id = fields.Many2one("res.company", readonly=True, help="Empty: all companies.")
    error = fields.Text("Why", readonly=True)
    date = fields.Datetime("Since", readonly=True)
    next_try = fields.Datetime(
        "Retry at", readonly=True, help="Empty: it is not tried again before it is corrected."
    )

    @property
    def _table_query(self):
        parts = [
            self._failed_kpis(),
            self._waiting_formulas(),
            self._failed_checks(),
            self._failed_steps(),
            self._failed_segments(),
            self._failed_mailings(),
            self._failed_alerts(),
            self._failed_history(),
        ]
        return SQL(
            """WITH RECURSIVE %s
               SELECT row_number() OVER (ORDER BY kind, res_id) AS id, failure.*
                 FROM (%s) AS failure (kind, res_id, name, company_id, error, date, next_try)""",
            self._computed_kpis(),
            SQL(" UNION ALL ").join(parts),
        )

    def _computed_kpis(self):
        """CTE ``computed``: ``kpi_id`` of each KPI that is computed, with each KPI behind it, or
        itself, as ``part_id``."""
        return SQL(
            """computed(kpi_id, part_id) AS (
                   SELECT id, id FROM crm_kpi WHERE active AND state = 'published'
                    UNION
                   SELECT computed.kpi_id, component.component_id
                     FROM computed
                     JOIN crm_kpi_component_rel AS component ON component.kpi_id = computed.part_id
               )"""
        )

    def _failed_kpis(self):
        return SQL(
            """SELECT 'kpi', kpi.id, %s, kpi.company_id, kpi.last_error,
                      kpi.failed_since, kpi.next_try
                 FROM crm_kpi AS kpi
                WHERE kpi.last_error IS NOT NULL AND kpi.id IN (SELECT part_id FROM computed)""",
            self._translated_name("crm.kpi", "kpi"),
        )

    def _waiting_formulas(self):
        """Formulas that keep their last value, because a KPI behind them fails."""
        return SQL(
            """SELECT 'formula', kpi.id, %s, kpi.company_id,
                      replace(%s, '[KPIs]', string_agg(%s, ', ' ORDER BY part.id)),
                      min(part.failed_since), max(part.next_try)
                 FROM computed
                 JOIN crm_kpi AS kpi ON kpi.id = computed.kpi_id AND kpi.last_error IS NULL
                 JOIN crm_kpi AS part ON part.id = computed.part_id AND part.last_error IS NOT NULL
                GROUP BY kpi.id""",
            self._translated_name("crm.kpi", "kpi"),
            self.env._("It waits for a component that failed: %s", "[KPIs]"),
            self._translated_name("crm.kpi", "part"),
        )

    def _failed_checks(self):
        """Checks of published KPIs. The values of KPIs with groups are for their members only."""
        return SQL(
            """SELECT 'check', kpi.id, (%(kpi)s) || ' · ' || (%(check)s),
                      COALESCE(kpi_check.company_id, kpi.company_id),
                      CASE WHEN EXISTS (SELECT FROM crm_kpi_group_rel AS closed
                                         WHERE closed.kpi_id = kpi.id)
                           THEN %(closed)s ELSE kpi_check.message END,
                      kpi_check.run_date, NULL::timestamp
                 FROM crm_kpi_check AS kpi_check
                 JOIN crm_kpi AS kpi ON kpi.id = kpi_check.kpi_id
                WHERE kpi_check.result IN ('failed', 'error')
                  AND kpi.active AND kpi.state = 'published'""",
            kpi=self._translated_name("crm.kpi", "kpi"),
            check=self._translated_name("crm.kpi.check", "kpi_check"),
            closed=self.env._("Members of the groups of the KPI see the result on its form."),
        )

    def _failed_steps(self):
        return SQL(
            "SELECT 'refresh', id, title, company_id, error, date, %s FROM crm_kpi_failure",
            self._next_refresh(),
        )

    def _failed_segments(self):
        # the row of a segment is written when its filter is changed or begins to fail
        return SQL(
            """SELECT 'segment', segment.id, %s, segment_set.company_id, segment.last_error,
                      segment.write_date, %s
                 FROM crm_kpi_segment AS segment
                 JOIN crm_kpi_segment_set AS segment_set ON segment_set.id = segment.set_id
                WHERE segment.last_error IS NOT NULL AND segment.active AND segment_set.active""",
            self._translated_name("crm.kpi.segment", "segment"),
            self._next_refresh(),
        )

    def _failed_mailings(self):
        return SQL(
            """SELECT 'mailing', mailing.id, %s, mailing.company_id, mailing.last_error,
                      mailing.failed_since, mailing.next_date
                 FROM crm_kpi_mailing AS mailing
                WHERE mailing.last_error IS NOT NULL AND mailing.active""",
            self._translated_name("crm.kpi.mailing", "mailing"),
        )

    def _failed_alerts(self):
        """Rules that fail, and those that were switched off because they cannot be judged."""
        return SQL(
            """SELECT 'alert', alert.id, %s, alert.company_id, alert.last_error,
                      alert.failed_since, CASE WHEN alert.active THEN %s END
                 FROM crm_kpi_alert AS alert JOIN crm_kpi AS kpi ON kpi.id = alert.kpi_id
                WHERE alert.last_error IS NOT NULL""",
            self._translated_name("crm.kpi", "kpi"),
            self._next_refresh(),
        )

    def _failed_history(self):
        return SQL(
            """SELECT 'history', id, name, NULL::int4, error, failed_since, %s
                 FROM crm_kpi_backfill WHERE error IS NOT NULL""",
            self._next_refresh(),
        )

    def _translated_name(self, model_name, alias):
        return self.env[model_name]._field_to_sql(alias, "name")

    def _next_refresh(self):
        # superuser: when the scheduled refresh runs
        cron = self.env.ref("crm_kpi.ir_cron_refresh").sudo()
        return SQL("%s::timestamp", cron.nextcall if cron.active else None)

    # --- THE PAGE ---

    @api.model
    def get_health(self):
        """How the refresh runs, what fails and what waits: see :class:`~.health.Health`."""
        self.browse().check_access("read")
        return asdict(health.health(self.env))

    @api.model
    @api.readonly
    def get_warnings(self):
        """Warnings about the data behind KPIs. Apart, because counting records takes longer."""
        self.browse().check_access("read")
        return health.warnings(self.env)

    @api.model
    def refresh_now(self):
        """Have the scheduler start the refresh as soon as it can, within a minute."""
        self.browse().check_access("read")
        # superuser: starts the action and changes nothing of it; only KPI administrators come here
        cron = self.env.ref("crm_kpi.ir_cron_refresh").sudo()
        if not cron.active:
            raise UserError(
                self.env._(
                    "The scheduled refresh is switched off. Switch it on under Configuration › "
                    "Schedule."
                )
            )
        cron._trigger()

    def action_open(self):
        """Open what failed, to correct it."""
        self.ensure_one()
        if self.kind not in MODELS:
            return False
        return {
            "type": "ir.actions.act_window",
            "name": self.name,
            "res_model": MODELS[self.kind],
            "res_id": self.res_id,
            "views": [(False, "form")],
        }
