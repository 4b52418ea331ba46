# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Teams and users that are deleted or archived."""

from psycopg2 import IntegrityError

from odoo import Command
from odoo.exceptions import UserError
from odoo.tests import freeze_time, tagged
from odoo.tools import mute_logger

from .common import KpiCommon

NOW = "2026-12-15 10:00:00"


class PeopleCase(KpiCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.count = cls.make_kpi("leads")
        cls.amount = cls.make_kpi(
            "amount", aggregator="sum", value_field="expected_revenue", unit="money"
        )
        cls.mean = cls.make_kpi(
            "mean", aggregator="avg", value_field="expected_revenue", unit="money"
        )
        cls.share = cls.make_kpi(
            "share", kind="formula", formula="test_amount / test_leads", unit="money"
        )
        cls.all = cls.count | cls.amount | cls.mean | cls.share

    def _rows(self, kpi, period, level):
        """Values by name of the owner; rows of the value 0 without records do not matter."""
        rows = self.cells(kpi, period, level).filtered(lambda c: c.record_count or c.value)
        return {row[f"{level}_id"].name or "Unassigned": row.value for row in rows}


@tagged("post_install", "-at_install")
class TestDeletedOwners(PeopleCase):
    def _leads(self, *owners):
        """Leads of 100, 200, … in May (locked), and the same in December (running)."""
        for day in "2026-05-10 12:00:00", "2026-12-10 12:00:00":
            for number, owner in enumerate(owners, 1):
                team = owner.sale_team_id
                self.make_lead(
                    day, user_id=owner.id, team_id=team.id, expected_revenue=100 * number
                )
        self.kpis._refresh(kpis=self.all)
        return self.period("month", "2026-05-10"), self.period("month", "2026-12-10")

    @freeze_time(NOW)
    def test_rows_add_up_after_a_team_is_deleted(self):
        """North 100 and 200, South 300, Unassigned 400: without North, Unassigned has 700."""
        months = self._leads(self.ann, self.bob, self.cid, self.env["res.users"])
        self.assertEqual(months[0].state, "locked")
        before = {"North": 300, "South": 300, "Unassigned": 400}
        after = {"South": 300, "Unassigned": 700}
        for month in months:
            self.assertEqual(self._rows(self.amount, month, "team"), before)
        self.north.unlink()
        for when in "at once", "after the refresh":
            for month in months:
                with self.subTest(when=when, month=month.display_name):
                    self.assertEqual(self._rows(self.amount, month, "team"), after)
                    self.assertEqual(
                        self._rows(self.count, month, "team"), {"South": 1, "Unassigned": 3}
                    )
                    self.assertEqual(self.value(self.amount, month), 1000)
            self.kpis._refresh(kpis=self.all)
        restated = self.env["crm.kpi.restatement"].search([("kpi_id", "in", self.count.ids)])
        self.assertFalse(restated, "the rows are those of today")
        self.assertEqual(self._rows(self.mean, months[1], "team")["Unassigned"], 700 / 3)
        self.assertEqual(self._rows(self.share, months[1], "team")["Unassigned"], 700 / 3)

    @freeze_time(NOW)
    def test_the_only_value_becomes_that_of_unassigned(self):
        """Averages and formulas cannot be added up, but they can be moved."""
        may, _december = self._leads(self.ann, self.bob, self.cid)
        self.north.unlink()
        self.kpis._refresh(kpis=self.all)
        for kpi, north in (self.amount, 300), (self.count, 2), (self.mean, 150), (self.share, 150):
            with self.subTest(kpi=kpi.code):
                self.assertEqual(self._rows(kpi, may, "team")["Unassigned"], north)
                self.assertNotIn("North", self._rows(kpi, may, "team"))
        self.assertFalse(self.env["crm.kpi.restatement"].search([("period_id", "=", may.id)]))

    @freeze_time(NOW)
    def test_what_is_dated_ahead_moves_along(self):
        """50 and 70 of North, and 5 and 9 without a team, are dated after today."""
        for owner, amounts in ((self.ann, (50, 70)), (self.env["res.users"], (5, 9))):
            for amount in amounts:
                self.make_lead(
                    "2026-12-20 12:00:00",
                    user_id=owner.id,
                    team_id=owner.sale_team_id.id,
                    expected_revenue=amount,
                )
        months = self._leads(self.ann, self.bob, self.cid, self.env["res.users"])
        for deleted in False, True:
            rows = self.cells(self.amount, months[1], "team")
            ahead = {row.team_id.name or "Unassigned": row.ahead for row in rows}
            if deleted:
                self.assertEqual(ahead, {"South": False, "Unassigned": 134})
            else:
                self.assertEqual(ahead, {"North": 120, "South": False, "Unassigned": 14})
                self.north.unlink()
                self.env.invalidate_all()

    @freeze_time(NOW)
    def test_two_teams_at_once_and_both_of_them(self):
        may, december = self._leads(self.ann, self.bob, self.cid)
        (self.north | self.south).unlink()
        self.kpis._refresh(kpis=self.all)
        for month in may, december:
            self.assertEqual(self._rows(self.amount, month, "team"), {"Unassigned": 600})
        self.assertEqual(self.value(self.mean, december, "team"), 200)

    @freeze_time(NOW)
    def test_rows_add_up_after_a_user_is_deleted(self):
        months = self._leads(self.ann, self.bob, self.cid, self.env["res.users"])
        self.ann.unlink()
        for _when in "at once", "after the refresh":
            for month in months:
                self.assertEqual(
                    self._rows(self.amount, month, "user"),
                    {"Bob": 200, "Cid": 300, "Unassigned": 500},
                )
            self.kpis._refresh(kpis=self.all)

    @freeze_time(NOW)
    def test_goals_are_not_deleted_with_their_owner(self):
        month = self.period("month", "2026-12-10")
        goals = self.env["crm.kpi.goal"]
        segment = (
            self.env["crm.kpi.segment.set"]
            .create(
                {
                    "name": "Sizes",
                    "kind": "domain",
                    "segment_ids": [Command.create({"name": "Large", "domain": "[]"})],
                }
            )
            .segment_ids[:1]
        )
        for scope, owner in ("team", self.north), ("user", self.cid), ("segment", segment):
            values = {
                "kpi_id": self.count.id,
                "period_id": month.id,
                "scope": scope,
                f"{scope}_id": owner.id,
                "target": 5,
            }
            open_goal = goals.create(values)
            archived = goals.create({**values, "kpi_id": self.amount.id, "active": False})
            with self.subTest(scope=scope):
                for owners in owner, owner.set_id if scope == "segment" else owner:
                    with self.assertRaisesRegex(UserError, "KPI goals: 2.*[Aa]rchive"):
                        owners.unlink()
                open_goal.unlink()
                with self.assertRaisesRegex(UserError, "KPI goals: 1"):
                    owner.unlink()
                # nor by SQL, nor by a deletion that cascades
                with (
                    self.assertRaises(IntegrityError),
                    mute_logger("odoo.sql_db"),
                    self.env.cr.savepoint(),
                ):
                    self.env.cr.execute(f"DELETE FROM {owner._table} WHERE id = %s", [owner.id])
                archived.unlink()
        self.north.unlink()
        self.cid.unlink()
        self.assertFalse((self.north | self.south).exists() & self.north)


@tagged("post_install", "-at_install")
class TestArchivedOwners(PeopleCase):
    def _zeros(self, level):
        december = self.period("month", "2026-12-10")
        self.kpis._refresh(kpis=self.all)
        return set(self.cells(self.count, december, level)[f"{level}_id"].mapped("name"))

    @freeze_time(NOW)
    def test_zeros_of_active_people_only(self):
        """Archived by an import (write), by SQL and by the form: none has a row of zero."""
        self.make_lead("2026-12-10 12:00:00")
        self.ann.write({"active": False})
        self.env.flush_all()
        self.env.cr.execute("UPDATE res_users SET active = FALSE WHERE id = %s", [self.cid.id])
        self.env.invalidate_all()
        self.assertEqual(self._zeros("user"), {"Bob"})
        self.assertEqual(self._zeros("team"), {"North"})

    @freeze_time(NOW)
    def test_archived_by_the_form(self):
        self.make_lead("2026-12-10 12:00:00")
        self.ann.action_archive()
        self.assertEqual(self._zeros("user"), {"Bob", "Cid"})

    @freeze_time(NOW)
    def test_archived_team(self):
        self.make_lead("2026-12-10 12:00:00")
        self.north.write({"active": False})
        self.assertEqual(self._zeros("team"), {"South"})
        self.assertEqual(self._zeros("user"), {"Cid"})

    @freeze_time(NOW)
    def test_records_of_archived_people_keep_their_rows(self):
        self.make_lead("2026-12-10 12:00:00", user_id=self.ann.id, team_id=self.north.id)
        self.ann.write({"active": False})
        self.north.write({"active": False})
        december = self.period("month", "2026-12-10")
        self.kpis._refresh(kpis=self.all)
        self.assertEqual(self.value(self.count, december, "user", user_id=self.ann), 1)
        self.assertEqual(self.value(self.count, december, "team", team_id=self.north), 1)

    @freeze_time(NOW)
    def test_archived_users_get_no_new_goals(self):
        self.ann.write({"active": False})
        wizard = self.env["crm.kpi.goal.set"].create(
            {
                "kpi_id": self.count.id,
                "scope": "user",
                "member_team_ids": [Command.set(self.north.ids)],
            }
        )
        self.assertEqual([user for _team, user, _segment in wizard._owners()], self.bob.ids)
