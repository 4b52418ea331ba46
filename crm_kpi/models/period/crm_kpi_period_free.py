# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Periods of free dates that nobody makes by hand: fiscal ones, and days chosen on a board."""

from datetime import timedelta
from itertools import pairwise

from odoo import api, fields, models

from ...engine import periods as calendar

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

    # --- FISCAL YEARS AND QUARTERS ---

    @api.model
    def _fiscal_kinds(self):
        """Fiscal kinds of the current company that the calendar has not, as ``(key, name)``."""
        names = {
            "fiscal_quarter": self.env._("Fiscal quarter"),
            "fiscal": self.env._("Fiscal year"),
        }
        today = fields.Date.today()
        return [
            (kind, names[kind])
            for kind in calendar.FISCAL_KINDS
            if self._fiscal_spans(kind, today, today + timedelta(days=1))
        ]

    @api.model
    def _fiscal_spans(self, kind, date_from, date_to):
        """Fiscal years or quarters of the current company that overlap some days.

        :param kind: one of :data:`~..engine.periods.FISCAL_KINDS`
        :return: list of ``(first day, first day after)``; none where they are those of the
            calendar, nor quarters of a year that begins on a day that not every month has
        """
        company = self.env.company
        if (company.fiscalyear_last_month, company.fiscalyear_last_day) == ("12", 31):
            return []
        spans, day = [], date_from
        while day < date_to:
            year = company.compute_fiscalyear_dates(day)
            first, day = year["date_from"], year["date_to"] + timedelta(days=1)
            if kind == "fiscal":
                spans.append((first, day))
            elif first.day <= 28 and first != calendar.start_of("quarter", first):
                starts = [calendar.shift("quarter", first, count) for count in range(5)]
                spans += pairwise(starts)
        return [(first, after) for first, after in spans if date_from < after and first < date_to]

    @api.model
    def _spans(self, kind, date_from, date_to):
        """Periods of any kind but custom that overlap some days.

        :return: the kind that they are stored as, and a list of ``(first day, first day after)``
        """
        if kind in calendar.FISCAL_KINDS:
            if spans := self._fiscal_spans(kind, date_from, date_to):
                return "custom", spans
            kind = calendar.FISCAL_KINDS[kind]  # the same days
        return kind, calendar.spans(kind, date_from, date_to)

    @api.model
    def _on(self, kind, spans):
        """The periods of the current company of a kind with exactly these days."""
        found = self.search(
            [
                ("company_id", "=", self.env.company.id),
                ("kind", "=", kind),
                ("date_from", "in", [first for first, _after in spans]),
            ]
        )
        return found.filtered(lambda p: (p.date_from, p.date_to) in spans)

    @api.model
    def _ensure_fiscal_years(self, date_from, date_to, kinds=tuple(calendar.FISCAL_KINDS)):
        """Make sure of the fiscal years and quarters of some days, which are custom periods."""
        for kind in kinds:
            spans = self._fiscal_spans(kind, date_from, date_to)
            found = self._on("custom", spans)
            found.filtered("looked_at").looked_at = False  # not only for a look any more
            known = {(p.date_from, p.date_to) for p in found}
            self.create(
                [
                    {
                        "company_id": self.env.company.id,
                        "kind": "custom",
                        "date_from": first,
                        "date_to": after,
                    }
                    for first, after in spans
                    if (first, after) not in known
                ]
            )._update_states()

    def _is_fiscal(self):
        """Whether free dates are those of a fiscal year or quarter of the company."""
        self.ensure_one()
        model = self.with_company(self.company_id)
        return any(
            (self.date_from, self.date_to)
            in model._fiscal_spans(kind, self.date_from, self.date_to)
            for kind in calendar.FISCAL_KINDS
        )

    # --- DAYS CHOSEN ON A BOARD ---

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
