# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import random
from collections import defaultdict
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from odoo import Command
from odoo.exceptions import AccessError
from odoo.tests import freeze_time, new_test_user, tagged
from odoo.tools import SQL

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
            # rows are computed by each search; the cache holds those of the last search
            rows.invalidate_model()
            return {row.partner_id: {name: row[name] for name in FLAGS} for row in rows}

    def _having(self, rows, flag):
        return {partner.name for partner, row in rows.items() if row[flag]}

    def test_example_retention_and_churn(self):
        """The five customers of examples 28, 29, 30 and 35 of docs/CATALOGUE.md."""
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
        """A customer with an order exactly L ago is active; a second more is too long ago."""
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
        """On 10 November only E has ordered, and A's order of a year ago becomes too old."""
        rows = self._november(now="2026-11-10 12:00:00")
        self.assertEqual(self._having(rows, "bought"), {"E"})
        self.assertEqual(self._having(rows, "churned"), {"A"})
        rows = self._november(now="2026-11-09 12:00:00")
        self.assertEqual(self._having(rows, "churned"), set())
        self.assertEqual(self._november(now="2026-10-31 12:00:00"), {}, "not begun")

    def test_no_periods_no_rows(self):
        self.assertFalse(self.env["crm.kpi.customer.period"].search([]))

    def test_plan_needs_no_statistics(self):
        # rows of the same transaction have no statistics: with a wrong estimate of the number of
        # periods, contacts and gaps would be read again for each customer and period
        periods = self._periods("2025-01-01", "2026-12-31", ("month", "quarter"))
        query = self.env["crm.kpi.customer.period"]._kpi_query(periods.ids, datetime(2027, 3, 1))
        [[[plan]]] = self.env.execute_query(SQL("EXPLAIN (FORMAT JSON) %s", query))
        nodes, guesses = [plan["Plan"]], []
        while nodes:
            node = nodes.pop()
            nodes += node.get("Plans", [])
            if node.get("Subplan Name") == "CTE moment":
                guesses.append(node["Plan Rows"])
        self.assertEqual(guesses, [len(periods)])

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
        """The customer's own, else of the last order before, else of the first in the period."""
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

    def test_inactive_company_has_no_rows(self):
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
        """Ids do not depend on the other rows."""
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


class RandomHistoryCase(CustomerPeriodCase):
    """Random orders, credit notes, contacts and referrals of a few customers."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.customers = [cls._customer(f"C{n}") for n in range(7)]
        cls.customers[0].user_id = cls.ann
        cls.contact = cls.env["res.partner"].create(
            {"name": "Contact", "parent_id": cls.customers[1].id}
        )
        cls.shelf = [
            cls._product(f"{categ.name} {price}", categ, price)
            for categ in (cls.chairs, cls.desks)
            for price in (10, 20)
        ]
        cls.account, cls.receivable = cls.env["account.account"].create(
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
                "default_account_id": cls.account.id,
            }
        )

    def _around(self, rnd, edges, inactivity):
        """A random time, often within a second of a boundary."""
        if rnd.random() < 0.5:
            return utc("2024-10-01") + timedelta(seconds=rnd.randrange(600 * 86400))
        days = rnd.choice((0, 0, -inactivity, -365, -730, -90))
        return rnd.choice(edges) + timedelta(days=days, seconds=rnd.choice((-1, 0, 1)))

    def _random_orders(self, rnd, edges, inactivity):
        orders = defaultdict(list)
        for _ in range(rnd.randint(0, 40)):
            # few customers have most of the orders: medians need gaps
            customer = self.customers[min(rnd.randrange(7), rnd.randrange(7))]
            order = self._order(
                self.contact if customer == self.customers[1] and rnd.random() < 0.5 else customer,
                self._around(rnd, edges, inactivity),
                lines=[
                    (rnd.choice(self.shelf), 1, rnd.choice((0, -5, 10, 10, 25, 40)))
                    for _line in range(rnd.choice((1, 1, 2)))
                ],
                user=rnd.choice((None, self.ann, self.bob)),
                state="cancel" if rnd.random() < 0.05 else "sale",
            )
            order.order_line[0].discount = rnd.choice((0, 0, 10))
            if order.state == "sale":
                orders[customer].append(order)
        return orders

    def _random_refunds(self, rnd, orders):
        """(customer, day, amount) of credited lines."""
        refunds = []
        everything = [order for history in orders.values() for order in history]
        for order in rnd.sample(everything, min(len(everything), rnd.randrange(4))):
            day = (order.date_order + timedelta(days=rnd.randrange(60))).date()
            amount = rnd.choice((1, 7))
            move = self.env["account.move"].create(
                {
                    "move_type": "out_refund",
                    "journal_id": self.journal.id,
                    "partner_id": order.partner_id.id,
                    "invoice_date": day,
                    "invoice_line_ids": [
                        Command.create(
                            {
                                "product_id": self.goods.id,
                                "price_unit": amount,
                                "tax_ids": [Command.clear()],
                                "account_id": self.account.id,
                                "sale_line_ids": [Command.set(order.order_line.ids)],
                            }
                        )
                    ],
                }
            )
            if rnd.random() < 0.8:
                move.action_post()
                refunds.append((order.partner_id.commercial_partner_id, day, amount, order))
        return refunds

    def _random_contacts(self, rnd, edges, inactivity):
        """(customer, time) of interactions."""
        lead = self._lead()
        moments = [
            (rnd.choice(self.customers), self._around(rnd, edges, inactivity))
            for _ in range(rnd.randrange(25))
        ]
        for customer, moment in moments:
            message = self.env["mail.message"].create({"body": "x"})
            self.env["crm.kpi.interaction"].create(
                {
                    "res_model": "crm.lead",
                    "res_id": lead.id,
                    "message_id": message.id,
                    "date": moment,
                    "channel": "email",
                    "direction": rnd.choice(("in", "out")),
                    "company_id": rnd.choice((False, self.company.id)),
                    "partner_id": customer.id,
                }
            )
        return moments

    def _random_referrals(self, rnd, edges, inactivity):
        """(customer, time) of referred leads."""
        moments = [
            (rnd.choice(self.customers[:4]), self._around(rnd, edges, inactivity))
            for _ in range(rnd.randrange(6))
        ]
        for customer, moment in moments:
            lead = self._lead(
                kpi_referrer_id=(self.contact if customer == self.customers[1] else customer).id,
                # without a company: that of the salesperson counts
                **rnd.choice(({}, {"company_id": False, "team_id": False})),
            )
            lead.flush_recordset()
            self.env.cr.execute(
                "UPDATE crm_lead SET create_date = %s WHERE id = %s", [moment, lead.id]
            )
        return moments


@tagged("post_install", "-at_install")
class TestCustomerPeriodRandom(RandomHistoryCase):
    """The rows against a loop over customers and periods."""

    NOW = utc("2026-05-20 10:00:00")

    @given(
        seed=st.integers(0, 10**6),
        inactivity=st.sampled_from((1, 30, 60, 365)),
        floor=st.sampled_from((0, 3, 30)),
    )
    @settings(
        max_examples=6,
        deadline=None,
        # each example takes seconds: report the first that fails
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    def test_rows_equal_a_plain_loop(self, seed, inactivity, floor):
        rnd = random.Random(seed)
        with self.env.cr.savepoint() as savepoint, freeze_time(self.NOW):
            self.company.write({"kpi_inactivity_days": inactivity, "kpi_at_risk_days": floor})
            periods = self._periods(
                "2025-11-01", "2026-06-01", ("week", "month", "quarter", "year")
            )
            edges = sorted({p.utc_from for p in periods})
            orders = self._random_orders(rnd, edges, inactivity)
            refunds = self._random_refunds(rnd, orders)
            contacts = self._random_contacts(rnd, edges, inactivity)
            referrals = self._random_referrals(rnd, edges, inactivity)
            self._derive_orders()
            rows = self._rows(periods)
            expected = self._loop(periods, orders, refunds, contacts, referrals, inactivity, floor)
            self.assertEqual({(row.period_id, row.partner_id) for row in rows}, expected.keys())
            self.assertEqual(len(expected), len(rows))
            for row in rows:
                wanted = expected[row.period_id, row.partner_id]
                for name, value in wanted.items():
                    got = row[name]
                    if isinstance(value, float):
                        self.assertAlmostEqual(got, value, 6, msg=(name, row))
                    else:
                        self.assertEqual(got, value, msg=(name, row))
            savepoint.rollback()
        self.env.invalidate_all()

    def _loop(self, periods, orders, refunds, contacts, referrals, inactivity, floor):
        """Expected rows, one customer and period at a time."""
        expected = {}
        window = timedelta(days=inactivity)
        for period in periods:
            start, end = midnight(period.date_from), min(midnight(period.date_to), self.NOW)
            if start >= self.NOW:
                continue
            gaps = sorted(
                gap
                for history in orders.values()
                for gap in self._gaps([o for o in history if o.date_order < end])
            )
            for customer, history in orders.items():
                paid = sorted(history, key=lambda o: (o.date_order, o.id))
                counted = [o for o in paid if o.amount_untaxed > 0 and o.date_order < end]
                if not counted:
                    continue
                row = self._expected(customer, period, start, end, paid, counted, window)
                own = self._gaps(counted)
                if gaps:
                    usual = median(own) if len(own) > 1 else median(gaps)
                    silence = timedelta(days=max(floor, 2 * usual))
                    row["is_at_risk"] = bool(
                        row["active_end"] and counted[-1].date_order + silence < end
                    )
                else:
                    row["is_at_risk"] = False
                row["revenue_at_risk"] = row["revenue_year"] if row["is_at_risk"] else 0.0
                talks = [at for who, at in contacts if who == customer and at < end]
                row["last_interaction_date"] = max(talks, default=False)
                row["interaction_days"] = (end - max(talks)) / timedelta(days=1) if talks else False
                row["referrals"] = sum(
                    1 for who, at in referrals if who == customer and start <= at < end
                )
                credited = [
                    (amount, order)
                    for who, day, amount, order in refunds
                    if who == customer and midnight(day) < end
                ]
                row["ltv"] = float(
                    sum(o.amount_untaxed for o in paid if o.date_order < end)
                    - sum(amount for amount, _order in credited)
                )
                row["ltv_margin"] = row["ltv"]
                expected[period, customer] = row
            self._expect_top(period, start, orders, expected)
        return expected

    def _gaps(self, orders):
        days = sorted(
            {
                o.date_order.replace(tzinfo=UTC).astimezone(BRUSSELS).date()
                for o in orders
                if o.amount_untaxed > 0
            }
        )
        return [(later - day).days for day, later in pairwise(days)]

    def _expected(self, customer, period, start, end, paid, counted, window):
        """Expected values that depend only on the customer's own orders."""

        def amount(since, until, name="amount_untaxed"):
            return float(sum(o[name] for o in paid if since <= o.date_order < until))

        year = relativedelta(years=1)
        back = timedelta(days=364) if period.kind == "week" else year
        last_day = end.replace(tzinfo=UTC).astimezone(BRUSSELS).date()
        year_ago = midnight(last_day - year)
        before = [o for o in counted if o.date_order < start]
        inside = [o for o in counted if o.date_order >= start]
        active_start = any(o.date_order >= start - window for o in before)
        active_end = any(o.date_order >= end - window for o in counted)
        lapsed = bool(before) and not active_start
        credit = before[-1] if before else inside[0]
        returned = inside[0] if lapsed and inside else self.env["sale.order"]
        base = amount(midnight(period.date_from - back), midnight(period.date_to - back))
        revenue = amount(start, end)
        return {
            "active_start": active_start,
            "active_end": active_end,
            "active_year_ago": any(year_ago - window <= o.date_order < year_ago for o in counted),
            "bought": bool(inside),
            "had_before": bool(before),
            "is_new": not before,
            "lapsed": lapsed,
            "won_back": lapsed and bool(inside),
            "churned": active_start and not active_end,
            "is_top": False,
            "cross_sold": any(o.kpi_is_cross_sell for o in inside),
            "upsold": any(o.kpi_is_upsell for o in inside),
            "orders": len(inside),
            "revenue": revenue,
            "revenue_before": amount(midnight(period.date_from - year), start),
            "revenue_base": base,
            "has_base": base > 0,
            "revenue_kept": max(min(base, revenue), 0.0),
            "revenue_year": amount(year_ago, end),
            "margin_year": amount(year_ago, end),
            "list_amount": amount(start, end, "kpi_list_amount"),
            "discount_amount": amount(start, end, "kpi_discount_amount"),
            "tenure_months": (start - before[0].date_order) / timedelta(days=30.4375)
            if before
            else False,
            "user_id": customer.user_id or credit.user_id,
            "own_user_id": customer.user_id,
            "team_id": credit.team_id,
            "return_user_id": returned.user_id,
            "return_team_id": returned.team_id,
            "day_end": (end - timedelta(microseconds=1))
            .replace(tzinfo=UTC)
            .astimezone(BRUSSELS)
            .date(),
            "day_year_ago": last_day - year,
        }

    def _expect_top(self, period, start, orders, expected):
        """The best fifth of the customers active at the start."""
        since = midnight(period.date_from - relativedelta(years=2))
        ranked = sorted(
            (
                -sum(o.amount_untaxed for o in orders[customer] if since <= o.date_order < start),
                customer.id,
                customer,
            )
            for at, customer in expected
            if at == period and expected[at, customer]["active_start"]
        )
        if len(ranked) >= 5:
            for _revenue, _id, customer in ranked[: -(-len(ranked) // 5)]:
                expected[period, customer]["is_top"] = True


@tagged("post_install", "-at_install")
class TestNowEqualsPeriodEnd(RandomHistoryCase):
    """The stored row of a customer equals the row of a period that ends now."""

    @given(
        seed=st.integers(0, 10**6),
        # within a year, and the end of a year in Brussels
        now=st.sampled_from((utc("2026-05-20 10:00:00"), utc("2025-12-31 23:00:00"))),
        inactivity=st.sampled_from((1, 30, 60, 365)),
        floor=st.sampled_from((0, 3, 30)),
        basis=st.sampled_from(("ordered", "ordered", "invoiced")),
        override=st.booleans(),
    )
    @settings(
        max_examples=8,
        deadline=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    def _check_random(self, seed, now, inactivity, floor, basis, override):
        rnd = random.Random(seed)
        with self.env.cr.savepoint() as savepoint, freeze_time(now):
            self.company.write(
                {
                    "kpi_inactivity_days": inactivity,
                    "kpi_at_risk_days": floor,
                    "kpi_revenue_basis": basis,
                    "kpi_margin_rate": rnd.choice((1, 0.4)),
                }
            )
            periods = self._periods("2021-01-01", now + timedelta(days=1), ("year",))
            if override:
                self._override(rnd)
            # including future records
            edges = [now, *(now + timedelta(days=rnd.randrange(-40, 40)) for _edge in range(2))]
            orders = self._random_orders(rnd, edges, inactivity)
            self._random_refunds(rnd, orders)
            self._random_contacts(rnd, edges, inactivity)
            self._random_meetings(rnd, edges, inactivity)
            self._derive_orders()
            self.env["crm.kpi.customer"]._kpi_mark_all_dirty()
            self.env["crm.kpi.customer"]._kpi_derive()
            self.env.invalidate_all()
            self.compared += self._compare(periods, now)
            savepoint.rollback()
        self.env.invalidate_all()

    def test_random_histories(self):
        self.compared = 0
        self._check_random()
        self.assertGreater(self.compared, 10)

    def _around(self, rnd, edges, inactivity):
        moment = super()._around(rnd, edges, inactivity)
        # a record of this very second belongs to now, but not to a period that ends now
        return moment - timedelta(seconds=moment == edges[0])

    def _override(self, rnd):
        """A segment with other settings, for its customers of today and of the past."""
        segment_set = self.env["crm.kpi.segment.set"].create(
            {
                "name": "Patient",
                "segment_ids": [
                    Command.create(
                        {
                            "name": "Patient",
                            "domain": f"[('id', 'in', {rnd.sample(self._ids(), 4)})]",
                            "inactivity_days": rnd.choice((0, 20, 500)),
                            "at_risk_factor": rnd.choice((0, 1, 5)),
                        }
                    )
                ],
            }
        )
        segment_set._update_members()

    def _ids(self):
        return [customer.id for customer in self.customers]

    def _random_meetings(self, rnd, edges, inactivity):
        """Meetings of one hour; some are in progress or in the future."""
        for _ in range(rnd.randrange(6)):
            start = self._around(rnd, edges, inactivity)
            self.env["calendar.event"].create(
                {
                    "name": "Visit",
                    "start": start,
                    "stop": start + timedelta(hours=1),
                    "user_id": self.ann.id,
                    "partner_ids": [Command.set([rnd.choice(self._ids()), self.ann.partner_id.id])],
                }
            )

    def _compare(self, periods, now):
        rows = self._rows(periods)
        last = {
            row.partner_id: row
            for row in rows
            if row.period_id.utc_from < now <= row.period_id.utc_to
        }
        customers = self.env["crm.kpi.customer"].search(
            [("company_id", "=", self.company.id), ("order_count", ">", 0)]
        )
        self.assertEqual(last.keys(), set(customers.partner_id))
        for customer in customers:
            row = last[customer.partner_id]
            of_all_years = rows.filtered(lambda r, p=row.partner_id: r.partner_id == p)
            self.assertEqual(customer.order_count, sum(of_all_years.mapped("orders")))
            first_year = of_all_years.filtered("is_new").period_id
            self.assertTrue(first_year.utc_from <= customer.first_order_date < first_year.utc_to)
            self.assertTrue(
                row.bought == (customer.last_order_date >= row.period_id.utc_from),
            )
            self.assertAlmostEqual(customer.ltv_to_date, row.ltv, 6)
            self.assertAlmostEqual(customer.ltv_margin, row.ltv_margin, 6)
            self.assertAlmostEqual(customer.revenue_12m, row.revenue_year, 6)
            self.assertEqual(customer.last_interaction_date, row.last_interaction_date)
            self.assertEqual(
                (customer.is_churned, customer.is_at_risk),
                (not row.active_end, row.is_at_risk),
                (customer.partner_id.name, customer.churn_date, customer.at_risk_date),
            )
            self.assertEqual(
                customer.status,
                "churned" if not row.active_end else "at_risk" if row.is_at_risk else "active",
            )
            if not row.bought:
                # with orders in the period, it has the salesperson of the last order before it
                self.assertEqual((customer.user_id, customer.team_id), (row.user_id, row.team_id))
        return len(customers)
