# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The update of the dated membership: what changed since the last one, in one comparison."""

from datetime import date

import psycopg2

from odoo import api, fields, models
from odoo.tools import SQL

from ...engine.periods import local_day, utc_midnight

#: Kinds whose first known value also holds for the past: not knowing a customer's industry
#: is no industry of its own, so learning it changes nothing. A tag or a filter that matches
#: for the first time is a change and begins on its day.
BACKDATED_KINDS = ("industry", "country", "company_type", "size")

#: Kinds that tell customers apart by their orders, hence in each company by itself.
COMPANY_KINDS = ("size", "rfm")


class CrmKpiSegmentSet(models.Model):
    _inherit = "crm.kpi.segment.set"  # pylint: disable=consider-merging-classes-inherited

    @api.model
    def _update_members(self, day=None):
        """Bring the dated membership of these sets (default: all active ones) up to date.

        One comparison per set (and company, for order sizes and RFM) in the database; nothing is
        written where nothing changed. What changed gets the local date of today: the old
        row ends, the new one begins; a second change on the same day replaces the first.

        :param day: local date to use instead of today's (tests, imports)
        :return: earliest local date whose segments changed, None if none did; ``date.min``
            when a set is new or was archived, so that the whole past is told apart anew
        """
        # sudo: membership is the same for all users; callers are the refresh and an action
        # that checks for the right to write the set
        sets = (self or self.sudo().search([])).sudo()
        # A second updater would find the same changes; skip what it has in hand.
        sets = sets.try_lock_for_update(allow_referencing=True)
        if not sets:
            return None
        self.env.flush_all()
        dates = [found for found in (sets._pop_moved_facts(), *self._pop_changed()) if found]
        for segment_set in sets:
            if not segment_set.date_start:
                # from now on all records are told apart by it, if only as Unknown
                dates.append(date.min)
            segment_set._create_missing_segments()
            today = day or segment_set._today()
            if segment_set.date_updated != today:
                # one small write a day, not one per refresh
                segment_set.write(
                    {
                        "date_start": segment_set.date_start or today,
                        "date_previous": segment_set.date_updated,
                        "date_updated": today,
                    }
                )
            for company, local_today in segment_set._scopes(day):
                changed = segment_set._update_scope(company, local_today)
                if changed:
                    dates.append(changed)
        self.env.flush_all()
        return min(dates, default=None)

    def _pop_changed(self):
        """Dates left by changes outside of a refresh; forgotten once they are returned."""
        # sudo: as in _update_members
        sets = self.sudo().with_context(active_test=False)
        domain = [("date_changed", "!=", False)]
        changed = sets.search(domain + ([("id", "in", self.ids)] if self else []))
        dates = changed.mapped("date_changed")
        if changed:
            changed.write({"date_changed": False})
        return dates

    def _reference_company(self):
        """The company whose calendar dates the changes of sets for all companies."""
        return self[:1].company_id or self.env["res.company"].search([], order="id", limit=1)

    def _today(self, company=None):
        tz = (company or self._reference_company())._kpi_tz()
        return local_day(fields.Datetime.now(), tz)

    def _scopes(self, day):
        """Pairs of company (empty: membership is the same in all) and local date."""
        self.ensure_one()
        if self.kind not in COMPANY_KINDS:
            return [(self.env["res.company"], day or self._today())]
        rows = self.env.execute_query(
            SQL(
                """SELECT c.id FROM res_company c
                    WHERE %s AND EXISTS (
                          SELECT 1 FROM sale_order o WHERE o.company_id = c.id AND %s)
                    ORDER BY c.id""",
                SQL("c.id = %s", self.company_id.id) if self.company_id else SQL("TRUE"),
                self._qualifying("o"),
            )
        )
        companies = self.env["res.company"].browse(row[0] for row in rows)
        return [(company, day or self._today(company)) for company in companies]

    def _update_scope(self, company, today):
        """Compare and write; the earliest local date that changed, or None."""
        self.ensure_one()
        difference = self._difference(company, self._wanted(company, today))
        probe = SQL("SELECT 1 FROM (%s) AS difference LIMIT 1", difference)
        if self.kind != "domain":
            if not self.env.execute_query(probe):
                return None
        else:
            try:
                with self.env.cr.savepoint(flush=False):
                    if not self.env.execute_query(probe):
                        return None
            except (psycopg2.DataError, psycopg2.ProgrammingError):
                # a filter that PostgreSQL refuses: find it and go on without it
                if "crm_kpi_broken_segments" in self.env.context:
                    raise
                broken = self.segment_ids._find_broken()
                return self.with_context(crm_kpi_broken_segments=tuple(broken.ids))._update_scope(
                    company, today
                )
        self._materialize(difference, company, today)
        earliest = min(self._first_classified_day() or today, today)
        if self.kind in COMPANY_KINDS:
            self._delete_rows_of_today(today)
            reconstruct = self._reconstruct_sizes if self.kind == "size" else self._reconstruct_rfm
            if reconstruct(company, today):
                earliest = date.min if self.kind == "rfm" else earliest
                self._materialize(
                    self._difference(company, self._wanted(company, today)), company, today
                )
        self._apply_difference(company, today)
        self.env.cr.execute("DROP TABLE crm_kpi_segment_difference")
        self.env["crm.kpi.segment.member"].invalidate_model()
        return earliest

    def _difference(self, company, wanted):
        """Open rows that should not be and rows that should: one line per partner and slot."""
        return SQL(
            """SELECT o.id AS member_id, o.date_from, o.date_recorded,
                      d.segment_id AS segment_id,
                      COALESCE(d.partner_id, o.partner_id) AS partner_id,
                      COALESCE(d.slot, o.slot) AS slot
                 FROM (%(wanted)s) d
                 FULL JOIN (SELECT m.id, m.date_from, m.date_recorded, m.segment_id,
                                   m.partner_id, m.slot
                              FROM crm_kpi_segment_member m
                             WHERE m.set_id = %(set)s AND m.date_to IS NULL
                               AND m.company_id %(company)s) o
                   ON o.partner_id = d.partner_id AND o.slot = d.slot
                WHERE o.segment_id IS DISTINCT FROM d.segment_id""",
            wanted=wanted,
            set=self.id,
            company=SQL("= %s", company.id) if company else SQL("IS NULL"),
        )

    def _materialize(self, difference, company, today):
        """Put the difference into a temporary table, with who is new to the set.

        New is who had no row before today; what was recorded today does not count, for it
        is being replaced.
        """
        if self.kind == "rfm":
            # today's class says how it ended; for the past see _reconstruct_rfm()
            newcomer = SQL("FALSE")
        elif self.kind in BACKDATED_KINDS or not self.date_previous:
            newcomer = SQL("TRUE")
        else:
            # A customer that an earlier update has seen was in no segment then.
            newcomer = SQL(
                "EXISTS (SELECT 1 FROM res_partner n WHERE n.id = x.partner_id"
                " AND n.create_date >= %s)",
                utc_midnight(self.date_previous, self._reference_company()._kpi_tz()),
            )
        self.env.cr.execute("DROP TABLE IF EXISTS crm_kpi_segment_difference")
        self.env.cr.execute(
            SQL(
                """CREATE TEMPORARY TABLE crm_kpi_segment_difference ON COMMIT DROP AS
                   SELECT x.*, e.partner_id IS NULL AND %s AS is_first
                     FROM (%s) x
                LEFT JOIN (SELECT DISTINCT partner_id FROM crm_kpi_segment_member
                            WHERE set_id = %s AND company_id %s AND date_recorded < %s) e
                       ON e.partner_id = x.partner_id""",
                newcomer,
                difference,
                self.id,
                SQL("= %s", company.id) if company else SQL("IS NULL"),
                today,
            )
        )
        self.env.cr.execute("ANALYZE crm_kpi_segment_difference")

    def _first_classified_day(self):
        """Earliest record of customers whose past gets a segment by this update."""
        return self._first_fact_day(
            SQL(
                """SELECT c.id FROM crm_kpi_segment_difference x
                     JOIN res_partner c ON c.commercial_partner_id = x.partner_id
                    WHERE x.segment_id IS NOT NULL AND x.is_first"""
            )
        )

    def _delete_rows_of_today(self, today):
        """What began today ends without a trace: it would have lasted no day."""
        self.env.cr.execute(
            SQL(
                """DELETE FROM crm_kpi_segment_member m
                    USING crm_kpi_segment_difference x
                    WHERE m.id = x.member_id AND x.date_recorded >= %(today)s
                      AND (x.date_from IS NULL OR x.date_from >= %(today)s)""",
                today=today,
            )
        )

    def _apply_difference(self, company, today):
        cr = self.env.cr
        self._delete_rows_of_today(today)
        # Older rows end today.
        cr.execute(
            SQL(
                """UPDATE crm_kpi_segment_member m SET date_to = %s
                     FROM crm_kpi_segment_difference x WHERE m.id = x.member_id""",
                today,
            )
        )
        # Back to what it was this morning: the row that ended today goes on.
        cr.execute(
            SQL(
                """WITH reopened AS (
                       UPDATE crm_kpi_segment_member m SET date_to = NULL
                         FROM crm_kpi_segment_difference x
                        WHERE m.set_id = %s AND m.partner_id = x.partner_id AND m.slot = x.slot
                          AND m.segment_id = x.segment_id AND m.company_id %s
                          AND m.date_to = %s AND m.id IS DISTINCT FROM x.member_id
                    RETURNING m.partner_id, m.slot)
                   DELETE FROM crm_kpi_segment_difference x USING reopened r
                    WHERE x.partner_id = r.partner_id AND x.slot = r.slot""",
                self.id,
                SQL("= %s", company.id) if company else SQL("IS NULL"),
                today,
            )
        )
        # The rest begins today, or held ever since for those new to the set.
        cr.execute(
            SQL(
                """INSERT INTO crm_kpi_segment_member
                          (set_id, segment_id, partner_id, company_id, slot,
                           date_from, date_recorded)
                   SELECT %(set)s, x.segment_id, x.partner_id, %(company)s, x.slot,
                          CASE WHEN NOT x.is_first THEN %(today)s::date END, %(today)s
                     FROM crm_kpi_segment_difference x
                    WHERE x.segment_id IS NOT NULL
                ON CONFLICT DO NOTHING""",
                set=self.id,
                company=company.id or None,
                today=today,
            )
        )
