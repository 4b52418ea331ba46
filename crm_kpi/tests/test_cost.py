# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Costs, their ratios, and campaigns, on worked examples.

The numbers in the names and the expected values are those of docs/CATALOGUE.md.
"""

from collections import defaultdict
from datetime import date, timedelta

from dateutil.relativedelta import relativedelta
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from psycopg2.errors import CheckViolation

from odoo import Command
from odoo.exceptions import AccessError, ValidationError
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from .common_finance import FinanceCase
from .common_reader import ReaderCase

OCTOBER = "2026-10-01"
KINDS = ("sales", "marketing", "service")


@tagged("post_install", "-at_install")
class TestCost(ReaderCase, FinanceCase):
    def _customers_won(self, day, count, user=None):
        for number in range(count):
            self._order(self._customer(f"C{number}"), f"{day} 10:00:00", 100, user=user)

    def test_05_cac(self):
        self._cost("sales", "2026-10-01", "2026-10-31", 4000)
        self._cost("marketing", "2026-10-01", "2026-10-31", 2000)
        self._cost("service", "2026-10-01", "2026-10-31", 900)
        self._customers_won("2026-10-10", 2)
        with self.at("2026-11-10 12:00"):
            self._refresh("cac")
        self.assertAlmostEqual(self._read("cac", OCTOBER), 3000)
        # without a new customer, or without known costs, there is no value
        self._cost("sales", "2026-09-01", "2026-09-30", 500)
        with self.at("2026-11-10 12:00"):
            self._refresh("cac")
        self.assertIsNone(self._read("cac", "2026-09-01"))
        self._customers_won("2026-08-10", 1)
        with self.at("2026-11-10 12:00"):
            self._refresh("cac")
        self.assertIsNone(self._read("cac", "2026-08-01"))

    def test_05_cac_lag(self):
        """With a lag of two months, the costs of two months before count for new customers."""
        self._cost("sales", "2026-08-01", "2026-08-31", 900)
        self._cost("sales", "2026-10-01", "2026-10-31", 100)
        self._customers_won("2026-10-10", 3)
        with self.at("2026-11-10 12:00"):
            self._refresh("cac", "sales_cost")
            self.assertAlmostEqual(self._read("cac", OCTOBER), 100 / 3)
            self.company.kpi_cac_lag_months = 2
            self._refresh("cac", "sales_cost")
        self.assertAlmostEqual(self._read("cac", OCTOBER), 300)
        self.assertAlmostEqual(self._read("sales_cost", OCTOBER), 100, msg="the cost itself stays")
        quarter = self._read("cac", OCTOBER, kind="quarter")
        self.assertAlmostEqual(quarter, 300, msg="costs of August to October")

    def test_05_allocated(self):
        """A team or salesperson has a value only with its own costs; overheads are not allocated."""
        self._cost("sales", "2026-10-01", "2026-10-31", 3000, team_id=self.north.id)
        self._cost("sales", "2026-10-01", "2026-10-31", 600, user_id=self.bob.id, team_id=False)
        self._cost("marketing", "2026-10-01", "2026-10-31", 1000)
        for user in (self.ann, self.bob, None):
            self._customers_won("2026-10-10", 2, user=user)
        with self.at("2026-11-10 12:00"):
            self._refresh("cac", "sales_cost")
        self.assertAlmostEqual(self._read("cac", OCTOBER), 4600 / 6)
        self.assertAlmostEqual(self._read("cac", OCTOBER, level="team", team_id=self.north), 1500)
        self.assertAlmostEqual(self._read("cac", OCTOBER, level="user", user_id=self.bob), 300)
        for level, field, record in (
            ("team", "team_id", self.south),
            ("user", "user_id", self.ann),
            ("user", "user_id", self.env["res.users"]),
            ("team", "team_id", self.env["crm.team"]),
        ):
            self.assertIsNone(self._read("cac", OCTOBER, level=level, **{field: record}), level)

    def test_05_segment(self):
        industry = self.env.ref("base.res_partner_industry_G")
        sets = self.env.ref("crm_kpi.segment_set_industry")
        customer = self._customer("Trader", industry_id=industry.id)
        self._order(customer, "2026-10-10 10:00:00", 100)
        self._cost("sales", "2026-10-01", "2026-10-31", 1000)
        with self.at("2026-11-10 12:00"):
            self._refresh("cac")
            segment = sets.segment_ids.filtered(lambda s: s.industry_id == industry)
            found = {"level": "segment", "segment_id": segment}
            self.assertIsNone(self._read("cac", OCTOBER, **found))
            self._cost("sales", "2026-10-01", "2026-10-31", 70, segment_id=segment.id)
            self._refresh("cac")
            self.assertAlmostEqual(self._read("cac", OCTOBER, **found), 70)
            self.assertAlmostEqual(self._read("cac", OCTOBER), 1070)

    def test_05b_cost_per_lead(self):
        self._cost("marketing", "2026-10-01", "2026-10-31", 3000)
        with self.at("2026-10-10 12:00"):
            for _number in range(40):
                self._lead()
        with self.at("2026-11-10 12:00"):
            self._refresh("cost_per_lead")
        self.assertAlmostEqual(self._read("cost_per_lead", OCTOBER), 75)

    def test_05_accounts(self):
        """Each kind of cost has one source, entries or accounts; never both."""
        self._cost("sales", "2026-10-01", "2026-10-31", 111)
        self._cost("marketing", "2026-10-01", "2026-10-31", 2000)
        self._entry("2026-10-31", ("salaries", 4000), ("bank", -4000))
        self._entry("2026-10-31", ("advertising", 999), ("bank", -999))
        self._entry("2026-10-31", ("salaries", 50), ("bank", -50), post=False)
        self._entry("2026-11-01", ("salaries", 60), ("bank", -60))
        # the closing entry of a fiscal year does not remove its costs
        self._entry("2026-10-30", ("salaries", -4000), ("earnings", 4000))
        with self.at("2026-11-10 12:00"):
            self._refresh("sales_cost", "marketing_cost", "total_cost", "acquisition_cost")
            self.assertAlmostEqual(self._read("total_cost", OCTOBER), 2111)
            self.company.write(
                {
                    "kpi_sales_cost_basis": "accounts",
                    "kpi_sales_cost_account_ids": [Command.set(self.accounts["salaries"].ids)],
                    # unused: marketing costs come from entries
                    "kpi_marketing_cost_account_ids": [
                        Command.set(self.accounts["advertising"].ids)
                    ],
                }
            )
            self._refresh("sales_cost", "marketing_cost", "total_cost", "acquisition_cost")
            self.assertAlmostEqual(self._read("sales_cost", OCTOBER), 4000)
            self.assertAlmostEqual(self._read("marketing_cost", OCTOBER), 2000)
            self.assertAlmostEqual(self._read("total_cost", OCTOBER), 6000)
            self.assertAlmostEqual(self._read("acquisition_cost", OCTOBER), 6000)
            # later postings are noticed
            self._entry("2026-10-29", ("salaries", 500), ("bank", -500))
            self._refresh("sales_cost")
            self.assertAlmostEqual(self._read("sales_cost", OCTOBER), 4500)
            self.assertAlmostEqual(self._read("sales_cost", "2026-11-01"), 60)

    def test_05_accounts_checked(self):
        company, salaries = self.company, self.accounts["salaries"]
        company.kpi_sales_cost_account_ids = salaries
        with self.assertRaisesRegex(ValidationError, "more than one"):
            company.kpi_service_cost_account_ids = salaries
        with self.assertRaisesRegex(ValidationError, "not an expense account"):
            company.kpi_service_cost_account_ids = self.accounts["bank"]

    def test_05_running_period(self):
        """In the current month, the costs until today."""
        self._cost("sales", "2026-11-01", "2026-11-30", 3000)
        self._cost("sales", "2026-11-21", "2026-11-30", 500)
        with self.at("2026-11-09 23:30"):  # the tenth in Brussels
            self._refresh("sales_cost")
            self.assertAlmostEqual(self._read("sales_cost", "2026-11-01"), 1000)
        with self.at("2026-11-21 12:00"):
            self._refresh("sales_cost")
            self.assertAlmostEqual(self._read("sales_cost", "2026-11-01"), 2150)

    def test_33b_clv_cac_ratio(self):
        """Customer value divided by acquisition cost."""
        for number in range(50):
            customer = self._customer(f"C{number}")
            self._order(customer, "2025-06-01 10:00:00", 999)
            if number < 40:
                self._order(customer, "2026-06-01 10:00:00", 200)
        self._order(self._customer("New"), "2026-10-05 10:00:00", 200)
        self._cost("sales", "2026-10-01", "2026-10-31", 150)
        with self.at("2026-11-10 12:00"):
            self._derive_orders()
            self._refresh("clv_cac_ratio")
        self.assertAlmostEqual(self._read("clv_projected", OCTOBER), 533.33, 2)
        self.assertAlmostEqual(self._read("clv_cac_ratio", OCTOBER), 3.56, 2)
        self.assertIsNone(self._read("clv_cac_ratio", "2026-09-01"), "no customer was won")

    def test_57_expense_to_revenue(self):
        for kind in KINDS:
            self._cost(kind, "2026-10-01", "2026-10-31", 10_000)
        self._cost("sales", "2025-10-01", "2025-10-31", 33_000)
        self._cost("sales", "2026-09-01", "2026-09-30", 10_000)
        self._invoice("2026-10-05", 120_000)
        self._invoice("2026-09-05", 5, kind="out_refund")
        self.company.kpi_history_start = "2025-01-01"
        with self.at("2026-11-10 12:00"):
            self._refresh("expense_to_revenue", "cost_savings")
        self.assertAlmostEqual(self._read("expense_to_revenue", OCTOBER), 0.25)
        self.assertIsNone(self._read("expense_to_revenue", "2026-09-01"), "revenue below zero")
        self.assertIsNone(self._read("expense_to_revenue", "2026-08-01"), "nothing known")
        self.assertAlmostEqual(self._read("cost_savings", OCTOBER), 3000)
        self.assertIsNone(self._read("cost_savings", "2026-09-01"), "nothing to compare with")
        self.assertIsNone(self._read("cost_savings", "2026-11-01"), "the month is not over")

    # --- entries ---

    def test_entry_checks(self):
        with (
            mute_logger("odoo.sql_db"),
            self.assertRaises(CheckViolation),
            self.env.cr.savepoint(),
        ):
            self._cost("sales", "2026-10-02", "2026-10-01", 5)
        with self.assertRaisesRegex(ValidationError, "Amount"):
            self._cost("sales", "2026-10-01", "2026-10-01", 0)
        other = self.env["res.company"].create({"name": "Other Ltd"})
        foreign = self.env["crm.kpi.segment.set"].create(
            {"name": "Theirs", "kind": "domain", "company_id": other.id}
        )
        segment = self.env["crm.kpi.segment"].create(
            {"name": "T", "set_id": foreign.id, "domain": "[('is_company', '=', True)]"}
        )
        with self.assertRaisesRegex(ValidationError, "Segment"):
            self._cost("sales", "2026-10-01", "2026-10-01", 5, segment_id=segment.id)

    def test_entry_import(self):
        result = self.env["crm.kpi.cost"].load(
            ["name", "kind", "date_first", "date_last", "amount", "team_id"],
            [["Fair", "Marketing", "2026-10-05", "2026-10-07", "900", "North"]],
        )
        self.assertFalse(result["messages"])
        cost = self.env["crm.kpi.cost"].browse(result["ids"])
        self.assertEqual((cost.amount, cost.team_id), (900, self.north))

    def test_entry_behind_a_number(self):
        cost = self._cost("sales", "2026-09-01", "2026-10-31", 610)
        self._cost("marketing", "2026-10-01", "2026-10-31", 5)
        with self.at("2026-11-10 12:00"):
            self._refresh("sales_cost")
            cell = self.env["crm.kpi.value"].search(
                [
                    ("kpi_id.code", "=", "sales_cost"),
                    ("company_id", "=", self.company.id),
                    ("period_id.name", "=", "2026-10"),
                ]
            )
            action = cell.action_open_records()
            rows = (
                self.env["crm.kpi.cost.period"]
                .with_context(**action["context"])
                .search(action["domain"])
            )
        self.assertEqual((rows.cost_id, rows.amount), (cost, 310))
        manager = self._employee("cost_manager", "crm_kpi.group_kpi_manager")
        self.assertEqual(self._opened(manager, "sales_cost", "2026-10").cost_id, cost)
        everyone = self._employee("cost_reader", "crm_kpi.group_kpi_user_all")
        with self.assertRaises(AccessError, msg="only managers read costs, including their sums"):
            cell.with_user(everyone).action_open_records()

    @given(
        entries=st.lists(
            st.tuples(
                st.sampled_from(KINDS),
                st.dates(date(2025, 11, 1), date(2026, 12, 31)),
                st.integers(0, 200),
                st.integers(-500, 5000).filter(bool),
            ),
            min_size=1,
            max_size=6,
        ),
        lag=st.integers(0, 3),
        now=st.dates(date(2026, 10, 1), date(2026, 11, 30)),
    )
    @settings(
        max_examples=40,
        deadline=None,
        derandomize=True,
        # to investigate a failure, add Phase.shrink: it takes minutes
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def test_spread_day_by_day(self, entries, lag, now):
        """The share of every period equals a count day by day."""
        self.env["crm.kpi.cost"].search([("company_id", "=", self.company.id)]).unlink()
        self.company.kpi_cac_lag_months = lag
        daily = defaultdict(float)
        for kind, first, length, amount in entries:
            self._cost(kind, first, first + timedelta(days=length), amount)
            for number in range(length + 1):
                daily[kind, first + timedelta(days=number)] += amount / (length + 1)
        periods = self.env["crm.kpi.period"].union(
            *(
                self.env["crm.kpi.period"]._current(kind, self.company, day)
                for kind in ("month", "quarter", "year")
                for day in (date(2025, 12, 1), date(2026, 3, 31), date(2026, 10, 5))
            )
        )
        self.env.flush_all()
        with self.at(f"{now} 12:00"):
            rows = (
                self.env["crm.kpi.cost.period"]
                .with_context(crm_kpi_period_ids=periods.ids)
                .search_read(
                    [("company_id", "=", self.company.id)],
                    ["period_id", "kind", "amount", "lagged_amount"],
                )
            )
        back = relativedelta(months=lag)
        for period in periods:
            first, until = period.date_from, min(period.date_to, now + timedelta(days=1))
            spans = {"amount": (first, until), "lagged_amount": (first - back, until - back)}
            for name, (since, end) in spans.items():
                days = [since + timedelta(days=n) for n in range((end - since).days)]
                for kind in KINDS:
                    found = sum(
                        row[name]
                        for row in rows
                        if row["period_id"][0] == period.id and row["kind"] == kind
                    )
                    expected = sum(daily[kind, day] for day in days)
                    self.assertAlmostEqual(found, expected, 6, (name, period.name, kind))

    # --- rights ---

    def test_rights(self):
        """Salespeople cannot read costs, such as salaries."""
        cost = self._cost("sales", "2026-10-01", "2026-10-31", 4000, user_id=self.ann.id)
        self.company.write(
            {
                "kpi_service_cost_basis": "accounts",
                "kpi_service_cost_account_ids": [Command.set(self.accounts["salaries"].ids)],
            }
        )
        self._entry("2026-10-31", ("salaries", 10), ("bank", -10))
        common = {"company_id": self.company.id, "company_ids": [Command.set(self.company.ids)]}
        manager = new_test_user(
            self.env, login="kpi_cost_manager", groups="crm_kpi.group_kpi_manager", **common
        )
        with self.at("2026-11-10 12:00"):
            self._refresh("total_cost")
            period = self.env["crm.kpi.period"]._current("month", self.company, date(2026, 10, 1))
            for user in (self.ann, self.bob):
                costs = self.env["crm.kpi.cost"].with_user(user)
                for call in (
                    lambda costs=costs: costs.search([]),
                    lambda costs=costs: costs.browse(cost.id).read(["amount"]),
                    lambda costs=costs: costs.create({"kind": "sales", "amount": 1}),
                    lambda costs=costs: costs.browse(cost.id).write({"amount": 1}),
                    lambda costs=costs: costs.browse(cost.id).unlink(),
                    lambda user=user: self._rows(user, period),
                ):
                    with self.assertRaises(AccessError):
                        call()
            self.assertEqual(self._rows(manager, period).cost_id, cost, "no journal items")
            self.assertEqual(len(self._rows(self.env.user, period)), 2)
        cost.with_user(manager).write({"amount": 5000})
        cost.with_user(manager).unlink()
        with self.assertRaises(AccessError):
            self.company.with_user(manager).read(["kpi_sales_cost_account_ids"])

    def test_marketing_enters_costs_of_campaigns(self):
        """From the form of the campaign; salaries and other costs stay hidden, also in sums."""
        fair, letter = self.env["utm.campaign"].create(
            [{"title": "KPI fair", "company_id": False}, {"title": "KPI letter"}]
        )
        october = ("2026-10-01", "2026-10-31")
        stand = self._cost("marketing", *october, 400, campaign_id=fair.id)
        hidden = (
            self._cost("sales", *october, 9000, campaign_id=fair.id, user_id=self.ann.id)
            | self._cost("marketing", *october, 800, campaign_id=fair.id, user_id=self.ann.id)
            | self._cost("marketing", *october, 700)
            | self._cost("sales", *october, 5000)
        )
        tina = self._employee("kpi_cost_tina", "crm_kpi.group_kpi_campaign_cost")
        self.env.invalidate_all()
        form = self.env["utm.campaign"].with_user(tina).get_view(view_type="form")["arch"]
        self.assertIn("kpi_cost_ids", form)
        line = {"kind": "marketing", "name": "Flyers", "amount": 150}
        with self.at("2026-10-10 12:00"):
            fair.with_user(tina).write({"kpi_cost_ids": [Command.create(line)]})
        costs = self.env["crm.kpi.cost"].with_user(tina)
        flyers = costs.search([]) - stand
        self.assertEqual((flyers.kind, flyers.amount), ("marketing", 150))
        self.assertEqual((flyers.campaign_id, flyers.company_id), (fair, self.company))
        self.assertEqual(fair.with_user(tina).kpi_cost_ids, stand | flyers)
        flyers.write({"amount": 170, "campaign_id": letter.id})
        for vals in ({"kind": "sales"}, {"campaign_id": False}, {"user_id": tina.id}):
            with self.assertRaises(AccessError):
                flyers.write(vals)
            self.env.invalidate_all()
            with self.assertRaises(AccessError):
                costs.create({"campaign_id": fair.id, "kind": "marketing", "amount": 1, **vals})
        for cost in hidden.with_user(tina):
            for call in (cost.read, cost.unlink, lambda cost=cost: cost.write({"amount": 1})):
                with self.assertRaises(AccessError):
                    call()
        # the sum of all costs of the campaign would tell the salaries
        with self.assertRaises(AccessError):
            fair.with_user(tina).read(["kpi_cost"])
        self.assertEqual(sum(costs.search([]).mapped("amount")), 570)
        flyers.unlink()
        # salespeople still read none, managers all, also as marketers
        for user in (self.ann, self._employee("kpi_cost_all", "crm_kpi.group_kpi_user_all")):
            with self.assertRaises(AccessError):
                fair.with_user(user).read(["kpi_cost_ids"])
        mia = self._employee("kpi_cost_mia", "crm_kpi.group_kpi_manager")
        self.assertEqual(
            self.env["crm.kpi.cost"].with_user(mia).search([("company_id", "=", self.company.id)]),
            stand | hidden,
        )

    def _rows(self, user, period):
        rows = self.env["crm.kpi.cost.period"].with_user(user)
        return rows.with_context(crm_kpi_period_ids=period.ids).search([])

    def test_other_companies(self):
        """Costs, journal items and settings of one company do not count in another."""
        other = self.env["res.company"].create({"name": "Other Ltd", "kpi_tz": "UTC"})
        self._cost("sales", "2026-10-01", "2026-10-31", 10)
        self.env["crm.kpi.cost"].create(
            {
                "kind": "sales",
                "date_first": "2026-10-01",
                "date_last": "2026-10-31",
                "amount": 7,
                "company_id": other.id,
            }
        )
        with self.at("2026-11-10 12:00"):
            self._refresh("sales_cost")
            self.assertEqual(self._read("sales_cost", OCTOBER), 10)


@tagged("post_install", "-at_install")
class TestCampaign(FinanceCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.fair, cls.letter = cls.env["utm.campaign"].create(
            [
                {"title": "KPI fair", "company_id": False},
                {"title": "KPI letter", "company_id": False},
            ]
        )
        cls.old = cls._customer("Old")
        cls._order(cls.old, "2026-08-05 10:00:00", 10)

    def test_53b_campaign_orders(self):
        self._order(self.old, "2026-10-05 10:00:00", 100, campaign_id=self.fair.id, user=self.ann)
        for number in range(2):
            self._order(
                self._customer(f"N{number}"), "2026-10-06 10:00:00", 100, campaign_id=self.fair.id
            )
        self._order(self.old, "2026-10-07 10:00:00", 0, campaign_id=self.fair.id)
        self._order(self.old, "2026-10-08 10:00:00", 9, campaign_id=self.fair.id, state="cancel")
        self._order(self.old, "2026-10-09 10:00:00", 100)
        codes = ("campaign_orders", "campaign_orders_new", "campaign_orders_existing")
        with self.at("2026-11-10 12:00"):
            self._refresh(*codes, "unattributed_order_share")
        self.assertEqual([self._read(code, OCTOBER) for code in codes], [3, 2, 1])
        # orders without a campaign are shown, not distributed
        self.assertAlmostEqual(self._read("unattributed_order_share", OCTOBER), 0.25)
        of_ann = self._read("campaign_orders", OCTOBER, level="user", user_id=self.ann)
        self.assertEqual(of_ann, 1)

    def test_56_only_first_and_last_costs_mark_orders(self):
        """Orders are marked when the cost of a campaign becomes known, or unknown again."""
        marked = []
        source = self.env.registry["crm.kpi.source"]
        self.patch(source, "_mark_changed", lambda _self, model: marked.append(model))

        def noted(action):
            marked.clear()
            result = action()
            return result, "sale.order" in marked

        def cost(campaign):
            return lambda: self._cost(
                "marketing", "2026-10-01", "2026-10-31", 100, campaign_id=campaign.id
            )

        first, note = noted(cost(self.fair))
        self.assertTrue(note, "the first cost of the campaign")
        second, note = noted(cost(self.fair))
        self.assertFalse(note, "a second cost of the campaign")
        _plain, note = noted(cost(self.fair.browse()))
        self.assertFalse(note, "a cost without campaign")
        self.assertFalse(noted(lambda: first.write({"amount": 7}))[1], "another amount")
        self.assertFalse(noted(lambda: first.write({"campaign_id": False}))[1], "one cost stays")
        self.assertTrue(
            noted(lambda: first.write({"campaign_id": self.letter.id}))[1], "first cost"
        )
        self.assertTrue(
            noted(lambda: second.write({"campaign_id": self.letter.id}))[1], "none left"
        )
        self.assertFalse(noted(first.unlink)[1], "one cost stays")
        self.assertTrue(noted(second.unlink)[1], "the last cost")

    def test_56_campaign_roi(self):
        self._cost("marketing", "2026-10-01", "2026-10-31", 4000, campaign_id=self.fair.id)
        self._order(self.old, "2026-10-05 10:00:00", 6000, campaign_id=self.fair.id, user=self.ann)
        self._order(self.old, "2026-10-06 10:00:00", 3000, campaign_id=self.fair.id)
        # a campaign of unknown cost counts neither in revenue nor in costs
        self._order(self.old, "2026-10-07 10:00:00", 500, campaign_id=self.letter.id)
        self._order(self.old, "2026-10-08 10:00:00", 500)
        self._order(self.old, "2026-09-08 10:00:00", 500, campaign_id=self.fair.id)
        with self.at("2026-11-10 12:00"):
            self._derive_orders()
            self._refresh("campaign_roi")
            self.assertAlmostEqual(self._read("campaign_roi", OCTOBER), 1.25)
            self.assertIsNone(self._read("campaign_roi", "2026-09-01"), "no cost, no value")
            of_ann = self._read("campaign_roi", OCTOBER, level="user", user_id=self.ann)
            self.assertIsNone(of_ann, "the cost is not hers")
            self.assertEqual(self._read("total_cost", OCTOBER), None, "not refreshed")
            # a cost that becomes known later, although no order was written
            self._cost("marketing", "2026-10-01", "2026-10-31", 1000, campaign_id=self.letter.id)
            self._refresh("campaign_roi")
            self.assertAlmostEqual(self._read("campaign_roi", OCTOBER), 0.9)
            # entries with a campaign count for it, with either source of the totals
            self.company.kpi_marketing_cost_basis = "accounts"
            self._refresh("campaign_roi", "marketing_cost")
            self.assertAlmostEqual(self._read("campaign_roi", OCTOBER), 0.9)
            self.assertIsNone(self._read("marketing_cost", OCTOBER))

    def test_56_allocated(self):
        """The campaign of one salesperson has a value for this salesperson."""
        self._cost(
            "marketing",
            "2026-10-01",
            "2026-10-31",
            100,
            campaign_id=self.fair.id,
            user_id=self.ann.id,
        )
        self._order(self.old, "2026-10-05 10:00:00", 300, campaign_id=self.fair.id, user=self.ann)
        self._order(self.old, "2026-10-06 10:00:00", 900, campaign_id=self.fair.id, user=self.bob)
        with self.at("2026-11-10 12:00"):
            self._derive_orders()
            self._refresh("campaign_roi")
        self.assertAlmostEqual(self._read("campaign_roi", OCTOBER), 11)
        for user, expected in ((self.ann, 2), (self.bob, None)):
            self.assertEqual(
                self._read("campaign_roi", OCTOBER, level="user", user_id=user), expected
            )

    def test_56_whole_life(self):
        """The campaign shows all its costs and revenue, without a period."""
        self._cost("marketing", "2026-10-01", "2026-12-31", 1000, campaign_id=self.fair.id)
        new = self._customer("New")
        for partner, day, amount in (
            (self.old, "2026-10-05", 900),
            (new, "2026-12-06", 600),
            (new, "2027-02-06", 1000),
        ):
            self._order(partner, f"{day} 10:00:00", amount, campaign_id=self.fair.id)
        self._order(new, "2027-02-07 10:00:00", 77, campaign_id=self.fair.id, state="draft")
        self._derive_orders()
        campaigns = self.fair + self.letter
        campaigns.invalidate_recordset()
        with self.assertQueryCount(8):
            campaigns.mapped("kpi_roi")
        self.assertEqual((self.fair.kpi_orders_new, self.fair.kpi_orders_existing), (1, 2))
        self.assertEqual((self.fair.kpi_revenue, self.fair.kpi_margin), (2500, 2500))
        self.assertEqual((self.fair.kpi_cost, self.fair.kpi_roi), (1000, 1.5))
        self.assertEqual((self.letter.kpi_cost, self.letter.kpi_roi), (0, False))
        # salespeople can read neither; users who may read all values can
        rep = new_test_user(
            self.env,
            login="kpi_campaign_rep",
            groups="sales_team.group_sale_salesman",
            company_id=self.company.id,
            company_ids=[Command.set(self.company.ids)],
        )
        with self.assertRaises(AccessError):
            self.fair.with_user(rep).read(["kpi_cost"])
        self.assertEqual(self.fair.with_user(self.ann).kpi_margin, 2500)
