# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Records of the past that are imported now: events have the dates of the import."""

from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged

from .common_history import HistoryCase, utc


@tagged("post_install", "-at_install")
class TestImportDates(HistoryCase):
    # --- LEADS ---

    def _closed(self, **values):
        with self.at("2026-10-01 08:00"):
            return self._lead(**values)

    def _lost_values(self, closed):
        return {"active": False, "probability": 0, "date_closed": closed}

    def test_won_and_lost_count_on_their_closing_date(self):
        won = self._closed(stage_id=self.stage_won.id, date_closed="2024-03-01 10:00:00")
        self.assertEqual(won.kpi_won_date, utc("2024-03-01 10:00"))
        self.assertEqual(won.kpi_won_user_id, self.ann)
        self.assertEqual(won.kpi_won_team_id, self.north)
        lost = self._closed(**self._lost_values("2024-05-01 10:00:00"))
        self.assertEqual(lost.won_status, "lost")
        self.assertEqual(lost.kpi_lost_date, utc("2024-05-01 10:00"))
        self.assertEqual(lost.kpi_lost_user_id, self.ann)

    def test_opportunity_began_before_it_was_imported(self):
        """Without the date of its conversion it began at its closing at the latest, and the
        length of its cycle is unknown."""
        won = {"stage_id": self.stage_won.id, "date_closed": "2024-03-11 10:00:00"}
        converted, unknown, contradicting, lead = (
            self._closed(**won, date_conversion="2024-03-01 10:00:00"),
            self._closed(**won),
            self._closed(**won, date_conversion="2024-04-01 10:00:00"),
            self._closed(**won, type="lead"),
        )
        self.assertEqual(converted.kpi_opportunity_date, utc("2024-03-01 10:00"))
        self.assertEqual(converted.kpi_sales_cycle_days, 10)
        for imported in unknown, contradicting:
            self.assertEqual(imported.kpi_opportunity_date, utc("2024-03-11 10:00"))
            self.assertIs(imported.kpi_sales_cycle_days, False)
            self.assertIs(imported.kpi_days_to_win, False)
        self.assertFalse(lead.kpi_opportunity_date)

    def test_history_of_imports_is_filled_in_alike(self):
        won = {"stage_id": self.stage_won.id, "date_closed": "2024-03-11 10:00:00"}
        imported = (
            self._closed(**won, date_conversion="2024-03-01 10:00:00")
            + self._closed(**won)
            + self._closed(**won, date_conversion="2024-04-01 10:00:00")
            + self._closed(**self._lost_values("2024-05-01 10:00:00"))
            + self._closed(stage_id=self.stage_won.id)
            + self._closed()
        )
        names = [name for stamp in imported._kpi_stamps for name in stamp.fields]
        names += ["kpi_sales_cycle_days", "kpi_days_to_win"]
        lived = [[lead[name] for name in names] for lead in imported]
        imported._kpi_stamp(dict.fromkeys(names, False))
        self.env.flush_all()
        imported._kpi_backfill_stamps(min(imported.ids), max(imported.ids), renew=True)
        imported.invalidate_recordset()
        for lead, expected in zip(imported, lived, strict=True):
            for name, value in zip(names, expected, strict=True):
                with self.subTest(lead=lead.id, name=name):
                    filled = lead[name]
                    if imported._fields[name].type == "datetime" and filled:
                        filled = filled.replace(microsecond=0)
                    self.assertEqual(filled, value)

    def test_import_of_a_file(self):
        with self.at("2026-10-01 08:00"):
            result = (
                self.env["crm.lead"]
                .with_user(self.ann)
                .load(
                    ["name", "type", "stage_id", "active", "probability", "date_closed"],
                    [
                        [
                            "Old deal",
                            "opportunity",
                            "History won",
                            "1",
                            "100",
                            "2024-03-01 10:00:00",
                        ],
                        ["Old loss", "opportunity", "History new", "0", "0", "2024-05-01 10:00:00"],
                        ["Open", "opportunity", "History new", "1", "10", ""],
                    ],
                )
            )
        self.assertFalse(result["messages"])
        won, lost, pending = self.env["crm.lead"].browse(result["ids"])
        self.assertEqual(won.kpi_won_date, utc("2024-03-01 10:00"))
        self.assertEqual(lost.kpi_lost_date, utc("2024-05-01 10:00"))
        self.assertFalse(pending.kpi_won_date or pending.kpi_lost_date)
        self.assertEqual(pending.kpi_opportunity_date, utc("2026-10-01 08:00"))

    def test_closing_dates_in_the_future_and_of_open_leads(self):
        future = self._closed(stage_id=self.stage_won.id, date_closed="2027-01-01 08:00:00")
        self.assertEqual(future.kpi_won_date, utc("2026-10-01 08:00"))
        pending = self._closed(date_closed="2024-01-01 08:00:00")
        self.assertFalse(pending.kpi_won_date)
        self.assertEqual(pending.kpi_opportunity_date, utc("2026-10-01 08:00"))

    def test_events_after_the_import_have_their_own_dates(self):
        lead = self._closed(stage_id=self.stage_won.id, date_closed="2024-03-01 10:00:00")
        with self.at("2026-10-02 08:00"):
            lead.write({"stage_id": self.stage_new.id, "probability": 20})
        self.assertFalse(lead.kpi_won_date)
        with self.at("2026-10-03 08:00"):
            lead.action_set_won()
        self.assertEqual(lead.kpi_won_date, utc("2026-10-03 08:00"))
        with self.at("2026-10-04 08:00"):
            lead.write({"stage_id": self.stage_new.id, "probability": 20})
            lead.action_set_lost()
        with self.at("2026-10-05 08:00"):
            lead.action_restore()
        with self.at("2026-10-06 08:00"):
            lead.probability = 30
            lead.action_archive()
        self.assertFalse(lead.kpi_lost_date)
        with self.at("2026-10-07 08:00"):
            lead.probability = 0
        self.assertEqual(lead.kpi_lost_date, utc("2026-10-07 08:00"), "archived earlier, lost now")

    def test_import_of_existing_leads(self):
        """A sales administrator may write the date with the state; other users may not."""
        manager = new_test_user(
            self.env,
            "history_manager",
            groups="sales_team.group_sale_manager",
            company_id=self.company.id,
            company_ids=self.company.ids,
        )
        for user, won_at, lost_at in (
            (manager, "2026-02-01 10:00", "2026-03-01 10:00"),
            (self.ann, "2026-10-02 08:00", "2026-10-02 08:00"),
        ):
            won = self._closed().with_user(user)
            lost = self._closed().with_user(user)
            with self.subTest(user=user.name), self.at("2026-10-02 08:00"):
                won.write({"stage_id": self.stage_won.id, "date_closed": "2026-02-01 10:00:00"})
                lost.write(self._lost_values("2026-03-01 10:00:00"))
            self.assertEqual(won.kpi_won_date, utc(won_at))
            self.assertEqual(lost.kpi_lost_date, utc(lost_at))
            with self.at("2026-10-03 08:00"):
                won.write({"date_closed": "2025-01-01 08:00:00"})
            self.assertEqual(won.kpi_won_date, utc(won_at), "only with the event")

    # --- STAGES ---

    def test_a_stage_that_becomes_won_later_wins_nothing_today(self):
        """Won since each entered the stage: created in it, moved into it, moved twice."""
        with self.at("2026-08-01 08:00"):
            stage = self.env["crm.stage"].create({"name": "Signed", "sequence": 40})
            created = self._lead(stage_id=stage.id)
            moved, twice = self._lead(), self._lead()
            imported = self._lead(stage_id=stage.id, date_closed="2024-03-01 10:00:00")
            still_won = self._lead(stage_id=self.stage_won.id)
        with self.at("2026-08-10 08:00"):
            (moved + twice).stage_id = stage
        with self.at("2026-08-11 08:00"):
            twice.stage_id = self.stage_new
        with self.at("2026-08-20 08:00"):
            twice.stage_id = stage
        with self.at("2026-10-05 08:00"):
            stage.is_won = True
        for lead, date in (
            (created, "2026-08-01 08:00"),
            (moved, "2026-08-10 08:00"),
            (twice, "2026-08-20 08:00"),
            (imported, "2024-03-01 10:00"),
        ):
            self.assertEqual(lead.won_status, "won")
            self.assertEqual(lead.kpi_won_date, utc(date))
            self.assertEqual(lead.kpi_won_user_id, self.ann)
        self.assertEqual(created.kpi_days_to_win, 0)
        self.assertEqual(moved.kpi_days_to_win, 9)
        with self.at("2026-10-06 08:00"):
            stage.write({"is_won": True, "name": "Signed and filed"})
            later = self._lead()
        with self.at("2026-10-07 08:00"):
            later.stage_id = stage
        self.assertEqual(moved.kpi_won_date, utc("2026-08-10 08:00"))
        self.assertEqual(later.kpi_won_date, utc("2026-10-07 08:00"))
        self.assertEqual(still_won.kpi_won_date, utc("2026-08-01 08:00"))

    def test_a_won_stage_switched_off_and_on_keeps_the_tracked_dates(self):
        """Won in August, paid in September: the win is the tracked change of August."""
        tracked = self.env(context={**self.env.context, "tracking_disable": False})
        with self.at("2026-08-01 08:00"):
            lead = self._lead().with_env(tracked)
        self.env.cr.precommit.run()
        for day, stage in ("2026-08-10", self.stage_won), ("2026-09-10", self.stage_paid):
            with self.at(f"{day} 08:00"):
                lead.stage_id = stage
                self.env.flush_all()
                self.env.cr.precommit.run()
            self.env.cr.execute(
                "UPDATE mail_tracking_value SET create_date = %s WHERE create_date >= %s"
                " AND mail_message_id IN (SELECT id FROM mail_message WHERE model = 'crm.lead'"
                " AND res_id = %s) AND new_value_integer = %s",
                [utc(f"{day} 08:00"), utc("2026-01-01"), lead.id, stage.id],
            )
        self.assertEqual(lead.kpi_won_date, utc("2026-08-10 08:00"))
        with self.at("2026-10-01 08:00"):
            self.stage_paid.is_won = False
            lead.probability = 50
        self.assertFalse(lead.kpi_won_date)
        with self.at("2026-10-02 08:00"):
            self.stage_paid.is_won = True
        self.assertEqual(lead.kpi_won_date, utc("2026-08-10 08:00"))

    # --- ORDERS ---

    def test_orders_in_one_and_in_two_steps(self):
        customer = self._customer()
        with self.at("2026-10-01 08:00"):
            at_once = self._order(customer, "2024-03-01 10:00:00", user=self.ann)
            in_steps = self._order(customer, "2024-03-02 10:00:00", state="draft", user=self.ann)
            sent = self._order(customer, "2024-03-03 10:00:00", state="sent", user=self.ann)
            confirmed = self._order(customer, "2024-03-04 10:00:00", state="draft", user=self.ann)
            in_steps.write({"state": "sale"})
            confirmed.action_confirm()
            self.assertEqual(confirmed.kpi_first_confirm_date, utc("2026-10-01 08:00"))
            confirmed.write({"date_order": "2024-03-04 10:00:00"})
        for order, day in (at_once, 1), (in_steps, 2), (confirmed, 4):
            self.assertEqual(order.kpi_first_confirm_date, utc(f"2024-03-0{day} 10:00"))
            self.assertEqual(order.kpi_sent_date, utc(f"2024-03-0{day} 10:00"))
            self.assertEqual(order.date_order, utc(f"2024-03-0{day} 10:00"))
            self.assertEqual(order.kpi_confirm_user_id, self.ann)
        self.assertEqual(sent.kpi_sent_date, utc("2024-03-03 10:00"))
        with self.at("2026-10-02 08:00"):
            sent.write({"state": "sale"})
        self.assertEqual(sent.kpi_first_confirm_date, utc("2026-10-02 08:00"), "known as sent")

    def test_import_of_a_file_of_orders(self):
        customer = self._customer()
        with self.at("2026-10-01 08:00"):
            result = self.env["sale.order"].load(
                ["partner_id/.id", "state", "date_order", "user_id/.id"],
                [
                    [str(customer.id), "sale", "2024-03-01 10:00:00", str(self.ann.id)],
                    [str(customer.id), "sent", "2024-04-01 10:00:00", str(self.ann.id)],
                ],
            )
        self.assertFalse(result["messages"])
        order, quotation = self.env["sale.order"].browse(result["ids"])
        self.assertEqual(order.kpi_first_confirm_date, utc("2024-03-01 10:00"))
        self.assertEqual(order.kpi_confirm_user_id, self.ann)
        self.assertEqual(quotation.kpi_sent_date, utc("2024-04-01 10:00"))
        self.assertFalse(quotation.kpi_first_confirm_date)

    def test_salespeople_do_not_move_confirmed_orders(self):
        order = self._order(self._customer(), "2026-09-01 10:00:00", user=self.ann)
        own = order.with_user(self.ann)
        with self.assertRaisesRegex(AccessError, "order date of a confirmed order"):
            own.write({"date_order": "2026-08-01 10:00:00"})
        own.write({"date_order": "2026-09-01 10:00:00"})
        quotation = self._order(self._customer(), "2026-09-01", state="draft", user=self.ann)
        quotation.with_user(self.ann).write({"date_order": "2026-09-02 10:00:00"})
        with self.at("2026-09-03 08:00"):
            quotation.with_user(self.ann).action_confirm()
        self.assertEqual(quotation.kpi_first_confirm_date, utc("2026-09-03 08:00"))
