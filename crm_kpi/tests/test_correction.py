# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Corrections of credit: what they change, what they leave behind, and who may make them."""

from odoo import fields
from odoo.exceptions import UserError, ValidationError
from odoo.tests import Form, freeze_time, new_test_user, tagged

from .common import KpiCommon
from .common_history import HistoryCase, utc
from .test_rights import RemoteError, RightsCase


@tagged("post_install", "-at_install")
class TestCorrection(HistoryCase):
    def _correct(self, records, reason="Wrong salesperson chosen", **changes):
        """Through the wizard, as the form does it."""
        wizard = self.env["crm.kpi.correct"].with_context(
            active_model=records._name, active_ids=records.ids
        )
        values = {"reason": reason}
        for part, value in changes.items():
            name = "date" if part == "date" else f"{part}_id"
            values[f"change_{part}"] = True
            values[name] = value if part == "date" else value.id
        wizard.create(values).action_apply()

    def _notes(self, record):
        return "\n".join(record.message_ids.mapped("body"))

    def test_win(self):
        with self.at("2026-09-01 08:00"):
            lead = self._lead()
        with self.at("2026-09-10 08:00"):
            lead.action_set_won()
        with self.at("2026-10-05 08:00"):
            self._correct(
                lead,
                reason=" Bob <made> the deal ",
                user=self.bob,
                team=self.south,
                date="2026-08-31 08:00:00",
            )
        self.assertEqual(lead.kpi_won_date, utc("2026-08-31 08:00"))
        self.assertEqual(lead.kpi_won_user_id, self.bob)
        self.assertEqual(lead.kpi_won_team_id, self.south)
        self.assertEqual(lead.user_id, self.ann, "the present salesperson stays")
        self.assertIs(lead.kpi_days_to_win, False, "won before its creation")
        note = self._notes(lead)
        for text in ("Bob &lt;made&gt; the deal", "Ann → Bob", "North → South"):
            self.assertIn(text, note)
        self.assertTrue(lead.message_ids[:1].is_internal or lead.message_ids[:1].subtype_id)
        logged = self.env["crm.kpi.correction"].search([("res_id", "=", lead.id)])
        self.assertEqual(logged.reason, "Bob <made> the deal")
        self.assertEqual(logged.corrector_id, self.env.user)
        self.assertEqual(
            (logged.date_before, logged.date_after),
            (utc("2026-09-10 08:00"), utc("2026-08-31 08:00")),
        )
        self.assertEqual((logged.user_before_id, logged.user_after_id), (self.ann, self.bob))
        self.assertEqual((logged.team_before_id, logged.team_after_id), (self.north, self.south))
        # the correction lasts
        with self.at("2026-10-06 08:00"):
            lead.write({"user_id": self.ann.id, "stage_id": self.stage_paid.id})
        self.assertEqual(lead.kpi_won_user_id, self.bob)
        self.assertEqual(lead.kpi_won_date, utc("2026-08-31 08:00"))

    def test_only_what_is_chosen_changes(self):
        with self.at("2026-09-10 08:00"):
            lead = self._lead(stage_id=self.stage_won.id)
        with self.at("2026-10-05 08:00"):
            self._correct(lead, user=self.env["res.users"])
        self.assertFalse(lead.kpi_won_user_id, "Unassigned")
        self.assertEqual(lead.kpi_won_team_id, self.north)
        self.assertEqual(lead.kpi_won_date, utc("2026-09-10 08:00"))
        self.assertIn("Ann → Unassigned", self._notes(lead))

    def test_loss(self):
        with self.at("2026-09-10 08:00"):
            lead = self._lead()
            lead.action_set_lost()
        with self.at("2026-10-05 08:00"):
            self._correct(lead, user=self.bob, date="2026-09-09 08:00:00")
        self.assertEqual(lead.kpi_lost_user_id, self.bob)
        self.assertEqual(lead.kpi_lost_date, utc("2026-09-09 08:00"))
        self.assertFalse(lead.kpi_won_date)

    def test_order(self):
        """The order date moves, and with it the place among the orders of the customer."""
        customer = self._customer()
        first = self._order(customer, "2026-05-10 08:00:00", user=self.ann)
        second = self._order(customer, "2026-06-10 08:00:00", user=self.ann)
        with self.at("2026-10-05 08:00"):
            self._correct(second, user=self.bob, team=self.south, date="2026-04-10 08:00:00")
            self._derive_orders()
        for name in "date_order", "kpi_first_confirm_date", "kpi_sent_date":
            self.assertEqual(second[name], utc("2026-04-10 08:00"))
        self.assertEqual(second.kpi_confirm_user_id, self.bob)
        self.assertEqual(second.kpi_confirm_team_id, self.south)
        self.assertEqual(second.user_id, self.ann)
        self.assertEqual((second.kpi_order_no, first.kpi_order_no), (1, 2))
        self.assertIn("Ann → Bob", self._notes(second))
        self.assertNotIn("Ann → Bob", self._notes(first))

    def test_form(self):
        """Opened on one win, the form shows its credit; several records have no values."""
        manager = new_test_user(
            self.env,
            "history_corrector",
            groups="sales_team.group_sale_manager",
            company_id=self.company.id,
            company_ids=self.company.ids,
        )
        with self.at("2026-09-10 08:00"):
            leads = self._lead(stage_id=self.stage_won.id) + self._lead(stage_id=self.stage_won.id)
        wizard = self.env["crm.kpi.correct"].with_user(manager)
        with (
            self.at("2026-10-05 08:00"),
            Form(wizard.with_context(active_model="crm.lead", active_ids=leads[:1].ids)) as form,
        ):
            self.assertEqual(form.records_text, "Deal")
            form.change_user = form.change_date = True
            self.assertEqual(form.user_id, self.ann)
            self.assertEqual(form.date, utc("2026-09-10 08:00"))
            form.user_id = self.bob
            form.reason = "Bob signed it"
        form.record.action_apply()
        self.assertEqual(leads.mapped("kpi_won_user_id"), self.bob + self.ann)
        form = Form(wizard.with_context(active_model="crm.lead", active_ids=leads.ids))
        self.assertEqual(form.records_text, "Deal\nDeal")
        form.change_user = True
        self.assertFalse(form.user_id)

    def test_several_records_at_once(self):
        with self.at("2026-09-10 08:00"):
            leads = self._lead(stage_id=self.stage_won.id) + self._lead(
                stage_id=self.stage_won.id, user_id=self.bob.id
            )
        with self.at("2026-10-05 08:00"):
            self._correct(leads, user=self.bob)
        self.assertEqual(leads.kpi_won_user_id, self.bob)
        logged = self.env["crm.kpi.correction"].search([("res_id", "in", leads.ids)])
        self.assertEqual(logged.mapped("res_id"), leads[:1].ids, "the other one was right")

    def test_refused(self):
        other = self.env["res.company"].create({"name": "Elsewhere"})
        with self.at("2026-09-10 08:00"):
            lead = self._lead(stage_id=self.stage_won.id)
            pending = self._lead()
            quotation = self._order(self._customer(), "2026-09-10", state="sent")
        stranger = self.ann.copy({"login": "stranger", "company_ids": other.ids,
                                  "company_id": other.id})  # fmt: skip
        portal = self.env["res.users"].create(
            {
                "name": "Portal",
                "login": "portal_credit",
                "group_ids": self.env.ref("base.group_portal").ids,
            }
        )
        team = self.env["crm.team"].create({"name": "Foreign", "company_id": other.id})
        for records, changes, message in (
            (lead, {"user": self.bob, "reason": "  "}, "Reason"),
            (lead, {}, "Choose what to change"),
            (lead, {"date": "2026-10-06 08:00:00"}, "future"),
            (lead, {"date": False}, "Date"),
            (lead, {"user": stranger}, "does not belong"),
            (lead, {"user": portal}, "internal user"),
            (lead, {"team": team}, "does not belong"),
            (pending, {"user": self.bob}, "no credit to correct"),
            (quotation, {"user": self.bob}, "no credit to correct"),
            (lead.browse(), {"user": self.bob}, "Choose opportunities"),
            (self.env["res.partner"].search([], limit=1), {"user": self.bob}, "Choose opp"),
        ):
            with (
                self.subTest(message=message, changes=changes),
                self.at("2026-10-05 08:00"),
                self.assertRaisesRegex((UserError, ValidationError), message),
            ):
                self._correct(records, **changes)
        self.assertEqual(lead.kpi_won_user_id, self.ann)
        self.assertFalse(self.env["crm.kpi.correction"].search([("res_id", "=", lead.id)]))


@tagged("post_install", "-at_install")
class TestCorrectionOfLockedPeriods(KpiCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.source.write(
            {
                "date_field": "kpi_won_date",
                "user_field": "kpi_won_user_id",
                "team_field": "kpi_won_team_id",
            }
        )
        cls.won = cls.make_kpi("won")
        cls.share = cls.make_kpi("share", kind="formula", formula="test_won * 2")
        cls.stage = cls.env["crm.stage"].create({"name": "Won", "is_won": True})

    def _restated(self, month, kpi=None):
        """Newest restatements of a month: dict of the owner to values and reason."""
        lines = self.env["crm.kpi.restatement"].search(
            [("period_id", "=", month.id), ("kpi_id", "=", (kpi or self.won).id)], order="id"
        )
        return {
            (line.level, line.user_id.name or line.team_id.name or ""): (
                line.value_locked or 0,
                line.value_now or 0,
                line.reason,
                line.note or "",
            )
            for line in lines
        }

    def _win(self, date, user):
        return self.make_lead(
            "2026-01-10 12:00:00",
            stage_id=self.stage.id,
            user_id=user.id,
            team_id=user.sale_team_id.id,
            kpi_won_date=date,
            kpi_won_user_id=user.id,
            kpi_won_team_id=user.sale_team_id.id,
        )

    def test_restatement_with_the_reason(self):
        """Ann 2, Bob 1 in May. One win of Ann becomes Cid's (South), then moves to June."""
        with freeze_time("2026-12-15 10:00:00"):
            lead = self._win("2026-05-10 12:00:00", self.ann)
            self._win("2026-05-11 12:00:00", self.ann)
            self._win("2026-05-12 12:00:00", self.bob)
            self.kpis._refresh(kpis=self.won | self.share)
        may = self.period("month", "2026-05-10")
        june = self.period("month", "2026-06-10")
        self.assertEqual((may.state, june.state), ("locked", "locked"))
        correction = self.env["crm.kpi.correction"]
        with freeze_time("2026-12-15 11:00:00"):
            correction._correct(lead, {"user": self.cid, "team": self.south}, "Cid closed it")
        with freeze_time("2026-12-15 11:30:00"):
            self.kpis._refresh(kpis=self.won | self.share)
        self.assertEqual(self.value(self.won, may, "user", user_id=self.ann), 2, "as reported")
        why = ("correction", "Cid closed it")
        self.assertEqual(
            self._restated(may),
            {
                ("user", "Ann"): (2, 1, *why),
                ("user", "Cid"): (0, 1, *why),
                ("team", "North"): (3, 2, *why),
                ("team", "South"): (0, 1, *why),
            },
        )
        self.assertEqual(self._restated(may, self.share)["user", "Ann"], (4, 2, *why))
        self.assertFalse(self._restated(june))
        with freeze_time("2026-12-15 12:00:00"):
            moved = {"date": fields.Datetime.to_datetime("2026-06-02 12:00:00")}
            correction._correct(lead, moved, "Signed in June")
        with freeze_time("2026-12-15 12:30:00"):
            self.kpis._refresh(kpis=self.won | self.share)
        why = ("correction", "Signed in June")
        self.assertEqual(self._restated(may)["company", ""], (3, 2, *why))
        self.assertEqual(self._restated(may)["user", "Cid"], (0, 0, *why))
        self.assertEqual(self._restated(may)["user", "Ann"][3], "Cid closed it")
        self.assertEqual(self._restated(june)["company", ""], (0, 1, *why))
        # what is entered late afterwards is not a correction
        with freeze_time("2026-12-15 13:00:00"):
            self._win("2026-05-20 12:00:00", self.bob)
            self.kpis._refresh(kpis=self.won | self.share)
        self.assertEqual(self._restated(may)["user", "Bob"], (1, 2, "late", ""))
        self.assertEqual(self._restated(may)["company", ""], (3, 3, "late", ""))

    def test_running_periods_follow(self):
        with freeze_time("2026-12-15 10:00:00"):
            lead = self._win("2026-12-10 12:00:00", self.ann)
            self.kpis._refresh(kpis=self.won)
            self.env["crm.kpi.correction"]._correct(lead, {"user": self.bob}, "Bob's")
            self.kpis._refresh(kpis=self.won)
        december = self.period("month", "2026-12-10")
        self.assertEqual(self.value(self.won, december, "user", user_id=self.ann), 0)
        self.assertEqual(self.value(self.won, december, "user", user_id=self.bob), 1)
        self.assertFalse(self._restated(december))


@tagged("post_install", "-at_install")
class TestCorrectionRights(RightsCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.only_kpi = cls.make_user(
            "only_kpi", "crm_kpi.group_kpi_manager", "sales_team.group_sale_salesman_all_leads"
        )
        cls.logins["only_kpi"] = cls.only_kpi.login
        stage = cls.env["crm.stage"].create({"name": "Won", "is_won": True})
        cls.lead = cls.make_lead(
            "2026-03-10 10:00:00", stage_id=stage.id, user_id=cls.ann.id, team_id=cls.north.id
        )

    def _try(self, role, user):
        values = {
            "res_model": "crm.lead",
            "res_ids": self.lead.ids,
            "change_user": True,
            "user_id": user.id,
            "reason": "Wrong person",
        }
        [wizard] = self.rpc(role, "crm.kpi.correct", "create", [values])
        self.rpc(role, "crm.kpi.correct", "action_apply", [wizard])

    def test_roles(self):
        for role in "portal", "ann", "all", "foreign":
            with self.subTest(role=role):
                with self.assertRaises(RemoteError):
                    self._try(role, self.bob)
                self.lead.invalidate_recordset()
                self.assertEqual(self.lead.kpi_won_user_id, self.ann)
        for role, user in ("manager", self.bob), ("only_kpi", self.cid):
            with self.subTest(role=role):
                self._try(role, user)
                self.lead.invalidate_recordset()
                self.assertEqual(self.lead.kpi_won_user_id, user)
                note = self.lead.message_ids[:1]
                self.assertIn("Wrong person", note.body)
                self.assertEqual(note.author_id, getattr(self, role).partner_id)

    def test_other_ways(self):
        """No user writes the stamps or the log, or uses the wizard of another user."""
        values = {
            "res_model": "crm.lead",
            "res_id": self.lead.id,
            "reason": "Forged",
            "date_before": "2026-01-01 08:00:00",
            "date_after": "2026-01-02 08:00:00",
        }
        wizard = (
            self.env["crm.kpi.correct"]
            .with_user(self.manager)
            .create(
                {
                    "res_model": "crm.lead",
                    "res_ids": self.lead.ids,
                    "change_user": True,
                    "user_id": self.bob.id,
                    "reason": "Mine",
                }
            )
        )
        for role in "ann", "all", "manager", "kpi_admin", "only_kpi":
            for model, method, *args in (
                ("crm.lead", "write", self.lead.ids, {"kpi_won_user_id": self.bob.id}),
                ("crm.kpi.correction", "create", [values]),
                ("crm.kpi.correction", "_correct", self.lead.ids, {}, "x"),
                ("crm.lead", "_kpi_stamp", self.lead.ids, {"kpi_won_user_id": self.bob.id}),
                *([("crm.kpi.correct", "action_apply", wizard.ids)] if role != "manager" else []),
            ):
                with (
                    self.subTest(role=role, model=model, method=method),
                    self.assertRaises(RemoteError),
                ):
                    self.rpc(role, model, method, *args)
        self.lead.invalidate_recordset()
        self.assertEqual(self.lead.kpi_won_user_id, self.ann)
