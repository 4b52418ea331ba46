# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged

from odoo.addons.crm_kpi.tests.common_history import utc

from .common import MailingCase

FACTS = (
    "kpi_email",
    "kpi_delivered",
    "kpi_responded",
    "kpi_user_id",
    "kpi_team_id",
    "kpi_partner_id",
    "kpi_company_id",
)


@tagged("post_install", "-at_install")
class TestTraceFacts(MailingCase):
    def _derive(self):
        self.env["mailing.trace"]._kpi_derive()

    def test_responses(self):
        """Answers and clicks count; opens and clicks of scanners do not."""
        sent = "2026-10-05 09:00"

        def trace(status="open", **values):
            return self._trace("a@x.example", status, sent, **values)

        cases = {
            "opened": (trace(open_datetime=utc("2026-10-05 12:00")), False),
            "replied": (trace("reply"), True),
            "replied before": (trace(reply_datetime=utc("2026-10-05 12:00")), True),
            "clicked": (trace(links_click_datetime=utc("2026-10-05 09:00:10")), True),
            "scanned": (trace(links_click_datetime=utc("2026-10-05 09:00:09")), False),
            "bounced": (trace("bounce", links_click_datetime=utc("2026-10-05 12:00")), False),
            "waiting": (trace("pending", reply_datetime=utc("2026-10-05 12:00")), False),
        }
        self._derive()
        for name, (record, expected) in cases.items():
            self.assertEqual(record.kpi_responded, expected, name)
        self.assertFalse(cases["waiting"][0].kpi_delivered, "only for text messages")
        # the seconds are a setting
        self.company.kpi_click_seconds = 5
        self._derive()
        self.assertTrue(cases["scanned"][0].kpi_responded)

    def test_text_messages(self):
        if "sms_number" not in self.env["mailing.trace"]._fields:
            self.skipTest("SMS marketing is not installed")
        text = self._trace(False, "pending", trace_type="sms", sms_number="+3212345678")
        self._derive()
        self.assertTrue(text.kpi_delivered)

    def test_setting_reaches_stored_values(self):
        self._trace("a@x.example", "open", links_click_datetime=utc("2026-10-05 09:00:07"))
        with self.at("2026-11-20 12:00"):
            self._refresh("campaign_response_rate")
            self.assertEqual(self._read("campaign_response_rate", "2026-10-01"), 0)
            self.company.kpi_click_seconds = 5
            self._refresh("campaign_response_rate")
            self.assertEqual(self._read("campaign_response_rate", "2026-10-01"), 1)

    def test_recipient(self):
        customer = self._customer("Customer", email="Office@Customer.example")
        twin = self._customer("Twin", email="office@customer.example", active=False)
        lead = self._lead(partner_id=customer.id)
        stray = self._lead(email_from="office@customer.example")
        reader = self._reader("office@customer.example")
        stranger = self._reader("stranger@x.example")
        expected = {
            self._trace("any@x.example", record=twin): twin,
            self._trace("any@x.example", record=lead): customer,
            self._trace("office@customer.example", record=stray): customer,
            self._trace('"Office" <OFFICE@customer.example>', record=reader): customer,
            self._trace("stranger@x.example", record=stranger): customer.browse(),
            self._trace("any@x.example", model="no.such.model", res_id=1): customer.browse(),
        }
        self._derive()
        for trace, partner in expected.items():
            self.assertEqual(trace.kpi_partner_id, partner)
            self.assertEqual(trace.kpi_company_id, self.company)
            self.assertEqual((trace.kpi_user_id, trace.kpi_team_id), (self.ann, self.north))
        self.assertIn("office@customer.example", [trace.kpi_email for trace in expected])

    def test_company_without_sender(self):
        self.mailing.user_id = False
        known = self._trace("a@x.example", record=self._customer(company_id=self.company.id))
        unknown = self._trace("b@x.example")
        self._derive()
        self.assertEqual(known.kpi_company_id, self.company)
        self.assertFalse(unknown.kpi_company_id)

    def test_sender_is_deleted(self):
        """The mails stay in the company and the team that sent them."""
        sender = new_test_user(self.env, "sender", "base.group_user", company_id=self.company.id)
        self.env["crm.team.member"].create({"crm_team_id": self.south.id, "user_id": sender.id})
        self.mailing.user_id = sender
        trace = self._trace("a@x.example")
        self._derive()
        self.assertEqual((trace.kpi_user_id, trace.kpi_team_id), (sender, self.south))
        with self.at("2026-11-20 12:00"):
            self._refresh("mailings_sent")
            self.assertEqual(self._read("mailings_sent", "2026-10-01"), 1)
            sender.unlink()
            self.env.invalidate_all()
            trace.set_opened()
            self._derive()
            self.assertFalse(trace.kpi_user_id)
            self.assertEqual((trace.kpi_team_id, trace.kpi_company_id), (self.south, self.company))
            self._refresh("mailings_sent")
            self.assertEqual(self._read("mailings_sent", "2026-10-01"), 1)

    def test_no_derivation_before_sending(self):
        """Deriving must not write mails that are being sent."""
        trace = self._trace("a@x.example", "outgoing", sent=None)
        before = trace.write_date
        self._derive()
        self.assertFalse(any(trace[name] for name in FACTS))
        self.assertEqual(trace.write_date, before)
        with self.at("2026-10-05 09:00"):
            trace.set_sent()
        self._derive()
        self.assertTrue(trace.kpi_delivered)

    def test_backfill_leaves_write_dates(self):
        """Odoo takes the time of a bounce from the write date, and shows it to users."""
        traces = self._trace("a@x.example", "bounce") + self._trace("b@x.example", "open")
        recent = self._trace("c@x.example", "bounce")
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE mailing_trace SET write_date = '2026-02-03 04:05:06' WHERE id = ANY(%s)",
            [traces.ids],
        )
        self.env.invalidate_all()
        before = (traces + recent).mapped("write_date")
        self.env["mailing.trace"]._kpi_mark_all_dirty()
        self._derive()
        self.assertEqual((traces + recent).mapped("write_date"), before)
        self.assertEqual((traces + recent).mapped("kpi_delivered"), [False, True, False])

    def test_backfill_gives_the_same(self):
        customer = self._customer("Customer", email="office@customer.example")
        traces = self._trace("office@customer.example", "reply") + self._trace("x@x.example")
        traces += self._trace("y@x.example", "bounce", record=customer)
        self._derive()
        lived = [[trace[name] for name in FACTS] for trace in traces]
        self.env["crm.kpi.backfill"]._forget(traces)
        self.assertFalse(any(trace.kpi_email for trace in traces))
        self.env["mailing.trace"]._kpi_mark_all_dirty()
        self._derive()
        self.assertEqual([[trace[name] for name in FACTS] for trace in traces], lived)

    def test_protected(self):
        user = new_test_user(
            self.env, "mailing_user", groups="mass_mailing.group_mass_mailing_user"
        )
        self.assertTrue(user.has_group("crm_kpi.group_kpi_user"))
        trace = self._trace("a@x.example").with_user(user)
        with self.assertRaisesRegex(AccessError, "kpi_responded"):
            trace.write({"kpi_responded": True})
