# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""*Choose my KPIs*: balanced, readable, and said why."""

from odoo.exceptions import UserError
from odoo.tests import freeze_time, tagged

from ..wizard.crm_kpi_choose import LEAST, MOST, NOT_FOR_STAFF, OBJECTIVES, ROLES
from .common import KpiCommon

NOW = "2026-12-15 10:00:00"


@tagged("post_install", "-at_install")
class TestChoose(KpiCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.admin = cls.make_user("Ada", "sales_team.group_sale_manager", "crm_kpi.group_kpi_admin")

    def propose(self, user, objective="convert", role="rep"):
        return (
            self.env["crm.kpi.choose"]
            .with_user(user)
            .create({"objective": objective, "role": role})
        )

    def test_balanced(self):
        """For every objective and role: five to seven, of all classes, each with its why."""
        reasons = self.env["crm.kpi.choose"]._reasons()
        for objective in OBJECTIVES:
            for role in ROLES:
                with self.subTest(objective=objective, role=role):
                    lines = self.propose(self.ann, objective, role).line_ids
                    kpis = lines.kpi_id
                    self.assertEqual(len(kpis), len(lines))
                    self.assertTrue(LEAST <= len(lines) <= MOST, kpis.mapped("code"))
                    self.assertEqual(
                        set(kpis.mapped("metric_class")),
                        {"input", "process", "output", "outcome"},
                        kpis.mapped("code"),
                    )
                    self.assertTrue(all(lines.mapped("reason")))
                    self.assertFalse(kpis.filtered("is_component"))
                    # those that are not there for their own sake keep another one honest
                    own = set(OBJECTIVES[objective].split())
                    for line in lines.filtered(lambda li, own=own: li.kpi_id.code not in own):
                        self.assertIn(line.kpi_id, kpis.counter_kpi_id)
                    self.assertTrue(kpis & kpis.counter_kpi_id)
                    if role in ("rep", "agent"):
                        mine = kpis.filtered(lambda k, own=own: k.code in own)
                        self.assertFalse(
                            (mine - kpis.counter_kpi_id).filtered(lambda k: k.code in NOT_FOR_STAFF)
                        )
        known = {code for codes in OBJECTIVES.values() for code in codes.split()}
        self.assertFalse(set(reasons) - known, "reasons nobody reads")

    def test_only_what_the_user_may_read(self):
        win_rate = self.env.ref("crm_kpi.crm_kpi_win_rate")
        self.assertIn(win_rate, self.propose(self.ann).line_ids.kpi_id)
        win_rate.group_ids = self.env["res.groups"].create({"name": "Accountants"})
        for user in (self.ann, self.admin):
            self.assertNotIn(win_rate, self.propose(user).line_ids.kpi_id)
        win_rate.group_ids = False
        win_rate.state = "draft"
        self.assertNotIn(win_rate, self.propose(self.ann).line_ids.kpi_id)
        # who administers KPIs publishes what is chosen
        wizard = self.propose(self.admin)
        self.assertIn(win_rate, wizard.line_ids.kpi_id)
        wizard.action_choose()
        self.assertEqual(win_rate.state, "published")

    def test_changed_objective_is_a_new_proposal(self):
        wizard = self.propose(self.ann)
        before = wizard.line_ids.kpi_id
        wizard.objective = "retain"
        self.assertNotEqual(wizard.line_ids.kpi_id, before)

    @freeze_time(NOW)
    def test_my_kpis_show_the_choice_first(self):
        one, other = self.make_kpi("one"), self.make_kpi("other")
        self.make_lead("2026-12-10 12:00:00", user_id=self.ann.id)
        self.kpis._refresh(periods=self.period("month", "2026-12-10"), kpis=one | other)
        mine = self.env["crm.kpi.value"].with_user(self.ann)
        chosen = [("kpi_id.is_chosen", "=", True), ("kpi_id", "in", (one | other).ids)]
        self.assertEqual(mine.search(chosen).kpi_id, one | other)  # none chosen: all
        wizard = self.propose(self.ann)
        wizard.line_ids[1:].keep = False
        wizard.line_ids[:1].sudo().kpi_id = one
        action = wizard.action_choose()
        self.assertEqual(action["res_model"], "crm.kpi.value")
        self.assertEqual(self.ann.kpi_ids, one)
        self.assertEqual(mine.search(chosen).kpi_id, one)
        self.assertEqual((one | other).with_user(self.ann).mapped("is_chosen"), [True, False])
        # nobody else's board changes
        others = self.env["crm.kpi.value"].with_user(self.admin)
        self.assertEqual(others.search(chosen).kpi_id, one | other)
        wizard = self.propose(self.ann, role="executive")
        self.assertTrue(wizard.has_choice)
        self.assertEqual(wizard.action_show_all()["path"], "team-kpis")
        self.assertFalse(self.ann.kpi_ids)

    def test_nothing_chosen(self):
        wizard = self.propose(self.ann)
        wizard.line_ids.keep = False
        with self.assertRaises(UserError):
            wizard.action_choose()
