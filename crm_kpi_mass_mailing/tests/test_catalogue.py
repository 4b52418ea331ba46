# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The KPIs of mailings, from the records to the stored value, on worked examples.

The numbers in the names and the expected values are those of docs/CATALOGUE.md.
"""

from odoo.tests import tagged

from odoo.addons.crm_kpi.tests.common_history import utc
from odoo.addons.crm_kpi.tests.common_reader import ReaderCase

from .common import MailingCase

RESPONSE = ("campaign_response_rate",)
LEAVING = ("unsubscribe_rate", "blocked_rate")


@tagged("post_install", "-at_install")
class TestCatalogueMailing(ReaderCase, MailingCase):
    def _month_of_mails(self):
        """The worked example of the response rate."""
        statuses = ["bounce", "sent", "sent", "sent", "sent", "open", "open", "reply", "reply"]
        traces = [self._trace(f"{n}@x.example", status) for n, status in enumerate(statuses)]
        traces[5].links_click_datetime = utc("2026-10-05 10:00")
        self._trace("opted-out@x.example", "cancel", sent=None)
        self._trace("test@x.example", "reply", is_test_trace=True)
        return traces

    def test_03e_mailings_sent(self):
        self._month_of_mails()
        self._trace("local@x.example", sent="2026-09-30 22:30")  # 1 October in Brussels
        self._trace("november@x.example", sent="2026-10-31 23:30")
        with self.at("2026-11-20 12:00"):
            self._refresh("mailings_sent")
            self.assertEqual(self._read("mailings_sent", "2026-10-01"), 10)
            self.assertEqual(self._read("mailings_sent", "2026-11-01"), 1)

    def test_53_campaign_response_rate(self):
        self._month_of_mails()
        with self.at("2026-10-18 12:00"):
            self._refresh(*RESPONSE)
            self.assertIsNone(self._read(*RESPONSE, "2026-10-01"), "immature")
        with self.at("2026-11-20 12:00"):
            self._refresh(*RESPONSE)
            self.assertEqual(self._read(*RESPONSE, "2026-10-01"), 0.375)
            self.assertIsNone(self._read(*RESPONSE, "2026-09-01"), "nothing was sent")

    def test_53_immature_mails_leave_both_sides(self):
        self._trace("a@x.example", "reply")
        self._trace("b@x.example", "sent")
        self._trace("c@x.example", "reply", sent="2026-10-30 09:00")
        with self.at("2026-11-01 12:00"):
            self._refresh(*RESPONSE)
            self.assertEqual(self._read(*RESPONSE, "2026-10-01"), 0.5)
        with self.at("2026-11-20 12:00"):
            self._refresh(*RESPONSE)
            self.assertAlmostEqual(self._read(*RESPONSE, "2026-10-01"), 2 / 3)

    def test_53_levels(self):
        """By sender, team and segment, with Unassigned so that the rows add up."""
        germany, france = self.env.ref("base.de"), self.env.ref("base.fr")
        customer = self._customer("Berlin Ltd", email="info@berlin.example", country_id=germany.id)
        person = self.env["res.partner"].create(
            {"name": "Person", "email": "person@berlin.example", "parent_id": customer.id}
        )
        self._trace("person@berlin.example", "reply", record=person)
        # found by the address, in another spelling
        self._trace("Info <INFO@berlin.example>", record=self._reader("info@berlin.example"))
        other = self._mailing(self.bob)
        self._trace("stranger@x.example", mass_mailing_id=other.id)
        unassigned = self._mailing()
        unassigned.user_id = False
        self._trace("nobody@x.example", mass_mailing_id=unassigned.id, record=customer)
        customer.company_id = self.company
        with self.at("2026-11-20 12:00"):
            self._refresh(*RESPONSE)
            # a new responsible does not take the credit
            other.user_id = self.ann
            self._trace("late@x.example", mass_mailing_id=other.id, sent="2026-11-19 09:00")
            self._refresh("mailings_sent")
        october = {"day": "2026-10-01"}
        for user, expected in ((self.ann, 0.5), (self.bob, 0)):
            rate = self._read(*RESPONSE, level="user", user_id=user, **october)
            self.assertEqual(rate, expected)
            sent = self._read("mailings_sent", level="user", user_id=user, **october)
            self.assertEqual(sent, 2 if user == self.ann else 1)
        nobodys = self._read(
            "mailings_sent", level="user", user_id=self.env["res.users"], **october
        )
        self.assertEqual(nobodys, 1)
        self.assertEqual(self._read("mailings_sent", **october), 4)
        north = self._read(*RESPONSE, level="team", team_id=self.north, **october)
        self.assertEqual(north, 0.5)
        countries = self.env.ref("crm_kpi.segment_set_country")
        segments = self.env["crm.kpi.segment"].search([("set_id", "=", countries.id)])
        by_country = {
            segment.country_id: self._read(
                "mailings_sent", level="segment", segment_id=segment, **october
            )
            for segment in segments
            if segment.country_id in germany | france
        }
        self.assertEqual(by_country.get(germany), 3)
        self.assertFalse(by_country.get(france))

    def test_54_unsubscribe_rate(self):
        """A later subscription does not delete the opt-out, and an address counts once."""
        for n in range(200):
            self._trace(f"{n}@x.example")
        self._trace("0@x.example", sent="2026-10-19 09:00")  # reached twice: one address
        self._trace("bounced@x.example", "bounce")
        readers = [self._reader(f"{n}@x.example", self.news, self.offers) for n in range(3)]
        with self.at("2026-10-06 12:00"):
            readers[0].subscription_ids.write({"opt_out": True})  # of both lists
            for reader in readers[1:]:
                reader.subscription_ids[0].opt_out = True
        with self.at("2026-10-07 12:00"):
            readers[1].subscription_ids.opt_out = False  # returns
            self.env["mail.blacklist"]._add("3@x.example")
            self.env["mail.blacklist"]._add("3@x.example")
        with self.at("2026-11-01 12:00"):
            self._refresh(*LEAVING)
            self.assertEqual(self._read("unsubscribe_rate", "2026-10-01"), 0.02)
            self.assertEqual(self._read("blocked_rate", "2026-10-01"), 0.005)
            self.assertIsNone(self._read("unsubscribe_rate", "2026-09-01"), "no mail was delivered")
            ann = self._read("unsubscribe_rate", "2026-10-01", level="user", user_id=self.ann)
            self.assertEqual(ann, 0.02, "credited to the sender of the last mailing before")

    def test_records_behind_the_numbers(self):
        """Users of mailings can open mails and opt-outs; others see which role may open them."""
        traces = self._month_of_mails()
        reader = self._reader("1@x.example", self.news)
        with self.at("2026-10-06 12:00"):
            reader.subscription_ids.opt_out = True
        with self.at("2026-11-20 12:00"):
            self._refresh(*RESPONSE, "unsubscribe_rate")
        sender = self._employee("mailing_sender", "mass_mailing.group_mass_mailing_user")
        plain = self._employee("mailing_plain", "sales_team.group_sale_manager")
        delivered = self.env["mailing.trace"].union(*traces[1:])
        self.assertEqual(self._opened(sender, *RESPONSE, "2026-10"), delivered)
        left = self._opened(sender, "emails_opted_out", "2026-10")
        self.assertEqual(left.mapped("email"), ["1@x.example"])
        parts = self._opened(sender, "unsubscribe_rate", "2026-10")
        self.assertEqual(set(parts.kpi_id.mapped("code")), {"emails_opted_out", "emails_reached"})
        for code in (*RESPONSE, "emails_opted_out"):
            self._refused(plain, code, "2026-10", "Email Marketing/User")

    def test_54c_bounce_rate(self):
        self._month_of_mails()
        self._trace("failed@x.example", "error", failure_type="mail_smtp")
        with self.at("2026-11-01 12:00"):
            self._refresh("bounce_rate")
            self.assertAlmostEqual(self._read("bounce_rate", "2026-10-01"), 1 / 9)

    def test_rates_of_a_mail_that_bounces_late(self):
        """A late bounce overwrites the status: an opened or clicked mail is no longer delivered."""
        trace = self._trace("a@x.example", "open", links_click_datetime=utc("2026-10-05 10:00"))
        self._trace("b@x.example")
        codes = (*RESPONSE, "bounce_rate")
        with self.at("2026-11-01 12:00"):
            self._refresh(*codes)
            self.assertEqual(self._read(*RESPONSE, "2026-10-01"), 0.5)
            self.assertEqual(self._read("bounce_rate", "2026-10-01"), 0)
        with self.at("2026-11-02 12:00"):
            trace.set_bounced()
            self._refresh(*codes)
            self.assertEqual(self._read(*RESPONSE, "2026-10-01"), 0)
            self.assertEqual(self._read("bounce_rate", "2026-10-01"), 0.5)

    def test_56b_campaign_cost_per_response(self):
        code = "campaign_cost_per_response"
        paid, free, fair = self.env["utm.campaign"].create(
            [{"title": title} for title in ("Paid", "Free", "Fair")]
        )
        for campaign in (paid, free):
            mailing = self._mailing(campaign_id=campaign.id)
            for n, status in enumerate(("reply", "reply", "sent", "bounce")):
                self._trace(f"{n}@x.example", status, mass_mailing_id=mailing.id)
        self._trace("no-campaign@x.example", "reply")
        cost = {
            "kind": "marketing",
            "company_id": self.company.id,
            "date_first": "2026-10-01",
            "date_last": "2026-10-31",
        }
        with self.at("2026-11-01 12:00"):
            self._refresh(code)
            self.assertIsNone(self._read(code, "2026-10-01"), "no cost is known")
            self.env["crm.kpi.cost"].create(
                [
                    {**cost, "name": "Mails", "amount": 100, "campaign_id": paid.id},
                    {**cost, "name": "Stand", "amount": 5000, "campaign_id": fair.id},
                    {**cost, "name": "Salaries", "amount": 9000},
                ]
            )
            self._refresh(code)
            self.assertEqual(self._read(code, "2026-10-01"), 50)
            self.assertIsNone(self._read(code, "2026-11-01"), "the month is not over")
            # the fair sends a mail, too: its cost and its responses are added
            late = self._mailing(campaign_id=fair.id)
            self._trace("late@x.example", "reply", mass_mailing_id=late.id)
            self._refresh(code)
            self.assertEqual(self._read(code, "2026-10-01"), 1700)
