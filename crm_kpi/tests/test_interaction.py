# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from datetime import date, timedelta
from statistics import median

from freezegun import freeze_time

from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged

from .common_interaction import InteractionCommon, dt


@tagged("post_install", "-at_install")
class TestInteractionClasses(InteractionCommon):
    """The classes of docs/CATALOGUE.md#interaction-classes, one by one."""

    def setUp(self):
        super().setUp()
        self.lead = self._lead(by=self.ann)

    def _class(self, **kwargs):
        """(direction, channel) of one message, or None when it does not count."""
        author = kwargs.pop("author", self.ann)
        message = self._message(self.lead, kwargs.pop("when", "2026-11-02 09:00"), author, **kwargs)
        self.env["crm.lead"]._kpi_derive()
        row = self._rows(self.lead).filtered(lambda r: r.message_id == message)
        return (row.direction, row.channel) if row else None

    def test_ignored_types(self):
        for kind in ("user_notification", "out_of_office", "auto_comment", "notification"):
            self.assertIsNone(self._class(message_type=kind), kind)
            self.assertIsNone(self._class(message_type=kind, author=self.contact), kind)

    def test_robots(self):
        robot = self.env.ref("base.partner_root")
        public = self.env.ref("base.public_user")
        for author in (robot, public):
            for kind in ("comment", "email", "sms"):
                self.assertIsNone(self._class(author=author, message_type=kind))

    def test_staff_comment_and_mail(self):
        self.assertEqual(self._class(), ("out", "email"))
        self.assertEqual(self._class(message_type="email"), ("out", "email"))
        self.assertIsNone(self._class(subtype_id=self.note.id), "a note")
        self.assertIsNone(self._class(subtype_id=False), "no subtype")
        self.assertIsNone(self._class(subtype_id=self.created.id), "the creation")
        self.assertIsNone(self._class(message_type="email", subtype_id=self.created.id))
        self.assertIsNone(self._class(is_internal=True), "internal")

    def test_staff_sms_and_letter(self):
        """Text messages and letters are posted as notes, but count."""
        for kind, channel in (("sms", "sms"), ("snailmail", "letter")):
            message = self._message(self.lead, "2026-11-02 09:00", self.ann)
            # the module that defines the type may not be installed
            self.env.cr.execute(
                "UPDATE mail_message SET message_type = %s, subtype_id = %s WHERE id = %s",
                (kind, self.note.id, message.id),
            )
            self.env["crm.lead"]._kpi_derive()
            row = self._rows(self.lead).filtered(lambda r, m=message: r.message_id == m)
            self.assertEqual((row.direction, row.channel), ("out", channel))

    def test_mass_mail_from_the_list(self):
        self.assertEqual(
            self._class(message_type="email_outgoing", subtype_id=False), ("out", "email")
        )

    def test_activities(self):
        # an activity "Email" and its mail are one contact
        kwargs = {"message_type": "notification", "subtype_id": self.activities.id}
        self.assertEqual(self._class(mail_activity_type_id=self.call.id, **kwargs), ("out", "call"))
        self.assertEqual(
            self._class(mail_activity_type_id=self.meeting.id, **kwargs), ("both", "meeting")
        )
        self.assertIsNone(self._class(mail_activity_type_id=self.todo.id, **kwargs))

    def test_archived_employee(self):
        """Old answers of an archived employee still count as answers."""
        self.assertEqual(self._class(author=self.leaver), ("out", "email"))
        self.assertEqual(self._rows(self.lead)[-1:].user_id, self.leaver)

    def test_incoming(self):
        for subtype in (self.comment, self.note, self.created):
            self.assertEqual(
                self._class(author=self.contact, message_type="email", subtype_id=subtype.id),
                ("in", "email"),
            )
        self.assertEqual(self._class(author=self.portal), ("in", "email"), "portal")
        self.assertEqual(
            self._class(author=None, message_type="email", subtype_id=False), ("in", "email")
        )
        self.assertIsNone(self._class(author=None), "a comment without author")
        guest = self.env["mail.guest"].create({"name": "Guest"})
        self.assertEqual(self._class(author=None, author_guest_id=guest.id), ("in", "email"))

    def test_senders_clock(self):
        """A mail dated more than a day after its arrival is dated by the arrival."""
        late = self._mail_in(self.lead, "2026-12-24 00:00", arrived="2026-11-02 09:00")
        near = self._mail_in(self.lead, "2026-11-03 08:00", arrived="2026-11-02 09:00")
        self.env["crm.lead"]._kpi_derive()
        when = {row.message_id: row.date for row in self._rows(self.lead)}
        self.assertEqual(when[late], dt("2026-11-02 09:00"))
        self.assertEqual(when[near], dt("2026-11-03 08:00"))

    def test_local_day(self):
        """23:30 UTC is the next day in Brussels."""
        self._message(self.lead, "2026-11-02 23:30", self.ann)
        self.env["crm.lead"]._kpi_derive()
        self.assertEqual(self._rows(self.lead).day, date(2026, 11, 3))

    def test_row(self):
        team = self.env["crm.team"].create({"name": "T"})
        self.lead.team_id = team
        self._message(self.lead, "2026-11-02 09:00", self.bob)
        self.env["crm.lead"]._kpi_derive()
        row = self._rows(self.lead)
        self.assertEqual(row.user_id, self.bob, "the author, not the owner")
        self.assertEqual(row.team_id, team)
        self.assertEqual(row.company_id, self.company)
        self.assertEqual(row.partner_id, self.customer, "the commercial partner")
        self.assertEqual(row.lead_id, self.lead)


@tagged("post_install", "-at_install")
class TestInteractionQueue(InteractionCommon):
    def _queue(self):
        self.env["crm.kpi.dirty"]._write_marks()
        self.env.cr.execute("SELECT res_id FROM crm_kpi_dirty WHERE res_model = 'crm.lead'")
        return set(self.env.cr.fetchall())

    def test_changes_are_followed(self):
        lead, other = self._lead(by=self.ann), self._lead(by=self.ann)
        message = self._message(lead, "2026-11-02 09:00", self.ann)
        Lead = self.env["crm.lead"]
        Lead._kpi_derive()
        self.assertFalse(self._queue())
        self.assertEqual(lead.kpi_attempt_count, 1)

        message.subtype_id = self.note
        Lead._kpi_derive()
        self.assertFalse(self._rows(lead))
        self.assertEqual(lead.kpi_attempt_count, 0)
        self.assertFalse(lead.kpi_last_interaction_date)

        message.subtype_id = self.comment
        message.res_id = other.id  # as a merge does
        Lead._kpi_derive()
        self.assertEqual((lead.kpi_attempt_count, other.kpi_attempt_count), (0, 1))

        message.unlink()
        Lead._kpi_derive()
        self.assertEqual(other.kpi_attempt_count, 0)
        self.assertFalse(self._rows(other))

    def test_logs_do_not_mark(self):
        lead = self._lead(by=self.ann)
        self.env["crm.lead"]._kpi_derive()
        self._message(lead, "2026-11-02 09:00", self.ann, message_type="notification")
        self.assertFalse(self._queue())

    def test_equal_rows_are_not_written(self):
        """A second derivation of the same history writes nothing."""
        lead = self._lead(by=self.ann)
        self._message(lead, "2026-11-02 09:00", self.ann)
        self._mail_in(lead, "2026-11-02 10:00")
        Lead = self.env["crm.lead"]
        Lead._kpi_derive()
        before = self._rows(lead).mapped("write_date"), lead.write_date
        Lead._kpi_derive_records(lead.ids)
        self.env.invalidate_all()
        self.assertEqual((self._rows(lead).mapped("write_date"), lead.write_date), before)

    def test_failure_loses_nothing(self):
        # unlike a watermark, a queue of marks does not miss transactions that commit late
        lead = self._lead(by=self.ann)
        self._message(lead, "2026-11-02 09:00", self.ann)
        marks = self._queue()
        Lead = self.env["crm.lead"]
        self.patch(type(Lead), "_kpi_response_query", lambda self, ids: 1 / 0)
        with self.assertRaises(ZeroDivisionError), self.env.cr.savepoint():
            Lead._kpi_derive()
        self.assertEqual(self._queue(), marks)

    def test_merge(self):
        """Messages move to the remaining lead; no rows of the merged leads stay."""
        first, second = self._lead(by=self.ann), self._lead(by=self.ann)
        self._message(first, "2026-11-02 09:00", self.ann)
        self._message(second, "2026-11-03 09:00", self.ann)
        self.env["crm.lead"]._kpi_derive()
        head = (first | second).merge_opportunity()
        self.env["crm.lead"]._kpi_derive()
        self.assertEqual(head.kpi_attempt_count, 2)
        self.assertEqual(len(self._rows(head)), 2)
        self.assertFalse(
            self.env["crm.kpi.interaction"].search(
                [("res_model", "=", "crm.lead"), ("res_id", "in", ((first | second) - head).ids)]
            )
        )

    def test_order_of_a_lead(self):
        """A mail on the quotation is an interaction of the lead, but not a contact attempt."""
        lead = self._lead(by=self.ann)
        order = self.env["sale.order"].create(
            {"partner_id": self.customer.id, "opportunity_id": lead.id}
        )
        self._message(lead, "2026-11-02 09:00", self.ann)
        self._message(order, "2026-11-05 09:00", self.ann)
        self.env["crm.lead"]._kpi_derive()
        self.assertEqual(lead.kpi_last_interaction_date, dt("2026-11-05 09:00"))
        self.assertEqual(lead.kpi_attempt_count, 1)
        order.signed_on = dt("2026-11-07 10:00")
        self.env["crm.lead"]._kpi_derive()
        self.assertEqual(lead.kpi_first_reply_date, dt("2026-11-07 10:00"))
        self.assertEqual(lead.kpi_attempts_since_reply, 0)
        order.opportunity_id = False
        self.env["sale.order"]._kpi_derive()
        self.env["crm.lead"]._kpi_derive()
        self.assertEqual(lead.kpi_last_interaction_date, dt("2026-11-02 09:00"))
        self.assertFalse(lead.kpi_first_reply_date)


@tagged("post_install", "-at_install")
class TestResponses(InteractionCommon):
    """Origin and first response of leads: KPI 49 of docs/CATALOGUE.md."""

    def _derive(self):
        self.env["crm.lead"]._kpi_derive()

    def test_example_49(self):
        half = self._lead("2026-11-03 09:00")
        self._message(half, "2026-11-03 09:30", self.ann)
        three = self._lead("2026-11-03 09:00")
        self._message(three, "2026-11-03 12:00", self.bob)
        silent = self._lead("2026-11-03 09:00")
        typed = self._lead("2026-11-03 09:00", by=self.ann)
        self._message(typed, "2026-11-03 09:00", self.ann)
        self._derive()
        inbound = (half | three | silent | typed).filtered(lambda r: r.kpi_origin == "inbound")
        self.assertEqual(inbound, half | three | silent)
        hours = [r.kpi_first_response_hours for r in inbound]
        self.assertEqual(hours, [0.5, 3.0, False], "no answer is no value, not zero")
        self.assertEqual(median(h for h in hours if h is not False), 1.75)
        in_target = inbound.filtered("kpi_response_in_target")
        self.assertAlmostEqual(len(in_target) / len(inbound), 1 / 3)
        self.assertEqual(half.kpi_response_due, dt("2026-11-03 10:00"))
        self.assertEqual(three.kpi_first_response_user_id, self.bob, "the author, not the owner")
        self.assertEqual(silent.kpi_response_waiting, True)
        self.assertFalse(half.kpi_response_waiting or typed.kpi_response_waiting)
        self.assertFalse(typed.kpi_first_response_date)
        self.assertFalse(typed.kpi_response_due)

    def test_unanswered_is_null_in_the_database(self):
        lead = self._lead()
        self._derive()
        self.env.cr.execute(
            "SELECT kpi_first_response_hours, kpi_first_response_hours_bh"
            " FROM crm_lead WHERE id = %s",
            lead.ids,
        )
        self.assertEqual(self.env.cr.fetchone(), (None, None))

    def test_what_is_no_response(self):
        lead = self._lead("2026-11-03 09:00")
        self._message(lead, "2026-11-03 09:00", self.ann, subtype_id=self.created.id)
        self._message(lead, "2026-11-03 09:10", self.ann, subtype_id=self.note.id)
        self._message(lead, "2026-11-03 09:20", self.ann, message_type="notification")
        self._message(lead, "2026-11-03 09:30", self.ann, message_type="user_notification")
        self._message(lead, "2026-11-03 09:40", self.env.ref("base.partner_root"))
        self._mail_in(lead, "2026-11-03 09:50")
        lead.user_id = self.bob
        self._derive()
        self.assertFalse(lead.kpi_first_response_date)
        self._done(lead, "2026-11-03 11:00", self.bob, self.call)
        self._derive()
        self.assertEqual(lead.kpi_first_response_hours, 2.0)
        self.assertEqual(lead.kpi_first_response_user_id, self.bob)

    def test_same_second(self):
        """Creation has microseconds, messages have whole seconds."""
        lead = self._lead("2026-11-03 09:00:00.900")
        self._message(lead, "2026-11-03 09:00:00", self.ann)
        self._derive()
        self.assertEqual(lead.kpi_first_response_hours, 0.0)
        self.assertIsNot(lead.kpi_first_response_hours, False)
        self.assertTrue(lead.kpi_response_in_target)

    def test_origin(self):
        by_mail = self._lead("2026-11-03 09:00")
        first = self._mail_in(by_mail, "2026-11-03 08:59", subtype_id=self.created.id)
        self.assertEqual(by_mail.kpi_origin, False)
        by_staff_then_mail = self._lead("2026-11-03 09:00", by=self.ann)
        self._mail_in(by_staff_then_mail, "2026-11-04 09:00")
        by_staff_wrote_first = self._lead("2026-11-03 09:00", by=self.ann)
        self._message(by_staff_wrote_first, "2026-11-03 10:00", self.ann)
        self._mail_in(by_staff_wrote_first, "2026-11-04 09:00")
        forwarded = self._lead("2026-11-03 09:00", by=self.ann)
        self._message(
            forwarded,
            "2026-11-03 09:00",
            self.ann,
            message_type="email",
            subtype_id=self.created.id,
        )
        by_portal = self._lead("2026-11-03 09:00", by=self.portal)
        self._derive()
        self.assertEqual(by_mail.kpi_origin, "inbound")
        self.assertTrue(self._rows(by_mail).filtered(lambda r: r.message_id == first).is_request)
        self.assertEqual(by_staff_then_mail.kpi_origin, "inbound")
        self.assertEqual(by_staff_wrote_first.kpi_origin, "outbound")
        self.assertEqual(forwarded.kpi_origin, "outbound")
        self.assertEqual(by_portal.kpi_origin, "inbound")

    def test_business_hours(self):
        """Friday 16:00 to Monday 09:00 in Brussels: 65 hours by the clock, 2 worked."""
        calendar = self.env["resource.calendar"].create(
            {
                "name": "8-12, 13-17",
                "tz": "Europe/Brussels",
                "company_id": self.company.id,
                "attendance_ids": [(5, 0, 0)]
                + [
                    (
                        0,
                        0,
                        {
                            "name": "w",
                            "dayofweek": str(day),
                            "hour_from": a,
                            "hour_to": b,
                            "day_period": "morning" if a < 12 else "afternoon",
                        },
                    )
                    for day in range(5)
                    for a, b in ((8, 12), (13, 17))
                ],
            }
        )
        self.company.resource_calendar_id = calendar
        lead = self._lead("2026-11-20 15:00")
        self._message(lead, "2026-11-23 08:00", self.ann)
        night = self._lead("2026-11-20 20:00")
        self._message(night, "2026-11-20 21:00", self.ann)
        # Tuesday 24 is a public holiday
        self.env["resource.calendar.leaves"].create(
            {
                "name": "Holiday",
                "calendar_id": calendar.id,
                "company_id": self.company.id,
                "date_from": dt("2026-11-23 23:00"),
                "date_to": dt("2026-11-24 22:59:59"),
            }
        )
        holiday = self._lead("2026-11-23 15:00")
        self._message(holiday, "2026-11-25 08:00", self.ann)
        noon = self._lead("2026-11-20 10:30")  # 11:30, over lunch, to 13:30
        self._message(noon, "2026-11-20 12:30", self.ann)
        self._derive()
        self.assertAlmostEqual(lead.kpi_first_response_hours, 65)
        self.assertAlmostEqual(lead.kpi_first_response_hours_bh, 2)
        self.assertEqual(night.kpi_first_response_hours_bh, 0)
        self.assertIsNot(night.kpi_first_response_hours_bh, False)
        self.assertAlmostEqual(holiday.kpi_first_response_hours_bh, 2)
        self.assertAlmostEqual(noon.kpi_first_response_hours_bh, 1)
        # a pair whose end is known never changes again
        calendar.attendance_ids.filtered(lambda a: a.dayofweek == "4").unlink()
        self._mail_in(lead, "2026-11-24 08:00")
        self._derive()
        self.assertAlmostEqual(lead.kpi_first_response_hours_bh, 2)
        # an earlier answer is found: a new pair, computed with the current calendar
        self._message(lead, "2026-11-23 07:30", self.bob)
        self._derive()
        self.assertAlmostEqual(lead.kpi_first_response_hours_bh, 0.5)
        self.assertEqual(lead.kpi_first_response_user_id, self.bob)

    def test_lead_of_an_employee_begins_with_the_customer(self):
        """Entered on Monday after a call; the customer first writes on Wednesday."""
        entered = self._lead("2026-11-02 09:00", by=self.bob)
        self._mail_in(entered, "2026-11-04 10:00")
        self._message(entered, "2026-11-04 10:30", self.ann)
        silent = self._lead("2026-11-02 09:00", by=self.bob)
        answered_first = self._lead("2026-11-02 09:00", by=self.bob)
        self._message(answered_first, "2026-11-02 11:00", self.ann)
        self._mail_in(answered_first, "2026-11-04 10:00")
        self._message(answered_first, "2026-11-04 10:30", self.ann)
        # a mail from before the lead was entered, as after an import or from a mail plugin
        logged = self._lead("2026-11-04 12:00", by=self.bob)
        self._mail_in(logged, "2026-11-04 10:00")
        self._message(logged, "2026-11-04 12:30", self.ann)
        form = self._lead("2026-11-04 10:00")
        self._message(form, "2026-11-04 10:30", self.ann)
        self._derive()
        self.assertEqual(entered.kpi_origin, "inbound")
        self.assertEqual(entered.kpi_response_start, dt("2026-11-04 10:00"))
        self.assertEqual(entered.kpi_first_response_hours, 0.5)
        self.assertEqual(entered.kpi_first_response_hours_bh, 0.5)
        self.assertEqual(entered.kpi_response_due, dt("2026-11-04 11:00"))
        self.assertTrue(entered.kpi_response_in_target)
        for lead in (silent, answered_first):
            self.assertEqual(lead.kpi_origin, "outbound")
            self.assertIs(lead.kpi_first_response_hours, False)
            self.assertFalse(lead.kpi_response_start or lead.kpi_response_due)
            self.assertFalse(lead.kpi_response_waiting)
        self.assertEqual(logged.kpi_first_response_hours, 2.5)
        self.assertEqual(form.kpi_first_response_hours, 0.5, "a web form is a request itself")

    def test_target_follows_a_moved_start(self):
        """An earlier message of the customer is found, after the target was changed."""
        self.company.resource_calendar_id = False
        lead = self._lead("2026-11-02 09:00", by=self.bob)
        self._mail_in(lead, "2026-11-04 10:00")
        self._message(lead, "2026-11-04 10:45", self.ann)
        self._derive()
        self.company.kpi_lead_response_target_hours = 8
        self._mail_in(lead, "2026-11-04 09:30")
        self._derive()
        self.assertEqual(lead.kpi_response_due, dt("2026-11-04 10:30"))
        self.assertFalse(lead.kpi_response_in_target)
        self.assertEqual(lead.kpi_first_response_hours_bh, 1.25)

    def test_customer_with_a_login(self):
        """The contact of a lead is the customer, also when they are an internal user."""
        colleague = self._user("kpi_colleague", "base.group_user")
        (self.bob | colleague).partner_id.parent_id = self.customer
        lead = self._lead("2026-11-02 09:00", by=self.ann, partner_id=self.bob.partner_id.id)
        self._mail_in(lead, "2026-11-02 10:00", self.bob.partner_id)
        self._message(lead, "2026-11-02 10:10", self.bob)
        self._message(lead, "2026-11-02 10:15", self.bob, subtype_id=self.note.id)
        self._message(lead, "2026-11-02 10:20", colleague)
        self._message(lead, "2026-11-02 11:00", self.ann)
        self._derive()
        self.assertEqual(
            self._rows(lead).mapped(lambda row: (row.direction, row.user_id)),
            [("in", self.env["res.users"])] * 3 + [("out", self.ann)],
        )
        self.assertEqual(lead.kpi_first_response_hours, 1)
        self.assertEqual(lead.kpi_attempt_count, 1)

    def test_colleagues_of_the_own_company_answer(self):
        """Employees below the contact of the company: only the requester is the customer."""
        (self.ann | self.bob).partner_id.parent_id = self.company.partner_id
        lead = self._lead("2026-11-02 09:00", by=self.bob, partner_id=self.bob.partner_id.id)
        self._message(lead, "2026-11-02 09:10", self.bob)
        self._message(lead, "2026-11-02 09:30", self.ann)
        # known by the address only
        address = self._lead(
            "2026-11-02 09:00",
            by=self.ann,
            partner_id=False,
            email_from="Bob <KPI_bob@example.com>",
        )
        self._message(address, "2026-11-02 09:10", self.bob)
        self._message(address, "2026-11-02 09:30", self.ann)
        self._derive()
        for one, hours in ((lead, 0.5), (address, 1 / 3)):
            self.assertEqual(self._rows(one).mapped("direction"), ["in", "out"])
            self.assertAlmostEqual(one.kpi_first_response_hours, hours)
        # the lead gets another customer: they are colleagues again
        lead.partner_id = self.contact
        lead.email_from = False
        self._derive()
        self.assertEqual(self._rows(lead).mapped("direction"), ["out", "out"])

    def test_round_the_clock(self):
        self.company.resource_calendar_id = False
        lead = self._lead("2026-11-20 15:00")
        self._message(lead, "2026-11-23 08:00", self.ann)
        self._derive()
        self.assertAlmostEqual(lead.kpi_first_response_hours_bh, 65)

    def test_turns(self):
        """A turn begins with the first incoming message after the last outgoing one (KPI 39c)."""
        lead = self._lead("2026-11-03 09:00")
        self._mail_in(lead, "2026-11-03 09:00")
        self._mail_in(lead, "2026-11-03 09:30")
        self._message(lead, "2026-11-03 11:00", self.bob)
        self._mail_in(lead, "2026-11-04 09:00")
        self._derive()
        turns = self._rows(lead).filtered("is_turn")
        self.assertEqual(turns.mapped("reply_hours"), [2.0, False])
        self.assertEqual(turns[0].reply_user_id, self.bob)
        self.assertEqual(turns.mapped("turn_user_id"), self.bob | self.ann)
        lead.user_id = False
        self._derive()
        turns.invalidate_recordset()
        self.assertEqual([turn.turn_user_id for turn in turns], [self.bob, self.ann.browse()])

    def test_waiting_ends_with_the_lead(self):
        lead = self._lead("2026-11-03 09:00")
        self._derive()
        self.assertTrue(lead.kpi_response_waiting)
        lead.action_set_lost()
        self._derive()
        self.assertFalse(lead.kpi_response_waiting)
        lead.action_unarchive()
        self._derive()
        self.assertTrue(lead.kpi_response_waiting)

    def test_changed_target_applies_to_new_leads(self):
        """A changed target applies to new leads; answered leads keep their result."""
        lead = self._lead("2026-11-03 09:00")
        self._message(lead, "2026-11-03 09:30", self.ann)
        self._derive()
        self.company.kpi_lead_response_target_hours = 0.25
        self._mail_in(lead, "2026-11-03 10:00")
        young = self._lead("2026-11-03 09:00")
        self._message(young, "2026-11-03 09:30", self.ann)
        self._derive()
        self.assertTrue(lead.kpi_response_in_target)
        self.assertFalse(young.kpi_response_in_target)


@tagged("post_install", "-at_install")
class TestAttempts(InteractionCommon):
    """Attempts and replies: KPIs 13, 50 and 52 of docs/CATALOGUE.md."""

    def _history_of_example_50(self):
        one = self._lead("2026-11-01 08:00", by=self.ann)
        self._message(one, "2026-11-02 09:00", self.ann)
        self._message(one, "2026-11-02 09:10", self.bob)
        self._mail_in(one, "2026-11-03 09:00")
        self._done(one, "2026-11-04 09:00", self.ann, self.call)
        self._message(one, "2026-11-04 10:00", self.ann)
        self._message(one, "2026-11-06 10:00", self.ann)
        self._message(one, "2026-11-09 10:00", self.ann)
        text = self._message(one, "2026-11-11 10:00", self.ann)
        self.env.cr.execute(
            "UPDATE mail_message SET message_type = 'sms', subtype_id = %s WHERE id = %s",
            (self.note.id, text.id),
        )
        two = self._lead("2026-11-01 08:00", by=self.ann)
        for day in ("02", "03", "04"):
            self._message(two, f"2026-11-{day} 09:00", self.ann)
        self._done(two, "2026-11-05 09:00", self.ann, self.call)
        three = self._lead("2026-11-01 08:00", by=self.ann)
        return one, two, three

    def test_examples_50_and_52(self):
        one, two, three = self._history_of_example_50()
        with freeze_time("2026-11-21 12:00"):
            self.env["crm.lead"]._kpi_derive()
        leads = one | two | three
        attempts = self.env["crm.kpi.interaction"].search(
            [("is_attempt", "=", True), ("lead_id", "in", leads.ids)]
        )
        self.assertEqual(len(attempts), 10)
        self.assertEqual(len(attempts) / len(attempts.lead_id), 5)
        self.assertEqual(leads.mapped("kpi_attempt_count"), [6, 4, 0])
        self.assertEqual(leads.mapped("kpi_attempts_since_reply"), [5, 4, 0])
        self.assertEqual(leads.mapped("kpi_unresponsive"), [True, False, False])
        touched = leads.filtered("kpi_attempt_count")
        self.assertEqual(len(touched.filtered("kpi_unresponsive")) / len(touched), 0.5)
        # a day with two authors counts for the first
        day = attempts.filtered(lambda r: r.lead_id == one and r.day == date(2026, 11, 2))
        self.assertEqual(day.user_id, self.ann)
        self.assertEqual(one.kpi_first_attempt_user_id, self.ann)

    def test_grace(self):
        """A lead becomes unresponsive after the grace period, without an event; an answer ends it."""
        # the prospect has some days to answer the last attempt
        one = self._history_of_example_50()[0]
        Lead = self.env["crm.lead"]
        with freeze_time("2026-11-13 09:59"):
            Lead._kpi_derive()
            self.assertFalse(one.kpi_unresponsive)
            self.assertEqual(Lead._kpi_derive(), 0, "nothing to do")
        written = one.write_date
        with freeze_time("2026-11-13 10:00"):
            Lead._kpi_derive()
            self.assertTrue(one.kpi_unresponsive)
            self.assertGreater(one.write_date, written, "the refresh sees the change")
            self.assertEqual(Lead._kpi_derive(), 0, "nothing to do")
            self._mail_in(one, "2026-11-13 09:59")
            Lead._kpi_derive()
            self.assertFalse(one.kpi_unresponsive)
            self.assertEqual(one.kpi_attempts_since_reply, 0)

    def test_closed_leads_are_not_unresponsive(self):
        one = self._history_of_example_50()[0]
        with freeze_time("2026-11-21 12:00"):
            self.env["crm.lead"]._kpi_derive()
            one.action_set_lost()
            self.env["crm.lead"]._kpi_derive()
            self.assertFalse(one.kpi_unresponsive)
            one.action_unarchive()
            self.env["crm.lead"]._kpi_derive()
            self.assertTrue(one.kpi_unresponsive, "a restart resets nothing")

    def test_attempts_on_closed_leads(self):
        lead = self._lead("2026-11-01 08:00", by=self.ann)
        self._message(lead, "2026-11-02 09:00", self.ann)
        self._message(lead, "2026-11-04 09:00", self.ann)
        lead.action_set_lost()
        self._dates(lead, kpi_lost_date=dt("2026-11-03 09:00"))
        self.env["crm.lead"]._kpi_derive()
        self.assertEqual(self._rows(lead).mapped("is_attempt"), [True, False])

    def test_example_13(self):
        leads = self.env["crm.lead"]
        for days in (1, 3, 8, None):
            lead = self._lead("2026-11-01 08:00")
            self._mail_in(lead, "2026-11-01 08:00")  # the request is not an action
            self._message(lead, "2026-11-02 09:00", self.ann)
            if days:
                when = dt("2026-11-02 09:00") + timedelta(days=days)
                self._mail_in(lead, when.isoformat(" "))
            leads |= lead
        self.env["crm.lead"]._kpi_derive()
        acted = leads.filtered("kpi_first_action_date")
        days = [(r.kpi_first_action_date - r.kpi_first_attempt_date).days for r in acted]
        self.assertEqual(median(days), 3)
        self.assertEqual(len(acted) / len(leads), 0.75)

    def test_first_action_of_other_kinds(self):
        ordered = self._lead("2026-11-01 08:00", by=self.ann)
        self._message(ordered, "2026-11-02 09:00", self.ann)
        order = self.env["sale.order"].create(
            {"partner_id": self.customer.id, "opportunity_id": ordered.id}
        )
        self._dates(order, create_date=dt("2026-11-04 09:00"))
        converted = self._lead("2026-11-01 08:00", by=self.ann)
        self._message(converted, "2026-11-02 09:00", self.ann)
        converted.date_conversion = dt("2026-11-05 09:00")
        self.env["crm.lead"]._kpi_derive()
        self.assertEqual(ordered.kpi_first_action_date, dt("2026-11-04 09:00"))
        self.assertEqual(converted.kpi_first_action_date, dt("2026-11-05 09:00"))


@tagged("post_install", "-at_install")
class TestDerivedFieldsAreProtected(InteractionCommon):
    def test_users_cannot_write_them(self):
        lead = self._lead(by=self.ann)
        manager = new_test_user(
            self.env, "kpi_boss", groups="sales_team.group_sale_manager,base.group_system"
        )
        names = [
            name
            for name, field in self.env["crm.lead"]._fields.items()
            if name.startswith("kpi_") and field.readonly and field.store
        ]
        self.assertIn("kpi_origin", names)
        for user in (manager, self.env.ref("base.user_admin")):
            mine = lead.with_user(user)
            for name in names:
                with self.assertRaises(AccessError, msg=name) as caught:
                    mine.write({name: False})
                self.assertIn(name, str(caught.exception))
                with self.assertRaises(AccessError, msg=name):
                    mine.with_context(kpi_derive=True, su=True).web_save({name: False}, {})
            with self.assertRaises(AccessError):
                mine.create({"name": "x", "kpi_origin": "inbound"})
            with self.assertRaises(AccessError):
                self.env["crm.kpi.interaction"].with_user(user).create({"res_model": "crm.lead"})

    def test_defaults_do_not_set_them(self):
        manager = new_test_user(self.env, "kpi_boss", groups="sales_team.group_sale_manager")
        lead = (
            self.env["crm.lead"]
            .with_user(manager)
            .with_context(default_kpi_origin="inbound", default_kpi_attempt_count=9)
            .create({"name": "x"})
        )
        self.assertFalse(lead.kpi_origin)
        self.assertFalse(lead.kpi_attempt_count)

    def test_copies_do_not_have_them(self):
        lead = self._lead()
        self._message(lead, "2026-11-02 09:00", self.ann)
        self.env["crm.lead"]._kpi_derive()
        copy = lead.copy()
        self.assertFalse(copy.kpi_first_response_date or copy.kpi_attempt_count)

    def test_rights_on_interactions(self):
        rep = new_test_user(self.env, "kpi_rep", groups="sales_team.group_sale_salesman")
        whole = new_test_user(
            self.env, "kpi_whole", groups="sales_team.group_sale_salesman_all_leads"
        )
        mine, theirs = self._lead(by=self.ann, user_id=rep.id), self._lead(by=self.ann)
        self._message(mine, "2026-11-02 09:00", self.ann)
        self._message(theirs, "2026-11-02 09:00", self.ann)
        self._message(theirs, "2026-11-03 09:00", rep)
        self.env["crm.lead"]._kpi_derive()
        rows = self.env["crm.kpi.interaction"].search([("lead_id", "in", (mine | theirs).ids)])
        self.assertEqual(len(rows), 3)
        visible = self.env["crm.kpi.interaction"].with_user(rep).search([("id", "in", rows.ids)])
        self.assertEqual(len(visible), 2)
        self.assertEqual(
            self.env["crm.kpi.interaction"].with_user(whole).search_count([("id", "in", rows.ids)]),
            3,
        )
        with self.assertRaises(AccessError):
            self.env["crm.kpi.interaction"].with_user(self.portal).search([])
