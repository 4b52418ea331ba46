# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The preview of a KPI that is not saved, on 15 April 2026."""

import re
from contextlib import closing
from unittest.mock import patch

import psycopg2

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import file_open, mute_logger

from .. import bounded
from ..board import preview as preview_module
from ..definitions.unsaved import PREVIEWED
from .common_board import BoardCase

MONTHS = ["January 2026", "February 2026", "March 2026", "April 2026"]


class PreviewCase(BoardCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.own, cls.outside = (
            cls.make_user(name, "crm_kpi.group_kpi_admin", *groups)
            for name, *groups in (("Olaf", "sales_team.group_sale_salesman"), ("Otto",))
        )

    def values(self, **values):
        """The fields of a form in which nothing is saved."""
        return {
            "name": "New",
            "code": "test_new",
            "kind": "aggregate",
            "source_id": self.source.id,
            "domain": "[]",
            "aggregator": "count",
            "value_field": False,
            "formula": False,
            "unit": "count",
            "digits": 0,
            "direction": "increase",
            **values,
        }

    def preview(self, values, user=None, kpi=None, **kwargs):
        kpis = self.env["crm.kpi"].with_user(user or self.ada).with_company(self.company)
        self.env.flush_all()
        return kpis.get_preview(kpi.id if kpi else False, values, **kwargs)

    def texts(self, preview):
        self.assertFalse(preview["error"])
        return {period["label"]: period["value_text"] for period in preview["periods"]}


@tagged("post_install", "-at_install")
class TestPreview(PreviewCase):
    def test_values_of_an_unsaved_kpi(self):
        """March: 10 and 200 of Ann, 300 and 10 of Bob, 10 of Cid."""
        preview = self.preview(self.values(domain="[('expected_revenue', '>', 100)]"))
        months = (("2026-01-01", "2026-02-01"), ("2026-02-01", "2026-03-01"),
                  ("2026-03-01", "2026-04-01"), ("2026-04-01", "2026-05-01"))  # fmt: skip
        counts = [self.count("expected_revenue > 100", *month)[0] for month in months]
        self.assertEqual(counts, [0, 0, 2, 2])
        self.assertEqual(self.texts(preview), dict(zip(MONTHS, map(str, counts), strict=True)))
        self.assertEqual(len(preview["sparkline"]), 12)
        self.assertEqual([point["value"] for point in preview["sparkline"]][-4:], counts)
        self.assertEqual([p["chosen"] for p in preview["periods"]], [False, False, True, False])
        self.assertEqual([p["running"] for p in preview["periods"]], [False, False, False, True])
        self.assertEqual(
            {row["name"]: row["value"] for row in preview["salespeople"]},
            {"Ann": 1, "Bob": 1, "Cid": 0},
        )
        self.assertEqual([row["value"] for row in preview["segments"]], [2])
        self.assertEqual(preview["count_text"], "2 in March 2026, 4 in all")
        self.assertEqual(preview["explanation"]["included"]["count"], 2)
        excluded = {row["reason"]: row["count"] for row in preview["explanation"]["excluded"]}
        self.assertEqual(excluded, {"filter": 3})

    def test_records(self):
        """Date, amount, customer and salesperson of what counts, and of what does not."""
        customer = self.env["res.partner"].create({"name": "Brewery"})
        leads = self.env["crm.lead"].search([("company_id", "=", self.company.id)])
        big = leads.filtered(lambda lead: lead.expected_revenue == 300)
        big.partner_id = customer
        values = self.values(domain="[('expected_revenue', '>', 100)]")
        preview = self.preview(values)
        self.assertEqual(preview["record_model"], "crm.lead")
        self.assertEqual((preview["date_label"], preview["amount_label"]),
                         ("Created on", "Expected Revenue"))  # fmt: skip
        [row] = [row for row in preview["records"] if row["id"] == big.id]
        self.assertEqual(
            (row["date"], row["customer"], row["salesperson"]), ("03/13/2026", "Brewery", "Bob")
        )
        self.assertIn("300.00", row["amount"])
        preview = self.preview(values, reason="filter")
        self.assertEqual({row["amount"][-5:] for row in preview["records"]}, {"10.00"})
        self.assertEqual(len(preview["records"]), 3)
        april = preview["periods"][-1]["id"]
        preview = self.preview(values, period_id=april)
        self.assertEqual(len(preview["records"]), 2)
        self.assertEqual([p["chosen"] for p in preview["periods"]], [False, False, False, True])
        kpis = self.env["crm.kpi"].with_user(self.ada).with_company(self.company)
        action = kpis.open_preview(False, values, april)
        found = self.env["crm.lead"].search(action["domain"])
        self.assertEqual(sorted(found.mapped("expected_revenue")), [500, 600])

    def test_every_aggregate(self):
        """The values are those that a refresh stores."""
        money = {"value_field": "expected_revenue", "unit": "money"}
        cases = [
            {"aggregator": name, **money}
            for name in ("sum", "sum_known", "avg", "min", "max", "median", "p90")
        ]
        cases += [
            {"aggregator": "count_distinct", "value_field": "user_id"},
            {"maturity_days": 20},
            {"complete_only": True},
        ]
        for index, case in enumerate(cases):
            saved = self.make_kpi(f"case_{index}", **case)
            self.refresh()
            preview = self.preview(self.values(**case))
            self.assertFalse(preview["error"], case)
            months = self.env["crm.kpi.period"].search(
                [("kind", "=", "month"), ("company_id", "=", self.company.id)]
            )
            stored = {month.display_name: self.value(saved, month) for month in months}
            for point in preview["sparkline"]:
                expected = stored[point["label"]]
                self.assertEqual(point["value"], expected, (case, point["label"]))

    def test_never_writes(self):
        """In a transaction that refuses to write, for all kinds of KPIs."""
        draft = self.make_kpi("draft", state="draft")
        cases = (
            (None, self.values()),
            (None, self.values(kind="formula", formula="test_big / test_draft")),
            (self.amount, {"domain": "[('expected_revenue', '>', 5)]"}),
            (None, self.values(kind="manual")),
            (None, self.values(domain="[('nothing', '=', 1)]")),
        )
        self.env.cr.flush()
        with closing(self.env.cr.savepoint(flush=False)):
            self.env.cr.execute("SET TRANSACTION READ ONLY")
            with (
                mute_logger("odoo.sql_db"),
                self.assertRaises(psycopg2.errors.ReadOnlySqlTransaction),
                self.env.cr.savepoint(flush=False),
            ):
                self.env.cr.execute("UPDATE crm_kpi SET sequence = sequence")
            for kpi, values in cases:
                self.preview(values, kpi=kpi)
        draft.invalidate_recordset()
        self.assertEqual(self.amount.domain, "[]")

    def test_same_checks_as_saving(self):
        """Each refusal is the sentence that saving would show, and nothing is raised."""
        cases = (
            {"domain": "[('nothing', '=', 1)]"},
            {"domain": "[('name', '=', uid)]"},
            {"domain": "[('message_ids.body', 'ilike', 'secret')]"},
            {"domain": "[('user_id.password', '=', 'x')]"},
            {"aggregator": "sum", "value_field": "name"},
            {"aggregator": "sum", "value_field": "expected_revenue"},
            {"aggregator": "sum", "value_field": "@age_days"},
            {"unit": "money"},
            {"maturity_days": -1},
            {"code": "Not good"},
            {"kind": "formula", "formula": "test_leads +"},
            {"kind": "formula", "formula": "test_nothing * 2"},
            {"kind": "formula", "formula": "test_amount * 2"},
        )
        for case in cases:
            with self.subTest(case):
                values = self.values(**case)
                with self.assertRaises(UserError) as caught, self.env.cr.savepoint():
                    self.env["crm.kpi"].with_user(self.ada).create(
                        {**values, "category_id": self.category.id}
                    )
                preview = self.preview(values)
                expected = str(caught.exception)
                # the address of an object in a message of Python differs
                address = re.compile("0x[0-9a-f]+")
                self.assertEqual(address.sub("", preview["error"]), address.sub("", expected))
                self.assertFalse(preview["periods"] + preview["records"])

    def test_a_cycle_with_an_edited_formula(self):
        """A stored formula is edited so that it uses itself through another one."""
        double = self.make_kpi("double", kind="formula", formula="test_share * 2", unit="percent")
        preview = self.preview({"formula": "test_double / 2"}, kpi=self.share)
        self.assertIn("test_share", preview["error"])
        self.assertFalse(self.preview({"formula": "test_leads / 2"}, kpi=double)["error"])

    def test_the_form_sends_what_the_preview_depends_on(self):
        with file_open("crm_kpi/static/src/board/kpi_preview/kpi_preview.js") as file:
            [names] = re.findall(r"const FIELDS = \[(.*?)\]", file.read(), re.DOTALL)
        self.assertEqual(set(re.findall(r'"(\w+)"', names)), PREVIEWED)

    def test_hints(self):
        """What is missing is asked for; that is no error."""
        for case, text in (
            ({"source_id": False}, "source"),
            ({"aggregator": "sum"}, "field"),
            ({"kind": "formula"}, "formula"),
            ({"kind": "manual"}, "saved"),
        ):
            preview = self.preview(self.values(**case))
            self.assertFalse(preview["error"], case)
            self.assertIn(text, preview["hint"], case)

    def test_values_that_no_form_sends(self):
        """Forged calls are refused in words, too."""
        for case in (
            {"kind": "other"},
            {"aggregator": "sum(1); --"},
            {"aggregator": ["count"]},
            {"maturity_days": "x"},
            {"maturity_days": 1e300},
            {"source_id": 999999999},
            {"domain": {"a": 1}},
            {"digits": "many"},
        ):
            with self.subTest(case), mute_logger("odoo.addons.crm_kpi.refresh.failures"):
                self.assertTrue(self.preview(self.values(**case))["error"])
        for forged in ({"period_id": "x"}, {"period_id": -1}, {"reason": "'"}, {"reason": None}):
            self.assertEqual(
                self.preview(self.values(), **forged)["count_text"], "5 in March 2026, 18 in all"
            )

    def test_count_beside_the_filter_ends_at_a_limit(self):
        """18 leads in all: exact up to 18, and "17+" where only 17 are counted."""
        for most, text in ((18, "5 in March 2026, 18 in all"), (17, "5 in March 2026, 17+ in all")):
            with patch.object(bounded, "MOST", most):
                self.assertEqual(self.preview(self.values())["count_text"], text)


@tagged("post_install", "-at_install")
class TestPreviewOfFormulas(PreviewCase):
    def test_formula_of_stored_values(self):
        """2 of 5 in March, as the stored share."""
        values = self.values(
            kind="formula", formula="test_big / test_leads", unit="percent", digits=1
        )
        preview = self.preview(values)
        self.assertEqual(self.texts(preview)["March 2026"], "40.0\u00a0%")
        self.assertEqual(self.texts(preview)["January 2026"], "–")
        march = self.period("month", "2026-03-02")
        self.assertEqual(self.value(self.share, march), 0.4)
        people = {row["name"]: row["value"] for row in preview["salespeople"]}
        # Ann 1 of 2, Bob 1 of 2, Cid 0 of 1
        self.assertEqual(people, {"Ann": 0.5, "Bob": 0.5, "Cid": 0})
        components = {row["name"]: row["value_text"] for row in preview["components"]}
        self.assertEqual(components, {"big": "2", "Leads": "5"})
        self.assertIsNone(preview["explanation"])

    def test_formula_of_components_that_are_not_computed(self):
        """Drafts and formulas of drafts are computed for the preview."""
        self.make_kpi("small", state="draft", domain="[('expected_revenue', '<=', 100)]")
        self.make_kpi("rate", state="draft", kind="formula", formula="test_small / test_leads")
        preview = self.preview(
            self.values(kind="formula", formula="test_rate + test_big * 0", unit="ratio", digits=1)
        )
        self.assertEqual(self.texts(preview)["March 2026"], "0.6")
        people = {row["name"]: row["value"] for row in preview["salespeople"]}
        self.assertEqual(people, {"Ann": 0.5, "Bob": 0.5, "Cid": 1})

    def test_sums_of_periods_of_a_draft(self):
        """Leads of January to March within a formula of drafts: 0, 4 and 5."""
        self.make_kpi("all", state="draft")
        self.make_kpi("sum", state="draft", kind="formula", formula="rolling(test_all, 3)")
        preview = self.preview(self.values(kind="formula", formula="test_sum * 2"))
        self.assertEqual(self.texts(preview)["March 2026"], "18")
        # Ann: 2 in February and 2 in March
        people = {row["name"]: row["value"] for row in preview["salespeople"]}
        self.assertEqual(people["Ann"], 8)

    def test_earlier_periods_and_targets(self):
        """February had 4 leads, March 5, April 6; the target of March is 10."""
        march = self.period("month", "2026-03-02")
        self.env["crm.kpi.goal"].create(
            {
                "kpi_id": self.leads.id,
                "period_id": march.id,
                "scope": "company",
                "kind": "at_least",
                "target": 10,
            }
        )
        for formula, expected in (
            ("test_leads - previous(test_leads)", "1"),
            ("test_leads / last_year(test_leads)", "–"),
            ("target(test_leads) - test_leads", "5"),
            ("to_date(test_leads)", "9"),
            ("rolling(test_leads, 2)", "9"),
            ("rolling(test_leads, 60)", "–"),
            ("if(test_leads > 4, previous(test_leads), 0)", "4"),
            ("coalesce(last_year(test_leads), test_leads)", "5"),
        ):
            preview = self.preview(self.values(kind="formula", formula=formula))
            self.assertEqual(self.texts(preview)["March 2026"], expected, formula)

    def test_sums_of_several_periods(self):
        """Salespeople add up to the company; segments have no sums."""
        preview = self.preview(self.values(kind="formula", formula="rolling(test_leads, 2)"))
        leads = self.env["crm.lead"].search([("company_id", "=", self.company.id)])
        spring = leads.filtered(lambda lead: lead.create_date.month in (2, 3))
        self.assertEqual(len(spring), 9)
        self.assertEqual(
            {row["name"]: row["value"] for row in preview["salespeople"]},
            {
                user.name: len(spring.filtered(lambda lead, user=user: lead.user_id == user))
                for user in spring.user_id
            },
        )
        self.assertFalse(preview["segments"])
        [component] = preview["components"]
        self.assertEqual(component["name"], "Leads of the last 2 periods")
        self.assertEqual(component["value_text"], "9")


@tagged("post_install", "-at_install")
class TestRightsOfPreviews(PreviewCase):
    def test_only_administrators(self):
        for user in (self.ann, self.mia):
            for method in ("get_preview", "open_preview"):
                with self.assertRaises(AccessError):
                    getattr(self.env["crm.kpi"].with_user(user), method)(False, self.values())

    def test_only_records_that_the_user_may_read(self):
        """Olaf reads his own leads and the unassigned one; Otto reads none."""
        leads = self.env["crm.lead"].search(
            [("company_id", "=", self.company.id), ("expected_revenue", "=", 300)]
        )
        leads.user_id = self.own
        preview = self.preview(self.values(), self.own)
        self.assertEqual(self.texts(preview)["March 2026"], "1")
        self.assertEqual(preview["count_text"], "1 in March 2026, 2 in all")
        self.assertEqual([row["id"] for row in preview["records"]], leads.ids)
        self.assertEqual(preview["explanation"]["total"], 1)
        preview = self.preview(self.values(domain="[('expected_revenue', '<', 5)]"), self.own)
        self.assertEqual(preview["explanation"]["excluded"][0]["count"], 1)
        preview = self.preview(self.values(), self.outside)
        self.assertTrue(preview["error"])
        self.assertFalse(preview["periods"] + preview["records"])

    def test_closed_kpis(self):
        """Who may read the values is said in words."""
        group = self.env["res.groups"].create({"name": "Accountants"})
        self.leads.group_ids = group
        preview = self.preview({"domain": "[]"}, kpi=self.leads)
        self.assertEqual(
            preview["error"], "Leads: only members of Accountants can read its values."
        )
        self.ada.group_ids |= group
        self.assertEqual(self.texts(self.preview({}, kpi=self.leads))["March 2026"], "5")

    def test_never_of_other_companies(self):
        elsewhere = self.env["res.company"].create({"name": "Elsewhere"})
        month = self.env["crm.kpi.period"].sudo()._current("month", elsewhere)
        preview = self.preview(self.values(company_id=elsewhere.id))
        self.assertTrue(preview["error"])
        preview = self.preview(self.values(), period_id=month.id)
        self.assertNotIn(month.id, [period["id"] for period in preview["periods"]])

    def test_sources_that_must_be_approved(self):
        """Its author sees a preview of what they may read, and that it must be approved."""
        source = self.source.with_user(self.own).copy({"code": "test_copied"})
        self.assertTrue(source.needs_approval)
        preview = self.preview(self.values(source_id=source.id), self.own)
        self.assertIn("must approve", preview["notes"][0])

    def test_names_that_the_user_may_not_read(self):
        """A private customer is not named."""
        rule = self.env["ir.rule"].create(
            {
                "name": "No breweries",
                "model_id": self.env["ir.model"]._get_id("res.partner"),
                "domain_force": "[('name', '!=', 'Brewery')]",
            }
        )
        customer = self.env["res.partner"].create({"name": "Brewery"})
        leads = self.env["crm.lead"].search([("company_id", "=", self.company.id)])
        leads.partner_id = customer
        self.assertEqual({row["customer"] for row in self.preview(self.values())["records"]}, {""})
        rule.active = False
        preview = self.preview(self.values())
        self.assertEqual({row["customer"] for row in preview["records"]}, {"Brewery"})


@tagged("post_install", "-at_install")
class TestPreviewOfSources(PreviewCase):
    def test_stock(self):
        """Only the present is known of a pipeline."""
        source = self.env.ref("crm_kpi.crm_kpi_source_lead_open")
        domain = "[('priority', 'in', ['0', '1', '2', '3'])]"
        preview = self.preview(self.values(source_id=source.id, domain=domain))
        self.env.cr.execute(
            """SELECT count(*) FROM crm_lead WHERE company_id = %s AND type = 'opportunity'
                  AND active AND won_status = 'pending'""",
            [self.company.id],
        )
        [count] = self.env.cr.fetchone()
        texts = list(self.texts(preview).values())
        self.assertEqual(texts, ["–", "–", "–", str(count)])
        self.assertTrue(preview["periods"][-1]["chosen"])
        self.assertIn("earlier months", preview["notes"][0])

    def test_shipped_sources(self):
        """All sources have a preview, also cohorts and manual entries, and so have formulas."""
        kpis = self.env["crm.kpi"].search([("state", "=", "published")])
        formulas = kpis.filtered(lambda kpi: kpi.kind == "formula")
        for kpi in [*formulas[:8], *(own[0] for own in kpis.grouped("source_id").values())]:
            with self.subTest(kpi.code):
                preview = self.preview({}, self.env.user, kpi)
                self.assertFalse(preview["error"])
                self.assertEqual(len(preview["sparkline"]), 12)
                self.assertEqual(len(preview["periods"]), 4)

    def test_orders_of_a_country_group(self):
        """Quotations above 10,000 in Benelux, before the first save."""
        belgium, france = self.env.ref("base.be"), self.env.ref("base.fr")
        group = self.env["res.country.group"].create(
            {"name": "BeNeLux", "country_ids": [Command.set(belgium.ids)]}
        )
        product = self.env["product.product"].create({"name": "Press"})
        orders = self.env["sale.order"]
        for country, price in (
            (belgium, 12000),
            (belgium, 9000),
            (france, 15000),
            (belgium, 20000),
        ):
            customer = self.env["res.partner"].create(
                {"name": f"{country.code} {price}", "country_id": country.id}
            )
            orders += orders.create(
                {
                    "partner_id": customer.id,
                    "company_id": self.company.id,
                    "user_id": self.ann.id,
                    "date_order": "2026-03-10 10:00:00",
                    "order_line": [
                        Command.create(
                            {"product_id": product.id, "price_unit": price, "tax_ids": False}
                        )
                    ],
                }
            )
        source = self.env["crm.kpi.source"].create(
            {
                "name": "Quotations",
                "code": "test_quotations",
                "model_id": self.env["ir.model"]._get_id("sale.order"),
                "date_field": "date_order",
                "user_field": "user_id",
                "partner_field": "partner_id",
            }
        )
        values = self.values(
            source_id=source.id,
            domain=f"[('amount_untaxed', '>', 10000),"
            f" ('partner_id.country_id.country_group_ids', 'in', {group.ids})]",
        )
        preview = self.preview(values)
        self.assertEqual(self.texts(preview)["March 2026"], "2")
        self.assertEqual(preview["count_text"], "2 in March 2026, 2 in all")
        self.assertEqual({row["customer"] for row in preview["records"]}, {"BE 12000", "BE 20000"})
        self.assertEqual(preview["amount_label"], "Untaxed Amount")
        self.assertFalse(self.env["crm.kpi"].search([("source_id", "=", source.id)]))

    def test_a_heavy_preview_is_a_sentence(self):
        """With a time of nearly nothing, over 20,000 leads."""
        names = "name, type, active, company_id, create_date, expected_revenue"
        self.env.cr.execute(
            f"""INSERT INTO crm_lead ({names})
                SELECT {names} FROM crm_lead, generate_series(1, 20000)
                 WHERE id = (SELECT max(id) FROM crm_lead WHERE company_id = %s)""",
            [self.company.id],
        )
        self.patch(preview_module, "SECONDS", 0.001)
        with self.assertNoLogs("odoo.sql_db", "ERROR"):
            preview = self.preview(self.values())
        self.assertIn("stopped", preview["notes"][-1])
        self.assertFalse(preview["error"])
        # the transaction goes on, without the limit
        self.env.cr.execute("SHOW statement_timeout")
        self.assertEqual(self.env.cr.fetchone(), ("0",))
