# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Outreach, referrals, first attempts and reactions, pipeline hygiene, duplicates.

The numbers in the names are those of docs/CATALOGUE.md, and so are the expected values.
"""

from datetime import timedelta

from odoo.tests import Form, freeze_time, new_test_user, tagged

from .common_history import HistoryCase, utc
from .common_interaction import InteractionCommon, dt
from .test_catalogue import CatalogueCase


@tagged("post_install", "-at_install")
class TestOutreach(CatalogueCase, InteractionCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.letter = cls.env.ref("crm_kpi.mail_activity_type_letter")
        cls.brochure = cls.env.ref("crm_kpi.mail_activity_type_brochure")
        cls.carl = cls._user("kpi_carl", "sales_team.group_sale_salesman_all_leads")

    def _of_rep(self, code, user=None, day="2026-11-01"):
        return self._read(code, day, level="user", user_id=user or self.carl)

    def test_03_outreach_volume(self):
        lead = self._lead("2026-10-01 08:00", by=self.bob)
        order = self.env["sale.order"].create(
            {"partner_id": self.customer.id, "opportunity_id": lead.id}
        )
        for day in ("02", "03"):
            self._done(lead, f"2026-11-{day} 09:00", self.carl, self.letter)
        for day in ("02", "03", "04"):
            self._done(lead, f"2026-11-{day} 10:00", self.carl, self.brochure)
        for day in ("02", "30"):
            self._done(lead, f"2026-11-{day} 11:00", self.carl, self.call)
        # messages, not days of attempts: two mails within ten minutes are two
        self._message(lead, "2026-11-05 09:00", self.carl)
        self._message(lead, "2026-11-05 09:10", self.carl)
        self._message(order, "2026-11-06 09:00", self.carl)
        self._message(lead, "2026-11-07 09:00", self.carl, subtype_id=self.note.id)
        self._message(lead, "2026-11-07 10:00", self.env.ref("base.partner_root"))
        self._mail_in(lead, "2026-11-07 11:00")
        # in other months: 1 December in Brussels
        self._message(lead, "2026-11-30 23:30", self.carl)
        self._done(lead, "2026-11-08 09:00", self.bob, self.meeting)
        codes = {
            "outreach_volume": 10,
            "letters_sent": 2,
            "brochures_sent": 3,
            "calls_made": 2,
            "emails_sent": 3,
            "meetings_held": 0,
        }
        with freeze_time("2026-12-05 08:00:00"):
            self._refresh(*codes)
            for code, expected in codes.items():
                self.assertEqual(self._of_rep(code), expected, code)
            self.assertEqual(self._of_rep("meetings_held", self.bob), 1)
            self.assertEqual(self._of_rep("outreach_volume", self.bob), 1)
            self.assertEqual(self._of_rep("outreach_volume", day="2026-12-01"), 1)

    def test_03_contacts_and_invoices(self):
        """Mails to contacts are outreach, mails about invoices are not; letters always are."""
        self._message(self.contact, "2026-11-05 09:00", self.carl)
        journal = self.env["account.journal"].create(
            {"name": "KPI sales", "code": "KPIS", "type": "sale"}
        )
        invoice = self.env["account.move"].create(
            {"move_type": "out_invoice", "partner_id": self.contact.id, "journal_id": journal.id}
        )
        self._message(invoice, "2026-11-06 09:00", self.carl)
        letter = self._message(invoice, "2026-11-07 09:00", self.carl)
        self._dates(letter, message_type="snailmail", subtype_id=self.note.id)
        with freeze_time("2026-11-20 08:00:00"):
            self._refresh("outreach_volume", "emails_sent", "letters_sent")
            found = [self._of_rep(code) for code in ("outreach_volume", "emails_sent")]
            self.assertEqual(found, [2, 1])
            self.assertEqual(self._of_rep("letters_sent"), 1)

    def test_03_types_of_activities(self):
        """A changed brochure flag of an activity type also applies to earlier activities."""
        kind = self.env["mail.activity.type"].create({"name": "Catalogue by post"})
        lead = self._lead("2026-10-01 08:00", by=self.bob)
        self._done(lead, "2026-11-02 09:00", self.carl, kind)
        with freeze_time("2026-11-20 08:00:00"):
            self._refresh("brochures_sent", "outreach_volume")
            self.assertEqual(self._of_rep("outreach_volume") or 0, 0)
            kind.kpi_touch = "brochure"
            self._refresh("brochures_sent", "outreach_volume", "letters_sent")
            self.assertEqual(self._of_rep("brochures_sent"), 1)
            self.assertEqual(self._of_rep("outreach_volume"), 1, "counts once")
            self.assertEqual(lead.kpi_attempt_count, 1)
            kind.kpi_touch = False
            kind.category = "phonecall"
            self._refresh("brochures_sent", "calls_made")
            self.assertEqual(self._of_rep("brochures_sent") or 0, 0)
            self.assertEqual(self._of_rep("calls_made"), 1)

    def test_03_only_done_calls_count(self):
        # calls are not counted by mail.activity, whose rows are planned, archived or deleted
        lead = self._lead("2026-11-01 08:00", by=self.carl, user_id=self.carl.id)
        with freeze_time("2026-11-02 08:00:00"):
            planned, done = (
                lead.with_user(self.carl).activity_schedule(
                    "mail.mail_activity_data_call", user_id=self.carl.id
                )
                for _i in range(2)
            )
            mail = lead.with_user(self.carl).activity_schedule(
                "mail.mail_activity_data_email", user_id=self.carl.id
            )
            done.action_feedback("Spoke to the boss")
            # the to-do and its mail are one contact
            mail.action_feedback()
            self._message(lead, "2026-11-02 08:10", self.carl)
            done.unlink()
            self.assertTrue(planned.exists())
        with freeze_time("2026-11-03 08:00:00"):
            self._refresh("calls_made", "emails_sent", "outreach_volume")
            self.assertEqual(self._of_rep("calls_made"), 1)
            self.assertEqual(self._of_rep("emails_sent"), 1)
            self.assertEqual(self._of_rep("outreach_volume"), 2)

    def test_13_outreach_to_action(self):
        """1, 3 and 8 days, never: median 3, rate 75 %."""
        for days in (1, 3, 8, None):
            lead = self._lead("2026-10-01 08:00", user_id=self.bob.id)
            self._mail_in(lead, "2026-10-01 08:00")  # the request is not an action
            self._message(lead, "2026-10-02 09:00", self.carl)
            if days:
                self._mail_in(lead, str(dt("2026-10-02 09:00") + timedelta(days=days)))
        with freeze_time("2026-10-25 08:00:00"):
            self._refresh("action_rate")
            self.assertIsNone(self._of_rep("action_rate", day="2026-10-01"), "immature")
        with freeze_time("2026-11-20 08:00:00"):
            self._refresh("outreach_to_action_days", "action_rate")
            self.assertEqual(self._of_rep("outreach_to_action_days", day="2026-10-01"), 3)
            self.assertEqual(self._of_rep("action_rate", day="2026-10-01"), 0.75)
            self.assertIsNone(
                self._of_rep("action_rate", self.bob, "2026-10-01"), "who wrote, not the owner"
            )

    def test_51_prospect_response_rate(self):
        """Replies after 1 and 20 days, none: 33.33 %; a meeting after 5 days: 33.33 %."""
        leads = []
        for days in (1, 20, None):
            lead = self._lead("2026-11-01 08:00", by=self.bob)
            self._message(lead, "2026-11-02 09:00", self.carl)
            if days:
                self._mail_in(lead, str(dt("2026-11-02 09:00") + timedelta(days=days)))
            leads.append(lead)
        spam = self.env["crm.lost.reason"].create({"name": "Spam", "kpi_disqualified": True})
        wrong = self._lead("2026-11-01 08:00", by=self.bob)
        self._message(wrong, "2026-11-02 09:00", self.carl)
        wrong.action_set_lost(lost_reason_id=spam.id)
        self._event(leads[2], "2026-11-07 09:00")
        self._event(leads[1], "2026-11-30 09:00")
        self._event(leads[0], "2026-11-01 09:00")  # before the attempt
        codes = ("prospect_response_rate", "meeting_rate")
        with freeze_time("2026-11-15 08:00:00"):
            self._refresh(*codes)
            self.assertIsNone(self._of_rep("prospect_response_rate"), "immature")
        with freeze_time("2026-11-25 08:00:00"):
            self._refresh(*codes)
            for code in codes:
                self.assertAlmostEqual(self._of_rep(code), 1 / 3, msg=code)

    def test_51_the_request_is_not_a_response(self):
        lead = self._lead("2026-11-01 08:00")
        self._mail_in(lead, "2026-11-01 08:00", subtype_id=self.created.id)
        self._message(lead, "2026-11-01 09:00", self.carl)
        self.env["crm.lead"]._kpi_derive()
        self.assertIs(lead.kpi_days_to_reply, False)

    def test_51_automatic_replies(self):
        lead = self._lead("2026-11-01 08:00", by=self.bob)
        self._message(lead, "2026-11-02 09:00", self.carl)
        mail = self._mail_in(lead, "2026-11-02 09:01", subject="Automatic reply: Your visit")
        self._message(lead, "2026-11-02 09:02", self.ann, subject="Automatic reply: Your visit")
        self.env["crm.lead"]._kpi_derive()
        self.assertIs(lead.kpi_days_to_reply, False)
        self.assertEqual(lead.kpi_attempts_since_reply, 1)
        self.assertEqual(len(self._rows(lead)), 2, "only mails of customers are checked")
        mail.subject = "Re: Your visit"
        self.env["crm.lead"]._kpi_derive()
        self.assertTrue(lead.kpi_days_to_reply)
        mail.subject = "I am away (again)"
        self.company.kpi_auto_reply_subjects = "I am away (, Urlaub"
        self.env["crm.lead"]._kpi_derive()
        self.assertIs(lead.kpi_days_to_reply, False)
        self.company.kpi_auto_reply_subjects = False
        self.env["crm.lead"]._kpi_derive()
        self.assertTrue(lead.kpi_days_to_reply)

    def test_51_meetings(self):
        """Days to the meeting follow changes of calendar meetings and done meeting activities."""
        lead = self._lead("2026-11-01 08:00", by=self.bob)
        other = self._lead("2026-11-01 08:00", by=self.bob)
        for one in (lead, other):
            self._message(one, "2026-11-02 09:00", self.carl)
        event = self._event(lead, "2026-11-04 09:00")
        derive = self.env["crm.lead"]._kpi_derive
        derive()
        self.assertEqual(lead.kpi_days_to_meeting, 2)
        event.write({"start": dt("2026-11-05 09:00"), "stop": dt("2026-11-05 10:00")})
        derive()
        self.assertEqual(lead.kpi_days_to_meeting, 3)
        self._done(lead, "2026-11-03 09:00", self.carl, self.meeting)
        derive()
        self.assertEqual(lead.kpi_days_to_meeting, 1, "the earliest")
        event.opportunity_id = other
        derive()
        self.assertEqual(other.kpi_days_to_meeting, 3)
        event.active = False
        derive()
        self.assertIs(other.kpi_days_to_meeting, False)
        event.active = True
        derive()
        self.assertEqual(other.kpi_days_to_meeting, 3)
        event.unlink()
        derive()
        self.assertIs(other.kpi_days_to_meeting, False)

    def _event(self, lead, start):
        return self.env["calendar.event"].create(
            {
                "name": "Visit",
                "start": dt(start),
                "stop": dt(start) + timedelta(hours=1),
                "opportunity_id": lead.id,
                "user_id": self.carl.id,
            }
        )


@tagged("post_install", "-at_install")
class TestReferrals(CatalogueCase, HistoryCase):
    def test_06b_referral_leads(self):
        """A refers two leads, B one, a supplier one: 4."""
        a, b, supplier = (self._customer(name) for name in ("A", "B", "Supplier"))
        referral = self.env.ref("utm.utm_source_referral")
        other = self.env["utm.source"].create({"name": "Fair in test"})
        leaver = new_test_user(self.env, "referral_leaver", groups="base.group_user")
        leaver.active = False
        with self.at("2026-10-10 12:00"):
            for referrer in (a, a, b, supplier):
                self._lead(kpi_referrer_id=referrer.id)
            # employees are not referrers, and neither are former employees
            self._lead(kpi_referrer_id=self.bob.partner_id.id)
            self._lead(kpi_referrer_id=leaver.partner_id.id)
            self._lead(source_id=other.id)
            self._lead()
        with self.at("2026-11-10 12:00"):
            self._refresh("referral_leads")
            self.assertEqual(self._read("referral_leads", "2026-10-01"), 4)
            self.assertEqual(
                self._read("referral_leads", "2026-10-01", level="user", user_id=self.ann), 4
            )
        with self.at("2026-10-11 12:00"):
            self._lead(source_id=referral.id, kpi_referrer_id=a.id)  # once
            self._lead(source_id=referral.id)
            self._lead(referred="an old friend")
        with self.at("2026-11-10 12:00"):
            self._refresh("referral_leads")
            self.assertEqual(self._read("referral_leads", "2026-10-01"), 7)

    def test_06b_match_of_the_free_text(self):
        """A contact named in Referred By is proposed, never linked automatically."""
        named = self._customer("Greta Unmistakable", email="greta@unmistakable.example.com")
        self._customer("Twin Brothers")
        self._customer("Twin Brothers")
        lead = self._lead()
        for text, match in (
            (" greta unmistakable", named),
            ("Greta <GRETA@unmistakable.example.com>", named),
            ("Twin Brothers", named.browse()),
            ("Nobody we know", named.browse()),
            (False, named.browse()),
        ):
            lead.referred = text
            self.assertEqual(lead.kpi_referrer_match_id, match, text)
            self.assertFalse(lead.kpi_referrer_id)
        lead.referred = "Greta Unmistakable"
        rep = lead.with_user(self.ann)
        with Form(rep, view="crm.crm_lead_view_form") as form:
            self.assertEqual(form.kpi_referrer_match_id, named)
        rep.action_kpi_use_referrer_match()
        self.assertEqual(lead.kpi_referrer_id, named)
        self.assertFalse(lead.kpi_referrer_match_id)


@tagged("post_install", "-at_install")
class TestVelocity(CatalogueCase, HistoryCase):
    def _close(self, created, closed, won, **values):
        with self.at(created):
            lead = self._lead(**values)
        with self.at(closed):
            lead.action_set_won() if won else lead.action_set_lost()
        return lead

    def test_15_sales_velocity(self):
        """20 open × 6 000 × 0.25 ÷ 60 days = 500 a day."""
        spam = self.env["crm.lost.reason"].create({"name": "Spam", "kpi_disqualified": True})
        for created, amount in (("2026-01-01", 4000), ("2026-08-03", 8000)):
            closed = (utc(created) + timedelta(days=60)).isoformat(" ")
            self._close(created, closed, True, expected_revenue=amount)
            for _i in range(3):
                self._close(created, closed, False, expected_revenue=1)
        disqualified = self._close("2026-08-03", "2026-08-09", False)
        disqualified.lost_reason_id = spam
        # more than twelve months ago
        self._close("2025-01-01", "2025-11-10 11:00", True, expected_revenue=10**6)
        with self.at("2026-11-01 08:00"):
            for index in range(20):
                self._lead(expected_revenue=1, user_id=(self.ann, self.bob)[index % 2].id)
        codes = {
            "sales_velocity": 500,
            "avg_deal_size_year": 6000,
            "win_rate_year": 0.25,
            "sales_cycle_days_year": 60,
        }
        with self.at("2026-11-11 12:00"):
            self._refresh(*codes)
            for code, expected in codes.items():
                self.assertAlmostEqual(self._read(code, "2026-11-01"), expected, msg=code)
            # at each level from its own components; Bob has won nothing: no value, not 0
            ann = self._read("sales_velocity", "2026-11-01", level="user", user_id=self.ann)
            self.assertAlmostEqual(ann, 250)
            bob = self._read("sales_velocity", "2026-11-01", level="user", user_id=self.bob)
            self.assertIsNone(bob)

    def test_15_no_cycle_no_value(self):
        self._close("2026-10-01", "2026-10-01", True, expected_revenue=100)
        with self.at("2026-11-01 08:00"):
            self._lead(expected_revenue=1)
        with self.at("2026-11-11 12:00"):
            self._refresh("sales_velocity")
            self.assertEqual(self._read("sales_cycle_days_year", "2026-11-01"), 0)
            self.assertIsNone(self._read("sales_velocity", "2026-11-01"))

    def test_12_open_leads_have_no_duration(self):
        # day_close is 0 for every open lead, and counts whole days from creation
        self._close("2026-10-01 06:00", "2026-10-07 18:00", True)
        with self.at("2026-10-02 08:00"):
            opened = self._lead()
        with self.at("2026-11-11 12:00"):
            self.assertEqual(opened.day_close, 0)
            self.assertIs(opened.kpi_sales_cycle_days, False)
            self._refresh("sales_cycle_days", "sales_cycle_days_mean")
            self.assertEqual(self._read("sales_cycle_days", "2026-10-01"), 6.5)
            self.assertEqual(self._read("sales_cycle_days_mean", "2026-10-01"), 6.5)


@tagged("post_install", "-at_install")
class TestHygiene(CatalogueCase, HistoryCase):
    RATES = {
        "pipeline_hygiene": 0.4,
        "stalled_rate": 0.2,
        "overdue_rate": 0.2,
        "unassigned_rate": 0.2,
        "no_next_step_rate": 0.2,
    }

    def _plan(self, lead, day, **values):
        return self.env["mail.activity"].create(
            {
                "res_model_id": self.env["ir.model"]._get_id("crm.lead"),
                "res_id": lead.id,
                "activity_type_id": self.env.ref("mail.mail_activity_data_call").id,
                "date_deadline": day,
                "user_id": self.ann.id,
                **values,
            }
        )

    def test_16_pipeline_hygiene(self):
        """Clean; stalled; overdue and no step; unassigned; clean."""
        with self.at("2026-10-01 08:00"):
            stalled = self._lead()
        with self.at("2026-11-02 08:00"):
            clean, late, unassigned = self._lead(), self._lead(), self._lead(user_id=False)
            robot = self._lead(date_deadline="2026-11-10")
            late.date_deadline = "2026-11-09"
            won = self._lead()
            won.action_set_won()
            for lead in (stalled, clean, unassigned, robot, won):
                self._plan(lead, "2026-11-10")
            done = self._plan(late, "2026-11-30")
        with self.at("2026-11-05 08:00"):
            done.action_feedback()
            self._plan(late, "2026-11-06")  # in the past by the 10th
        with self.at("2026-11-10 12:00"):
            self._refresh(*self.RATES)
            for code, expected in self.RATES.items():
                self.assertEqual(self._read(code, "2026-11-01"), expected, code)
            # OdooBot is not a salesperson, and leads count for c only
            robot.user_id = self.env.ref("base.user_root")
            self._lead(type="lead", user_id=False)
            self._refresh(*self.RATES)
            self.assertEqual(self._read("pipeline_hygiene", "2026-11-01"), 0.2)
            self.assertEqual(self._read("unassigned_rate", "2026-11-01"), 3 / 6)
            self.assertEqual(self._read("stalled_rate", "2026-11-01"), 0.2)
            unassigned = self.env["res.users"]
            self.assertEqual(
                self._read("unassigned_rate", "2026-11-01", level="user", user_id=unassigned), 1
            )

    def test_16_days_are_local(self):
        """On the tenth at 23:30 UTC it is the eleventh in Brussels."""
        with self.at("2026-11-09 08:00"):
            self._plan(self._lead(date_deadline="2026-11-10"), "2026-11-10")
        for moment, expected in (("2026-11-10 22:30", 0), ("2026-11-10 23:30", 1)):
            with self.at(moment):
                self._refresh("overdue_rate", "no_next_step_rate")
                self.assertEqual(self._read("overdue_rate", "2026-11-01"), expected)
                self.assertEqual(self._read("no_next_step_rate", "2026-11-01"), expected)

    def test_16_stalled_without_an_event(self):
        with self.at("2026-10-20 08:00"):
            lead = self._lead()
        with self.at("2026-11-19 08:00"):
            self._refresh("stalled_rate")
            self.assertEqual(self._read("stalled_rate", "2026-11-01"), 0)
        with self.at("2026-11-19 09:00"):
            self._refresh("stalled_rate")
            self.assertEqual(self._read("stalled_rate", "2026-11-01"), 1)
            self.assertEqual(
                self.env["crm.lead"].search([("kpi_stall_date", "<", "now"), ("id", "=", lead.id)]),
                lead,
            )
            # a closed period keeps its last value
        with self.at("2026-12-02 09:00"):
            lead.stage_id = self.env["crm.stage"].create({"name": "Next", "sequence": 2})
            self._refresh("stalled_rate")
            self.assertEqual(self._read("stalled_rate", "2026-11-01"), 1)
            self.assertEqual(self._read("stalled_rate", "2026-12-01"), 0)

    def test_16_stall_date_follows_stage_and_limit(self):
        lead_model = self.env["crm.lead"]
        with self.at("2026-11-01 08:00"):
            lead = self._lead()
            lead_model._kpi_derive()
            self.assertEqual(lead.kpi_stall_date, utc("2026-12-01 08:00"))
            self.stage_new.rotting_threshold_days = 7
            lead_model._kpi_derive()
            self.assertEqual(lead.kpi_stall_date, utc("2026-11-08 08:00"))
        with self.at("2026-11-03 08:00"):
            lead.stage_id = self.env["crm.stage"].create({"name": "Next", "sequence": 2})
            lead_model._kpi_derive()
            self.assertEqual(lead.kpi_stall_date, utc("2026-12-03 08:00"))
            lead.action_set_lost()
            lead_model._kpi_derive()
            self.assertFalse(lead.kpi_stall_date, "closed")
            lead.action_restore()
            lead_model._kpi_derive()
            self.assertTrue(lead.kpi_stall_date)

    def test_16_next_step_follows_activities(self):
        lead, other = self._lead(), self._lead()
        derive = self.env["crm.lead"]._kpi_derive

        def steps():
            derive()
            return [str(one.kpi_next_step_date or "") for one in (lead, other)]

        near = self._plan(lead, "2026-11-10")
        far = self._plan(lead, "2026-11-20")
        self.assertEqual(steps(), ["2026-11-20", ""])
        far.date_deadline = "2026-11-25"
        self.assertEqual(steps(), ["2026-11-25", ""])
        far.res_id = other.id
        self.assertEqual(steps(), ["2026-11-10", "2026-11-25"])
        near.action_feedback()
        self.assertEqual(steps(), ["", "2026-11-25"])
        far.unlink()
        self.assertEqual(steps(), ["", ""])
        self.assertEqual(derive(), 0, "nothing is left to do")

    def test_16e_lost_without_reason(self):
        reason, spam = self.env["crm.lost.reason"].create(
            [{"name": "Price in test"}, {"name": "Spam in test", "kpi_disqualified": True}]
        )
        with self.at("2026-10-10 08:00"):
            self._lead().action_set_lost()
            self._lead(type="lead").action_set_lost()
            for one in (reason, reason, spam):
                self._lead().action_set_lost(lost_reason_id=one.id)
        with self.at("2026-11-10 12:00"):
            self._refresh("lost_without_reason_rate")
            self.assertEqual(self._read("lost_without_reason_rate", "2026-10-01"), 0.25)
            self.assertIsNone(self._read("lost_without_reason_rate", "2026-09-01"))


@tagged("post_install", "-at_install")
class TestDuplicates(CatalogueCase, HistoryCase):
    def _mail(self, name, when, **values):
        with self.at(when):
            return self._lead(email_from=f"{name}@{name}.example.com", **values)

    def _of(self, *leads):
        self.env["crm.lead"]._kpi_derive()
        return [lead.kpi_duplicate_of_id for lead in leads]

    def test_60_duplicate_rate(self):
        """Six leads of a, a, b, c, d, e; an older one of d: 2/6."""
        older = self._mail("d", "2026-07-10 08:00")
        leads = [
            self._mail(name, f"2026-10-{day} 08:00") for day, name in enumerate("aabcde", start=10)
        ]
        with self.at("2026-11-10 12:00"):
            self._refresh("duplicate_rate")
            self.assertAlmostEqual(self._read("duplicate_rate", "2026-10-01"), 2 / 6)
            self.assertEqual(leads[1].kpi_duplicate_of_id, leads[0])
            self.assertEqual(leads[4].kpi_duplicate_of_id, older)
            # a merge deletes the lead, but it was still entered twice
            (leads[0] + leads[1]).merge_opportunity()
            self._refresh("duplicate_rate", "new_leads")
            self.assertAlmostEqual(self._read("duplicate_rate", "2026-10-01"), 2 / 6)
            self.assertEqual(self._read("new_leads", "2026-10-01"), 5)

    def test_60_what_is_a_duplicate(self):
        none = self.env["crm.lead"]
        first = self._mail("p", "2026-01-01 08:00", phone="+32 2 290 34 90")
        with self.at("2026-02-01 08:00"):
            by_phone = self._lead(phone="+3222903490", email_from="q@q.example.com")
        in_time = self._mail("p", "2026-06-30 08:00")
        again = self._mail("P", "2026-06-30 09:00", active=False, probability=0)
        late = self._mail("p", "2026-12-28 08:00")
        self.assertEqual(
            self._of(first, by_phone, in_time, again, late), [none, first, first, in_time, none]
        )
        # leads of a customer who has bought are not duplicates
        first.action_set_won()
        self.assertEqual(self._of(by_phone, in_time, again), [none, none, in_time])
        first.write({"stage_id": self.stage_new.id, "probability": 10})
        self.assertEqual(self._of(by_phone, in_time), [first, first])

    def test_60_addresses_change(self):
        none = self.env["crm.lead"]
        first, second, third = (self._mail("a", f"2026-11-0{day} 08:00") for day in (1, 2, 3))
        self.assertEqual(self._of(first, second, third), [none, first, second])
        second.email_from = "b@b.example.com"
        self.assertEqual(self._of(first, second, third), [none, none, first])
        second.email_from = "a@a.example.com"
        self.assertEqual(self._of(second, third), [first, second])
        first.email_from = False
        self.assertEqual(self._of(second, third), [none, second])
        # through the contact, without a write on the lead
        partner = self._customer("A", email="a@a.example.com")
        first.partner_id = partner
        self.assertEqual(self._of(second), [first])
        partner.email = "new@a.example.com"
        self.assertEqual(first.email_from, "new@a.example.com")
        self.assertEqual(self._of(second), [none])
        written = third.write_date
        second.unlink()
        self.assertFalse(third.kpi_duplicate_of_id)
        self.assertEqual(self._of(third), [none])
        self.assertNotEqual(third.write_date, written, "the refresh sees the change")

    def test_60_within_a_company(self):
        none = self.env["crm.lead"]
        other = self.env["res.company"].create({"name": "Other Ltd"})
        here = self._mail("a", "2026-11-01 08:00")
        there = self._mail("a", "2026-11-02 08:00", company_id=other.id, user_id=False)
        nowhere = self._mail(
            "a", "2026-11-03 08:00", company_id=False, user_id=False, team_id=False
        )
        self.assertEqual(self._of(here, there, nowhere), [none, none, there])


@tagged("post_install", "-at_install")
class TestProspectingPitfalls(CatalogueCase, HistoryCase):
    def test_reassignment_moves_no_date(self):
        # Odoo's date of assignment is the date of the last assignment
        with self.at("2026-11-01 08:00"):
            lead = self._lead()
            self.env["crm.lead"]._kpi_derive()
        names = [
            name
            for name, field in lead._fields.items()
            if name.startswith("kpi_") and field.store and field.type == "datetime"
        ]
        before = lead.read(names)
        with self.at("2026-11-09 08:00"):
            lead.user_id = self.bob
            self.env["crm.lead"]._kpi_derive()
        self.assertEqual(lead.date_open, utc("2026-11-09 08:00"))
        self.assertEqual(lead.read(names), before)

    def test_segment_of_a_lead_on_the_company_itself(self):
        # crm.lead.commercial_partner_id is not a column, and empty on the lead of a company
        segments = self.env.ref("crm_kpi.segment_set_industry")
        ore = self.env["res.partner.industry"].create({"name": "Ore in test"})
        customer = self._customer("Mine", industry_id=ore.id)
        contact = self.env["res.partner"].create({"name": "Foreman", "parent_id": customer.id})
        with self.at("2026-10-10 12:00"):
            for partner in (customer, contact):
                self._lead(partner_id=partner.id)
            self._lead()
        with self.at("2026-11-10 12:00"):
            self._refresh("new_leads")
            segment = segments.segment_ids.filtered(lambda s: s.industry_id == ore)
            found = self._read("new_leads", "2026-10-01", level="segment", segment_id=segment)
            self.assertEqual(found, 2)

    def test_what_waits_in_the_cache_is_counted(self):
        # nothing is flushed before the refresh
        with freeze_time("2026-10-10 12:00:00"):
            lead = self._lead(email_from="x@x.example.com")
        with freeze_time("2026-11-10 12:00:00"):
            lead.write({"type": "opportunity", "date_deadline": "2026-11-02"})
            self._refresh("overdue_rate")
            self.assertEqual(self._read("overdue_rate", "2026-11-01"), 1)
            lead.date_deadline = "2026-12-24"
            self._refresh("overdue_rate")
            self.assertEqual(self._read("overdue_rate", "2026-11-01"), 0)

    def test_activity_types_are_on_their_form(self):
        admin = self.env.ref("base.user_admin")
        kinds = self.env["mail.activity.type"].with_user(admin)
        with Form(kinds, view="mail.mail_activity_type_view_form") as form:
            form.name = "Leaflet"
            form.kpi_touch = "brochure"
        self.assertEqual(form.record.kpi_touch, "brochure")
