# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import doctest
import keyword

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, tagged

from ..definitions import checks
from ..engine.functions import CONSTANTS, FUNCTIONS
from .common import KpiCommon


@tagged("post_install", "-at_install")
class TestKpi(KpiCommon):
    def assertRefused(self, label, function, *args, **kwargs):
        """Bad input names the field first, and nothing is stored."""
        before = self.env["crm.kpi"].search_count([])
        with self.assertRaises(ValidationError) as caught, self.env.cr.savepoint():
            function(*args, **kwargs)
        self.assertTrue(str(caught.exception).startswith(label), str(caught.exception))
        self.assertEqual(self.env["crm.kpi"].search_count([]), before)

    def test_bad_definitions_name_field_and_remedy(self):
        money = {"aggregator": "sum", "value_field": "expected_revenue"}
        make = self.make_kpi
        self.assertRefused("Filter:", make, "x", domain="[('nothing', '=', 1)]")
        self.assertRefused("Filter:", make, "x", domain="[('name', '=', uid)]")
        self.assertRefused("Filter:", make, "x", domain="__import__('os')")
        self.assertRefused("Filter:", make, "x", domain="[('name', '=', 1")
        self.assertRefused("Filter:", make, "x", domain="[('name', 'wrong', 1)]")
        self.assertRefused("Value:", make, "x", aggregator="sum")
        self.assertRefused("Value:", make, "x", aggregator="sum", value_field="gone")
        self.assertRefused("Value:", make, "x", aggregator="sum", value_field="name")
        self.assertRefused("Value:", make, "x", aggregator="sum", value_field="@age_days")
        self.assertRefused("Value:", make, "x", aggregator="sum", value_field="@moon")
        self.assertRefused("Value:", make, "x", aggregator="sum", value_field="tag_ids")
        self.assertRefused("Value:", make, "x", aggregator="sum", value_field="tag_ids.color")
        self.assertRefused("Aggregate:", make, "x", aggregator="sum", value_field="@customer")
        self.assertRefused("Unit:", make, "x", unit="money")
        self.assertRefused("Unit:", make, "x", unit="hours", **money)
        self.assertRefused("Unit:", make, "x", aggregator="sum", value_field="color", unit="money")
        self.assertRefused("Source:", make, "x", source_id=False)
        kpi = make("x")
        self.assertRefused("Code:", kpi.write, {"code": "Not good"})
        self.assertRefused("Code:", kpi.write, {"code": "previous"})

    def test_codes_that_formulas_cannot_use(self):
        """A word with a meaning in formulas is refused as a code, not later in a formula."""
        kpi = self.make_kpi("x")
        words = [word for word in keyword.kwlist if word.islower()]
        self.assertIn("class", words)
        for code in [*words, *CONSTANTS, *FUNCTIONS, "Ä", "a b", "a-b", "1a", "_a", "a\n", "ａ"]:
            self.assertRefused("Code:", kpi.write, {"code": code})
        for code in [*keyword.softkwlist, "isnt", "in_stock", "class_1", "none", "true"]:
            if code[0].isalpha():
                kpi.code = code
                double = self.make_kpi("double", kind="formula", formula=f"{code} * 2")
                self.assertEqual(double.component_ids, kpi, code)
                double.unlink()

    def test_bad_formulas_name_field_and_remedy(self):
        def make(formula, **values):
            return self.make_kpi("x", kind="formula", formula=formula, **values)

        self.make_kpi("n")
        self.make_kpi("money", aggregator="sum", value_field="expected_revenue", unit="money")
        self.assertRefused("Formula:", make, "test_n +")
        self.assertRefused("Formula: enter a formula", make, "")
        self.assertRefused("Formula: enter a formula", make, " 7 * 2")
        self.assertRefused("Formula:", make, "test_gone / test_n")
        self.assertRefused("Formula:", make, "test_n ** 2")
        self.assertRefused("Formula:", make, "open(test_n)")
        self.assertRefused(
            "Formula: it adds or compares a bare number and money",
            make,
            "test_n + test_money",
            unit="money",
        )
        self.assertRefused("Unit:", make, "test_money / test_n", unit="percent")
        self.assertRefused("Unit:", make, "test_n / test_n", unit="money")
        self.assertRefused("Formula:", make, "test_x + 1")

    def test_cycles_are_refused(self):
        self.make_kpi("a")
        b = self.make_kpi("b", kind="formula", formula="test_a + 1")
        self.make_kpi("c", kind="formula", formula="test_b + 1")
        with self.assertRaisesRegex(ValidationError, "test_b uses itself"):
            b.formula = "test_c + 1"

    def test_bad_sources_name_field_and_remedy(self):
        def make(**values):
            return self.source.copy({"code": "test_copy", **values})

        cases = {
            "Date: ": {"date_field": False},
            "Date: Lead": {"date_field": "gone"},
            "Date: name": {"date_field": "name"},
            "Salesperson:": {"user_field": "team_id"},
            "Customer:": {"partner_field": "tag_ids.name"},
            "Company:": {"company_field": "company_id,gone"},
            "Filter:": {"domain": "[('gone', '=', 1)]"},
            "Kind:": {"kind": "cohort"},
        }
        for label, values in cases.items():
            with self.subTest(label), self.assertRaises(ValidationError) as caught:
                make(**values)
            self.assertTrue(str(caught.exception).startswith(label.split(":")[0] + ":"))

    def test_definition_uses_only_what_its_author_may_read(self):
        """Values are computed as superuser, so a filter could reveal fields that the author may not read."""
        admin = self.make_user(
            "Ada", "crm_kpi.group_kpi_admin", "sales_team.group_sale_salesman_all_leads"
        )
        kpi = self.make_kpi("a").with_user(admin)
        source = self.source.with_user(admin)
        kpi.domain = "[('expected_revenue', '>', 5)]"
        with self.assertRaises(AccessError):
            kpi.domain = "[('user_id.totp_last_counter', '>', 5)]"
        with self.assertRaises(AccessError):
            source.domain = "[('user_id.totp_last_counter', '>', 5)]"
        with self.assertRaises(AccessError):
            source.copy(
                {
                    "code": "test_secrets",
                    "model_id": self.env["ir.model"]._get_id("ir.config_parameter"),
                    "user_field": "create_uid",
                    "team_field": False,
                    "company_field": False,
                    "partner_field": False,
                }
            )

    def test_used_kpi_cannot_be_deleted(self):
        kpi = self.make_kpi("a")
        self.make_kpi("b", kind="formula", formula="test_a + 1")
        with self.assertRaises(UserError):
            kpi.unlink()

    def test_code_in_a_formula_cannot_change(self):
        kpi = self.make_kpi("a")
        double = self.make_kpi("b", kind="formula", formula="test_a * 2")
        self.assertRefused("Code:", kpi.write, {"code": "other"})
        self.make_kpi("c")
        double.formula = "test_c * 2"
        kpi.code = "other"
        self.assertEqual(kpi.code, "other")

    def test_code_from_the_name(self):
        """A KPI without a code gets one from its name; a code that was typed stays."""
        self.assertFalse(doctest.testmod(checks).failed)
        form = Form(self.env["crm.kpi"])
        form.name = "Deals > 10.000 €"
        self.assertEqual(form.code, "deals_10_000")
        form.name = "Big deals"
        self.assertEqual(form.code, "deals_10_000")
        values = {
            "name": "Näme",
            "category_id": self.category.id,
            "source_id": self.source.id,
        }
        codes = [self.env["crm.kpi"].create(dict(values)).code for _index in range(2)]
        self.assertEqual(codes, ["name", "name2"])

    def test_copy_is_a_draft_with_a_code_of_its_own(self):
        kpi = self.make_kpi("a")
        first, second = kpi.copy(), kpi.copy()
        self.assertEqual(first.state, "draft")
        self.assertEqual(len({kpi.code, first.code, second.code}), 3)

    def test_version_counts_definitions_only(self):
        kpi = self.make_kpi("a")
        kpi.name = "Another name"
        self.assertEqual(kpi.version, 1)
        kpi.domain = kpi.domain
        self.assertEqual(kpi.version, 1)
        kpi.domain = "[('type', '=', 'lead')]"
        self.assertEqual(kpi.version, 2)

    def test_values_are_shown_in_their_unit(self):
        euro = self.env.ref("base.EUR")
        cases = [
            ({"unit": "percent", "digits": 1}, 0.6315, "63.2\u00a0%"),
            ({"unit": "hours", "digits": 1}, 1.75, "1.8\u00a0h"),
            ({"unit": "count"}, 1234, "1,234"),
            ({"unit": "count"}, 0.0, "0"),
            ({"unit": "count"}, False, "–"),
        ]
        for values, value, expected in cases:
            kpi = self.env["crm.kpi"].new(values)
            self.assertEqual(kpi._format_value(value, euro), expected)
        kpi = self.env["crm.kpi"].new({"unit": "money", "digits": 0})
        self.assertEqual(kpi._format_value(1234.4, euro).replace("\u00a0", " "), "1,234 €")

    def test_numbers_of_a_pivot_have_their_unit(self):
        """The browser gets the same units and decimals; money of several currencies has no symbol."""
        mean = {"aggregator": "avg", "value_field": "probability"}
        share = self.make_kpi("share", unit="percent", digits=1, **mean)
        wait = self.make_kpi("wait", unit="hours", digits=2, **mean)
        money = self.make_kpi(
            "money", unit="money", digits=0, aggregator="sum", value_field="expected_revenue"
        )
        euro, dollar = self.env.ref("base.EUR"), self.env.ref("base.USD")
        self.company.currency_id = euro
        other = self.env["res.company"].create({"name": "Other", "currency_id": dollar.id})

        def formats(companies):
            model = self.env["crm.kpi"].with_context(allowed_company_ids=companies.ids)
            found = model.get_number_formats()
            return [tuple(found[kpi.id].values()) for kpi in share | wait | money]

        self.assertEqual(
            formats(self.company),
            [("", "\u00a0%", 100, 1), ("", "\u00a0h", 1, 2), ("", "\u00a0€", 1, 0)],
        )
        self.assertEqual(formats(self.company | other)[2], ("", "", 1, 0))
        # readers without the KPI get no format of it
        secret = self.make_kpi("secret", state="draft")
        self.assertNotIn(secret.id, self.env["crm.kpi"].with_user(self.ann).get_number_formats())

    def test_shipped_kpis_are_explained(self):
        """All shipped KPIs have an explanation and a reference; medians need a minimum sample."""
        shipped = self.env["ir.model.data"].search(
            [("model", "=", "crm.kpi"), ("module", "=like", "crm\\_kpi%")]
        )
        kpis = (
            self.env["crm.kpi"]
            .browse(shipped.mapped("res_id"))
            .filtered(lambda kpi: not kpi.is_component)
        )
        self.assertGreater(len(kpis), 40)
        self.assertFalse(kpis.filtered(lambda kpi: not kpi.description).mapped("code"))
        self.assertFalse(kpis.filtered(lambda kpi: not kpi.reference).mapped("code"))
        medians = kpis.filtered(lambda k: k.kind != "formula" and k.aggregator in ("median", "p90"))
        self.assertFalse(medians.filtered(lambda kpi: kpi.min_sample < 5).mapped("code"))
