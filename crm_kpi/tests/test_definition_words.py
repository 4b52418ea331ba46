# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Definitions in words, as every reader sees them."""

from odoo.exceptions import AccessError
from odoo.fields import Command, Domain
from odoo.tests import tagged

from ..definitions.changes import definition_changes
from ..definitions.definition_words import definition_lines
from ..definitions.filter_words import filter_words
from .common import KpiCommon


@tagged("post_install", "-at_install")
class TestFilterWords(KpiCommon):
    def words(self, domain, model="crm.lead", user=None):
        return filter_words(self.env[model].with_user(user or self.ann), Domain(domain))

    def test_conditions(self):
        """Worked examples of all operators and kinds of fields."""
        won = self.env.ref("crm.stage_lead4")
        gone = self.env["crm.team"].create({"name": "Gone"})
        gone_id = gone.id
        gone.unlink()
        cases = (
            ([("expected_revenue", ">", 10000)], "Expected Revenue > 10,000"),
            ([("expected_revenue", "<=", 0.5)], "Expected Revenue ≤ 0.5"),
            ([("type", "=", "lead")], "Type = Lead"),
            ([("type", "!=", "lead")], "Type is not Lead"),
            ([("active", "=", True)], "Active = Yes"),
            ([("active", "in", [True, False])], "Active = Yes or No"),
            ([("stage_id", "in", won.ids)], f"Stage = {won.name}"),
            ([("stage_id", "=", won.id)], f"Stage = {won.name}"),
            ([("user_id", "=", False)], "Salesperson is empty"),
            ([("user_id", "!=", False)], "Salesperson is set"),
            ([("partner_id.country_id", "ilike", "bel")], "Contact › Country contains bel"),
            ([("name", "not ilike", "x")], "Opportunity does not contain x"),
            ([("name", "=like", "A%")], "Opportunity has the form A%"),
            ([("team_id", "=", gone_id)], "Sales Team = a deleted record"),
            ([("create_date", ">=", "2026-03-01")], "Created on ≥ 03/01/2026"),
            ([("create_date", "<", "today -1m =1d")], "Created on < today − 1 month, on day 1"),
            ([("create_date", ">", "-7d")], "Created on > now − 7 days"),
            ([("create_date", ">", "today =monday")], "Created on > today, Monday of the week"),
            (
                [("partner_id", "any", [("country_id.code", "=", "BE")])],
                "Contact with (Country › Country Code = BE)",
            ),
            ([("partner_id", "not any", [])], "Contact is empty"),
            ([("gone_field", "=", 5)], "gone field = 5"),
            ([(1, "=", 1)], ""),
            ([(0, "=", 1)], "no record"),
        )
        for domain, text in cases:
            self.assertEqual(self.words(domain), text, domain)

    def test_and_or_not(self):
        a, b, c = (("color", "=", number) for number in (1, 2, 3))
        label = self.env["crm.lead"]._fields["color"].string
        for domain, text in (
            ([a, b, c], "a and b and c"),
            (["|", a, "|", b, c], "a or b or c"),
            (["|", a, b, c], "(a or b) and c"),
            (["|", "&", a, b, c], "(a and b) or c"),
            (["!", "&", a, b], None),
        ):
            found = self.words(domain)
            for letter, number in zip("abc", "123", strict=True):
                found = found.replace(f"{label} = {number}", letter)
            if text:
                self.assertEqual(found, text, domain)
        self.assertEqual(
            self.words(["!", ("expected_revenue", ">", 5)]), "not (Expected Revenue > 5)"
        )

    def test_names_that_a_reader_may_not_read(self):
        """A filter names its records, and many of them are counted."""
        partners = self.env["res.partner"].create([{"name": f"P{i}"} for i in range(12)])
        text = self.words([("partner_id", "in", partners.ids)])
        self.assertTrue(text.startswith("Contact = P0 or P1 or"), text)
        self.assertTrue(text.endswith("P9 or 2 others"), text)


@tagged("post_install", "-at_install")
class TestDefinitionWords(KpiCommon):
    def lines(self, kpi, user=None):
        kpi = kpi.with_user(user or self.ann).with_company(self.company)
        return {line.label: line.text for line in definition_lines(kpi)}

    def settle(self):
        """Have changes noted, as at the end of a request."""
        self.env.cr.flush()
        self.env.invalidate_all()

    def test_benelux(self):
        """The example of the documentation, for a salesperson."""
        group = self.env["res.country.group"].create({"name": "BeNeLux"})
        source = self.env["crm.kpi.source"].create(
            {
                "name": "Quotations",
                "code": "test_quotations",
                "model_id": self.env["ir.model"]._get_id("sale.order"),
                "domain": "[('state', '!=', 'cancel')]",
                "date_field": "date_order",
                "user_field": "user_id",
                "team_field": "team_id",
                "partner_field": "partner_id",
            }
        )
        kpi = self.make_kpi(
            "benelux",
            source_id=source.id,
            domain="[('amount_untaxed', '>', 10000),"
            f" ('partner_id.country_id.country_group_ids', 'in', {group.ids})]",
            maturity_days=30,
            complete_only=True,
        )
        self.assertEqual(
            self.lines(kpi),
            {
                "Computed as": "Count",
                "Source": "Quotations",
                "Records of the source": "Status is not Cancelled",
                "Filter": "Untaxed Amount > 10,000 and Customer › Country › Country Groups = "
                "BeNeLux",
                "Date that counts": "Order Date",
                "Credited to": "Salesperson; team: Sales Team",
                "Not included": "records of the last 30 days, whose result is not known yet; "
                "periods that are not over",
            },
        )
        answer = self.kpis.with_user(self.ann).get_definition(kpi.id)
        self.assertIn({"label": "Date that counts", "text": "Order Date"}, answer)
        html = kpi.with_user(self.ann).definition
        self.assertIn("Untaxed Amount &gt; 10,000", html)
        self.assertNotIn("amount_untaxed", html)

    def test_formula(self):
        """A formula says how its parts are defined."""
        self.make_kpi("won", name="Won", domain="[('type', '=', 'opportunity')]")
        self.make_kpi("all", name="All")
        rate = self.make_kpi("rate", kind="formula", formula="test_won / test_all", unit="percent")
        self.assertEqual(
            self.lines(rate),
            {
                "Computed as": "Won ÷ All",
                "Won": "Count · Test leads · Type = Opportunity",
                "All": "Count · Test leads",
            },
        )
        self.company.sudo().kpi_min_cell = 5
        self.assertEqual(self.lines(rate)["Not included"], "segments with fewer than 5 records")

    def test_no_raw_domain_of_shipped_kpis(self):
        """No technical name, bracket or quote of a domain is left in any line."""
        for kpi in self.env["crm.kpi"].search([]):
            for label, text in self.lines(kpi, self.env.user).items():
                with self.subTest(kpi.code, label=label):
                    self.assertNotRegex(text, r"\[\(|\('|_id\b|kpi_")

    def test_changes(self):
        """Before and after in words, in the list of changes and in the messages of the form."""
        kpi = self.make_kpi("a", name="A", domain="[('expected_revenue', '>', 100)]")
        other = self.make_kpi("b", name="B")
        formula = self.make_kpi("c", kind="formula", formula="test_a + 1", unit="count")
        tracked = (kpi | formula).with_context(
            tracking_disable=False, mail_notrack=False, mail_create_nolog=False
        )
        self.settle()
        first, second = tracked
        maturity = kpi._fields["maturity_days"].string
        steps = (
            (first, {"domain": "[('type', '=', 'lead')]"},
             "Filter: Expected Revenue > 100 → Type = Lead"),
            (first, {"domain": "[]"}, "Filter: Type = Lead → All records of the source"),
            (first, {"complete_only": True}, "Only complete periods: No → Yes"),
            (first, {"maturity_days": 2.5}, f"{maturity}: 0 → 2.50"),
            (second, {"formula": "test_a / test_b"}, "Formula: A + 1 → A ÷ B"),
        )  # fmt: skip
        for record, values, text in steps:
            record.write(values)
            self.settle()
            [entry, *_others] = definition_changes(record.with_user(self.ann))
            self.assertIn(text, entry.changes)
            self.assertTrue(entry.date_text)
        message = first.message_ids.filtered("tracking_value_ids")[-1]
        [shown] = message.tracking_value_ids._tracking_value_format()
        self.assertEqual(shown["newValue"], "Type = Lead")
        self.assertTrue(other)
        html = first.with_user(self.ann).definition
        self.assertIn("Only complete periods: No → Yes", html)

    def test_changed_source(self):
        """The former filter is read with the fields of the former source."""
        orders = self.env["crm.kpi.source"].create(
            {
                "name": "Quotations",
                "code": "test_quotations",
                "model_id": self.env["ir.model"]._get_id("sale.order"),
                "date_field": "date_order",
            }
        )
        kpi = self.make_kpi("a", domain="[('expected_revenue', '>', 100)]").with_context(
            tracking_disable=False, mail_notrack=False, mail_create_nolog=False
        )
        self.settle()
        kpi.domain = "[('expected_revenue', '>', 200)]"
        self.settle()
        kpi.write({"source_id": orders.id, "domain": "[('amount_untaxed', '>', 300)]"})
        self.settle()
        texts = [text for entry in definition_changes(kpi) for text in entry.changes]
        self.assertIn("Filter: Expected Revenue > 100 → Expected Revenue > 200", texts)
        self.assertIn("Filter: Expected Revenue > 200 → Untaxed Amount > 300", texts)

    def test_change_of_the_source(self):
        """What changes in a source is noted on each of its KPIs, also for an archived one."""
        kpis = self.make_kpi("a") | self.make_kpi("b", active=False)
        source = self.source.with_context(
            tracking_disable=False, mail_notrack=False, mail_create_nolog=False
        )
        source.write(
            {
                "name": "Renamed",
                "domain": "[('type', '=', 'lead')]",
                "date_field": "date_closed",
                "trailing_months": 3,
            }
        )
        self.settle()
        for kpi in kpis:
            [entry] = definition_changes(kpi.with_user(self.ann))
            self.assertEqual(
                set(entry.changes),
                {
                    "Source › Filter: All records → Type = Lead",
                    "Source › Date: Created on → Closed Date",
                    "Source › Months looked back: 0 → 3",
                },
            )
            self.assertEqual(entry.author, self.env.user.name)
        source.write({"domain": "[('type', '=',   'lead')]"})
        self.settle()
        self.assertEqual(len(definition_changes(kpis[0])), 1)

    def test_sources_in_words(self):
        """Dates of snapshots, spans, trailing events and cohorts; credit of companies only."""
        cases = (
            ({"kind": "snapshot"}, "Open at the end of the period; since Created on"),
            (
                {"kind": "snapshot", "date_end_field": "date_closed"},
                "Open at the end of the period; from Created on to Closed Date",
            ),
            (
                {"trailing_months": 12},
                "Created on, in the periods that end within 12 months after it",
            ),
            (
                {"date_end_field": "date_closed"},
                "From Created on to Closed Date, in the periods that contain all of these days",
            ),
        )
        for index, (values, text) in enumerate(cases):
            source = self.source.copy({"code": f"test_{index}", "name": "S", **values})
            kpi = self.make_kpi(f"source_{index}", source_id=source.id)
            self.assertEqual(self.lines(kpi)["Date that counts"], text)
        source = self.source.copy({"code": "test_none", "user_field": False, "team_field": False})
        kpi = self.make_kpi("none", source_id=source.id, company_id=self.company.id)
        self.assertEqual(self.lines(kpi)["Credited to"], "The company only")
        self.assertEqual(self.lines(kpi)["Company"], "KPI company")

    def test_readers_of_groups(self):
        """A reader learns nothing of a KPI that they may not read."""
        group = self.env["res.groups"].create({"name": "Few"})
        closed = self.make_kpi("closed", name="Closed", group_ids=[Command.set(group.ids)])
        formula = self.make_kpi("f", kind="formula", formula="test_closed * 2")
        self.assertEqual(set(self.lines(formula)), {"Computed as"})
        with self.assertRaises(AccessError):
            self.kpis.with_user(self.ann).get_definition(closed.id)
