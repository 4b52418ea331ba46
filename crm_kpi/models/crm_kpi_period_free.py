# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Periods of free dates that nobody makes by hand: fiscal years, and days chosen on a board."""

from datetime import timedelta

from odoo import api, fields, models

#: What was made for a look at a board is kept so long after the last one.
LOOKS_KEPT = timedelta(weeks=4)


class CrmKpiPeriod(models.Model):
    _inherit = "crm.kpi.period"  # pylint: disable=consider-merging-classes-inherited

    looked_at = fields.Datetime(
        readonly=True,
        copy=False,
        help="When the days were last chosen on a board. The period was made for that and goes "
        "some weeks after it, unless it has goals.",
    )

    @api.model
    def _fiscal_spans(self, date_from, date_to):
        """Fiscal years of the current company that overlap some days.

        :return: list of ``(first day, first day after)``; none where they are calendar years
        """
        company = self.env.company
        if (company.fiscalyear_last_month, company.fiscalyear_last_day) == ("12", 31):
            return []
        spans, day = [], date_from
        while day < date_to:
            year = company.compute_fiscalyear_dates(day)
            day = year["date_to"] + timedelta(days=1)
            spans.append((year["date_from"], day))
        return spans

    @api.model
    def _ensure_fiscal_years(self, date_from, date_to):
        """Make sure that there is a custom period for each fiscal year of the days given."""
        wanted = set(self._fiscal_spans(date_from, date_to))
        if not wanted:
            return
        company = self.env.company
        known = self.search(
            [
                ("company_id", "=", company.id),
                ("kind", "=", "custom"),
                ("date_from", "in", [first for first, _last in wanted]),
            ]
        )
        self.create(
            [
                {"company_id": company.id, "kind": "custom", "date_from": first, "date_to": last}
                for first, last in sorted(wanted - {(p.date_from, p.date_to) for p in known})
            ]
        )._update_states()

    @api.model
    def _for_look(self, company, date_from, date_to):
        """The custom period of some days, made where it is missing."""
        span = {
            "company_id": company.id,
            "kind": "custom",
            "date_from": date_from,
            "date_to": date_to,
        }
        now = fields.Datetime.now()
        period = self.search([(name, "=", value) for name, value in span.items()])
        if not period:
            period = self.create({**span, "looked_at": now})
            period._update_states()
        elif period.looked_at:
            period.looked_at = now
        return period

    @api.autovacuum
    def _gc_looks(self):
        """Drop what was made for a look at a board and was not looked at for weeks."""
        limit = fields.Datetime.now() - LOOKS_KEPT
        old = self.search([("looked_at", "<", limit)], limit=1000)
        old -= self.env["crm.kpi.goal"].search([("period_id", "in", old.ids)]).period_id
        old.write({"state": "provisional"})  # a locked one cannot be deleted
        old.unlink()
