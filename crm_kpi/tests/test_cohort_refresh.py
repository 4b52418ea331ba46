# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A refresh of cohorts after changes equals one from nothing, and computes what changed only."""

import random
from datetime import timedelta
from unittest.mock import patch

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from odoo.tests import tagged
from odoo.tools import SQL

from ..refresh import steps
from ..refresh.cohort_rows import CohortRows
from ..refresh.planner import MANY, planned_for
from .common_history import utc
from .test_customer_period import RandomHistoryCase
from .test_planner import nodes

KEY = ("kpi_id", "period_id", "level", "team_id", "user_id", "segment_id")
NOW = utc("2026-05-20 10:00:00")


class CohortRefreshCase(RandomHistoryCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # values of locked periods are restated instead of replaced
        cls.company.kpi_provisional_periods = 1000
        cls.customers[2].user_id = cls.bob
        cls.kpis = cls.env["crm.kpi"].search([("source_id.kind", "=", "cohort")])
        cls.periods = cls.env["crm.kpi.period"]._ensure(
            "2025-07-01", "2026-06-01", ("month", "quarter", "year")
        )

    def _refresh(self):
        self.env.flush_all()
        self.env["crm.kpi"]._refresh(self.periods, self.kpis)
        self.assertFalse(self.kpis.filtered("last_error"))

    def _values(self):
        """Value, number of records and the part ahead, by cell; where a locked value was restated,
        of the restatement.

        Without zeros of no records: they are stored for the teams and salespeople of other facts.
        """
        self.env.cr.execute(
            SQL(
                """SELECT kpi_id, period_id, level, team_id, user_id, segment_id,
                          value, record_count, ahead
                     FROM crm_kpi_value
                    WHERE company_id = %(company)s AND kpi_id = ANY(%(kpis)s)
                    UNION ALL
                   SELECT kpi_id, period_id, level, team_id, user_id, segment_id,
                          value_now, record_count_now, NULL
                     FROM (SELECT * FROM crm_kpi_restatement
                            WHERE company_id = %(company)s AND kpi_id = ANY(%(kpis)s)
                         ORDER BY id) AS restatement""",
                company=self.company.id,
                kpis=self.kpis.ids,
            )
        )
        # later rows replace earlier ones
        values = {row[:6]: row[6:] for row in self.env.cr.fetchall()}
        return {
            cell: tuple(None if one is None else round(one, 6) for one in row)
            for cell, row in values.items()
            if row[1]
        }

    def _forget(self):
        for table in ("crm_kpi_value", "crm_kpi_restatement", "crm_kpi_computation"):
            self.env.cr.execute(
                SQL(
                    "DELETE FROM %s WHERE period_id = ANY(%s)",
                    SQL.identifier(table),
                    self.periods.ids,
                )
            )
        self.env.cr.execute("DELETE FROM crm_kpi_customer_history")
        self.env.invalidate_all()


@tagged("post_install", "-at_install")
class TestCohortRefreshRandom(CohortRefreshCase):
    @given(seed=st.integers(0, 10**6))
    @settings(
        max_examples=5,
        deadline=None,
        # each example takes seconds: report the first that fails
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    def test_refresh_after_changes_equals_rebuild(self, seed):
        rnd = random.Random(seed)
        # several parts of three periods each
        rows = 3 * len(self.customers) if rnd.random() < 0.5 else steps.BLOCK_RECORDS
        # the values of locked periods are restated
        self.company.kpi_provisional_periods = rnd.choice((1, 1000))
        self.periods._update_states()
        with (
            self.env.cr.savepoint() as savepoint,
            patch.object(steps, "BLOCK_RECORDS", rows),
            self.at(NOW),
        ):
            edges = sorted({period.utc_from for period in self.periods})
            orders = self._random_orders(rnd, edges, 365)
            self._random_refunds(rnd, orders)
            self._random_contacts(rnd, edges, 365)
            self._random_referrals(rnd, edges, 365)
            self._derive_orders()
            self._refresh()
            for _round in range(3):
                with self.at(NOW + timedelta(seconds=_round + 1)):
                    self._change(rnd, edges)
                    self._refresh()
            values = self._values()
            self._forget()
            self._refresh()
            rebuilt = self._values()
            locked = self.periods.filtered(lambda one: one.state == "locked").ids
            if locked:
                # another number of records of the same value is no restatement
                values, rebuilt = (
                    {cell: row[:1] if cell[1] in locked else row for cell, row in found.items()}
                    for found in (values, rebuilt)
                )
            different = {
                cell: (values.get(cell), rebuilt.get(cell))
                for cell in values.keys() | rebuilt.keys()
                if values.get(cell) != rebuilt.get(cell)
            }
            self.assertFalse(different, seed)
            savepoint.rollback()
        self.env.invalidate_all()

    def _change(self, rnd, edges):
        orders = self.env["sale.order"].search([("company_id", "=", self.company.id)])
        for order in rnd.sample(list(orders), min(len(orders), rnd.randint(0, 2))):
            match rnd.randrange(6):
                case 0:
                    order._action_cancel()
                case 1:
                    order.date_order = self._around(rnd, edges, 365)
                case 2:
                    order.order_line[0].price_unit = rnd.choice((0, 5, 500))
                case 3:
                    order.partner_id = rnd.choice(self.customers)
                case 4:
                    order._action_cancel()
                    order.unlink()
                case 5:
                    order.user_id = rnd.choice((self.ann, self.bob))
        match rnd.randrange(6):
            case 0:
                self._random_orders(rnd, edges, 365)
            case 1:
                self._random_contacts(rnd, edges, 365)
            case 2:
                self._random_referrals(rnd, edges, 365)
            case 3:
                self.company.kpi_inactivity_days = rnd.choice((60, 200))
            case 4:
                self._random_refunds(
                    rnd, {None: list(orders.exists().filtered(lambda o: o.state == "sale"))}
                )
        self._derive_orders()


@tagged("post_install", "-at_install")
class TestCohortRefresh(CohortRefreshCase):
    def test_only_changed_rows_are_computed(self):
        """An old order of less amount: its customer stays active, and only money changes."""
        customer = self.customers[0]
        for month in ("2025-07", "2025-08", "2025-10", "2026-01", "2026-04"):
            self._order(customer, f"{month}-10", user=self.ann)
        with self.at(NOW):
            self._derive_orders()
            self._refresh()
        order = self.env["sale.order"].search(
            [("partner_id", "=", customer.id)], order="date_order", limit=1
        )
        with self.at(NOW + timedelta(minutes=1)):
            order.order_line.price_unit = 60
            before = self._revisions()
            self._refresh()
        march = self.periods.filtered(
            lambda p: p.kind == "month" and str(p.date_from) == "2026-03-01"
        )
        computed = {
            kpi.code
            for (kpi, period), revision in self._revisions().items()
            if period == march and revision != before[kpi, period]
        }
        # the lifetime value, and sums of the last twelve months
        self.assertIn("clv_total", computed)
        self.assertIn("margin_12_months", computed)
        self.assertTrue(computed.isdisjoint({"active_customers", "customers_bought",
                                             "customers_kept", "customers_won_back"}))  # fmt: skip
        values = self._values()
        self._forget()
        with self.at(NOW + timedelta(minutes=1)):
            self._refresh()
        self.assertEqual(values, self._values())
        with self.at(NOW + timedelta(minutes=2)):
            before = self._revisions()
            self._refresh()
            self.assertEqual(self._revisions(), before)

    def _revisions(self):
        self.env.invalidate_all()
        computations = self.env["crm.kpi.computation"].search(
            [("kpi_id", "in", self.kpis.ids), ("period_id", "in", self.periods.ids)]
        )
        return {(row.kpi_id, row.period_id): row.revision for row in computations}

    def _rows_made(self):
        """Periods of which a refresh reads all rows."""
        made = set()
        add = CohortRows.add

        def noted(rows, period_ids):
            if type(rows) is CohortRows:
                made.update(period_ids)
            add(rows, period_ids)

        with patch.object(CohortRows, "add", noted):
            self._refresh()
        return self.periods.browse(made)

    def _value(self, code, first_day, **cell):
        period = self.periods.filtered(
            lambda p: p.kind == "month" and str(p.date_from) == first_day
        )
        kpi = self.kpis.filtered(lambda one: one.code == code)
        cell = {"level": "company", "team_id": None, "user_id": None, "segment_id": None} | cell
        key = tuple(({"kpi_id": kpi.id, "period_id": period.id} | cell)[name] for name in KEY)
        return self._values().get(key)

    def test_sums_change_by_the_difference(self):
        """Where values of all customers add up, the rows of the others are not read."""
        self.company.kpi_margin_rate = 1.0
        for index, customer in enumerate(self.customers):
            for month in ("2025-07", "2025-10", "2026-01", "2026-04"):
                self._order(customer, f"{month}-10", 100 * (index + 1), user=self.ann)
        with self.at(NOW):
            self._derive_orders()
            self._refresh()
        total = 100 * sum(range(1, len(self.customers) + 1))
        self.assertEqual(self._value("clv_total", "2026-02-01")[0], 3 * total)
        order = self.env["sale.order"].search(
            [("partner_id", "=", self.customers[0].id)], order="date_order", limit=1
        )
        for minute, state in enumerate(("cancel", "sale"), start=1):
            with self.at(NOW + timedelta(minutes=minute)):
                if state == "cancel":
                    order._action_cancel()
                else:
                    order.action_draft()
                    order.date_order = "2025-07-10 10:00:00"
                    order.state = "sale"
                self._derive_orders()
                made = self._rows_made()
            less = 100 if state == "cancel" else 0
            self.assertEqual(
                self._value("clv_total", "2026-02-01"),
                (3 * total - less, len(self.customers), None),
            )
            self.assertEqual(
                self._value("clv_total", "2026-02-01", level="user", user_id=self.bob.id)[0],
                300 * 3,
            )
            # two years later the best customers do not depend on the order either
            self.assertTrue(made < self.periods, made.mapped("name"))
            values = self._values()
            self._forget()
            with self.at(NOW + timedelta(minutes=minute)):
                self._refresh()
            self.assertEqual(values, self._values())

    def test_locked_values_are_restated_by_the_difference(self):
        """A second difference is added to the last restatement, not to the locked value."""
        self.company.kpi_margin_rate = 1.0
        self.company.kpi_provisional_periods = 1
        self.periods._update_states()
        orders = [
            self._order(self.customers[0], f"2025-{month}-10", 100) for month in ("07", "08", "09")
        ]
        self._order(self.customers[3], "2025-07-11", 50)
        with self.at(NOW):
            self._derive_orders()
            self._refresh()
        self.assertEqual(self._value("clv_total", "2025-12-01"), (350, 2, None))
        for minute, (left, count) in enumerate(((250, 2), (150, 2), (50, 1)), start=1):
            with self.at(NOW + timedelta(minutes=minute)):
                orders.pop()._action_cancel()
                self._derive_orders()
                self._refresh()
            self.assertEqual(self._value("clv_total", "2025-12-01"), (left, count, None))
        restatements = self.env["crm.kpi.restatement"].search(
            [
                ("kpi_id.code", "=", "clv_total"),
                ("level", "=", "company"),
                ("period_id.kind", "=", "month"),
                ("period_id.date_from", "=", "2025-12-01"),
            ],
            order="id",
        )
        self.assertEqual(restatements.mapped("value_locked"), [350] * 3)
        self.assertEqual(restatements.mapped("value_now"), [250, 150, 50])
        self.assertEqual(restatements.mapped("record_count_now"), [2, 2, 1])

    def test_rows_that_changed_before_are_read_again(self):
        """A salesperson is not an event: the values are those of before, until an order changes."""
        orders = [self._order(one, "2025-07-10", 100, user=self.ann) for one in self.customers[:2]]
        with self.at(NOW):
            self._derive_orders()
            self._refresh()
        with self.at(NOW + timedelta(minutes=1)):
            self.customers[0].user_id = self.bob
            # the values of running periods change, and the histories are compared
            self._order(self.customers[3], "2026-05-19", 100, user=self.ann)
            self._derive_orders()
            self._refresh()
        with self.at(NOW + timedelta(minutes=2)):
            orders[0]._action_cancel()
            orders[1].order_line.price_unit = 70
            self._derive_orders()
            self._refresh()
            values = self._values()
            self._forget()
            self._refresh()
        self.assertEqual(values, self._values())

    def test_rows_are_made_in_one_pass(self):
        """Without statistics, no part is computed again for each row of another one."""
        model = self.env["crm.kpi.customer.period"]
        self.env.cr.execute(
            """DELETE FROM pg_statistic
                WHERE starelid IN ('sale_order'::regclass, 'res_partner'::regclass)"""
        )
        query = model._kpi_query(self.periods.ids, NOW)
        with planned_for(self.env.cr, MANY):
            [[[plan]]] = self.env.execute_query(SQL("EXPLAIN (FORMAT JSON) %s", query))
        for node in nodes(plan["Plan"]):
            if (
                node["Node Type"] == "Nested Loop"
                and node["Plans"][1]["Node Type"] != "Materialize"
            ):
                inner = {part["Node Type"] for part in nodes(node["Plans"][1])}
                self.assertFalse(inner & {"WindowAgg", "Aggregate", "Seq Scan", "Sort"}, node)

    def test_rows_are_those_of_the_model(self):
        self._order(self.customers[0], "2026-01-10")
        self._derive_orders()
        model = self.env["crm.kpi.customer.period"]
        model._kpi_keep(self.company, NOW)
        rows = CohortRows(model, NOW)
        rows.add(self.periods[:1].ids)
        rows.add(self.periods.ids)
        [[same]] = self.env.execute_query(
            SQL(
                """SELECT count(*) FROM (%s) AS made
                     JOIN (%s) AS row ON row.id = made.id AND row::text = made::text""",
                rows.query(self.periods.ids),
                rows.model._kpi_query(self.periods.ids, NOW),
            )
        )
        self.assertEqual(same, len(self._rows(self.periods)))
        rows.drop()
