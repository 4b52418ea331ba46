# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Which period another one is compared with, and which part of it."""

from dateutil.relativedelta import relativedelta

from odoo import api, models

from ...engine import pace
from ...engine import periods as calendar
from .crm_kpi_period import SAME_PART


class CrmKpiPeriod(models.Model):
    _inherit = "crm.kpi.period"  # pylint: disable=consider-merging-classes-inherited

    def _previous(self, years=0):
        """Map each period to the one before it, or to the same one ``years`` earlier.

        :return: dict of record to record, without the periods that have none
        """
        keys = {}
        for period in self:
            kind = period._length()
            if kind not in calendar.CALENDAR_KINDS:
                continue
            if years and kind in ("day", "week"):
                start = period.date_from - relativedelta(days=364 * years)
            elif years:
                start = calendar.shift("year", period.date_from, -years)
            else:
                start = calendar.shift(kind, period.date_from, -1)
            end = calendar.shift(kind, start, 1)
            keys[period] = (period.company_id, period.kind, start, end)
        found = {
            (p.company_id, p.kind, p.date_from, p.date_to): p
            for p in self.search_fetch(
                [("date_from", "in", [key[2] for key in keys.values()])],
                ["company_id", "kind", "date_from", "date_to"],
            )
        }
        return {period: found[key] for period, key in keys.items() if key in found}

    def _length(self):
        """The kind of the period; of free dates that span a whole year or quarter, as fiscal
        ones do, that of the calendar with this length."""
        if self.kind == "custom" and self.date_to:
            for kind in ("quarter", "year"):
                if calendar.shift(kind, self.date_from, 1) == self.date_to:
                    return kind
        return self.kind

    # --- THE SAME PART OF AN EARLIER PERIOD ---

    def _part_ends(self, counts):
        """First days after the first so many working days of a period."""
        days = self._working_days()[self]
        ends = (pace.same_part(days, count) for count in counts)
        return [min(end or self.date_to, self.date_to) for end in ends]

    def _same_part_days(self, elapsed):
        """Days of the period that correspond to the elapsed part of a running one.

        :param elapsed: :class:`~..engine.pace.Elapsed` of the running period
        :return: ``(first day, first day after)``, ``None`` before half a working day is over
        """
        self.ensure_one()
        count = round(elapsed.share * elapsed.total)
        return (self.date_from, *self._part_ends([count])) if count else None

    def _same_part(self, elapsed):
        """The stored period of :meth:`_same_part_days`, empty where there is none.

        Until the next refresh it may still be that of one working day less.
        """
        self.ensure_one()
        count = round(elapsed.share * elapsed.total)
        if not count:
            return self.browse()
        return self.search(
            [
                ("company_id", "=", self.company_id.id),
                ("kind", "=", SAME_PART[0]),
                ("date_from", "=", self.date_from),
                ("date_to", "in", self._part_ends([max(count - 1, 1), count])),
            ],
            limit=1,
            order="date_to desc",
        )

    @api.model
    def _ensure_same_parts(self, now):
        """Keep what running periods of the current company are compared with, and no more.

        A month that has run for nine working days is compared with the first nine of the
        month before, and of the same month last year.
        """
        company = self.env.company
        running = self.search(
            [
                ("company_id", "=", company.id),
                ("kind", "in", ["week", "month", "quarter", "year", "custom"]),
                ("utc_from", "<=", now),
                ("utc_to", ">", now),
            ]
        )
        elapsed = running._elapsed(now)
        wanted = {
            whole._same_part_days(elapsed[period])
            for earlier in (running._previous(), running._previous(years=1))
            for period, whole in earlier.items()
        } - {None}
        kept = self.search([("company_id", "=", company.id), ("kind", "=", SAME_PART[0])])
        old = kept.filtered(lambda p: (p.date_from, p.date_to) not in wanted)
        old.unlink()
        missing = wanted - {(p.date_from, p.date_to) for p in kept - old}
        self.create(
            [
                {
                    "company_id": company.id,
                    "kind": SAME_PART[0],
                    "date_from": date_from,
                    "date_to": date_to,
                }
                for date_from, date_to in sorted(missing)
            ]
        )._update_states()
