# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""On the form of a record: in which KPIs it counts, and why it does not count in others."""

from datetime import timedelta

from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged
from odoo.tools.misc import format_date

from .common_board import BoardCase
from .common_history import HistoryCase
from .test_catalogue import CatalogueCase


class CountsInMixin:
    def counts(self, record, user=None):
        """``({KPI name: period}, {KPI name: reason})``."""
        answer = self.env["crm.kpi"].with_user(user or self.env.user)
        self.env.flush_all()
        answer = answer.with_company(self.company).get_counts_in(record._name, record.id)
        return tuple(
            {kpi["name"]: group["text"] for group in answer[key] for kpi in group["kpis"]}
            for key in ("included", "excluded")
        )

    def check(self, record):
        """Of all published KPIs: a record counts exactly where it is opened behind the value.

        Compare with the records that are opened behind the value of the company."""
        answer = self.env["crm.kpi"].with_company(self.company)
        answer = answer.get_counts_in(record._name, record.id)
        counted = {kpi["id"] for group in answer["included"] for kpi in group["kpis"]}
        others = {kpi["id"] for group in answer["excluded"] for kpi in group["kpis"]}
        self.assertTrue(all(group["text"] for group in answer["excluded"]))
        cell = {"level": "company", "team_id": False, "user_id": False, "segment_id": False}
        kpis = self.env["crm.kpi"].search(
            [
                ("state", "=", "published"),
                ("kind", "=", "aggregate"),
                ("source_id.model_id.model", "=", record._name),
                ("source_id.kind", "!=", "cohort"),
            ]
        )
        self.assertEqual(counted | others, set(kpis.ids))
        self.assertFalse(counted & others)
        months = self.env["crm.kpi.period"].search(
            [("company_id", "=", self.company.id), ("kind", "=", "month")]
        )
        for kpi in kpis:
            known = months
            if kpi.source_id.kind == "snapshot" or kpi.source_id.trailing_months:
                known = months._current("month", self.company)
            found = any(record.id in kpi.source_id._record_ids(kpi, month, cell) for month in known)
            self.assertEqual(kpi.id in counted, found, kpi.code)


@tagged("post_install", "-at_install")
class TestCountsIn(CountsInMixin, BoardCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # only the KPIs of this test
        cls.env["crm.kpi"].search([("code", "not like", "test_")]).state = "draft"
        april = [("company_id", "=", cls.company.id), ("create_date", ">=", "2026-04-01")]
        cls.large, cls.small = (
            cls.env["crm.lead"].search([*april, ("expected_revenue", "=", revenue)], limit=1)
            for revenue in (500, 10)
        )

    def test_included_and_excluded(self):
        included, excluded = self.counts(self.large)
        self.assertEqual(included, dict.fromkeys(("Leads", "amount", "big"), "April 2026"))
        self.assertFalse(excluded)
        included, excluded = self.counts(self.small)
        self.assertEqual(included, dict.fromkeys(("Leads", "amount"), "April 2026"))
        self.assertEqual(excluded, {"big": "Expected Revenue is 10.00, but must be more than 100"})

    def test_formulas_that_use_it(self):
        answer = self.env["crm.kpi"].get_counts_in("crm.lead", self.large.id)
        [group] = answer["included"]
        used = {kpi["name"]: kpi["used_by"] for kpi in group["kpis"]}
        self.assertEqual(used, {"Leads": "share", "amount": "", "big": "share"})

    def test_reasons(self):
        """Filters of source and KPI, maturity, missing values and dates, and records of the past."""
        won = self.source.copy(
            {
                "code": "test_won",
                "domain": "[('type', '=', 'opportunity'), ('won_status', '=', 'won')]",
                "date_field": "kpi_won_date",
            }
        )
        due = self.source.copy({"code": "test_due", "date_field": "date_deadline"})
        stock = self.source.copy(
            {"code": "test_stock", "kind": "snapshot", "domain": "[('active', '=', True)]"}
        )
        year = self.source.copy({"code": "test_year", "trailing_months": 12})
        for code, values in {
            "won": {"source_id": won.id},
            "due": {"source_id": due.id},
            "stock": {"source_id": stock.id},
            "year": {"source_id": year.id},
            "young": {"maturity_days": 30},
            "mean": {"aggregator": "avg", "value_field": "probability", "unit": "ratio"},
            "hot": {"domain": "['|', ('priority', '=', '3'), ('partner_id', '!=', False)]"},
            "group": {"group_ids": self.env["res.groups"].create({"name": "Books"}).ids},
            "draft": {"state": "draft"},
        }.items():
            self.make_kpi(code, **values)
        self.backdate(self.small, probability=None)
        included, excluded = self.counts(self.small)
        self.assertEqual(
            included,
            {
                "Leads": "April 2026",
                "amount": "April 2026",
                "stock": "now",
                "year": "now, for the last 12 months",
            },
        )
        excluded.pop("big")
        mature = format_date(
            self.env, self.small.create_date + timedelta(days=30), date_format="medium"
        )
        self.assertEqual(
            excluded,
            {
                "won": "Won/Lost is Pending, but must be Won",
                "due": "Expected Closing is empty",
                "young": f"It is not mature before {mature}",
                "mean": "It has no value to compute from",
                "hot": "Priority is Low, but must be Very High or "
                "Contact is empty, but must be set",
            },
        )
        self.small.action_set_lost()
        self.backdate(self.small, create_date="2025-01-02 10:00:00")
        included, excluded = self.counts(self.small)
        self.assertEqual(excluded["stock"], "Active is No, but must be Yes")
        self.assertEqual(excluded["year"], "Its date is not within the last 12 months")

    def test_record_without_a_company(self):
        stray = self.make_lead("2026-04-03 10:00:00")
        other = self.env["res.company"].create({"name": "Elsewhere"})
        self.mia.company_ids |= other  # the company of the record is not known from their number
        stray.write({"company_id": False, "team_id": False, "user_id": False})
        included, excluded = self.counts(stray)
        self.assertFalse(included)
        self.assertEqual(
            excluded["Leads"], "It belongs to no company, team or salesperson of a company"
        )

    def test_rights(self):
        """Only of a record that the user may read, without values that they may not read."""
        bobs = self.env["crm.lead"].search([("user_id", "=", self.bob.id)], limit=1)
        with self.assertRaises(AccessError):
            self.counts(bobs, self.ann)
        own = self.counts(self.small, self.ann)
        self.assertEqual(own[1]["big"], "Expected Revenue is 10.00, but must be more than 100")
        wrong = (
            ("no.such", 1),
            ("mail.thread", 1),
            ([], 1),
            ("crm.lead", "x"),
            ("crm.lead", 2**40),
            ("crm.lead", None),
        )
        for model, record_id in wrong:
            with self.assertRaises(UserError):
                self.env["crm.kpi"].get_counts_in(model, record_id)
        bobs.unlink()
        with self.assertRaises(UserError):
            self.counts(bobs)

    def test_words(self):
        """Conditions of all kinds of fields."""
        lead = self.small
        lead.tag_ids = self.env["crm.tag"].create({"name": "Fair"})
        for domain, text in (
            ("[('type', '!=', 'opportunity')]", "Type is Opportunity, but must not be Opportunity"),
            ("[('user_id', '=', False)]", "Salesperson is ann, but must be empty"),
            ("[('user_id.active', '=', False)]", "Salesperson › Active is Yes, but must be No"),
            ("[('partner_id.active', '=', True)]", "Active is empty, but must be Yes"),
            ("[('tag_ids', '=', False)]", "Tags is Fair, but must be empty"),
            (f"[('team_id', 'in', {self.south.ids})]", "Sales Team is North, but must be South"),
            ("[('create_date', '<', '2026-01-01')]", "but must be less than 01/01/2026"),
            ("[('name', 'ilike', 'zzz')]", "Opportunity does not fit the filter"),
        ):
            kpi = self.make_kpi("words", name="Words", domain=domain)
            self.assertIn(text.casefold(), self.counts(lead)[1]["Words"].casefold(), domain)
            kpi.unlink()

    def test_forms(self):
        """The page of KPIs on both forms."""
        for model in ("crm.lead", "sale.order"):
            arch = self.env[model].with_user(self.ann).get_view(view_type="form")["arch"]
            self.assertIn("crm_kpi_counts_in", arch, model)


@tagged("post_install", "-at_install")
class TestCountsInCatalogue(CountsInMixin, CatalogueCase, HistoryCase):
    def test_leads_and_orders(self):
        with self.at("2026-10-05 10:00"):
            reason = self.env["crm.lost.reason"].create({"name": "Spam", "kpi_disqualified": True})
            won, lost, spam, open_one = (self._lead(user_id=self.ann.id) for _ in range(4))
            order = self._order(self._customer(), "2026-10-05 10:00", opportunity_id=won.id)
            won.action_set_won()
            lost.action_set_lost()
            spam.action_set_lost(lost_reason_id=reason.id)
        with self.at("2026-11-20 12:00"):
            self._refresh("new_leads", "deals_won")
            for record in won | lost | spam | open_one:
                self.check(record)
            self.check(order)
            _included, excluded = self.counts(spam)
            self.assertIn("but must not be Yes", excluded["New leads"])
            included, _excluded = self.counts(won)
            self.assertEqual(included["Deals won"], "October 2026")
