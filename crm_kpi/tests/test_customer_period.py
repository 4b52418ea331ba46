# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import random
from collections import defaultdict
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from odoo.exceptions import AccessError
from odoo.tests import freeze_time, new_test_user, tagged

from .common_history import HistoryCase, utc

UTC, BRUSSELS = ZoneInfo("UTC"), ZoneInfo("Europe/Brussels")
FLAGS = (
    "active_start",
    "active_end",
    "bought",
    "had_before",
    "is_new",
    "lapsed",
    "won_back",
    "churned",
)


def midnight(day):
    local = datetime(day.year, day.month, day.day, tzinfo=BRUSSELS)
    return local.astimezone(UTC).replace(tzinfo=None)


class CustomerPeriodCase(HistoryCase):
    def _periods(self, first, last, kinds=("month",)):
        return self.env["crm.kpi.period"]._ensure(first, last, kinds)

    def _rows(self, periods):
        self.env.flush_all()
        return (
            self.env["crm.kpi.customer.period"]
            .with_context(crm_kpi_period_ids=periods.ids)
            .search([("company_id", "=", self.company.id)])
        )


@tagged("post_install", "-at_install")
class TestCustomerPeriod(CustomerPeriodCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.a, cls.b, cls.c, cls.d, cls.e = (cls._customer(name) for name in "ABCDE")
        for customer, dates in (
            (cls.a, ["2025-11-10"]),
            (cls.b, ["2026-03-01"]),
            (cls.c, ["2025-11-20", "2026-11-15"]),
            (cls.d, ["2025-10-15", "2026-11-20"]),
            (cls.e, ["2026-11-05"]),
        ):
            for date in dates:
                cls._order(customer, date)

    def _november(self, now="2027-03-01"):
        with freeze_time(now):
            rows = self._rows(self._periods("2026-11-01", "2026-12-01"))
            # rows are made at each search: what the cache holds is of the last one
            rows.invalidate_model()
            return {row.partner_id: {name: row[name] for name in FLAGS} for row in rows}

    def _having(self, rows, flag):
        return {partner.name for partner, row in rows.items() if row[flag]}

    def test_example_retention_and_churn(self):
        """28, 29, 30, 35: the catalogue's five customers in November 2026."""
        rows = self._november()
        self.assertEqual(self._having(rows, "active_start"), {"A", "B", "C"})
        self.assertEqual(self._having(rows, "active_end"), {"B", "C", "D", "E"})
        self.assertEqual(self._having(rows, "churned"), {"A"})
        self.assertEqual(self._having(rows, "is_new"), {"E"})
        self.assertEqual(self._having(rows, "bought"), {"C", "D", "E"})
        self.assertEqual(self._having(rows, "lapsed"), {"D"})
        self.assertEqual(self._having(rows, "won_back"), {"D"})
        # (E - N) / S of the textbooks
        ending, new = 4, len(self._having(rows, "active_end") - self._having(rows, "active_start"))
        kept = self._having(rows, "active_start") & self._having(rows, "active_end")
        self.assertEqual(len(kept) / 3, (ending - new) / 3)

    def test_example_winback_with_more_lapsed(self):
        for name in "GH":
            self._order(self._customer(name), "2025-01-15")
        rows = self._november()
        self.assertEqual(self._having(rows, "lapsed"), {"D", "G", "H"})
        self.assertEqual(self._having(rows, "won_back"), {"D"})

    def test_inactivity_is_half_open(self):
        """An order exactly L ago still makes active, one a second older does not."""
        end = midnight(datetime(2026, 12, 1))
        edge, past = self._customer("Edge"), self._customer("Past")
        self._order(edge, end - timedelta(days=365))
        self._order(past, end - timedelta(days=365, seconds=1))
        rows = self._november()
        self.assertTrue(rows[edge]["active_end"])
        self.assertFalse(rows[past]["active_end"])
        self.assertTrue(rows[past]["churned"])

    def test_window_of_the_company(self):
        self.company.kpi_inactivity_days = 30
        rows = self._november()
        self.assertEqual(self._having(rows, "active_start"), set())
        self.assertEqual(self._having(rows, "active_end"), {"C", "D", "E"})

    def test_local_months(self):
        """31 October 23:30 UTC is November in Brussels."""
        late = self._customer("Late")
        self._order(late, "2026-10-31 23:30")
        early = self._customer("Early")
        self._order(early, "2026-10-31 22:59:59")
        rows = self._november()
        self.assertTrue(rows[late]["is_new"])
        self.assertFalse(rows[early]["is_new"])

    def test_running_period_ends_now(self):
        """On 10 November only E has bought, A's order of a year ago is just lapsing."""
        rows = self._november(now="2026-11-10 12:00:00")
        self.assertEqual(self._having(rows, "bought"), {"E"})
        self.assertEqual(self._having(rows, "churned"), {"A"})
        rows = self._november(now="2026-11-09 12:00:00")
        self.assertEqual(self._having(rows, "churned"), set())
        self.assertEqual(self._november(now="2026-10-31 12:00:00"), {}, "not begun")

    def test_no_periods_no_rows(self):
        self.assertFalse(self.env["crm.kpi.customer.period"].search([]))

    def test_who_is_a_customer(self):
        contact = self.env["res.partner"].create({"name": "Contact", "parent_id": self.a.id})
        self._order(contact, "2026-11-02")
        self._order(self.company.partner_id, "2026-11-02")
        self._order(self.ann.partner_id, "2026-11-02")
        self._order(self._customer("Free"), "2026-11-02", 0)
        self._order(self._customer("Returned"), "2026-11-02", -10)
        self._order(self._customer("Quoted"), "2026-11-02", state="sent")
        self._order(self._customer("Cancelled"), "2026-11-02", state="cancel")
        rows = self._november()
        self.assertEqual({partner.name for partner in rows}, set("ABCDE"))
        self.assertFalse(rows[self.a]["churned"])

    def test_salesperson_of_the_customer(self):
        """The customer's own, else that of the last order before, else of the first in it."""
        own = self._customer("Own", user_id=self.ann.id)
        known, new = self._customer("Known"), self._customer("New")
        self._order(own, "2026-01-10", user=self.bob)
        for date, user in (("2026-01-10", self.bob), ("2026-10-10", self.ann)):
            self._order(known, date, user=user)
        for date, user in (("2026-11-04", self.bob), ("2026-11-20", self.ann)):
            self._order(known, date, user=user)
            self._order(new, date, user=user)
        with freeze_time("2027-03-01"):
            rows = self._rows(self._periods("2026-11-01", "2026-12-01"))
            found = {row.partner_id: (row.user_id, row.team_id) for row in rows}
        self.assertEqual(found[own], (self.ann, self.south))
        self.assertEqual(found[known], (self.ann, self.north))
        self.assertEqual(found[new], (self.bob, self.south))
        self.assertFalse(found[self.a][0])

    def test_company_that_is_not_ours(self):
        other = self.env["res.company"].create(
            {"name": "Other Ltd", "currency_id": self.company.currency_id.id}
        )
        self.env.user.company_ids |= other
        period = (
            self.env["crm.kpi.period"]
            .with_company(other)
            ._ensure("2026-11-01", "2026-12-01", ("month",))
        )
        rows = self.env["crm.kpi.customer.period"].with_context(crm_kpi_period_ids=period.ids)
        self.assertFalse(rows.search([("company_id", "=", other.id)]))

    def test_rows_can_be_read_again(self):
        """Ids do not depend on what else there is."""
        rows = self._rows(self._periods("2026-10-01", "2026-12-01"))
        names = {row.id: (row.period_id, row.partner_id) for row in rows}
        self._order(self._customer("0"), "2024-01-01")
        rows.invalidate_model()
        self.env.flush_all()
        for row in rows:
            self.assertEqual((row.period_id, row.partner_id), names[row.id])

    def test_rights(self):
        own = self._customer("Own", user_id=self.ann.id)
        self._order(own, "2026-11-02", user=self.bob)
        rep = new_test_user(
            self.env,
            login="history_rep",
            groups="sales_team.group_sale_salesman",
            company_id=self.company.id,
            company_ids=[(6, 0, self.company.ids)],
        )
        mine = self._customer("Mine", user_id=rep.id)
        self._order(mine, "2026-11-02")
        nobodys = self.a
        periods = self._periods("2026-11-01", "2026-12-01")
        self.env.flush_all()
        Rows = self.env["crm.kpi.customer.period"].with_context(crm_kpi_period_ids=periods.ids)
        seen = Rows.with_user(rep).search([]).partner_id
        self.assertIn(mine, seen)
        self.assertIn(nobodys, seen)
        self.assertNotIn(own, seen)
        self.assertIn(own, Rows.with_user(self.ann).search([]).partner_id)
        portal = new_test_user(self.env, login="history_portal", groups="base.group_portal")
        with self.assertRaises(AccessError):
            Rows.with_user(portal).search([])
        with self.assertRaises(AccessError):
            Rows.with_user(rep).search([], limit=1).write({"churned": True})


@tagged("post_install", "-at_install")
class TestCustomerPeriodRandom(CustomerPeriodCase):
    """The rows against a loop over customers and periods."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.customers = [cls._customer(f"C{n}") for n in range(6)]
        cls.customers[0].user_id = cls.ann

    @given(seed=st.integers(0, 10**6), inactivity=st.sampled_from((1, 30, 60, 365)))
    @settings(
        max_examples=5,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    def test_rows_equal_a_plain_loop(self, seed, inactivity):
        rnd = random.Random(seed)
        with self.env.cr.savepoint() as savepoint, freeze_time("2026-05-20 10:00:00"):
            self.company.kpi_inactivity_days = inactivity
            periods = self._periods(
                "2025-11-01", "2026-06-01", ("week", "month", "quarter", "year")
            )
            edges = sorted({p.utc_from for p in periods})
            orders = defaultdict(list)
            for _ in range(rnd.randint(0, 25)):
                date = rnd.choice(
                    (
                        utc("2024-10-01") + timedelta(seconds=rnd.randrange(600 * 86400)),
                        rnd.choice(edges)
                        + timedelta(
                            days=rnd.choice((0, -inactivity)), seconds=rnd.choice((-1, 0, 1))
                        ),
                    )
                )
                customer = rnd.choice(self.customers)
                order = self._order(
                    customer,
                    date,
                    rnd.choice((0, 10, 25, 40)),
                    user=rnd.choice((None, self.ann, self.bob)),
                )
                if order.amount_untaxed > 0:
                    orders[customer].append(order)
            rows = self._rows(periods)
            found = {
                (row.period_id, row.partner_id): (
                    *(row[name] for name in FLAGS),
                    row.orders,
                    row.revenue,
                    row.revenue_before,
                    row.user_id,
                    row.team_id,
                )
                for row in rows
            }
            self.assertEqual(len(found), len(rows))
            self.assertEqual(found, self._loop(periods, orders, inactivity))
            savepoint.rollback()
        self.env.invalidate_all()

    def _loop(self, periods, orders, inactivity):
        expected = {}
        now = utc("2026-05-20 10:00:00")
        window = timedelta(days=inactivity)
        for period in periods:
            start, end = midnight(period.date_from), min(midnight(period.date_to), now)
            year = midnight(period.date_from - relativedelta(years=1))
            if start >= now:
                continue
            for customer, history in orders.items():
                history = sorted(history, key=lambda o: (o.date_order, o.id))
                before = [o for o in history if o.date_order < start]
                inside = [o for o in history if start <= o.date_order < end]
                if not before and not inside:
                    continue
                active_start = any(o.date_order >= start - window for o in before)
                active_end = any(o.date_order >= end - window for o in before + inside)
                lapsed = bool(before) and not active_start
                credit = before[-1] if before else inside[0]
                expected[period, customer] = (
                    active_start,
                    active_end,
                    bool(inside),
                    bool(before),
                    not before,
                    lapsed,
                    lapsed and bool(inside),
                    active_start and not active_end,
                    len(inside),
                    sum(o.amount_untaxed for o in inside),
                    sum(o.amount_untaxed for o in before if o.date_order >= year),
                    customer.user_id or credit.user_id,
                    credit.team_id,
                )
        return expected
