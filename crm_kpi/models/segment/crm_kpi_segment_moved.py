# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Records that got another customer without being written: by merges and new parents."""

from odoo import api, models
from odoo.tools import SQL

from ...engine.periods import local_day


class CrmKpiSegmentSet(models.Model):
    _inherit = "crm.kpi.segment.set"  # pylint: disable=consider-merging-classes-inherited

    def _pop_moved_facts(self):
        """Earliest day of the records of partners that changed their commercial partner.

        Merging contacts and moving one to another company gives old records another
        customer without writing these records, so the engine cannot see it by itself.
        """
        ids = self.env["crm.kpi.dirty"]._pop("crm.kpi.segment.member", None)
        if not ids:
            return None
        return self._first_fact_day(SQL("SELECT id FROM res_partner WHERE id = ANY(%s)", ids))

    @api.model
    def _mark_moved_facts(self, partner_ids):
        """Note that these partners' records belong to another customer from now on.

        The note goes to the queue of dirty records, which is only appended to: a user who
        edits a contact never waits for a running refresh.
        """
        self.env["crm.kpi.dirty"]._push("crm.kpi.segment.member", partner_ids)

    @api.model
    def _fact_columns(self):
        """Tables whose records count by customer: ``(table, partner column, date columns)``.

        Those of the KPI sources that name partner and date directly; what a source reaches
        over another record (order lines) has the dates of that record.
        """
        found = {
            ("crm_lead", "partner_id"): {"create_date", "date_closed"},
            ("sale_order", "partner_id"): {"create_date", "date_order"},
        }
        # sudo: names of tables and columns only
        for source in self.env["crm.kpi.source"].sudo().search([("kind", "!=", "cohort")]):
            model = self.env.get(source.model)
            if model is None or not model._auto:
                continue
            for path in (source.partner_field or "").split(","):
                stored = [
                    model._fields.get(name)
                    for name in (path.strip(), source.date_field, "create_date")
                ]
                if all(field is not None and field.store for field in stored[:2]):
                    dates = {field.name for field in stored[1:] if field and field.store}
                    found.setdefault((model._table, stored[0].name), set()).update(dates)
        return [(table, partner, sorted(dates)) for (table, partner), dates in found.items()]

    def _first_fact_day(self, partners):
        """Earliest day of the given partners and their records, None without partners.

        :param SQL partners: a query that yields partner ids
        """
        parts = [
            SQL("SELECT MIN(create_date) AS moment FROM res_partner WHERE id IN (%s)", partners)
        ] + [
            SQL(
                "SELECT MIN(LEAST(%s)) AS moment FROM %s t WHERE t.%s IN (%s)",
                SQL(", ").join(
                    SQL("t.%s::timestamp", SQL.identifier(column)) for column in columns
                ),
                SQL.identifier(table),
                SQL.identifier(partner),
                partners,
            )
            for table, partner, columns in self._fact_columns()
        ]
        [(moment,)] = self.env.execute_query(
            SQL("SELECT MIN(moment) FROM (%s) AS facts", SQL(" UNION ALL ").join(parts))
        )
        return moment and local_day(moment, self._reference_company()._kpi_tz())
