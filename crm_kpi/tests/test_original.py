# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What uses a KPI, what was changed in a shipped KPI, and the way back to the original."""

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import tagged

from ..definitions import original
from .common import KpiCommon
from .common_board import BoardCase


@tagged("post_install", "-at_install")
class TestOriginal(KpiCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.ada = cls.make_user("Ada", "sales_team.group_sale_manager", "crm_kpi.group_kpi_admin")
        cls.win_rate = cls.env.ref("crm_kpi.crm_kpi_win_rate")
        cls.leads = cls.env.ref("crm_kpi.crm_kpi_new_leads")

    def test_all_are_as_shipped(self):
        """Odoo loaded the same files: no KPI differs from what they say."""
        shipped = self.kpis.with_context(active_test=False).search([("is_shipped", "=", True)])
        self.assertGreater(len(shipped), 200)
        changed = {
            kpi.code: original.changed_fields(kpi, first)
            for kpi, first in (
                (self.kpis.browse(kpi_id), first)
                for kpi_id, first in original.originals(shipped).items()
            )
        }
        self.assertEqual(len(changed), len(shipped))
        self.assertEqual({code: names for code, names in changed.items() if names}, {})
        self.assertFalse(self.kpis.search([("is_changed", "=", True)]))
        self.assertRegex(self.win_rate.original_text, "^As shipped")

    def test_own_kpis_are_not_shipped(self):
        kpi = self.make_kpi("own")
        copy = self.leads.copy()
        self.assertFalse((kpi | copy).filtered("is_shipped"))
        self.assertFalse(kpi.original_text)
        # an exported record has an external id
        self.env["ir.model.data"].create(
            {"module": "__export__", "name": "own", "model": "crm.kpi", "res_id": kpi.id}
        )
        kpi.invalidate_recordset()
        self.assertFalse(kpi.is_shipped)
        self.assertIn(kpi, self.kpis.search([("is_shipped", "=", False)]))
        with self.assertRaisesRegex(UserError, "does not ship"):
            kpi.action_original()

    def test_back_to_the_original(self):
        kpi = self.leads.with_user(self.ada)
        names = [*original.FIELDS, "state", "counter_kpi_id", "group_ids", "sequence"]
        before = kpi.read(names)
        group = self.env.ref("crm_kpi.group_kpi_manager")
        kpi.write(
            {
                "name": "Fresh leads",
                "description": "Ours.",
                "domain": "[('expected_revenue', '>', 5)]",
                "unit": "score",
                "digits": 3,
                "min_sample": 7,  # not in the data file
                "compared_people": "all",
                "state": "draft",
                "group_ids": [Command.set(group.ids)],
            }
        )
        self.assertEqual(self.kpis.search([("is_changed", "=", True)]), self.leads)
        for label in ("Name", "Explanation", "Filter", "Unit", "Decimals", "Minimum sample"):
            self.assertIn(label, kpi.original_text)
        version = kpi.version
        kpi.action_original()
        [restored], [first] = kpi.read(names), before
        # choices of the database stay
        self.assertEqual((restored["state"], restored["group_ids"]), ("draft", group.ids))
        self.assertEqual(
            {name: restored[name] for name in original.FIELDS},
            {name: first[name] for name in original.FIELDS},
        )
        self.assertFalse(kpi.is_changed)
        self.assertGreater(kpi.version, version)  # values follow

    def test_formula(self):
        kpi = self.win_rate.with_user(self.ada)
        formula = kpi.formula
        kpi.formula = "deals_won * 2"
        self.assertTrue(kpi.is_changed)
        kpi.action_original()
        self.assertEqual(kpi.formula, formula)
        # written in another way it is another formula, a filter is compared by its meaning
        self.leads.domain = f" {self.leads.domain} "
        self.assertFalse(self.leads.is_changed)

    def test_translated_texts(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        self.env["ir.module.module"].search([("name", "=", "crm_kpi")])._update_translations(
            "fr_FR"
        )
        french = self.leads.with_context(lang="fr_FR")
        before = french.name
        self.assertNotEqual(before, self.leads.name)
        french.name = "Le mien"
        self.leads.name = "Mine"
        french.with_user(self.ada).action_original()
        self.assertEqual((self.leads.name, french.name), ("New leads", before))

    def test_values_ask_from_when_it_applies(self):
        self.make_lead("2026-01-10 12:00:00")
        self.kpis._refresh(periods=self.period("month", "2026-01-10"), kpis=self.leads)
        domain = self.leads.domain
        self.leads.write({"domain": "[('expected_revenue', '>', 5)]", "digits": 2})
        action = self.leads.with_user(self.ada).action_original()
        self.assertEqual((action["res_model"], self.leads.digits), ("crm.kpi.definition.change", 0))
        self.assertNotEqual(self.leads.domain, domain)
        self.env[action["res_model"]].browse(action["res_id"]).action_apply()
        self.assertEqual(self.leads.domain, domain)

    def test_no_longer_shipped(self):
        data = self.env["ir.model.data"].search(
            [("model", "=", "crm.kpi"), ("res_id", "=", self.leads.id)]
        )
        data.name = "crm_kpi_of_an_earlier_version"
        self.leads.invalidate_recordset()
        self.assertRegex(self.leads.original_text, "An earlier version shipped")
        self.assertFalse(self.leads.is_changed)

    def test_only_administrators(self):
        mia = self.make_user("Mia", "sales_team.group_sale_manager")
        self.leads.digits = 3
        with self.assertRaises(AccessError):
            self.leads.with_user(mia).action_original()


@tagged("post_install", "-at_install")
class TestUsage(BoardCase):
    def test_used_in(self):
        double = self.make_kpi("double", kind="formula", formula="test_leads * 2")
        double.action_archive()
        goal = self.env["crm.kpi.goal"].create(
            {
                "kpi_id": self.leads.id,
                "period_id": self.period("month", "2026-04-14").id,
                "kind": "at_least",
                "target": 5,
            }
        )
        mailing = self.env["crm.kpi.mailing"].create(
            {"name": "Monday", "board_id": self.board.id, "user_ids": self.mia.ids}
        )
        card = {"kpi_id": self.leads.id}
        private = self.boards.with_user(self.ann).create(
            {"name": "Private", "user_id": self.ann.id, "card_ids": [Command.create(card)]}
        )
        kpi = self.leads.with_user(self.ada)
        self.assertEqual(kpi.used_in_formula_ids, self.share | double)
        self.assertEqual(kpi.counter_of_ids, self.share)
        self.assertEqual(kpi.used_in_board_ids, self.board)
        self.assertEqual(kpi.used_in_mailing_ids, mailing)
        self.assertEqual((kpi.other_board_count, kpi.goal_count), (1, 1))
        action = kpi.action_open_goals()
        self.assertEqual(self.env["crm.kpi.goal"].search(action["domain"]), goal)
        # each reader sees what they may read
        own = self.leads.with_user(self.ann)
        self.assertEqual((own.used_in_board_ids, own.other_board_count), (self.board | private, 0))
        with self.assertRaises(AccessError):
            own.read(["used_in_mailing_ids"])
        self.assertFalse(self.make_kpi("alone").used_in_formula_ids)
        self.assertFalse(self.env["crm.kpi"].new({"name": "New"}).used_in_board_ids)
