# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Two companies with the same customers: each has its own orders and values."""

from datetime import timedelta

from odoo.tests import freeze_time, tagged

from .common_history import utc
from .test_catalogue import CatalogueCase
from .test_customer import CustomerCase


@tagged("post_install", "-at_install")
class TestCompanies(CatalogueCase, CustomerCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.other = cls.env["res.company"].create(
            {
                "name": "Other Ltd",
                "currency_id": cls.company.currency_id.id,
                "kpi_tz": "Europe/Brussels",
                "kpi_min_cell": 0,
            }
        )
        for user in cls.env.user + cls.env.ref("base.user_admin"):
            user.company_ids |= cls.other
        cls.env = cls.env(
            context=dict(cls.env.context, allowed_company_ids=[cls.company.id, cls.other.id])
        )

    def _there(self, partner, date, amount=100.0):
        return self._order(partner, date, amount, company_id=self.other.id)

    def _both(self, code, day):
        """The values of the first ("here") and the second company ("there")."""
        here = self._read(code, day)
        company = self.company
        self.company = self.other
        try:
            return here, self._read(code, day)
        finally:
            self.company = company

    def test_values(self):
        """Shared: old here, new there in October. Back: new here, won back there in November."""
        shared, left, back = (self._customer(name) for name in ("Shared", "Left", "Back"))
        self._order(shared, "2025-12-10 10:00:00", 100)
        self._order(shared, "2026-11-20 10:00:00", 200)
        self._order(left, "2025-11-15 10:00:00", 100)
        self._order(back, "2026-11-10 10:00:00", 50)
        self._there(shared, "2026-10-05 10:00:00", 1000)
        self._there(back, "2025-10-01 10:00:00", 200)
        self._there(back, "2026-11-05 10:00:00", 300)
        with self.at("2026-12-10 12:00"):
            self._refresh(
                "new_customers", "active_customers", "retention_rate", "churn_rate",
                "winback_rate", "clv_historic", "repeat_revenue_share", "net_revenue_retention",
            )  # fmt: skip
        october, november = "2026-10-01", "2026-11-01"
        self.assertEqual(self._both("new_customers", october), (0, 1))
        self.assertEqual(self._both("new_customers", november), (1, 0))
        self.assertEqual(self._both("active_customers", november), (2, 2))
        # here Shared stays and Left churns; there only Shared was active on 1 November
        self.assertEqual(self._both("retention_rate", november), (0.5, 1))
        self.assertEqual(self._both("churn_rate", november), (0.5, 0))
        self.assertEqual(self._both("winback_rate", november), (None, 1))
        # (300 + 100 + 50) / 3 and (1000 + 500) / 2
        self.assertEqual(self._both("clv_historic", november), (150, 750))
        self.assertEqual(self._both("repeat_revenue_share", november), (200 / 250, 1))
        self.assertEqual(self._both("net_revenue_retention", november), (0, None))

    def test_scores(self):
        """Five customers: the sequence of their orders is reversed in the other company."""
        customers = [self._customer(str(number)) for number in range(1, 6)]
        now = utc("2026-12-01 12:00")
        for number, customer in enumerate(customers, start=1):
            self._order(customer, now - timedelta(days=10 * number), 100 * number)
            self._there(customer, now - timedelta(days=60 - 10 * number), 100)
        with freeze_time(now):
            self._derive()
            self.env["crm.kpi.segment.set"]._update_members()
        here, there = (
            [self._row(customer, company) for customer in customers]
            for company in (self.company, self.other)
        )
        self.assertEqual([row.rfm_r for row in here], [5, 4, 3, 2, 1])
        self.assertEqual([row.rfm_r for row in there], [1, 2, 3, 4, 5])
        self.assertEqual([row.rfm_m for row in here], [1, 2, 3, 4, 5])
        self.assertEqual([row.rfm_m for row in there], [1] * 5)
        members = self.env["crm.kpi.segment.member"].search(
            [
                ("set_id", "=", self.env.ref("crm_kpi.segment_set_rfm").id),
                ("partner_id", "=", customers[0].id),
                ("date_to", "=", False),
            ]
        )
        classes = {member.company_id: member.segment_id.rfm_class for member in members}
        expected = {row.company_id: row.rfm_class for row in (here[0], there[0])}
        self.assertEqual(classes, expected)
        self.assertEqual(len(set(classes.values())), 2)

    def test_history_begins_in_one_company(self):
        """A short history in one company does not affect the other company."""
        shared = self._customer("Shared")
        self._order(shared, "2026-10-05 10:00:00")
        self._there(shared, "2026-10-06 10:00:00")
        self.other.kpi_history_start = "2026-01-01"
        with self.at("2026-12-10 12:00"):
            self._refresh("new_customers")
        self.assertEqual(self._both("new_customers", "2026-10-01"), (1, None))
