# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Writes all stories to a database, then derives the facts and refreshes the KPIs, once."""

import logging
import time
from datetime import timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from odoo import fields
from odoo.tools import SQL

from .history.catalog import CUSTOMERS, MONTHS_OF_LEADS
from .history.sales import History
from .stories import STORIES

_logger = logging.getLogger(__name__)

#: Module part of the external identifiers of the records.
NAMESPACE = "__crm_kpi_demo__"
#: Module part of the external identifiers of the users to log in with.
MODULE = "crm_kpi_demo"
#: Names of the stories whose records are in the database. They stay when this addon is
#: uninstalled, as the records do.
PARAMETER = "crm_kpi_demo.stories"
#: No mail, no followers and no log: the records are history.
SILENT = {
    "tracking_disable": True,
    "mail_create_nolog": True,
    "mail_create_nosubscribe": True,
    "mail_notrack": True,
    "no_reset_password": True,
    "mail_auto_subscribe_no_notify": True,
    "mail_activity_quick_update": True,
    "active_test": False,
}
#: KPIs whose value contains the target of another KPI.
NEED_TARGETS = ("pipeline_coverage",)


class Demo:
    """The demo data of one company.

    The sales stories hand their records to each other as attributes of this object
    (``sellers``, ``leads`` …). What may be written later than those finds them by their external
    identifiers (:meth:`named`): stories of an app, and what is created again after the KPIs were
    uninstalled.
    """

    def __init__(self, env, customers=CUSTOMERS):
        """
        :param env: environment of the superuser; its company gets the data
        :param customers: number of customers
        """
        self.env = env(context={**env.context, **SILENT})
        self.customers = customers
        # The history depends on the hour, not on the second, in which it is generated.
        self.now = fields.Datetime.now().replace(minute=0, second=0, microsecond=0)
        self.zone = ZoneInfo(self.env.company._kpi_tz())
        self.today = fields.Date.context_today(self.env.company)

    @cached_property
    def history(self):
        """The generated sales history, as plain data."""
        return History(self.now, self.zone, customers=self.customers)

    @cached_property
    def sellers(self):
        """The salespeople in the order of the catalog."""
        return self.named("seller")

    @cached_property
    def teams(self):
        """The sales teams in the order of the catalog."""
        return self.named("team")

    @cached_property
    def partners(self):
        """The customers in the order of the history."""
        return self.named("customer")

    # ------------------------------------------------------------------
    # loading
    # ------------------------------------------------------------------
    def load(self):
        """Write what is not in the database yet, and compute the KPIs.

        After the KPIs were uninstalled, the records of other apps are still there; what went
        with the KPIs is created again.
        """
        start = time.monotonic()
        stories, written = self._stories(), self._written()
        missing = [story for story in stories if story.name not in written]
        if not self.env.company.kpi_history_start:
            days = 30.4 * (MONTHS_OF_LEADS - 2)
            first = (self.now - timedelta(days=days)).date().replace(day=1)
            self.env.company.kpi_history_start = first
        for story in stories:
            begin = time.monotonic()
            if story in missing:
                story.create_records()
            story.create_kpi_records()
            self.env.flush_all()
            _logger.info("KPI demo: %s in %.1f s", story.name, time.monotonic() - begin)
        self._note_stories(missing)
        self._derive(stories, missing)
        self.refresh()
        self._create_goals(stories)
        _logger.info("KPI demo: %s stories in %.0f s", len(stories), time.monotonic() - start)

    def _stories(self):
        """The stories that have all they need, in order."""
        modules = self.env["ir.module.module"].search([("state", "=", "installed")])
        # An addon that is loaded has its final state; those that are installed after this one
        # in the same run have not.
        installed = set(modules.mapped("name"))
        written = self._written()
        return [
            story(self)
            for story in STORIES
            if installed.issuperset(story.requires)
            and (not story.needs or story.name not in written or self.named(story.needs))
        ]

    def _written(self):
        # superuser: the parameter belongs to this addon and holds names of stories only
        return (self.env["ir.config_parameter"].sudo().get_param(PARAMETER) or "").split(",")

    def _note_stories(self, stories):
        names = [*filter(None, self._written()), *(story.name for story in stories)]
        # superuser: as above
        self.env["ir.config_parameter"].sudo().set_param(PARAMETER, ",".join(names))

    def _derive(self, stories, new):
        """Fill in the facts as the installation of ``crm_kpi`` does.

        :param new: the stories whose records are new
        """
        backfill = self.env["crm.kpi.backfill"]
        stamped = dict.fromkeys(name for story in new for name in story.stamped)
        derived = dict.fromkeys(name for story in stories for name in story.derived)
        for name in stamped:
            backfill._forget(self.env[name].search([]))
        # PostgreSQL has no statistics of rows that were written in this transaction.
        tables = dict.fromkeys(name for story in stories for name in story.tables)
        tables |= dict.fromkeys(self.env[name]._table for name in derived)
        if tables:
            self.env.cr.execute(SQL("ANALYZE %s", SQL(", ").join(map(SQL.identifier, tables))))
        backfill._run()
        for name in derived:
            self.env[name]._kpi_mark_all_dirty()

    def refresh(self, kpis=None):
        """Compute the KPIs, locked periods too, without a restatement.

        A story that is written later changes periods that are locked. Only a value that was
        computed after its period was locked is restated, so the computations are back-dated
        while the KPIs are refreshed.

        :param kpis: only these KPIs
        """
        self.env.flush_all()
        long_ago = fields.Datetime.to_datetime("1970-01-01")
        self.env.cr.execute("UPDATE crm_kpi_computation SET computed_at = %s", [long_ago])
        self.env["crm.kpi"]._refresh(kpis=kpis)
        self.env.cr.execute(
            "UPDATE crm_kpi_computation SET computed_at = %s WHERE computed_at = %s",
            [fields.Datetime.now(), long_ago],
        )
        self.env["crm.kpi.computation"].invalidate_model()

    def _create_goals(self, stories):
        """Create the goals, which depend on values, and compute what depends on the goals."""
        goals = self.env["crm.kpi.goal"]
        for story in stories:
            goals |= story.create_goals()
        # Levels that combine an owner and a segment are computed for KPIs with such goals only.
        crossed = goals.filtered(lambda goal: goal.scope in ("team_segment", "user_segment"))
        self.refresh(crossed.kpi_id | self.env["crm.kpi"]._by_code(NEED_TARGETS))

    # ------------------------------------------------------------------
    # records by name
    # ------------------------------------------------------------------
    def user(self, login):
        """The user of a role."""
        return self.env.ref(f"{NAMESPACE}.user_{login}")

    def name_user(self, user):
        """Give the user of a role its external identifiers.

        The second one is of no module: when this addon is uninstalled, Odoo would delete the user,
        and mailings, leads and orders would lose who sent or sold them.
        """
        self.env["ir.model.data"]._update_xmlids(
            [
                {"xml_id": f"{module}.user_{user.login}", "record": user, "noupdate": True}
                for module in (MODULE, NAMESPACE)
            ]
        )

    def name_records(self, prefix, records):
        """Give records external identifiers, so that :meth:`named` finds them."""
        self.env["ir.model.data"]._update_xmlids(
            [
                {"xml_id": f"{NAMESPACE}.{prefix}_{number}", "record": record, "noupdate": True}
                for number, record in enumerate(records)
            ]
        )

    def named(self, prefix):
        """The records that :meth:`name_records` named, in the same order."""
        data = self.env["ir.model.data"].search(
            [("module", "=", NAMESPACE), ("name", "=like", f"{prefix}\\_%")]
        )
        numbers = {row.name.removeprefix(f"{prefix}_"): row for row in data}
        rows = [numbers[number] for number in sorted(filter(str.isdigit, numbers), key=int)]
        return self.env[rows[0].model].browse([row.res_id for row in rows]) if rows else None
