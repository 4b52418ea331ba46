# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""*Choose my KPIs*: balanced proposals with reasons."""

from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import freeze_time, tagged

from ..models.kpi.crm_kpi_recommendation import OBJECTIVES
from ..wizard.crm_kpi_choose import LEAST, MOST, ROLES
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
        """For every objective and role: five to seven KPIs of all classes, each with a reason."""
        for objective, _label in OBJECTIVES:
            for role, _title in ROLES:
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
                    # KPIs that are not recommended are counter-metrics of others
                    own = kpis.filtered_domain([("recommendation_ids.objective", "=", objective)])
                    for line in lines.filtered(lambda li, own=own: li.kpi_id not in own):
                        self.assertIn(line.kpi_id, kpis.counter_kpi_id)
                    self.assertTrue(kpis & kpis.counter_kpi_id)
                    if role in ("rep", "agent"):
                        self.assertFalse((own - kpis.counter_kpi_id).filtered("for_managers_only"))
        unused = [("recommendation_reason", "!=", False), ("recommendation_ids", "=", False)]
        self.assertFalse(self.kpis.search(unused), "reasons that are never shown")

    def test_a_kpi_recommends_itself(self):
        """A KPI of another addon is proposed because of its own fields."""
        kpi = self.make_kpi(
            "better",
            metric_class="process",
            recommendation_reason="Better than all others.",
            recommendation_ids=[Command.create({"objective": "convert", "sequence": 1})],
        )
        line = self.propose(self.ann).line_ids.filtered(lambda line: line.kpi_id == kpi)
        self.assertEqual(line.reason, "Better than all others.")
        self.assertNotIn(kpi, self.propose(self.ann, "retain").line_ids.kpi_id)
        kpi.for_managers_only = True
        self.assertNotIn(kpi, self.propose(self.ann).line_ids.kpi_id)
        self.assertIn(kpi, self.propose(self.ann, role="manager").line_ids.kpi_id)
        kpi.write({"for_managers_only": False, "metric_class": "outcome"})
        kpi.category_id.is_service = True
        lines = self.propose(self.ann, role="agent").line_ids
        self.assertIn(kpi, lines.kpi_id)

    def test_only_what_the_user_may_read(self):
        win_rate = self.env.ref("crm_kpi.crm_kpi_win_rate")
        self.assertIn(win_rate, self.propose(self.ann).line_ids.kpi_id)
        win_rate.group_ids = self.env["res.groups"].create({"name": "Accountants"})
        for user in (self.ann, self.admin):
            self.assertNotIn(win_rate, self.propose(user).line_ids.kpi_id)
        win_rate.group_ids = False
        win_rate.state = "draft"
        self.assertNotIn(win_rate, self.propose(self.ann).line_ids.kpi_id)
        # choosing a draft publishes it if the user administers KPIs
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
        self.assertEqual(mine.search(chosen).kpi_id, one | other)  # no choice: all KPIs
        wizard = self.propose(self.ann)
        wizard.line_ids[1:].keep = False
        wizard.line_ids[:1].sudo().kpi_id = one
        action = wizard.action_choose()
        self.assertEqual(action["res_model"], "crm.kpi.value")
        self.assertEqual(self.ann.kpi_ids, one)
        self.assertEqual(mine.search(chosen).kpi_id, one)
        self.assertEqual((one | other).with_user(self.ann).mapped("is_chosen"), [True, False])
        # the boards of other users do not change
        others = self.env["crm.kpi.value"].with_user(self.admin)
        self.assertEqual(others.search(chosen).kpi_id, one | other)
        wizard = self.propose(self.ann, role="executive")
        self.assertEqual(wizard.action_show_all()["path"], "scorecard")
        self.assertFalse(self.ann.kpi_ids)

    def test_nothing_chosen(self):
        wizard = self.propose(self.ann)
        wizard.line_ids.keep = False
        with self.assertRaises(UserError):
            wizard.action_choose()
