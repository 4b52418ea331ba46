# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""KPIs of customers (value, cross-sell and upsell, retention, risk, contacts) on worked examples.

The numbers in the names and the expected values are those of docs/CATALOGUE.md.
"""

from datetime import date, timedelta

from odoo import Command
from odoo.tests import tagged

from .common_history import HistoryCase, utc
from .test_catalogue import CatalogueCase

NOVEMBER = "2026-11-01"
AFTER = "2026-12-10 12:00"


class CustomerCase(CatalogueCase, HistoryCase):
    def _value(self, code, **dimensions):
        return self._read(code, NOVEMBER, **dimensions)

    def _values(self, *codes, at=AFTER):
        """The values of November as computed at a given time."""
        with self.at(at):
            self._refresh(*codes)
            return [self._value(code) for code in codes]

    def _of_rep(self, code, user):
        return self._value(code, level="user", user_id=user or self.env["res.users"])

    def _referred(self, partner, when="2026-11-12 10:00", **values):
        with self.at(when):
            return self._lead(kpi_referrer_id=partner.id, **values)


@tagged("post_install", "-at_install")
class TestCatalogueCustomers(CustomerCase):
    # --- REFERRALS ---

    def test_06_referral_rate(self):
        customers = [self._customer(f"C{i}") for i in range(50)]
        for customer in customers:
            self._order(customer, "2026-03-01 12:00:00")
        a, b = customers[:2]
        supplier, lapsed = self._customer("Supplier"), self._customer("Lapsed")
        self._order(lapsed, "2025-03-01 12:00:00")
        # a contact of A counts as A
        contact = self.env["res.partner"].create({"name": "Contact", "parent_id": a.id})
        for referrer in (a, contact, b, supplier):
            self._referred(referrer)
        self.assertEqual(self._values("referral_rate", "referral_leads"), [0.04, 4])
        # these do not count: not active customers, staff, leads before the period, spam
        self._referred(lapsed)
        self._referred(self.ann.partner_id)
        self._referred(customers[2], "2026-10-31 12:00")
        spam = self.env["crm.lost.reason"].create({"name": "Spam", "kpi_disqualified": True})
        lead = self._referred(customers[3])
        with self.at("2026-11-13 10:00"):
            lead.action_set_lost(lost_reason_id=spam.id)
        self.assertEqual(self._values("referral_rate"), [0.04])

    def test_06_follows_a_late_referrer(self):
        """A referrer that is set later changes the value without any change of orders."""
        customers = [self._customer(f"C{i}") for i in range(4)]
        for customer in customers:
            self._order(customer, "2026-03-01 12:00:00", user=self.ann)
        with self.at("2026-11-12 10:00"):
            lead = self._lead(user_id=self.bob.id)
        self.assertEqual(self._values("referral_rate"), [0])
        with self.at("2026-12-11 12:00"):
            lead.kpi_referrer_id = customers[0]
        self.assertEqual(self._values("referral_rate", at="2026-12-11 13:00"), [0.25])
        self.assertEqual(self._of_rep("referral_rate", self.ann), 0.25)
        self.assertIsNone(self._of_rep("referral_rate", self.bob), "no customers")

    # --- CROSS-SELL AND UPSELL ---

    def _expansion(self):
        """The five customers of the worked example: S = {A, B, C, D}."""
        a, b, c, d, e, back = (self._customer(name) for name in ("A", "B", "C", "D", "E", "W"))
        chair = self._product("Chair", self.chairs, 100)
        throne = self._product("Throne", self.chairs, 125)
        desk = self._product("Desk", self.desks, 300)
        for customer in (a, b, c, d):
            self._order(customer, "2026-02-01 12:00:00", lines=[(chair, 1, 100)], user=self.ann)
        self._order(back, "2024-02-01 12:00:00", lines=[(chair, 1, 100)])
        self._order(a, "2026-11-03 12:00:00", lines=[(desk, 1, 300)], user=self.bob)
        self._order(b, "2026-11-04 12:00:00", lines=[(throne, 1, 125)])
        self._order(c, "2026-11-05 12:00:00", lines=[(chair, 1, 115)])
        self._order(e, "2026-11-06 12:00:00", lines=[(chair, 1, 100), (desk, 1, 300)])
        # won back in a new category: counts only for cross-sell orders
        self._order(back, "2026-11-07 12:00:00", lines=[(desk, 1, 300)])
        return desk

    def test_23_cross_sell_rate(self):
        desk = self._expansion()
        self.assertEqual(self._values("cross_sell_rate"), [0.25])
        # the customer's salesperson, not that of the order
        self.assertEqual(self._of_rep("cross_sell_rate", self.ann), 0.25)
        self.assertIsNone(self._of_rep("cross_sell_rate", self.bob))
        # a product that moves to another category does not change the history
        desk.categ_id = self.chairs
        with self.at("2026-12-10 13:00"):
            self.env["sale.order"]._kpi_mark_all_dirty()
        self.assertEqual(self._values("cross_sell_rate", at="2026-12-10 13:00"), [0.25])

    def test_24_upsell_rate(self):
        self._expansion()
        self.assertEqual(self._values("upsell_rate"), [0.25])

    def test_24b_expansion_customer_rate(self):
        self._expansion()
        self.assertEqual(self._values("expansion_customer_rate"), [0.5])
        with self.at("2026-11-28 12:00"):
            self._refresh("expansion_customer_rate")
        self.assertIsNone(self._read("expansion_customer_rate", "2026-12-01"), "not begun")

    def test_23_no_value_before_the_end(self):
        self._expansion()
        values = self._values("cross_sell_rate", "upsell_rate", at="2026-11-28 12:00")
        self.assertEqual(values, [None, None])

    # --- REVENUE RETENTION ---

    def _two_years(self):
        for name, base, now in (
            ("A", 1000, 1200),
            ("B", 500, 300),
            ("C", 500, 0),
            ("D", 0, 700),
        ):
            customer = self._customer(name)
            for amount, moment in ((base, "2025-11-05 12:00"), (now, "2026-11-06 12:00")):
                if amount:
                    self._order(customer, moment, amount)

    def test_31_net_revenue_retention(self):
        self._two_years()
        self.assertEqual(self._values("net_revenue_retention"), [0.75])
        # a customer with only returns has no revenue; a return of today counts
        self._order(self._customer("Returned"), "2025-11-05 12:00:00", -100)
        bad = self._customer("Bad")
        self._order(bad, "2025-11-06 12:00:00", 2000)
        self._order(bad, "2026-11-06 12:00:00", -500)
        self.assertEqual(self._values("net_revenue_retention", at="2026-12-10 13:00"), [0.25])

    def test_31b_gross_revenue_retention(self):
        self._two_years()
        self.assertEqual(self._values("gross_revenue_retention"), [0.65])
        bad = self._customer("Bad")
        self._order(bad, "2025-11-06 12:00:00", 600)
        self._order(bad, "2026-11-06 12:00:00", -500)
        # negative totals of a customer count as zero
        values = self._values("gross_revenue_retention", at="2026-12-10 13:00")
        self.assertEqual(values, [0.5])

    def test_31_no_value_without_last_year(self):
        self._order(self._customer(), "2026-11-05 12:00:00")
        codes = ("net_revenue_retention", "gross_revenue_retention")
        self.assertEqual(self._values(*codes), [None, None])

    # --- LIFETIME VALUE ---

    @classmethod
    def _books(cls):
        """The journal and account that a credit note needs."""
        cls.income, receivable = cls.env["account.account"].create(
            [
                {"name": "Sales", "code": "700100", "account_type": "income"},
                {"name": "Customers", "code": "400100", "account_type": "asset_receivable"},
            ]
        )
        cls.journal = cls.env["account.journal"].create(
            {
                "name": "Sales",
                "code": "KPIS",
                "type": "sale",
                "company_id": cls.company.id,
                "default_account_id": cls.income.id,
            }
        )
        return receivable

    def _invoice(self, partner, day, amount, orders=(), kind="out_refund", **values):
        lines = self.env["sale.order.line"].concat(*(order.order_line for order in orders))
        move = self.env["account.move"].create(
            {
                "move_type": kind,
                "journal_id": self.journal.id,
                "partner_id": partner.id,
                "invoice_date": day,
                "invoice_line_ids": [
                    Command.create(
                        {
                            "product_id": self.goods.id,
                            "price_unit": amount,
                            "tax_ids": [Command.clear()],
                            "account_id": self.income.id,
                            "sale_line_ids": [Command.set(lines.ids)],
                        }
                    )
                ],
                **values,
            }
        )
        move.action_post()
        return move

    def _lifetimes(self):
        self._books()
        a, b = self._customer("A"), self._customer("B")
        contact = self.env["res.partner"].create({"name": "Contact", "parent_id": a.id})
        orders = [
            self._order(a, "2024-05-01 12:00:00", 1000),
            self._order(contact, "2026-10-01 12:00:00", 500),
        ]
        self._order(b, "2026-11-05 12:00:00", 300)
        self._invoice(contact, "2026-11-10", 200, orders[1:])
        return a, b, orders

    def test_32_clv_historic(self):
        self._lifetimes()
        self.assertEqual(self._values("clv_historic"), [800])
        # as of the end of each period: in the earlier one there was only A, without credit note
        self.assertEqual(self._read("clv_historic", "2026-10-01"), 1500)
        self.assertEqual(self._read("clv_historic", "2026-09-01"), 1000)

    def test_32b_clv_total(self):
        a, _b, orders = self._lifetimes()
        self.assertEqual(self._values("clv_total"), [1600])
        # drafts, credit notes of other customers and later ones do not count
        draft = self._invoice(a, "2026-11-11", 70, orders)
        draft.button_draft()
        self._invoice(a, "2026-11-11", 50)
        self._invoice(a, "2026-12-01", 30, orders)
        self.assertEqual(self._values("clv_total", at="2026-12-10 13:00"), [1600])
        self.assertEqual(self._read("clv_total", "2026-12-01"), 1570)
        # one line for several orders is one amount, at the rate of the credit note
        usd = self.env.ref("base.USD")
        usd.active = True
        self.env["res.currency.rate"].create(
            [
                {"currency_id": usd.id, "name": day, "rate": rate, "company_id": self.company.id}
                for day, rate in (("2020-01-01", 1.0), ("2026-11-01", 2.0), ("2026-11-21", 4.0))
            ]
        )
        self._invoice(a, "2026-11-20", 200, orders, currency_id=usd.id)
        self.assertEqual(self._values("clv_total", at="2026-12-10 14:00"), [1500])

    def test_32_by_margin(self):
        """With the margin rate of the settings, including credit notes."""
        # the value is the margin, not the revenue; the card shows which one it is
        self._margins_by_rate()
        self.company.kpi_margin_rate = 0.4
        self._lifetimes()
        self.assertEqual(self._values("clv_total", "clv_historic"), [640, 320])

    def test_32_by_invoices(self):
        self.company.kpi_revenue_basis = "invoiced"
        a, b, _orders = self._lifetimes()
        self._invoice(a, "2026-11-02", 1000, kind="out_invoice")
        self._invoice(b, "2026-11-03", 100, kind="out_receipt")
        self.assertEqual(self._values("clv_total"), [900])
        self.company.kpi_revenue_basis = "ordered"
        self.assertEqual(self._values("clv_total"), [1600])

    def test_33_clv_projected(self):
        # 50 customers a year ago, 40 of them again: 8,000 in twelve months
        for index in range(50):
            customer = self._customer(f"C{index}", user_id=self.ann.id)
            self._order(customer, "2025-06-01 12:00:00", 999)
            if index < 40:
                self._order(customer, "2026-06-01 12:00:00", 200)
        # the yearly rate is used in months and in years
        self.assertAlmostEqual(self._values("clv_projected")[0], 1600 / 3)
        self.company.kpi_discount_rate = 0.2
        self.assertAlmostEqual(self._values("clv_projected")[0], 200 * 0.8 / 0.4)

    def test_33_needs_thirty_customers(self):
        for index in range(30):
            customer = self._customer(f"C{index}", user_id=(self.ann if index else self.bob).id)
            for moment in ("2025-06-01 12:00:00", "2026-06-01 12:00:00"):
                self._order(customer, moment, 200)
        # all customers stayed: r = 1 is allowed
        self.assertAlmostEqual(self._values("clv_projected")[0], 200 / 0.1)
        # no value with few customers
        self.assertIsNone(self._of_rep("clv_projected", self.ann))

    # --- AT RISK ---

    def _silences(self):
        """The five customers of the worked example on 1 December: gaps, days since the last order."""
        end = utc("2026-12-01 12:00")
        customers = {}
        for name, gaps, last in (
            ("A", (30, 30, 30), 70),
            ("B", (100, 120), 150),
            ("C", (), 100),
            ("D", (), 400),
            ("E", (), 20),
        ):
            customers[name] = customer = self._customer(name)
            moment = end - timedelta(days=last)
            self._order(customer, moment, 100, user=self.bob)
            for gap in reversed(gaps):
                moment -= timedelta(days=gap)
                self._order(customer, moment, 100, user=self.bob)
        # two orders on one day count once
        self._order(customers["A"], end - timedelta(days=70, hours=3), 50, user=self.bob)
        return customers

    def test_34_at_risk_customers(self):
        customers = self._silences()
        customers["C"].user_id = self.ann
        self.assertEqual(self._values("at_risk_customers"), [2])
        # counted only for the customer's own salesperson
        self.assertEqual(self._of_rep("at_risk_customers", self.ann), 1)
        self.assertEqual(self._of_rep("at_risk_customers", None), 1)
        self.assertIsNone(self._of_rep("at_risk_customers", self.bob))
        # the opened records are the counted customers
        kpi = self.env["crm.kpi"]._by_code(["at_risk_customers"])
        period = self.env["crm.kpi.period"]._current("month", self.company, date(2026, 11, 5))
        action = kpi._open_cell_records(period, {"level": "company"})
        opened = self.env["res.partner"].search(action["domain"])
        self.assertEqual(opened, customers["A"] | customers["C"])

    def test_34b_at_risk_revenue(self):
        self._silences()
        # A four orders of 100 and one of 50, C one, all in twelve months
        self.assertEqual(self._values("at_risk_revenue"), [550])

    def test_34_nothing_to_go_by(self):
        """Without a gap between orders in the company there is no value; with one, the value is 0."""
        # a customer with one order has no gap
        first = self._customer()
        self._order(first, "2026-08-01 12:00:00")
        codes = ("at_risk_customers", "at_risk_revenue")
        self.assertEqual(self._values(*codes), [None, None])
        self._order(first, "2026-11-15 12:00:00")
        self.assertEqual(self._values(*codes, at="2026-12-10 13:00"), [0, 0])

    def test_34_settings(self):
        self._silences()
        self.assertEqual(self._values("at_risk_customers"), [2])
        self.company.kpi_at_risk_factor = 2.5  # A: 75 days
        self.assertEqual(self._values("at_risk_customers"), [1])
        self.company.kpi_at_risk_days = 100  # C: not more than 100
        self.assertEqual(self._values("at_risk_customers"), [0])
        self.company.write({"kpi_at_risk_days": 10, "kpi_at_risk_factor": 0.5})
        self.assertEqual(self._values("at_risk_customers"), [4])

    def test_34_churn_threshold_by_segment(self):
        """Seasonal buyers: a segment can have more days than the rest of the company."""
        industries = self.env.ref("crm_kpi.segment_set_industry")
        garden = self.env["res.partner.industry"].create({"name": "Gardens"})
        customers = self._silences()
        (customers["A"] | customers["D"]).industry_id = garden
        industries._update_members(date(2026, 10, 1))
        codes = ("at_risk_customers", "active_customers")
        self.assertEqual(self._values(*codes), [2, 4])
        segment = industries.segment_ids.filtered(lambda s: s.industry_id == garden)
        segment.at_risk_factor = 3  # A: 90 days
        self.assertEqual(self._values(*codes), [1, 4])
        segment.inactivity_days = 500  # D is no longer lost, but at risk
        self.assertEqual(self._values(*codes), [2, 5])
        # the row of the customer shows the same
        with self.at(AFTER):
            facts = self.env["crm.kpi.customer"].search([("partner_id", "=", customers["D"].id)])
            self.assertEqual(facts.status, "at_risk")
        segment.write({"at_risk_factor": 0, "inactivity_days": 0})
        self.assertEqual(self._values(*codes), [2, 4])

    def test_29_warns_of_short_inactivity(self):
        """Warning when customers often order again after they were counted as lost."""
        kpis = self.env["crm.kpi"]._by_code(["retention_rate", "at_risk_customers", "win_rate"])
        for index in range(3):
            customer = self._customer(f"C{index}")
            for month in range(1, 11):
                self._order(customer, f"2026-{month:02}-0{index + 1} 12:00:00")
        self._derive_orders()
        self.assertEqual(kpis.mapped("data_warning"), [False, False, False])
        self.company.kpi_inactivity_days = 20
        self.env.invalidate_all()
        for kpi in kpis:
            if kpi.code == "win_rate":
                self.assertFalse(kpi.data_warning)
            else:
                self.assertRegex(kpi.with_user(self.ann).data_warning, "31 days.*20 days")

    # --- WIN-BACK ---

    def _returns(self):
        orders = {
            "A": ["2025-11-10"],
            "B": ["2026-03-01"],
            "C": ["2025-11-20", "2026-11-15"],
            "D": ["2025-10-15"],
            "E": ["2026-11-05"],
        }
        for name, days in orders.items():
            customer = self._customer(name, user_id=self.ann.id if name == "D" else False)
            for day in days:
                self._order(customer, f"{day} 12:00:00", 100)
            if name == "D":
                order = self._order(customer, "2026-11-20 12:00:00", 100, user=self.bob)
                order.order_line.discount = 10

    def test_35_winback_rate(self):
        self._returns()
        # customers who lapse and return inside the period are neither churned nor won back
        self.assertEqual(self._values("winback_rate"), [1])
        for name in "GH":
            self._order(self._customer(name), "2025-01-15 12:00:00")
        self.assertAlmostEqual(self._values("winback_rate", at="2026-12-10 13:00")[0], 1 / 3)
        # the returning order is credited to Bob, the lost customer to Ann
        self.assertEqual(self._of_rep("customers_won_back", self.bob), 1)
        self.assertIsNone(self._of_rep("customers_won_back", self.ann))
        self.assertEqual(self._of_rep("customers_lapsed", self.ann), 1)

    def test_35b_winback_discount(self):
        self._returns()
        self.assertAlmostEqual(self._values("winback_discount")[0], 0.1)
        self.assertIsNone(self._read("winback_discount", "2026-10-01"), "no customer returned")

    # --- TOP CUSTOMERS ---

    def _ranking(self, amounts=(100, 200, 300, 400, 5000)):
        customers = []
        for amount in amounts:
            customers.append(self._customer(f"C{amount}"))
            self._order(customers[-1], "2026-05-01 12:00:00", amount)
        self._order(customers[-1], "2023-11-01 12:00:00", 1)
        return customers

    def test_36_loyal_customer_tenure(self):
        self._ranking()
        self.assertAlmostEqual(self._values("loyal_customer_tenure")[0], 36, 1)

    def test_36b_top_customer_retention(self):
        *_others, best = self._ranking()
        self.company.kpi_inactivity_days = 190
        self.assertEqual(self._values("top_customer_retention"), [0])
        self._order(best, "2026-11-15 12:00:00", 1)
        self.assertEqual(self._values("top_customer_retention", at="2026-12-10 13:00"), [1])

    def test_36_fewer_than_five(self):
        self._ranking((100, 200, 300, 400))
        codes = ("loyal_customer_tenure", "top_customer_retention")
        self.assertEqual(self._values(*codes), [None, None])

    def test_36_ties(self):
        """A fifth of six is rounded up to two; of equal customers, the earliest one counts."""
        customers = self._ranking((500, 300, 300, 300, 300, 300))
        with self.at(AFTER):
            periods = self.env["crm.kpi.period"]._ensure("2026-11-01", "2026-12-01", ("month",))
            rows = (
                self.env["crm.kpi.customer.period"]
                .with_context(crm_kpi_period_ids=periods.ids)
                .search([("is_top", "=", True)])
            )
        # the last one also has an order of 2023, which is too old to count
        self.assertEqual(rows.partner_id, customers[0] | customers[1])

    # --- CONTACTS ---

    def _contacts(self):
        """Four active customers: last contact 10, 40 and 200 days before the end, and none."""
        end = utc("2026-11-30 23:00")  # midnight in Brussels
        customers = []
        for days in (10, 40, 200, None):
            customer = self._customer(f"{days} days", user_id=self.ann.id)
            customers.append(customer)
            self._order(customer, "2026-03-01 12:00:00")
            if days is None:
                continue
            with self.at("2026-01-10 10:00"):
                lead = self._lead(partner_id=customer.id)
            for moment in (end - timedelta(days=days + 5), end - timedelta(days=days)):
                with self.at(moment):
                    self._say(lead, moment)
            # notes and contacts after the end do not count
            with self.at("2026-11-29 10:00"):
                self._say(lead, utc("2026-11-29 10:00"), subtype="mail.mt_note")
            with self.at("2026-12-02 10:00"):
                self._say(lead, utc("2026-12-02 10:00"))
        return customers

    def _say(self, record, moment, subtype="mail.mt_comment"):
        return self.env["mail.message"].create(
            {
                "model": record._name,
                "res_id": record.id,
                "date": moment,
                "author_id": self.ann.partner_id.id,
                "message_type": "comment",
                "subtype_id": self.env.ref(subtype).id,
                "body": "text",
            }
        )

    def test_55_days_since_last_interaction(self):
        self._contacts()
        self.assertAlmostEqual(self._values("days_since_last_interaction")[0], 40)
        self.assertAlmostEqual(self._of_rep("days_since_last_interaction", self.ann), 40)

    def test_55b_contact_coverage_rate(self):
        customers = self._contacts()
        self.assertEqual(self._values("contact_coverage_rate"), [0.5])
        # a past meeting is a contact, a running one is not
        self.env["calendar.event"].create(
            [
                {
                    "name": "Visit",
                    "start": f"2026-11-{day} 10:00:00",
                    "stop": f"{until} 11:00:00",
                    "user_id": self.ann.id,
                    "partner_ids": [Command.set((self.ann.partner_id | customer).ids)],
                }
                for day, until, customer in (
                    (20, "2026-11-20", customers[2]),
                    (20, "2026-12-20", customers[3]),
                )
            ]
        )
        self.assertEqual(self._values("contact_coverage_rate", at="2026-12-10 13:00"), [0.75])

    # --- SEGMENTS ---

    def test_segments_at_the_start_and_at_the_end(self):
        """A customer who changed segment counts in the segment at the start or at the end of the
        period; the source of the KPI decides."""
        industries = self.env.ref("crm_kpi.segment_set_industry")
        ore, zinc = self.env["res.partner.industry"].create([{"name": "Ore"}, {"name": "Zinc"}])
        moved = self._customer("Moved", industry_id=ore.id)
        self._order(moved, "2025-10-05 12:00:00", 100)
        self._order(moved, "2025-11-05 12:00:00", 100)
        self._order(moved, "2026-02-05 12:00:00", 100)
        industries._update_members(date(2025, 10, 1))
        moved.industry_id = zinc
        industries._update_members(date(2026, 11, 20))
        by_industry = {s.industry_id: s for s in industries.segment_ids}
        codes = (
            "customers_at_start",
            "net_revenue_retention",
            "customers_year_ago",
            "active_customers",
            "customers_ever",
            "at_risk_customers",
        )
        self._values(*codes)
        found = {
            code: [
                self._value(code, level="segment", segment_id=by_industry[industry])
                for industry in (ore, zinc)
            ]
            for code in codes
        }
        # the segment of today does not matter for lost customers
        self.assertEqual(
            found,
            {
                "customers_at_start": [1, None],
                "net_revenue_retention": [0, None],
                "customers_year_ago": [1, None],
                "active_customers": [None, 1],
                "customers_ever": [None, 1],
                "at_risk_customers": [None, 1],
            },
        )
