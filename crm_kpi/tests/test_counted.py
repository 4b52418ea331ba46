# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A refresh of events after changes equals one from nothing, and computes cells of owners only."""

import random
from datetime import timedelta
from unittest.mock import patch

from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from odoo.tests import tagged
from odoo.tools import SQL

from ..engine.cells import Owners, cells
from ..engine.formula import parse
from ..refresh import counted
from ..refresh.by_segment import facts_by_segment, segment_sets
from ..refresh.fact_plan import FactPlan
from ..refresh.fingerprints import fingerprints
from ..refresh.scope import crossed_levels
from ..sql import Cte, with_ctes
from .test_cohort_refresh import NOW, CohortRefreshCase


class CountedCase(CohortRefreshCase):
    """KPIs of orders and their formulas; the records of all sources are kept."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.startClassPatcher(patch.object(counted, "MANY", 0))
        cls.startClassPatcher(patch.object(counted, "MANY_KPIS", 1))
        industries = cls.env["res.partner.industry"].create([{"name": "Ore"}, {"name": "Tin"}])
        for index, customer in enumerate(cls.customers):
            customer.industry_id = [*industries, industries.browse()][index % 3]
        order = cls.env.ref("crm_kpi.crm_kpi_source_order")
        cls.month_source = order
        year = order.copy(
            {"name": "Orders of a year", "code": "test_order_year", "trailing_months": 12}
        )
        common = {
            "source_id": year.id,
            "state": "published",
            "category_id": order.kpi_ids[:1].category_id.id,
        }
        cls.env["crm.kpi"].create(
            [
                {**common, "name": "Orders", "code": "test_year_orders", "aggregator": "count",
                 "cross_levels": True},
                {**common, "name": "Usual order", "code": "test_year_median",
                 "aggregator": "median", "value_field": "kpi_amount", "unit": "money"},
                {**common, "name": "Buyers", "code": "test_year_buyers",
                 "aggregator": "count_distinct", "value_field": "@customer"},
                {**common, "name": "Orders of Ore", "code": "test_year_ore", "aggregator": "count",
                 "domain": "[('partner_id.industry_id.name', '=', 'Ore')]"},
                {"name": "Orders per buyer", "code": "test_per_buyer", "kind": "formula",
                 "formula": "test_year_orders / test_year_buyers", "unit": "ratio",
                 "state": "published", "category_id": common["category_id"]},
                {"name": "Share of Ore", "code": "test_share", "kind": "formula",
                 "formula": "test_year_ore / test_year_orders", "unit": "percent",
                 "state": "published", "category_id": common["category_id"]},
            ]
        )  # fmt: skip
        quotation = cls.env.ref("crm_kpi.crm_kpi_source_quotation_sent")
        events = cls.env["crm.kpi"].search([("source_id", "in", (order | year | quotation).ids)])
        events.filtered(lambda kpi: kpi.code == "median_order_value").cross_levels = True
        formulas = cls.env["crm.kpi"].search([("kind", "=", "formula")])
        cls.kpis = events | formulas.filtered(
            lambda kpi: (
                all(part in events for part in kpi._with_components() - formulas)
                and not any(part.shift for part in parse(kpi.formula).components)
            )
        )

    def _forget(self):
        self.env.cr.execute("DELETE FROM crm_kpi_counted_record")
        return super()._forget()

    def _withheld(self):
        """The cells whose value is withheld."""
        return set(
            self.env.execute_query(
                SQL(
                    """SELECT kpi_id, period_id, level, team_id, user_id, segment_id
                         FROM crm_kpi_value
                        WHERE company_id = %s AND kpi_id = ANY(%s) AND withheld
                          AND record_count > 0""",
                    self.company.id,
                    self.kpis.ids,
                )
            )
        )


#: Which owners a cell of a level has.
LEVELS = {
    "company": "", "team": "team", "user": "user", "segment": "segment",
    "team_segment": "team segment", "user_segment": "user segment",
}  # fmt: skip


def is_of(key, owners):
    """Whether a cell is one of the company or of some owners."""
    _kpi_id, _period_id, level, *ids = key
    return all(
        (id_ or 0) in chosen
        for name, id_, chosen in zip(("team", "user", "segment"), ids, owners, strict=True)
        if name in LEVELS[level].split()
    )


@tagged("post_install", "-at_install")
class TestCountedRandom(CountedCase):
    @given(seed=st.integers(0, 10**6))
    @example(seed=1362)
    @example(seed=424279)
    @settings(
        max_examples=9,
        deadline=None,
        # each example takes seconds: report the first that fails
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )
    def test_refresh_after_changes_equals_rebuild(self, seed):
        rnd = random.Random(seed)
        self.company.kpi_provisional_periods = rnd.choice((1, 1000))
        self.company.kpi_min_cell = rnd.choice((0, 3))
        self.periods._update_states()
        with (
            self.env.cr.savepoint() as savepoint,
            patch.object(counted, "FEW", rnd.choice((0, 3, 200))),
            self.at(NOW),
        ):
            edges = sorted({period.utc_from for period in self.periods})
            self._random_orders(rnd, edges, 365)
            self._derive_orders()
            self._refresh()
            for minute in range(1, 4):
                with self.at(NOW + timedelta(minutes=minute)):
                    self._change(rnd, edges)
                    self._refresh()
            values, withheld = self._values(), self._withheld()
            self._forget()
            self.company.kpi_withheld_at = False
            with self.at(NOW + timedelta(minutes=5)):
                self._refresh()
            rebuilt = self._values()
            locked = self.periods.filtered(lambda one: one.state == "locked").ids
            if locked:
                # another number of records of the same value is no restatement, nor is a cell
                # without a value that is stored or not; segments may be reported later
                values, rebuilt = (
                    {
                        cell: row[:1] if cell[1] in locked else row
                        for cell, row in found.items()
                        if cell[1] not in locked or (row[0] is not None and cell[5] is None)
                    }
                    for found in (values, rebuilt)
                )
            different = {
                cell: (values.get(cell), rebuilt.get(cell))
                for cell in values.keys() | rebuilt.keys()
                if values.get(cell) != rebuilt.get(cell)
            }
            self.assertFalse(different, seed)
            if not locked:
                self.assertEqual(withheld, self._withheld(), seed)
            savepoint.rollback()
        self.env.invalidate_all()

    def _change(self, rnd, edges):
        orders = self.env["sale.order"].search([("company_id", "=", self.company.id)])
        for order in rnd.sample(list(orders), min(len(orders), rnd.randint(1, 3))):
            match rnd.randrange(7):
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
                case 6:
                    order.team_id = rnd.choice((self.north, self.south))
        if rnd.random() < 0.2:
            self._random_orders(rnd, edges, 365)
        self._derive_orders()


@tagged("post_install", "-at_install")
class TestCounted(CountedCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.month = cls.periods.filtered(
            lambda p: p.kind == "month" and str(p.date_from) == "2025-09-01"
        )

    def setUp(self):
        super().setUp()
        customer = self.customers[0]
        self.of_ann = [
            self._order(customer, f"2025-09-{day}", amount, user=self.ann)
            for day, amount in ((10, 100), (11, 300))
        ]
        self.of_bob = self._order(self.customers[1], "2025-09-12", 50, user=self.bob)
        self.refresh_at(0)

    def refresh_at(self, minute):
        with self.at(NOW + timedelta(minutes=minute)):
            self._derive_orders()
            self._refresh()

    def cell(self, code, level="company", user=None):
        """The stored value of a cell in September 2025."""
        return self.env["crm.kpi.value"].search(
            [
                ("kpi_id.code", "=", code),
                ("period_id", "=", self.month.id),
                ("level", "=", level),
                ("user_id", "=", user.id if user else False),
                ("segment_id", "=", False),
            ]
        )

    def spoil(self):
        """Store another value for Bob, which stays until it is computed again."""
        value = self.cell("median_order_value", "user", self.bob)
        self.assertEqual(value.value, 50)
        self.env.flush_all()
        self.env.cr.execute("UPDATE crm_kpi_value SET value = 77 WHERE id = %s", [value.id])
        self.env.invalidate_all()

    def of_bob_now(self):
        return self.cell("median_order_value", "user", self.bob).value

    def test_kept_records_have_the_fingerprint_of_the_values(self):
        """Also in a year of several pieces of time, and of write dates with many digits."""
        for day in range(1, 12):
            self._order(self.customers[0], f"2025-10-{day:02}", user=self.ann)
            self.env.flush_all()
        self.env.cr.execute(
            "UPDATE sale_order SET write_date = write_date + id * interval '1.000007 second'"
            " WHERE company_id = %s",
            [self.company.id],
        )
        self.refresh_at(1)
        kept = counted.CountedRecords(self.month_source, self.company, NOW)
        closed = self.periods.filtered(lambda period: period.utc_to <= NOW)
        facts = FactPlan(self.month_source, self.company, closed, NOW).facts
        found = fingerprints(self.month_source, self.company, self.periods, NOW)
        found = {id_: text for id_, text in found.items() if id_ in closed.ids}
        self.assertEqual(kept._fingerprints(facts, closed), found)
        self.assertIn("14", {text.partition(":")[0] for text in found.values()})

    def test_cells_of_the_owners_are_computed(self):
        self.assertEqual(self.cell("median_order_value").value, 100)
        self.spoil()
        with self.at(NOW + timedelta(minutes=1)):
            self.of_ann[0]._action_cancel()
        self.refresh_at(1)
        self.assertEqual(self.cell("median_order_value").value, 175)
        self.assertEqual(self.cell("median_order_value", "user", self.ann).value, 300)
        self.assertEqual(self.cell("orders_count").value, 2)
        self.assertEqual(self.of_bob_now(), 77, "not computed")
        self.assertEqual(self.cell("test_year_orders", "user", self.bob).value, 1)

    def test_cells_of_owners(self):
        """They are those among all cells, in pieces of time and in periods."""
        segments = self.env["crm.kpi.segment"].search([])
        kpis = self.kpis.filtered(lambda kpi: kpi.source_id == self.month_source)
        crossed = crossed_levels(self.company, NOW)
        self.assertTrue(set(kpis.ids) & crossed.kpi_ids)
        for in_pieces in (False, True):
            builder = FactPlan(
                self.month_source, self.company, self.periods, NOW, in_pieces=in_pieces,
                crossed=crossed,
            )  # fmt: skip
            for kpi in kpis:
                builder.add(kpi)
            plan = builder.plan()
            by_segment = facts_by_segment(plan, segment_sets(self.company), self.company.id)

            def computed(owners, plan=plan, by_segment=by_segment):
                rows = self.env.execute_query(
                    with_ctes(
                        [Cte("facts", plan.facts(), materialized=True)],
                        cells(plan, by_segment, owners),
                    )
                )
                return {row[:6]: row[6:] for row in rows}

            all_cells = computed(None)
            self.assertEqual({key[2] for key in all_cells}, set(LEVELS))
            used = sorted({key[5] for key in all_cells} - {None})
            for owners in (
                Owners([], [], []),
                Owners([self.north.id], [0], used[:1]),
                Owners([0, self.south.id], [self.ann.id, self.bob.id], used[1:3]),
                Owners([0, self.north.id, self.south.id], [0, self.ann.id, self.bob.id],
                       segments.ids),
            ):  # fmt: skip
                self.assertEqual(
                    computed(owners),
                    {key: row for key, row in all_cells.items() if is_of(key, owners)},
                )

    def test_both_owners_of_a_moved_record(self):
        with self.at(NOW + timedelta(minutes=1)):
            self.of_bob.user_id = self.ann
            self.of_bob.kpi_confirm_user_id = self.ann
        self.refresh_at(1)
        self.assertFalse(self.cell("orders_count", "user", self.bob).record_count)
        self.assertEqual(self.cell("median_order_value", "user", self.ann).value, 100)

    def test_all_cells_are_computed(self):
        """Where other records can have another value, or another owner, than before."""
        ore = self.customers[0].industry_id
        cases = {
            "many records": lambda: patch.object(counted, "FEW", 0),
            "few in all": lambda: patch.object(counted, "MANY", 1000),
            "few KPIs": lambda: patch.object(counted, "MANY_KPIS", 100),
            "young records": lambda: patch.object(
                counted.CountedRecords, "_is_mature", lambda *_args: False
            ),
        }
        for minute, (name, context) in enumerate(cases.items(), start=1):
            with self.subTest(name), context():
                self.spoil()
                with self.at(NOW + timedelta(minutes=minute)):
                    self.of_ann[0].order_line.price_unit += 1
                self.refresh_at(minute)
                self.assertEqual(self.of_bob_now(), 50)
        with self.subTest("segments"):
            # what was not compared with the kept records is computed once more
            self.spoil()
            with self.at(NOW + timedelta(minutes=5)):
                self.customers[1].industry_id = ore
                self.of_ann[0].order_line.price_unit += 1
            self.refresh_at(5)
            self.assertEqual(self.of_bob_now(), 50)

    def test_another_refresh_has_seen_the_change(self):
        """A KPI that was left out is not based on the records that are kept."""
        median = self.kpis.filtered(lambda kpi: kpi.code == "median_order_value")
        self.spoil()
        with self.at(NOW + timedelta(minutes=1)):
            self.of_ann[0]._action_cancel()
            self._derive_orders()
            self.env["crm.kpi"]._refresh(self.periods, self.kpis - median)
        self.refresh_at(2)
        self.assertEqual(self.of_bob_now(), 50)
        self.assertEqual(self.cell("median_order_value").value, 175)

    def test_what_follows_a_value_that_stays(self):
        """Records that were written, but count as before: no formula is computed."""
        times = self._computed_at()
        with self.at(NOW + timedelta(minutes=1)):
            self.of_ann[0].client_order_ref = "Another"
        self.refresh_at(1)
        self.assertEqual(
            {code for code, time in self._computed_at().items() if time != times[code]}
            & {"test_year_orders", "test_per_buyer", "average_order_value"},
            {"test_year_orders"},
        )
        with self.at(NOW + timedelta(minutes=2)):
            self.of_ann[0]._action_cancel()
        self.refresh_at(2)
        later = self._computed_at()
        self.assertNotEqual(later["test_per_buyer"], times["test_per_buyer"])

    def _computed_at(self):
        rows = self.env["crm.kpi.computation"].search([("period_id", "=", self.month.id)])
        return {row.kpi_id.code: row.computed_at for row in rows}
