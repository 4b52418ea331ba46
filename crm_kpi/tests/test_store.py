# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The storing statement, one CTE at a time: small inputs, results written by hand."""

import doctest
from datetime import date, datetime
from typing import NamedTuple

import psycopg2

from odoo.tests import BaseCase, tagged
from odoo.tools import SQL, mute_logger

from ..engine.cells import NO_CELLS
from ..refresh import cache_key, fingerprints, formulas, store
from ..refresh.cache_key import CacheKey
from ..refresh.planner import MANY, planned_for
from ..refresh.target import Target
from ..refresh.values import Stored, store_cells
from ..sql import COLUMN_TYPES, Cte, unnest, with_ctes
from .common import KpiCommon

NOW = datetime(2026, 12, 15, 10)
#: Types of the columns of the CTEs that the tests make up.
TYPES = {
    "level": "text",
    "value": "float8",
    "ahead": "float8",
    "computed_at": "timestamp",
    "locked": "bool",
    "withheld": "bool",
    "zero_when_empty": "bool",
    "running": "bool",
}


class Example(NamedTuple):
    number: int
    name: str
    share: float
    flag: bool
    day: date
    at: datetime


def given(name, columns, *rows):
    """A CTE of made-up rows; columns without a type in TYPES are integers."""
    columns = columns.split()
    casts = [SQL("%s", SQL(TYPES.get(column, "int4"))) for column in columns]
    names = [SQL.identifier(column) for column in columns]

    def select(row):
        return SQL(
            "SELECT %s",
            SQL(", ").join(
                SQL("%s::%s AS %s", value, cast, column)
                for value, cast, column in zip(row, casts, names, strict=True)
            ),
        )

    if not rows:
        return Cte(name, SQL("%s WHERE FALSE", select([None] * len(columns))))
    return Cte(name, SQL(" UNION ALL ").join(select(row) for row in rows))


class TestCacheKey(BaseCase):
    def test_doctests(self):
        for module in (cache_key, fingerprints):
            result = doctest.testmod(module)
            self.assertGreater(result.attempted, 0)
            self.assertEqual(result.failed, 0)

    def test_what_is_stored_can_be_read(self):
        for key in (CacheKey("3:17/4:0"), CacheKey("0", "crossed:unreliable", "open:2026121510")):
            self.assertEqual(CacheKey.decode(key.encode()), key)
        for unreadable in (None, "", False, "3:17", "3:17|crossed"):
            self.assertIsNone(CacheKey.decode(unreadable))

    def test_until_lock_does_not_count_afterwards(self):
        key = CacheKey("3:17", "crossed", "")
        self.assertTrue(key.same_when_locked(CacheKey("3:17", "crossed", "open")))
        self.assertFalse(key.same_when_locked(CacheKey("3:17", "", "")))
        self.assertFalse(key.same_when_locked(CacheKey("4:17", "crossed", "")))
        self.assertFalse(key.same_when_locked(None))


@tagged("post_install", "-at_install")
class TestSqlRows(KpiCommon):
    def test_fields_name_the_columns(self):
        rows = [
            Example(1, "one", 0.5, True, date(2026, 3, 29), datetime(2026, 3, 29, 1, 30)),
            Example(None, None, None, None, None, None),
        ]
        for count in (0, 1, 2):
            query = SQL(
                "SELECT at, day, flag, share, name, number FROM %s",
                unnest(Example, rows[:count], "e"),
            )
            expected = [tuple(reversed(row)) for row in rows[:count]]
            self.assertEqual(self.env.execute_query(query), expected)

    def test_ctes(self):
        query = with_ctes(
            [Cte("one", SQL("SELECT 1 AS a")), Cte("two", SQL("SELECT a + 1 AS a FROM one"), True)],
            SQL("SELECT * FROM two"),
        )
        self.assertEqual(self.env.execute_query(query), [(2,)])

    def test_every_target_has_a_type(self):
        for row_type in (Target, formulas.Lookup):
            self.assertLessEqual(set(row_type.__annotations__.values()), set(COLUMN_TYPES))


class StoreCase(KpiCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.kpi = cls.make_kpi("one")
        cls.other = cls.make_kpi("two")
        cls.month = cls.period("month", "2026-05-10")
        cls.next_month = cls.period("month", "2026-06-10")
        cls.set_one, cls.set_two = cls.env["crm.kpi.segment.set"].create(
            [{"name": name, "kind": "domain"} for name in ("One", "Two")]
        )
        cls.gold, cls.silver, cls.small = cls.env["crm.kpi.segment"].create(
            [
                {"name": name, "set_id": segment_set.id, "domain": "[]"}
                for name, segment_set in (
                    ("Gold", cls.set_one), ("Silver", cls.set_one), ("Small", cls.set_two),
                )
            ]
        )  # fmt: skip
        cls.env.flush_all()
        # ids of the cells: kpi, period, level, team, user, segment
        cls.ids = (cls.kpi.id, cls.month.id)
        cls.company_cell = (*cls.ids, "company", None, None, None)
        cls.ann_cell = (*cls.ids, "user", None, cls.ann.id, None)
        cls.bob_cell = (*cls.ids, "user", None, cls.bob.id, None)
        cls.gold_cell = (*cls.ids, "segment", None, None, cls.gold.id)
        cls.silver_cell = (*cls.ids, "segment", None, None, cls.silver.id)
        cls.small_cell = (*cls.ids, "segment", None, None, cls.small.id)

    def run_cte(self, cte, *inputs, columns="*"):
        """Rows of a CTE over made-up inputs, sorted."""
        query = with_ctes([*inputs, cte], SQL("SELECT %s FROM %s", SQL(columns), SQL(cte.name)))
        rows = self.env.execute_query(query)
        self.env.invalidate_all()
        return sorted(rows, key=str)

    def assertRows(self, rows, *expected):
        self.assertEqual(sorted(rows, key=str), sorted(expected, key=str))

    def target(self, **values):
        return store.target([self.one_target(**values)])

    def before(self):
        """The CTE of what is stored for the target."""
        return store.before([self.one_target()])

    def one_target(self, **values):
        values = {
            "kpi_id": self.kpi.id,
            "period_id": self.month.id,
            "version": 1,
            "locked": False,
            "zero_when_empty": True,
            "running": False,
            "redefined": False,
            "replaced": False,
            **values,
        }
        return Target(**values)

    def put(self, table, cell, **columns):
        """Insert a row of a cell by SQL."""
        kpi_id, period_id, level, team_id, user_id, segment_id = cell
        columns = {
            "kpi_id": kpi_id,
            "period_id": period_id,
            "level": level,
            "team_id": team_id,
            "user_id": user_id,
            "segment_id": segment_id,
            "company_id": self.company.id,
            **columns,
        }
        self.env.execute_query(
            SQL(
                "INSERT INTO %s (%s) VALUES (%s) RETURNING 1",
                SQL.identifier(table),
                SQL(", ").join(SQL.identifier(name) for name in columns),
                SQL(", ").join(SQL("%s", value) for value in columns.values()),
            )
        )

    def put_value(self, cell, value, record_count=1, version=1):
        self.put("crm_kpi_value", cell, value=value, record_count=record_count, version=version,
                 computed_at=datetime(2026, 1, 1))  # fmt: skip

    def put_restatement(self, cell, value_now, record_count_now=1):
        self.put("crm_kpi_restatement", cell, value_now=value_now, reason="late", date=NOW,
                 record_count_now=record_count_now, record_count_locked=0)  # fmt: skip

    def values(self):
        """Stored values of the test's KPIs: dict of the cell to value, number, version, time."""
        return {
            row[:6]: row[6:]
            for row in self.env.execute_query(
                SQL(
                    """SELECT kpi_id, period_id, level, team_id, user_id, segment_id, value,
                              record_count, version, computed_at FROM crm_kpi_value
                        WHERE kpi_id = ANY(%s)""",
                    (self.kpi | self.other).ids,
                )
            )
        }


@tagged("post_install", "-at_install")
class TestCells(StoreCase):
    """Which cells exist."""

    def test_target(self):
        targets = [
            Target(self.kpi.id, self.month.id, 3, True, True, False, False, True),
            Target(self.other.id, self.month.id, 1, False, False, False, True, False),
        ]
        columns = ", ".join(Target._fields)
        self.assertRows(self.run_cte(store.target(targets), columns=columns), *targets)
        self.assertRows(self.run_cte(store.target([])))

    def test_expected(self):
        """People and teams are expected only in running periods, of KPIs that can be zero."""
        target = given("target", "kpi_id period_id zero_when_empty running", (1, 10, True, True),
                       (2, 10, False, True), (3, 10, True, False))  # fmt: skip
        self.assertRows(
            self.run_cte(store.expected([7, 8], [9]), target),
            (1, 10, "company", None, None),
            (2, 10, "company", None, None),
            (3, 10, "company", None, None),
            (1, 10, "team", 9, None),
            (1, 10, "user", None, 7),
            (1, 10, "user", None, 8),
        )

    def test_found(self):
        """Expected cells without records are empty or zero."""
        target = given(
            "target", "kpi_id period_id version locked zero_when_empty",
            (1, 10, 4, False, True), (2, 10, 1, True, False),
        )  # fmt: skip
        computed = given(
            "computed",
            "kpi_id period_id level team_id user_id segment_id value record_count ahead",
            (1, 10, "company", None, None, None, 0.5, 2, 0.25),
            (1, 10, "segment", None, None, 3, 0.25, 4, 0.25),
            (1, 10, "segment", None, None, 4, 0.75, 5, 0.5),
            (1, 10, "user_segment", None, 7, 3, 1.0, 1, 1.0),
            (3, 10, "company", None, None, None, 9.0, 9, 9.0),
            (2, 10, "team", 5, None, None, float("nan"), 9, float("nan")),
            (2, 10, "team", 6, None, None, float("inf"), 9, 0.0),
            (2, 10, "team", None, None, None, float("-inf"), 9, float("-inf")),
        )
        expected = given(
            "expected", "kpi_id period_id level team_id user_id",
            (1, 10, "company", None, None), (2, 10, "company", None, None), (1, 10, "user", None, 7),
        )  # fmt: skip
        self.assertRows(
            self.run_cte(store.found(), target, computed, expected),
            (1, 10, "company", None, None, None, 0.5, 2, 4, False, 0.25),
            (1, 10, "segment", None, None, 3, 0.25, 4, 4, False, 0.25),
            (1, 10, "segment", None, None, 4, 0.75, 5, 4, False, 0.5),
            (1, 10, "user_segment", None, 7, 3, 1.0, 1, 4, False, 1.0),
            (1, 10, "user", None, 7, None, 0.0, 0, 4, False, None),
            (2, 10, "company", None, None, None, None, 0, 1, True, None),
            (2, 10, "team", 5, None, None, None, 9, 1, True, None),
            (2, 10, "team", 6, None, None, None, 9, 1, True, None),
            (2, 10, "team", None, None, None, None, 9, 1, True, None),
        )

    def test_reported(self):
        for cell in (self.company_cell, self.ann_cell, self.gold_cell, self.silver_cell):
            self.put_value(cell, 5)
        company = (*self.ids, "company", None)
        segments = (*self.ids, "segment", self.set_one.id)
        self.assertRows(
            self.run_cte(store.reported(), self.target(locked=True), self.before()),
            company,
            segments,
        )
        self.assertRows(self.run_cte(store.reported(), self.target(), self.before()))

    def test_reported_without_records(self):
        """A company without records does not say by which segments it would be reported."""
        self.put_value(self.company_cell, 0, record_count=0)
        self.assertRows(self.run_cte(store.reported(), self.target(locked=True), self.before()))

    def test_cell(self):
        """A breakdown that a locked period was not reported by is stored, not restated."""
        found = given(
            "found",
            "kpi_id period_id level team_id user_id segment_id value record_count version locked"
            " ahead",
            *((*cell, 5.0, 5, 1, True, None) for cell in (self.company_cell, self.gold_cell, self.small_cell)),
        )  # fmt: skip

        def locked_cells(*reported):
            rows = self.run_cte(
                store.cell(locked=True),
                found,
                given("reported", "kpi_id period_id level set_id", *reported),
                columns="kpi_id, period_id, level, team_id, user_id, segment_id, set_id, locked",
            )
            return {row[:6]: row[6:] for row in rows}

        company, by_one = (*self.ids, "company", None), (*self.ids, "segment", self.set_one.id)
        self.assertEqual(
            locked_cells(company, by_one),
            {
                self.company_cell: (None, True),
                self.gold_cell: (self.set_one.id, True),
                self.small_cell: (self.set_two.id, False),
            },
        )
        # nothing was reported: what comes later is a restatement at all levels
        self.assertEqual({locked for _set, locked in locked_cells().values()}, {True})

    def test_still_reported(self):
        columns = "kpi_id period_id level segment_id set_id record_count locked"
        cell = given(
            "cell", columns,
            (1, 10, "company", None, None, 3, True), (1, 10, "user", None, None, 3, True),
            (1, 10, "segment", 5, 50, 0, True), (1, 10, "segment", 6, 50, 2, True),
            (2, 10, "company", None, None, 0, True), (3, 10, "company", None, None, 3, False),
        )  # fmt: skip
        self.assertRows(
            self.run_cte(store.still_reported(), cell),
            (1, 10, "company", None),
            (1, 10, "segment", 50),
        )

    def test_nothing_is_locked(self):
        """Without locked targets, what was reported does not matter."""
        found = given("found", "kpi_id segment_id locked", (1, 3, False))
        self.assertRows(self.run_cte(store.cell(locked=False), found), (1, 3, False, None))

    def test_pair(self):
        """Stored, computed and restated cells of the target: each of these once."""
        unassigned = (*self.ids, "user", None, None, None)
        self.put_value(self.company_cell, 5, record_count=2, version=3)
        self.put_value(unassigned, 7)
        self.put_value((self.other.id, *self.company_cell[1:]), 9)
        for cell, value in ((self.company_cell, 6), (self.ann_cell, 1), (self.ann_cell, 2)):
            self.put_restatement(cell, value)
        computed = given(
            "cell",
            "kpi_id period_id level team_id user_id segment_id value record_count version set_id"
            " locked ahead",
            (*self.company_cell, 8.0, 4, 3, None, True, None),
            (*unassigned, 7.0, 1, 3, None, True, None),
            (*self.bob_cell, 1.0, 1, 3, None, False, None),
        )
        locked = self.one_target(locked=True)
        columns = (
            "kpi_id, period_id, level, team_id, user_id, segment_id, value_before, value,"
            " value_restated, is_computed, is_locked"
        )
        self.assertRows(
            self.run_cte(
                store.pair(locked=True), store.target([locked]), self.before(), computed,
                store.newest([locked]), columns=columns,
            ),
            (*self.company_cell, 5, 8, 6, True, True),
            (*self.ann_cell, None, None, 2, False, True),
            (*unassigned, 7, 7, None, True, True),
            (*self.bob_cell, None, 1, None, True, False),
        )  # fmt: skip
        self.assertRows(
            self.run_cte(
                store.pair(locked=False), self.target(), self.before(), computed, columns=columns
            ),
            (*self.company_cell, 5, 8, None, True, True),
            (*unassigned, 7, 7, None, True, True),
            (*self.bob_cell, None, 1, None, True, False),
        )


BEFORE = "kpi_id period_id level team_id user_id segment_id value record_count version ahead"


@tagged("post_install", "-at_install")
class TestChanges(StoreCase):
    """Which rows of the tables change."""

    CELL = (
        "kpi_id period_id level team_id user_id segment_id value record_count version set_id locked"
        " ahead"
    )

    def cell(self, *rows):
        """The CTE ``cell``; of each row the ids, value, number of records, and version."""
        of_segment = {segment.id: segment.set_id.id for segment in self.gold | self.small}
        return given(
            "cell",
            self.CELL,
            *(
                (*ids, *numbers, of_segment.get(ids[5]), self.locked, self.ahead)
                for ids, *numbers in rows
            ),
        )

    locked = False
    ahead = None

    def change(self, cte, cell, **target):
        """Rows of a CTE that changes the tables, from the stored cells and the CTE ``cell``."""
        target = self.one_target(**target)
        inputs = [store.target([target]), self.before(), cell]
        if target.locked:
            inputs.append(store.newest([target]))
        return self.run_cte(cte, *inputs, store.pair(target.locked))

    def test_deleted(self):
        """Cells that are not computed any more; others, and those of other targets, stay."""
        elsewhere = (self.other.id, self.month.id, "company", None, None, None)
        later = (self.kpi.id, self.next_month.id, "company", None, None, None)
        for ids in (
            self.company_cell,
            self.ann_cell,
            self.bob_cell,
            self.gold_cell,
            elsewhere,
            later,
        ):
            self.put_value(ids, 5)  # fmt: skip
        cell = self.cell((self.company_cell, 1.0, 1, 1), (self.bob_cell, None, 0, 1))
        self.assertEqual(self.change(store.deleted(), cell, locked=True), [])
        left = {self.company_cell, self.bob_cell, elsewhere, later}
        for target in ({}, {"locked": True, "replaced": True}):
            with self.env.cr.savepoint() as savepoint:
                self.assertEqual(len(self.change(store.deleted(), cell, **target)), 2)
                self.assertEqual(set(self.values()), left)
                savepoint.rollback()

    def test_stored(self):
        """New cells are inserted, cells that differ updated; rounding is not a difference."""
        unassigned = (*self.ids, "user", None, None, None)
        for ids, value in (
            (self.company_cell, 5), (self.ann_cell, 1e6), (self.bob_cell, None), (unassigned, 2),
        ):  # fmt: skip
            self.put_value(ids, value)
        before = datetime(2026, 1, 1)
        cell = self.cell(
            (self.company_cell, 6.0, 1, 1),
            (self.ann_cell, 1e6 + 1e-5, 1, 1),
            (self.bob_cell, None, 1, 2),
            (unassigned, 2.0, 1, 1),
            (self.gold_cell, None, 3, 1),
        )
        self.env.cr.execute("SELECT nextval('crm_kpi_value_id_seq')")
        [[last_id]] = self.env.cr.fetchall()
        changes = self.change(store.stored(self.company.id, NOW), cell)
        self.assertEqual(len(changes), 3)
        self.env.cr.execute("SELECT nextval('crm_kpi_value_id_seq')")
        [[next_id]] = self.env.cr.fetchall()
        self.assertLessEqual(next_id, last_id + 4, "cells that stay the same use no ids")
        self.assertEqual(
            self.values(),
            {
                self.company_cell: (6, 1, 1, NOW),
                self.ann_cell: (1e6, 1, 1, before),
                self.bob_cell: (None, 1, 2, NOW),
                unassigned: (2, 1, 1, before),
                self.gold_cell: (None, 3, 1, NOW),
            },
        )
        [row] = self.cells(self.kpi, self.month, "segment")
        self.assertEqual(row.company_id, self.company)
        self.assertEqual((row.category_id, row.kpi_sequence), (self.category, self.kpi.sequence))

    def test_a_change_of_what_lies_ahead_is_stored(self):
        """Time has passed: the value is the same, its part in the future is not."""
        self.put_value(self.company_cell, 6.0)
        stored = store.stored(self.company.id, NOW)
        for ahead, changes in ((4.0, 1), (4.0, 0), (None, 1), (None, 0)):
            self.ahead = ahead
            cell = self.cell((self.company_cell, 6.0, 1, 1))
            self.assertEqual(len(self.change(stored, cell)), changes)
            [row] = self.cells(self.kpi, self.month, "company")
            self.assertEqual((row.value, row.ahead), (6, ahead or False))

    def test_locked_cells_are_not_stored(self):
        self.locked = True
        cell = self.cell((self.company_cell, 6.0, 1, 1))
        stored = store.stored(self.company.id, NOW)
        self.assertEqual(self.change(stored, cell, locked=True), [])
        self.assertFalse(self.values())
        self.change(stored, cell, locked=True, replaced=True)
        self.assertEqual(self.values(), {self.company_cell: (6, 1, 1, NOW)})

    # --- restatements ---

    def restate(
        self, known, cells, still_reported=(), redefined=False, computed_at=datetime(2026, 1, 1)
    ):
        """New restatements: dict of the cell to values locked and now, numbers, reason."""
        self.locked = True
        target = self.one_target(locked=True, redefined=redefined)
        inputs = [
            store.target([target]),
            given("before", f"id {BEFORE} computed_at withheld",
                  *((number, *ids, *numbers[:2], 1, None, computed_at, False)
                    for number, (ids, *numbers) in enumerate(known, start=1))),
            self.cell(*cells),
            given("still_reported", "kpi_id period_id level set_id", *still_reported),
            store.newest([target]),
            store.pair(locked=True),
            store.corrected(self.company.id),
        ]  # fmt: skip
        lines = self.env["crm.kpi.restatement"].search([("kpi_id", "=", self.kpi.id)])
        self.run_cte(store.restated(self.company.id, NOW), *inputs)
        new = self.env["crm.kpi.restatement"].search([("kpi_id", "=", self.kpi.id)]) - lines
        self.assertTrue(all(line.company_id == self.company and line.date == NOW for line in new))
        return {
            (
                line.kpi_id.id, line.period_id.id, line.level, line.team_id.id or None,
                line.user_id.id or None, line.segment_id.id or None,
            ): (line.value_locked, line.value_now, line.record_count_locked,
                line.record_count_now, line.reason)
            for line in new
        }  # fmt: skip

    def test_reasons(self):
        cases = [
            ((1, 3, 1), (2, 4, 1), "late"),
            ((2, 4, 1), (1, 3, 1), "removed"),
            ((2, 4, 1), (1, 4, 1), "amount"),
            ((2, 4, 1), (1, 4, 2), "definition"),
            ((2, 4, 1), (None, 0, 2), "definition"),
            ((None, 0, 1), (3, 4, 2), "definition"),
            ((None, 0, 1), (1, 1, 1), "late"),
            ((1, 1, 1), (None, 1, 1), "amount"),
        ]
        for known, now, reason in cases:
            with self.subTest(reason, known=known, now=now), self.env.cr.savepoint() as savepoint:
                lines = self.restate(
                    [(self.company_cell, *known)],
                    [(self.company_cell, *now)],
                    redefined=known[2] != now[2],
                )
                false_if_none = [False if value is None else value for value in (known[0], now[0])]
                expected = (*false_if_none, known[1], now[1], reason)
                self.assertEqual(lines, {self.company_cell: expected})
                savepoint.rollback()

    def test_no_difference(self):
        """Equal values, rounding, a zero in place of no cell: no restatements."""
        lines = self.restate(
            [(self.company_cell, 1e6, 3, 1), (self.ann_cell, 0.0, 0, 1), (self.gold_cell, 7.0, 2, 1)],
            [(self.company_cell, 1e6 + 1e-5, 4, 2), (self.bob_cell, 0.0, 0, 1),
             (self.gold_cell, 7.0, 3, 1)],
            [(*self.ids, "segment", self.set_one.id)],
        )  # fmt: skip
        self.assertEqual(lines, {})

    def test_a_cell_appears_and_disappears(self):
        lines = self.restate([(self.ann_cell, 2.0, 2, 1)], [(self.bob_cell, 3.0, 1, 1)])
        self.assertEqual(
            lines,
            {
                self.ann_cell: (2, False, 2, 0, "removed"),
                self.bob_cell: (False, 3, 0, 1, "late"),
            },
        )

    def test_each_difference_once(self):
        """A restatement is compared with the last one, not with the locked value."""
        known = [(self.company_cell, 5.0, 5, 1)]
        for value, count, expected in ((6.0, 6, 1), (6.0, 6, 0), (5.0, 5, 1), (5.0, 5, 0)):
            lines = self.restate(known, [(self.company_cell, value, count, 1)])
            self.assertEqual(len(lines), expected, value)

    def test_reason_since_the_last_restatement(self):
        """A record that is removed after records came late is removed, not late."""
        known = [(self.company_cell, 5.0, 5, 1)]
        for count, reason in ((8, "late"), (7, "removed"), (5, "removed"), (6, "late")):
            lines = self.restate(known, [(self.company_cell, float(count), count, 1)])
            self.assertEqual([line[-1] for line in lines.values()], [reason], count)

    def test_restatements_of_an_earlier_lock(self):
        """A value that was stored again after a restatement is compared itself."""
        self.put_restatement(self.company_cell, 6.0, 6)
        known, now = [(self.company_cell, 5.0, 5, 1)], [(self.company_cell, 6.0, 6, 1)]
        self.assertEqual(self.restate(known, now), {})
        lines = self.restate(known, now, computed_at=datetime(2027, 1, 1))
        self.assertEqual([line[1] for line in lines.values()], [6])

    def test_a_new_breakdown_is_no_restatement(self):
        """Also where an older restatement exists of a segment that is stored now."""
        self.put_restatement(self.gold_cell, 5.0, 5)
        cells = self.cell((self.gold_cell, 7.0, 7, 1))
        restated = store.restated(self.company.id, NOW)
        inputs = [given("still_reported", "kpi_id period_id level set_id"),
                  store.corrected(self.company.id)]  # fmt: skip
        target = self.one_target(locked=True)
        self.assertEqual(
            self.run_cte(
                restated, store.target([target]), self.before(), cells, store.newest([target]),
                store.pair(locked=True), *inputs,
            ),
            [],
        )  # fmt: skip

    def test_a_breakdown_that_is_not_computed_any_more(self):
        """Segments of a set that is not computed any more are not missing records."""
        known = [(self.company_cell, 5.0, 5, 1), (self.gold_cell, 5.0, 5, 1)]
        same = [(self.company_cell, 5.0, 5, 1)]
        company = (*self.ids, "company", None)
        segments = (*self.ids, "segment", self.set_one.id)
        self.assertEqual(self.restate(known, same, [company]), {})
        # segments of a computed set, or when the company has no records left, are missing
        self.assertEqual(set(self.restate(known, same, [company, segments])), {self.gold_cell})
        none = [(self.company_cell, 0.0, 0, 1)]
        self.put_restatement(self.gold_cell, 5.0, 5)
        self.assertEqual(set(self.restate(known, none)), {self.company_cell, self.gold_cell})


@tagged("post_install", "-at_install")
class TestPlan(StoreCase):
    """How PostgreSQL runs the statement: not by comparing each cell with each other one."""

    #: CTEs over all stored and computed cells of the targets
    LARGE = (
        "before",
        "reported",
        "still_reported",
        "newest",
        "pair",
        "deleted",
        "restated",
        "stored",
    )

    def test_no_nested_loops(self):
        """Even when PostgreSQL knows nothing about the tables, as in a first refresh."""
        targets = [self.one_target(locked=True), self.one_target(period_id=self.next_month.id)]
        statement = store.store_statement(NO_CELLS, targets, self.company.id, NOW)
        cr = self.env.cr
        with planned_for(cr, MANY):
            cr.execute(SQL("EXPLAIN %s", statement))
            lines = [line for (line,) in cr.fetchall()]
        part, seen = "", set()
        for line in lines:
            if line.startswith("  CTE "):
                part = line.split()[1]
                seen.add(part)
            if part in self.LARGE:
                self.assertNotIn("Nested Loop", line, part)
        self.assertLessEqual({"pair", "restated", "stored"}, seen)

    def test_the_first_cells_are_inserted_without_a_comparison(self):
        """The statement of a first refresh stores the same cells, and only those of its targets."""
        cells = SQL(
            """SELECT t.*, NULL::float8 AS ahead
                 FROM (VALUES (%s, %s, 'company', NULL::int4, NULL::int4, NULL::int4, 3::float8, 2),
                              (%s, %s, 'user', NULL, %s, NULL, NULL, 1),
                              (%s, %s, 'segment', NULL, NULL, %s, 'Infinity', 1),
                              (%s, %s, 'company', NULL, NULL, NULL, 7, 1))
                   AS t(kpi_id, period_id, level, team_id, user_id, segment_id, value, record_count)""",
            *self.ids, *self.ids, self.ann.id, *self.ids, self.gold.id,
            self.other.id, self.month.id,
        )  # fmt: skip
        targets = [
            self.one_target(version=4, zero_when_empty=True),
            self.one_target(period_id=self.next_month.id, zero_when_empty=True, running=True),
        ]
        people = ((self.bob.id,), ())
        first = store.store_statement(
            cells, targets, self.company.id, NOW, active_people=people, is_first=True
        )
        for part in ("FULL JOIN", "ON CONFLICT", "DELETE"):
            self.assertNotIn(part, first.code)
        with self.env.cr.savepoint() as savepoint:
            self.assertEqual(self.env.execute_query(first), [(0, 0, 5, None, None)])
            stored = self.values()
            savepoint.rollback()
        next_month = (self.kpi.id, self.next_month.id)
        self.assertEqual(
            stored,
            {
                self.company_cell: (3, 2, 4, NOW),
                self.ann_cell: (None, 1, 4, NOW),
                self.gold_cell: (None, 1, 4, NOW),
                (*next_month, "company", None, None, None): (0, 0, 1, NOW),
                (*next_month, "user", None, self.bob.id, None): (0, 0, 1, NOW),
            },
        )
        store_args = (self.env, targets, cells, self.company.id, NOW)
        both = {self.ids, next_month}
        self.assertEqual(
            store_cells(*store_args, active_people=people), Stored(5, both, both, set())
        )
        self.assertEqual(self.values(), stored)
        self.assertEqual(store_cells(*store_args, active_people=people), Stored())

    def test_the_first_cells_were_stored_meanwhile(self):
        """The usual statement runs where a cell exists that the insert does not expect."""
        row = SQL(
            """SELECT %s AS kpi_id, %s AS period_id, 'company' AS level, NULL::int4 AS team_id,
                      NULL::int4 AS user_id, NULL::int4 AS segment_id, 1::float8 AS value,
                      1 AS record_count, NULL::float8 AS ahead""",
            *self.ids,
        )
        twice = SQL("%s UNION ALL %s", row, row)
        with (
            mute_logger("odoo.sql_db"),
            self.assertRaises(psycopg2.errors.CardinalityViolation),
            self.env.cr.savepoint(),
        ):
            store_cells(self.env, [self.one_target()], twice, self.company.id, NOW)

    def test_nothing_locked_is_a_shorter_statement(self):
        statement = store.store_statement(NO_CELLS, [self.one_target()], self.company.id, NOW)
        self.assertNotIn("crm_kpi_restatement", statement.code)
        self.assertEqual(self.env.execute_query(statement), [(0, 0, 1, None, [[*self.ids, 1]])])

    def test_where_cells_changed(self):
        """Of each target, whether a cell changed, and whether a stored one did."""
        other, later = (self.other.id, self.month.id), (self.kpi.id, self.next_month.id)
        for ids in (self.ids, other, later):
            self.put_value((*ids, "company", None, None, None), 5)
        self.put_value((*later, "user", None, self.ann.id, None), 5)
        cells = SQL(
            """SELECT t.*, NULL::float8 AS ahead
                 FROM (VALUES (%s, %s, 'company', NULL::int4, NULL::int4, NULL::int4, 6::float8, 1),
                              (%s, %s, 'company', NULL, NULL, NULL, 5, 1),
                              (%s, %s, 'company', NULL, NULL, NULL, 5, 1))
                   AS t(kpi_id, period_id, level, team_id, user_id, segment_id, value, record_count)""",
            *self.ids, *other, *later,
        )  # fmt: skip
        targets = [
            self.one_target(locked=True),
            self.one_target(kpi_id=self.other.id),
            self.one_target(period_id=self.next_month.id),
        ]
        stored = store_cells(self.env, targets, cells, self.company.id, NOW)
        self.assertEqual(stored, Stored(2, {self.ids, later}, {later}, set()))

    def test_a_restatement_is_withheld_as_its_value(self):
        for withheld in (False, True):
            with self.subTest(withheld=withheld), self.env.cr.savepoint() as savepoint:
                self.put("crm_kpi_value", self.gold_cell, value=5, record_count=5, version=1,
                         computed_at=datetime(2026, 1, 1), withheld=withheld)  # fmt: skip
                store_cells(
                    self.env, [self.one_target(locked=True)], NO_CELLS, self.company.id, NOW
                )
                line = self.env["crm.kpi.restatement"].search([("kpi_id", "=", self.kpi.id)])
                self.assertEqual((line.segment_id, line.withheld), (self.gold, withheld))
                savepoint.rollback()


@tagged("post_install", "-at_install")
class TestFormulaCells(StoreCase):
    def test_looked_up(self):
        """Values and targets of the KPI and period that are asked for."""
        self.put_value(self.company_cell, 5, record_count=2)
        goal = {
            "kpi_id": self.other.id, "period_id": self.next_month.id, "scope": "user",
            "user_id": self.ann.id, "target": 8,
        }  # fmt: skip
        self.env["crm.kpi.goal"].create(goal)
        self.env.flush_all()
        lookups = [
            formulas.Lookup(90, 1, "value", self.kpi.id, self.month.id),
            formulas.Lookup(90, 2, "target", self.other.id, self.next_month.id),
            formulas.Lookup(90, 3, "value", self.other.id, self.next_month.id),
        ]
        self.put_restatement(self.company_cell, 7, 3)
        lookups.append(formulas.Lookup(91, 1, "restated", self.kpi.id, self.month.id))
        self.assertRows(
            self.run_cte(
                formulas.looked_up(lookups), formulas.lookup(lookups), formulas.restated(lookups)
            ),
            (91, 1, "company", None, None, None, 7, 3, None),
            (90, 1, "company", None, None, None, 5, 2, None),
            (90, 2, "user", None, self.ann.id, None, 8, 0, None),
        )
        self.assertRows(
            self.run_cte(formulas.looked_up([]), formulas.lookup([]), formulas.restated([]))
        )

    def test_nothing_is_added_within_segments(self):
        self.put_value(self.company_cell, 5, record_count=2)
        self.put_value(self.gold_cell, 3, record_count=1)
        for summed, levels in ((False, {"company", "segment"}), (True, {"company"})):
            lookups = [formulas.Lookup(90, 1, "value", self.kpi.id, self.month.id, summed=summed)]
            rows = self.run_cte(
                formulas.looked_up(lookups),
                formulas.lookup(lookups),
                formulas.restated(lookups),
                columns="level",
            )
            self.assertEqual({level for (level,) in rows}, levels)

    def test_constants(self):
        constants = {
            90: {"days": 31.0, "months": 1.0, "annual_discount_rate": 0.1, "margin_rate": 0.35},
            91: {"days": 28.0, "months": 1.0, "annual_discount_rate": 0.1, "margin_rate": 0.35},
        }
        lookup = formulas.lookup(
            [
                formulas.Lookup(90, 2, "value", 1, 1),
                formulas.Lookup(90, 3, "value", 2, 1, crossed=True),
            ]
        )
        rows = self.run_cte(
            formulas.constants_of_periods(constants, [90]),
            lookup,
            columns="period_id, crossed, days, margin_rate, known",
        )
        self.assertRows(
            rows,
            (90, False, 31, 0.35, [2, 3]),
            (90, True, 31, 0.35, [3]),
            (91, False, 28, 0.35, []),
        )

    def test_gathered(self):
        looked_up = given(
            "looked_up",
            "period_id slot level team_id user_id segment_id value record_count ahead",
            (90, 1, "company", None, None, None, 5.0, 2, 3.0),
            (90, 2, "company", None, None, None, 7.0, 3, None),
            (90, 2, "user", None, 4, None, 1.0, 1, 1.0),
        )
        self.assertRows(
            self.run_cte(formulas.gathered([False, False]), looked_up),
            (90, "company", None, None, None, [5, 7], [2, 3], [3, None]),
            (90, "user", None, 4, None, [None, 1], [None, 1], [None, 1]),
        )

    def test_gathered_sums(self):
        """The numbers of several periods are added, those of other slots are not."""
        looked_up = given(
            "looked_up",
            "period_id slot level team_id user_id segment_id value record_count ahead",
            (90, 1, "company", None, None, None, 5.0, 2, None),
            (90, 2, "company", None, None, None, 7.0, 3, None),
            (90, 2, "company", None, None, None, 4.0, 1, None),
        )
        self.assertRows(
            self.run_cte(formulas.gathered([False, True]), looked_up),
            (90, "company", None, None, None, [5, 11], [2, 4], [None, None]),
        )
