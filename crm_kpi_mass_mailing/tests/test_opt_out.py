# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Opt-outs are recorded when they happen; a later subscription does not delete them."""

from odoo import Command
from odoo.exceptions import AccessError
from odoo.tests import Form, new_test_user, tagged

from .common import MailingCase


@tagged("post_install", "-at_install")
class TestCampaignCost(MailingCase):
    def test_marketing_enters_costs_on_the_campaign(self):
        user = new_test_user(
            self.env,
            login="kpi_marketer",
            groups="mass_mailing.group_mass_mailing_user,mass_mailing.group_mass_mailing_campaign",
            company_id=self.company.id,
            company_ids=[Command.set(self.company.ids)],
        )
        campaign = self.env["utm.campaign"].with_user(user).create({"title": "Spring"})
        salary = self.env["crm.kpi.cost"].create(
            {"kind": "sales", "amount": 9000, "campaign_id": campaign.id}
        )
        self.env.invalidate_all()
        with Form(campaign) as form, form.kpi_cost_ids.new() as line:
            line.name = "Printing"
            line.amount = 250
        self.assertEqual(campaign.kpi_cost_ids.mapped("amount"), [250])
        with self.assertRaises(AccessError):
            salary.with_user(user).read(["amount"])


@tagged("post_install", "-at_install")
class TestOptOut(MailingCase):
    def _events(self):
        self.env["crm.kpi.opt.out"]._kpi_derive()
        return self.env["crm.kpi.opt.out"].search([]).sorted("date")

    def test_new_subscription_keeps_the_opt_out(self):
        reader = self._reader("Reader@X.example", self.news)
        with self.at("2026-10-06 12:00"):
            self.news._update_subscription_from_email("reader@x.example", opt_out=True)
        with self.at("2026-10-08 12:00"):
            self.news._update_subscription_from_email("reader@x.example", opt_out=False)
        self.assertFalse(reader.subscription_ids.opt_out_datetime, "Odoo no longer stores it")
        with self.at("2026-10-09 12:00"):
            self.news._update_subscription_from_email("reader@x.example", opt_out=True)
            reader.subscription_ids.write({"opt_out": True})  # nothing new
            reader.unlink()
        events = self._events()
        self.assertEqual([str(event.date) for event in events],
                         ["2026-10-06 12:00:00", "2026-10-09 12:00:00"])  # fmt: skip
        self.assertEqual(events.mapped("email"), ["reader@x.example"] * 2)
        self.assertEqual(events.list_id, self.news)

    def test_imported_subscription(self):
        reader = self._reader("a@x.example")
        values = {"contact_id": reader.id, "list_id": self.news.id}
        self.env["mailing.subscription"].create(
            {**values, "opt_out": True, "opt_out_datetime": "2026-03-04 05:06:07"}
        )
        self.env["mailing.subscription"].create({**values, "list_id": self.offers.id})
        self.assertEqual([str(event.date) for event in self._events()], ["2026-03-04 05:06:07"])

    def test_block_and_return(self):
        blocklist = self.env["mail.blacklist"]
        with self.at("2026-10-06 12:00"):
            blocklist._add("A@X.example")
            blocklist.create([{"email": "a@x.example"}, {"email": "b@x.example"}])
            blocklist._remove("never@x.example")  # leaves an archived entry
        with self.at("2026-10-07 12:00"):
            blocklist._remove("a@x.example")
        with self.at("2026-10-08 12:00"):
            blocklist._add("a@x.example")
        found = [(event.email, str(event.date)[:10]) for event in self._events()]
        self.assertEqual(
            sorted(found),
            [
                ("a@x.example", "2026-10-06"),
                ("a@x.example", "2026-10-08"),
                ("b@x.example", "2026-10-06"),
            ],
        )

    def _bounces(self, email, days):
        traces = self.env["mailing.trace"]
        for day in days:
            trace = self._trace(email, sent=f"{day} 09:00")
            with self.at(f"{day} 09:01"):
                trace.set_bounced()
            traces += trace
        return traces

    def test_block_by_bounces(self):
        """Odoo blocks an address that keeps bouncing: this is not an opt-out."""
        days = ("2026-09-01", "2026-09-08", "2026-09-15", "2026-09-22", "2026-09-29")
        self._bounces("dead@x.example", days)
        self._bounces("alive@x.example", days[:3])
        self._trace("alive@x.example", sent="2026-09-16 09:00")
        message = {
            **dict.fromkeys(("email_from", "to", "message_id"), "gateway@x.example"),
            "bounced_email": "dead@x.example",
            "bounced_msg_ids": [],
            "bounced_message": self.env["mail.message"],
            "bounced_partner": self.env["res.partner"],
        }
        with self.at("2026-09-29 09:01"):
            self.env["mail.thread"]._routing_handle_bounce(None, message)
            self.env["mail.blacklist"]._add("alive@x.example")
        events = self._events()
        self.assertEqual(
            {event.email: event.by_bounce for event in events},
            {"dead@x.example": True, "alive@x.example": False},
        )
        with self.at("2026-11-01 12:00"):
            self._refresh("unsubscribe_rate", "blocked_rate")
            self.assertEqual(self._read("unsubscribe_rate", "2026-09-01"), 1)
            self.assertEqual(self._read("emails_blocked", "2026-09-01"), 1)

    def test_last_mailing_before_the_opt_out(self):
        """The opt-out belongs to the last mailing that reached the address."""
        customer = self._customer("Customer", email="a@x.example")
        other = self._mailing(self.bob)
        self._trace("a@x.example", sent="2026-10-01 09:00")
        self._trace("a@x.example", sent="2026-10-02 09:00", mass_mailing_id=other.id)
        self._trace("a@x.example", "cancel", sent=None)
        self._trace("a@x.example", "bounce", sent="2026-10-03 09:00")
        self._trace("a@x.example", sent="2026-10-03 10:00", is_test_trace=True)
        self._trace("a@x.example", sent="2026-10-05 09:00")
        with self.at("2026-10-04 12:00"):
            self.env["mail.blacklist"]._add("a@x.example")
            self.env["mail.blacklist"]._add("never.reached@x.example")
        by_email = {event.email: event for event in self._events()}
        event = by_email["a@x.example"]
        self.assertEqual((event.mailing_id, event.user_id), (other, self.bob))
        self.assertEqual((event.team_id, event.partner_id), (self.south, customer))
        self.assertEqual(event.company_id, self.company)
        self.assertFalse(by_email["never.reached@x.example"].user_id)

    def test_backfill(self):
        """The back-fill adds each opt-out that Odoo still stores once, equal to the live one."""
        self._trace("a@x.example", sent="2026-10-05 09:00")
        reader = self._reader("a@x.example", self.news, self.offers)
        self._bounces("dead@x.example", [f"2026-09-{day:02}" for day in range(1, 30, 5)])
        with self.at("2026-10-06 12:00"):
            reader.subscription_ids.write({"opt_out": True})
            self.env["mail.blacklist"]._add("b@x.example")
            self.env["mail.blacklist"]._add("dead@x.example")
        names = ("date", "email", "kind", "list_id", "by_bounce", "mailing_id", "user_id")

        def facts():
            return sorted(str([event[name] for name in names]) for event in self._events())

        lived = facts()
        self.assertEqual(len(lived), 4)
        model = self.env["crm.kpi.opt.out"]
        model._kpi_backfill()
        self.assertEqual(facts(), lived, "no duplicates")
        model.search([]).unlink()
        model._kpi_backfill()
        mine = ("a@x.example", "b@x.example", "dead@x.example")
        model.search([("email", "not in", mine)]).unlink()  # the demo data of the app itself
        self.assertEqual(facts(), lived)

    def test_rights(self):
        self._trace("a@x.example")
        mailer = new_test_user(self.env, "mailer", groups="mass_mailing.group_mass_mailing_user")
        seller = new_test_user(self.env, "seller", groups="sales_team.group_sale_salesman")
        # users without rights on opt-outs can still cause one
        self.env["mail.blacklist"].with_user(mailer).create({"email": "a@x.example"})
        event = self._events()
        self.assertEqual(event.with_user(mailer).email, "a@x.example")
        with self.assertRaises(AccessError):
            event.with_user(mailer).write({"email": "b@x.example"})
        with self.assertRaises(AccessError):
            event.with_user(seller).read(["email"])
