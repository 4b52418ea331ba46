# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Sums that rest on one record, and records that are much larger than usual."""

import statistics

from odoo.exceptions import AccessError
from odoo.tests import tagged

from .common_board import LEADS, BoardCase

#: Amounts of 24 further leads in December 2025.
AMOUNTS = [100 + 3 * number for number in range(24)]


@tagged("post_install", "-at_install")
class TestLargeRecords(BoardCase):
    def cautions(self, kpi=None, user=None, **filters):
        """``(text, names of the records)`` of each caution."""
        found = self.ask(
            "get_cautions", kpi or self.amount, user, filters={"scope": "company", **filters}
        )
        return [(one["text"], [record["name"] for record in one["records"]]) for one in found]

    def make_earlier(self):
        for number, amount in enumerate(AMOUNTS):
            self.make_lead(
                f"2025-12-{number % 9 + 10} 10:00:00", name=f"{number}", expected_revenue=amount
            )
        self.refresh()

    def test_one_record_makes_most_of_a_sum(self):
        """March: 300 of 530 in five records. April: 600 of 1170 in six records."""
        text = f"{self.amount.name}: one of %s records makes %s\u00a0%% of it"
        self.assertEqual(self.cautions(), [(text % (6, 51), ["cid"])])
        march = {"period_kind": "month", "date": "2026-03-01"}
        self.assertEqual(self.cautions(**march), [(text % (5, 57), ["bob"])])
        # not above 40 %: 300 of 1530
        for number in range(4):
            self.make_lead(f"2026-03-1{number} 10:00:00", name="more", expected_revenue=250)
        self.assertEqual(self.cautions(**march), [])
        # four records, one of which always makes a quarter at least
        self.assertEqual(self.cautions(period_kind="month", date="2026-02-01"), [])

    def test_larger_than_usual(self):
        """Above third quartile + 3 × interquartile range of the twelve months before."""
        self.make_earlier()
        earlier = AMOUNTS + [amount for day, _who, amount in LEADS if day < "2026-04"]
        low, _median, high = statistics.quantiles(earlier, n=4, method="inclusive")
        fence = high + 3 * (high - low)
        self.assertTrue(500 < fence < 600, fence)
        limit = self.amount._format_value(fence, self.company.currency_id)
        text = f"{self.amount.name}: larger than usual (more than {limit})"
        self.assertIn((text, ["cid"]), self.cautions())
        # of fewer than 20 records, the usual size is not known
        self.env["crm.lead"].search([("name", "in", [str(n) for n in range(15)])]).unlink()
        self.assertEqual(len(self.cautions()), 1)

    def test_what_has_no_size(self):
        """Counts and rates of counts; the sum behind a mean."""
        self.assertEqual(self.cautions(self.leads), [])
        self.assertEqual(self.cautions(self.share), [])
        for kpi, has_sums in ((self.leads, False), (self.share, False), (self.amount, True)):
            self.assertEqual(self.ask("get_detail", kpi)["has_sums"], has_sums)
        mean = self.make_kpi(
            "mean", kind="formula", formula="test_amount / test_leads", unit="money"
        )
        self.refresh()
        self.assertTrue(self.ask("get_detail", mean)["has_sums"])
        self.assertEqual(self.cautions(mean), self.cautions())

    def test_rights(self):
        """Nothing is said about records that the reader may not open, or of values of others."""
        self.make_earlier()
        self.assertEqual(len(self.cautions(user=self.mia)), 2)
        self.assertEqual(self.cautions(user=self.ann), [])
        self.amount.visibility = "own"
        self.assertEqual(self.cautions(user=self.ann), [])
        self.amount.group_ids = self.env.ref("crm_kpi.group_kpi_manager")
        with self.assertRaises(AccessError):
            self.cautions(user=self.ann)

    def test_queries(self):
        """Their number does not depend on that of the records."""

        def count(method):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self.ask(method, self.amount, filters={"scope": "company"})
            return self.env.cr.sql_log_count - before

        counts = []
        for _time in range(2):
            self.make_earlier()
            count("get_cautions")
            counts.append(count("get_cautions"))
        self.assertEqual(counts[0], counts[1])
