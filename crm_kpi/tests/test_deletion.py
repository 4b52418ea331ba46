# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Values have no foreign keys: what happens to them when other records are deleted."""

import psycopg2

from odoo import sql_db
from odoo.tests import new_test_user, tagged
from odoo.tools import SQL, sql

from ..fields import UncheckedMany2one
from ..hooks import uninstall_hook
from ..refresh.claim import limited_wait
from ..refresh.values import delete_orphans, keep
from .test_store import NOW, StoreCase

TABLES = ("crm_kpi_value", "crm_kpi_restatement")


@tagged("post_install", "-at_install")
class TestDeletion(StoreCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.team_cell = (*cls.ids, "team", cls.north.id, None, None)
        cls.other_cell = (cls.other.id, cls.next_month.id, "company", None, None, None)
        cls.all_cells = {
            cls.company_cell, cls.team_cell, cls.ann_cell, cls.gold_cell, cls.small_cell,
            cls.other_cell,
        }  # fmt: skip

    def setUp(self):
        super().setUp()
        for cell in self.all_cells:
            self.put_value(cell, 1)
            self.put_restatement(cell, 2)

    def left(self):
        """The cells of which values are left; those of restatements are the same."""
        self.env.flush_all()
        found = [
            set(
                self.env.execute_query(
                    SQL(
                        """SELECT kpi_id, period_id, level, team_id, user_id, segment_id
                             FROM %s WHERE kpi_id = ANY(%s)""",
                        SQL.identifier(table),
                        (self.kpi | self.other).ids,
                    )
                )
            )
            for table in TABLES
        ]
        self.assertEqual(*found)
        return found[0]

    def test_rows_follow_a_deletion(self):
        """By Odoo, or by a cascade of the database."""
        cells = self.all_cells
        cases = [
            (self.next_month, cells - {self.other_cell}),
            (self.other, cells - {self.other_cell}),
            (self.kpi, {self.other_cell}),
            (self.gold, cells - {self.gold_cell}),
            (self.set_one, cells - {self.gold_cell}),
        ]
        for record, left in cases:
            with self.subTest(record), self.env.cr.savepoint() as savepoint:
                self.next_month.state = "provisional"
                record.unlink()
                self.assertEqual(self.left(), left)
                savepoint.rollback()

    def test_rows_follow_a_deletion_by_sql(self):
        cells = self.all_cells
        cases = [
            (self.set_two, cells - {self.small_cell}),
            (self.north, cells - {self.team_cell}),
            (self.month, {self.other_cell}),
        ]
        for record, left in cases:
            with self.subTest(record), self.env.cr.savepoint() as savepoint:
                self.env.cr.execute(
                    SQL("DELETE FROM %s WHERE id = %s", SQL.identifier(record._table), record.id)
                )
                self.assertEqual(self.left(), left)
                savepoint.rollback()

    def test_values_stay_without_their_goal(self):
        goal = self.env["crm.kpi.goal"].create(
            {"kpi_id": self.kpi.id, "period_id": self.month.id, "scope": "company", "target": 8}
        )
        [value] = self.cells(self.kpi, self.month, "company")
        self.env.cr.execute(
            SQL("UPDATE crm_kpi_value SET goal_id = %s WHERE id = %s", goal.id, value.id)
        )
        value.invalidate_recordset()
        self.assertEqual(value.goal_id, goal)
        goal.unlink()
        value.invalidate_recordset()
        self.assertFalse(value.goal_id)
        self.assertEqual(value.value, 1)

    def test_members_follow_a_deletion(self):
        """By Odoo, by a cascade of the database, and those that a refresh wrote meanwhile."""
        members = self.env["crm.kpi.segment.member"]
        customers = self.env["res.partner"].create([{"name": "One"}, {"name": "Two"}])
        gone = 2**31 - 1
        one, two = customers.ids
        rows = {(self.set_one.id, self.gold.id, one), (self.set_two.id, self.small.id, two)}

        def put(*row):
            self.env.cr.execute(
                SQL(
                    """INSERT INTO crm_kpi_segment_member
                              (set_id, segment_id, partner_id, slot, date_recorded)
                       VALUES (%s, %s, %s, 0, '2026-01-01')""",
                    *row,
                )
            )

        def left():
            self.env.flush_all()
            found = self.env.execute_query(
                SQL(
                    """SELECT set_id, segment_id, partner_id FROM crm_kpi_segment_member
                        WHERE partner_id = ANY(%s) OR set_id = ANY(%s)""",
                    customers.ids,
                    (self.set_one | self.set_two).ids,
                )
            )
            return set(found)

        for row in rows:
            put(*row)
        for table, record_id, deleted in (
            ("res_partner", one, one),
            ("crm_kpi_segment", self.gold.id, one),
            ("crm_kpi_segment_set", self.set_two.id, two),
        ):
            with self.subTest(table), self.env.cr.savepoint() as savepoint:
                self.env.cr.execute(
                    SQL("DELETE FROM %s WHERE id = %s", SQL.identifier(table), record_id)
                )
                self.assertEqual(left(), {row for row in rows if row[2] != deleted})
                savepoint.rollback()
        with self.env.cr.savepoint() as savepoint:
            customers[0].unlink()
            self.assertEqual(left(), {row for row in rows if row[2] != one})
            savepoint.rollback()
        put(self.set_one.id, self.gold.id, gone)
        put(gone, self.gold.id, two)
        self.assertEqual(members._gc_orphans(), (2, 0))
        self.assertEqual(left(), rows)

    def test_interactions_stay_without_their_users(self):
        user = new_test_user(self.env, "author", "sales_team.group_sale_salesman")
        lead = self.env["crm.lead"].create({"name": "Lead", "user_id": False})
        message = lead.message_post(body="Hello")
        self.env.flush_all()
        columns = ("user_id", "reply_user_id", "turn_user_id", "team_id")

        def write(*values):
            self.env.cr.execute(
                SQL(
                    """INSERT INTO crm_kpi_interaction
                              (res_model, res_id, message_id, date, channel, direction, %s)
                       VALUES ('crm.lead', %s, %s, %s, 'email', 'in', %s, %s, %s, %s)
                           ON CONFLICT (message_id) DO UPDATE SET (%s) = ROW (%s, %s, %s, %s)""",
                    SQL(", ").join(map(SQL.identifier, columns)), lead.id, message.id, NOW, *values,
                    SQL(", ").join(map(SQL.identifier, columns)), *values,
                )
            )  # fmt: skip

        def left():
            self.env.flush_all()
            [row] = self.env.execute_query(
                SQL(
                    "SELECT %s FROM crm_kpi_interaction WHERE message_id = %s",
                    SQL(", ").join(map(SQL.identifier, columns)),
                    message.id,
                )
            )
            return row

        north = self.north.id
        write(user.id, user.id, user.id, north)
        user.unlink()
        self.assertEqual(left(), (None, None, None, north))
        self.env.cr.execute(SQL("DELETE FROM crm_team WHERE id = %s", north))
        self.assertEqual(left(), (None,) * 4)
        gone = 2**31 - 1
        write(gone, self.ann.id, gone, gone)
        self.assertEqual(self.env["crm.kpi.interaction"]._gc_orphans(), (1, 0))
        self.assertEqual(left(), (None, self.ann.id, None, None))

    def test_foreign_keys_of_an_earlier_version_are_dropped(self):
        cr = self.env.cr
        for name in ("crm.kpi.value", "crm.kpi.restatement", "crm.kpi.segment.member"):
            cr.execute(
                SQL(
                    "SELECT 1 FROM pg_constraint WHERE conrelid = %s::regclass AND contype = 'f'",
                    self.env[name]._table,
                )
            )
            self.assertFalse(cr.rowcount, name)
        key = ("crm_kpi_value", "team_id", "crm_team", "id", "cascade")
        sql.add_foreign_key(cr, *key)
        self.assertTrue(sql.get_foreign_keys(cr, *key))
        model = self.env["crm.kpi.value"]
        model._fields["team_id"].update_db_foreign_key(model, None)
        self.assertFalse(sql.get_foreign_keys(cr, *key))

    def test_removal_of_the_addon(self):
        """The tables of other addons keep nothing of this one."""
        followers = SQL("SELECT 1 FROM pg_trigger WHERE tgname LIKE 'crm_kpi%%_follow'")
        number = sum(
            isinstance(field, UncheckedMany2one)
            for model in self.env.registry.values()
            for field in model._fields.values()
            if model._auto and not model._abstract
        )
        self.assertEqual(len(self.env.execute_query(followers)), number)
        uninstall_hook(self.env)
        self.assertFalse(self.env.execute_query(followers))

    # --- AT THE SAME TIME AS A REFRESH ---

    def test_orphans_are_deleted(self):
        """Rows that a refresh wrote while their record was deleted."""
        gone = 2**31 - 1
        for cell in (
            (*self.ids, "team", gone, None, None),
            (*self.ids, "user_segment", None, self.ann.id, gone),
            (gone, self.month.id, "company", None, None, None),
        ):
            self.put_value(cell, 1)
        self.put_restatement((*self.ids, "user", None, gone, None), 1)
        self.env.cr.execute(
            SQL("UPDATE crm_kpi_value SET goal_id = %s WHERE kpi_id = %s", gone, self.other.id)
        )
        self.assertEqual(self.env["crm.kpi.value"]._gc_orphans(), (5, 0))
        self.assertFalse(self.cells(self.other, self.next_month, "company").goal_id)
        self.assertEqual(self.left(), self.all_cells)
        self.assertEqual(delete_orphans(self.env, self.env["crm.kpi.value"]), 0)

    def test_deletion_during_a_refresh(self):
        """The second transaction waits: no value of a deleted KPI is written."""
        other = sql_db.db_connect(self.env.cr.dbname).cursor()
        self.addCleanup(other.close)
        other.execute("SELECT max(id) FROM crm_kpi")
        [[kpi_id]] = other.fetchall()
        delete = SQL("DELETE FROM crm_kpi WHERE id = %s", kpi_id)
        target = self.one_target(kpi_id=kpi_id)
        other.execute("SET LOCAL lock_timeout = '200ms'")
        with self.env.cr.savepoint() as savepoint:
            keep(self.env, [target])
            with self.assertRaises(psycopg2.errors.LockNotAvailable):
                other.execute(delete, log_exceptions=False)
            savepoint.rollback()
        other.rollback()
        other.execute(delete)
        with self.assertRaises(psycopg2.errors.LockNotAvailable), limited_wait(self.env.cr, 0.2):
            keep(self.env, [target])
