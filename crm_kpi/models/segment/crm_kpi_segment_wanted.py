# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Who is a customer, and in which segment on the day of an update: by kind of set."""

from odoo import api, fields, models
from odoo.tools import SQL

from ...engine.periods import utc_midnight
from .crm_kpi_segment_values import VALUE_COLUMNS


class CrmKpiSegmentSet(models.Model):
    _inherit = "crm.kpi.segment.set"  # pylint: disable=consider-merging-classes-inherited

    def _wanted(self, company, today):
        """SQL of the membership as it should be today: segment_id, partner_id, slot.

        The slot is 0 in exclusive sets, else the segment: one open row per slot.
        """
        self.ensure_one()
        if self.kind == "domain":
            return self._wanted_by_domain()
        if self.kind == "size":
            return self._wanted_by_size(company, today)
        if self.kind == "rfm":
            return SQL(
                """SELECT s.id AS segment_id, k.partner_id, 0 AS slot
                     FROM crm_kpi_customer k
                     JOIN crm_kpi_segment s ON s.rfm_class = k.rfm_class
                      AND s.set_id = %s AND s.active AND s.is_unknown IS NOT TRUE
                    WHERE k.company_id = %s""",
                self.id,
                company.id,
            )
        if self.kind == "tag":
            return SQL(
                """SELECT DISTINCT s.id AS segment_id, p.id AS partner_id, s.id AS slot
                     FROM (%s) p
                     JOIN res_partner_res_partner_category_rel r ON r.partner_id = p.id
                     JOIN res_partner_category c ON c.id = r.category_id AND c.active
                     JOIN res_partner_category up
                       ON starts_with(c.parent_path, up.parent_path)
                     JOIN crm_kpi_segment s ON s.category_id = up.id
                      AND s.set_id = %s AND s.active AND s.is_unknown IS NOT TRUE""",
                self._customers(),
                self.id,
            )
        if self.kind == "company_type":
            same = SQL("COALESCE(s.is_company, FALSE) = p.is_company")
        else:
            column = SQL.identifier(VALUE_COLUMNS[self.kind])
            same = SQL("s.%s = p.%s", column, column)
        return SQL(
            """SELECT s.id AS segment_id, p.id AS partner_id, 0 AS slot
                 FROM (%s) p
                 JOIN crm_kpi_segment s ON %s
                  AND s.set_id = %s AND s.active AND s.is_unknown IS NOT TRUE""",
            self._customers(),
            same,
            self.id,
        )

    def _wanted_by_size(self, company, today):
        tz = company._kpi_tz()
        return SQL(
            """SELECT b.id AS segment_id, p.id AS partner_id, 0 AS slot
                 FROM (%(customers)s) p
            LEFT JOIN (SELECT c.commercial_partner_id AS partner_id,
                              ROUND(SUM(%(amount)s), 6) AS amount
                         FROM sale_order o
                         JOIN res_partner c ON c.id = o.partner_id
                        WHERE %(qualifying)s AND o.company_id = %(company)s
                          AND o.date_order >= %(since)s AND o.date_order < %(until)s
                        GROUP BY c.commercial_partner_id) q ON q.partner_id = p.id
                 JOIN (%(bands)s) b ON COALESCE(q.amount, 0) >= b.lower
                  AND (b.upper IS NULL OR COALESCE(q.amount, 0) < b.upper)
                WHERE p.company_id IS NULL OR p.company_id = %(company)s
                   OR q.partner_id IS NOT NULL""",
            customers=self._customers(),
            amount=self._company_amount("o"),
            qualifying=self._qualifying("o"),
            company=company.id,
            since=utc_midnight(fields.Date.subtract(today, months=12), tz),
            until=utc_midnight(today, tz),
            bands=self._bands(),
        )

    def _wanted_by_domain(self):
        parts = []
        segments = self.segment_ids.filtered(lambda s: not s.is_unknown)
        for rank, segment in enumerate(segments.sorted(lambda s: (s.sequence, s.id))):
            parts.append(
                SQL(
                    "SELECT %s AS segment_id, %s AS rank, m.id FROM (%s) AS m",
                    segment.id,
                    rank,
                    segment._partner_query() or segment._present_members(),
                )
            )
        if not parts:
            return SQL("SELECT 0 AS segment_id, 0 AS partner_id, 0 AS slot WHERE FALSE")
        matches = SQL(
            """SELECT f.segment_id, f.rank, p.id AS partner_id
                 FROM (%s) f JOIN (%s) p ON p.id = f.id""",
            SQL(" UNION ALL ").join(parts),
            self._customers(),
        )
        if not self.exclusive:
            return SQL("SELECT segment_id, partner_id, segment_id AS slot FROM (%s) AS f", matches)
        return SQL(
            """SELECT DISTINCT ON (partner_id) segment_id, partner_id, 0 AS slot
                 FROM (%s) AS f ORDER BY partner_id, rank""",
            matches,
        )

    def _customers(self):
        """All customers: commercial partners but our own companies and internal users.

        Archived ones stay: their history counts.
        """
        # CASE: PostgreSQL takes "column = other column" for a rare thing (1 in 200) and would
        # plan nested loops over all customers; of a CASE it expects one half.
        return SQL(
            """SELECT p.id, p.company_id, p.industry_id, p.country_id,
                      COALESCE(p.is_company, FALSE) AS is_company
                 FROM res_partner p
                WHERE CASE WHEN p.commercial_partner_id = p.id THEN TRUE ELSE FALSE END
                  AND %s
                  AND NOT EXISTS (SELECT 1 FROM res_company c WHERE c.partner_id = p.id)
                  AND NOT EXISTS (SELECT 1 FROM res_users u
                                   WHERE u.partner_id = p.id AND u.share IS NOT TRUE)""",
            SQL("(p.company_id IS NULL OR p.company_id = %s)", self.company_id.id)
            if self.company_id
            else SQL("TRUE"),
        )

    def _bands(self):
        """Size segments with their lower (inclusive) and upper (exclusive) amount."""
        return SQL(
            """SELECT s.id, s.amount_min AS lower,
                      LEAD(s.amount_min) OVER (ORDER BY s.amount_min, s.id) AS upper
                 FROM crm_kpi_segment s
                WHERE s.set_id = %s AND s.active AND s.is_unknown IS NOT TRUE""",
            self.id,
        )

    @api.model
    def _qualifying(self, alias):
        """Orders that make somebody a customer: confirmed and above zero."""
        alias = SQL.identifier(alias)
        return SQL("%s.state = 'sale' AND %s.amount_untaxed > 0", alias, alias)

    @api.model
    def _company_amount(self, alias):
        """Untaxed amount of an order in its company's currency, at the order's own rate."""
        alias = SQL.identifier(alias)
        return SQL(
            "%s.amount_untaxed::numeric / COALESCE(NULLIF(%s.currency_rate::numeric, 0), 1)",
            alias,
            alias,
        )
