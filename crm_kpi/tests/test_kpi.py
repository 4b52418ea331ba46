# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import doctest
import keyword

from odoo import Command
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
        self.assertRefused("Calculation:", make, "x", aggregator="sum", value_field="@customer")
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
        self.assertRefused("Formula: Enter a formula", make, "")
        self.assertRefused("Formula: Enter a formula", make, " 7 * 2")
        self.assertRefused("Formula:", make, "test_gone / test_n")
        self.assertRefused("Formula:", make, "test_n ** 2")
        self.assertRefused("Formula:", make, "open(test_n)")
        self.assertRefused("Unit:", make, "test_money / test_n", unit="percent")
        self.assertRefused("Unit:", make, "test_n / test_n", unit="money")
        self.assertRefused("Circular formula: test_x → test_x.", make, "test_x + 1")

    def formula_kpis(self):
        """KPIs of several units, with names that differ from their codes."""
        mean = {"aggregator": "avg", "value_field": "probability"}
        self.make_kpi("won", name="Deals won")
        self.make_kpi("quotes", name="Quotations", digits=1)
        self.make_kpi("share", name="Renewed", unit="percent", digits=2, **mean)
        self.make_kpi("wait", name="Wait", unit="hours", digits=1, **mean)
        self.make_kpi("grade", name="Grade", unit="score", **mean)
        self.make_kpi(
            "revenue",
            name="Revenue of tests",
            aggregator="sum",
            value_field="expected_revenue",
            unit="money",
        )

    def test_problems_of_a_formula_in_words(self):
        """Each mistake is named with its place and the remedy, while typing and when saving."""
        self.formula_kpis()
        cases = {
            "test_won /": "After “test_won /”, a KPI or a number is missing.",
            "2 + (test_won / ) * 2": "After “test_won /”, a KPI or a number is missing.",
            "* test_won": "At the beginning, a KPI or a number is missing.",
            "test_won test_quotes": "Between “test_won” and “test_quotes”, an operator such as + "
            "is missing.",
            "2 test_quotes": "Between “2” and “test_quotes”, an operator such as + is missing.",
            "(test_won + 2": "The parenthesis before “test_won” is not closed.",
            "test_won + 2)": "After “+ 2”, there is a closing parenthesis too many.",
            "test_won # 2": "“#” is not allowed. Use + - * /, parentheses and commas.",
            "test_won ? 2": "“?” is not allowed. Use + - * /, parentheses and commas.",
            "test_won / 0": "You cannot divide by 0.",
            "test_won > 0": "Two values are compared only in the first place of if, for example "
            "if(deals_won > 0, 1, 0).",
            "test_revenue + test_quotes": "You cannot add an amount (Revenue of tests) and a count "
            "(Quotations).",
            "test_revenue - 2 * test_quotes": "You cannot subtract a count (2 × Quotations) from "
            "an amount (Revenue of tests).",
            "test_quotes + test_share": "You cannot add a count (Quotations) and a percentage "
            "(Renewed).",
            "test_wait + test_grade": "You cannot add hours (Wait) and a score (Grade).",
            "if(test_revenue > test_won, 1, 2)": "You cannot compare an amount (Revenue of tests) "
            "and a count (Deals won).",
            "coalesce(test_revenue, test_won)": "coalesce needs values of one unit, not an amount "
            "(Revenue of tests) and a count (Deals won).",
            # codes and names that do not exist
            "test_wonn / 2": "There is no KPI with the code test_wonn. Did you mean Deals won "
            "(test_won)?",
            "Quotations / 2": "There is no KPI with the code Quotations. Did you mean Quotations "
            "(test_quotes)?",
            "2 * Revenue of tests": "Write the code of a KPI, not “Revenue of tests”. Did you mean "
            "Revenue of tests (test_revenue)?",
            "zzzzqqq / 2": "There is no KPI with the code zzzzqqq. Check the spelling, or create "
            "that KPI first.",
            "maxx(test_won, 2)": "There is no function maxx. Did you mean max?",
        }
        for text, problem in cases.items():
            with self.subTest(text):
                self.assertEqual(self.kpis.check_typed_formula(text).get("error"), problem)
                self.assertRefused(
                    f"Formula: {problem}", self.make_kpi, "x", kind="formula", formula=text
                )

    def test_check_of_a_typed_formula(self):
        self.formula_kpis()
        check = self.kpis.check_typed_formula
        self.assertEqual(
            check("test_won ÷ (test_won + test_quotes)"),
            {"words": "Deals won ÷ (Deals won + Quotations)"},
        )
        meant = check("2 * Revenue of tests")
        self.assertEqual((meant["typed"], meant["code"]), ("Revenue of tests", "test_revenue"))
        self.assertEqual(check("")["error"], "Enter a formula with at least one KPI.")
        # a chosen unit is checked; a unit that is still open is not
        self.assertIn("words", check("test_revenue / test_won", unit=False))
        self.assertEqual(
            check("test_revenue / test_won", unit="percent")["error"],
            "The formula yields an amount, not Percentage. Change the unit or the formula.",
        )
        # of a stored KPI, the typed formula counts
        self.make_kpi("double", kind="formula", formula="test_won * 2")
        self.make_kpi("four", kind="formula", formula="test_double * 2")
        self.assertEqual(
            check("test_four + 1", code="test_double")["error"],
            "Circular formula: test_double → test_four → test_double. Remove one of them from its "
            "formula.",
        )
        self.assertIn("words", check("test_won * 3", code="test_double", unit="count"))

    def test_formula_editor_shows_nothing_beyond_rights(self):
        """Only users who may define KPIs use the editor; it names what they may read."""
        self.formula_kpis()
        with self.assertRaises(AccessError):
            self.kpis.with_user(self.ann).check_typed_formula("test_won")
        with self.assertRaises(AccessError):
            self.kpis.with_user(self.ann).get_formula_parts()
        admin = self.make_user(
            "Ada", "crm_kpi.group_kpi_admin", "sales_team.group_sale_salesman_all_leads"
        )
        group = self.env["res.groups"].create({"name": "Board of directors"})
        secret = self.make_kpi("secret", name="Secret", group_ids=[Command.set(group.ids)])
        codes = {part["code"]: part for part in self.kpis.with_user(admin).get_formula_parts()}
        self.assertEqual(codes["test_won"]["words"], "Deals won")
        self.assertEqual(codes["if(a > b, c, d)"]["insert"], "if(")
        self.assertIn("margin_rate", codes)
        problem = self.kpis.with_user(admin).check_typed_formula(f"{secret.code} / 2")
        self.assertIn("Only members of Board of directors can read Secret.", problem["error"])

    def test_signs_are_stored_in_one_form(self):
        self.formula_kpis()
        kpi = self.make_kpi("x", kind="formula", formula=" test_won × 2 − test_quotes ÷ 4 ")
        self.assertEqual(kpi.formula, "test_won * 2 - test_quotes / 4")
        version = kpi.version
        kpi.formula = "test_won × 2 − test_quotes ÷ 4"
        self.assertEqual(kpi.version, version)
        kpi.formula = "if(test_won ≥ 2, test_won, 0) − 1"
        self.assertEqual(kpi.formula, "if(test_won >= 2, test_won, 0) - 1")
        self.assertEqual(kpi.computation_text, "(Deals won if Deals won ≥ 2, otherwise 0) − 1")

    def test_unit_follows_from_the_components(self):
        """Unit and decimals of a new formula are proposed, but never in place of a choice."""
        self.formula_kpis()
        cases = {
            "test_won / test_quotes": ("percent", 1),
            "test_revenue / test_revenue": ("percent", 1),
            "test_revenue / test_won": ("money", 0),
            "test_revenue / test_wait": ("money", 0),
            "test_won + test_quotes": ("count", 1),
            "2 * test_won": ("count", 0),
            "test_won * test_share": ("count", 0),
            "1 - test_share": ("percent", 2),
            "100 * test_won / test_quotes": ("ratio", 2),
            "test_won / test_quotes / months": ("ratio", 2),
            "max(test_wait, 1)": ("hours", 1),
            "if(test_won > 5, test_revenue, 0)": ("money", 0),
            "coalesce(test_grade, 0)": ("score", 0),
        }
        for text, expected in cases.items():
            form = Form(self.kpis)
            form.kind = "formula"
            form.formula = text
            self.assertEqual((form.unit, form.digits), expected, text)

    def test_proposed_unit_does_not_replace_a_choice(self):
        self.formula_kpis()
        form = Form(self.kpis)
        form.kind = "formula"
        form.formula = "test_won ÷ test_quotes"
        self.assertEqual(form.formula, "test_won / test_quotes")
        self.assertEqual((form.unit, form.digits), ("percent", 1))
        # the unit follows the formula until it is chosen
        form.formula = "test_revenue / test_quotes"
        self.assertEqual(form.unit, "money")
        form.formula = "test_won / test_quotes"
        form.digits = 3
        form.formula = "test_quotes / test_won"
        self.assertEqual((form.unit, form.digits), ("percent", 3))
        form.unit = "ratio"
        form.formula = "test_revenue / test_quotes"
        self.assertEqual((form.unit, form.digits), ("ratio", 3))
        form.unit = "count"
        form.formula = "test_won / test_quotes"
        self.assertEqual(form.unit, "count")
        # nothing follows from a formula that cannot be read, or has a component that is unknown
        form = Form(self.kpis)
        form.kind = "formula"
        for text in ("test_won /", "test_unknown / 2", "test_wait / test_revenue", "test_won / 0"):
            form.formula = text
            self.assertEqual((form.unit, form.digits), ("count", 0), text)
        # the unit of a stored KPI was chosen
        kpi = self.make_kpi("x", kind="formula", formula="test_won / test_quotes", unit="percent")
        with Form(kpi) as form:
            form.formula = "test_won / 4"
            self.assertEqual(form.unit, "percent")

    def test_cycles_are_refused(self):
        self.make_kpi("a")
        b = self.make_kpi("b", kind="formula", formula="test_a + 1")
        self.make_kpi("c", kind="formula", formula="test_b + 1")
        with self.assertRaisesRegex(ValidationError, "Circular formula: test_b → test_c → test_b."):
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
            # a value that is not 0 never shows as 0
            ({"unit": "percent", "digits": 1}, 0.000123, "0.01\u00a0%"),
            ({"unit": "percent", "digits": 1}, -0.0002, "-0.02\u00a0%"),
            ({"unit": "count"}, 0.3, "0.3"),
            ({"unit": "count"}, 0.6, "1"),
            ({"unit": "ratio", "digits": 2}, 0.0007, "0.0007"),
            ({"unit": "days", "digits": 0}, 0.04, "0.04\u00a0days"),
            ({"unit": "money", "digits": 0}, 0.37, "0.37\u00a0€"),
            ({"unit": "money", "digits": 2}, 0.0021, "0.002\u00a0€"),
            # the noise of adding floats
            ({"unit": "count"}, 0.1 + 0.2 - 0.3, "0"),
            ({"unit": "money", "digits": 2}, 0.1 + 0.2 - 0.3, "0.00\u00a0€"),
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
