# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""KPI administrators change settings of their company without further rights."""

from odoo.exceptions import AccessError
from odoo.fields import Command
from odoo.tests import Form, HttpCase, freeze_time, tagged

from .common import KpiCommon


class SettingsCase(KpiCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.ada = cls.make_user("Ada", "crm_kpi.group_kpi_admin")
        cls.settings = cls.env["crm.kpi.settings"].with_user(cls.ada)


@tagged("post_install", "-at_install")
class TestSettings(SettingsCase):
    def test_only_what_changed(self):
        """A setting that is not changed makes nothing due."""
        decided = self.company.kpi_withheld_at = "2026-11-01 12:00:00"
        with Form(self.settings) as form:
            form.kpi_inactivity_days = 100
            form.kpi_tz = "Europe/Paris"
        self.assertEqual(
            (self.company.kpi_inactivity_days, self.company.kpi_tz), (100, "Europe/Paris")
        )
        self.assertEqual(str(self.company.kpi_withheld_at), decided)
        settings = form.record
        self.env.flush_all()
        before = self.company.write_date
        settings.write(
            {"kpi_inactivity_days": 100, "kpi_renewal_tag_id": self.company.kpi_renewal_tag_id.id}
        )
        self.env.flush_all()
        self.assertEqual(self.company.write_date, before)
        settings.kpi_min_cell = 7
        self.assertEqual(self.company.kpi_min_cell, 7)
        self.assertFalse(self.company.kpi_withheld_at)

    def test_rights(self):
        """Only KPI administrators, only own companies, only the settings of the form."""
        manager = self.make_user("Mia", "crm_kpi.group_kpi_manager")
        with self.assertRaises(AccessError):
            self.settings.with_user(manager).create({"kpi_min_cell": 1})
        other = self.env["res.company"].create({"name": "Other"})
        settings = self.settings.create({})
        for values in (
            {"company_id": other.id, "kpi_min_cell": 1},
            {"kpi_min_cell": 1, "company_id": other.id},
        ):
            with self.assertRaises(AccessError):
                self.settings.create(values)
            with self.assertRaises(AccessError):
                settings.write(values)
        self.assertEqual(other.kpi_min_cell, 5)
        with self.assertRaises(AccessError):
            self.company.with_user(self.ada).write({"kpi_min_cell": 1})
        fixed = {"name", "kpi_facts_tz", "kpi_withheld_at", "kpi_customers_date", "currency_id"}
        self.assertFalse(fixed & {*settings._setting_names()})
        theirs = self.settings.with_user(
            self.make_user("Eve", "crm_kpi.group_kpi_admin")
        ).create({})  # fmt: skip
        with self.assertRaises(AccessError):
            theirs.with_user(self.ada).write({"kpi_min_cell": 1})
        account = self.env["account.account"].create(
            {
                "name": "Travel",
                "code": "999777",
                "account_type": "expense",
                "company_ids": [Command.set(self.company.ids)],
            }
        )
        values = {"kpi_sales_cost_account_ids": [Command.set(account.ids)]}
        with self.assertRaises(AccessError):
            settings.write(values)
        with self.assertRaises(AccessError):
            settings.read([*values])
        self.ada.group_ids = [Command.link(self.env.ref("account.group_account_readonly").id)]
        settings.write(values)
        self.assertEqual(self.company.kpi_sales_cost_account_ids, account)

    @freeze_time("2026-11-30 12:00:00")
    def test_examples(self):
        """Each sentence follows the value that is typed, before it is saved."""
        self.company.write({"fiscalyear_last_month": "6", "fiscalyear_last_day": 30})
        form = Form(self.settings)
        self.assertEqual(form.fiscal_year_text, "07/01/2026 – 06/30/2027")
        for name, value, sentence in (
            (
                "kpi_inactivity_days",
                30,
                "Today, customers count as lost whose last order was before 10/31/2026.",
            ),
            (
                "kpi_at_risk_factor",
                1.5,
                "A customer who orders every 40 days is at risk after 60 days without an order.",
            ),
            ("kpi_provisional_periods", 1, "Today, months up to September 2026 are locked."),
            ("kpi_crossed_months", 2, "Today, from September 2026 on."),
            ("kpi_min_cell", 3, "A percentage of 2 records is withheld, one of 3 is shown."),
            ("kpi_min_cell", 0, "All values are shown."),
            ("kpi_lead_response_target_hours", 1.5, "Received at 9:00 AM: answer by 10:30 AM."),
            ("kpi_lead_response_target_hours", 40, ""),
            (
                "kpi_cac_lag_months",
                3,
                "New customers of November 2026 are compared with the costs of August 2026.",
            ),
            ("kpi_week_start", "7", "This week: 11/29/2026 – 12/05/2026"),
            (
                "kpi_history_start",
                "2025-03-01",
                "New and returning customers are known from 03/01/2026 on.",
            ),
        ):
            setattr(form, name, value)
            # Odoo separates the time from AM by a narrow space
            text = form.examples[name].replace("\u202f", " ")
            self.assertEqual(text, sentence, name)
        form.kpi_discount_rate = 0.25
        self.assertIn("800", form.examples["kpi_discount_rate"])
        form.kpi_upsell_margin = 0.2
        self.assertIn("120", form.examples["kpi_upsell_margin"])
        self.assertEqual(self.company.kpi_cac_lag_months, 0)

    def test_first_board_of_a_role(self):
        """The board of the settings comes before those with values, and after one's own."""
        boards = self.env["crm.kpi.board"]
        kpi = self.make_kpi("board")
        for_reps, for_managers = boards.create(
            [
                {
                    "name": name,
                    "user_id": False,
                    "sequence": 900,
                    "card_ids": [Command.create({"kpi_id": kpi.id})],
                }
                for name in ("For salespeople", "For managers")
            ]
        )

        def first(user):
            self.env.flush_all()
            return boards.with_user(user).with_company(self.company).get_board()["board"]["id"]

        self.assertNotIn(first(self.ann), (for_reps | for_managers).ids)
        with Form(self.settings) as form:
            form.kpi_rep_board_id = for_reps
            form.kpi_manager_board_id = for_managers
        self.assertEqual((first(self.ann), first(self.ada)), (for_reps.id, for_managers.id))
        copy = boards.browse(
            for_reps.with_user(self.ann).save_layout([{"kpi_id": kpi.id}])
        )  # fmt: skip
        self.assertEqual(first(self.ann), copy.id)
        for_reps.group_ids = self.env.ref("base.group_system")
        copy.unlink()
        self.assertNotEqual(first(self.ann), for_reps.id)
        for_managers.unlink()
        self.assertFalse(self.company.kpi_manager_board_id)
        self.assertTrue(first(self.ada))


@tagged("post_install", "-at_install", "browser")
class TestSettingsTour(SettingsCase, HttpCase):
    def test_settings(self):
        """An administrator of KPIs without other rights sees what a setting does, and saves it."""
        self.start_tour("/odoo/kpi-settings", "crm_kpi_settings", login="kpi_ada")
        self.assertEqual(self.company.kpi_min_cell, 8)
