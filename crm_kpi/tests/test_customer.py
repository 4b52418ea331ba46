# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The rows of crm.kpi.customer, their ageing and their scores."""

import random
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from odoo import Command
from odoo.exceptions import AccessError
from odoo.tests import Form, freeze_time, new_test_user, tagged

from ..customers.present import FACTS, STANDING
from .common_history import HistoryCase, utc

UTC, BRUSSELS = ZoneInfo("UTC"), ZoneInfo("Europe/Brussels")


class CustomerCase(HistoryCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.note = cls.env.ref("mail.mt_note")

    def _derive(self, now=None):
        """Derive the rows and everything they depend on, as a refresh does."""
        if now:
            with freeze_time(now):
                return self._derive()
        for name in ("sale.order", "crm.kpi.interaction", "crm.kpi.customer"):
            self.env[name]._kpi_derive()
        return None

    def _row(self, partner, company=None):
        return self.env["crm.kpi.customer"].search(
            [("partner_id", "=", partner.id), ("company_id", "=", (company or self.company).id)]
        )

    def _ordered(self, name, *days_ago, now="2026-12-01 12:00", amount=100.0, **values):
        """A customer with orders a given number of days before ``now``."""
        customer = self._customer(name, **values)
        for days in days_ago:
            self._order(customer, utc(now) - timedelta(days=days), amount)
        return customer

    def _message(self, record, when, author=None, **values):
        """A message, by default from the contact itself."""
        return self.env["mail.message"].create(
            {
                "model": record._name,
                "res_id": record.id,
                "date": when,
                "author_id": author.partner_id.id if author else record.id,
                "message_type": "comment" if author else "email",
                "subtype_id": self.env.ref("mail.mt_comment").id,
                "body": "text",
                **values,
            }
        )


@tagged("post_install", "-at_install")
class TestCustomerFacts(CustomerCase):
    def test_orders(self):
        customer = self._customer()
        contact = self.env["res.partner"].create({"name": "Contact", "parent_id": customer.id})
        self._order(customer, "2026-03-01 10:00", 100, user=self.ann, team_id=self.north.id)
        self._order(contact, "2026-01-01 10:00", 300)
        self._order(contact, "2026-02-01 10:00", 200, user=self.bob, team_id=self.south.id)
        self._order(customer, "2026-04-01 10:00", 50, state="sent")
        self._derive("2026-04-15 12:00")
        row = self._row(customer)
        self.assertEqual(row.first_order_date, utc("2026-01-01 10:00"))
        self.assertEqual(row.last_order_date, utc("2026-03-01 10:00"))
        self.assertEqual((row.order_count, row.ltv_to_date, row.revenue_12m), (3, 600, 600))
        self.assertEqual((row.user_id, row.team_id), (self.ann, self.north))
        self.assertFalse(self._row(contact))

    def test_salesperson(self):
        """The customer's own, else that of the last order; OdooBot gets no credit."""
        customer = self._customer(user_id=self.bob.id)
        self._order(customer, "2026-03-01 10:00", user=self.ann)
        robot = self._customer("By the system")
        self._order(robot, "2026-03-01 10:00", user=self.env.ref("base.user_root"))
        self._derive()
        self.assertEqual(self._row(customer).user_id, self.bob)
        self.assertFalse(self._row(robot).user_id)
        customer.user_id = False
        self._derive()
        self.assertEqual(self._row(customer).user_id, self.ann)

    def test_who_is_a_customer(self):
        """No companies of ours, no staff, no public user, no contacts."""
        public = self.env.ref("base.public_partner")
        for partner in (self.company.partner_id, self.ann.partner_id, public):
            self._order(partner, "2026-03-01 10:00")
        quoted = self._customer("Quoted")
        self._order(quoted, "2026-03-01 10:00", state="draft")
        self._derive()
        for partner in (self.company.partner_id, self.ann.partner_id, public, quoted):
            self.assertFalse(self._row(partner))

    def test_free_and_returned_orders(self):
        """They make no customer, but count in the revenue."""
        customer = self._customer()
        self._order(customer, "2026-03-01 10:00", 0)
        self._order(customer, "2026-03-02 10:00", -40)
        self._derive("2026-04-01")
        row = self._row(customer)
        self.assertEqual((row.order_count, row.ltv_to_date), (0, -40))
        self.assertFalse(row.first_order_date)
        self.assertEqual(row.status, "prospect")
        self.assertFalse(row.rfm_class)

    def test_cancelled_first_order(self):
        """The second becomes the first; without any there is no customer."""
        customer = self._customer()
        first = self._order(customer, "2026-01-01 10:00", 100)
        second = self._order(customer, "2026-02-01 10:00", 200)
        self._derive()
        first._action_cancel()
        self._derive()
        row = self._row(customer)
        self.assertEqual(row.first_order_date, utc("2026-02-01 10:00"))
        self.assertEqual((row.order_count, row.ltv_to_date), (1, 200))
        second._action_cancel()
        self._derive()
        self.assertFalse(self._row(customer))

    def test_deleted_and_moved_orders(self):
        one, two = self._customer("One"), self._customer("Two")
        order = self._order(one, "2026-01-01 10:00")
        gone = self._order(two, "2026-01-01 10:00")
        self._derive()
        gone._action_cancel()
        gone.unlink()
        order.partner_id = two
        self._derive()
        self.assertFalse(self._row(one))
        self.assertEqual(self._row(two).order_count, 1)
        order._action_cancel()
        order.unlink()
        self._derive()
        self.assertFalse(self._row(two))

    def test_company_currency(self):
        """At the rate of each order's day."""
        dollar = self.env.ref("base.USD")
        dollar.active = True
        self.env["res.currency.rate"].create(
            [
                {"name": "2026-01-01", "rate": 2.0, "currency_id": dollar.id,
                 "company_id": self.company.id},
                {"name": "2026-02-01", "rate": 4.0, "currency_id": dollar.id,
                 "company_id": self.company.id},
            ]
        )  # fmt: skip
        pricelist = self.env["product.pricelist"].create(
            {"name": "$", "currency_id": dollar.id, "company_id": self.company.id}
        )
        customer = self._customer()
        for day in ("2026-01-10 10:00", "2026-02-10 10:00"):
            self._order(customer, day, 100, pricelist_id=pricelist.id)
        self._derive()
        self.assertEqual(self._row(customer).ltv_to_date, 75)

    def test_gaps(self):
        """Days with several orders are one day; at least two gaps are needed."""
        for days, expected in (
            ((), False),
            ((10,), False),
            ((10, 40), False),
            ((10, 40, 40, 50), 20),
            ((10, 40, 50, 90), 30),
            ((5, 10, 20, 40), 10),
        ):
            customer = self._ordered("Gaps", *days)
            self._derive()
            self.assertEqual(self._row(customer).own_gap_days, expected, days)

    def test_gaps_by_local_days(self):
        """23:30 UTC is the next day in Brussels."""
        customer = self._customer()
        for moment in ("2026-06-01 21:00", "2026-06-01 23:30", "2026-06-04 10:00"):
            self._order(customer, moment)
        self._derive()
        self.assertEqual(self._row(customer).own_gap_days, 1.5)

    def _refund(self, order, amount, currency=None, date="2026-05-01", post=True):
        """A credit note over the first line of an order."""
        company = order.company_id
        account = self.env["account.account"].search(
            [("code", "=", "KPI700"), ("company_ids", "=", company.id)]
        ) or self.env["account.account"].create(
            {"name": "Sales", "code": "KPI700", "account_type": "income"}
        )
        receivable = self.env["account.account"].search(
            [("code", "=", "KPI400"), ("company_ids", "=", company.id)]
        ) or self.env["account.account"].create(
            {
                "name": "Customers",
                "code": "KPI400",
                "account_type": "asset_receivable",
                "reconcile": True,
            }
        )
        order.partner_id.with_company(company).property_account_receivable_id = receivable
        journal = self.env["account.journal"].search(
            [("type", "=", "sale"), ("company_id", "=", company.id)], limit=1
        ) or self.env["account.journal"].create(
            {"name": "Sales", "code": "KPIS", "type": "sale", "default_account_id": account.id}
        )
        move = self.env["account.move"].create(
            {
                "move_type": "out_refund",
                "partner_id": order.partner_id.id,
                "journal_id": journal.id,
                "invoice_date": date,
                "date": date,
                "currency_id": (currency or company.currency_id).id,
                "invoice_line_ids": [
                    Command.create(
                        {
                            "product_id": self.goods.id,
                            "quantity": 1,
                            "price_unit": amount,
                            "account_id": account.id,
                            "tax_ids": [Command.clear()],
                            "sale_line_ids": [Command.set(order.order_line[:1].ids)],
                        }
                    )
                ],
            }
        )
        if post:
            move.action_post()
        return move

    def test_32_lifetime_value(self):
        """The example of KPI 32: A 1 000 + 500 − credit 200, B 300."""
        a, b = self._customer("A"), self._customer("B")
        first = self._order(a, "2026-01-01 10:00", 1000)
        self._order(a, "2026-02-01 10:00", 500)
        self._order(b, "2026-02-01 10:00", 300)
        draft = self._refund(first, 50, post=False)
        self._derive()
        self.assertEqual(self._row(a).ltv_to_date, 1500, "a draft credits nothing")
        draft.unlink()
        refund = self._refund(first, 200)
        self._derive()
        self.assertEqual((self._row(a).ltv_to_date, self._row(b).ltv_to_date), (1300, 300))
        refund.button_draft()
        self._derive()
        self.assertEqual(self._row(a).ltv_to_date, 1500)

    def test_lifetime_value_refund_at_its_own_rate(self):
        dollar = self.env.ref("base.USD")
        dollar.active = True
        self.env["res.currency.rate"].create(
            {"name": "2026-05-01", "rate": 4.0, "currency_id": dollar.id,
             "company_id": self.company.id}
        )  # fmt: skip
        customer = self._customer()
        order = self._order(customer, "2026-01-01 10:00", 1000)
        self._refund(order, 100, dollar)
        self._derive()
        self.assertEqual(self._row(customer).ltv_to_date, 975)

    def test_credited_line_counts_once(self):
        """A credited line of two orders counts for the order of its first order line."""
        a, b = self._customer("A"), self._customer("B")
        first = self._order(a, "2026-01-01 10:00", 1000)
        second = self._order(a, "2026-02-01 10:00", 500)
        other = self._order(b, "2026-02-01 10:00", 300)
        refund = self._refund(first, 200, post=False)
        lines = (first | second | other).order_line
        refund.invoice_line_ids.sale_line_ids = [Command.set(lines.ids)]
        refund.action_post()
        self._derive("2026-06-01 12:00")
        self.assertEqual((self._row(a).ltv_to_date, self._row(b).ltv_to_date), (1300, 300))
        with freeze_time("2026-06-01 12:00"):
            periods = self.env["crm.kpi.period"]._ensure("2026-05-01", "2026-06-01", ("month",))
            self.env.flush_all()
            rows = (
                self.env["crm.kpi.customer.period"]
                .with_context(crm_kpi_period_ids=periods.ids)
                .search([("company_id", "=", self.company.id)])
            )
            found = {row.partner_id: row.ltv for row in rows if row.period_id.kind == "month"}
        self.assertEqual(found, {a: 1300, b: 300})

    def test_records_of_the_future(self):
        """Orders and credit notes count from their date on, without a write at that time."""
        customer = self._customer()
        order = self._order(customer, "2026-12-10 10:00", 1000)
        self._derive("2026-12-01 12:00")
        self.assertFalse(self._row(customer))
        self._refund(order, 300, date="2026-12-20")
        self._derive("2026-12-10 09:00")
        self.assertFalse(self._row(customer))
        self._derive("2026-12-11 09:00")
        row = self._row(customer)
        self.assertEqual((row.order_count, row.ltv_to_date), (1, 1000))
        self.assertEqual(row.last_order_date, utc("2026-12-10 10:00"))
        self._derive("2026-12-19 12:00")
        self.assertEqual(row.ltv_to_date, 1000)
        self._derive("2026-12-19 23:30")  # the twentieth in Brussels
        self.assertEqual(row.ltv_to_date, 700)

    def test_lifetime_margin(self):
        """The margin rate of the company also applies to credit notes."""
        self._margins_by_rate()
        self.company.kpi_margin_rate = 0.4
        customer = self._customer()
        order = self._order(customer, "2026-01-01 10:00", 1000)
        self._refund(order, 200)
        self._derive()
        row = self._row(customer)
        self.assertEqual((row.ltv_to_date, row.ltv_margin), (800, 320))
        self.company.kpi_margin_rate = 0.5
        self._derive()
        self.assertEqual(row.ltv_margin, 400)

    def test_lifetime_value_by_invoices(self):
        customer = self._customer()
        order = self._order(customer, "2026-01-01 10:00", 1000)
        self._refund(order, 100)
        self.company.kpi_revenue_basis = "invoiced"
        self._derive()
        row = self._row(customer)
        self.assertEqual((row.ltv_to_date, row.order_count), (-100, 1))
        self.company.kpi_revenue_basis = "ordered"
        self._derive()
        self.assertEqual(row.ltv_to_date, 900)

    def test_revenue_of_twelve_months_ages(self):
        customer = self._customer()
        self._order(customer, "2026-01-10 10:00", 100)
        self._order(customer, "2026-06-10 10:00", 30)
        self._derive("2026-12-01 12:00")
        self.assertEqual(self._row(customer).revenue_12m, 130)
        self._derive("2027-01-09 23:30")  # the tenth in Brussels
        self.assertEqual(self._row(customer).revenue_12m, 130)
        self._derive("2027-01-11 12:00")
        self.assertEqual(self._row(customer).revenue_12m, 30)

    def test_change_of_parent(self):
        mother, contact = self._customer("Mother"), self._customer("Contact")
        self._order(mother, "2026-01-01 10:00", 100)
        self._order(contact, "2026-02-01 10:00", 200)
        self._derive()
        contact.write({"is_company": False, "parent_id": mother.id})
        self._derive()
        self.assertFalse(self._row(contact))
        self.assertEqual(self._row(mother).ltv_to_date, 300)
        contact.parent_id = False
        self._derive()
        self.assertEqual(self._row(mother).ltv_to_date, 100)
        self.assertEqual(self._row(contact).ltv_to_date, 200)

    def test_merge(self):
        keep, lose = self._customer("Keep"), self._customer("Lose")
        self._order(keep, "2026-01-01 10:00", 100)
        self._order(lose, "2025-02-01 10:00", 200)
        self._message(lose, "2026-03-01 09:00")
        self._derive()
        self.env["base.partner.merge.automatic.wizard"]._merge((keep | lose).ids, keep)
        self._derive()
        row = self._row(keep)
        self.assertEqual((row.order_count, row.ltv_to_date), (2, 300))
        self.assertEqual(row.first_order_date, utc("2025-02-01 10:00"))
        self.assertEqual(row.last_inbound_date, utc("2026-03-01 09:00"))
        self.assertEqual(
            self.env["crm.kpi.customer"].search_count([("company_id", "=", self.company.id)]), 1
        )

    def test_two_companies(self):
        """A customer of two companies is new, lost and scored in each of them."""
        other = self.env["res.company"].create(
            {"name": "Other Ltd", "currency_id": self.company.currency_id.id,
             "kpi_inactivity_days": 30}
        )  # fmt: skip
        self.env.user.company_ids |= other
        customer = self._customer()
        self._order(customer, "2026-01-01 10:00", 100)
        self._order(customer, "2026-06-01 10:00", 200)
        with self.at("2026-06-02 10:00"):
            self.env["sale.order"].with_company(other).create(
                {
                    "partner_id": customer.id,
                    "company_id": other.id,
                    "state": "sale",
                    "date_order": "2026-03-01 10:00",
                    "order_line": [
                        Command.create(
                            {"product_id": self.goods.id, "price_unit": 70,
                             "tax_ids": [Command.clear()]}
                        )
                    ],
                }
            )  # fmt: skip
        self._derive("2026-06-15 12:00")
        here, there = self._row(customer), self._row(customer, other)
        self.assertEqual((here.order_count, here.ltv_to_date), (2, 300))
        self.assertEqual((there.order_count, there.ltv_to_date), (1, 70))
        with freeze_time("2026-06-15 12:00"):
            self.env.invalidate_all()
            self.assertEqual((here.status, there.status), ("active", "churned"))

    # ------------------------------------------------------------------
    # conversations
    # ------------------------------------------------------------------
    def test_last_contact(self):
        """The latest message on leads, orders and contacts; internal notes do not count."""
        customer = self._customer()
        contact = self.env["res.partner"].create({"name": "Contact", "parent_id": customer.id})
        order = self._order(customer, "2026-01-01 10:00")
        lead = self._lead(partner_id=contact.id)
        self._message(contact, "2026-03-01 09:00")
        self._message(lead, "2026-03-05 09:00", self.ann)
        self._message(order, "2026-02-01 09:00", self.ann)
        self._message(customer, "2026-03-09 09:00", self.ann, subtype_id=self.note.id)
        self._derive()
        row = self._row(customer)
        self.assertEqual(row.last_inbound_date, utc("2026-03-01 09:00"))
        self.assertEqual(row.last_outbound_date, utc("2026-03-05 09:00"))
        self.assertEqual(row.last_interaction_date, utc("2026-03-05 09:00"))
        self.env["mail.message"].search(
            [("model", "=", "crm.lead"), ("res_id", "=", lead.id)]
        ).unlink()
        self._derive()
        self.assertEqual(row.last_interaction_date, utc("2026-03-01 09:00"))
        with freeze_time("2026-03-11 09:00"):
            self.env.invalidate_all()
            self.assertEqual(row.days_since_last_interaction, 10)

    def test_prospect_has_a_row(self):
        """A prospect with messages has a row in the company of the author."""
        prospect = self._customer("Prospect")
        self._message(prospect, "2026-03-01 09:00", self.ann)
        self._derive()
        row = self._row(prospect)
        self.assertEqual((row.status, row.order_count), ("prospect", 0))
        self.assertEqual(row.company_id, self.company)
        self.assertFalse(row.churn_date)

    def test_meetings_of_the_calendar(self):
        """A meeting counts once it is over, with one of our users; future meetings do not."""
        customer = self._customer()
        self._order(customer, "2026-01-01 10:00")
        event = self.env["calendar.event"].create(
            {
                "name": "Visit",
                "start": "2026-03-01 09:00",
                "stop": "2026-03-01 10:00",
                "user_id": self.ann.id,
                "partner_ids": [Command.set((customer | self.ann.partner_id).ids)],
            }
        )
        self._derive("2026-02-20 12:00")
        row = self._row(customer)
        self.assertFalse(row.last_interaction_date)
        self._derive("2026-03-02 12:00")
        self.assertEqual(row.last_interaction_date, utc("2026-03-01 09:00"))
        with freeze_time("2026-03-03 12:00"):
            event.active = False
            self._derive()
        self.assertFalse(row.last_interaction_date)

    # ------------------------------------------------------------------
    # ageing
    # ------------------------------------------------------------------
    def test_34_at_risk(self):
        """The example of KPI 34, and the exact moments."""
        now = "2026-12-01 12:00"
        a = self._ordered("A", 160, 130, 100, 70)
        b = self._ordered("B", 370, 270, 150)
        c = self._ordered("C", 100)
        d = self._ordered("D", 400)
        e = self._ordered("E", 20)
        self._derive(now)
        with freeze_time(now):
            rows = {name: self._row(p) for name, p in zip("ABCDE", (a, b, c, d, e), strict=True)}
            self.assertEqual(rows["A"].own_gap_days, 30)
            self.assertEqual(rows["B"].own_gap_days, 110)
            self.assertEqual(
                {name: row.status for name, row in rows.items()},
                {"A": "at_risk", "B": "active", "C": "at_risk", "D": "churned", "E": "active"},
            )
            self.assertEqual(rows["A"].days_since_last_order, 70)
            self.assertEqual(rows["A"].at_risk_date, rows["A"].last_order_date + timedelta(days=60))
            found = self.env["crm.kpi.customer"].search(
                [("is_at_risk", "=", True), ("company_id", "=", self.company.id)]
            )
            self.assertEqual(found, rows["A"] | rows["C"])
            # C has no usual gap of its own: twice the company's median of 30 days
            self.assertEqual(
                {name: row.status_reason for name, row in rows.items()},
                {
                    "A": "No order for 70 days, usually every 30.",
                    "B": "",
                    "C": "No order for 100 days, at risk after 60.",
                    "D": "No order for 400 days, lost after 365.",
                    "E": "",
                },
            )

    def test_class_and_status_have_different_names(self):
        """*At risk* is a status only: the class compares customers with each other."""
        fields_ = self.env["crm.kpi.customer"].fields_get(["status", "rfm_class"])
        statuses, classes = (dict(fields_[name]["selection"]) for name in ("status", "rfm_class"))
        self.assertEqual(classes["at_risk"], "Slipping")
        self.assertFalse(set(statuses.values()) & set(classes.values()))

    def test_status_by_the_clock(self):
        """An order exactly at the threshold still counts; ageing needs no derivation."""
        customer = self._ordered("A", 30, 20, 10)
        self._derive("2026-12-01 12:00")
        row = self._row(customer)
        last = row.last_order_date
        self.assertEqual(row.churn_date, last + timedelta(days=365))
        self.assertEqual(row.at_risk_date, last + timedelta(days=30))
        for days, seconds, status in (
            (30, 0, "active"),
            (30, 1, "at_risk"),
            (365, 0, "at_risk"),
            (365, 1, "churned"),
        ):
            with freeze_time(last + timedelta(days=days, seconds=seconds)):
                self.env.invalidate_all()
                self.assertEqual(row.status, status)
                for other in ("active", "at_risk", "churned", "prospect"):
                    found = self.env["crm.kpi.customer"].search(
                        [("id", "=", row.id), ("status", "=", other)]
                    )
                    self.assertEqual(bool(found), other == status)
                grouped = self.env["crm.kpi.customer"]._read_group(
                    [("id", "=", row.id)], ["status"], ["__count"]
                )
                self.assertEqual(grouped, [(status, 1)])
                self.assertEqual(
                    (row.is_at_risk, row.is_churned), (status == "at_risk", status == "churned")
                )

    def test_window_of_the_company(self):
        customer = self._ordered("A", 30, 20, 10)
        self._derive("2026-12-01 12:00")
        self.company.kpi_inactivity_days = 25
        self._derive("2026-12-01 12:00")
        row = self._row(customer)
        self.assertEqual(row.churn_date, row.last_order_date + timedelta(days=25))
        self.assertFalse(row.at_risk_date, "the customer would be lost before")

    def test_churn_threshold_of_a_segment(self):
        """A segment may have its own inactivity days and its own factor."""
        customer = self._ordered("A", 90, 50, 10)
        other = self._ordered("B", 90, 50, 10)
        segment_set = self.env["crm.kpi.segment.set"].create(
            {
                "name": "Patience",
                "segment_ids": [
                    Command.create(
                        {
                            "name": "Patient",
                            "domain": f"[('id', '=', {customer.id})]",
                            "inactivity_days": 500,
                            "at_risk_factor": 3,
                        }
                    )
                ],
            }
        )
        with freeze_time("2026-11-30 12:00"):
            segment_set._update_members()
        self._derive("2026-12-01 12:00")
        row = self._row(customer)
        self.assertEqual(row.churn_date, row.last_order_date + timedelta(days=500))
        self.assertEqual(row.at_risk_date, row.last_order_date + timedelta(days=120))
        row = self._row(other)
        self.assertEqual(row.churn_date, row.last_order_date + timedelta(days=365))
        self.assertEqual(row.at_risk_date, row.last_order_date + timedelta(days=80))
        self.company.kpi_at_risk_factor = 1.5
        segment_set.segment_ids.filtered("domain").inactivity_days = 400
        self._derive("2026-12-01 12:00")
        self.assertEqual(row.at_risk_date, row.last_order_date + timedelta(days=60))
        row = self._row(customer)
        self.assertEqual(row.churn_date, row.last_order_date + timedelta(days=400))

    def test_no_gap_in_the_company(self):
        """No gap is known, so no customer is at risk, and the date stays empty."""
        customer = self._ordered("A", 100)
        self._derive("2026-12-01 12:00")
        self.assertFalse(self._row(customer).at_risk_date)
        with freeze_time("2026-12-01 12:00"):
            self.assertEqual(self._row(customer).status, "active")

    def test_searches(self):
        a = self._ordered("A", 100)
        b = self._ordered("B", 10)
        prospect = self._customer("P")
        self._message(prospect, "2026-11-30 09:00", self.ann)
        now = "2026-12-01 12:00"
        self._derive(now)
        mine = [("company_id", "=", self.company.id)]
        model = self.env["crm.kpi.customer"]
        with freeze_time(now):
            for domain, expected in (
                ([("days_since_last_order", ">", 50)], a),
                ([("days_since_last_order", "<=", 10)], b),
                ([("days_since_last_order", "=", False)], prospect),
                ([("days_since_last_interaction", "<", 2)], prospect),
                ([("status", "!=", "prospect")], a | b),
                ([("is_churned", "=", False)], a | b | prospect),
            ):
                self.assertEqual(model.search(mine + domain).partner_id, expected, domain)

    # ------------------------------------------------------------------
    # derivation
    # ------------------------------------------------------------------
    def _snapshot(self):
        self.env.flush_all()
        self.env.invalidate_all()
        rows = self.env["crm.kpi.customer"].search([("company_id", "=", self.company.id)])
        return {
            row["partner_id"][0]: row
            for row in rows.read(["partner_id", *FACTS, *STANDING])
            if row.pop("id")
        }

    def test_unchanged_rows_are_not_written(self):
        self._ordered("A", 100, 50, 20)
        self._derive("2026-12-01 12:00")
        self.env.cr.execute("SELECT id, write_date FROM crm_kpi_customer ORDER BY id")
        before = self.env.cr.fetchall()
        self.env["crm.kpi.customer"]._kpi_mark_all_dirty()
        self._derive("2026-12-01 13:00")
        self.env.cr.execute("SELECT id, write_date FROM crm_kpi_customer ORDER BY id")
        self.assertEqual(self.env.cr.fetchall(), before)

    def test_number_of_statements(self):
        """The number of statements is the same for one customer and for fifty."""

        def count(customers):
            for number in range(customers):
                self._ordered(f"C{number}", 10, 20)
            self.env["sale.order"]._kpi_derive()
            self.env["crm.kpi.interaction"]._kpi_derive()
            self.env.flush_all()
            before = self.env.cr.sql_log_count
            self.env["crm.kpi.customer"]._kpi_derive()
            return self.env.cr.sql_log_count - before

        with freeze_time("2026-12-01 12:00"):
            self._derive()
            few = count(1)
            self.assertLessEqual(count(50), few)
            self.assertLess(few, 25)
            nothing = count(0)
            self.assertLess(nothing, 10)

    def test_live_derivation_equals_backfill(self):
        """Derivation after each event equals derivation from scratch, on a random history."""
        dice = random.Random(5)
        customers = [self._customer(f"C{n}") for n in range(7)]
        orders = []
        with freeze_time("2026-12-01 12:00"):
            for _round in range(60):
                action = dice.random()
                if action < 0.5 or not orders:
                    moment = utc("2026-12-01 12:00") - timedelta(days=dice.randrange(900), hours=1)
                    orders.append(
                        self._order(dice.choice(customers), moment, dice.choice([0, 10, 99.5, 300]))
                    )
                elif action < 0.6:
                    dice.choice(orders)._action_cancel()
                elif action < 0.7:
                    dice.choice(orders).partner_id = dice.choice(customers)
                elif action < 0.75:
                    line = dice.choice(orders).order_line
                    line.price_unit = dice.choice([5, 50])
                elif action < 0.85:
                    child, parent = dice.sample(customers, 2)
                    child.parent_id = False if child.parent_id or parent.parent_id else parent
                elif action < 0.9:
                    dice.choice(customers).user_id = dice.choice([self.ann, self.bob])
                else:
                    self._message(dice.choice(customers), "2026-11-01 10:00")
                if dice.random() < 0.3:
                    self._derive()
            self._derive()
            current = self._snapshot()
            self.assertGreater(len(current), 3)
            self.env.cr.execute("DELETE FROM crm_kpi_customer")
            self.env["crm.kpi.customer"]._kpi_mark_all_dirty()
            self._derive()
            self.assertEqual(self._snapshot(), current)


def rfm_in_python(orders, now, window):
    """RFM scores and classes as docs/CATALOGUE.md#customers defines them, customer by customer.

    :param orders: dict of customer to a list of ``(date, amount)`` of qualifying orders
    :return: dict of customer to ``(r, f, m, class)``
    """
    today = now.replace(tzinfo=UTC).astimezone(BRUSSELS).date()
    first = datetime.combine(today - relativedelta(months=24), datetime.min.time(), BRUSSELS)
    since = first.astimezone(UTC).replace(tzinfo=None)

    def day(moment):
        return moment.replace(tzinfo=UTC).astimezone(BRUSSELS).date()

    lately = {
        customer: kept
        for customer, history in orders.items()
        if (kept := [(date, amount) for date, amount in history if since <= date <= now])
    }
    facts = {
        customer: (
            max(day(date) for date, _a in kept),
            len({day(date) for date, _a in kept}),
            round(sum(amount for _d, amount in kept), 2),
        )
        for customer, kept in lately.items()
    }

    def score(index, customer):
        mine = facts[customer][index]
        lower = sum(other[index] < mine for other in facts.values())
        percent_rank = lower / (len(facts) - 1)
        return min(5, 1 + int(5 * percent_rank + 1e-9))

    result = {}
    for customer, history in orders.items():
        if len(facts) < 5 or not history:
            result[customer] = (0, 0, 0, False)
            continue
        r, f, m = (score(i, customer) for i in range(3)) if customer in facts else (0, 0, 0)
        churned = max(date for date, _a in history) < now - timedelta(days=window)
        result[customer] = (r, f, m, _rfm_class(r, f, m, churned, len(history)))
    return result


def _rfm_class(r, f, m, churned, orders):
    if churned:
        return "lost"
    if not r:
        return False
    fm = (f + m + 1) // 2  # half up
    if r >= 4:
        if fm >= 4:
            return "champion"
        if fm == 3:
            return "loyal"
        return "new" if orders == 1 else "promising"
    if r == 3:
        return "loyal" if fm >= 3 else "attention"
    return "cant_lose" if fm >= 4 else "at_risk" if fm == 3 else "hibernating"


@tagged("post_install", "-at_install")
class TestCustomerScores(CustomerCase):
    def _scores(self, customers, now="2026-12-01 12:00"):
        self._derive(now)
        found = []
        for customer in customers:
            row = self._row(customer)
            found.append((row.rfm_r, row.rfm_f, row.rfm_m, row.rfm_class))
        return found

    def test_example(self):
        """Five customers: R by last orders 10…50 days ago, F of 1, 1, 1, 2, 5 days."""
        customers = [
            self._ordered("1", 10, 15, 20, 25, 30, amount=10),
            self._ordered("2", 20, 25, amount=20),
            self._ordered("3", 30, amount=30),
            self._ordered("4", 40, amount=400),
            self._ordered("5", 50, amount=500),
        ]
        self.assertEqual(
            self._scores(customers),
            # M: 50, 40, 30, 400, 500
            [
                (5, 5, 3, "champion"),
                (4, 4, 2, "loyal"),
                (3, 1, 1, "attention"),
                (2, 1, 4, "at_risk"),
                (1, 1, 5, "at_risk"),
            ],
        )
        self.assertEqual(self._row(customers[0]).rfm_scores, "5–5–3")

    def test_fewer_than_five(self):
        customers = [self._ordered(str(n), 10 * n) for n in range(1, 5)]
        self.assertEqual(self._scores(customers), [(0, 0, 0, False)] * 4)
        self.assertFalse(self._row(customers[0]).rfm_scores)
        self.env.cr.execute(
            "SELECT count(rfm_r) FROM crm_kpi_customer WHERE company_id = %s", (self.company.id,)
        )
        self.assertEqual(self.env.cr.fetchone(), (0,), "no score is not a low score")

    def test_churned_is_lost(self):
        customers = [self._ordered(str(n), 10 * n) for n in range(1, 6)]
        lost = self._ordered("Lost", 400)
        long_ago = self._ordered("Long ago", 900)
        scores = self._scores([lost, long_ago, customers[0]])
        self.assertEqual(scores[0][3], "lost")
        self.assertEqual(scores[1], (0, 0, 0, "lost"))
        self.assertEqual(scores[2][0], 5)

    def test_scores_age_by_the_day(self):
        """Scores change with time, without any event; they are computed once a day."""
        customers = [self._ordered(str(n), *range(10 * n, 70, 5)) for n in range(1, 7)]
        self._derive("2026-12-01 12:00")
        self.assertEqual(self._row(customers[0]).rfm_class, "champion")
        self._derive("2027-12-01 12:00")
        self.assertEqual(self._row(customers[0]).rfm_class, "lost")

    @settings(
        max_examples=40,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
    @given(
        histories=st.lists(
            st.lists(
                st.tuples(
                    # few values, so that there are many ties
                    st.sampled_from((0, 1, 2, 30, 31, 200, 364, 365, 366, 500, 729, 731, 800)),
                    st.sampled_from((0, 3, 22.5, 23.5)),
                    st.sampled_from((0, 10, 10.1, 20, 99.99)),
                ),
                max_size=4,
            ),
            min_size=3,
            max_size=9,
        )
    )
    def _check_random(self, histories):
        now = utc("2026-12-01 12:00")
        with self.env.cr.savepoint() as savepoint:
            expected = {}
            partners = self._customers_of(histories)
            for partner, history in zip(partners, histories, strict=True):
                kept = []
                for days, hours, amount in history:
                    moment = now - timedelta(days=days, hours=hours)
                    self._fast_order(partner, moment, amount)
                    if amount:
                        kept.append((moment, amount))
                expected[partner] = kept
            self.env.invalidate_all()
            self.env["sale.order"]._kpi_mark_customers(partners.ids)
            self._derive(now)
            found = {
                partner: tuple(
                    self._row(partner)[name] for name in ("rfm_r", "rfm_f", "rfm_m", "rfm_class")
                )
                for partner in partners
            }
            self.assertEqual(found, rfm_in_python(expected, now, 365))
            for partner, history in expected.items():
                self._check_gaps(partner, history)
            savepoint.rollback()
        self.env.invalidate_all()

    def _check_gaps(self, partner, history):
        days = sorted(
            {moment.replace(tzinfo=UTC).astimezone(BRUSSELS).date() for moment, _a in history}
        )
        gaps = [(b - a).days for a, b in pairwise(days)]
        self.assertEqual(self._row(partner).own_gap_days, median(gaps) if len(gaps) >= 2 else False)

    def _customers_of(self, histories):
        return self.env["res.partner"].create(
            [{"name": f"Random {n}", "is_company": True} for n in range(len(histories))]
        )

    def _fast_order(self, partner, moment, amount):
        """An order inserted by SQL, with only the columns that the derivation reads."""
        self.env.cr.execute(
            """
            INSERT INTO sale_order (name, company_id, partner_id, partner_invoice_id,
                                    partner_shipping_id, date_order, state, amount_untaxed,
                                    kpi_amount, kpi_is_qualifying, currency_id, currency_rate)
                 VALUES ('R', %(company)s, %(partner)s, %(partner)s, %(partner)s, %(moment)s,
                         'sale', %(amount)s, %(amount)s, %(amount)s > 0, %(currency)s, 1)
            """,
            {
                "company": self.company.id,
                "partner": partner.id,
                "moment": moment,
                "amount": amount,
                "currency": self.company.currency_id.id,
            },
        )

    def test_random_histories(self):
        """SQL equals Python customer by customer: ties, few customers, edges of windows."""
        self._check_random()


@tagged("post_install", "-at_install")
class TestCustomerRights(CustomerCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.rep = new_test_user(
            cls.env,
            login="customer_rep",
            groups="sales_team.group_sale_salesman",
            company_id=cls.company.id,
            company_ids=[Command.set(cls.company.ids)],
        )
        cls.manager = new_test_user(
            cls.env,
            login="customer_manager",
            groups="sales_team.group_sale_manager",
            company_id=cls.company.id,
            company_ids=[Command.set(cls.company.ids)],
        )
        cls.clerk = new_test_user(
            cls.env,
            login="customer_clerk",
            groups="base.group_user,base.group_partner_manager",
            company_id=cls.company.id,
            company_ids=[Command.set(cls.company.ids)],
        )
        cls.portal = new_test_user(
            cls.env,
            login="customer_portal",
            groups="base.group_portal",
            company_id=cls.company.id,
            company_ids=[Command.set(cls.company.ids)],
        )
        other = cls.env["res.company"].create({"name": "Other"})
        cls.stranger = new_test_user(
            cls.env,
            login="customer_stranger",
            groups="sales_team.group_sale_manager",
            company_id=other.id,
            company_ids=[Command.set(other.ids)],
        )
        cls.mine = cls._customer("Mine", user_id=cls.rep.id)
        cls.theirs = cls._customer("Theirs", user_id=cls.ann.id)
        cls.nobodys = cls._customer("Nobody's")
        cls.prospect = cls._customer("Prospect")
        for customer in (cls.mine, cls.theirs, cls.nobodys):
            cls._order(customer, "2026-11-01 10:00", 100)
        cls.env["sale.order"]._kpi_derive()
        cls.env["crm.kpi.customer"]._kpi_derive()

    def _visible(self, user):
        rows = self.env["crm.kpi.customer"].with_user(user).with_context(allowed_company_ids=None)
        return rows.search([]).partner_id & (self.mine | self.theirs | self.nobodys)

    def test_who_reads(self):
        self.assertEqual(self._visible(self.rep), self.mine | self.nobodys)
        self.assertEqual(self._visible(self.manager), self.mine | self.theirs | self.nobodys)
        self.assertFalse(self._visible(self.stranger))
        for user in (self.portal, self.clerk):
            with self.assertRaises(AccessError):
                self._visible(user)

    def test_mail_and_activity(self):
        """A salesperson writes to one or several customers, and plans what to do next."""
        self.mine.email, self.nobodys.email = "mine@example.com", "nobody@example.com"
        rows = (self._row(self.mine) | self._row(self.nobodys)).with_user(self.rep)
        for customers, sent in ((rows[:1], 1), (rows, 2)):
            action = customers.action_send_email()
            form = Form(rows.env[action["res_model"]].with_context(**action["context"]))
            form.subject, form.body = "How are you?", "<p>Text</p>"
            before = self.env["mail.mail"].search_count([])
            messages = [partner.message_ids for partner in customers.partner_id]
            form.save()._action_send_mail()
            for partner, known in zip(customers.partner_id, messages, strict=True):
                self.assertEqual((partner.message_ids - known).subject, "How are you?")
            self.assertEqual(self.env["mail.mail"].search_count([]), before + sent)
        action = rows.action_schedule_activity()
        form = Form(rows.env[action["res_model"]].with_context(**action["context"]))
        form.summary = "Call"
        form.save().action_schedule_activities()
        for partner in rows.partner_id:
            self.assertEqual(partner.activity_ids.mapped("summary"), ["Call"])

    def test_users_cannot_write(self):
        row = self._row(self.mine)
        for user in (self.rep, self.manager, self.env.ref("base.user_admin")):
            mine = row.with_user(user)
            for attempt in (
                lambda mine=mine: mine.write({"ltv_to_date": 1e6}),
                lambda mine=mine: mine.unlink(),
                lambda mine=mine: mine.create(
                    {"partner_id": self.prospect.id, "company_id": self.company.id}
                ),
            ):
                with self.assertRaises(AccessError):
                    attempt()

    def _shown(self, user, partner):
        self.env.invalidate_all()
        partner = partner.with_user(user).with_context(allowed_company_ids=None)
        return partner.kpi_customer_status, partner.kpi_order_count, partner.kpi_ltv_to_date

    @freeze_time("2026-11-10 12:00")
    def test_contact(self):
        """A contact shows only values of the customer that the user may read."""
        self.assertEqual(self._shown(self.rep, self.mine), ("active", 1, 100))
        self.assertEqual(self._shown(self.rep, self.theirs), (False, 0, 0))
        self.assertEqual(self._shown(self.manager, self.theirs), ("active", 1, 100))
        with freeze_time("2027-12-10 12:00"):  # 404 days after the order
            self.assertEqual(self._shown(self.manager, self.theirs), ("churned", 1, 100))
            theirs = self.theirs.with_context(allowed_company_ids=None)
            self.assertEqual(
                theirs.with_user(self.manager).kpi_customer_status_reason,
                "No order for 404 days, lost after 365.",
            )
            self.assertFalse(theirs.with_user(self.rep).kpi_customer_status_reason)
        self.assertEqual(self._shown(self.rep, self.prospect), ("prospect", 0, 0))
        self.assertEqual(self._shown(self.stranger, self.mine), ("prospect", 0, 0))
        self.assertEqual(self._shown(self.rep, self.rep.partner_id), (False, 0, 0))
        self.assertEqual(self._shown(self.rep, self.company.partner_id), (False, 0, 0))
        child = self.env["res.partner"].create({"name": "Child", "parent_id": self.mine.id})
        self.assertEqual(self._shown(self.rep, child), ("active", 1, 100))
        with self.assertRaises(AccessError):
            self._shown(self.clerk, self.mine)
        with self.assertRaises(AccessError):
            self.mine.with_user(self.portal).kpi_ltv_to_date  # noqa: B018

    @freeze_time("2026-11-10 12:00")
    def test_contact_filters(self):
        ours = (self.mine | self.theirs | self.nobodys | self.prospect).ids
        for user, status, expected in (
            (self.rep, "active", self.mine | self.nobodys),
            (self.rep, "churned", self.env["res.partner"]),
            (self.rep, "prospect", self.prospect),
            (self.manager, "active", self.mine | self.theirs | self.nobodys),
        ):
            partners = self.env["res.partner"].with_user(user)
            found = partners.search([("id", "in", ours), ("kpi_customer_status", "=", status)])
            self.assertEqual(found, expected, (user.login, status))
        with freeze_time("2028-01-01"):
            partners = self.env["res.partner"].with_user(self.manager)
            found = partners.search([("id", "in", ours), ("kpi_customer_status", "=", "churned")])
            self.assertEqual(found, self.mine | self.theirs | self.nobodys)
        partners = self.env["res.partner"].with_user(self.rep)
        self.assertEqual(
            partners.search([("id", "in", ours), ("kpi_customer_id.order_count", "=", 1)]),
            self.mine | self.nobodys,
        )
        self.assertEqual(
            partners.search([("id", "in", ours), ("kpi_customer_id", "=", False)]),
            self.theirs | self.prospect,
        )
        with self.assertRaises(AccessError):
            self.env["res.partner"].with_user(self.clerk).search(
                [("kpi_customer_status", "=", "active")]
            )

    def test_contact_form_opens(self):
        """The form opens for all users; users without KPI rights see no KPIs."""
        for user in (self.rep, self.manager, self.clerk):
            arch = self.env["res.partner"].with_user(user).get_view(view_type="form")["arch"]
            self.assertEqual("kpi_customer_id" in arch, user != self.clerk)
        view = self.env["res.partner"].with_user(self.rep).get_view(view_type="search")["arch"]
        self.assertIn("kpi_at_risk", view)

    def test_referrals(self):
        lead = self._lead(kpi_referrer_id=self.mine.id)
        contact = self.env["res.partner"].create({"name": "Child", "parent_id": self.mine.id})
        self._lead(kpi_referrer_id=contact.id)
        row = self._row(self.mine).with_user(self.rep)
        self.assertEqual(row.referral_count, 2)
        lead.active = False
        row.invalidate_recordset()
        self.assertEqual(row.referral_count, 2)
        action = row.action_open_referrals()
        found = self.env["crm.lead"].with_context(active_test=False).search(action["domain"])
        self.assertEqual(len(found), 2)

    def test_cost_of_a_list_of_contacts(self):
        """The number of statements does not grow with the number of contacts."""
        partners = self.mine | self.theirs | self.prospect
        many = self.env["res.partner"].create([{"name": f"P{n}"} for n in range(60)])
        counts = []
        for records in (partners, partners | many):
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            records.with_user(self.rep).mapped("kpi_customer_status_text")
            counts.append(self.env.cr.sql_log_count - before)
        self.assertLessEqual(counts[1], counts[0] + 1)
