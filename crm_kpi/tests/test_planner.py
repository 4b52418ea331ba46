# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Plans of a refresh on a database without statistics."""

from odoo.tests import tagged
from odoo.tools import SQL

from ..engine.cells import cells
from ..refresh import formulas, planner
from ..refresh.by_segment import facts_by_segment, segment_sets
from ..refresh.fact_plan import FactPlan
from ..refresh.scope import CrossedLevels
from ..refresh.withheld import SETTINGS, Decision, Table
from ..sql import Cte, with_ctes
from .common import KpiCommon


def nodes(plan):
    """All nodes of a plan that PostgreSQL explains as JSON, the outermost first."""
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes(child)


def reads(plan, table):
    """Whether a part of a plan reads all rows of a table."""
    return any(
        node["Node Type"] == "Seq Scan" and node["Relation Name"] == table for node in nodes(plan)
    )


@tagged("post_install", "-at_install")
class TestPlanner(KpiCommon):
    def _settings(self):
        self.env.cr.execute(
            SQL(
                "SELECT %s",
                SQL(", ").join(SQL("current_setting(%s)", name) for name in planner.FOR_MANY),
            )
        )
        return self.env.cr.fetchone()

    def test_settings_last_as_long_as_the_statement(self):
        before = self._settings()
        with planner.planned_for(self.env.cr, planner.MANY - 1):
            self.assertEqual(self._settings(), before)
        with planner.planned_for(self.env.cr, planner.MANY):
            self.assertEqual(self._settings(), tuple(planner.FOR_MANY.values()))
        self.assertEqual(self._settings(), before)
        with (
            self.assertRaises(ZeroDivisionError),
            self.env.cr.savepoint(),
            planner.planned_for(self.env.cr, planner.MANY),
        ):
            raise ZeroDivisionError
        self.assertEqual(self._settings(), before)

    def test_members_are_not_compared_one_by_one(self):
        """Without statistics, PostgreSQL expects one order: it must not read all members of
        segments for each."""
        source = self.env["crm.kpi.source"].sudo().search([("code", "=", "order")])
        periods = self.period("month", "2026-10-10") | self.period("quarter", "2026-10-10")
        kpis = self.env["crm.kpi"].search([("source_id", "=", source.id)])
        plan = FactPlan(
            source,
            self.company,
            periods,
            self.env.cr.now(),
            in_pieces=True,
            crossed=CrossedLevels(frozenset(kpis.ids), frozenset(periods[:1].ids)),
        )
        for kpi in kpis:
            plan.add(kpi)
        plan = plan.plan()
        by_segment = facts_by_segment(plan, segment_sets(self.company), self.company.id)
        statement = with_ctes(
            [Cte("facts", plan.facts(), materialized=True)], cells(plan, by_segment)
        )
        self.env.cr.execute("DELETE FROM pg_statistic WHERE starelid = 'sale_order'::regclass")
        with planner.planned_for(self.env.cr, planner.MANY):
            self.env.cr.execute(SQL("EXPLAIN (FORMAT JSON) %s", statement))
            [[[explained]]] = self.env.cr.fetchall()
        loops = [
            node
            for node in nodes(explained["Plan"])
            if node["Node Type"] == "Nested Loop"
            and reads(node["Plans"][1], "crm_kpi_segment_member")
        ]
        self.assertFalse(loops)
        self.assertTrue(reads(explained["Plan"], "crm_kpi_segment_member"))

    def test_values_are_not_compared_one_by_one(self):
        """What is withheld is decided without statistics of the values: a new table has none."""
        periods = self.period("month", "2026-10-10") | self.period("month", "2026-09-10")
        kpis = self.env["crm.kpi"].search([])
        computed = [Table(kpi.id, period.id) for kpi in kpis for period in periods]
        decision = Decision(self.company, computed)
        self.env.cr.execute("DELETE FROM pg_statistic WHERE starelid = 'crm_kpi_value'::regclass")
        with planner.planned_for(self.env.cr, planner.MANY, **SETTINGS):
            for statement in (decision.cells_to_compare(), decision.withheld_values([])):
                self.env.cr.execute(SQL("EXPLAIN (FORMAT JSON) %s", statement))
                [[[explained]]] = self.env.cr.fetchall()
                types = {node["Node Type"] for node in nodes(explained["Plan"])}
                self.assertIn("Hash Join", types)
                self.assertFalse(types & {"Nested Loop", "Merge Join"})

    def test_formulas_read_stored_values_by_an_index(self):
        """A formula must not read the values of all KPIs to find those of its components."""
        lookups = [
            formulas.Lookup(period_id, 1, what, kpi_id, period_id)
            for period_id, what, kpi_id in ((1, "value", 1), (2, "restated", 1))
        ]
        statement = with_ctes(
            [
                formulas.lookup(lookups),
                formulas.restated(lookups),
                formulas.looked_up(lookups),
            ],
            SQL("SELECT * FROM looked_up"),
        )
        self.env.cr.execute("SET LOCAL enable_seqscan = off")  # the table is small here
        with planner.planned_for(self.env.cr, planner.MANY):
            self.env.cr.execute(SQL("EXPLAIN (FORMAT JSON) %s", statement))
            [[[explained]]] = self.env.cr.fetchall()
        conditions = [
            node.get("Index Cond", "")
            for node in nodes(explained["Plan"])
            if node.get("Index Name", "").startswith("crm_kpi_value")
            or (node.get("Relation Name") == "crm_kpi_value" and node["Node Type"] == "Seq Scan")
        ]
        self.assertTrue(conditions)
        for condition in conditions:
            self.assertIn("kpi_id = ANY", condition)
            self.assertIn("period_id = ANY", condition)

    def test_grown_tables_are_analyzed(self):
        self.env.cr.execute("CREATE TABLE kpi_grown AS SELECT g FROM generate_series(1, 50000) g")
        planner.update_statistics(self.env.cr, "kpi_grown")
        analyzed = "SELECT reltuples FROM pg_class WHERE relname = 'kpi_grown'"
        self.env.cr.execute(analyzed)
        self.assertEqual(self.env.cr.fetchone(), (50000,))
        # not again, before it has doubled
        self.env.cr.execute("INSERT INTO kpi_grown SELECT g FROM generate_series(1, 10000) g")
        planner.update_statistics(self.env.cr)
        self.env.cr.execute(analyzed)
        self.assertEqual(self.env.cr.fetchone(), (50000,))
