# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Each shipped KPI, from the records to the stored value, on a worked example.

The numbers in the names and the expected values are those of docs/CATALOGUE.md.
"""

from datetime import date

from odoo import Command
from odoo.tests import freeze_time, tagged

from .common_history import HistoryCase
from .common_interaction import InteractionCommon


class CatalogueCase:
    """Helpers to read shipped KPIs by their code."""

    def _refresh(self, *codes):
        kpis = self.env["crm.kpi"]._by_code(codes)
        self.assertEqual(len(kpis), len(codes))
        self.env["crm.kpi"]._refresh(kpis=kpis)
        self.assertFalse(kpis.filtered("last_error").mapped("last_error"))

    def _read(self, code, day, kind="month", level="company", **dimensions):
        """The value of a cell, ``None`` where there is no value."""
        company = self.company
        period = self.env["crm.kpi.period"]._current(kind, company, date.fromisoformat(day))
        domain = [
            ("kpi_id.code", "=", code),
            ("period_id", "=", period.id),
            ("level", "=", level),
            *((name, "=", record.id) for name, record in dimensions.items()),
        ]
        cells = self.env["crm.kpi.value"].search(domain)
        self.assertLessEqual(len(cells), 1)
        return None if not cells or cells.value is False else cells.value


@tagged("post_install", "-at_install")
class TestCatalogueSales(CatalogueCase, HistoryCase):
    def test_01_new_leads(self):
        # lost leads are archived and count
        moments = {
            "2026-09-30 22:30": {},
            "2026-10-15 12:00": {"active": False, "probability": 0},
            "2026-10-31 22:30": {},
            "2026-10-31 23:30": {},
            "2026-10-20 12:00": {},
        }
        for moment, values in moments.items():
            with self.at(moment):
                lead = self._lead(**values)
        lead.unlink()  # merged away
        spam = self.env["crm.lost.reason"].create({"name": "Spam", "kpi_disqualified": True})
        with self.at("2026-10-21 12:00"):
            self._lead().action_set_lost(lost_reason_id=spam.id)
        with self.at("2026-11-10 12:00"):
            self._refresh("new_leads")
            self.assertEqual(self._read("new_leads", "2026-10-10"), 3)

    def test_04_new_customers(self):
        a, b, d, e, f = (self._customer(name) for name in "ABDEF")
        contact = self.env["res.partner"].create({"name": "B's contact", "parent_id": b.id})
        carl, dora, sam = (
            self.env["res.users"].create(
                {
                    "name": name,
                    "login": f"catalogue_{name}",
                    "company_id": self.company.id,
                    "company_ids": [Command.set(self.company.ids)],
                    "group_ids": [Command.link(self.env.ref("base.group_user").id)],
                }
            )
            for name in ("Carl", "Dora", "Sam")
        )
        self.env["crm.team.member"].create(
            [{"crm_team_id": self.south.id, "user_id": user.id} for user in (carl, dora)]
        )
        # a service agent is no salesperson
        self.env["crm.team"].create(
            {
                "name": "Care",
                "company_id": self.company.id,
                "kpi_role": "service",
                "member_ids": [Command.set(sam.ids)],
            }
        )
        self._order(a, "2025-12-05 10:00:00", 100, user=self.ann)
        self._order(a, "2026-11-05 10:00:00", 100, user=self.ann)
        self._order(b, "2026-11-03 10:00:00", 4000, user=self.ann)
        self._order(contact, "2026-11-10 10:00:00", 8000, user=self.bob)
        self._order(d, "2026-11-11 10:00:00", 100, state="cancel")
        self._order(e, "2026-11-12 10:00:00", 0)
        self._order(f, "2026-11-28 10:00:00", 900)
        with self.at("2026-11-30 12:00"):
            self._refresh("new_customers", "new_customers_per_rep", "high_value_acquisition_share")
            self.assertEqual(self._read("new_customers", "2026-11-01"), 2)
            self.assertEqual(self._read("new_customers_per_rep", "2026-11-01"), 0.5)
            self.assertIsNone(self._read("high_value_acquisition_share", "2026-11-01"))
        by_rep = {
            user: self._read("new_customers", "2026-11-01", level="user", user_id=user)
            for user in (self.ann, self.bob, self.env["res.users"])
        }
        self.assertEqual(list(by_rep.values()), [1, 0, 1])
        # 90 days later the value is known, although the month is locked by then
        with self.at("2027-03-15 12:00"):
            self._refresh("high_value_acquisition_share")
            self.assertEqual(self._read("high_value_acquisition_share", "2026-11-01"), 0.5)
            # the amount of a high-value customer is a setting of the company
            self.company.kpi_high_value_threshold = 20_000
            self._refresh("high_value_acquisition_share")
            line = self.env["crm.kpi.restatement"].search(
                [
                    ("kpi_id.code", "=", "high_value_customers"),
                    ("period_id.company_id", "=", self.company.id),
                    ("period_id.name", "=", "2026-11"),
                    ("level", "=", "company"),
                ]
            )
            self.assertEqual((line.value_locked, line.value_now), (1, 0))

    def test_07_lead_qualification_rate(self):
        converted = [("2026-09-04", 3), ("2026-09-21", 20), ("2026-10-16", 45)]
        leads = []
        with self.at("2026-09-01 10:00"):
            leads = [self._lead(type="lead") for _i in range(5)]
            self._lead(type="opportunity")
        for lead, (day, _days) in zip(leads, converted, strict=False):
            with self.at(f"{day} 10:00"):
                lead.convert_opportunity(self._customer())
        with self.at("2026-09-20 12:00"):
            self._refresh("lead_qualification_rate")
            self.assertIsNone(self._read("lead_qualification_rate", "2026-09-01"), "immature")
        with self.at("2026-11-10 12:00"):
            self._refresh("lead_qualification_rate")
            self.assertEqual(self._read("lead_qualification_rate", "2026-09-01"), 0.4)

    def test_08_lead_conversion_rate(self):
        with self.at("2026-06-10 10:00"):
            leads = [self._lead() for _i in range(10)]
        wins = ("2026-06-15 10:00", "2026-07-10 10:00", "2026-09-07 10:00", "2026-10-08 10:00")
        for lead, moment in zip(leads, wins, strict=False):
            with self.at(moment):
                lead.action_set_won()
        with self.at("2026-11-10 12:00"):
            self._refresh("lead_conversion_rate", "leads_per_win")
            self.assertEqual(self._read("lead_conversion_rate", "2026-06-01"), 0.3)
            self.assertAlmostEqual(self._read("leads_per_win", "2026-06-01"), 3.33, 2)

    def test_09_win_rate(self):
        # lost leads count although they are archived; other archived leads are not lost
        double = self.env["crm.lost.reason"].create({"name": "Double", "kpi_disqualified": True})
        with self.at("2026-10-01 10:00"):
            won = [self._lead(expected_revenue=amount) for amount in (10000, 2000)]
            lost = self._lead(expected_revenue=5000, user_id=self.bob.id)
            duplicate = self._lead(expected_revenue=8000, user_id=self.bob.id)
            # an archived lead is pending only with a probability: without one it is lost
            pending = self._lead(expected_revenue=1, probability=20)
            raw = self._lead(type="lead", expected_revenue=1)
        with self.at("2026-10-20 10:00"):
            for lead in won:
                lead.action_set_won()
            lost.action_set_lost()
            duplicate.action_set_lost(lost_reason_id=double.id)
            pending.action_archive()
            raw.action_set_lost()
        with self.at("2026-11-10 12:00"):
            # credited to the salesperson who won the deal
            won[0].write({"user_id": self.bob.id})
            codes = ("win_rate", "win_rate_value", "deals_won", "deals_lost", "deals_disqualified")
            self._refresh(*codes)
            self.assertAlmostEqual(self._read("win_rate", "2026-10-01"), 2 / 3)
            self.assertAlmostEqual(self._read("win_rate_value", "2026-10-01"), 12 / 17)
            for user, expected in ((self.ann, 1), (self.bob, 0)):
                rate = self._read("win_rate", "2026-10-01", level="user", user_id=user)
                self.assertEqual(rate, expected)
            self.assertEqual(self._read("deals_lost", "2026-10-01"), 1)
            self.assertEqual(self._read("deals_disqualified", "2026-10-01"), 1)
            [cell] = self.env["crm.kpi.value"].search(
                [
                    ("kpi_id.code", "=", "win_rate"),
                    ("company_id", "=", self.company.id),
                    ("period_id.name", "=", "2026-10"),
                    ("level", "=", "company"),
                ]
            )
            self.assertEqual(cell.record_count, 3, "the record count of a rate is its denominator")

    def test_09_reason_becomes_disqualifying(self):
        """A changed lost reason reaches the value although no lead was written."""
        reason = self.env["crm.lost.reason"].create({"name": "Wrong number"})
        with self.at("2026-10-20 10:00"):
            self._lead().action_set_won()
            self._lead().action_set_lost(lost_reason_id=reason.id)
        with self.at("2026-11-10 12:00"):
            self._refresh("win_rate")
            self.assertEqual(self._read("win_rate", "2026-10-01"), 0.5)
            reason.kpi_disqualified = True
            self._refresh("win_rate")
            self.assertEqual(self._read("win_rate", "2026-10-01"), 1)

    def test_10_deals_won(self):
        # the ordered amount, not the expected revenue
        customer = self._customer()
        with self.at("2026-10-01 10:00"):
            first = self._lead(expected_revenue=9000, partner_id=customer.id)
            second = self._lead(expected_revenue=2000)
        for amount in (7000, 3000):
            self._order(customer, "2026-10-15 10:00:00", amount, opportunity_id=first.id)
        with self.at("2026-10-20 10:00"):
            (first | second).action_set_won()
        with self.at("2026-11-10 12:00"):
            self._refresh("deals_won", "avg_deal_size", "deals_won_amount")
            self.assertEqual(self._read("deals_won", "2026-10-01"), 2)
            self.assertEqual(self._read("avg_deal_size", "2026-10-01"), 6000)
            self.assertEqual(self._read("deals_won_amount", "2026-10-01"), 12000)

    def test_10_recurring_revenue(self):
        """1,200 a year are 100 a month; the average is that of the deals with one-off revenue."""
        yearly, quarterly, none = self.env["crm.recurring.plan"].create(
            [
                {"name": name, "number_of_months": months}
                for name, months in (("Yearly", 12), ("Quarterly", 3), ("No months", 0))
            ]
        )
        with self.at("2026-10-01 10:00"):
            won = self._lead(expected_revenue=10000) + self._lead(expected_revenue=2000)
            won += self._lead(
                expected_revenue=0, recurring_revenue=1200, recurring_plan=yearly.id,
                user_id=self.bob.id,
            )  # fmt: skip
            lost = self._lead(recurring_revenue=9999, recurring_plan=yearly.id)
            self._lead(recurring_revenue=8888, recurring_plan=yearly.id)  # open
        with self.at("2026-10-20 10:00"):
            won.action_set_won()
            lost.action_set_lost()
        codes = ("deals_won", "avg_deal_size", "new_mrr", "new_arr", "avg_deal_size_year")
        with self.at("2026-11-10 12:00"):
            self._refresh(*codes)
            read = [self._read(code, "2026-10-01") for code in codes]
            self.assertEqual(read, [3, 6000, 100, 1200, 6000])
            bob = {"level": "user", "user_id": self.bob}
            self.assertEqual(self._read("new_mrr", "2026-10-01", **bob), 100)
            self.assertIsNone(self._read("avg_deal_size", "2026-10-01", **bob))
        # one-off and recurring, another plan, a plan without months, a cancelled deal
        with self.at("2026-11-11 10:00"):
            mixed = self._lead(
                expected_revenue=900, recurring_revenue=300, recurring_plan=quarterly.id
            )
            monthly = self._lead(recurring_revenue=7, recurring_plan=none.id)
            monthly |= self._lead(recurring_revenue=5)
            cancelled = self._lead(
                expected_revenue=50, recurring_revenue=1200, recurring_plan=yearly.id
            )
            order = self._order(
                self._customer(), "2026-11-11 10:00:00", opportunity_id=cancelled.id
            )
            order._action_cancel()
            (mixed | monthly | cancelled).action_set_won()
        with self.at("2026-12-10 12:00"):
            self._refresh(*codes)
            read = [self._read(code, "2026-11-01") for code in codes]
            self.assertEqual(read, [4, 900, 112, 1344, 12900 / 3])

    def test_10_cancelled_orders(self):
        """A won deal whose orders were cancelled counts 0, and the records say why."""
        with self.at("2026-10-01 10:00"):
            won = self._lead(expected_revenue=1000) + self._lead(expected_revenue=500)
            order = self._order(
                self._customer(), "2026-10-05 10:00:00", 700, opportunity_id=won[0].id
            )
            won.action_set_won()
        codes = ("deals_won", "deals_won_amount")
        with self.at("2026-10-28 12:00"):
            self._refresh(*codes)
            self.assertEqual([self._read(code, "2026-10-01") for code in codes], [2, 1200])
            order._action_cancel()
            self._refresh(*codes)
            self.assertEqual([self._read(code, "2026-10-01") for code in codes], [2, 500])
            board = self.env["crm.kpi.board"]
            count, amount = (
                board.get_explanation(
                    self.env["crm.kpi"]._by_code([code]).id,
                    {"period_kind": "month", "date": "2026-10-01", "company_id": self.company.id},
                )[0]
                for code in codes
            )
            for part in (count, amount):
                counts = (part["included"]["count"], part["stored"], part["total"])
                self.assertEqual(counts, (2, 2, 2))
                self.assertFalse(part["note"])
            self.assertFalse(count["zero"])
            self.assertEqual(
                (amount["zero"]["count"], amount["zero"]["text"]),
                (1, "of these count 0, because all orders were cancelled"),
            )

    def test_12_sales_cycle(self):
        starts = (("2026-10-10", self.ann), ("2026-09-30", self.ann), ("2026-07-22", self.bob))
        leads = self.env["crm.lead"]
        for day, user in starts:
            with self.at(f"{day} 10:00"):
                leads |= self._lead(user_id=user.id)
        with self.at("2026-10-20 10:00"):
            leads.action_set_won()
        with self.at("2026-11-10 12:00"):
            self._refresh("sales_cycle_days", "sales_cycle_days_mean")
            self.assertEqual(self._read("sales_cycle_days", "2026-10-01"), 20)
            self.assertEqual(self._read("sales_cycle_days_mean", "2026-10-01"), 40)
            north = self._read("sales_cycle_days", "2026-10-01", level="team", team_id=self.north)
            self.assertEqual(north, 15)

    def test_14_pipeline(self):
        with self.at("2026-11-02 10:00"):
            self._lead(expected_revenue=10000, probability=50, date_deadline="2026-12-10")
            self._lead(expected_revenue=20000, probability=10, date_deadline="2027-02-10")
            self._lead(expected_revenue=7777).action_archive()
            won = self._lead(expected_revenue=15000)
            empty = self._lead(expected_revenue=1000)
            self.env.flush_all()
            self.env.cr.execute(
                "UPDATE crm_lead SET probability = NULL, prorated_revenue = 0 WHERE id = %s",
                [empty.id],
            )
            self.env.invalidate_all()
        with self.at("2026-11-05 10:00"):
            won.action_set_won()
        with self.at("2026-11-10 12:00"):
            quarter = self.env["crm.kpi.period"]._current("quarter", self.company)
            self.env["crm.kpi.goal"].create(
                {
                    "kpi_id": self.env["crm.kpi"]._by_code(["deals_won_amount"]).id,
                    "period_id": quarter.id,
                    "scope": "company",
                    "kind": "at_least",
                    "target": 40000,
                }
            )
            self._refresh("pipeline_value", "pipeline_weighted", "pipeline_coverage")
            self.assertEqual(self._read("pipeline_value", "2026-11-01"), 31000)
            self.assertEqual(self._read("pipeline_weighted", "2026-11-01"), 7000)
            self.assertAlmostEqual(self._read("pipeline_coverage", "2026-11-01", "quarter"), 0.4)
            self.assertIsNone(self._read("pipeline_coverage", "2026-11-01"), "no target")
        # a closed period keeps its last snapshot
        with self.at("2026-12-10 12:00"):
            self.env["crm.lead"].search([("company_id", "=", self.company.id)]).unlink()
            self._refresh("pipeline_value")
            self.assertEqual(self._read("pipeline_value", "2026-11-01"), 31000)
            self.assertEqual(self._read("pipeline_value", "2026-12-01"), 0)

    def test_18_revenue(self):
        usd = self.env.ref("base.USD")
        usd.active = True
        self.env["res.currency.rate"].search([("currency_id", "=", usd.id)]).unlink()
        self.env["res.currency.rate"].create(
            {"currency_id": usd.id, "name": "2026-01-01", "rate": 1.2, "company_id": False}
        )
        dollars = self.env["product.pricelist"].create(
            {"name": "Dollars", "currency_id": usd.id, "company_id": self.company.id}
        )
        customer = self._customer()
        self._order(customer, "2026-10-02 10:00:00", 1000)
        self._order(customer, "2026-10-03 10:00:00", 1200, pricelist_id=dollars.id)
        self._order(customer, "2026-10-04 10:00:00", -100)
        self._order(customer, "2026-10-05 10:00:00", 500, state="cancel")
        self._order(customer, "2026-09-05 10:00:00", 1600)
        with self.at("2026-11-10 12:00"):
            self._refresh("revenue_ordered", "revenue_growth", "repeat_revenue_share")
            self.assertAlmostEqual(self._read("revenue_ordered", "2026-10-01"), 1900)
            self.assertAlmostEqual(self._read("revenue_growth", "2026-10-01"), 0.1875)
            self.assertIsNone(self._read("revenue_growth", "2026-09-01"), "no base")
            self.assertEqual(self._read("repeat_revenue_share", "2026-10-01"), 1)

    def test_20_average_order_value(self):
        customer = self._customer()
        for amount in (100, 200, 300, 400, 0, -50):
            self._order(customer, "2026-10-02 10:00:00", amount)
        with self.at("2026-11-10 12:00"):
            self._refresh("average_order_value", "orders_count", "median_order_value")
            self.assertEqual(self._read("average_order_value", "2026-10-01"), 250)
            self.assertEqual(self._read("orders_count", "2026-10-01"), 4)
            self.assertEqual(self._read("median_order_value", "2026-10-01"), 250)

    def test_22_arpu(self):
        a, b = self._customer("A"), self._customer("B")
        self._order(a, "2026-10-02 10:00:00", 1200, user=self.ann)
        self._order(b, "2026-10-03 10:00:00", 300, user=self.ann)
        self._order(b, "2026-10-04 10:00:00", 400, user=self.bob)
        for i in range(8):
            self._order(self._customer(f"Other {i}"), "2026-03-02 10:00:00", 10)
        with self.at("2026-11-10 12:00"):
            self._refresh("arpu", "arpu_base", "buying_customers")
            self.assertEqual(self._read("arpu", "2026-10-01"), 950)
            self.assertEqual(self._read("arpu_base", "2026-10-01"), 190)
            # distinct customers of salespeople do not add up to the total
            by_rep = [
                self._read("buying_customers", "2026-10-01", level="user", user_id=user)
                for user in (self.ann, self.bob)
            ]
            self.assertEqual(by_rep, [2, 1])
            self.assertEqual(self._read("buying_customers", "2026-10-01"), 2)

    def test_25_repeat_purchase(self):
        a, b, e, f = (self._customer(name) for name in "ABEF")
        for customer in (a, b):
            self._order(customer, "2025-08-02 10:00:00")
            self._order(customer, "2026-06-02 10:00:00")
        self._order(e, "2026-06-03 10:00:00")
        self._order(e, "2026-06-20 10:00:00")
        self._order(f, "2026-06-04 10:00:00")
        with self.at("2026-11-10 12:00"):
            self._refresh("repeat_purchase_rate", "second_order_rate")
            self.assertEqual(self._read("repeat_purchase_rate", "2026-06-01"), 0.75)
            self.assertEqual(self._read("second_order_rate", "2026-06-01"), 0.5)

    def test_28_to_30_retention_and_churn(self):
        orders = {
            "A": ["2025-11-10"],
            "B": ["2026-03-01"],
            "C": ["2025-11-20", "2026-11-15"],
            "D": ["2025-10-15", "2026-11-20"],
            "E": ["2026-11-05"],
        }
        for name, days in orders.items():
            customer = self._customer(name)
            for day in days:
                self._order(customer, f"{day} 12:00:00", 100)
        codes = ("active_customers", "retention_rate", "churn_rate", "revenue_churn_rate")
        with self.at("2026-11-28 12:00"):
            self._refresh(*codes)
            self.assertIsNone(self._read("retention_rate", "2026-11-01"), "still running")
        with self.at("2026-12-10 12:00"):
            self._refresh(*codes)
            self.assertEqual(self._read("active_customers", "2026-11-01"), 4)
            self.assertAlmostEqual(self._read("retention_rate", "2026-11-01"), 2 / 3)
            self.assertAlmostEqual(self._read("churn_rate", "2026-11-01"), 1 / 3)
            # A 100 of A 100, B 100, C 100 of the year before
            self.assertAlmostEqual(self._read("revenue_churn_rate", "2026-11-01"), 1 / 3)

    def test_30_churn_by_segment_at_the_start(self):
        """Churn by segment: a customer who changes segment counts in the segment at the start."""
        segments = self.env.ref("crm_kpi.segment_set_industry")
        ore, zinc = self.env["res.partner.industry"].create([{"name": "Ore"}, {"name": "Zinc"}])
        kept, lost = self._customer("Kept"), self._customer("Lost")
        (kept | lost).industry_id = ore
        self._order(kept, "2026-03-01 12:00:00")
        self._order(lost, "2025-11-10 12:00:00")
        segments._update_members(date(2026, 10, 1))
        lost.industry_id = zinc
        segments._update_members(date(2026, 11, 20))
        by_industry = {s.industry_id: s for s in segments.segment_ids}
        with self.at("2026-12-10 12:00"):
            self._refresh("churn_rate")
            rate = self._read(
                "churn_rate", "2026-11-01", level="segment", segment_id=by_industry[ore]
            )
            self.assertEqual(rate, 0.5)
            moved = self._read(
                "churn_rate", "2026-11-01", level="segment", segment_id=by_industry[zinc]
            )
            self.assertIsNone(moved)

    def test_30b_contract_renewal_from_manual_entries(self):
        kpis = {
            kpi.code: kpi
            for kpi in self.env["crm.kpi"]._by_code(["contracts_due", "contracts_renewed"])
        }
        for code, value in (("contracts_due", 8), ("contracts_renewed", 6)):
            self.env["crm.kpi.entry"].create(
                {
                    "kpi_id": kpis[code].id,
                    "company_id": self.company.id,
                    "date_from": "2026-10-01",
                    "date_to": "2026-11-01",
                    "value": value,
                    "user_id": self.ann.id,
                }
            )
        with self.at("2026-11-10 12:00"):
            self._refresh("contract_renewal_rate")
            for kind in ("month", "quarter", "year"):
                self.assertEqual(self._read("contract_renewal_rate", "2026-10-01", kind), 0.75)
            by_rep = self._read(
                "contract_renewal_rate", "2026-10-01", level="user", user_id=self.ann
            )
            self.assertEqual(by_rep, 0.75)


@tagged("post_install", "-at_install")
class TestCatalogueEngagement(CatalogueCase, InteractionCommon):
    def test_49_lead_first_response(self):
        for answer in ("2026-11-02 08:30", "2026-11-02 11:00", None):
            lead = self._lead("2026-11-02 08:00")
            if answer:
                self._message(lead, answer, self.ann)
        own = self._lead("2026-11-02 08:00", by=self.ann)
        self._message(own, "2026-11-02 08:00", self.ann)
        with freeze_time("2026-11-04 08:00:00"):
            self._refresh(
                "lead_first_response_hours", "lead_response_in_target_rate", "leads_unanswered"
            )
            for code, expected in (
                ("lead_first_response_hours", 1.75),
                ("lead_response_in_target_rate", 1 / 3),
                ("leads_unanswered", 1),
            ):
                got = self._read(code, "2026-11-01", level="user", user_id=self.ann)
                self.assertAlmostEqual(got, expected, msg=code)

    def test_50_and_52_contact_attempts(self):
        first, second, _third = (self._lead("2026-11-01 08:00", by=self.ann) for _i in range(3))
        for moment in ("2026-11-02 09:00", "2026-11-02 15:00"):
            self._message(first, moment, self.ann)
        self._mail_in(first, "2026-11-03 09:00")
        self._done(first, "2026-11-04 09:00", self.ann, self.call)
        for moment in ("2026-11-04 10:00", "2026-11-06 10:00", "2026-11-09 10:00"):
            self._message(first, moment, self.ann)
        message = self._message(first, "2026-11-11 10:00", self.ann)
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE mail_message SET message_type = 'sms', subtype_id = %s WHERE id = %s",
            [self.note.id, message.id],
        )
        for day in ("02", "03", "04"):
            self._message(second, f"2026-11-{day} 10:00", self.ann)
        self._done(second, "2026-11-05 10:00", self.ann, self.call)
        with freeze_time("2026-11-21 08:00:00"):
            self._refresh(
                "contact_attempts", "attempts_per_lead", "unresponsive_prospects",
                "unresponsive_rate",
            )  # fmt: skip
            for code, expected in (
                ("contact_attempts", 10),
                ("attempts_per_lead", 5),
                ("unresponsive_prospects", 1),
                ("unresponsive_rate", 0.5),
            ):
                got = self._read(code, "2026-11-01", level="user", user_id=self.ann)
                self.assertEqual(got, expected, code)
